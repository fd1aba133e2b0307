#include "store/catalog_diff.h"

#include <inttypes.h>
#include <stdlib.h>

void catalog_form_text(struct buf *form, struct str field)
{
    buf_printf(form, "%zu:", field.length);
    buf_append(form, field);
}

void catalog_form_int(struct buf *form, int64_t number)
{
    buf_printf(form, "%" PRId64 ";", number);
}

bool catalog_form_is_same(const struct buf *a, const struct buf *b)
{
    return !a->overflowed && !b->overflowed && str_equal(buf_str(a), buf_str(b));
}

static int compare_keys(const void *a, const void *b)
{
    return str_compare(((const struct catalog_key *)a)->name, ((const struct catalog_key *)b)->name);
}

struct catalog_keys catalog_keys_sort(struct catalog_key *items, size_t count)
{
    if (count > 1)
        qsort(items, count, sizeof *items, compare_keys);
    return (struct catalog_keys){items, count};
}

const struct catalog_key *catalog_keys_find(struct catalog_keys keys, struct str name)
{
    struct catalog_key wanted = {name, 0};
    return keys.count == 0 ? NULL
                           : bsearch(&wanted, keys.items, keys.count, sizeof *keys.items, compare_keys);
}

const struct catalog_key *catalog_keys_twin(struct catalog_keys keys)
{
    for (size_t i = 1; i < keys.count; i++) {
        if (str_equal(keys.items[i - 1].name, keys.items[i].name))
            return &keys.items[i];
    }
    return NULL;
}

enum outcome catalog_lock(struct db *db)
{
    return db_run(db_query(db, "UPDATE catalog_version SET version = version + 0 WHERE one = 1"));
}
