#include "sso/login_report.h"

#include "base/clock.h"
#include "base/codec.h"
#include "idp/id_token.h"
#include "jose/claims.h"
#include "sso/redaction.h"
#include "sso/slug.h"
#include "sso/sso_error.h"

#define TEXT_SHOWN_MAX 256
#define LIST_SHOWN_MAX 20
#define DRIFT_WARNING 912
#define DRIFT_WARNING_S 30 /* MET-12 */

/* ---- values ---- */

static void put(json_t *object, const char *name, struct str value)
{
    if (value.length > 0)
        json_object_set_new(object, name, json_text(value));
}

static void put_c(json_t *object, const char *name, const char *value)
{
    put(object, name, str_from_c(value));
}

static void put_int(json_t *object, const char *name, int64_t value)
{
    json_object_set_new(object, name, json_integer(value));
}

static void put_bool(json_t *object, const char *name, bool value)
{
    json_object_set_new(object, name, json_boolean(value));
}

static void put_url(struct arena *arena, json_t *object, const char *name, const char *url)
{
    if (url != NULL)
        put(object, name, redact_url(arena, str_from_c(url)));
}

static json_t *shown_text(struct str text)
{
    return text.length <= TEXT_SHOWN_MAX && str_is_printable_utf8(text) ? json_text(text)
                                                                        : json_string("(onleesbaar)");
}

/* A value out of a token whose name is on the allow-list; of the wrong kind of value only the kind is told.
 */
static json_t *shown_value(const json_t *value)
{
    size_t index;
    json_t *item;
    switch (json_typeof(value)) {
    case JSON_STRING:
        return shown_text(str_of(json_string_value(value), json_string_length(value)));
    case JSON_INTEGER:
    case JSON_REAL:
    case JSON_TRUE:
    case JSON_FALSE:
        return json_copy((json_t *)(uintptr_t)value);
    case JSON_NULL:
        return json_string("(null)");
    case JSON_OBJECT:
        return json_string("(object)");
    case JSON_ARRAY:
        break;
    }
    json_t *list = json_array();
    json_array_foreach(value, index, item)
    {
        if (index < LIST_SHOWN_MAX)
            json_array_append_new(list, json_is_array(item) ? json_string("(array)") : shown_value(item));
    }
    return list;
}

static void put_member(json_t *object, const char *name, const json_t *source)
{
    const json_t *value = json_object_get(source, name);
    if (value != NULL)
        json_object_set_new(object, name, shown_value(value));
}

static json_t *shown_names(struct arena *arena, const struct idp_names *names)
{
    json_t *list = json_array();
    for (size_t i = 0; i < names->count; i++)
        json_array_append_new(list, json_text(redact_parameter_name(arena, names->items[i])));
    return list;
}

static json_t *shown_key_ids(const struct idp_report *report)
{
    json_t *list = json_array();
    for (size_t i = 0; i < report->key_ids.count && i < LIST_SHOWN_MAX; i++)
        json_array_append_new(list, shown_text(report->key_ids.items[i]));
    return list;
}

static void put_digest(struct arena *arena, json_t *object, const char *name, const json_t *source,
                       const char *member)
{
    struct str value;
    if (claim_text(source, member, &value) == OK)
        put(object, name, redact_digest(arena, value));
}

static void put_drift(json_t *object, const struct idp_report *report)
{
    int64_t drift;
    if (!idp_report_drift(report, &drift))
        return;
    put_int(object, "clock_drift_s", drift);
    if (drift > DRIFT_WARNING_S || drift < -DRIFT_WARNING_S)
        json_object_set_new(object, "warning",
                            json_sprintf("%d %s", DRIFT_WARNING, sso_error_find(DRIFT_WARNING)->title));
}

/* ---- calls and documents ---- */

/* Host and time, and the status or how far it came. */
static void put_call(json_t *object, const struct idp_call *call)
{
    if (!call->is_made)
        return;
    put_c(object, "host", call->host);
    put_int(object, "ms", call->ms);
    if (call->status != 0) {
        put_int(object, "status", call->status);
        return;
    }
    put_c(object, "phase", http_phase_name(call->trouble.phase));
    put_bool(object, "timeout", call->trouble.is_timeout);
    if (!call->trouble.is_certificate_refused)
        return;
    put_c(object, "certificate_subject", call->trouble.subject);
    put_c(object, "certificate_issuer", call->trouble.issuer);
    put_c(object, "certificate_not_after", call->trouble.not_after);
}

