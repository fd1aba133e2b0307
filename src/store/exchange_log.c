#include "store/exchange_log.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/vec.h"
#include "store/audit.h"
#include "store/db.h"
#include "store/search.h"

#include <inttypes.h>

#define LIST_MAX 1000
#define LOCATIONS_MAX 2000 /* LOG-3 */

#define SUMMARY                                                                                              \
    "l.reference, l.connection, l.slug, l.customer_key, l.environment, l.started_at_ms, l.ended_at_ms, "     \
    "l.result, l.code, l.cause, l.user_id, l.user_name"
#define SUMMARY_COUNT 12

static void read_summary(struct db_query *query, struct arena *arena, struct exchange_entry *out_entry)
{
    *out_entry = (struct exchange_entry){
        .reference = db_text(query, 0, arena),
        .connection = db_text(query, 1, arena),
        .slug = db_text(query, 2, arena),
        .customer_key = db_text(query, 3, arena),
        .environment = db_text(query, 4, arena),
        .started_at_ms = db_int(query, 5),
        .ended_at_ms = db_int(query, 6),
        .result = db_text(query, 7, arena),
        .code = db_int(query, 8),
        .cause = db_text(query, 9, arena),
        .user_id = db_text(query, 10, arena),
        .user_name = db_text(query, 11, arena),
    };
}

/* ---- writing ---- */

struct write_call {
    const struct exchange_entry *entry;
    struct str location_digest; /* tells whether the index stands already; empty without ids */
    struct arena *arena;
};

/* An entry of this login that was not there, or is there already. The row's lock makes two writers of one
 * entry go one after the other. */
static struct db_query *put_summary(struct db *db, const struct exchange_entry *entry)
{
    struct db_query *query = db_query(
        db, "INSERT INTO sso_log (reference, connection, slug, customer_key, environment, started_at_ms, "
            "ended_at_ms, result, code, cause, user_id, user_name, steps) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) "
            "ON CONFLICT (reference) DO UPDATE SET slug = excluded.slug, "
            "customer_key = excluded.customer_key, environment = excluded.environment, "
            "ended_at_ms = excluded.ended_at_ms, "
            "result = excluded.result, code = excluded.code, cause = excluded.cause, "
            "user_id = excluded.user_id, user_name = excluded.user_name, steps = excluded.steps "
            "WHERE sso_log.started_at_ms = excluded.started_at_ms "
            "AND sso_log.connection = excluded.connection "
            "AND (excluded.ended_at_ms > 0 OR sso_log.ended_at_ms = 0) "
            "RETURNING indexed_start_ms, location_digest");
    db_bind_text(query, 1, entry->reference);
    db_bind_text(query, 2, entry->connection);
    db_bind_text(query, 3, entry->slug);
    db_bind_text(query, 4, entry->customer_key);
    db_bind_text(query, 5, entry->environment);
    db_bind_int(query, 6, entry->started_at_ms);
    db_bind_int(query, 7, entry->ended_at_ms);
    db_bind_text(query, 8, entry->result);
    db_bind_int(query, 9, entry->code);
    db_bind_text(query, 10, entry->cause);
    db_bind_text(query, 11, entry->user_id);
    db_bind_text(query, 12, entry->user_name);
    db_bind_text(query, 13, entry->steps);
    return query;
}

/* A partial entry of a login that has ended meanwhile, at another node, has nothing to add: OK. ABSENT when
 * the reference is that of another login. */
static enum outcome look_who_has_it(struct db *db, const struct exchange_entry *entry)
{
    struct db_query *query = db_query(db, "SELECT 1 FROM sso_log WHERE reference = $1 AND started_at_ms = $2 "
                                          "AND connection = $3");
    db_bind_text(query, 1, entry->reference);
    db_bind_int(query, 2, entry->started_at_ms);
    db_bind_text(query, 3, entry->connection);
    return db_run_lookup(query);
}

