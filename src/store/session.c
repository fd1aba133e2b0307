#include "store/session.h"

#include "base/codec.h"
#include "base/vec.h"
#include "store/db.h"
#include "store/purge.h"
#include "store/sealed.h"
#include "store/session_row.h"

#define COLUMNS                                                                                              \
    "digest, user_id, connection, issuer, subject, sid, display_name, group_names, permissions, locations, " \
    "landing, patient_sealed, is_limited, id_token_sealed, acr, log_reference, login_at, seen_at, idle_s, "  \
    "expires_at, patient_digest, is_patient_opened, warnings, auth_at"

/* How long activity may go unnoted: a page has many requests, and each note is a write. */
#define NOTE_EVERY_S 60

static const char patient_context[] = "sso_session.patient_sealed";
static const char id_token_context[] = "sso_session.id_token_sealed";

/* ---- creating ---- */

struct create_call {
    const struct session *session;
    struct str previous_digest;
    struct str patient, id_token; /* sealed */
    struct arena *arena;
    struct str *out_replaced_user;
};

static int64_t end_of(int64_t seen_at, int64_t idle_s, int64_t expires_at)
{
    return seen_at + idle_s < expires_at ? seen_at + idle_s : expires_at;
}

static enum outcome end_previous(struct db *db, const struct create_call *call)
{
    struct db_query *query = db_query(db, "DELETE FROM sso_session WHERE digest = $1 RETURNING user_id");
    db_bind_blob(query, 1, call->previous_digest);
    if (db_step(query) == DB_ROW)
        *call->out_replaced_user = db_text(query, 0, call->arena);
    return db_finish(query);
}

/* The write locks the row: blocking a user, which ends the sessions that it sees, comes before this or after
 * it as a whole. Users are never deleted (USR-4), so one that is not there was never blocked. */
static enum outcome check_user(struct db *db, struct str user_id)
{
    struct db_query *query =
        db_query(db, "UPDATE sso_user SET is_blocked = is_blocked WHERE id = $1 RETURNING is_blocked");
    db_bind_text(query, 1, user_id);
    bool is_blocked = db_step(query) == DB_ROW && db_int(query, 0) != 0;
    if (db_finish(query) != OK)
        return FAILED;
    return is_blocked ? ABSENT : OK;
}

/* After the lock on the user's row, which unlinking takes too. An identity that is not there was never
 * unlinked, as above. */
static enum outcome check_identity(struct db *db, const struct session *session)
{
    struct db_query *query = db_query(db, "SELECT 1 FROM sso_user WHERE issuer = $1 AND subject = $2 "
                                          "AND CASE WHEN linked_to = '' THEN id ELSE linked_to END <> $3");
    db_bind_text(query, 1, session->issuer);
    db_bind_text(query, 2, session->identity);
    db_bind_text(query, 3, session->user_id);
    switch (db_run_lookup(query)) {
    case OK:
        return ABSENT;
    case ABSENT:
        return OK;
    case FAILED:
        break;
    }
    return FAILED;
}

