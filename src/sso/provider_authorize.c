#include "sso/provider_authorize.h"

#include "base/buf.h"
#include "base/log.h"
#include "html/value.h"
#include "jose/claims.h"
#include "sso/provider_code.h"
#include "sso/provider_request.h"
#include "sso/reference.h"
#include "sso/start.h"

#define PAGE_CAP ((size_t)65536)
#define LOCATION_MAX ((size_t)32768)

/* ---- answers ---- */

/* To the person, because there is no address that the answer could be trusted to. */
static void show_fault(struct attempt *attempt, const char *cause)
{
    struct str html, reference = reference_new(attempt->arena, attempt->now);
    log_warning("oidc_request_distrusted", LOG_C("cause", cause), LOG_STR("reference", reference),
                LOG_C("request", attempt->request->id));
    struct value *context = value_object(attempt->arena);
    attempt_put_text(
        attempt->arena, context,
        arena_printf(attempt->arena,
                     "De applicatie vroeg op een verkeerde manier om in te loggen. Geef referentie "
                     "%.*s door aan uw applicatiebeheerder.",
                     STR_ARG(reference)),
        arena_strndup(attempt->arena, reference.data, reference.length));
    if (template_render(attempt->door->templates, "sso_error", context, attempt->arena, PAGE_CAP, &html) !=
        OK)
        http_response_text(attempt->response, 400, "Inloggen is niet gelukt.\n");
    else
        http_response_page(attempt->response, 400, html);
}

/* The redirect URI with one parameter, and with state and iss (RFC 9207) behind it. */
static struct buf begin_location(struct attempt *attempt, const struct provider_request *request,
                                 const char *name, struct str value)
{
    struct buf location = buf_new(attempt->arena, LOCATION_MAX);
    bool has_query = str_find(request->redirect_uri, '?') < request->redirect_uri.length;
    buf_append(&location, request->redirect_uri);
    buf_printf(&location, "%c%s=", has_query ? '&' : '?', name);
    buf_append_url_component(&location, value);
    if (request->state.length > 0) {
        buf_append_c(&location, "&state=");
        buf_append_url_component(&location, request->state);
    }
    buf_append_c(&location, "&iss=");
    buf_append_url_component(&location, provider_issuer(attempt->arena, attempt->host));
    return location;
}

static const char *error_location(struct attempt *attempt, const struct provider_request *request,
                                  const char *error, const char *description)
{
    log_info("oidc_request_refused", LOG_STR("client", request->application->client_id),
             LOG_C("error", error), LOG_C("cause", description), LOG_C("request", attempt->request->id));
    struct buf location = begin_location(attempt, request, "error", str_from_c(error));
    buf_append_c(&location, "&error_description=");
    buf_append_url_component(&location, str_from_c(description));
    return buf_c(&location);
}

static const char *code_location(struct attempt *attempt, const struct provider_request *request,
                                 const struct session *session)
{
    const struct provider_grant grant = {
        .platform = request->application->platform,
        .environment = request->application->environment,
        .client_id = request->application->client_id,
        .session = session->digest,
        .has_profile = request->has_profile,
        .has_email = request->has_email,
        .redirect_uri = request->redirect_uri,
        .code_challenge = request->code_challenge,
        .nonce = request->nonce,
    };
    struct str code = provider_code_make(attempt->door, attempt->arena, &grant, attempt->now);
    struct buf location = begin_location(attempt, request, "code", code);
    log_info("oidc_code_issued", LOG_STR("client", request->application->client_id),
             LOG_STR("user", session->user_id), LOG_STR("login", session->log_reference),
             LOG_C("request", attempt->request->id));
    return buf_c(&location);
}

static void redirect_error(struct attempt *attempt, const struct provider_request *request, const char *error,
                           const char *description)
{
    http_response_redirect(attempt->response, error_location(attempt, request, error, description));
}

/* ---- whose session ---- */

