#include "store/grant.h"

#include "store/audit.h"
#include "store/consent_row.h"
#include "store/grant_row.h"
#include "store/purge.h"

void grant_read_row(struct db_query *query, int first, struct arena *arena, struct grant *out_grant)
{
    *out_grant = (struct grant){
        .id = db_text(query, first, arena),
        .client_host = db_text(query, first + 1, arena),
        .redirect_uri = db_text(query, first + 2, arena),
        .correlation_id = db_text(query, first + 3, arena),
        .code_challenge = db_text(query, first + 4, arena),
        .code_expires_at = db_int(query, first + 5),
        .is_revoked = db_int(query, first + 6) != 0,
    };
    consent_read_row(query, first + GRANT_COLUMN_COUNT, arena, &out_grant->consent);
    if (out_grant->consent.withdrawn_at != 0)
        out_grant->is_revoked = true;
}

/* ---- revocation ---- */

enum outcome grant_revoke_in(struct db *db, const char *node, struct str grant_id, struct str why,
                             struct str actor, int64_t now)
{
    struct db_query *query = db_query(
        db, "UPDATE token_grant SET revoked_at = $2, revoked_why = $3 WHERE id = $1 AND revoked_at = 0");
    db_bind_text(query, 1, grant_id);
    db_bind_int(query, 2, now);
    db_bind_text(query, 3, why);
    if (db_run(query) != OK)
        return FAILED;
    if (db_changes(db) == 1) {
        struct audit_entry entry = {
            .at = now, .actor = actor, .action = STR("grant_revoke"), .subject = grant_id, .details = why};
        return audit_append_in(db, node, &entry);
    }
    query = db_query(db, "SELECT 1 FROM token_grant WHERE id = $1");
    db_bind_text(query, 1, grant_id);
    return db_run_lookup(query);
}

struct revoke_call {
    const char *node;
    struct str grant_id, why;
    int64_t now;
};

static enum outcome revoke_work(struct db *db, void *context)
{
    const struct revoke_call *call = context;
    return grant_revoke_in(db, call->node, call->grant_id, call->why, STR("system"), call->now);
}

enum outcome grant_revoke(struct store *store, struct str grant_id, const char *why, int64_t now)
{
    struct revoke_call call = {store_node(store), grant_id, str_from_c(why), now};
    return store_write(store, "grant_revoke", revoke_work, &call);
}

/* ---- the code ---- */

struct offer_call {
    const char *node;
    struct str code_digest;
    int64_t now;
    struct arena *arena;
    struct grant *out_grant;
    enum code_state state;
};

static enum outcome read_by_code(struct db *db, const struct offer_call *call)
{
    struct db_query *query = db_query(db, "SELECT " GRANT_COLUMNS ", " CONSENT_COLUMNS
                                          " FROM token_grant g JOIN consent c ON c.id = g.consent_id "
                                          "WHERE g.code_digest = $1");
    db_bind_blob(query, 1, call->code_digest);
    enum db_step step = db_step(query);
    if (step == DB_ROW)
        grant_read_row(query, 0, call->arena, call->out_grant);
    return db_finish_lookup(query, step);
}

/* The conditional update decides, on one node or on several: one offer finds the code not offered. */
static enum outcome offer_work(struct db *db, void *context)
{
    struct offer_call *call = context;
    struct db_query *query = db_query(
        db, "UPDATE token_grant SET code_offered_at = $2 WHERE code_digest = $1 AND code_offered_at = 0");
    db_bind_blob(query, 1, call->code_digest);
    db_bind_int(query, 2, call->now);
    if (db_run(query) != OK)
        return FAILED;
    call->state = db_changes(db) == 1 ? CODE_FRESH : CODE_REUSED;
    enum outcome outcome = read_by_code(db, call);
    if (outcome != OK || call->state == CODE_FRESH)
        return outcome;
    call->out_grant->is_revoked = true;
    return grant_revoke_in(db, call->node, call->out_grant->id, STR("code_reuse"), STR("system"), call->now);
}

