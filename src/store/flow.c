#include "store/flow.h"

#include "store/db.h"
#include "store/purge.h"
#include "store/sealed.h"

#define COLUMNS                                                                                              \
    "id, door, stage, state_digest, browser_digest, connection, issuer, nonce, code_verifier_sealed, "       \
    "payload_sealed, identity_sealed, acr, form_digest, outcome, created_at, expires_at"

static const char verifier_context[] = "flow.code_verifier_sealed";
static const char payload_context[] = "flow.payload_sealed";
static const char identity_context[] = "flow.identity_sealed";

/* ---- between struct flow and its row ---- */

/* The sealed columns are read as they are; unseal opens them after the transaction. */
static void read_row(struct db_query *query, struct arena *arena, struct flow *out_flow)
{
    *out_flow = (struct flow){
        .id = db_text(query, 0, arena),
        .door = db_text(query, 1, arena),
        .stage = (enum flow_stage)db_int(query, 2),
        .state_digest = db_blob(query, 3, arena),
        .browser_digest = db_blob(query, 4, arena),
        .connection = db_text(query, 5, arena),
        .issuer = db_text(query, 6, arena),
        .nonce = db_text(query, 7, arena),
        .code_verifier = db_blob(query, 8, arena),
        .payload = db_blob(query, 9, arena),
        .identity = db_blob(query, 10, arena),
        .acr = db_text(query, 11, arena),
        .form_digest = db_blob(query, 12, arena),
        .outcome = db_text(query, 13, arena),
        .created_at = db_int(query, 14),
        .expires_at = db_int(query, 15),
    };
}

static enum outcome unseal(struct store *store, const char *verb, struct arena *arena, struct flow *flow)
{
    if (sealed_open(store, arena, verifier_context, &flow->code_verifier) != OK ||
        sealed_open(store, arena, payload_context, &flow->payload) != OK ||
        sealed_open(store, arena, identity_context, &flow->identity) != OK) {
        *flow = (struct flow){.id = flow->id};
        return store_fault(store, verb, "a sealed column of the flow does not open");
    }
    return OK;
}

/* ---- verbs ---- */

struct create_call {
    const struct flow *flow;
    struct str code_verifier, payload, identity; /* sealed */
};

static enum outcome create_work(struct db *db, void *context)
{
    const struct create_call *call = context;
    const struct flow *flow = call->flow;
    struct db_query *query =
        db_query(db, "INSERT INTO flow (" COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, "
                     "$12, $13, $14, $15, $16)");
    db_bind_text(query, 1, flow->id);
    db_bind_text(query, 2, flow->door);
    db_bind_int(query, 3, flow->stage);
    db_bind_blob(query, 4, flow->state_digest);
    db_bind_blob(query, 5, flow->browser_digest);
    db_bind_text(query, 6, flow->connection);
    db_bind_text(query, 7, flow->issuer);
    db_bind_text(query, 8, flow->nonce);
    db_bind_blob_or_null(query, 9, call->code_verifier);
    db_bind_blob(query, 10, call->payload);
    db_bind_blob_or_null(query, 11, call->identity);
    db_bind_text(query, 12, flow->acr);
    db_bind_blob_or_null(query, 13, flow->form_digest);
    db_bind_text(query, 14, flow->outcome);
    db_bind_int(query, 15, flow->created_at);
    db_bind_int(query, 16, flow->expires_at);
    return db_run(query);
}

enum outcome flow_create(struct store *store, const struct flow *flow)
{
    struct arena *arena = arena_new();
    struct create_call call = {
        .flow = flow,
        .code_verifier = sealed_close(store, arena, verifier_context, flow->code_verifier),
        .payload = vault_seal(store_vault(store), arena, payload_context, flow->payload),
        .identity = sealed_close(store, arena, identity_context, flow->identity),
    };
    enum outcome outcome = store_write_one(store, "flow_create", create_work, &call);
    arena_free(&arena);
    return outcome;
}

struct trim_call {
    struct str door, browser_digest;
    int keep;
};

static enum outcome trim_work(struct db *db, void *context)
{
    const struct trim_call *call = context;
    /* An id begins with the time. More than 1000 at once is for the next time. */
    struct db_query *query = db_query(db, "DELETE FROM flow WHERE id IN (SELECT id FROM flow WHERE "
                                          "browser_digest = $1 AND door = $2 AND stage = 1 "
                                          "ORDER BY id DESC LIMIT 1000 OFFSET $3)");
    db_bind_blob(query, 1, call->browser_digest);
    db_bind_text(query, 2, call->door);
    db_bind_int(query, 3, call->keep);
    return db_run_change(query);
}

enum outcome flow_trim(struct store *store, struct str door, struct str browser_digest, int keep)
{
    struct trim_call call = {door, browser_digest, keep};
    return store_write_one(store, "flow_trim", trim_work, &call);
}

struct find_call {
    struct str key;
    int64_t now;
    struct arena *arena;
    struct flow *out_flow;
    bool is_replay;
};

static enum outcome find_row(struct db_query *query, struct find_call *call)
{
    enum db_step step = db_step(query);
    if (step == DB_ROW)
        read_row(query, call->arena, call->out_flow);
    return db_finish_lookup(query, step);
}

static enum outcome take_callback_work(struct db *db, void *context)
{
    struct find_call *call = context;
    struct db_query *query = db_query(db, "UPDATE flow SET stage = 2 WHERE state_digest = $1 AND stage = 1 "
                                          "AND expires_at > $2 RETURNING " COLUMNS);
    db_bind_blob(query, 1, call->key);
    db_bind_int(query, 2, call->now);
    call->is_replay = false;
    enum outcome outcome = find_row(query, call);
    if (outcome != ABSENT)
        return outcome;
    query = db_query(db, "SELECT " COLUMNS " FROM flow WHERE state_digest = $1 AND expires_at > $2");
    db_bind_blob(query, 1, call->key);
    db_bind_int(query, 2, call->now);
    call->is_replay = true;
    return find_row(query, call);
}

