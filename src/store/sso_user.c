#include "store/sso_user.h"

#include "base/buf.h"
#include "base/rand.h"
#include "store/audit.h"
#include "store/session_admin.h"
#include "store/sso_link.h"

#define LINK_CONTEXT "sso_link.value_hash"

struct upsert_call {
    const char *node;
    const struct sso_user *seen;
    struct sso_link link; /* without a hash: nobody is linked */
    struct str id;        /* should issuer and subject be new */
    int64_t now;
    struct arena *arena;
    struct str identity; /* found: its row's id */
    struct sso_user *out_user;
    struct sso_user_change *out_change;
};

/* u is the user, i the identity: for most the same row. */
#define USER_COLUMNS                                                                                         \
    "u.id, i.issuer, i.subject, i.sub_raw, u.display_name, u.email, u.employee_number, u.is_blocked, "       \
    "u.created_at, u.last_login_at, i.id"
#define USER_OF "CASE WHEN i.linked_to = '' THEN i.id ELSE i.linked_to END"

/* out_identity is the id of the identity's row; NULL for who does not ask. */
static enum outcome read_user(struct db_query *query, struct arena *arena, struct sso_user *out_user,
                              struct str *out_identity)
{
    enum db_step step = db_step(query);
    if (step == DB_ROW) {
        *out_user = (struct sso_user){
            .id = db_text(query, 0, arena),
            .issuer = db_text(query, 1, arena),
            .subject = db_text(query, 2, arena),
            .sub_raw = db_text(query, 3, arena),
            .display_name = db_text(query, 4, arena),
            .email = db_text(query, 5, arena),
            .employee_number = db_text(query, 6, arena),
            .is_blocked = db_int(query, 7) == 1,
            .created_at = db_int(query, 8),
            .last_login_at = db_int(query, 9),
        };
        if (out_identity != NULL)
            *out_identity = db_text(query, 10, arena);
    }
    return db_finish_lookup(query, step);
}

static enum outcome find_user(struct db *db, struct upsert_call *call)
{
    struct db_query *query =
        db_query(db, "SELECT " USER_COLUMNS " FROM sso_user i JOIN sso_user u ON u.id = " USER_OF
                     " WHERE i.issuer = $1 AND i.subject = $2");
    db_bind_text(query, 1, call->seen->issuer);
    db_bind_text(query, 2, call->seen->subject);
    return read_user(query, call->arena, call->out_user, &call->identity);
}

static enum outcome find_by_id(struct db *db, struct str id, struct arena *arena, struct sso_user *out_user)
{
    struct db_query *query =
        db_query(db, "SELECT " USER_COLUMNS
                     " FROM sso_user u JOIN sso_user i ON i.id = u.id WHERE u.id = $1 AND u.linked_to = ''");
    db_bind_text(query, 1, id);
    return read_user(query, arena, out_user, NULL);
}

struct find_call {
    struct str id;
    struct arena *arena;
    struct sso_user *out_user;
};

static enum outcome find_work(struct db *db, void *context)
{
    const struct find_call *call = context;
    return find_by_id(db, call->id, call->arena, call->out_user);
}

enum outcome sso_user_find(struct store *store, struct str id, struct arena *arena, struct sso_user *out_user)
{
    struct find_call call = {id, arena, out_user};
    return store_read(store, "sso_user_find", find_work, &call);
}

/* Another node may be first: then nothing happens here. Of a linked identity the user's row knows the rest.
 */
