#include "store/sso_user.h"

#include "base/buf.h"
#include "base/rand.h"
#include "store/audit.h"
#include "store/db.h"

struct upsert_call {
    const struct sso_user *seen;
    struct str id; /* should the user be new */
    int64_t now;
    struct arena *arena;
    struct sso_user *out_user;
    struct sso_user_change *out_change;
};

#define USER_COLUMNS                                                                                         \
    "id, issuer, subject, sub_raw, display_name, email, employee_number, is_blocked, created_at, "           \
    "last_login_at"

static enum outcome read_user(struct db_query *query, struct arena *arena, struct sso_user *out_user)
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
    }
    if (db_finish(query) != OK)
        return FAILED;
    return step == DB_ROW ? OK : ABSENT;
}

static enum outcome find_user(struct db *db, const struct upsert_call *call)
{
    struct db_query *query =
        db_query(db, "SELECT " USER_COLUMNS " FROM sso_user WHERE issuer = $1 AND subject = $2");
    db_bind_text(query, 1, call->seen->issuer);
    db_bind_text(query, 2, call->seen->subject);
    return read_user(query, call->arena, call->out_user);
}

struct find_call {
    struct str id;
    struct arena *arena;
    struct sso_user *out_user;
};

static enum outcome find_work(struct db *db, void *context)
{
    const struct find_call *call = context;
    struct db_query *query = db_query(db, "SELECT " USER_COLUMNS " FROM sso_user WHERE id = $1");
    db_bind_text(query, 1, call->id);
    return read_user(query, call->arena, call->out_user);
}

enum outcome sso_user_find(struct store *store, struct str id, struct arena *arena, struct sso_user *out_user)
{
    struct find_call call = {id, arena, out_user};
    return store_read(store, "sso_user_find", find_work, &call);
}

static enum outcome insert_user(struct db *db, const struct upsert_call *call)
{
    const struct sso_user *seen = call->seen;
    struct db_query *query = db_query(
        db, "INSERT INTO sso_user (id, issuer, subject, sub_raw, display_name, email, employee_number, "
            "created_at, last_login_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8) "
            "ON CONFLICT (issuer, subject) DO NOTHING");
    db_bind_text(query, 1, call->id);
    db_bind_text(query, 2, seen->issuer);
    db_bind_text(query, 3, seen->subject);
    db_bind_text(query, 4, seen->sub_raw);
    db_bind_text(query, 5, seen->display_name);
    db_bind_text(query, 6, seen->email);
    db_bind_text(query, 7, seen->employee_number);
    db_bind_int(query, 8, call->now);
    if (db_run(query) != OK)
        return FAILED;
    call->out_change->is_created = db_changes(db) == 1;
    return OK;
}

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
        db_query(db, "UPDATE sso_user SET sub_raw = $2, display_name = $3, email = $4, "
                     "employee_number = $5, last_login_at = $6 WHERE id = $1 AND is_blocked = 0");
    db_bind_text(query, 1, user->id);
    db_bind_text(query, 2, user->sub_raw);
    db_bind_text(query, 3, user->display_name);
    db_bind_text(query, 4, user->email);
    db_bind_text(query, 5, user->employee_number);
    db_bind_int(query, 6, user->last_login_at);
    db_run_later(query);
}

static enum outcome upsert_work(struct db *db, void *context)
{
    const struct upsert_call *call = context;
    *call->out_change = (struct sso_user_change){0};
    enum outcome outcome = find_user(db, call);
    if (outcome == ABSENT) {
        if (insert_user(db, call) != OK)
            return FAILED;
        outcome = find_user(db, call); /* this one, or what another node made meanwhile */
    }
    if (outcome != OK)
        return FAILED;
    if (!call->out_change->is_created && !call->out_user->is_blocked)
        update_user(db, call);
    return OK;
}

enum outcome sso_user_upsert(struct store *store, const struct sso_user *seen, int64_t now,
                             struct arena *arena, struct sso_user *out_user,
                             struct sso_user_change *out_change)
{
    struct upsert_call call = {
        .seen = seen,
        .id = str_from_c(rand_uuid7_in(arena)),
        .now = now,
        .arena = arena,
        .out_user = out_user,
        .out_change = out_change,
    };
    return store_write(store, "sso_user_upsert", upsert_work, &call);
}

struct block_call {
    const char *node;
    struct str customer_key;
    struct str id;
    bool is_blocked;
    const char *actor;
    int64_t now;
};

static enum outcome block_work(struct db *db, void *context)
{
    const struct block_call *call = context;
    struct db_query *query =
        db_query(db, "UPDATE sso_user SET is_blocked = $2 WHERE id = $1 AND ($3 = '' OR EXISTS "
                     "(SELECT 1 FROM sso_log l WHERE l.user_id = sso_user.id AND l.customer_key = $3))");
    db_bind_text(query, 1, call->id);
    db_bind_int(query, 2, call->is_blocked);
    db_bind_text(query, 3, call->customer_key);
    if (db_run(query) != OK)
        return FAILED;
    if (db_changes(db) == 0)
        return ABSENT;
    if (call->is_blocked) {
        query = db_query(db, "DELETE FROM sso_session WHERE user_id = $1");
        db_bind_text(query, 1, call->id);
        db_run_later(query);
    }
    struct audit_entry entry = {.at = call->now,
                                .actor = str_from_c(call->actor),
                                .action = call->is_blocked ? STR("user_block") : STR("user_unblock"),
                                .subject = call->id,
                                .details = STR("")};
    return audit_append_in(db, call->node, &entry);
}

enum outcome sso_user_block(struct store *store, struct customer_scope scope, struct str id, bool is_blocked,
                            const char *actor, int64_t now)
{
    struct block_call call = {store_node(store), customer_scope_key(scope), id, is_blocked, actor, now};
    return store_write(store, "sso_user_block", block_work, &call);
}
