#include "sso/login_fault.h"

#include "base/clock.h"
#include "idp/id_token.h"
#include "jose/claims.h"
#include "sso/login_fact.h"
#include "sso/redaction.h"
#include "sso/slug.h"

struct fault {
    const struct attempt *attempt;
    int code;
    struct str oauth_error;
    const struct idp_report *report;
    json_t *facts;
};

static struct str description(const struct fault *fault)
{
    size_t at = str_find(fault->oauth_error, ' ');
    struct str text = str_slice(fault->oauth_error, at + 1, fault->oauth_error.length);
    return at < fault->oauth_error.length ? redact_error_description(fault->attempt->arena, text) : STR_NONE;
}

/* 4.2 */
static void tell_provider(const struct fault *fault)
{
    const struct idp_report *report = fault->report;
    bool is_of_keys = report->keys.call.is_made && report->keys.origin == IDP_ORIGIN_NONE;
    const struct idp_document *document = is_of_keys ? &report->keys : &report->metadata;
    fact_put_c(fault->facts, "document", is_of_keys ? "jwks" : "metadata");
    switch (fault->code) {
    case 203:
        fact_put_answer(fault->facts, &document->call);
        fact_put_c(fault->facts, "member", document->detail);
        return;
    case 204:
        fact_put(fault->facts, "expected", fault->attempt->connection->issuer);
        fact_put_c(fault->facts, "received", document->detail);
        return;
    case 205:
        fact_put_c(fault->facts, "member", document->detail);
        return;
    case 207:
        fact_put_c(fault->facts, "keys", document->detail);
        return;
    default: /* 201, 202, 206 */
        fact_put_call(fault->facts, &document->call);
        return;
    }
}

/* 4.4 */
static void tell_token_call(const struct fault *fault)
{
    const struct idp_report *report = fault->report;
    const struct sso_connection *connection = fault->attempt->connection;
    char set_on[CLOCK_TEXT_SIZE];
    fact_put_call(fault->facts, &report->token);
    fact_put(fault->facts, "error",
             redact_error_description(fault->attempt->arena,
                                      str_slice(fault->oauth_error, 0, str_find(fault->oauth_error, ' '))));
    fact_put(fault->facts, "error_description", description(fault));
    switch (fault->code) {
    case 402:
    case 403:
        fact_put_c(fault->facts, "auth_method", report->token_auth);
        if (report->secret_number == 0 || (size_t)report->secret_number > connection->secret_count)
            return;
        clock_format_ms(connection->secrets[report->secret_number - 1].set_at * 1000, set_on);
        fact_put(fault->facts, "secret_set_on", str_slice(str_from_c(set_on), 0, 10));
        return;
    case 404:
        fact_put_int(fault->facts, "code_age_s", fault->attempt->now - fault->attempt->flow.created_at);
        return;
    case 405:
        fact_put(fault->facts, "redirect_uri",
                 slug_redirect_uri(fault->attempt->arena, fault->attempt->host, connection));
        return;
    case 407:
        fact_put_answer(fault->facts, &report->token);
        return;
    case 408:
        json_object_set_new(fault->facts, "members",
                            fact_names(fault->attempt->arena, &report->token_members));
        return;
    case 409:
        fact_put(fault->facts, "token_type", report->token_type);
        return;
    default:
        return;
    }
}

static void tell_times(const struct fault *fault, const char *claim)
{
    fact_put_member(fault->facts, claim, fault->report->claims);
    fact_put_int(fault->facts, "now", fault->report->now);
    fact_put_int(fault->facts, "skew_s", fault->report->skew_s);
    fact_put_drift(fault->facts, fault->report);
    fact_put_c(fault->facts, "advice", "controleer de klok");
}

static void tell_nonce(const struct fault *fault)
{
    fact_put_bool(fault->facts, "present", json_object_get(fault->report->claims, "nonce") != NULL);
    fact_put_digest(fault->attempt->arena, fault->facts, "received", fault->report->claims, "nonce");
    fact_put(fault->facts, "expected", redact_digest(fault->attempt->arena, fault->attempt->flow.nonce));
}

