#include "store/catalog_writer.h"

#include <assert.h>
#include <string.h>

/* ---- objects ---- */

static size_t count_of(const void *data, const struct catalog_kind *kind)
{
    return *(const size_t *)(const void *)((const char *)data + kind->count);
}

static const void *object_at(const void *data, const struct catalog_kind *kind, size_t index)
{
    const char *items;
    memcpy(&items, (const char *)data + kind->items, sizeof items); /* whatever it points to */
    return items + index * kind->size;
}

struct catalog_id catalog_id_of(struct arena *arena, const struct catalog_kind *kind, const void *object)
{
    if (kind->id != NULL)
        return kind->id(arena, object);
    struct catalog_id id = {.count = kind->part_count};
    for (size_t i = 0; i < id.count; i++)
        id.parts[i] = *(const struct str *)(const void *)((const char *)object + kind->parts[i]);
    return id;
}

struct str catalog_key_of(struct arena *arena, struct catalog_id id)
{
    if (id.count == 1)
        return id.parts[0];
    struct buf key = buf_new(arena, CATALOG_FORM_MAX);
    for (size_t i = 0; i < id.count; i++)
        catalog_form_text(&key, id.parts[i]);
    return buf_str(&key);
}

static const char *label_of(struct arena *arena, const struct catalog_kind *kind, struct catalog_id id)
{
    const struct str *parts = id.parts;
    if (id.count == 1)
        return arena_printf(arena, "%s %.*s", kind->noun, STR_ARG(parts[0]));
    if (id.count == 2)
        return arena_printf(arena, "%s %.*s of %.*s", kind->noun, STR_ARG(parts[1]), STR_ARG(parts[0]));
    return arena_printf(arena, "%s %.*s (%.*s, %.*s)", kind->noun, STR_ARG(parts[2]), STR_ARG(parts[0]),
                        STR_ARG(parts[1]));
}

static struct catalog_keys keys_of(struct arena *arena, const void *data, const struct catalog_kind *kind)
{
    size_t count = count_of(data, kind);
    struct catalog_key *items = arena_array_of(arena, count, struct catalog_key);
    for (size_t i = 0; i < count; i++)
        items[i] = (struct catalog_key){
            catalog_key_of(arena, catalog_id_of(arena, kind, object_at(data, kind, i))), i};
    return catalog_keys_sort(items, count);
}

static bool is_same(struct arena *scratch, const struct catalog_kind *kind, const void *a, const void *b)
{
    arena_reset(scratch);
    struct buf form_a = buf_new(scratch, CATALOG_FORM_MAX), form_b = buf_new(scratch, CATALOG_FORM_MAX);
    kind->form(&form_a, a);
    kind->form(&form_b, b);
    return catalog_form_is_same(&form_a, &form_b);
}

/* ---- checking ---- */

bool catalog_change_leaves(const struct catalog_change *change, size_t kind, struct str key)
{
    return catalog_keys_find(change->new_keys[kind], key) != NULL ||
           (!change->is_pruning && catalog_keys_find(change->old_keys[kind], key) != NULL);
}

enum outcome catalog_change_refuse(const struct catalog_change *change, size_t kind, struct catalog_id id,
                                   const char *why)
{
    failure_set(change->failure, "%s %s", label_of(change->arena, change->door->kinds[kind], id), why);
    return ABSENT;
}

static enum outcome check_twins(const struct catalog_change *change)
{
    for (size_t i = 0; i < change->door->kind_count; i++) {
        const struct catalog_kind *kind = change->door->kinds[i];
        const struct catalog_key *twin = catalog_keys_twin(change->new_keys[i]);
        if (twin != NULL)
            return catalog_change_refuse(
                change, i, catalog_id_of(change->arena, kind, object_at(change->data, kind, twin->index)),
                "is given twice");
    }
    return OK;
}

enum outcome catalog_change_prepare(struct db *db, struct catalog_change *change)
{
    const struct catalog_door *door = change->door;
    assert(door->kind_count <= CATALOG_KINDS_MAX);
    change->current = arena_alloc(change->arena, door->data_size);
    if (door->read(db, change->vault, change->arena, change->current) != OK)
        return FAILED;
    for (size_t i = 0; i < door->kind_count; i++) {
        change->new_keys[i] = keys_of(change->arena, change->data, door->kinds[i]);
        change->old_keys[i] = keys_of(change->arena, change->current, door->kinds[i]);
    }
    enum outcome outcome = check_twins(change);
    return outcome == OK ? door->check(db, change) : outcome;
}

/* ---- writing ---- */

static enum outcome put_kind(struct db *db, struct catalog_change *change, size_t number)
{
    const struct catalog_kind *kind = change->door->kinds[number];
    struct catalog_keys keys = change->new_keys[number];
    for (size_t i = 0; i < keys.count; i++) {
        const void *object = object_at(change->data, kind, keys.items[i].index);
        const struct catalog_key *key = catalog_keys_find(change->old_keys[number], keys.items[i].name);
        const void *old = key != NULL ? object_at(change->current, kind, key->index) : NULL;
        if (kind->complete != NULL)
            object = kind->complete(change, object, old);
        if (old != NULL && is_same(change->scratch, kind, object, old))
            continue;
        change->changed++;
        if (!change->is_dry_run && kind->put(db, change->vault, change->arena, object) != OK)
            return FAILED;
    }
    return OK;
}

static enum outcome remove_object(struct db *db, const struct catalog_kind *kind, struct catalog_id id)
{
    for (size_t i = 0; kind->removal[i] != NULL; i++) {
        struct db_query *query = db_query(db, kind->removal[i]);
        for (size_t k = 0; k < id.count; k++)
            db_bind_text(query, (int)k + 1, id.parts[k]);
        if (db_run(query) != OK)
            return FAILED;
    }
    return OK;
}

static enum outcome prune_kind(struct db *db, struct catalog_change *change, size_t number)
{
    const struct catalog_kind *kind = change->door->kinds[number];
    struct catalog_keys keys = change->old_keys[number];
    for (size_t i = 0; i < keys.count; i++) {
        if (catalog_keys_find(change->new_keys[number], keys.items[i].name) != NULL)
            continue;
        change->changed++;
        const void *object = object_at(change->current, kind, keys.items[i].index);
        if (!change->is_dry_run && remove_object(db, kind, catalog_id_of(change->arena, kind, object)) != OK)
            return FAILED;
    }
    return OK;
}

enum outcome catalog_change_write(struct db *db, struct catalog_change *change)
{
    change->changed = 0;
    for (size_t i = 0; i < change->door->kind_count; i++)
        if (put_kind(db, change, i) != OK)
            return FAILED;
    /* The last kind first: it may hold on to an earlier one. */
    for (size_t i = change->door->kind_count; change->is_pruning && i-- > 0;)
        if (prune_kind(db, change, i) != OK)
            return FAILED;
    return OK;
}

/* ---- reading ---- */

struct read_call {
    const struct catalog_door *door;
    const struct vault *vault;
    struct arena *arena;
    void *out_data;
};

static enum outcome read_work(struct db *db, void *context)
{
    const struct read_call *call = context;
    return call->door->read(db, call->vault, call->arena, call->out_data);
}

enum outcome catalog_door_read(struct store *store, const struct catalog_door *door, struct arena *arena,
                               void *out_data)
{
    struct read_call call = {door, store_vault(store), arena, out_data};
    return store_snapshot(store, door->read_verb, read_work, &call);
}