static void delete_locations(struct db *db, int64_t started_at_ms, struct str reference)
{
    struct db_query *query =
        db_query(db, "DELETE FROM sso_log_location WHERE started_at_ms = $1 AND reference = $2");
    db_bind_int(query, 1, started_at_ms);
    db_bind_text(query, 2, reference);
    db_run_later(query);
}

static void insert_locations(struct db *db, const struct exchange_entry *entry)
{
    for (size_t i = 0; i < entry->location_count; i++) {
        struct db_query *query =
            db_query(db, "INSERT INTO sso_log_location (started_at_ms, reference, ordinal, location) "
                         "VALUES ($1, $2, $3, $4)");
        db_bind_int(query, 1, entry->started_at_ms);
        db_bind_text(query, 2, entry->reference);
        db_bind_int(query, 3, (int64_t)i);
        db_bind_text(query, 4, entry->location_ids[i]);
        db_run_later(query);
    }
}

static void note_locations(struct db *db, const struct write_call *call)
{
    struct db_query *query =
        db_query(db, "UPDATE sso_log SET location_digest = $2, indexed_start_ms = $3 WHERE reference = $1");
    db_bind_text(query, 1, call->entry->reference);
    db_bind_blob_or_null(query, 2, call->location_digest);
    db_bind_int(query, 3, call->entry->started_at_ms);
    db_run_later(query);
}

static enum outcome write_work(struct db *db, void *context)
{
    const struct write_call *call = context;
    const struct exchange_entry *entry = call->entry;
    struct db_query *query = put_summary(db, entry);
    int64_t old_start = 0;
    struct str old_digest = STR_NONE;
    enum db_step step = db_step(query);
    if (step == DB_ROW) {
        old_start = db_int(query, 0);
        old_digest = db_blob(query, 1, call->arena);
    }
    if (db_finish(query) != OK)
        return FAILED;
    if (step != DB_ROW)
        return look_who_has_it(db, entry);
    bool has_index = old_digest.length > 0;
    if (str_equal(old_digest, call->location_digest) && (!has_index || old_start == entry->started_at_ms))
        return OK;
    if (has_index)
        delete_locations(db, old_start, entry->reference);
    insert_locations(db, entry);
    note_locations(db, call);
    return OK;
}

/* The digest of the ids in their order, each behind its length. */
static struct str digest_locations(struct arena *arena, const struct exchange_entry *entry)
{
    if (entry->location_count == 0)
        return STR_NONE;
    size_t size = 0;
    for (size_t i = 0; i < entry->location_count; i++)
        size += entry->location_ids[i].length + sizeof(uint32_t);
    char *bytes = arena_alloc(arena, size), *next = bytes;
    for (size_t i = 0; i < entry->location_count; i++) {
        struct str id = entry->location_ids[i];
        uint32_t length = (uint32_t)id.length;
        memcpy(next, &length, sizeof length);
        next += sizeof length;
        if (id.length > 0)
            memcpy(next, id.data, id.length);
        next += id.length;
    }
    return codec_sha256(arena, str_of(bytes, size));
}

bool exchange_entry_is_same(const struct exchange_entry *earlier, const struct exchange_entry *later)
{
    return str_equal(earlier->reference, later->reference) &&
           earlier->started_at_ms == later->started_at_ms &&
           str_equal(earlier->connection, later->connection);
}

struct write_all_call {
    struct write_call *calls;
    size_t count;
    bool *out_foreign;
};

static enum outcome write_all_work(struct db *db, void *context)
{
    const struct write_all_call *call = context;
    for (size_t i = 0; i < call->count; i++) {
        enum outcome outcome = write_work(db, &call->calls[i]);
        if (outcome == FAILED)
            return FAILED;
        call->out_foreign[i] = outcome == ABSENT;
    }
    return OK;
}