static void tell_header(const struct fault *fault)
{
    const json_t *header = fault->report->header;
    const struct sso_connection *connection = fault->attempt->connection;
    fact_put_member(fault->facts, "alg", header);
    fact_put_member(fault->facts, "kid", header);
    fact_put_c(fault->facts, "header_holds", id_token_own_key(header)); /* C15 */
    switch (fault->code) {
    case 502:
        fact_put(fault->facts, "allowed",
                 connection->signing_algs.length > 0 ? connection->signing_algs : STR("RS256"));
        if (json_object_get(header, "crit") != NULL)
            fact_put_c(fault->facts, "header_holds", "crit");
        return;
    case 503:
        json_object_set_new(fault->facts, "known_kids", fact_key_ids(fault->report));
        fact_put_bool(fault->facts, "refetched", fault->report->is_refetched);
        return;
    case 517:
        fact_put_member(fault->facts, "enc", header);
        return;
    default:
        return;
    }
}

/* 4.5 */
static void tell_id_token(const struct fault *fault)
{
    const json_t *claims = fault->report->claims;
    const struct sso_connection *connection = fault->attempt->connection;
    switch (fault->code) {
    case 501:
        fact_put_int(fault->facts, "length", (int64_t)fault->report->id_token_length);
        return;
    case 505:
        fact_put(fault->facts, "expected", connection->issuer);
        if (json_object_get(claims, "iss") != NULL)
            json_object_set_new(fault->facts, "received", fact_value(json_object_get(claims, "iss")));
        if (connection->tenants.length > 0) {
            fact_put_member(fault->facts, "tid", claims);
            fact_put(fault->facts, "tenants", connection->tenants);
        }
        return;
    case 506:
        fact_put(fault->facts, "client_id", connection->client_id);
        fact_put_member(fault->facts, "aud", claims);
        return;
    case 507:
        fact_put_member(fault->facts, "azp", claims);
        return;
    case 508:
        tell_times(fault, "exp");
        return;
    case 509:
        tell_times(fault, "iat");
        return;
    case 510:
        tell_times(fault, "nbf");
        return;
    case 511:
        tell_nonce(fault);
        return;
    case 514:
        fact_put_c(fault->facts, "type", claim_kind(json_object_get(claims, "sub")));
        return;
    case 515:
        fact_put_member(fault->facts, "acr", claims);
        fact_put_member(fault->facts, "amr", claims);
        if (connection->is_acr_required)
            fact_put(fault->facts, "required_acr", connection->acr_values);
        fact_put(fault->facts, "required_amr", connection->required_amr);
        return;
    case 516:
        fact_put_member(fault->facts, "auth_time", claims);
        fact_put_int(fault->facts, "max_age_s", fault->attempt->is_login_forced ? 0 : connection->max_age_s);
        return;
    case 518:
        fact_put_c(fault->facts, "claim", json_object_get(claims, "exp") == NULL ? "exp" : "iat");
        return;
    default: /* 502, 503, 504, 513, 517 */
        tell_header(fault);
        return;
    }
}

/* 4.6 */
static void tell_userinfo(const struct fault *fault)
{
    const struct idp_report *report = fault->report;
    struct arena *arena = fault->attempt->arena;
    fact_put_call(fault->facts, &report->userinfo);
    switch (fault->code) {
    case 602:
        fact_put(fault->facts, "error", redact_error_description(arena, report->userinfo_error));
        return;
    case 603:
        fact_put_c(fault->facts, "content_type", report->userinfo.content_type);
        return;
    case 604:
        fact_put_digest(arena, fault->facts, "expected", report->claims, "sub");
        if (report->userinfo_subject.length > 0)
            fact_put(fault->facts, "received", redact_digest(arena, report->userinfo_subject));
        return;
    default:
        return;
    }
}

json_t *login_fault_facts(const struct attempt *attempt, int code, struct str oauth_error,
                          const struct idp_report *report)
{
    const struct fault fault = {attempt, code, oauth_error, report, json_pack("{s:i}", "code", code)};
    if (code / 100 == 2)
        tell_provider(&fault);
    else if (code / 100 == 4)
        tell_token_call(&fault);
    else if (code / 100 == 5)
        tell_id_token(&fault);
    else if (code / 100 == 6)
        tell_userinfo(&fault);
    return fault.facts;
}
