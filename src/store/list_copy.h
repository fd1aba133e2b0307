/*
 * Last good copies of the MedMij lists (spec 7.5: kept between starts, shared by nodes).
 */
#ifndef STORE_LIST_COPY_H
#define STORE_LIST_COPY_H

#include "base/arena.h"
#include "base/str.h"
#include "store/store.h"

enum outcome list_copy_load(struct store *store, const char *kind, struct arena *arena, struct str *out_xml,
                            int64_t *out_fetched_at) MUST_CHECK;
/* Keeps the copy with the highest volgnummer; the same number only refreshes fetched_at; a lower one changes
 * nothing. */
enum outcome list_copy_save(struct store *store, const char *kind, int64_t volgnummer, struct str xml,
                            int64_t fetched_at) MUST_CHECK;

#endif
