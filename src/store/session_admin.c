#include "store/session_admin.h"

#include "store/audit.h"
#include "store/session_row.h"

/* $1 now, $2 customer in scope, $3 user. */
#define IN_SCOPE                                                                                             \
    "ends_at > $1 AND ($2 = '' OR connection IN (SELECT c.id FROM sso_connection c WHERE c.customer_key = "  \
    "$2))"
#define OF_USER IN_SCOPE " AND user_id = $3"
/* $3 customer and $4 group, $5 connection and $6 location, $7 a line end. A whole line of the column, letter
 * for letter: LIKE would not tell capitals apart on every engine. */
#define HAS_LINE(column, index)                                                                              \
    "REPLACE($7 || " column " || $7, $7 || " index " || $7, '') <> $7 || " column " || $7"
#define OF_RIGHTS                                                                                            \
    IN_SCOPE " AND ($4 = '' OR (connection IN (SELECT c.id FROM sso_connection c WHERE c.customer_key = $3)" \
             " AND " HAS_LINE("group_names", "$4") ")) AND ($6 = '' OR (connection = $5 AND " HAS_LINE(      \
                 "locations", "$6") "))"

struct choice_call {
    const char *node;
    struct str customer_key; /* in scope */
    const struct session_choice *choice;
    int limit;
    const char *actor;
    int64_t now;
    struct arena *arena;
    struct session_ended_list *out_ended;
    int64_t *out_count;
};

static bool is_of_user(const struct choice_call *call)
{
    return call->choice->user_id.length > 0;
}

static void bind_choice(struct db_query *query, const struct choice_call *call)
{
    const struct session_choice *choice = call->choice;
    db_bind_int(query, 1, call->now);
    db_bind_text(query, 2, call->customer_key);
    if (is_of_user(call)) {
        db_bind_text(query, 3, choice->user_id);
        return;
    }
    db_bind_text(query, 3, choice->customer_key);
    db_bind_text(query, 4, choice->group);
    db_bind_text(query, 5, choice->connection);
    db_bind_text(query, 6, choice->location);
    db_bind_text(query, 7, STR("\n"));
}

/* Not everybody's sessions because somebody left the choice empty. */
static bool is_choice(const struct session_choice *choice)
{
    int chosen = (choice->user_id.length > 0) + (choice->group.length > 0) + (choice->location.length > 0);
    return chosen == 1 && (choice->group.length == 0 || choice->customer_key.length > 0) &&
           (choice->location.length == 0 || choice->connection.length > 0);
}

/* ABSENT: nobody, or of other customers only. */
static enum outcome find_user(struct db *db, const struct choice_call *call)
{
    struct db_query *query =
        db_query(db, "SELECT 1 FROM sso_user u WHERE u.id = $1 AND u.linked_to = '' AND ($2 = '' OR EXISTS "
                     "(SELECT 1 FROM sso_log l WHERE l.user_id = u.id AND l.customer_key = $2))");
    db_bind_text(query, 1, call->choice->user_id);
    db_bind_text(query, 2, call->customer_key);
    return db_run_lookup(query);
}

/* ---- counting ---- */

static enum outcome count_work(struct db *db, void *context)
{
    const struct choice_call *call = context;
    *call->out_count = 0;
    if (is_of_user(call)) {
        enum outcome outcome = find_user(db, call);
        if (outcome != OK)
            return outcome;
    }
    struct db_query *query = is_of_user(call)
                                 ? db_query(db, "SELECT COUNT(*) FROM sso_session WHERE " OF_USER)
                                 : db_query(db, "SELECT COUNT(*) FROM sso_session WHERE " OF_RIGHTS);
    bind_choice(query, call);
    *call->out_count = db_step(query) == DB_ROW ? db_int(query, 0) : 0;
    return db_finish(query);
}

