#include "sso/login_report.h"

#include "base/clock.h"
#include "idp/id_token.h"
#include "jose/claims.h"
#include "sso/login_fact.h"
#include "sso/login_fault.h"
#include "sso/redaction.h"
#include "sso/slug.h"
#include "sso/sso_error.h"

/* MET-12: after the calls of this login; what was known before it may be of a clock that was put right. */
static void tell_drift(struct attempt *attempt, json_t *data, const struct idp_report *report)
{
    int64_t drift;
    fact_put_drift(data, report);
    if (idp_report_drift(report, &drift) && idp_is_drift_large(drift))
        trail_warn(&attempt->trail, 912);
}

/* ---- step 2 ---- */

static json_t *endpoints(struct arena *arena, const struct idp_report *report)
{
    json_t *found = json_object();
    fact_put_url(arena, found, "authorization", report->authorization_endpoint);
    fact_put_url(arena, found, "token", report->token_endpoint);
    fact_put_url(arena, found, "jwks", report->jwks_uri);
    fact_put_url(arena, found, "userinfo", report->userinfo_endpoint);
    return found;
}

/* MET-11 */
static json_t *features(const struct idp_report *report)
{
    const struct idp_features *supported = &report->features;
    json_t *found = json_object();
    fact_put_bool(found, "pkce_s256", supported->has_pkce_s256);
    fact_put_bool(found, "response_iss", supported->has_response_iss);
    fact_put_bool(found, "end_session", supported->has_end_session);
    fact_put_bool(found, "backchannel_logout", supported->has_backchannel_logout);
    fact_put_bool(found, "backchannel_logout_session", supported->has_backchannel_session);
    fact_put_bool(found, "frontchannel_logout", supported->has_frontchannel_logout);
    fact_put_c(found, "token_auth_methods", supported->auth_methods);
    fact_put_c(found, "id_token_algs", supported->signing_algs);
    return found;
}

static bool is_had(const struct idp_document *document)
{
    return document->origin == IDP_ORIGIN_FETCHED || document->origin == IDP_ORIGIN_CACHED ||
           document->origin == IDP_ORIGIN_STALE;
}

void login_report_connection(struct attempt *attempt, enum idp_result result, const struct idp_report *report)
{
    const struct sso_connection *connection = attempt->connection;
    json_t *data = json_object();
    fact_put(data, "connection", connection->id);
    fact_put_int(data, "version", connection->version);
    fact_put(data, "customer", connection->customer_key);
    fact_put(data, "environment", connection->environment);
    fact_put(data, "issuer", connection->issuer);
    fact_put(data, "client_id", connection->client_id);
    fact_put_c(data, "metadata", idp_origin_name(report->metadata.origin));
    if (is_had(&report->metadata)) {
        fact_put_int(data, "metadata_age_s", report->metadata.age_s);
        json_object_set_new(data, "features", features(report));
    }
    if (report->authorization_endpoint != NULL)
        json_object_set_new(data, "endpoints", endpoints(attempt->arena, report));
    fact_put_drift(data, report);
    if (str_equal(connection->pkce, STR("off")))
        fact_put_c(data, "pkce", "off");
    if (result != IDP_OK) {
        int code = sso_error_of_idp(result, STR_NONE);
        json_object_set_new(data, "fault", login_fault_facts(attempt, code, STR_NONE, report));
    }
    trail_step(&attempt->trail, TRAIL_CONNECTION, result == IDP_OK, data);
}

/* ---- step 4 ---- */

static void put_parameter(struct arena *arena, json_t *data, const struct form *response, const char *name)
{
    struct str value;
    if (form_get(response, name, &value) == FORM_ONE)
        fact_put(data, name, redact_error_description(arena, value));
}

/* Issuer and error of the answer, and what was expected (4.3). */
static void put_answer_facts(struct attempt *attempt, const struct form *response, int code, json_t *data)
{
    struct str iss;
    if (form_get(response, "iss", &iss) == FORM_ONE)
        json_object_set_new(data, "iss", fact_text(iss));
    if (code == 306)
        fact_put(data, "expected", attempt->flow.issuer);
    put_parameter(attempt->arena, data, response, "error");
    put_parameter(attempt->arena, data, response, "error_description");
    if (code != 313)
        return;
    fact_put(data, "scope", attempt->connection->scope);
    fact_put(data, "redirect_uri", slug_redirect_uri(attempt->arena, attempt->host, attempt->connection));
}

static void report_response(struct attempt *attempt, const struct form *response, bool is_sound, int code,
                            const struct idp_report *report)
{
    json_t *data = json_object(), *names = json_array();
    for (size_t i = 0; i < response->count; i++)
        json_array_append_new(names,
                              json_text(redact_parameter_name(attempt->arena, response->fields[i].name)));
    fact_put_int(data, "after_ms", clock_now_ms() - attempt->trail.entry.started_at_ms);
    json_object_set_new(data, "parameters", names);
    put_answer_facts(attempt, response, code, data);
    if (code / 100 == 2) /* the metadata could not be had again */
        json_object_set_new(data, "fault", login_fault_facts(attempt, code, STR_NONE, report));
    trail_step(&attempt->trail, TRAIL_RESPONSE, is_sound, data);
}

