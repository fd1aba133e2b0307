/*
 * Brings in the bytes of a list, from its URL or its file. Blocks; the refresher's thread only.
 */
#ifndef MEDMIJ_LISTS_FETCH_H
#define MEDMIJ_LISTS_FETCH_H

#include "medmij/lists.h"

#define LIST_CONNECT_TIMEOUT_MS 5000
#define LIST_TOTAL_TIMEOUT_MS 20000

/* OK with the bytes in the arena, at most settings->size_max, or FAILED. */
enum outcome list_fetch(struct arena *arena, const struct lists_settings *settings, enum list_kind kind,
                        struct str *out_xml, struct failure *failure) MUST_CHECK;

#endif