enum outcome exchange_log_write_all(struct store *store, const struct exchange_entry *const *entries,
                                    size_t count, bool *out_foreign)
{
    struct arena *arena = arena_new();
    struct write_all_call all = {arena_array_of(arena, count, struct write_call), count, out_foreign};
    bool is_sound = true;
    for (size_t i = 0; i < count && is_sound; i++) {
        is_sound = entries[i]->location_count <= LOCATIONS_MAX;
        if (is_sound)
            all.calls[i] = (struct write_call){entries[i], digest_locations(arena, entries[i]), arena};
    }
    enum outcome outcome = is_sound ? store_write(store, "exchange_log_write", write_all_work, &all)
                                    : store_fault(store, "exchange_log_write", "more than 2000 location ids");
    arena_free(&arena);
    return outcome;
}

enum outcome exchange_log_write(struct store *store, const struct exchange_entry *entry)
{
    bool is_foreign = false;
    enum outcome outcome = exchange_log_write_all(store, &entry, 1, &is_foreign);
    return outcome == OK && is_foreign ? ABSENT : outcome;
}

struct amend_call {
    const struct exchange_entry *entry;
    struct str old_steps;
};

static enum outcome amend_work(struct db *db, void *context)
{
    const struct amend_call *call = context;
    struct db_query *query =
        db_query(db, "UPDATE sso_log SET result = $3, code = $4, steps = $5 "
                     "WHERE reference = $1 AND steps = $2 AND steps <> '' AND ended_at_ms > 0");
    db_bind_text(query, 1, call->entry->reference);
    db_bind_text(query, 2, call->old_steps);
    db_bind_text(query, 3, call->entry->result);
    db_bind_int(query, 4, call->entry->code);
    db_bind_text(query, 5, call->entry->steps);
    return db_run_change(query);
}

enum outcome exchange_log_amend(struct store *store, const struct exchange_entry *entry, struct str old_steps)
{
    struct amend_call call = {entry, old_steps};
    return store_write_one(store, "exchange_log_amend", amend_work, &call);
}

/* ---- finding ---- */

struct find_call {
    struct str customer_key;
    struct str reference;
    struct arena *arena;
    struct exchange_entry *out_entry;
};

typedef VEC(struct str) id_vec;

static enum outcome read_locations(struct db *db, const struct find_call *call)
{
    struct db_query *query =
        db_query(db, "SELECT location FROM sso_log_location WHERE started_at_ms = $1 AND reference = $2 "
                     "ORDER BY ordinal");
    db_bind_int(query, 1, call->out_entry->started_at_ms);
    db_bind_text(query, 2, call->reference);
    id_vec ids = {0};
    while (db_step(query) == DB_ROW)
        vec_push(call->arena, &ids, db_text(query, 0, call->arena));
    call->out_entry->location_ids = ids.items;
    call->out_entry->location_count = ids.count;
    return db_finish(query);
}

static enum outcome find_work(struct db *db, void *context)
{
    const struct find_call *call = context;
    struct db_query *query = db_query(db, "SELECT " SUMMARY ", l.steps FROM sso_log l WHERE l.reference = $1 "
                                          "AND (l.customer_key = $2 OR $2 = '')");
    db_bind_text(query, 1, call->reference);
    db_bind_text(query, 2, call->customer_key);
    enum db_step step = db_step(query);
    if (step == DB_ROW) {
        read_summary(query, call->arena, call->out_entry);
        call->out_entry->steps = db_text(query, SUMMARY_COUNT, call->arena);
    }
    if (db_finish(query) != OK)
        return FAILED;
    return step == DB_ROW ? read_locations(db, call) : ABSENT;
}

enum outcome exchange_log_find(struct store *store, struct customer_scope scope, struct str reference,
                               struct arena *arena, struct exchange_entry *out_entry)
{
    struct find_call call = {customer_scope_key(scope), reference, arena, out_entry};
    return store_snapshot(store, "exchange_log_find", find_work, &call);
}

/* ---- listing ---- */

