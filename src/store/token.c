/* Refresh tokens, revocation by token and introspection: the part of grant.h that starts from a token. */
#include "store/audit.h"
#include "store/consent_row.h"
#include "store/grant.h"
#include "store/grant_row.h"

/* ---- refresh ---- */

struct refresh_call {
    struct str digest;
    int64_t now;
    struct arena *arena;
    struct refresh_lookup *out_lookup;
};

/* Revoked before rotated: a family that has ended cannot be stolen any more. Rotated before expired: an old
 * token that turns up again is a sign of theft however old it is. */
static enum refresh_state state_of(const struct grant *grant, int64_t rotated_at, int64_t expires_at,
                                   int64_t now)
{
    if (grant->is_revoked)
        return REFRESH_REVOKED;
    if (rotated_at != 0)
        return REFRESH_ROTATED;
    return expires_at <= now ? REFRESH_EXPIRED : REFRESH_CURRENT;
}

static enum outcome find_refresh_work(struct db *db, void *context)
{
    struct refresh_call *call = context;
    struct db_query *query =
        db_query(db, "SELECT r.rotated_at, r.expires_at, r.sealed_answer, " GRANT_COLUMNS ", " CONSENT_COLUMNS
                     " FROM refresh_token r JOIN token_grant g ON g.id = r.grant_id "
                     "JOIN consent c ON c.id = g.consent_id WHERE r.digest = $1");
    db_bind_blob(query, 1, call->digest);
    enum db_step step = db_step(query);
    if (step == DB_ROW) {
        struct refresh_lookup *lookup = call->out_lookup;
        *lookup = (struct refresh_lookup){.rotated_at = db_int(query, 0)};
        lookup->sealed_answer = db_blob(query, 2, call->arena);
        grant_read_row(query, 3, call->arena, &lookup->grant);
        lookup->state = state_of(&lookup->grant, lookup->rotated_at, db_int(query, 1), call->now);
    }
    return db_finish_lookup(query, step);
}

enum outcome grant_find_refresh(struct store *store, struct str refresh_digest, int64_t now,
                                struct arena *arena, struct refresh_lookup *out_lookup)
{
    struct refresh_call call = {refresh_digest, now, arena, out_lookup};
    enum outcome outcome = store_read(store, "grant_find_refresh", find_refresh_work, &call);
    if (outcome != OK)
        return outcome;
    return consent_unseal(store, "grant_find_refresh", arena, &out_lookup->grant.consent);
}

struct rotate_call {
    struct str old_digest;
    const struct token_issue *issue;
    struct str sealed_answer;
    int64_t now;
    struct arena *arena;
};

/* The conditional update decides who was first. It also waits for a rotation on another node, which then has
 * set rotated_at. */
static enum outcome retire(struct db *db, const struct rotate_call *call, struct str *out_grant_id)
{
    struct db_query *query =
        db_query(db, "UPDATE refresh_token SET rotated_at = $2, sealed_answer = $3 WHERE digest = $1 "
                     "AND rotated_at = 0 AND expires_at > $2 AND EXISTS (SELECT 1 FROM token_grant g "
                     "JOIN consent c ON c.id = g.consent_id WHERE g.id = refresh_token.grant_id "
                     "AND g.revoked_at = 0 AND c.is_given = 1 AND c.withdrawn_at = 0) RETURNING grant_id");
    db_bind_blob(query, 1, call->old_digest);
    db_bind_int(query, 2, call->now);
    if (call->sealed_answer.length > 0)
        db_bind_blob(query, 3, call->sealed_answer);
    else
        db_bind_null(query, 3);
    enum db_step step = db_step(query);
    if (step == DB_ROW)
        *out_grant_id = db_text(query, 0, call->arena);
    return db_finish_lookup(query, step);
}

static enum outcome rotate_work(struct db *db, void *context)
{
    const struct rotate_call *call = context;
    struct str grant_id;
    enum outcome outcome = retire(db, call, &grant_id);
    if (outcome != OK)
        return outcome;
    grant_insert_access(db, grant_id, call->issue, call->now);
    grant_insert_refresh(db, grant_id, call->issue, call->now);
    struct db_query *query =
        db_query(db, "UPDATE consent SET last_used_at = $2 WHERE id = (SELECT consent_id FROM token_grant "
                     "WHERE id = $1)");
    db_bind_text(query, 1, grant_id);
    db_bind_int(query, 2, call->now);
    db_run_later(query);
    return OK;
}

enum outcome grant_rotate(struct store *store, struct str old_digest, const struct token_issue *issue,
                          struct str sealed_answer, int64_t now)
{
    if (issue->refresh_digest.length == 0)
        return store_fault(store, "grant_rotate", "a rotation without a next refresh token");
    struct rotate_call call = {old_digest, issue, sealed_answer, now, arena_new()};
    enum outcome outcome = store_write(store, "grant_rotate", rotate_work, &call);
    arena_free(&call.arena);
    return outcome;
}

/* ---- revocation by token ---- */

struct revoke_call {
    const char *node;
    struct str digest, client_host, actor;
    int64_t now;
    struct arena *arena;
};