enum outcome flow_take_callback(struct store *store, struct str state_digest, int64_t now,
                                struct arena *arena, struct flow *out_flow, bool *out_is_replay)
{
    struct find_call call = {state_digest, now, arena, out_flow, false};
    enum outcome outcome = store_write_one(store, "flow_take_callback", take_callback_work, &call);
    *out_is_replay = call.is_replay;
    return outcome == OK ? unseal(store, "flow_take_callback", arena, out_flow) : outcome;
}

struct change_call {
    const struct flow *flow;
    struct str id;
    struct str form_digest;
    struct str sealed;
};

static enum outcome cancel_work(struct db *db, void *context)
{
    const struct change_call *call = context;
    struct db_query *query =
        db_query(db, "UPDATE flow SET stage = 3, form_digest = $2 WHERE id = $1 AND stage = 2");
    db_bind_text(query, 1, call->id);
    db_bind_blob(query, 2, call->form_digest);
    return db_run_change(query);
}

enum outcome flow_cancel_login(struct store *store, struct str id, struct str form_digest)
{
    struct change_call call = {.id = id, .form_digest = form_digest};
    return store_write_one(store, "flow_cancel_login", cancel_work, &call);
}

static enum outcome restart_work(struct db *db, void *context)
{
    const struct change_call *call = context;
    const struct flow *flow = call->flow;
    struct db_query *query =
        db_query(db, "UPDATE flow SET stage = 1, state_digest = $3, nonce = $4, code_verifier_sealed = $5, "
                     "connection = $6, issuer = $7, form_digest = NULL "
                     "WHERE id = $1 AND stage = 3 AND form_digest = $2");
    db_bind_text(query, 1, flow->id);
    db_bind_blob(query, 2, call->form_digest);
    db_bind_blob(query, 3, flow->state_digest);
    db_bind_text(query, 4, flow->nonce);
    db_bind_blob_or_null(query, 5, call->sealed);
    db_bind_text(query, 6, flow->connection);
    db_bind_text(query, 7, flow->issuer);
    return db_run_change(query);
}

enum outcome flow_restart_login(struct store *store, const struct flow *flow, struct str form_digest)
{
    struct arena *arena = arena_new();
    struct change_call call = {
        .flow = flow,
        .form_digest = form_digest,
        .sealed = sealed_close(store, arena, verifier_context, flow->code_verifier),
    };
    enum outcome outcome = store_write_one(store, "flow_restart_login", restart_work, &call);
    arena_free(&arena);
    return outcome;
}

static enum outcome identify_work(struct db *db, void *context)
{
    const struct change_call *call = context;
    const struct flow *flow = call->flow;
    struct db_query *query =
        db_query(db, "UPDATE flow SET stage = 4, identity_sealed = $2, acr = $3, outcome = $4, "
                     "form_digest = $5, expires_at = $6 WHERE id = $1 AND stage = 2");
    db_bind_text(query, 1, flow->id);
    db_bind_blob_or_null(query, 2, call->sealed);
    db_bind_int(query, 6, flow->expires_at);
    db_bind_text(query, 3, flow->acr);
    db_bind_text(query, 4, flow->outcome);
    db_bind_blob_or_null(query, 5, flow->form_digest);
    return db_run_change(query);
}

enum outcome flow_identify(struct store *store, const struct flow *flow)
{
    struct arena *arena = arena_new();
    struct change_call call = {
        .flow = flow,
        .sealed = sealed_close(store, arena, identity_context, flow->identity),
    };
    enum outcome outcome = store_write_one(store, "flow_identify", identify_work, &call);
    arena_free(&arena);
    return outcome;
}

static enum outcome find_work(struct db *db, void *context)
{
    struct find_call *call = context;
    struct db_query *query = db_query(db, "SELECT " COLUMNS " FROM flow WHERE id = $1 AND expires_at > $2");
    db_bind_text(query, 1, call->key);
    db_bind_int(query, 2, call->now);
    return find_row(query, call);
}

enum outcome flow_find(struct store *store, struct str id, int64_t now, struct arena *arena,
                       struct flow *out_flow)
{
    struct find_call call = {id, now, arena, out_flow, false};
    enum outcome outcome = store_read(store, "flow_find", find_work, &call);
    return outcome == OK ? unseal(store, "flow_find", arena, out_flow) : outcome;
}

static enum outcome end_work(struct db *db, void *context)
{
    const struct change_call *call = context;
    struct db_query *query =
        db_query(db, "UPDATE flow SET stage = 5, identity_sealed = NULL, code_verifier_sealed = NULL, "
                     "form_digest = NULL WHERE id = $1 AND stage <> 5");
    db_bind_text(query, 1, call->id);
    return db_run_change(query);
}

enum outcome flow_end(struct store *store, struct str id)
{
    struct change_call call = {.id = id};
    return store_write_one(store, "flow_end", end_work, &call);
}

enum outcome flow_purge(struct store *store, int64_t now, int limit, int64_t *out_deleted)
{
    *out_deleted = 0;
    return purge_rows(store, "flow_purge",
                      "DELETE FROM flow WHERE id IN (SELECT id FROM flow WHERE "
                      "expires_at < $1 ORDER BY expires_at LIMIT $2)",
                      now, limit, out_deleted);
}
