#include "sso/start.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/rand.h"
#include "http/browser.h"
#include "jose/claims.h"
#include "sso/attempt.h"
#include "sso/callback.h"
#include "sso/login_report.h"
#include "sso/logout.h"
#include "sso/logout_message.h"
#include "sso/patient_context.h"
#include "sso/provider_metadata.h"
#include "sso/redaction.h"
#include "sso/slug.h"
#include "sso/sso_error.h"
#include "sso/start_request.h"
#include "store/session.h"

#define FLOW_KEPT_S                                                                                          \
    3600 /* beyond CALLBACK_AGE_MAX_S, so that who comes too late can go on to the same view */
#define PATIENT_CONTEXT_KEPT_S 600

/* The patient of a start request, once it is believed. */
struct patient {
    struct str kind; /* "external_id" or "bsn" */
    struct str value;
    const char *rule; /* why it was refused (108); NULL = it was not */
};

static struct patient refuse_patient(const char *rule)
{
    return (struct patient){.rule = rule};
}

/* 2.14: opened, fresh, and never seen before; a refusal never fails the login. */
static struct patient open_context(struct attempt *attempt, const struct start_request *start)
{
    struct patient_context context;
    enum patient_context_result result =
        patient_context_open(attempt->arena, start->patient_ciphertext, attempt->connection,
                             attempt->trail.entry.slug, attempt->now, &context);
    if (result != PATIENT_CONTEXT_OK)
        return refuse_patient(patient_context_rule(result));
    switch (replay_take(attempt->door->store, "patient_context", context.jti,
                        attempt->now + PATIENT_CONTEXT_KEPT_S, attempt->now)) {
    case OK:
        break;
    case ABSENT:
        return refuse_patient("replay");
    case FAILED:
        return refuse_patient("store");
    }
    return (struct patient){.kind = STR("bsn"), .value = context.bsn};
}

static struct patient read_patient(struct attempt *attempt, const struct start_request *start)
{
    if (start->warning != 0)
        return refuse_patient(start->rule);
    if (start->patient_ciphertext.length > 0)
        return open_context(attempt, start);
    if (start->patient_reference.length > 0)
        return (struct patient){.kind = STR("external_id"), .value = start->patient_reference};
    return (struct patient){0};
}

static void log_start(struct attempt *attempt, const struct start_request *start,
                      const struct patient *patient)
{
    json_t *ignored = json_array();
    for (size_t i = 0; i < start->ignored_count; i++)
        json_array_append_new(ignored, json_text(start->ignored[i]));
    json_t *data =
        json_pack("{s:o, s:o, s:o, s:s, s:b, s:o}", "address", json_text(attempt->request->peer_address),
                  "host", json_text(attempt->host->name), "view", json_text(attempt->view), "patient",
                  patient->rule           ? "nee (geweigerd)"
                  : patient->value.length ? "ja"
                                          : "nee",
                  "login_hint", start->has_login_hint, "ignored", ignored);
    if (patient->rule != NULL)
        json_object_set_new(data, "rule", json_string(patient->rule));
    trail_step(&attempt->trail, TRAIL_START, true, data);
}

/* INI-3; 0, or the code. */
static int check_connection(const struct sso_connection *connection)
{
    if (connection == NULL)
        return 101;
    if (!str_equal(connection->status, STR("active")))
        return 102;
    if (connection->issuer.length == 0 || connection->client_id.length == 0 ||
        connection->location_claim.length == 0)
        return 103;
    if (connection->secret_count == 0 && !str_equal(connection->client_auth, STR("private_key_jwt")))
        return 103;
    return 0;
}

/* Steps 2 and 3: the request to the identity provider, kept in a flow. */
static void send_request(struct attempt *attempt, const struct start_request *start,
                         const struct patient *patient)
{
    struct idp_connection connection = attempt_idp_connection(attempt);
    struct str redirect_uri = slug_redirect_uri(attempt->arena, attempt->host, attempt->connection);
    struct form_field hint = {.name = STR("login_hint"), .value = start->login_hint};
    struct idp_attempt request;
    struct failure failure = {""};
    struct idp_report report = {0};
    const char *url;
    enum idp_result result =
        idp_start(attempt->door->idp, &connection,
                  arena_strndup(attempt->arena, redirect_uri.data, redirect_uri.length), &hint,
                  start->has_login_hint ? 1 : 0, attempt->arena, &request, &url, &report, &failure);
    login_report_connection(attempt, result, &report);
    idp_report_free(&report);
    if (result != IDP_OK) {
        attempt_fail(attempt, sso_error_of_idp(result, STR_NONE), 0, failure.text);
        return;
    }
    trail_step(&attempt->trail, TRAIL_REQUEST, true,
               json_pack("{s:s, s:o, s:o}", "pkce", request.code_verifier.length > 0 ? "S256" : "off",
                         "state", json_text(redact_digest(attempt->arena, request.state)), "nonce",
                         json_text(redact_digest(attempt->arena, request.nonce))));
    struct flow flow = {
        .id = str_from_c(rand_uuid7_in(attempt->arena)),
        .door = STR(SSO_FLOW_DOOR),
        .stage = FLOW_LOGIN,
        .state_digest = codec_sha256(attempt->arena, request.state),
        .browser_digest = attempt_browser_digest(attempt),
        .connection = attempt->connection->id,
        .issuer = request.issuer,
        .nonce = request.nonce,
        .code_verifier = request.code_verifier,
        .payload = callback_pack(attempt, patient->kind, patient->value),
        .created_at = attempt->now,
        .expires_at = attempt->now + FLOW_KEPT_S,
    };
    if (flow_create(attempt->door->store, &flow) != OK) {
        attempt_fail(attempt, 911, 0, "the store failed");
        return;
    }
    log_writer_put(attempt->door->log, trail_entry(&attempt->trail));
    http_response_redirect(attempt->response, url);
}

