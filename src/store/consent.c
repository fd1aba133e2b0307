#include "store/consent.h"

#include "base/bsn.h"
#include "base/vec.h"
#include "store/audit.h"
#include "store/consent_row.h"

#define LIST_MAX 1000

const char consent_person_context[] = "consent.person_sealed";

/* The context of look-up hashes of a BSN; the same wherever a BSN is looked up. */

void consent_read_row(struct db_query *query, int first, struct arena *arena, struct consent *out_consent)
{
    *out_consent = (struct consent){
        .id = db_text(query, first, arena),
        .person = db_blob(query, first + 1, arena),
        .provider = db_text(query, first + 2, arena),
        .provider_name = db_text(query, first + 3, arena),
        .client_host = db_text(query, first + 4, arena),
        .client_name = db_text(query, first + 5, arena),
        .function = db_text(query, first + 6, arena),
        .services_shown = db_text(query, first + 7, arena),
        .service_names = db_text(query, first + 8, arena),
        .services_granted = db_text(query, first + 9, arena),
        .days = db_int(query, first + 10),
        .text_version = db_text(query, first + 11, arena),
        .text_hash = db_text(query, first + 12, arena),
        .is_given = db_int(query, first + 13) == 1,
        .is_indefinite = db_int(query, first + 14) == 1,
        .login_level = db_text(query, first + 15, arena),
        .identity_provider = db_text(query, first + 16, arena),
        .stated_at = db_int(query, first + 17),
        .trace_id = db_text(query, first + 18, arena),
        .session_id = db_text(query, first + 19, arena),
        .last_used_at = db_int(query, first + 20),
        .withdrawn_at = db_int(query, first + 21),
        .withdrawn_by = db_text(query, first + 22, arena),
    };
}

enum outcome consent_unseal(struct store *store, const char *verb, struct arena *arena,
                            struct consent *consent)
{
    struct str sealed = consent->person;
    consent->person = STR_NONE;
    if (vault_open(store_vault(store), arena, consent_person_context, sealed, &consent->person) == OK)
        return OK;
    return store_fault(store, verb, "the sealed person of the consent does not open");
}

/* ---- the choice ---- */

struct state_call {
    struct str flow_id, form_digest;
    int64_t now;
    const struct consent *consent;
    const struct consent_code *code;
    struct str person_hash, person_sealed;
};

static void insert_consent(struct db *db, const struct state_call *call)
{
    const struct consent *consent = call->consent;
    struct db_query *query = db_query(
        db, "INSERT INTO consent (id, person_hash, person_sealed, provider, provider_name, client_host, "
            "client_name, function, services_shown, service_names, services_granted, days, text_version, "
            "text_hash, is_given, is_indefinite, login_level, identity_provider, stated_at, trace_id, "
            "session_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, "
            "$17, $18, $19, $20, $21)");
    db_bind_text(query, 1, consent->id);
    db_bind_blob(query, 2, call->person_hash);
    db_bind_blob(query, 3, call->person_sealed);
    db_bind_text(query, 4, consent->provider);
    db_bind_text(query, 5, consent->provider_name);
    db_bind_text(query, 6, consent->client_host);
    db_bind_text(query, 7, consent->client_name);
    db_bind_text(query, 8, consent->function);
    db_bind_text(query, 9, consent->services_shown);
    db_bind_text(query, 10, consent->service_names);
    db_bind_text(query, 11, consent->services_granted);
    db_bind_int(query, 12, consent->days);
    db_bind_text(query, 13, consent->text_version);
    db_bind_text(query, 14, consent->text_hash);
    db_bind_int(query, 15, consent->is_given);
    db_bind_int(query, 16, consent->is_indefinite);
    db_bind_text(query, 17, consent->login_level);
    db_bind_text(query, 18, consent->identity_provider);
    db_bind_int(query, 19, consent->stated_at);
    db_bind_text(query, 20, consent->trace_id);
    db_bind_text(query, 21, consent->session_id);
    db_run_later(query);
}