static enum outcome insert_row(struct db *db, const struct upsert_call *call, struct str linked_to,
                               bool *out_is_inserted)
{
    const struct sso_user *seen = call->seen;
    bool is_user = linked_to.length == 0;
    struct db_query *query = db_query(
        db, "INSERT INTO sso_user (id, issuer, subject, sub_raw, display_name, email, employee_number, "
            "created_at, last_login_at, linked_to) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9) "
            "ON CONFLICT (issuer, subject) DO NOTHING");
    db_bind_text(query, 1, call->id);
    db_bind_text(query, 2, seen->issuer);
    db_bind_text(query, 3, seen->subject);
    db_bind_text(query, 4, seen->sub_raw);
    db_bind_text(query, 5, is_user ? seen->display_name : STR(""));
    db_bind_text(query, 6, is_user ? seen->email : STR(""));
    db_bind_text(query, 7, is_user ? seen->employee_number : STR(""));
    db_bind_int(query, 8, call->now);
    db_bind_text(query, 9, linked_to);
    if (db_run(query) != OK)
        return FAILED;
    *out_is_inserted = db_changes(db) == 1;
    return OK;
}

/* Reads back this one, or what another node made meanwhile. */
static enum outcome admit(struct db *db, struct upsert_call *call, struct str linked_to)
{
    bool is_inserted;
    if (insert_row(db, call, linked_to, &is_inserted) != OK)
        return FAILED;
    call->out_change->is_created = is_inserted && linked_to.length == 0;
    call->out_change->is_linked = is_inserted && linked_to.length > 0;
    return find_user(db, call) == OK ? OK : FAILED;
}

/* ---- linking (USR-2, USR-5) ---- */

/* ABSENT: the user has no subject at the issuer of this login yet. */
static enum outcome find_at_issuer(struct db *db, const struct upsert_call *call, struct str user_id)
{
    struct db_query *query =
        db_query(db, "SELECT 1 FROM sso_user WHERE issuer = $1 AND (id = $2 OR linked_to = $2)");
    db_bind_text(query, 1, call->seen->issuer);
    db_bind_text(query, 2, user_id);
    return db_run_lookup(query);
}

static enum outcome audit_link(struct db *db, const struct upsert_call *call)
{
    const char *details =
        arena_printf(call->arena, "identity %.*s of %.*s, by connection %.*s", STR_ARG(call->identity),
                     STR_ARG(call->seen->issuer), STR_ARG(call->link.connection));
    struct audit_entry entry = {.at = call->now,
                                .actor = STR("login"),
                                .action = STR("user_link"),
                                .subject = call->out_user->id,
                                .details = str_from_c(details)};
    return audit_append_in(db, call->node, &entry);
}

/* The one user whom the value leads to. A blocked one is only shown: the caller refuses, and whoever it was
 * has not got that user's identity. */
static enum outcome admit_to(struct db *db, struct upsert_call *call, struct str user_id)
{
    if (find_by_id(db, user_id, call->arena, call->out_user) != OK)
        return FAILED;
    if (call->out_user->is_blocked)
        return OK;
    return admit(db, call, user_id);
}

/* One at a time: of two who come in at once with one value, by different identity providers, the second
 * finds the first. */
static enum outcome admit_with_link(struct db *db, struct upsert_call *call)
{
    struct sso_user_change *change = call->out_change;
    struct str users[2];
    size_t count;
    if (sso_link_lock(db, &call->link) != OK)
        return FAILED;
    enum outcome outcome = find_user(db, call); /* who had the lock before may be this one */
    if (outcome != ABSENT)
        return outcome;
    if (sso_link_find(db, &call->link, call->arena, users, &count) != OK)
        return FAILED;
    if (count == 0)
        return admit(db, call, STR(""));
    outcome = count > 1 ? OK : find_at_issuer(db, call, users[0]);
    if (outcome == ABSENT)
        return admit_to(db, call, users[0]);
    for (size_t i = 0; outcome == OK && i < count; i++)
        change->rivals[change->rival_count++] = users[i];
    return outcome == OK ? ABSENT : FAILED;
}

/* ---- later logins ---- */

/* Takes over what came along and differs; its name goes to the list. */
static void merge_field(struct buf *changed, const char *name, struct str *field, struct str seen)
{
    if (seen.length == 0 || str_equal(*field, seen))
        return;
    *field = str_copy(changed->arena, seen);
    if (changed->length > 0)
        buf_append_char(changed, ' ');
    buf_append_c(changed, name);
}