static enum outcome create_work(struct db *db, void *context)
{
    const struct create_call *call = context;
    const struct session *session = call->session;
    *call->out_replaced_user = STR_NONE;
    enum outcome outcome = check_user(db, session->user_id);
    if (outcome == OK)
        outcome = check_identity(db, session);
    if (outcome != OK)
        return outcome;
    if (call->previous_digest.length > 0 && end_previous(db, call) != OK)
        return FAILED;
    struct db_query *query =
        db_query(db, "INSERT INTO sso_session (" COLUMNS ", ends_at) VALUES ($1, $2, $3, "
                     "$4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, "
                     "$18, $19, $20, $21, 0, $22, $23, $24)");
    db_bind_blob(query, 1, session->digest);
    db_bind_text(query, 2, session->user_id);
    db_bind_text(query, 3, session->connection);
    db_bind_text(query, 4, session->issuer);
    db_bind_text(query, 5, session->subject);
    db_bind_text(query, 6, session->sid);
    db_bind_text(query, 7, session->display_name);
    db_bind_text(query, 8, session->groups);
    db_bind_text(query, 9, session->permissions);
    db_bind_text(query, 10, session->locations);
    db_bind_text(query, 11, session->landing);
    db_bind_blob_or_null(query, 12, call->patient);
    db_bind_int(query, 13, session->is_limited);
    db_bind_blob_or_null(query, 14, call->id_token);
    db_bind_text(query, 15, session->acr);
    db_bind_text(query, 16, session->log_reference);
    db_bind_int(query, 17, session->login_at);
    db_bind_int(query, 18, session->seen_at);
    db_bind_int(query, 19, session->idle_s);
    db_bind_int(query, 20, session->expires_at);
    db_bind_blob_or_null(query, 21, session->patient_digest);
    db_bind_text(query, 22, session->warnings);
    db_bind_int(query, 23, session->auth_at);
    db_bind_int(query, 24, end_of(session->seen_at, session->idle_s, session->expires_at));
    db_run_later(query);
    return OK;
}

enum outcome session_create(struct store *store, const struct session *session, struct str previous_digest,
                            struct arena *arena, struct str *out_replaced_user)
{
    struct create_call call = {
        .session = session,
        .previous_digest = previous_digest,
        .patient = sealed_close(store, arena, patient_context, session->patient),
        .id_token = sealed_close(store, arena, id_token_context, session->id_token),
        .arena = arena,
        .out_replaced_user = out_replaced_user,
    };
    enum outcome outcome = store_write(store, "session_create", create_work, &call);
    if (outcome != OK) {
        *out_replaced_user = STR_NONE;
        return outcome;
    }
    store_count_sessions(store, STORE_SESSION_OPENED, 1);
    store_count_sessions(store, STORE_SESSION_REPLACED, out_replaced_user->length > 0);
    return OK;
}

/* ---- finding ---- */

struct find_call {
    struct str key;
    int64_t now;
    struct arena *arena;
    struct session *out_session;
};

static enum outcome read_row(struct db_query *query, const struct find_call *call)
{
    struct arena *arena = call->arena;
    enum db_step step = db_step(query);
    if (step == DB_ROW) {
        *call->out_session = (struct session){
            .digest = db_blob(query, 0, arena),
            .user_id = db_text(query, 1, arena),
            .connection = db_text(query, 2, arena),
            .issuer = db_text(query, 3, arena),
            .subject = db_text(query, 4, arena),
            .sid = db_text(query, 5, arena),
            .display_name = db_text(query, 6, arena),
            .groups = db_text(query, 7, arena),
            .permissions = db_text(query, 8, arena),
            .locations = db_text(query, 9, arena),
            .landing = db_text(query, 10, arena),
            .patient = db_blob(query, 11, arena),
            .is_limited = db_int(query, 12) == 1,
            .id_token = db_blob(query, 13, arena),
            .acr = db_text(query, 14, arena),
            .log_reference = db_text(query, 15, arena),
            .login_at = db_int(query, 16),
            .seen_at = db_int(query, 17),
            .idle_s = db_int(query, 18),
            .expires_at = db_int(query, 19),
            .patient_digest = db_blob(query, 20, arena),
            .is_patient_opened = db_int(query, 21) == 1,
            .warnings = db_text(query, 22, arena),
            .auth_at = db_int(query, 23),
        };
    }
    return db_finish_lookup(query, step);
}

static enum outcome unseal(struct store *store, const char *verb, struct arena *arena,
                           struct session *session)
{
    if (sealed_open(store, arena, patient_context, &session->patient) != OK ||
        sealed_open(store, arena, id_token_context, &session->id_token) != OK) {
        *session = (struct session){.digest = session->digest};
        return store_fault(store, verb, "a sealed column of the session does not open");
    }
    return OK;
}