static void insert_grant(struct db *db, const struct consent *consent, const struct consent_code *code)
{
    struct db_query *query =
        db_query(db, "INSERT INTO token_grant (id, consent_id, client_host, redirect_uri, correlation_id, "
                     "code_digest, code_challenge, code_expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");
    db_bind_text(query, 1, code->grant_id);
    db_bind_text(query, 2, consent->id);
    db_bind_text(query, 3, consent->client_host);
    db_bind_text(query, 4, code->redirect_uri);
    db_bind_text(query, 5, code->correlation_id);
    db_bind_blob(query, 6, code->code_digest);
    db_bind_text(query, 7, code->code_challenge);
    db_bind_int(query, 8, code->expires_at);
    db_run_later(query);
}

static enum outcome state_work(struct db *db, void *context)
{
    const struct state_call *call = context;
    struct db_query *query = db_query(
        db, "UPDATE flow SET stage = 5, identity_sealed = NULL, code_verifier_sealed = NULL, "
            "form_digest = NULL WHERE id = $1 AND stage = 4 AND form_digest = $2 AND expires_at > $3");
    db_bind_text(query, 1, call->flow_id);
    db_bind_blob(query, 2, call->form_digest);
    db_bind_int(query, 3, call->now);
    if (db_run(query) != OK)
        return FAILED;
    if (db_changes(db) != 1)
        return ABSENT;
    insert_consent(db, call);
    if (call->code != NULL)
        insert_grant(db, call->consent, call->code);
    return OK;
}

enum outcome consent_state(struct store *store, struct str flow_id, struct str form_digest, int64_t now,
                           const struct consent *consent, const struct consent_code *code)
{
    if (consent->is_given != (code != NULL))
        return store_fault(store, "consent_state",
                           "a code goes with a consent that was given, and only then");
    struct arena *arena = arena_new();
    struct state_call call = {
        .flow_id = flow_id,
        .form_digest = form_digest,
        .now = now,
        .consent = consent,
        .code = code,
        .person_hash = vault_lookup_hash(store_vault(store), arena, BSN_LOOKUP_CONTEXT, consent->person),
        .person_sealed = vault_seal(store_vault(store), arena, consent_person_context, consent->person),
    };
    enum outcome outcome = store_write(store, "consent_state", state_work, &call);
    arena_free(&arena);
    return outcome;
}

/* ---- finding ---- */

struct find_call {
    struct str id;
    struct arena *arena;
    struct consent *out_consent;
};

static enum outcome find_work(struct db *db, void *context)
{
    struct find_call *call = context;
    struct db_query *query = db_query(db, "SELECT " CONSENT_COLUMNS " FROM consent c WHERE c.id = $1");
    db_bind_text(query, 1, call->id);
    enum db_step step = db_step(query);
    if (step == DB_ROW)
        consent_read_row(query, 0, call->arena, call->out_consent);
    return db_finish_lookup(query, step);
}

enum outcome consent_find(struct store *store, struct str id, struct arena *arena,
                          struct consent *out_consent)
{
    struct find_call call = {id, arena, out_consent};
    enum outcome outcome = store_read(store, "consent_find", find_work, &call);
    return outcome == OK ? consent_unseal(store, "consent_find", arena, out_consent) : outcome;
}

/* Active: given, not withdrawn, and something under it can still be used: a code that may yet be offered, a
 * current refresh token (long-lived), or a living access token (one-off). */
#define IS_ACTIVE                                                                                            \
    "(c.is_given = 1 AND c.withdrawn_at = 0 AND EXISTS (SELECT 1 FROM token_grant g "                        \
    "WHERE g.consent_id = c.id AND g.revoked_at = 0 AND ("                                                   \
    "(g.code_offered_at = 0 AND g.code_expires_at > $5) "                                                    \
    "OR (c.is_indefinite = 1 AND EXISTS (SELECT 1 FROM refresh_token r WHERE r.grant_id = g.id "             \
    "AND r.rotated_at = 0 AND r.expires_at > $5)) "                                                          \
    "OR (c.is_indefinite = 0 AND EXISTS (SELECT 1 FROM access_token a WHERE a.grant_id = g.id "              \
    "AND a.revoked_at = 0 AND a.expires_at > $5)))))"

/* `g` stands after every id there is, in any collation, so that an open paging bound is one more range. */
#define FILTER                                                                                               \
    "c.id < $1 AND ($2 = '' OR c.provider = $2) AND ($3 = '' OR c.client_host = $3) AND ($4 = 0 "            \
    "OR " IS_ACTIVE ")"
#define PAGE_OF_LIST " ORDER BY c.id DESC LIMIT $6"