enum outcome session_admin_count(struct store *store, struct customer_scope scope,
                                 const struct session_choice *choice, int64_t now, int64_t *out_count)
{
    *out_count = 0;
    if (!is_choice(choice))
        return store_fault(store, "session_admin_count", "not one choice of sessions");
    struct choice_call call = {
        .customer_key = customer_scope_key(scope), .choice = choice, .now = now, .out_count = out_count};
    return store_read(store, "session_admin_count", count_work, &call);
}

/* ---- ending ---- */

enum outcome session_admin_end_user_in(struct db *db, struct str user_id, int64_t now, struct arena *arena,
                                       struct session_ended_list *out_ended)
{
    struct db_query *query = db_query(db, "DELETE FROM sso_session WHERE user_id = $1 AND ends_at > $2 "
                                          "RETURNING " SESSION_ENDED_COLUMNS);
    db_bind_text(query, 1, user_id);
    db_bind_int(query, 2, now);
    return session_row_read_ended(query, now, arena, out_ended);
}

void session_admin_told(struct store *store, enum outcome outcome, struct session_ended_list *ended)
{
    if (outcome != OK)
        *ended = (struct session_ended_list){0};
    store_count_sessions(store, STORE_SESSION_LOGGED_OUT, (int64_t)ended->count);
}

/* What is in the audit trail as the object: the user's id, or what gave the permissions. */
static struct str subject_of(const struct choice_call *call)
{
    const struct session_choice *choice = call->choice;
    if (is_of_user(call))
        return choice->user_id;
    const char *text = choice->group.length > 0
                           ? arena_printf(call->arena, "group %.*s/%.*s", STR_ARG(choice->customer_key),
                                          STR_ARG(choice->group))
                           : arena_printf(call->arena, "code %.*s at %.*s", STR_ARG(choice->location),
                                          STR_ARG(choice->connection));
    return str_from_c(text);
}

static enum outcome end_work(struct db *db, void *context)
{
    const struct choice_call *call = context;
    *call->out_ended = (struct session_ended_list){0};
    if (is_of_user(call)) {
        enum outcome outcome = find_user(db, call);
        if (outcome != OK)
            return outcome;
    }
    struct db_query *query =
        is_of_user(call)
            ? db_query(db, "DELETE FROM sso_session WHERE digest IN (SELECT digest FROM sso_session WHERE "
                           "" OF_USER " LIMIT $4) RETURNING " SESSION_ENDED_COLUMNS)
            : db_query(db, "DELETE FROM sso_session WHERE digest IN (SELECT digest FROM sso_session WHERE "
                           "" OF_RIGHTS " LIMIT $8) RETURNING " SESSION_ENDED_COLUMNS);
    bind_choice(query, call);
    db_bind_int(query, is_of_user(call) ? 4 : 8, call->limit);
    if (session_row_read_ended(query, call->now, call->arena, call->out_ended) != OK)
        return FAILED;
    const char *details = arena_printf(call->arena, "%zu sessions", call->out_ended->count);
    struct audit_entry entry = {.at = call->now,
                                .actor = str_from_c(call->actor),
                                .action = STR("sessions_end"),
                                .subject = subject_of(call),
                                .details = str_from_c(details)};
    return audit_append_in(db, call->node, &entry);
}

enum outcome session_admin_end(struct store *store, struct customer_scope scope,
                               const struct session_choice *choice, int limit, const char *actor, int64_t now,
                               struct arena *arena, struct session_ended_list *out_ended)
{
    *out_ended = (struct session_ended_list){0};
    if (limit < 1 || !is_choice(choice))
        return store_fault(store, "session_admin_end", "not one choice of sessions, or no limit");
    struct choice_call call = {.node = store_node(store),
                               .customer_key = customer_scope_key(scope),
                               .choice = choice,
                               .limit = limit,
                               .actor = actor,
                               .now = now,
                               .arena = arena,
                               .out_ended = out_ended};
    enum outcome outcome = store_write(store, "session_admin_end", end_work, &call);
    session_admin_told(store, outcome, out_ended);
    return outcome;
}