static void update_user(struct db *db, const struct upsert_call *call)
{
    struct sso_user *user = call->out_user;
    const struct sso_user *seen = call->seen;
    struct buf changed = buf_new(call->arena, 256);
    merge_field(&changed, "sub_raw", &user->sub_raw, seen->sub_raw);
    merge_field(&changed, "display_name", &user->display_name, seen->display_name);
    merge_field(&changed, "email", &user->email, seen->email);
    merge_field(&changed, "employee_number", &user->employee_number, seen->employee_number);
    user->last_login_at = call->now;
    call->out_change->changed_fields = buf_str(&changed);
    struct db_query *query =
        db_query(db, "UPDATE sso_user SET sub_raw = CASE WHEN id = $7 THEN $2 ELSE sub_raw END, "
                     "display_name = $3, email = $4, employee_number = $5, last_login_at = $6 "
                     "WHERE id = $1 AND is_blocked = 0");
    db_bind_text(query, 1, user->id);
    db_bind_text(query, 2, user->sub_raw);
    db_bind_text(query, 3, user->display_name);
    db_bind_text(query, 4, user->email);
    db_bind_text(query, 5, user->employee_number);
    db_bind_int(query, 6, user->last_login_at);
    db_bind_text(query, 7, call->identity);
    db_run_later(query);
    if (str_equal(call->identity, user->id))
        return;
    query = db_query(db, "UPDATE sso_user SET sub_raw = $2, last_login_at = $3 WHERE id = $1");
    db_bind_text(query, 1, call->identity);
    db_bind_text(query, 2, user->sub_raw);
    db_bind_int(query, 3, user->last_login_at);
    db_run_later(query);
}

static enum outcome upsert_work(struct db *db, void *context)
{
    struct upsert_call *call = context;
    bool has_link = call->link.value_hash.length > 0;
    *call->out_change = (struct sso_user_change){0};
    enum outcome outcome = find_user(db, call);
    if (outcome == ABSENT)
        outcome = has_link ? admit_with_link(db, call) : admit(db, call, STR(""));
    if (outcome != OK)
        return outcome;
    bool is_blocked = call->out_user->is_blocked;
    if (!is_blocked && !call->out_change->is_created)
        update_user(db, call);
    if (!is_blocked && has_link && sso_link_note(db, &call->link, call->out_user->id) != OK)
        return FAILED;
    /* Last: a block locks the user's row before the trail, too. */
    return call->out_change->is_linked ? audit_link(db, call) : OK;
}

enum outcome sso_user_upsert(struct store *store, const struct sso_user *seen,
                             const struct sso_user_link *link, int64_t now, struct arena *arena,
                             struct sso_user *out_user, struct sso_user_change *out_change)
{
    struct upsert_call call = {
        .node = store_node(store),
        .seen = seen,
        .id = str_from_c(rand_uuid7_in(arena)),
        .now = now,
        .arena = arena,
        .out_user = out_user,
        .out_change = out_change,
    };
    if (link != NULL && sso_link_is_number(link->value))
        call.link = (struct sso_link){
            .connection = link->connection,
            .value_hash = vault_lookup_hash(store_vault(store), arena, LINK_CONTEXT, link->value)};
    return store_write(store, "sso_user_upsert", upsert_work, &call);
}

/* ---- by an administrator ---- */

struct change_call {
    const char *node;
    struct str customer_key;
    struct str id;
    bool is_blocked;
    const char *actor;
    int64_t now;
    struct arena *arena;
    int64_t *out_identities;
    struct session_ended_list *out_ended;
};

/* Who is a user of the customer in scope; $1 is the id and $2 that customer. */
#define USER_IN_SCOPE                                                                                        \
    "id = $1 AND linked_to = '' AND ($2 = '' OR EXISTS "                                                     \
    "(SELECT 1 FROM sso_log l WHERE l.user_id = sso_user.id AND l.customer_key = $2))"