/* ABSENT: not a refresh token of this client. */
static enum outcome revoke_refresh(struct db *db, const struct revoke_call *call)
{
    struct db_query *query = db_query(
        db, "SELECT g.id, c.id, c.is_indefinite FROM refresh_token r JOIN token_grant g ON g.id = r.grant_id "
            "JOIN consent c ON c.id = g.consent_id WHERE r.digest = $1 AND g.client_host = $2");
    db_bind_blob(query, 1, call->digest);
    db_bind_text(query, 2, call->client_host);
    enum db_step step = db_step(query);
    struct str grant_id = STR_NONE, consent_id = STR_NONE;
    bool is_indefinite = false;
    if (step == DB_ROW) {
        grant_id = db_text(query, 0, call->arena);
        consent_id = db_text(query, 1, call->arena);
        is_indefinite = db_int(query, 2) == 1;
    }
    if (db_finish(query) != OK)
        return FAILED;
    if (step != DB_ROW)
        return ABSENT;
    /* The consent first: every verb that locks both takes them in this order. */
    if (is_indefinite &&
        consent_withdraw_in(db, call->node, consent_id, STR("client"), call->actor, call->now) != OK)
        return FAILED;
    return grant_revoke_in(db, call->node, grant_id, STR("token_revoked"), call->actor, call->now) == OK
               ? OK
               : FAILED;
}

static enum outcome revoke_access(struct db *db, const struct revoke_call *call)
{
    struct db_query *query = db_query(
        db,
        "UPDATE access_token SET revoked_at = $3 WHERE digest = $1 AND revoked_at = 0 "
        "AND EXISTS (SELECT 1 FROM token_grant g WHERE g.id = access_token.grant_id AND g.client_host = $2)");
    db_bind_blob(query, 1, call->digest);
    db_bind_text(query, 2, call->client_host);
    db_bind_int(query, 3, call->now);
    if (db_run(query) != OK)
        return FAILED;
    if (db_changes(db) == 1)
        return OK;
    query = db_query(db, "SELECT 1 FROM access_token a JOIN token_grant g ON g.id = a.grant_id "
                         "WHERE a.digest = $1 AND g.client_host = $2");
    db_bind_blob(query, 1, call->digest);
    db_bind_text(query, 2, call->client_host);
    return db_run_lookup(query); /* OK: it was revoked before */
}

static enum outcome token_revoke_work(struct db *db, void *context)
{
    const struct revoke_call *call = context;
    enum outcome outcome = revoke_refresh(db, call);
    return outcome == ABSENT ? revoke_access(db, call) : outcome;
}

enum outcome token_revoke(struct store *store, struct str token_digest, struct str client_host, int64_t now)
{
    struct arena *arena = arena_new();
    struct revoke_call call = {
        .node = store_node(store),
        .digest = token_digest,
        .client_host = client_host,
        .actor = str_from_c(arena_printf(arena, "client:%.*s", STR_ARG(client_host))),
        .now = now,
        .arena = arena,
    };
    enum outcome outcome = store_write(store, "token_revoke", token_revoke_work, &call);
    arena_free(&arena);
    return outcome;
}

/* ---- introspection ---- */

struct introspect_call {
    struct str digest;
    int64_t now;
    struct arena *arena;
    struct token_facts *out_facts;
};

static enum outcome introspect_work(struct db *db, void *context)
{
    const struct introspect_call *call = context;
    struct arena *arena = call->arena;
    struct db_query *query = db_query(
        db, "SELECT c.id, g.client_host, c.provider, c.function, a.services, c.person_sealed, c.days, "
            "a.issued_at, a.expires_at FROM access_token a JOIN token_grant g ON g.id = a.grant_id "
            "JOIN consent c ON c.id = g.consent_id WHERE a.digest = $1 AND a.revoked_at = 0 "
            "AND a.expires_at > $2 AND g.revoked_at = 0 AND c.is_given = 1 AND c.withdrawn_at = 0");
    db_bind_blob(query, 1, call->digest);
    db_bind_int(query, 2, call->now);
    enum db_step step = db_step(query);
    if (step == DB_ROW)
        *call->out_facts = (struct token_facts){
            .consent_id = db_text(query, 0, arena),
            .client_host = db_text(query, 1, arena),
            .provider = db_text(query, 2, arena),
            .function = db_text(query, 3, arena),
            .services = db_text(query, 4, arena),
            .person = db_blob(query, 5, arena), /* sealed until after the read */
            .days = db_int(query, 6),
            .issued_at = db_int(query, 7),
            .expires_at = db_int(query, 8),
        };
    return db_finish_lookup(query, step);
}

enum outcome token_introspect(struct store *store, struct str access_digest, int64_t now, struct arena *arena,
                              struct token_facts *out_facts)
{
    struct introspect_call call = {access_digest, now, arena, out_facts};
    enum outcome outcome = store_read(store, "token_introspect", introspect_work, &call);
    if (outcome != OK)
        return outcome;
    struct str sealed = out_facts->person;
    out_facts->person = STR_NONE;
    if (vault_open(store_vault(store), arena, consent_person_context, sealed, &out_facts->person) == OK)
        return OK;
    return store_fault(store, "token_introspect", "the sealed person of the consent does not open");
}
