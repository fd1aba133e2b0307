/*
 * What both halves of the catalogue (catalog.h, sso_catalog.h) do alike: compare objects, find them by key,
 * raise the version. Private to src/store.
 */
#ifndef STORE_CATALOG_DIFF_H
#define STORE_CATALOG_DIFF_H

#include "base/buf.h"
#include "store/db.h"

#include <stddef.h>
#include <stdint.h>

/* Two objects are the same when their forms are: every field in order, text behind its length. */
#define CATALOG_FORM_MAX ((size_t)4 << 20)
void catalog_form_text(struct buf *form, struct str field);
void catalog_form_int(struct buf *form, int64_t number);
bool catalog_form_is_same(const struct buf *a, const struct buf *b);

struct catalog_key {
    struct str name;
    size_t index; /* of the object, in its own array */
};

struct catalog_keys {
    struct catalog_key *items;
    size_t count;
};

struct catalog_keys catalog_keys_sort(struct catalog_key *items, size_t count);
/* NULL when it is not there. */
const struct catalog_key *catalog_keys_find(struct catalog_keys keys, struct str name);
/* A key that is there twice; NULL when there is none. */
const struct catalog_key *catalog_keys_twin(struct catalog_keys keys);

/* Makes imports on two nodes go one after the other, from here to the end of the transaction. */
enum outcome catalog_lock(struct db *db) MUST_CHECK;
/* After `changed` objects changed: the version rises and the audit trail says so. */
enum outcome catalog_raise(struct db *db, struct arena *arena, const char *node, const char *actor,
                           int64_t changed, int64_t now) MUST_CHECK;

#endif