static void run_start(struct attempt *attempt, struct start_request *start)
{
    int code = start_request_check(start, directory_data(attempt->snapshot), attempt->host,
                                   attempt->connection, attempt->arena);
    if (code != 0) {
        attempt_fail(attempt, code, 0, start->rule);
        return;
    }
    attempt->view = start->view.length > 0 ? start->view : start->target_view;
    struct patient patient = read_patient(attempt, start);
    if (patient.rule != NULL)
        trail_warn(&attempt->trail, 108);
    log_start(attempt, start, &patient);
    send_request(attempt, start, &patient);
}

/* INI-5. False when the attempt has been refused, and answered. */
static bool is_within_rates(struct attempt *attempt)
{
    if (!attempt_is_within_rate(attempt))
        return false;
    const struct conf *conf = attempt->conf;
    const struct rate_limit limit = {conf->starts_per_connection, (conf->starts_per_connection + 2) / 3};
    int64_t now_ms = clock_monotonic_ms();
    struct str connection = attempt->connection->id, browser;
    struct rate_verdict verdict = rate_take_connection(attempt->door->rate, connection, limit, now_ms);
    if (verdict.refusal == RATE_ALLOWED && browser_find(attempt->request, &browser))
        verdict = rate_take_browser(attempt->door->rate, browser, connection, (int)conf->loop_starts, now_ms);
    if (verdict.refusal != RATE_ALLOWED)
        attempt_fail_busy(attempt, &verdict);
    return verdict.refusal == RATE_ALLOWED;
}

/* True when it was one of the addresses of logging out, and has been answered. */
static bool is_logout(struct attempt *attempt, enum slug_tail tail)
{
    switch (tail) {
    case SLUG_START:
    case SLUG_CALLBACK:
    case SLUG_JWKS:
        return false;
    case SLUG_BACKCHANNEL_LOGOUT:
        logout_message_take_token(attempt);
        return true;
    case SLUG_FRONTCHANNEL_LOGOUT:
        logout_message_take_frame(attempt);
        return true;
    case SLUG_LOGGED_OUT:
        logout_take_return(attempt);
        return true;
    }
    return false;
}

static void run(struct attempt *attempt, struct start_request *start)
{
    struct slug slug = {0};
    int code = start_request_open(attempt->request, start);
    if (slug_parse(attempt->arena, attempt->request->path_tail, &slug) != OK)
        code = code != 0 ? code : 101;
    else if (attempt->host != NULL)
        attempt->connection = slug_find_connection(directory_data(attempt->snapshot), attempt->host, &slug);
    if (slug.tail == SLUG_JWKS) {
        provider_metadata_answer_keys_of(attempt);
        return;
    }
    attempt_begin_trail(attempt, slug.text);
    if (is_logout(attempt, slug.tail))
        return;
    if (code == 0)
        code = check_connection(attempt->connection);
    if (code == 0)
        code = start_request_sort(start, attempt->connection, slug.tail);
    if (code != 0) {
        if (attempt_is_within_rate(attempt))
            attempt_fail(attempt, code, 0, start->rule ? start->rule : "start refused");
        return;
    }
    switch (start->kind) {
    case START_NOTHING:
        http_response_text(attempt->response, 200, "");
        return;
    case START_CALLBACK:
        callback_run(attempt, &start->form);
        return;
    case START_LOGIN:
        break;
    }
    if (start_request_check_navigation(attempt->request, start) != 0) {
        /* INI-4: neither a transaction nor a cookie nor a page; the code is 109. */
        log_info("sso_start_refused", LOG_INT("code", 109), LOG_STR("slug", slug.text),
                 LOG_C("request", attempt->request->id));
        http_response_text(attempt->response, 401, "");
        return;
    }
    if (is_within_rates(attempt))
        run_start(attempt, start);
}

void start_handle(void *door, const struct http_request *request, struct http_response *response)
{
    struct attempt attempt = attempt_begin(door, request, response);
    struct start_request start = {0};
    run(&attempt, &start);
    attempt_end(&attempt);
}
