/*
 * Taking away rows whose time has passed, a bounded number at a time and each statement in a transaction of
 * its own, so that no other writer waits for all of it. For the verbs in this directory.
 */
#ifndef STORE_PURGE_H
#define STORE_PURGE_H

#include "store/store.h"

/* `sql` is a literal that takes the time as $1 and the number of rows as $2. Adds the rows changed to
 * *deleted. */
enum outcome purge_rows(struct store *store, const char *verb, const char *sql, int64_t before, int limit,
                        int64_t *deleted) MUST_CHECK;

#endif
