#include "store/mapping.h"

#include "base/rand.h"
#include "base/vec.h"
#include "store/audit.h"
#include "store/db.h"
#include "store/search.h"

#include <stdlib.h>

#define LIST_MAX 1000
#define DAY_S 86400

/* How many codes one statement looks up; $1 is the connection. */
#define CHUNK 28
#define CHUNK_CODES                                                                                          \
    "$2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, " \
    "$24, $25, $26, $27, $28, $29"

/* ---- what a login brought ---- */

struct wanted {
    struct str code, name;
    struct str id;      /* of the row, should it have to be added */
    bool is_known;      /* a row is there */
    bool is_to_be_seen; /* ... and was before this login */
    bool is_inserted;
    struct mapping_found found;
};

struct resolve_call {
    struct str connection, log_reference;
    int64_t added_per_day_max, now;
    struct arena *arena;
    struct wanted *wanted; /* distinct, sorted by code: the order in which every node takes its locks */
    size_t count;
};

static int compare_wanted(const void *a, const void *b)
{
    return str_compare(((const struct wanted *)a)->code, ((const struct wanted *)b)->code);
}

static struct wanted *find_wanted(const struct resolve_call *call, struct str code)
{
    struct wanted key = {.code = code};
    return call->count == 0 ? NULL
                            : bsearch(&key, call->wanted, call->count, sizeof *call->wanted, compare_wanted);
}

static enum outcome read_chunk(struct db_query *query, const struct resolve_call *call)
{
    while (db_step(query) == DB_ROW) {
        struct wanted *wanted = find_wanted(call, db_text(query, 0, call->arena));
        if (wanted == NULL)
            continue;
        wanted->is_known = true;
        wanted->found = (struct mapping_found){
            .status = (enum mapping_status)db_int(query, 2),
            .group = db_text(query, 3, call->arena),
            .is_added = wanted->is_inserted && str_equal(db_text(query, 1, call->arena), wanted->id),
        };
        wanted->is_to_be_seen = !wanted->found.is_added;
    }
    return db_finish(query);
}

/* Looks up every code that is not known yet. */
static enum outcome look_up(struct db *db, const struct resolve_call *call)
{
    size_t next = 0;
    while (next < call->count) {
        struct db_query *query = NULL;
        int filled = 0;
        for (; next < call->count && filled < CHUNK; next++) {
            if (call->wanted[next].is_known)
                continue;
            if (query == NULL)
                query = db_query(db, "SELECT code, id, status, group_name FROM sso_mapping "
                                     "WHERE connection = $1 AND code IN (" CHUNK_CODES ")");
            db_bind_text(query, 2 + filled++, call->wanted[next].code);
        }
        if (query == NULL)
            return OK;
        db_bind_text(query, 1, call->connection);
        for (; filled < CHUNK; filled++)
            db_bind_null(query, 2 + filled);
        if (read_chunk(query, call) != OK)
            return FAILED;
    }
    return OK;
}

static size_t count_unknown(const struct resolve_call *call)
{
    size_t unknown = 0;
    for (size_t i = 0; i < call->count; i++)
        unknown += !call->wanted[i].is_known;
    return unknown;
}

static enum outcome read_added(struct db_query *query, int64_t *out_added)
{
    *out_added = 0;
    if (db_step(query) == DB_ROW)
        *out_added = db_int(query, 0);
    return db_finish(query);
}

static enum outcome added_today(struct db *db, const struct resolve_call *call, int64_t *out_added)
{
    struct db_query *query =
        db_query(db, "SELECT added FROM sso_mapping_day WHERE connection = $1 AND day = $2");
    db_bind_text(query, 1, call->connection);
    db_bind_int(query, 2, call->now / DAY_S);
    return read_added(query, out_added);
}

/* From here to the end of the transaction no other node adds to this connection. */
static enum outcome lock_day(struct db *db, const struct resolve_call *call, int64_t *out_added)
{
    struct db_query *query =
        db_query(db, "INSERT INTO sso_mapping_day (connection, day, added) VALUES ($1, $2, 0) "
                     "ON CONFLICT (connection, day) DO UPDATE SET added = sso_mapping_day.added "
                     "RETURNING added");
    db_bind_text(query, 1, call->connection);
    db_bind_int(query, 2, call->now / DAY_S);
    return read_added(query, out_added);
}

