#include "sso/start.h"

#include "base/codec.h"
#include "base/log.h"
#include "jose/claims.h"
#include "sso/attempt.h"
#include "sso/callback.h"
#include "sso/logout.h"
#include "sso/logout_message.h"
#include "sso/patient_context.h"
#include "sso/provider_metadata.h"
#include "sso/redaction.h"
#include "sso/request.h"
#include "sso/slug.h"
#include "sso/start_request.h"
#include "store/session.h"

#define PATH_SHOWN_MAX 80
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

/* The id of the user whose session this browser has (INI-7: it changes nothing). */
static struct str session_user(struct attempt *attempt)
{
    struct session session;
    struct str digest = attempt_session_digest(attempt);
    return digest.length > 0 &&
                   session_find(attempt->door->store, digest, attempt->now, attempt->arena, &session) == OK
               ? session.user_id
               : STR_NONE;
}

static const char *patient_word(const struct patient *patient)
{
    if (patient->rule != NULL)
        return "nee (geweigerd)";
    return patient->value.length > 0 ? "ja" : "nee";
}

static json_t *start_facts(struct attempt *attempt)
{
    return json_pack("{s:o, s:o, s:o, s:s}", "address", json_text(attempt->request->peer_address), "host",
                     json_text(attempt->host != NULL ? attempt->host->name : STR_NONE), "method",
                     json_text(attempt->request->method_text), "user_agent",
                     redact_user_agent(attempt->request));
}

static void log_start(struct attempt *attempt, const struct start_request *start,
                      const struct patient *patient)
{
    json_t *data = start_facts(attempt), *ignored = json_array();
    for (size_t i = 0; i < start->ignored_count; i++)
        json_array_append_new(ignored, json_text(start->ignored[i]));
    json_object_set_new(data, "view", json_text(attempt->view));
    json_object_set_new(data, "patient", json_string(patient_word(patient)));
    if (patient->kind.length > 0)
        json_object_set_new(data, "patient_kind", json_text(patient->kind));
    if (patient->rule != NULL)
        json_object_set_new(data, "rule", json_string(patient->rule));
    if (start->iss.length > 0)
        json_object_set_new(data, "iss", json_text(start->iss));
    json_object_set_new(data, "login_hint", json_boolean(start->has_login_hint));
    json_object_set_new(data, "launch", json_boolean(start->launch.length > 0));
    json_object_set_new(data, "ignored", ignored);
    struct str user = session_user(attempt);
    if (user.length > 0)
        json_object_set_new(data, "session_user", json_text(user));
    trail_step(&attempt->trail, TRAIL_START, true, data);
}

/* Step 1 of a start that breaks a rule: 104 with both issuers, the others with the rule. */
static void refuse_start(struct attempt *attempt, const struct start_request *start, int code)
{
    json_t *data = start_facts(attempt);
    json_object_set_new(data, "rule", json_string(start->rule));
    if (code == 104) {
        json_object_set_new(data, "iss", json_text(redact_url(attempt->arena, start->iss)));
        json_object_set_new(data, "expected", json_text(attempt->connection->issuer));
    }
    trail_step(&attempt->trail, TRAIL_START, false, data);
    attempt_fail(attempt, code, 0, start->rule);
}

static void run_start(struct attempt *attempt, struct start_request *start)
{
    int code = start_request_check(start, directory_data(attempt->snapshot), attempt->host,
                                   attempt->connection, attempt->arena);
    if (code != 0) {
        refuse_start(attempt, start, code);
        return;
    }
    attempt->view = start->view.length > 0 ? start->view : start->target_view;
    struct patient patient = read_patient(attempt, start);
    if (start->is_target_refused)
        trail_warn(&attempt->trail, 105);
    if (patient.rule != NULL)
        trail_warn(&attempt->trail, 108);
    log_start(attempt, start, &patient);
    struct intent intent = {
        .view = attempt->view,
        .patient_kind = patient.kind,
        .patient = patient.value,
        .has_login_hint = start->has_login_hint,
        .login_hint = start->login_hint,
        .launch = start->launch,
        .session = codec_base64url(attempt->arena, attempt_session_digest(attempt)),
        .onward = attempt->onward,
        .is_login_forced = attempt->is_login_forced,
    };
    request_send(attempt, &intent);
}

/* A request for which there is no login to begin: what the system's log holds of it (4.1). */
static void refuse(struct attempt *attempt, const struct start_request *start, int code)
{
    if (!attempt_is_within_rate(attempt))
        return;
    json_t *data = start_facts(attempt);
    if (start->rule != NULL)
        json_object_set_new(data, "rule", json_string(start->rule));
    struct str path = str_slice(attempt->request->path_tail, 0, PATH_SHOWN_MAX);
    if (code == 101 && str_is_printable_ascii(path))
        json_object_set_new(data, "slug", json_text(path));
    if (code == 102)
        json_object_set_new(data, "status", json_text(attempt->connection->status));
    if (code == 103)
        json_object_set_new(data, "missing", request_missing_fields(attempt->connection));
    trail_step(&attempt->trail, code >= 300 ? TRAIL_RESPONSE : TRAIL_START, false, data);
    attempt_fail(attempt, code, 0, start->rule != NULL ? start->rule : "start refused");
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

/* INI-4: neither a transaction nor a cookie nor a page; the code is 109. */
static void refuse_navigation(struct attempt *attempt, struct str slug)
{
    log_info("sso_start_refused", LOG_INT("code", 109), LOG_STR("slug", slug),
             LOG_C("request", attempt->request->id));
    http_response_text(attempt->response, 401, "");
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
        code = request_check_connection(attempt->connection);
    if (code == 0)
        code = start_request_sort(start, attempt->connection, slug.tail);
    if (code != 0) {
        refuse(attempt, start, code);
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
        refuse_navigation(attempt, slug.text);
        return;
    }
    if (request_is_within_rates(attempt))
        run_start(attempt, start);
}

void start_for_application(struct attempt *attempt)
{
    struct start_request start = {.kind = START_LOGIN};
    if (start_request_check_navigation(attempt->request, &start) != 0) {
        refuse_navigation(attempt, sso_slug(attempt->arena, attempt->connection));
        return;
    }
    attempt_begin_trail(attempt, sso_slug(attempt->arena, attempt->connection));
    int code = request_check_connection(attempt->connection);
    if (code != 0)
        refuse(attempt, &start, code);
    else if (request_is_within_rates(attempt))
        run_start(attempt, &start);
}

void start_handle(void *door, const struct http_request *request, struct http_response *response)
{
    struct attempt attempt = attempt_begin(door, request, response);
    struct start_request start = {0};
    run(&attempt, &start);
    attempt_end(&attempt);
}
