#include "store/sso_person.h"

#include "base/vec.h"
#include "store/audit.h"
#include "store/db.h"
#include "store/search.h"
#include "store/session_row.h"

#define LIST_MAX 1000

struct list_call {
    const struct sso_person_filter *filter;
    struct str pattern;
    int64_t now;
    struct arena *arena;
    struct sso_person_list *out_list;
};

static enum outcome list_work(struct db *db, void *context)
{
    const struct list_call *call = context;
    *call->out_list = (struct sso_person_list){0};
    struct db_query *query = db_query(
        db,
        "SELECT u.id, u.issuer, u.subject, u.sub_raw, u.display_name, u.email, u.employee_number, "
        "u.is_blocked, u.created_at, u.last_login_at, "
        "(SELECT COUNT(*) FROM sso_session s WHERE s.user_id = u.id AND s.ends_at > $4 AND ($6 = '' OR "
        "s.connection IN (SELECT c.id FROM sso_connection c WHERE c.customer_key = $6))) "
        "FROM sso_user u WHERE (u.is_blocked = 1 OR $3 = 0) AND ($6 = '' OR EXISTS "
        "(SELECT 1 FROM sso_log l WHERE l.user_id = u.id AND l.customer_key = $6)) AND (u.id = $2 "
        "OR LOWER(u.display_name) LIKE LOWER($1) ESCAPE '!' OR LOWER(u.subject) LIKE LOWER($1) ESCAPE '!' "
        "OR LOWER(u.email) LIKE LOWER($1) ESCAPE '!' "
        "OR LOWER(u.employee_number) LIKE LOWER($1) ESCAPE '!') "
        "ORDER BY u.last_login_at DESC, u.id LIMIT $5");
    db_bind_text(query, 1, call->pattern);
    db_bind_text(query, 2, call->filter->search);
    db_bind_int(query, 3, call->filter->is_blocked_only);
    db_bind_int(query, 4, call->now);
    db_bind_int(query, 5, call->filter->limit);
    db_bind_text(query, 6, customer_scope_key(call->filter->scope));
    while (db_step(query) == DB_ROW) {
        struct sso_person person = {
            .user = {.id = db_text(query, 0, call->arena),
                     .issuer = db_text(query, 1, call->arena),
                     .subject = db_text(query, 2, call->arena),
                     .sub_raw = db_text(query, 3, call->arena),
                     .display_name = db_text(query, 4, call->arena),
                     .email = db_text(query, 5, call->arena),
                     .employee_number = db_text(query, 6, call->arena),
                     .is_blocked = db_int(query, 7) != 0,
                     .created_at = db_int(query, 8),
                     .last_login_at = db_int(query, 9)},
            .session_count = db_int(query, 10),
        };
        vec_push(call->arena, call->out_list, person);
    }
    return db_finish(query);
}

enum outcome sso_person_list(struct store *store, const struct sso_person_filter *filter, int64_t now,
                             struct arena *arena, struct sso_person_list *out_list)
{
    *out_list = (struct sso_person_list){0};
    if (filter->limit < 1 || filter->limit > LIST_MAX)
        return store_fault(store, "sso_person_list", "the limit must be 1 to 1000");
    struct list_call call = {filter, search_pattern(arena, filter->search), now, arena, out_list};
    return store_read(store, "sso_person_list", list_work, &call);
}

struct end_call {
    const char *node;
    struct str customer_key;
    struct str user_id;
    const char *actor;
    int64_t now;
    struct arena *arena;
    struct session_ended_list *out_ended;
};

static enum outcome end_work(struct db *db, void *context)
{
    const struct end_call *call = context;
    *call->out_ended = (struct session_ended_list){0};
    struct db_query *query =
        db_query(db, "SELECT 1 FROM sso_user u WHERE u.id = $1 AND ($2 = '' OR EXISTS "
                     "(SELECT 1 FROM sso_log l WHERE l.user_id = u.id AND l.customer_key = $2))");
    db_bind_text(query, 1, call->user_id);
    db_bind_text(query, 2, call->customer_key);
    enum db_step step = db_step(query);
    if (db_finish(query) != OK)
        return FAILED;
    if (step != DB_ROW)
        return step == DB_DONE ? ABSENT : FAILED;
    /* Those that have ended by themselves are not told as ended now; the purge takes them. */
    query = db_query(db, "DELETE FROM sso_session WHERE user_id = $1 AND ends_at > $2 AND ($3 = '' OR "
                         "connection IN (SELECT c.id FROM sso_connection c WHERE c.customer_key = $3)) "
                         "RETURNING " SESSION_ENDED_COLUMNS);
    db_bind_text(query, 1, call->user_id);
    db_bind_int(query, 2, call->now);
    db_bind_text(query, 3, call->customer_key);
    if (session_row_read_ended(query, call->now, call->arena, call->out_ended) != OK)
        return FAILED;
    const char *details = arena_printf(call->arena, "%zu sessions", call->out_ended->count);
    struct audit_entry entry = {.at = call->now,
                                .actor = str_from_c(call->actor),
                                .action = STR("sessions_end"),
                                .subject = call->user_id,
                                .details = str_from_c(details)};
    return audit_append_in(db, call->node, &entry);
}

enum outcome sso_person_end_sessions(struct store *store, struct customer_scope scope, struct str user_id,
                                     const char *actor, int64_t now, struct arena *arena,
                                     struct session_ended_list *out_ended)
{
    struct end_call call = {store_node(store), customer_scope_key(scope), user_id, actor, now, arena,
                            out_ended};
    enum outcome outcome = store_write(store, "sso_person_end_sessions", end_work, &call);
    if (outcome != OK)
        *out_ended = (struct session_ended_list){0};
    return outcome;
}