/* Newest first, from what stands before ($2, $3) on. One statement for each index that can lead, whose table
 * is `t`; what is left of the filter only looks at the rows that come by. */
#define FILTER(t)                                                                                            \
    "(" t ".started_at_ms, " t ".reference) < ($2, $3) AND " t ".started_at_ms >= $4 "                       \
    "AND (l.code = $5 OR $5 = 0) AND (l.connection = $6 OR $6 = '') "                                        \
    "AND (l.customer_key = $7 OR $7 = '') AND ($8 = '' OR LOWER(l.user_name) LIKE LOWER($8) ESCAPE '!') "    \
    "AND (l.cause = $10 OR $10 = '') "                                                                       \
    "ORDER BY " t ".started_at_ms DESC, " t ".reference DESC LIMIT $9"

struct list_call {
    const struct exchange_filter *filter;
    struct str customer_key;
    struct str pattern;
    int64_t before_ms;
    struct arena *arena;
    struct exchange_list *out_list;
};

static struct db_query *query_for(struct db *db, const struct list_call *call)
{
    const struct exchange_filter *filter = call->filter;
    struct db_query *query;
    if (filter->location_id.length > 0) {
        query = db_query(db, "SELECT " SUMMARY " FROM sso_log_location i JOIN sso_log l "
                             "ON l.reference = i.reference WHERE i.location = $1 AND " FILTER("i"));
        db_bind_text(query, 1, filter->location_id);
    } else if (filter->code != 0) {
        query = db_query(db, "SELECT " SUMMARY " FROM sso_log l WHERE l.code = $1 AND " FILTER("l"));
        db_bind_int(query, 1, filter->code);
    } else if (filter->connection.length > 0) {
        query = db_query(db, "SELECT " SUMMARY " FROM sso_log l WHERE l.connection = $1 AND " FILTER("l"));
        db_bind_text(query, 1, filter->connection);
    } else if (call->customer_key.length > 0) {
        query = db_query(db, "SELECT " SUMMARY " FROM sso_log l WHERE l.customer_key = $1 AND " FILTER("l"));
        db_bind_text(query, 1, call->customer_key);
    } else {
        query = db_query(db, "SELECT " SUMMARY " FROM sso_log l WHERE $1 = '' AND " FILTER("l"));
        db_bind_text(query, 1, STR(""));
    }
    return query;
}

static enum outcome find_start(struct db *db, struct list_call *call)
{
    struct db_query *query = db_query(db, "SELECT started_at_ms FROM sso_log WHERE reference = $1");
    db_bind_text(query, 1, call->filter->before_reference);
    enum db_step step = db_step(query);
    if (step == DB_ROW)
        call->before_ms = db_int(query, 0);
    return db_finish_lookup(query, step);
}

static enum outcome list_work(struct db *db, void *context)
{
    struct list_call *call = context;
    const struct exchange_filter *filter = call->filter;
    *call->out_list = (struct exchange_list){0};
    struct str before = STR("");
    call->before_ms = filter->to_ms != 0 ? filter->to_ms : INT64_MAX;
    if (filter->before_reference.length > 0) {
        enum outcome outcome = find_start(db, call);
        if (outcome != OK)
            return outcome == ABSENT ? OK : FAILED; /* purged, and so are those before it */
        before = filter->before_reference;
    }
    struct db_query *query = query_for(db, call);
    db_bind_int(query, 2, call->before_ms);
    db_bind_text(query, 3, before);
    db_bind_int(query, 4, filter->from_ms);
    db_bind_int(query, 5, filter->code);
    db_bind_text(query, 6, filter->connection);
    db_bind_text(query, 7, call->customer_key);
    db_bind_text(query, 8, call->pattern);
    db_bind_int(query, 9, filter->limit);
    db_bind_text(query, 10, filter->cause);
    while (db_step(query) == DB_ROW) {
        struct exchange_entry entry;
        read_summary(query, call->arena, &entry);
        vec_push(call->arena, call->out_list, entry);
    }
    return db_finish(query);
}