enum outcome grant_offer_code(struct store *store, struct str code_digest, int64_t now, struct arena *arena,
                              struct grant *out_grant, enum code_state *out_state)
{
    struct offer_call call = {store_node(store), code_digest, now, arena, out_grant, CODE_REUSED};
    enum outcome outcome = store_write(store, "grant_offer_code", offer_work, &call);
    *out_state = call.state;
    return outcome == OK ? consent_unseal(store, "grant_offer_code", arena, &out_grant->consent) : outcome;
}

/* ---- tokens ---- */

void grant_insert_access(struct db *db, struct str grant_id, const struct token_issue *issue, int64_t now)
{
    struct db_query *query =
        db_query(db, "INSERT INTO access_token (digest, grant_id, services, issued_at, expires_at) "
                     "VALUES ($1, $2, $3, $4, $5)");
    db_bind_blob(query, 1, issue->access_digest);
    db_bind_text(query, 2, grant_id);
    db_bind_text(query, 3, issue->services);
    db_bind_int(query, 4, now);
    db_bind_int(query, 5, issue->access_expires_at);
    db_run_later(query);
}

void grant_insert_refresh(struct db *db, struct str grant_id, const struct token_issue *issue, int64_t now)
{
    struct db_query *query =
        db_query(db, "INSERT INTO refresh_token (digest, grant_id, issued_at, expires_at) "
                     "VALUES ($1, $2, $3, $4)");
    db_bind_blob(query, 1, issue->refresh_digest);
    db_bind_text(query, 2, grant_id);
    db_bind_int(query, 3, now);
    db_bind_int(query, 4, issue->refresh_expires_at);
    db_run_later(query);
}

struct issue_call {
    struct str grant_id;
    const struct token_issue *issue;
    int64_t now;
};

/* Locks the consent, as a withdrawal does: one of the two sees the other. A token that slips in beside a
 * revocation of the grant is born dead, as its grant is looked at with every use. */
static enum outcome issue_work(struct db *db, void *context)
{
    const struct issue_call *call = context;
    struct db_query *query =
        db_query(db, "UPDATE consent SET last_used_at = $2 WHERE id = (SELECT consent_id FROM token_grant "
                     "WHERE id = $1 AND revoked_at = 0) AND is_given = 1 AND withdrawn_at = 0");
    db_bind_text(query, 1, call->grant_id);
    db_bind_int(query, 2, call->now);
    if (db_run(query) != OK)
        return FAILED;
    if (db_changes(db) != 1)
        return ABSENT;
    grant_insert_access(db, call->grant_id, call->issue, call->now);
    if (call->issue->refresh_digest.length > 0)
        grant_insert_refresh(db, call->grant_id, call->issue, call->now);
    return OK;
}

enum outcome grant_issue(struct store *store, struct str grant_id, const struct token_issue *issue,
                         int64_t now)
{
    struct issue_call call = {grant_id, issue, now};
    return store_write(store, "grant_issue", issue_work, &call);
}

/* ---- housekeeping ---- */

enum outcome grant_purge(struct store *store, int64_t now, int64_t answer_window_s, int limit,
                         int64_t *out_deleted)
{
    *out_deleted = 0;
    if (purge_rows(store, "grant_purge",
                   "DELETE FROM access_token WHERE digest IN (SELECT digest FROM access_token "
                   "WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)",
                   now, limit, out_deleted) != OK ||
        purge_rows(store, "grant_purge",
                   "DELETE FROM refresh_token WHERE digest IN (SELECT digest FROM refresh_token "
                   "WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)",
                   now, limit, out_deleted) != OK ||
        purge_rows(
            store, "grant_purge",
            "UPDATE refresh_token SET sealed_answer = NULL WHERE digest IN (SELECT digest FROM refresh_token "
            "WHERE sealed_answer IS NOT NULL AND rotated_at < $1 ORDER BY rotated_at LIMIT $2)",
            now - answer_window_s, limit, out_deleted) != OK)
        return FAILED;
    return purge_rows(store, "grant_purge",
                      "DELETE FROM token_grant WHERE id IN (SELECT id FROM token_grant "
                      "WHERE code_offered_at = 0 AND code_expires_at < $1 ORDER BY code_expires_at LIMIT $2) "
                      "AND code_offered_at = 0",
                      now, limit, out_deleted);
}