static enum outcome find_work(struct db *db, void *context)
{
    const struct find_call *call = context;
    struct db_query *query =
        db_query(db, "SELECT " COLUMNS " FROM sso_session WHERE digest = $1 AND ends_at > $2");
    db_bind_blob(query, 1, call->key);
    db_bind_int(query, 2, call->now);
    return read_row(query, call);
}

struct note_call {
    const struct session *session;
    int64_t now;
};

/* Only forwards, and by one of those who find it overdue at once. */
static enum outcome note_work(struct db *db, void *context)
{
    const struct note_call *call = context;
    const struct session *session = call->session;
    struct db_query *query =
        db_query(db, "UPDATE sso_session SET seen_at = $2, ends_at = $3 WHERE digest = $1 AND seen_at <= $4");
    db_bind_blob(query, 1, session->digest);
    db_bind_int(query, 2, call->now);
    db_bind_int(query, 3, end_of(call->now, session->idle_s, session->expires_at));
    db_bind_int(query, 4, call->now - NOTE_EVERY_S);
    return db_run(query);
}

enum outcome session_find(struct store *store, struct str digest, int64_t now, struct arena *arena,
                          struct session *out_session)
{
    struct find_call call = {digest, now, arena, out_session};
    enum outcome outcome = store_read(store, "session_find", find_work, &call);
    if (outcome == OK)
        outcome = unseal(store, "session_find", arena, out_session);
    if (outcome != OK || now - out_session->seen_at < NOTE_EVERY_S)
        return outcome;
    /* A note that fails has been logged; all it does is let the session end sooner. */
    struct note_call note = {out_session, now};
    if (store_write_one(store, "session_find", note_work, &note) == OK)
        out_session->seen_at = now;
    return OK;
}

static enum outcome find_by_log_work(struct db *db, void *context)
{
    const struct find_call *call = context;
    struct db_query *query =
        db_query(db, "SELECT " COLUMNS " FROM sso_session WHERE log_reference = $1 AND ends_at > $2");
    db_bind_text(query, 1, call->key);
    db_bind_int(query, 2, call->now);
    return read_row(query, call);
}

enum outcome session_find_by_log(struct store *store, struct str log_reference, int64_t now,
                                 struct arena *arena, struct session *out_session)
{
    struct find_call call = {log_reference, now, arena, out_session};
    enum outcome outcome = store_read(store, "session_find_by_log", find_by_log_work, &call);
    return outcome == OK ? unseal(store, "session_find_by_log", arena, out_session) : outcome;
}

static enum outcome find_by_patient_work(struct db *db, void *context)
{
    const struct find_call *call = context;
    struct db_query *query =
        db_query(db, "SELECT " COLUMNS " FROM sso_session WHERE patient_digest = $1 AND ends_at > $2");
    db_bind_blob(query, 1, call->key);
    db_bind_int(query, 2, call->now);
    return read_row(query, call);
}

enum outcome session_find_by_patient(struct store *store, struct str patient_digest, int64_t now,
                                     struct arena *arena, struct session *out_session)
{
    struct find_call call = {patient_digest, now, arena, out_session};
    enum outcome outcome = store_read(store, "session_find_by_patient", find_by_patient_work, &call);
    return outcome == OK ? unseal(store, "session_find_by_patient", arena, out_session) : outcome;
}

/* ---- handing over the patient ---- */

struct open_call {
    const char *node;
    struct str digest;
    const struct audit_entry *event;
};

/* The write locks the row, so that of two at once one writes the event and the other finds it written. */
static enum outcome open_patient_work(struct db *db, void *context)
{
    const struct open_call *call = context;
    struct db_query *query =
        db_query(db, "UPDATE sso_session SET is_patient_opened = 1 "
                     "WHERE digest = $1 AND patient_digest IS NOT NULL AND is_patient_opened = 0");
    db_bind_blob(query, 1, call->digest);
    if (db_run(query) != OK)
        return FAILED;
    if (db_changes(db) == 1)
        return audit_append_in(db, call->node, call->event);
    query = db_query(db, "SELECT 1 FROM sso_session WHERE digest = $1 AND is_patient_opened = 1");
    db_bind_blob(query, 1, call->digest);
    return db_run_lookup(query);
}