static void insert_row(struct db *db, const struct resolve_call *call, struct wanted *wanted)
{
    struct db_query *query = db_query(
        db, "INSERT INTO sso_mapping (id, connection, code, name, status, origin, first_seen, last_seen, "
            "seen_count, first_log, changed_by, changed_at) VALUES ($1, $2, $3, $4, 1, 'auto', $5, $5, 1, "
            "$6, 'login', $5) ON CONFLICT (connection, code) DO NOTHING");
    db_bind_text(query, 1, wanted->id);
    db_bind_text(query, 2, call->connection);
    db_bind_text(query, 3, wanted->code);
    db_bind_text(query, 4, wanted->name);
    db_bind_int(query, 5, call->now);
    db_bind_text(query, 6, call->log_reference);
    db_run_later(query);
    wanted->is_inserted = true;
}

static void count_added(struct db *db, const struct resolve_call *call, int64_t added)
{
    struct db_query *query =
        db_query(db, "UPDATE sso_mapping_day SET added = added + $3 WHERE connection = $1 AND day = $2");
    db_bind_text(query, 1, call->connection);
    db_bind_int(query, 2, call->now / DAY_S);
    db_bind_int(query, 3, added);
    db_run_later(query);
    query = db_query(db, "DELETE FROM sso_mapping_day WHERE connection = $1 AND day < $2");
    db_bind_text(query, 1, call->connection);
    db_bind_int(query, 2, call->now / DAY_S);
    db_run_later(query);
}

/* Adds what is unknown, as far as the flood guard allows. A row that somebody added by hand meanwhile does
 * not conflict: reading back tells by the id whose it is. */
static enum outcome add_unknown(struct db *db, const struct resolve_call *call)
{
    int64_t before;
    if (added_today(db, call, &before) != OK)
        return FAILED;
    if (before >= call->added_per_day_max)
        return OK; /* without the lock: a flood must not make logins queue up */
    if (lock_day(db, call, &before) != OK || look_up(db, call) != OK)
        return FAILED;
    int64_t added = 0;
    for (size_t i = 0; i < call->count && before + added < call->added_per_day_max; i++) {
        if (call->wanted[i].is_known)
            continue;
        insert_row(db, call, &call->wanted[i]);
        added++;
    }
    if (added == 0)
        return OK;
    count_added(db, call, added);
    return look_up(db, call);
}

static void count_seen(struct db *db, const struct resolve_call *call)
{
    for (size_t i = 0; i < call->count; i++) {
        const struct wanted *wanted = &call->wanted[i];
        if (!wanted->is_to_be_seen)
            continue;
        struct db_query *query = db_query(
            db, "UPDATE sso_mapping SET first_seen = CASE WHEN seen_count = 0 THEN $3 ELSE first_seen END, "
                "first_log = CASE WHEN seen_count = 0 THEN $4 ELSE first_log END, last_seen = $3, "
                "seen_count = seen_count + 1, name = CASE WHEN name = '' THEN $5 ELSE name END "
                "WHERE connection = $1 AND code = $2");
        db_bind_text(query, 1, call->connection);
        db_bind_text(query, 2, wanted->code);
        db_bind_int(query, 3, call->now);
        db_bind_text(query, 4, call->log_reference);
        db_bind_text(query, 5, wanted->name);
        db_run_later(query);
    }
}

static enum outcome resolve_work(struct db *db, void *context)
{
    struct resolve_call *call = context;
    for (size_t i = 0; i < call->count; i++) {
        struct wanted *wanted = &call->wanted[i];
        wanted->is_known = wanted->is_to_be_seen = wanted->is_inserted = false;
        wanted->found = (struct mapping_found){.status = MAPPING_NEW, .is_withheld = true};
    }
    if (look_up(db, call) != OK)
        return FAILED;
    if (count_unknown(call) > 0 && add_unknown(db, call) != OK)
        return FAILED;
    count_seen(db, call);
    return OK;
}

/* Sorted, a code that came twice once. */
static void sort_wanted(struct resolve_call *call, const struct mapping_received *received, size_t count)
{
    call->wanted = arena_array_of(call->arena, count, struct wanted);
    for (size_t i = 0; i < count; i++)
        call->wanted[i] = (struct wanted){.code = received[i].code, .name = received[i].name};
    if (count > 1)
        qsort(call->wanted, count, sizeof *call->wanted, compare_wanted);
    for (size_t i = 0; i < count; i++) {
        if (call->count > 0 && str_equal(call->wanted[call->count - 1].code, call->wanted[i].code))
            continue;
        struct wanted *wanted = &call->wanted[call->count++];
        *wanted = call->wanted[i];
        wanted->id = str_from_c(rand_uuid7_in(call->arena));
    }
}

