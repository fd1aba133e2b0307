#include "sso/request.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/rand.h"
#include "http/browser.h"
#include "jose/claims.h"
#include "sso/login_report.h"
#include "sso/redaction.h"
#include "sso/slug.h"
#include "sso/sso_error.h"

#define FLOW_KEPT_S 2700  /* beyond its time, so that who comes too late can go on to the same view */
#define FLOWS_OPEN_MAX 20 /* REQ-8, per browser */

/* ---- INI-3, INI-5 ---- */

json_t *request_missing_fields(const struct sso_connection *connection)
{
    const struct {
        const char *name;
        bool is_missing;
    } fields[] = {
        {"issuer", connection->issuer.length == 0},
        {"client_id", connection->client_id.length == 0},
        {"client_secret",
         connection->secret_count == 0 && !str_equal(connection->client_auth, STR("private_key_jwt"))},
        {"location_claim", connection->location_claim.length == 0},
    };
    json_t *names = json_array();
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (fields[i].is_missing)
            json_array_append_new(names, json_string(fields[i].name));
    return names;
}

int request_check_connection(const struct sso_connection *connection)
{
    if (connection == NULL)
        return 101;
    if (!str_equal(connection->status, STR("active")))
        return 102;
    json_t *missing = request_missing_fields(connection);
    int code = json_array_size(missing) > 0 ? 103 : 0;
    json_decref(missing);
    return code;
}

bool request_is_within_rates(struct attempt *attempt)
{
    if (!attempt_is_within_rate(attempt))
        return false;
    const struct conf *conf = attempt->conf;
    const struct rate_limit limit = {conf->starts_per_connection, (conf->starts_per_connection + 2) / 3};
    int64_t now_ms = clock_monotonic_ms();
    struct str connection = attempt->connection->id, browser;
    struct rate_verdict verdict = rate_take_connection(attempt->door->rate, connection, limit, now_ms);
    if (verdict.refusal == RATE_ALLOWED && attempt_find_browser(attempt, &browser))
        verdict = rate_take_browser(attempt->door->rate, browser, connection, (int)conf->loop_starts, now_ms);
    if (verdict.refusal != RATE_ALLOWED)
        attempt_fail_busy(attempt, &verdict);
    return verdict.refusal == RATE_ALLOWED;
}

/* ---- steps 2 and 3 ---- */

/* Out of the URL itself, so that the log holds what was sent and not what was meant to be. */
static void log_request(struct attempt *attempt, const struct idp_attempt *request, const char *url,
                        int64_t expires_at)
{
    static const char *const shown[] = {"scope",  "redirect_uri", "response_mode",
                                        "prompt", "max_age",      "acr_values"};
    struct str text = str_from_c(url);
    size_t question = str_find(text, '?');
    char expiry[CLOCK_TEXT_SIZE];
    clock_format_ms(expires_at * 1000, expiry);
    json_t *data = json_object();
    json_object_set_new(data, "endpoint",
                        json_text(redact_url(attempt->arena, str_slice(text, 0, question))));
    struct form form;
    bool is_read = form_parse(attempt->arena, str_slice(text, question + 1, text.length), &form) == OK;
    for (size_t i = 0; is_read && i < sizeof shown / sizeof *shown; i++) {
        struct str value;
        if (form_get(&form, shown[i], &value) == FORM_ONE)
            json_object_set_new(data, shown[i], json_text(value));
    }
    struct str method;
    bool is_pkce = is_read && form_get(&form, "code_challenge_method", &method) == FORM_ONE;
    json_object_set_new(data, "pkce", is_pkce ? json_text(method) : json_string("off"));
    json_object_set_new(data, "state", json_text(redact_digest(attempt->arena, request->state)));
    json_object_set_new(data, "nonce", json_text(redact_digest(attempt->arena, request->nonce)));
    json_object_set_new(data, "expires", json_string(expiry));
    trail_step(&attempt->trail, TRAIL_REQUEST, true, data);
}

/* REQ-9: what the start brought along, and the fixed parameters of the connection. */
static enum outcome list_extra(struct attempt *attempt, const struct intent *intent, struct form *out_extra)
{
    if (form_parse(attempt->arena, attempt->connection->extra_parameters, out_extra) != OK)
        return FAILED;
    struct form_field *fields = arena_array_of(attempt->arena, out_extra->count + 2, struct form_field);
    size_t count = out_extra->count;
    if (count > 0)
        memcpy(fields, out_extra->fields, count * sizeof *fields);
    if (intent->has_login_hint)
        fields[count++] = (struct form_field){.name = STR("login_hint"), .value = intent->login_hint};
    if (intent->launch.length > 0)
        fields[count++] = (struct form_field){.name = STR("launch"), .value = intent->launch};
    *out_extra = (struct form){.fields = fields, .count = count};
    return OK;
}