enum outcome session_open_patient(struct store *store, struct str digest, const struct audit_entry *event)
{
    struct open_call call = {store_node(store), digest, event};
    return store_write(store, "session_open_patient", open_patient_work, &call);
}

/* ---- ending ---- */

static enum outcome end_work(struct db *db, void *context)
{
    const struct str *digest = context;
    struct db_query *query = db_query(db, "DELETE FROM sso_session WHERE digest = $1");
    db_bind_blob(query, 1, *digest);
    return db_run_change(query);
}

enum outcome session_end(struct store *store, struct str digest)
{
    enum outcome outcome = store_write_one(store, "session_end", end_work, &digest);
    store_count_sessions(store, STORE_SESSION_LOGGED_OUT, outcome == OK);
    return outcome;
}

/* ---- one-time values ---- */

struct replay_call {
    const char *kind;
    struct str digest;
    int64_t expires_at;
};

static enum outcome replay_work(struct db *db, void *context)
{
    const struct replay_call *call = context;
    struct db_query *query = db_query(db, "INSERT INTO replay (kind, digest, expires_at) VALUES ($1, $2, $3) "
                                          "ON CONFLICT (kind, digest) DO NOTHING");
    db_bind_c(query, 1, call->kind);
    db_bind_blob(query, 2, call->digest);
    db_bind_int(query, 3, call->expires_at);
    return db_run_change(query);
}

enum outcome replay_take(struct store *store, const char *kind, struct str value, int64_t expires_at,
                         int64_t now)
{
    if (expires_at <= now)
        return ABSENT;
    struct arena *arena = arena_new();
    struct replay_call call = {kind, codec_sha256(arena, value), expires_at};
    enum outcome outcome = store_write_one(store, "replay_take", replay_work, &call);
    arena_free(&arena);
    return outcome;
}

static enum outcome replay_find_work(struct db *db, void *context)
{
    const struct replay_call *call = context;
    struct db_query *query = db_query(db, "SELECT 1 FROM replay WHERE kind = $1 AND digest = $2");
    db_bind_c(query, 1, call->kind);
    db_bind_blob(query, 2, call->digest);
    return db_run_lookup(query);
}

enum outcome replay_find(struct store *store, const char *kind, struct str value)
{
    struct arena *arena = arena_new();
    struct replay_call call = {.kind = kind, .digest = codec_sha256(arena, value)};
    enum outcome outcome = store_read(store, "replay_find", replay_find_work, &call);
    arena_free(&arena);
    return outcome;
}

/* ---- ending from outside the browser ---- */

enum outcome session_row_read_ended(struct db_query *query, int64_t now, struct arena *arena,
                                    struct session_ended_list *list)
{
    while (db_step(query) == DB_ROW) {
        const struct session_ended ended = {
            .digest = db_blob(query, 0, arena),
            .user_id = db_text(query, 1, arena),
            .display_name = db_text(query, 2, arena),
            .connection = db_text(query, 3, arena),
            .log_reference = db_text(query, 4, arena),
            .ended_at = now != 0 ? now : db_int(query, 5),
            .is_absolute = db_int(query, 5) >= db_int(query, 6),
        };
        vec_push(arena, list, ended);
    }
    return db_finish(query);
}

struct end_call {
    const struct session_login *login;
    int64_t now;
    struct arena *arena;
    struct session_ended_list *out_ended;
};

/* $4 is a connection: acceptance and production may have one issuer (C8). */
#define OF_ITS_ENVIRONMENT                                                                                   \
    "($4 = '' OR connection IN (SELECT other.id FROM sso_connection one JOIN sso_connection other ON "       \
    "other.platform = one.platform AND other.environment = one.environment WHERE one.id = $4))"