struct list_call {
    const struct consent_filter *filter;
    struct str person_hash;
    int64_t now;
    struct arena *arena;
    struct consent_list *out_list;
};

static enum outcome list_work(struct db *db, void *context)
{
    struct list_call *call = context;
    const struct consent_filter *filter = call->filter;
    *call->out_list = (struct consent_list){0};
    struct db_query *query;
    if (filter->person.length > 0) {
        query = db_query(db, "SELECT " CONSENT_COLUMNS
                             " FROM consent c WHERE c.person_hash = $7 AND " FILTER PAGE_OF_LIST);
        db_bind_blob(query, 7, call->person_hash);
    } else {
        query = db_query(db, "SELECT " CONSENT_COLUMNS " FROM consent c WHERE " FILTER PAGE_OF_LIST);
    }
    db_bind_text(query, 1, filter->before_id.length > 0 ? filter->before_id : STR("g"));
    db_bind_text(query, 2, filter->provider);
    db_bind_text(query, 3, filter->client_host);
    db_bind_int(query, 4, filter->only_active);
    db_bind_int(query, 5, call->now);
    db_bind_int(query, 6, filter->limit);
    while (db_step(query) == DB_ROW) {
        struct consent consent;
        consent_read_row(query, 0, call->arena, &consent);
        vec_push(call->arena, call->out_list, consent);
    }
    return db_finish(query);
}

enum outcome consent_list(struct store *store, const struct consent_filter *filter, int64_t now,
                          struct arena *arena, struct consent_list *out_list)
{
    *out_list = (struct consent_list){0};
    if (filter->limit < 1 || filter->limit > LIST_MAX)
        return store_fault(store, "consent_list", "the limit must be 1 to 1000");
    struct list_call call = {filter, STR_NONE, now, arena, out_list};
    if (filter->person.length > 0)
        call.person_hash = vault_lookup_hash(store_vault(store), arena, BSN_LOOKUP_CONTEXT, filter->person);
    if (store_read(store, "consent_list", list_work, &call) != OK)
        return FAILED;
    for (size_t i = 0; i < out_list->count; i++) {
        if (consent_unseal(store, "consent_list", arena, &out_list->items[i]) != OK)
            return FAILED;
    }
    return OK;
}

/* ---- withdrawal ---- */

static enum outcome is_known(struct db *db, struct str id)
{
    struct db_query *query = db_query(db, "SELECT 1 FROM consent WHERE id = $1");
    db_bind_text(query, 1, id);
    return db_run_lookup(query);
}

/* Tokens need no mark of their own: a token lives only while its grant and its consent stand, and every verb
 * that honours one looks at all three (token_introspect, grant_find_refresh, grant_rotate). */
enum outcome consent_withdraw_in(struct db *db, const char *node, struct str id, struct str by,
                                 struct str actor, int64_t now)
{
    struct db_query *query =
        db_query(db, "UPDATE consent SET withdrawn_at = $2, withdrawn_by = $3 WHERE id = $1 AND is_given = 1 "
                     "AND withdrawn_at = 0");
    db_bind_text(query, 1, id);
    db_bind_int(query, 2, now);
    db_bind_text(query, 3, by);
    if (db_run(query) != OK)
        return FAILED;
    if (db_changes(db) == 0)
        return is_known(db, id); /* withdrawn before, or a refusal, under which nothing stands */
    query = db_query(db, "UPDATE token_grant SET revoked_at = $2, revoked_why = 'consent_withdrawn' "
                         "WHERE consent_id = $1 AND revoked_at = 0");
    db_bind_text(query, 1, id);
    db_bind_int(query, 2, now);
    if (db_run(query) != OK)
        return FAILED;
    struct audit_entry entry = {
        .at = now, .actor = actor, .action = STR("consent_withdraw"), .subject = id, .details = by};
    return audit_append_in(db, node, &entry);
}

struct withdraw_call {
    const char *node;
    struct str id, by;
    int64_t now;
};

static enum outcome withdraw_work(struct db *db, void *context)
{
    const struct withdraw_call *call = context;
    return consent_withdraw_in(db, call->node, call->id, call->by, call->by, call->now);
}

enum outcome consent_withdraw(struct store *store, struct str id, struct str by, int64_t now)
{
    struct withdraw_call call = {store_node(store), id, by, now};
    return store_write(store, "consent_withdraw", withdraw_work, &call);
}
