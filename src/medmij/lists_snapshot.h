/*
 * A consistent view of the four lists. Made by lists.c, which alone knows when one replaces another;
 * immutable, so every look-up in it is free of locks. Snapshots are counted references and share the
 * documents that did not change.
 */
#ifndef MEDMIJ_LISTS_SNAPSHOT_H
#define MEDMIJ_LISTS_SNAPSHOT_H

#include "medmij/lists_parse.h"

struct lists_snapshot {
    atomic_uint references;
    struct list_document *documents[LIST_KINDS]; /* NULL = never loaded */
    int64_t fetched_at[LIST_KINDS];
    int64_t max_age_s;
};

/* A copy of `from` (NULL = an empty one) with one reference. */
struct lists_snapshot *lists_snapshot_copy(const struct lists_snapshot *from, int64_t max_age_s);
/* Replaces one document; only before the snapshot is shared. Takes over the caller's reference. */
void lists_snapshot_put(struct lists_snapshot *snapshot, enum list_kind kind, struct list_document *document,
                        int64_t fetched_at);
bool lists_snapshot_is_fresh(const struct lists_snapshot *snapshot, enum list_kind kind, int64_t now);

#endif
