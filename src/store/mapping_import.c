#include "store/mapping_import.h"

#include "base/rand.h"
#include "store/audit.h"
#include "store/db.h"

/* A login with one of its codes waits for a batch, and gives up after three seconds. */
#define BATCH 50

struct import_call {
    const char *node;
    struct mapping_import *rows;
    size_t count;
    bool is_dry_run;
    const char *actor;
    int64_t now;
    struct arena *arena;
};

/* ABSENT: there is no such row. */
static enum outcome compare_row(struct db *db, const struct import_call *call, struct mapping_import *row)
{
    struct db_query *query = db_query(db, "SELECT status, group_name, name, remark FROM sso_mapping "
                                          "WHERE connection = $1 AND code = $2");
    db_bind_text(query, 1, row->connection);
    db_bind_text(query, 2, row->code);
    enum db_step step = db_step(query);
    bool is_same = false;
    if (step == DB_ROW) {
        struct str name = db_text(query, 2, call->arena);
        struct str remark = db_text(query, 3, call->arena);
        is_same = db_int(query, 0) == (int64_t)row->status &&
                  str_equal(db_text(query, 1, call->arena), row->group) &&
                  (row->name.length == 0 || str_equal(name, row->name)) &&
                  (row->remark.length == 0 || str_equal(remark, row->remark));
    }
    if (db_finish(query) != OK)
        return FAILED;
    row->result = is_same ? MAPPING_IMPORT_UNCHANGED : MAPPING_IMPORT_CHANGED;
    if (step == DB_ROW)
        return OK;
    row->result = MAPPING_IMPORT_ADDED;
    return ABSENT;
}

static enum outcome put_row(struct db *db, const struct import_call *call, const struct mapping_import *row)
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
    db_bind_text(query, 2, row->connection);
    db_bind_text(query, 3, row->code);
    db_bind_text(query, 4, row->name);
    db_bind_int(query, 5, row->status);
    db_bind_text(query, 6, row->group);
    db_bind_text(query, 7, row->remark);
    db_bind_c(query, 8, call->actor);
    db_bind_int(query, 9, call->now);
    return db_run(query);
}

static const char *details_of(struct arena *arena, const struct mapping_import *row)
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

static enum outcome import_work(struct db *db, void *context)
{
    const struct import_call *call = context;
    for (size_t i = 0; i < call->count; i++) {
        struct mapping_import *row = &call->rows[i];
        if (compare_row(db, call, row) == FAILED)
            return FAILED;
        if (row->result == MAPPING_IMPORT_UNCHANGED || call->is_dry_run)
            continue;
        if (put_row(db, call, row) != OK)
            return FAILED;
        const char *subject =
            arena_printf(call->arena, "%.*s/%.*s", STR_ARG(row->connection), STR_ARG(row->code));
        struct audit_entry entry = {.at = call->now,
                                    .actor = str_from_c(call->actor),
                                    .action = STR("mapping_change"),
                                    .subject = str_from_c(subject),
                                    .details = str_from_c(details_of(call->arena, row))};
        if (audit_append_in(db, call->node, &entry) != OK)
            return FAILED;
    }
    return OK;
}

enum outcome mapping_import(struct store *store, struct mapping_import *rows, size_t count, bool is_dry_run,
                            const char *actor, int64_t now, size_t *out_done)
{
    *out_done = 0;
    for (size_t i = 0; i < count; i++)
        if ((rows[i].status == MAPPING_LINKED) != (rows[i].group.length > 0))
            return store_fault(store, "mapping_import", "a group goes with a linked row, and only then");
    struct import_call call = {
        .node = store_node(store),
        .is_dry_run = is_dry_run,
        .actor = actor,
        .now = now,
        .arena = arena_new(),
    };
    enum outcome outcome = OK;
    while (outcome == OK && *out_done < count) {
        call.rows = rows + *out_done;
        call.count = is_dry_run || count - *out_done < BATCH ? count - *out_done : BATCH;
        outcome = is_dry_run ? store_snapshot(store, "mapping_import", import_work, &call)
                             : store_write(store, "mapping_import", import_work, &call);
        if (outcome == OK)
            *out_done += call.count;
        arena_reset(call.arena);
    }
    arena_free(&call.arena);
    return outcome;
}