/* REQ-1, REQ-6, REQ-8. */
static enum outcome keep_flow(struct attempt *attempt, const struct idp_attempt *request,
                              const struct intent *intent)
{
    bool is_new;
    struct flow flow = {
        .id = str_from_c(rand_uuid7_in(attempt->arena)),
        .door = STR(SSO_FLOW_DOOR),
        .stage = FLOW_LOGIN,
        .state_digest = codec_sha256(attempt->arena, request->state),
        .browser_digest = attempt_browser_digest(attempt, &is_new),
        .connection = attempt->connection->id,
        .issuer = request->issuer,
        .nonce = request->nonce,
        .code_verifier = request->code_verifier,
        .payload = intent_pack(attempt->arena, intent, &attempt->trail),
        .created_at = attempt->now,
        .expires_at = attempt->now + attempt->conf->login_lifetime_s + FLOW_KEPT_S,
    };
    if (flow_create(attempt->door->store, &flow) != OK)
        return FAILED;
    /* A browser that is new here has no other flows; the others pay with a round trip. */
    if (is_new)
        (void)rate_take_browser(attempt->door->rate, flow.browser_digest, flow.connection,
                                (int)attempt->conf->loop_starts, clock_monotonic_ms());
    else if (flow_trim(attempt->door->store, flow.door, flow.browser_digest, FLOWS_OPEN_MAX) == FAILED)
        log_warning("flows_not_trimmed", LOG_C("request", attempt->request->id));
    return OK;
}

/* NULL = none. What a button asks for comes beside a login that is forced, never in its place. */
static const char *choose_prompt(struct arena *arena, const struct intent *intent, const char *configured)
{
    struct str asked = intent->prompt;
    if (!intent->is_login_forced)
        return asked.length > 0 ? arena_strndup(arena, asked.data, asked.length) : configured;
    return asked.length == 0 || str_equal(asked, STR("login"))
               ? "login"
               : arena_printf(arena, "login %.*s", STR_ARG(asked));
}

void request_send(struct attempt *attempt, struct intent *intent)
{
    struct idp_connection connection = attempt_idp_connection(attempt);
    struct str redirect_uri = slug_redirect_uri(attempt->arena, attempt->host, attempt->connection);
    struct idp_attempt request;
    struct failure failure = {""};
    struct idp_report report = {0};
    struct form extra;
    const char *url;
    if (list_extra(attempt, intent, &extra) != OK) {
        attempt_fail(attempt, 103, 0, "the extra parameters of the connection cannot be read");
        return;
    }
    connection.prompt = choose_prompt(attempt->arena, intent, connection.prompt);
    enum idp_result result =
        idp_start(attempt->door->idp, &connection,
                  arena_strndup(attempt->arena, redirect_uri.data, redirect_uri.length), extra.fields,
                  extra.count, attempt->arena, &request, &url, &report, &failure);
    login_report_connection(attempt, result, &report);
    idp_report_free(&report);
    if (result != IDP_OK) {
        attempt_fail(attempt, sso_error_of_idp(result, STR_NONE), 0, failure.text);
        return;
    }
    intent->client_id = attempt->connection->client_id;
    intent->redirect_uri = redirect_uri;
    intent->version = attempt->connection->version;
    log_request(attempt, &request, url, attempt->now + attempt->conf->login_lifetime_s);
    if (keep_flow(attempt, &request, intent) != OK) {
        attempt_fail(attempt, 911, 0, "the store failed");
        return;
    }
    log_writer_put(attempt->door->log, trail_entry(&attempt->trail));
    http_response_redirect(attempt->response, url);
}

bool request_is_compatible(struct attempt *attempt, const struct intent *intent)
{
    const struct sso_connection *connection = attempt->connection;
    return intent->version == connection->version ||
           (str_equal(attempt->flow.issuer, connection->issuer) &&
            str_equal(intent->client_id, connection->client_id) &&
            str_equal(intent->redirect_uri, slug_redirect_uri(attempt->arena, attempt->host, connection)));
}