enum outcome mapping_resolve(struct store *store, struct str connection,
                             const struct mapping_received *received, size_t count, struct str log_reference,
                             int64_t added_per_day_max, int64_t now, struct arena *arena,
                             struct mapping_found *out_found)
{
    struct resolve_call call = {
        .connection = connection,
        .log_reference = log_reference,
        .added_per_day_max = added_per_day_max,
        .now = now,
        .arena = arena,
    };
    if (count == 0)
        return OK;
    sort_wanted(&call, received, count);
    if (store_write(store, "mapping_resolve", resolve_work, &call) != OK)
        return FAILED;
    for (size_t i = 0; i < count; i++)
        out_found[i] = find_wanted(&call, received[i].code)->found;
    return OK;
}

/* ---- finding ---- */

struct find_call {
    const struct mapping_filter *filter;
    struct str pattern;
    struct arena *arena;
    struct mapping_list *out_list;
};

static struct mapping_row read_row(struct db_query *query, struct arena *arena)
{
    return (struct mapping_row){
        .id = db_text(query, 0, arena),
        .connection = db_text(query, 1, arena),
        .code = db_text(query, 2, arena),
        .name = db_text(query, 3, arena),
        .status = (enum mapping_status)db_int(query, 4),
        .group = db_text(query, 5, arena),
        .origin = db_text(query, 6, arena),
        .remark = db_text(query, 7, arena),
        .first_seen = db_int(query, 8),
        .last_seen = db_int(query, 9),
        .seen_count = db_int(query, 10),
        .first_log = db_text(query, 11, arena),
        .version = db_int(query, 12),
        .changed_by = db_text(query, 13, arena),
        .changed_at = db_int(query, 14),
    };
}

static enum outcome find_work(struct db *db, void *context)
{
    const struct find_call *call = context;
    const struct mapping_filter *filter = call->filter;
    *call->out_list = (struct mapping_list){0};
    struct db_query *query = db_query(
        db,
        "SELECT id, connection, code, name, status, group_name, origin, remark, first_seen, last_seen, "
        "seen_count, first_log, version, changed_by, changed_at FROM sso_mapping "
        "WHERE connection = $1 AND code > $2 AND (status = $3 OR $3 = 0) "
        "AND (LOWER(code) LIKE LOWER($4) ESCAPE '!' OR LOWER(name) LIKE LOWER($4) ESCAPE '!') "
        "AND ($6 = '' OR EXISTS (SELECT 1 FROM sso_connection c WHERE c.id = $1 AND c.customer_key = $6)) "
        "ORDER BY code LIMIT $5");
    db_bind_text(query, 1, filter->connection);
    db_bind_text(query, 2, filter->after_code);
    db_bind_int(query, 3, filter->status);
    db_bind_text(query, 4, call->pattern);
    db_bind_int(query, 5, filter->limit);
    db_bind_text(query, 6, customer_scope_key(filter->scope));
    while (db_step(query) == DB_ROW) {
        struct mapping_row row = read_row(query, call->arena);
        vec_push(call->arena, call->out_list, row);
    }
    return db_finish(query);
}

enum outcome mapping_find(struct store *store, const struct mapping_filter *filter, struct arena *arena,
                          struct mapping_list *out_list)
{
    *out_list = (struct mapping_list){0};
    if (filter->limit < 1 || filter->limit > LIST_MAX)
        return store_fault(store, "mapping_find", "the limit must be 1 to 1000");
    struct find_call call = {filter, search_pattern(arena, filter->search), arena, out_list};
    return store_read(store, "mapping_find", find_work, &call);
}

struct added_call {
    struct str connection;
    int64_t from, until, total;
    int limit;
    struct arena *arena;
    struct mapping_list *out_list;
};

static enum outcome added_work(struct db *db, void *context)
{
    struct added_call *call = context;
    *call->out_list = (struct mapping_list){0};
    struct db_query *query = db_query(
        db, "SELECT id, connection, code, name, status, group_name, origin, remark, first_seen, last_seen, "
            "seen_count, first_log, version, changed_by, changed_at, COUNT(*) OVER () FROM sso_mapping "
            "WHERE connection = $1 AND origin = 'auto' AND first_seen >= $2 AND first_seen < $3 "
            "ORDER BY first_seen, code LIMIT $4");
    call->total = 0;
    db_bind_text(query, 1, call->connection);
    db_bind_int(query, 2, call->from);
    db_bind_int(query, 3, call->until);
    db_bind_int(query, 4, call->limit);
    while (db_step(query) == DB_ROW) {
        struct mapping_row row = read_row(query, call->arena);
        vec_push(call->arena, call->out_list, row);
        call->total = db_int(query, 15);
    }
    return db_finish(query);
}