/* ABSENT: the hint is not one of ours. */
static enum outcome is_hinted(struct attempt *attempt, struct str hint, const struct session *session,
                              bool *out_is_hinted)
{
    json_t *claims;
    struct str issuer, subject;
    enum outcome outcome = signing_verify(attempt->door->signing, hint, &claims);
    if (outcome != OK)
        return outcome;
    bool is_ours = claim_text(claims, "iss", &issuer) == OK && claim_text(claims, "sub", &subject) == OK &&
                   str_equal(issuer, provider_issuer(attempt->arena, attempt->host));
    *out_is_hinted = is_ours && str_equal(subject, session->user_id);
    json_decref(claims);
    return is_ours ? OK : ABSENT;
}

enum readiness { READY, SIGN_ON_NEEDED, STORE_FAILED, HINT_INVALID };

/* Whether this session answers the request, age and prompt apart. */
static enum readiness check_session(struct attempt *attempt, const struct provider_request *request,
                                    const struct session *session)
{
    const struct sso_connection *connection =
        provider_connection_of(directory_data(attempt->snapshot), request->application, session);
    if (connection == NULL || (request->connection != NULL && request->connection != connection))
        return SIGN_ON_NEEDED;
    bool is_same = true;
    if (request->id_token_hint.length > 0)
        switch (is_hinted(attempt, request->id_token_hint, session, &is_same)) {
        case OK:
            break;
        case ABSENT:
            return HINT_INVALID;
        case FAILED:
            return STORE_FAILED;
        }
    return is_same ? READY : SIGN_ON_NEEDED;
}

/* By the word of the identity provider: what it does not tell counts as too long ago. A max_age of 0 asks for
 * a fresh login, as prompt=login does (OpenID Connect Core 3.1.2.1). */
static bool is_login_too_old(const struct provider_request *request, const struct session *session,
                             int64_t now)
{
    if (request->max_age_s < 0)
        return false;
    return request->max_age_s == 0 || session->auth_at == 0 || now - session->auth_at > request->max_age_s;
}

static enum readiness find_session(struct attempt *attempt, const struct provider_request *request,
                                   struct session *out_session)
{
    struct str digest = attempt_session_digest(attempt);
    enum outcome outcome = digest.length == 0 ? ABSENT
                                              : session_find(attempt->door->store, digest, attempt->now,
                                                             attempt->arena, out_session);
    if (outcome == FAILED)
        return STORE_FAILED;
    if (outcome == ABSENT || request->is_prompt_login || is_login_too_old(request, out_session, attempt->now))
        return SIGN_ON_NEEDED;
    return check_session(attempt, request, out_session);
}

/* The only one that the application serves, unless the request names one. */
static const struct sso_connection *choose_connection(struct attempt *attempt,
                                                      const struct provider_request *request)
{
    if (request->connection != NULL)
        return request->connection;
    const struct sso_data *data = directory_data(attempt->snapshot);
    const struct sso_connection *found = NULL;
    for (size_t i = 0; i < data->connection_count; i++) {
        const struct sso_connection *item = &data->connections[i];
        if (!str_equal(item->status, STR("active")) || !provider_serves(request->application, item))
            continue;
        if (found != NULL)
            return NULL;
        found = item;
    }
    return found;
}

static void sign_on(struct attempt *attempt, const struct provider_request *request)
{
    if (request->is_prompt_none) {
        redirect_error(attempt, request, "login_required", "nobody is signed in");
        return;
    }
    attempt->connection = choose_connection(attempt, request);
    if (attempt->connection == NULL) {
        redirect_error(attempt, request, "invalid_request",
                       "the application serves no connection, or several: add connection={slug}");
        return;
    }
    attempt->onward = attempt->request->query;
    attempt->is_login_forced = request->is_prompt_login || request->max_age_s >= 0;
    start_for_application(attempt);
}

/* ---- the endpoint ---- */

