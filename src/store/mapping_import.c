#include "store/mapping_import.h"

#include "base/rand.h"
#include "base/vec.h"
#include "store/audit.h"
#include "store/catalog_diff.h"

struct import_call {
    const struct mapping_import *import;
    struct arena *arena;
    struct str connection; /* id; empty when it is not there yet */
    struct audit_list touched;
};

/* ---- what is there ---- */

static enum outcome find_connection(struct db *db, struct import_call *call,
                                    const struct mapping_import_set *set, struct failure *failure)
{
    call->connection = STR_NONE;
    struct db_query *query =
        db_query(db, "SELECT id FROM sso_connection WHERE platform = $1 AND environment = $2 AND slug = $3");
    db_bind_text(query, 1, set->platform);
    db_bind_text(query, 2, set->environment);
    db_bind_text(query, 3, set->slug);
    bool is_there = db_step(query) == DB_ROW;
    if (is_there)
        call->connection = db_text(query, 0, call->arena);
    if (db_finish(query) != OK)
        return FAILED;
    if (is_there || call->import->is_dry_run)
        return OK;
    return failure_set(failure, "connection %.*s is not there (any more)", STR_ARG(set->slug));
}

/* A row of the table as far as an import compares it. */
typedef VEC(struct mapping_import_row) row_vec;
typedef VEC(struct catalog_key) key_vec;

static enum outcome read_stored(struct db *db, const struct import_call *call, row_vec *out_rows,
                                struct catalog_keys *out_keys)
{
    struct arena *arena = call->arena;
    key_vec keys = {0};
    struct db_query *query =
        db_query(db, "SELECT code, status, group_name, name, remark FROM sso_mapping WHERE connection = $1");
    db_bind_text(query, 1, call->connection);
    while (db_step(query) == DB_ROW) {
        struct mapping_import_row row = {
            .code = db_text(query, 0, arena),
            .status = (enum mapping_status)db_int(query, 1),
            .group = db_text(query, 2, arena),
            .name = db_text(query, 3, arena),
            .remark = db_text(query, 4, arena),
        };
        struct catalog_key key = {row.code, out_rows->count};
        vec_push(arena, out_rows, row);
        vec_push(arena, &keys, key);
    }
    *out_keys = catalog_keys_sort(keys.items, keys.count);
    return db_finish(query);
}

static bool is_same(const struct mapping_import_row *fresh, const struct mapping_import_row *stored)
{
    return stored->status == fresh->status && str_equal(stored->group, fresh->group) &&
           (fresh->name.length == 0 || str_equal(stored->name, fresh->name)) &&
           (fresh->remark.length == 0 || str_equal(stored->remark, fresh->remark));
}

/* ---- writing ---- */

static void put_row(struct db *db, const struct import_call *call, const struct mapping_import_row *row)
{
    struct db_query *query = db_query(
        db, "INSERT INTO sso_mapping (id, connection, code, name, status, group_name, origin, remark, "
            "changed_by, changed_at) VALUES ($1, $2, $3, $4, $5, $6, 'import', $7, $8, $9) "
            "ON CONFLICT (connection, code) DO UPDATE SET status = excluded.status, "
            "group_name = excluded.group_name, version = sso_mapping.version + 1, "
            "name = CASE WHEN excluded.name = '' THEN sso_mapping.name ELSE excluded.name END, "
            "remark = CASE WHEN excluded.remark = '' THEN sso_mapping.remark ELSE excluded.remark END, "
            "changed_by = excluded.changed_by, changed_at = excluded.changed_at");
    db_bind_text(query, 1, str_from_c(rand_uuid7_in(call->arena)));
    db_bind_text(query, 2, call->connection);
    db_bind_text(query, 3, row->code);
    db_bind_text(query, 4, row->name);
    db_bind_int(query, 5, row->status);
    db_bind_text(query, 6, row->group);
    db_bind_text(query, 7, row->remark);
    db_bind_c(query, 8, call->import->actor);
    db_bind_int(query, 9, call->import->now);
    db_run_later(query);
}

static const char *details_of(struct arena *arena, const struct mapping_import_row *row)
{
    switch (row->status) {
    case MAPPING_NEW:
        return "imported: unlinked";
    case MAPPING_LINKED:
        return arena_printf(arena, "imported: linked to %.*s", STR_ARG(row->group));
    case MAPPING_IGNORED:
        return "imported: ignored";
    case MAPPING_INACTIVE:
        return "imported: inactive";
    }
    return "";
}

static void note_row(struct import_call *call, const struct mapping_import_row *row)
{
    const char *subject =
        arena_printf(call->arena, "%.*s/%.*s", STR_ARG(call->connection), STR_ARG(row->code));
    struct audit_entry entry = {.at = call->import->now,
                                .actor = str_from_c(call->import->actor),
                                .action = STR("mapping_change"),
                                .subject = str_from_c(subject),
                                .details = str_from_c(details_of(call->arena, row))};
    vec_push(call->arena, &call->touched, entry);
}

static enum outcome import_set(struct db *db, struct import_call *call, const struct mapping_import_set *set,
                               struct failure *failure)
{
    row_vec stored = {0};
    struct catalog_keys keys;
    if (find_connection(db, call, set, failure) != OK || read_stored(db, call, &stored, &keys) != OK)
        return FAILED;
    for (size_t i = 0; i < set->count; i++) {
        struct mapping_import_row *row = &set->rows[i];
        if ((row->status == MAPPING_LINKED) != (row->group.length > 0))
            return failure_set(failure, "code %.*s of %.*s: a group goes with a linked code, and only then",
                               STR_ARG(row->code), STR_ARG(set->slug));
        const struct catalog_key *key = catalog_keys_find(keys, row->code);
        row->result = key == NULL                               ? MAPPING_IMPORT_ADDED
                      : is_same(row, &stored.items[key->index]) ? MAPPING_IMPORT_UNCHANGED
                                                                : MAPPING_IMPORT_CHANGED;
        if (row->result == MAPPING_IMPORT_UNCHANGED || call->import->is_dry_run)
            continue;
        put_row(db, call, row);
        note_row(call, row);
    }
    return OK;
}

enum outcome mapping_import_in(struct db *db, const char *node, const struct mapping_import *import,
                               struct arena *arena, struct failure *failure)
{
    struct import_call call = {.import = import, .arena = arena};
    for (size_t i = 0; i < import->count; i++)
        if (import_set(db, &call, &import->sets[i], failure) != OK)
            return FAILED;
    return audit_append_all_in(db, node, call.touched.items, call.touched.count);
}
