/*
 * How objects of the business data are compared, and found by their key. Private to src/store.
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
#endif