static enum outcome audit_change(struct db *db, const struct change_call *call, struct str action,
                                 const char *details)
{
    struct audit_entry entry = {.at = call->now,
                                .actor = str_from_c(call->actor),
                                .action = action,
                                .subject = call->id,
                                .details = str_from_c(details)};
    return audit_append_in(db, call->node, &entry);
}

static enum outcome block_work(struct db *db, void *context)
{
    const struct change_call *call = context;
    *call->out_ended = (struct session_ended_list){0};
    struct db_query *query = db_query(db, "UPDATE sso_user SET is_blocked = $3 WHERE " USER_IN_SCOPE);
    db_bind_text(query, 1, call->id);
    db_bind_text(query, 2, call->customer_key);
    db_bind_int(query, 3, call->is_blocked);
    if (db_run(query) != OK)
        return FAILED;
    if (db_changes(db) == 0)
        return ABSENT;
    if (call->is_blocked &&
        session_admin_end_user_in(db, call->id, call->now, call->arena, call->out_ended) != OK)
        return FAILED;
    return audit_change(db, call, call->is_blocked ? STR("user_block") : STR("user_unblock"),
                        call->is_blocked ? arena_printf(call->arena, "%zu sessions", call->out_ended->count)
                                         : "");
}

enum outcome sso_user_block(struct store *store, struct customer_scope scope, struct str id, bool is_blocked,
                            const char *actor, int64_t now, struct arena *arena,
                            struct session_ended_list *out_ended)
{
    struct change_call call = {.node = store_node(store),
                               .customer_key = customer_scope_key(scope),
                               .id = id,
                               .is_blocked = is_blocked,
                               .actor = actor,
                               .now = now,
                               .arena = arena,
                               .out_ended = out_ended};
    enum outcome outcome = store_write(store, "sso_user_block", block_work, &call);
    session_admin_told(store, outcome, out_ended);
    return outcome;
}

static enum outcome unlink_work(struct db *db, void *context)
{
    const struct change_call *call = context;
    *call->out_ended = (struct session_ended_list){0};
    struct db_query *query = db_query(db, "UPDATE sso_user SET is_blocked = is_blocked WHERE " USER_IN_SCOPE);
    db_bind_text(query, 1, call->id);
    db_bind_text(query, 2, call->customer_key);
    if (db_run(query) != OK)
        return FAILED;
    if (db_changes(db) == 0)
        return ABSENT;
    query =
        db_query(db, "UPDATE sso_user SET linked_to = '', is_blocked = (SELECT u.is_blocked FROM sso_user u "
                     "WHERE u.id = $1) WHERE linked_to = $1");
    db_bind_text(query, 1, call->id);
    if (db_run(query) != OK)
        return FAILED;
    *call->out_identities = db_changes(db);
    query = db_query(db, "DELETE FROM sso_link WHERE user_id = $1");
    db_bind_text(query, 1, call->id);
    db_run_later(query);
    if (session_admin_end_user_in(db, call->id, call->now, call->arena, call->out_ended) != OK)
        return FAILED;
    return audit_change(db, call, STR("user_unlink"),
                        arena_printf(call->arena, "%lld identities, %zu sessions",
                                     (long long)*call->out_identities, call->out_ended->count));
}

enum outcome sso_user_unlink(struct store *store, struct customer_scope scope, struct str id,
                             const char *actor, int64_t now, struct arena *arena, int64_t *out_identities,
                             struct session_ended_list *out_ended)
{
    struct change_call call = {.node = store_node(store),
                               .customer_key = customer_scope_key(scope),
                               .id = id,
                               .actor = actor,
                               .now = now,
                               .arena = arena,
                               .out_identities = out_identities,
                               .out_ended = out_ended};
    *out_identities = 0;
    enum outcome outcome = store_write(store, "sso_user_unlink", unlink_work, &call);
    session_admin_told(store, outcome, out_ended);
    return outcome;
}
