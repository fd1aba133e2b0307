/*
 * Sealed columns that may be empty: an empty value is NULL in the row (db_bind_blob_or_null). Private to
 * src/store.
 *
 * Sealing and opening happen outside the transaction: in group commit the leader's time is everybody's.
 */
#ifndef STORE_SEALED_H
#define STORE_SEALED_H

#include "store/db.h"
#include "store/store.h"

/* Empty stays empty. The context is "table.column". */
struct str sealed_close(struct store *store, struct arena *arena, const char *context, struct str value);
/* Opens *value in place; on FAILED it is empty. */
enum outcome sealed_open(struct store *store, struct arena *arena, const char *context,
                         struct str *value) MUST_CHECK;
/* A column of a row that is never empty. One that does not open makes the query fail; the fault tells which
 * key it was sealed with when that is not here. */
struct str sealed_column(struct db_query *query, int column, const struct vault *vault, struct arena *arena,
                         const char *context);

#endif