static void put_answer(json_t *object, const struct idp_call *call)
{
    put_call(object, call);
    put_c(object, "content_type", call->content_type);
    put_int(object, "size", (int64_t)call->size);
}

/* ---- what the catalogue says that the log holds of a failure ---- */

struct fault {
    struct attempt *attempt;
    enum idp_result result;
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
    put_c(fault->facts, "document", is_of_keys ? "jwks" : "metadata");
    switch (fault->code) {
    case 203:
        put_answer(fault->facts, &document->call);
        put_c(fault->facts, "member", document->detail);
        return;
    case 204:
        put(fault->facts, "expected", fault->attempt->connection->issuer);
        put_c(fault->facts, "received", document->detail);
        return;
    case 205:
        put_c(fault->facts, "member", document->detail);
        return;
    case 207:
        put_c(fault->facts, "keys", document->detail);
        return;
    default: /* 201, 202, 206 */
        put_call(fault->facts, &document->call);
        return;
    }
}

/* 4.4 */
static void tell_token_call(const struct fault *fault)
{
    const struct idp_report *report = fault->report;
    const struct sso_connection *connection = fault->attempt->connection;
    char set_on[CLOCK_TEXT_SIZE];
    put_call(fault->facts, &report->token);
    put(fault->facts, "error",
        redact_error_description(fault->attempt->arena,
                                 str_slice(fault->oauth_error, 0, str_find(fault->oauth_error, ' '))));
    put(fault->facts, "error_description", description(fault));
    switch (fault->code) {
    case 402:
    case 403:
        put_c(fault->facts, "auth_method", report->token_auth);
        if (report->secret_number == 0 || (size_t)report->secret_number > connection->secret_count)
            return;
        clock_format_ms(connection->secrets[report->secret_number - 1].set_at * 1000, set_on);
        put(fault->facts, "secret_set_on", str_slice(str_from_c(set_on), 0, 10));
        return;
    case 404:
        put_int(fault->facts, "code_age_s", fault->attempt->now - fault->attempt->flow.created_at);
        return;
    case 405:
        put(fault->facts, "redirect_uri",
            slug_redirect_uri(fault->attempt->arena, fault->attempt->host, connection));
        return;
    case 407:
        put_answer(fault->facts, &report->token);
        return;
    case 408:
        json_object_set_new(fault->facts, "members",
                            shown_names(fault->attempt->arena, &report->token_members));
        return;
    case 409:
        put(fault->facts, "token_type", report->token_type);
        return;
    default:
        return;
    }
}

static void tell_times(const struct fault *fault, const char *claim)
{
    put_member(fault->facts, claim, fault->report->claims);
    put_int(fault->facts, "now", fault->report->now);
    put_int(fault->facts, "skew_s", fault->report->skew_s);
    put_drift(fault->facts, fault->report);
    put_c(fault->facts, "advice", "controleer de klok");
}

static void tell_nonce(const struct fault *fault)
{
    put_bool(fault->facts, "present", json_object_get(fault->report->claims, "nonce") != NULL);
    put_digest(fault->attempt->arena, fault->facts, "received", fault->report->claims, "nonce");
    put(fault->facts, "expected", redact_digest(fault->attempt->arena, fault->attempt->flow.nonce));
}

