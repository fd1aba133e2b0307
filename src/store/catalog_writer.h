/*
 * How business data come to be written, of whichever door they are: objects of kinds, each known by its id,
 * compared with what is stored, put when they differ, removed when they are pruned. A door tells its kinds in
 * a table. Private to src/store; a change belongs to the thread that runs the work.
 */
#ifndef STORE_CATALOG_WRITER_H
#define STORE_CATALOG_WRITER_H

#include "store/catalog_diff.h"
#include "store/db.h"
#include "store/store.h"

#include <stddef.h>

#define CATALOG_KINDS_MAX 8

/* What an object is known by, the widest part first: customer and name; platform, environment and slug. */
struct catalog_id {
    struct str parts[3];
    size_t count;
};

struct catalog_change;

struct catalog_kind {
    const char *noun;
    size_t items, count, size;   /* CATALOG_OBJECTS */
    size_t parts[3], part_count; /* CATALOG_ID_n: the fields that are its id */
    struct catalog_id (*id)(struct arena *arena,
                            const void *object); /* where not all are fields; else NULL */
    /* Every field that is not in the id and that the store does not set by itself (catalog_diff.h). */
    void (*form)(struct buf *form, const void *object);
    /* The object with what the store knows and the data need not say; `old` is NULL when it is new. Where
     * there is no such thing, NULL. */
    const void *(*complete)(const struct catalog_change *change, const void *object, const void *old);
    enum outcome (*put)(struct db *db, const struct vault *vault, struct arena *arena, const void *object);
    const char *removal[6]; /* statements one after the other; the id's parts are $1, $2, $3 */
};

/* Where a door's data hold the objects of a kind: an array and its length. */
#define CATALOG_OBJECTS(type, array, length)                                                                 \
    .items = offsetof(type, array), .count = offsetof(type, length), .size = sizeof *((type *)NULL)->array

#define CATALOG_ID_1(type, a) .parts = {offsetof(type, a)}, .part_count = 1
#define CATALOG_ID_2(type, a, b) .parts = {offsetof(type, a), offsetof(type, b)}, .part_count = 2
#define CATALOG_ID_3(type, a, b, c)                                                                          \
    .parts = {offsetof(type, a), offsetof(type, b), offsetof(type, c)}, .part_count = 3

struct catalog_door {
    const struct catalog_kind *const *kinds; /* an object may name those of an earlier kind */
    size_t kind_count;
    size_t data_size;
    const char *read_verb;
    enum outcome (*read)(struct db *db, const struct vault *vault, struct arena *arena, void *out_data);
    /* ABSENT, having refused, when the data do not fit together. */
    enum outcome (*check)(struct db *db, const struct catalog_change *change);
};

struct catalog_change {
    const struct catalog_door *door;
    const void *data;
    bool is_pruning, is_dry_run;
    int64_t now;
    const struct vault *vault;
    struct arena *arena;
    struct arena *scratch; /* emptied for each comparison: logos add up */
    struct failure *failure;

    /* Set by the writer. */
    void *current;
    struct catalog_keys new_keys[CATALOG_KINDS_MAX], old_keys[CATALOG_KINDS_MAX]; /* by kind */
    int64_t changed;                                                              /* objects that differ */
};

extern const struct catalog_door catalog_patient_door; /* struct catalog_data */
extern const struct catalog_door catalog_sso_door;     /* struct sso_data */

/* Within a transaction that has catalog_lock. First what is stored is read, compared and checked: ABSENT when
 * the data were refused, nothing having been written by then. Then it is written, or counted on a dry run. */
enum outcome catalog_change_prepare(struct db *db, struct catalog_change *change) MUST_CHECK;
enum outcome catalog_change_write(struct db *db, struct catalog_change *change) MUST_CHECK;

/* All of a door's data, in one snapshot. */
enum outcome catalog_door_read(struct store *store, const struct catalog_door *door, struct arena *arena,
                               void *out_data) MUST_CHECK;

/* ---- for the checks of a door ---- */

struct catalog_id catalog_id_of(struct arena *arena, const struct catalog_kind *kind, const void *object);
struct str catalog_key_of(struct arena *arena, struct catalog_id id);
/* Will this object be there once the data are written? */
bool catalog_change_leaves(const struct catalog_change *change, size_t kind, struct str key);
/* Says "group Verpleging of zonnestraaltjes " and why; ABSENT. */
enum outcome catalog_change_refuse(const struct catalog_change *change, size_t kind, struct catalog_id id,
                                   const char *why) MUST_CHECK;

#endif