static void answer(struct attempt *attempt, const struct provider_request *request)
{
    struct session session;
    switch (find_session(attempt, request, &session)) {
    case READY:
        http_response_redirect(attempt->response, code_location(attempt, request, &session));
        return;
    case SIGN_ON_NEEDED:
        sign_on(attempt, request);
        return;
    case STORE_FAILED:
        redirect_error(attempt, request, "temporarily_unavailable", "the store failed");
        return;
    case HINT_INVALID:
        redirect_error(attempt, request, "invalid_request", "id_token_hint is not a token of ours");
        return;
    }
}

static enum provider_request_result parse(struct attempt *attempt, struct str text,
                                          struct provider_request *out_request)
{
    struct form form;
    *out_request = (struct provider_request){.description = "too many parameters, or too long"};
    if (text.length > PROVIDER_REQUEST_BYTES_MAX || form_parse(attempt->arena, text, &form) != OK)
        return PROVIDER_REQUEST_UNTRUSTED;
    return provider_request_parse(&form, directory_data(attempt->snapshot), attempt->host, out_request);
}

static void run(struct attempt *attempt)
{
    struct provider_request request;
    switch (parse(attempt, attempt->request->query, &request)) {
    case PROVIDER_REQUEST_OK:
        answer(attempt, &request);
        return;
    case PROVIDER_REQUEST_UNTRUSTED:
        show_fault(attempt, request.description);
        return;
    case PROVIDER_REQUEST_REFUSED:
        redirect_error(attempt, &request, request.error, request.description);
        return;
    }
}

static bool is_query(struct str text)
{
    return str_is_printable_ascii(text) && str_find(text, ' ') == text.length &&
           str_find(text, '#') == text.length;
}

/* Browsers leave our cookies out of a POST that another site's page makes, and send them along with the GET
 * that it is turned into. */
static void turn_to_get(struct attempt *attempt)
{
    struct str body = attempt->request->body;
    if (!http_request_has_content_type(attempt->request, "application/x-www-form-urlencoded") ||
        body.length > PROVIDER_REQUEST_BYTES_MAX || !is_query(body)) {
        show_fault(attempt, "the body is not a form, or too long");
        return;
    }
    struct str issuer = provider_issuer(attempt->arena, attempt->host);
    http_response_redirect(attempt->response, arena_printf(attempt->arena, "%.*s/authorize?%.*s",
                                                           STR_ARG(issuer), STR_ARG(body)));
}

void provider_authorize_handle(void *door, const struct http_request *request, struct http_response *response)
{
    struct attempt attempt = attempt_begin(door, request, response);
    if (attempt.host == NULL)
        show_fault(&attempt, "the host is not in the host table");
    else if (request->method == HTTP_HEAD)
        http_response_text(response, 200, "");
    else if (request->method == HTTP_POST)
        turn_to_get(&attempt);
    else
        run(&attempt);
    attempt_end(&attempt);
}

const char *provider_authorize_onward(struct attempt *attempt, const struct session *session)
{
    struct provider_request request;
    switch (parse(attempt, attempt->onward, &request)) {
    case PROVIDER_REQUEST_OK:
        break;
    case PROVIDER_REQUEST_UNTRUSTED:
        log_warning("oidc_request_distrusted", LOG_C("cause", request.description),
                    LOG_C("request", attempt->request->id));
        return NULL;
    case PROVIDER_REQUEST_REFUSED:
        return error_location(attempt, &request, request.error, request.description);
    }
    switch (check_session(attempt, &request, session)) {
    case READY:
        return code_location(attempt, &request, session);
    case SIGN_ON_NEEDED:
        return error_location(attempt, &request, "login_required", "somebody else signed in");
    case STORE_FAILED:
        return error_location(attempt, &request, "temporarily_unavailable", "the store failed");
    case HINT_INVALID:
        break;
    }
    return error_location(attempt, &request, "invalid_request", "id_token_hint is not a token of ours");
}