static void tell_header(const struct fault *fault)
{
    const json_t *header = fault->report->header;
    const struct sso_connection *connection = fault->attempt->connection;
    put_member(fault->facts, "alg", header);
    put_member(fault->facts, "kid", header);
    put_c(fault->facts, "header_holds", id_token_own_key(header)); /* C15 */
    switch (fault->code) {
    case 502:
        put(fault->facts, "allowed",
            connection->signing_algs.length > 0 ? connection->signing_algs : STR("RS256"));
        if (json_object_get(header, "crit") != NULL)
            put_c(fault->facts, "header_holds", "crit");
        return;
    case 503:
        json_object_set_new(fault->facts, "known_kids", shown_key_ids(fault->report));
        put_bool(fault->facts, "refetched", fault->report->is_refetched);
        return;
    case 517:
        put_member(fault->facts, "enc", header);
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
        put_int(fault->facts, "length", (int64_t)fault->report->id_token_length);
        return;
    case 505:
        put(fault->facts, "expected", connection->issuer);
        if (json_object_get(claims, "iss") != NULL)
            json_object_set_new(fault->facts, "received", shown_value(json_object_get(claims, "iss")));
        return;
    case 506:
        put(fault->facts, "client_id", connection->client_id);
        put_member(fault->facts, "aud", claims);
        return;
    case 507:
        put_member(fault->facts, "azp", claims);
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
        put_c(fault->facts, "type", claim_kind(json_object_get(claims, "sub")));
        return;
    case 515:
        put_member(fault->facts, "acr", claims);
        put_member(fault->facts, "amr", claims);
        if (connection->is_acr_required)
            put(fault->facts, "required_acr", connection->acr_values);
        put(fault->facts, "required_amr", connection->required_amr);
        return;
    case 516:
        put_member(fault->facts, "auth_time", claims);
        put_int(fault->facts, "max_age_s", connection->max_age_s);
        return;
    case 518:
        put_c(fault->facts, "claim", json_object_get(claims, "exp") == NULL ? "exp" : "iat");
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
    put_call(fault->facts, &report->userinfo);
    switch (fault->code) {
    case 602:
        put(fault->facts, "error", redact_error_description(arena, report->userinfo_error));
        return;
    case 603:
        put_c(fault->facts, "content_type", report->userinfo.content_type);
        return;
    case 604:
        put_digest(arena, fault->facts, "expected", report->claims, "sub");
        if (report->userinfo_subject.length > 0)
            put(fault->facts, "received", redact_digest(arena, report->userinfo_subject));
        return;
    default:
        return;
    }
}

/* The member "fault" of the step that failed. */
static json_t *fault_facts(struct fault *fault)
{
    fault->facts = json_pack("{s:i}", "code", fault->code);
    if (fault->code / 100 == 2)
        tell_provider(fault);
    else if (fault->code / 100 == 4)
        tell_token_call(fault);
    else if (fault->code / 100 == 5)
        tell_id_token(fault);
    else if (fault->code / 100 == 6)
        tell_userinfo(fault);
    return fault->facts;
}

/* ---- step 2 ---- */

static json_t *endpoints(struct arena *arena, const struct idp_report *report)
{
    json_t *found = json_object();
    put_url(arena, found, "authorization", report->authorization_endpoint);
    put_url(arena, found, "token", report->token_endpoint);
    put_url(arena, found, "jwks", report->jwks_uri);
    put_url(arena, found, "userinfo", report->userinfo_endpoint);
    return found;
}

/* MET-11 */
static json_t *features(const struct idp_report *report)
{
    const struct idp_features *supported = &report->features;
    json_t *found = json_object();
    put_bool(found, "pkce_s256", supported->has_pkce_s256);
    put_bool(found, "response_iss", supported->has_response_iss);
    put_bool(found, "end_session", supported->has_end_session);
    put_bool(found, "backchannel_logout", supported->has_backchannel_logout);
    put_bool(found, "backchannel_logout_session", supported->has_backchannel_session);
    put_bool(found, "frontchannel_logout", supported->has_frontchannel_logout);
    put_c(found, "token_auth_methods", supported->auth_methods);
    put_c(found, "id_token_algs", supported->signing_algs);
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
    put(data, "connection", connection->id);
    put_int(data, "version", connection->version);
    put(data, "customer", connection->customer_key);
    put(data, "environment", connection->environment);
    put(data, "issuer", connection->issuer);
    put(data, "client_id", connection->client_id);
    put_c(data, "metadata", idp_origin_name(report->metadata.origin));
    if (is_had(&report->metadata)) {
        put_int(data, "metadata_age_s", report->metadata.age_s);
        json_object_set_new(data, "features", features(report));
    }
    if (report->authorization_endpoint != NULL)
        json_object_set_new(data, "endpoints", endpoints(attempt->arena, report));
    put_drift(data, report);
    if (str_equal(connection->pkce, STR("off")))
        put_c(data, "pkce", "off");
    if (result != IDP_OK) {
        struct fault fault = {attempt, result, sso_error_of_idp(result, STR_NONE), STR_NONE, report, NULL};
        json_object_set_new(data, "fault", fault_facts(&fault));
    }
    trail_step(&attempt->trail, TRAIL_CONNECTION, result == IDP_OK, data);
}

/* ---- step 4 ---- */

static void put_parameter(struct arena *arena, json_t *data, const struct form *response, const char *name)
{
    struct str value;
    if (form_get(response, name, &value) == FORM_ONE)
        put(data, name, redact_error_description(arena, value));
}

/* Issuer and error of the answer, and what was expected (4.3). */
static void put_answer_facts(struct attempt *attempt, const struct form *response, int code, json_t *data)
{
    struct str iss;
    if (form_get(response, "iss", &iss) == FORM_ONE)
        json_object_set_new(data, "iss", shown_text(iss));
    if (code == 306)
        put(data, "expected", attempt->flow.issuer);
    put_parameter(attempt->arena, data, response, "error");
    put_parameter(attempt->arena, data, response, "error_description");
    if (code != 313)
        return;
    put(data, "scope", attempt->connection->scope);
    put(data, "redirect_uri", slug_redirect_uri(attempt->arena, attempt->host, attempt->connection));
}

static void report_response(struct attempt *attempt, const struct form *response, bool is_sound,
                            enum idp_result result, int code, const struct idp_report *report)
{
    json_t *data = json_object(), *names = json_array();
    for (size_t i = 0; i < response->count; i++)
        json_array_append_new(names,
                              json_text(redact_parameter_name(attempt->arena, response->fields[i].name)));
    put_int(data, "after_ms", clock_now_ms() - attempt->trail.entry.started_at_ms);
    json_object_set_new(data, "parameters", names);
    put_answer_facts(attempt, response, code, data);
    if (code / 100 == 2) { /* the metadata could not be had again */
        struct fault fault = {attempt, result, code, STR_NONE, report, NULL};
        json_object_set_new(data, "fault", fault_facts(&fault));
    }
    trail_step(&attempt->trail, TRAIL_RESPONSE, is_sound, data);
}

/* ---- step 5 ---- */

/* 5.1 */
static json_t *token_call(struct arena *arena, const struct idp_report *report)
{
    json_t *data = json_object();
    put_call(data, &report->token);
    put_c(data, "auth_method", report->token_auth);
    if (report->secret_number > 0)
        put_int(data, "secret", report->secret_number);
    if (report->is_other_secret_refused)
        put_bool(data, "other_secret_refused", true);
    json_object_set_new(data, "members", shown_names(arena, &report->token_members));
    return data;
}

/* 5.2 */
static json_t *header(const struct idp_report *report)
{
    json_t *data = json_object();
    put_member(data, "alg", report->header);
    put_member(data, "kid", report->header);
    put_member(data, "typ", report->header);
    put_c(data, "header_holds", id_token_own_key(report->header));
    return data;
}

/* 5.3, by the allow-list of 4.11 */
static json_t *protocol_claims(struct arena *arena, const struct idp_report *report)
{
    static const char *const allowed[] = {"iss", "aud", "azp",       "exp", "iat",
                                          "nbf", "acr", "auth_time", "amr"};
    json_t *data = json_object();
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
        put_member(data, allowed[i], report->claims);
    put_digest(arena, data, "sid", report->claims, "sid");
    if (report->is_azp_lacking)
        put_c(data, "remark", "aud heeft meer dan één waarde, azp ontbreekt");
    return data;
}

/* 5.5 */
static json_t *keys(const struct idp_report *report)
{
    json_t *data = json_object();
    put_c(data, "source", idp_origin_name(report->keys.origin));
    if (is_had(&report->keys))
        put_int(data, "age_s", report->keys.age_s);
    json_object_set_new(data, "kids", shown_key_ids(report));
    put_bool(data, "refetched", report->is_refetched);
    return data;
}

/* 5.6 */
static json_t *userinfo(struct arena *arena, const struct idp_report *report)
{
    json_t *data = json_object();
    struct str subject;
    put_call(data, &report->userinfo);
    put_c(data, "result", report->userinfo_result);
    json_object_set_new(data, "members", shown_names(arena, &report->userinfo_members));
    if (report->userinfo_members.count > 0)
        put_bool(data, "sub_equal",
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
    put_c(data, "result", idp_result_name(result));
    put_drift(data, report);
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
    if (result != IDP_OK) {
        struct fault fault = {attempt, result, code, oauth_error, report, NULL};
        json_object_set_new(data, "fault", fault_facts(&fault));
    }
    check_list(attempt, report);
    trail_step(&attempt->trail, TRAIL_TOKENS, result == IDP_OK, data);
}

void login_report_callback(struct attempt *attempt, const struct form *response, enum idp_result result,
                           int code, struct str oauth_error, const struct idp_report *report)
{
    /* Keys are fetched once there is a token to check, so that what is wrong with them (2xx) is step 5's. */
    bool is_sound = result == IDP_OK || code >= 400 || report->token.is_made;
    report_response(attempt, response, is_sound, result, is_sound ? 0 : code, report);
    if (is_sound)
        report_tokens(attempt, result, code, oauth_error, report);
}