enum outcome mapping_added(struct store *store, struct str connection, int64_t from, int64_t until, int limit,
                           struct arena *arena, struct mapping_list *out_list, int64_t *out_total)
{
    struct added_call call = {connection, from, until, 0, limit, arena, out_list};
    enum outcome outcome = store_read(store, "mapping_added", added_work, &call);
    *out_total = outcome == OK ? call.total : 0;
    return outcome;
}

/* ---- changing ---- */

struct change_call {
    const char *node;
    struct customer_scope scope;
    struct str connection, code, group, id;
    enum mapping_status status;
    int64_t expected_version, now;
    const char *actor;
    struct arena *arena;
};

static enum outcome update_row(struct db *db, const struct change_call *call)
{
    struct db_query *query =
        db_query(db, "UPDATE sso_mapping SET status = $3, group_name = $4, version = version + 1, "
                     "changed_by = $5, changed_at = $6 "
                     "WHERE connection = $1 AND code = $2 AND (version = $7 OR $7 = 0)");
    db_bind_text(query, 1, call->connection);
    db_bind_text(query, 2, call->code);
    db_bind_int(query, 3, call->status);
    db_bind_text(query, 4, call->group);
    db_bind_c(query, 5, call->actor);
    db_bind_int(query, 6, call->now);
    db_bind_int(query, 7, call->expected_version);
    return db_run_change(query);
}

static enum outcome add_row(struct db *db, const struct change_call *call)
{
    struct db_query *query = db_query(
        db, "INSERT INTO sso_mapping (id, connection, code, name, status, group_name, origin, changed_by, "
            "changed_at) VALUES ($1, $2, $3, '', $4, $5, 'manual', $6, $7) "
            "ON CONFLICT (connection, code) DO NOTHING");
    db_bind_text(query, 1, call->id);
    db_bind_text(query, 2, call->connection);
    db_bind_text(query, 3, call->code);
    db_bind_int(query, 4, call->status);
    db_bind_text(query, 5, call->group);
    db_bind_c(query, 6, call->actor);
    db_bind_int(query, 7, call->now);
    return db_run_change(query);
}

static const char *details_of(const struct change_call *call)
{
    switch (call->status) {
    case MAPPING_NEW:
        return "unlinked";
    case MAPPING_LINKED:
        return arena_printf(call->arena, "linked to %.*s", STR_ARG(call->group));
    case MAPPING_IGNORED:
        return "ignored";
    case MAPPING_INACTIVE:
        return "inactive";
    }
    return "";
}

/* ABSENT: the connection is another customer's. */
static enum outcome check_scope(struct db *db, const struct change_call *call)
{
    if (call->scope.is_all)
        return OK;
    struct db_query *query = db_query(db, "SELECT 1 FROM sso_connection WHERE id = $1 AND customer_key = $2");
    db_bind_text(query, 1, call->connection);
    db_bind_text(query, 2, customer_scope_key(call->scope));
    return db_run_lookup(query);
}

static enum outcome change_work(struct db *db, void *context)
{
    const struct change_call *call = context;
    enum outcome outcome = check_scope(db, call);
    if (outcome != OK)
        return outcome;
    outcome = update_row(db, call);
    if (outcome == ABSENT && call->expected_version == 0) {
        outcome = add_row(db, call);
        if (outcome == ABSENT) /* a login added it just now */
            outcome = update_row(db, call);
    }
    if (outcome != OK)
        return outcome;
    const char *subject =
        arena_printf(call->arena, "%.*s/%.*s", STR_ARG(call->connection), STR_ARG(call->code));
    struct audit_entry entry = {.at = call->now,
                                .actor = str_from_c(call->actor),
                                .action = STR("mapping_change"),
                                .subject = str_from_c(subject),
                                .details = str_from_c(details_of(call))};
    return audit_append_in(db, call->node, &entry);
}

enum outcome mapping_change(struct store *store, struct customer_scope scope, struct str connection,
                            struct str code, enum mapping_status status, struct str group,
                            int64_t expected_version, const char *actor, int64_t now)
{
    if ((status == MAPPING_LINKED) != (group.length > 0))
        return store_fault(store, "mapping_change", "a group goes with a linked row, and only then");
    struct arena *arena = arena_new();
    struct change_call call = {
        .node = store_node(store),
        .scope = scope,
        .connection = connection,
        .code = code,
        .group = group,
        .id = str_from_c(rand_uuid7_in(arena)),
        .status = status,
        .expected_version = expected_version,
        .now = now,
        .actor = actor,
        .arena = arena,
    };
    enum outcome outcome = store_write(store, "mapping_change", change_work, &call);
    arena_free(&arena);
    return outcome;
}