/* Those that have ended by themselves are left to the purge. */
static enum outcome end_by_login_work(struct db *db, void *context)
{
    struct end_call *call = context;
    const struct session_login *login = call->login;
    bool has_sid = login->sid.length > 0;
    *call->out_ended = (struct session_ended_list){0};
    if (login->jti.length > 0) {
        struct replay_call taken = {"logout_token", codec_sha256(call->arena, login->jti),
                                    login->jti_expires_at};
        enum outcome outcome = replay_work(db, &taken);
        if (outcome != OK)
            return outcome;
    }
    struct db_query *query =
        has_sid ? db_query(db, "DELETE FROM sso_session WHERE issuer = $1 AND sid = $2 AND ends_at > $3 AND "
                               "sid <> '' AND " OF_ITS_ENVIRONMENT " RETURNING " SESSION_ENDED_COLUMNS)
                : db_query(db, "DELETE FROM sso_session WHERE issuer = $1 AND subject = $2 AND ends_at > $3 "
                               "AND " OF_ITS_ENVIRONMENT " RETURNING " SESSION_ENDED_COLUMNS);
    db_bind_text(query, 1, login->issuer);
    db_bind_text(query, 2, has_sid ? login->sid : login->subject);
    db_bind_int(query, 3, call->now);
    db_bind_text(query, 4, login->connection);
    return session_row_read_ended(query, call->now, call->arena, call->out_ended);
}

enum outcome session_end_by_login(struct store *store, const struct session_login *login, int64_t now,
                                  struct arena *arena, struct session_ended_list *out_ended)
{
    *out_ended = (struct session_ended_list){0};
    if (login->issuer.length == 0 || (login->subject.length == 0 && login->sid.length == 0))
        return store_fault(store, "session_end_by_login", "neither sid nor subject, or no issuer");
    if (login->jti.length > 0 && login->jti_expires_at <= now)
        return ABSENT; /* as replay_take */
    /* One provider's jti says nothing of another's. */
    struct session_login scoped = *login;
    if (login->jti.length > 0)
        scoped.jti =
            str_from_c(arena_printf(arena, "%.*s %.*s", STR_ARG(login->issuer), STR_ARG(login->jti)));
    struct end_call call = {&scoped, now, arena, out_ended};
    enum outcome outcome = store_write(store, "session_end_by_login", end_by_login_work, &call);
    if (outcome != OK)
        *out_ended = (struct session_ended_list){0};
    store_count_sessions(store, STORE_SESSION_LOGGED_OUT, (int64_t)out_ended->count);
    return outcome;
}

/* ---- purging ---- */

struct purge_call {
    int64_t now;
    int limit;
    struct arena *arena;
    struct session_ended_list *out_ended;
};

static enum outcome purge_work(struct db *db, void *context)
{
    const struct purge_call *call = context;
    *call->out_ended = (struct session_ended_list){0};
    struct db_query *query = db_query(db, "DELETE FROM sso_session WHERE digest IN (SELECT digest FROM "
                                          "sso_session WHERE ends_at <= $1 ORDER BY ends_at LIMIT $2) AND "
                                          "ends_at <= $1 RETURNING " SESSION_ENDED_COLUMNS);
    db_bind_int(query, 1, call->now);
    db_bind_int(query, 2, call->limit);
    return session_row_read_ended(query, 0, call->arena, call->out_ended);
}

enum outcome session_purge(struct store *store, int64_t now, int limit, struct arena *arena,
                           struct session_ended_list *out_ended, int64_t *out_deleted)
{
    struct purge_call call = {now, limit, arena, out_ended};
    *out_deleted = 0;
    if (store_write(store, "session_purge", purge_work, &call) != OK) {
        *out_ended = (struct session_ended_list){0};
        return FAILED;
    }
    *out_deleted = (int64_t)out_ended->count;
    store_count_sessions(store, STORE_SESSION_EXPIRED, *out_deleted);
    return purge_rows(store, "session_purge",
                      "DELETE FROM replay WHERE (kind, digest) IN (SELECT kind, digest FROM replay "
                      "WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)",
                      now - REPLAY_KEPT_S, limit, out_deleted);
}