/* ---- step 5 ---- */

/* 5.1 */
static json_t *token_call(struct arena *arena, const struct idp_report *report)
{
    json_t *data = json_object();
    fact_put_call(data, &report->token);
    fact_put_c(data, "auth_method", report->token_auth);
    if (report->secret_number > 0)
        fact_put_int(data, "secret", report->secret_number);
    if (report->is_other_secret_refused)
        fact_put_bool(data, "other_secret_refused", true);
    json_object_set_new(data, "members", fact_names(arena, &report->token_members));
    return data;
}

/* 5.2 */
static json_t *header(const struct idp_report *report)
{
    json_t *data = json_object();
    fact_put_member(data, "alg", report->header);
    fact_put_member(data, "kid", report->header);
    fact_put_member(data, "typ", report->header);
    fact_put_c(data, "header_holds", id_token_own_key(report->header));
    return data;
}

/* 5.3, by the allow-list of 4.11 */
static json_t *protocol_claims(struct arena *arena, const struct idp_report *report)
{
    static const char *const allowed[] = {"iss", "aud", "azp",       "exp", "iat",
                                          "nbf", "acr", "auth_time", "amr"};
    json_t *data = json_object();
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
        fact_put_member(data, allowed[i], report->claims);
    fact_put_digest(arena, data, "sid", report->claims, "sid");
    if (report->is_azp_lacking)
        fact_put_c(data, "remark", "aud heeft meer dan één waarde, azp ontbreekt");
    return data;
}

/* 5.5 */
static json_t *keys(const struct idp_report *report)
{
    json_t *data = json_object();
    fact_put_c(data, "source", idp_origin_name(report->keys.origin));
    if (is_had(&report->keys))
        fact_put_int(data, "age_s", report->keys.age_s);
    json_object_set_new(data, "kids", fact_key_ids(report));
    fact_put_bool(data, "refetched", report->is_refetched);
    return data;
}

/* 5.6 */
static json_t *userinfo(struct arena *arena, const struct idp_report *report)
{
    json_t *data = json_object();
    struct str subject;
    fact_put_call(data, &report->userinfo);
    fact_put_c(data, "result", report->userinfo_result);
    json_object_set_new(data, "members", fact_names(arena, &report->userinfo_members));
    if (report->userinfo_members.count > 0)
        fact_put_bool(data, "sub_equal",
                      claim_text(report->claims, "sub", &subject) == OK &&
                          str_equal(subject, report->userinfo_subject));
    return data;
}

/* 5.4; IDT-14 was the door's: the state has been used up. */
static void check_list(struct attempt *attempt, const struct idp_report *report)
{
    for (int rule = 1; rule <= IDP_RULES; rule++) {
        enum idp_verdict verdict = report->rules[rule];
        if (rule == 14 && report->rules[13] != IDP_RULE_NOT_REACHED)
            verdict = IDP_RULE_KEPT;
        if (verdict != IDP_RULE_NOT_REACHED)
            trail_line(&attempt->trail, arena_printf(attempt->arena, "IDT-%d", rule),
                       verdict == IDP_RULE_KEPT);
    }
}

static void report_tokens(struct attempt *attempt, enum idp_result result, int code, struct str oauth_error,
                          const struct idp_report *report)
{
    struct arena *arena = attempt->arena;
    json_t *data = json_object();
    fact_put_c(data, "result", idp_result_name(result));
    tell_drift(attempt, data, report);
    if (report->token.is_made)
        json_object_set_new(data, "5.1", token_call(arena, report));
    if (report->header != NULL)
        json_object_set_new(data, "5.2", header(report));
    if (report->claims != NULL)
        json_object_set_new(data, "5.3", protocol_claims(arena, report));
    if (report->keys.origin != IDP_ORIGIN_NONE)
        json_object_set_new(data, "5.5", keys(report));
    if (report->is_userinfo_asked)
        json_object_set_new(data, "5.6", userinfo(arena, report));
    if (result != IDP_OK)
        json_object_set_new(data, "fault", login_fault_facts(attempt, code, oauth_error, report));
    check_list(attempt, report);
    trail_step(&attempt->trail, TRAIL_TOKENS, result == IDP_OK, data);
}

void login_report_callback(struct attempt *attempt, const struct form *response, enum idp_result result,
                           int code, struct str oauth_error, const struct idp_report *report)
{
    /* Keys are fetched once there is a token to check, so that what is wrong with them (2xx) is step 5's. */
    bool is_sound = result == IDP_OK || code >= 400 || report->token.is_made;
    report_response(attempt, response, is_sound, is_sound ? 0 : code, report);
    if (is_sound)
        report_tokens(attempt, result, code, oauth_error, report);
}