enum outcome exchange_log_list(struct store *store, const struct exchange_filter *filter, struct arena *arena,
                               struct exchange_list *out_list)
{
    *out_list = (struct exchange_list){0};
    if (filter->limit < 1 || filter->limit > LIST_MAX)
        return store_fault(store, "exchange_log_list", "the limit must be 1 to 1000");
    struct list_call call = {.filter = filter,
                             .customer_key = customer_scope_key(filter->scope),
                             .arena = arena,
                             .out_list = out_list};
    call.pattern = filter->user_name.length > 0 ? search_pattern(arena, filter->user_name) : STR("");
    return store_snapshot(store, "exchange_log_list", list_work, &call);
}

/* ---- purging ---- */

struct purged {
    int64_t started_at_ms;
    struct str reference;
};

typedef VEC(struct purged) purged_vec;

struct purge_call {
    const char *node;
    int64_t details_before_ms, summary_before_ms, now;
    int limit;
    struct arena *arena;
    int64_t details, summaries;
};

/* The statement names the entries that it changed, so that two nodes purging at once each take the locations
 * of their own. */
static enum outcome purge(struct db *db, const struct purge_call *call, struct db_query *query,
                          int64_t before_ms, int64_t *out_count)
{
    purged_vec entries = {0};
    db_bind_int(query, 1, before_ms);
    db_bind_int(query, 2, call->limit);
    while (db_step(query) == DB_ROW) {
        struct purged entry = {db_int(query, 0), db_text(query, 1, call->arena)};
        vec_push(call->arena, &entries, entry);
    }
    if (db_finish(query) != OK)
        return FAILED;
    for (size_t i = 0; i < entries.count; i++)
        delete_locations(db, entries.items[i].started_at_ms, entries.items[i].reference);
    *out_count = (int64_t)entries.count;
    return OK;
}

static enum outcome purge_work(struct db *db, void *context)
{
    struct purge_call *call = context;
    if (purge(db, call,
              db_query(db, "DELETE FROM sso_log WHERE reference IN (SELECT reference FROM sso_log "
                           "WHERE started_at_ms < $1 ORDER BY started_at_ms LIMIT $2) "
                           "RETURNING started_at_ms, reference"),
              call->summary_before_ms, &call->summaries) != OK)
        return FAILED;
    if (purge(db, call,
              db_query(db, "UPDATE sso_log SET steps = '', location_digest = NULL WHERE steps <> '' "
                           "AND reference IN (SELECT reference FROM sso_log WHERE started_at_ms < $1 "
                           "AND steps <> '' ORDER BY started_at_ms LIMIT $2) "
                           "RETURNING started_at_ms, reference"),
              call->details_before_ms, &call->details) != OK)
        return FAILED;
    if (call->details + call->summaries == 0)
        return OK;
    const char *details =
        arena_printf(call->arena, "details of %" PRId64 " entries, %" PRId64 " whole entries", call->details,
                     call->summaries);
    struct audit_entry entry = {.at = call->now,
                                .actor = STR("system"),
                                .action = STR("exchange_log_purge"),
                                .subject = STR("sso_log"),
                                .details = str_from_c(details)};
    return audit_append_in(db, call->node, &entry);
}

enum outcome exchange_log_purge(struct store *store, int64_t details_before_ms, int64_t summary_before_ms,
                                int limit, int64_t *out_purged)
{
    struct arena *arena = arena_new();
    struct purge_call call = {
        .node = store_node(store),
        .details_before_ms = details_before_ms,
        .summary_before_ms = summary_before_ms,
        .now = clock_now(),
        .limit = limit,
        .arena = arena,
    };
    enum outcome outcome = store_write(store, "exchange_log_purge", purge_work, &call);
    *out_purged = outcome == OK ? call.details + call.summaries : 0;
    arena_free(&arena);
    return outcome;
}
