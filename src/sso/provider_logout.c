#include "sso/provider_logout.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/secret.h"
#include "jose/claims.h"
#include "sso/attempt.h"
#include "sso/logout.h"
#include "sso/provider_claims.h"

#define LOCATION_MAX ((size_t)16384)

struct logout_request {
    const struct sso_application *application; /* NULL = not known */
    struct str redirect_uri;                   /* registered; empty = none */
    struct str state;
    struct str sid; /* of an ID token that we signed for this application; empty = none */
    const char *fault;
};

static bool take(const struct form *form, const char *name, struct str *out_value)
{
    enum form_lookup found = form_get(form, name, out_value);
    if (found != FORM_ONE)
        *out_value = STR_NONE;
    return found == FORM_ONE || found == FORM_MISSING;
}

/* An expired token is as good (RP-Initiated Logout 1.0 section 4). FAILED: the keys cannot be had. */
static enum outcome read_hint(struct attempt *attempt, struct str hint, struct str *out_client_id,
                              struct str *out_sid)
{
    json_t *claims;
    struct str issuer, audience, sid;
    enum outcome outcome = signing_verify(attempt->door->signing, hint, &claims);
    if (outcome != OK)
        return outcome;
    outcome = ABSENT;
    if (claim_text(claims, "iss", &issuer) == OK && claim_text(claims, "aud", &audience) == OK &&
        claim_text(claims, "sid", &sid) == OK &&
        str_equal(issuer, provider_issuer(attempt->arena, attempt->host))) {
        *out_client_id = str_copy(attempt->arena, audience);
        *out_sid = str_copy(attempt->arena, sid);
        outcome = OK;
    }
    json_decref(claims);
    return outcome;
}

/* FAILED: the store does not tell. A fault of the request is in out_request. */
static enum outcome read_request(struct attempt *attempt, const struct form *form,
                                 struct logout_request *out_request)
{
    struct str hint, client_id, hinted_client = STR_NONE, uri;
    if (!take(form, "id_token_hint", &hint) || !take(form, "client_id", &client_id) ||
        !take(form, "post_logout_redirect_uri", &uri) || !take(form, "state", &out_request->state)) {
        out_request->fault = "a parameter is repeated or malformed";
        return OK;
    }
    enum outcome outcome = hint.length > 0 ? read_hint(attempt, hint, &hinted_client, &out_request->sid) : OK;
    if (outcome == FAILED)
        return FAILED;
    if (outcome == ABSENT ||
        (client_id.length > 0 && hinted_client.length > 0 && !str_equal(client_id, hinted_client))) {
        out_request->fault = "id_token_hint is not a token of ours for this client";
        return OK;
    }
    out_request->application =
        provider_find_application(directory_data(attempt->snapshot), attempt->host,
                                  hinted_client.length > 0 ? hinted_client : client_id);
    if (uri.length == 0)
        return OK;
    if (out_request->application == NULL ||
        !provider_has_uri(out_request->application->post_logout_redirect_uris, uri))
        out_request->fault = "post_logout_redirect_uri is not one that the application registered";
    else
        out_request->redirect_uri = uri;
    return OK;
}

/* Back to the application, or else to the page that asks, or says that nobody is signed in. */
static const char *way_on(struct attempt *attempt, const struct logout_request *request)
{
    if (request->redirect_uri.length == 0)
        return arena_printf(attempt->arena, "%.*s/sso/logout", STR_ARG(attempt->host->base_url));
    struct buf location = buf_new(attempt->arena, LOCATION_MAX);
    buf_append(&location, request->redirect_uri);
    if (request->state.length > 0) {
        bool has_query = str_find(request->redirect_uri, '?') < request->redirect_uri.length;
        buf_append_c(&location, has_query ? "&state=" : "?state=");
        buf_append_url_component(&location, request->state);
    }
    return buf_c(&location);
}

static void run(struct attempt *attempt, const struct form *form)
{
    struct logout_request request = {0};
    struct str digest = attempt_session_digest(attempt);
    if (read_request(attempt, form, &request) != OK) {
        http_response_text(attempt->response, 503, "Technische storing\n");
        return;
    }
    bool is_hinted = request.application != NULL && digest.length > 0 && request.sid.length > 0 &&
                     secret_equal(provider_sid(attempt->door, attempt->arena, digest), request.sid);
    if (request.fault != NULL)
        log_warning("oidc_logout_refused", LOG_C("cause", request.fault),
                    LOG_C("request", attempt->request->id));
    if (request.fault == NULL && is_hinted) {
        log_info("oidc_logout", LOG_STR("client", request.application->client_id),
                 LOG_C("request", attempt->request->id));
        logout_end(attempt, digest, way_on(attempt, &request));
        return;
    }
    /* Nothing here to end, or something that this request may not end without asking. */
    if (request.fault != NULL || digest.length > 0)
        request.redirect_uri = STR_NONE;
    http_response_redirect(attempt->response, way_on(attempt, &request));
}

/* As at the authorization endpoint: a GET has our cookies with it. */
static void turn_to_get(struct attempt *attempt)
{
    struct str body = attempt->request->body;
    struct str issuer = provider_issuer(attempt->arena, attempt->host);
    bool is_query = str_is_printable_ascii(body) && str_find(body, ' ') == body.length &&
                    str_find(body, '#') == body.length;
    http_response_redirect(attempt->response,
                           arena_printf(attempt->arena, "%.*s/logout?%.*s", STR_ARG(issuer),
                                        STR_ARG(is_query ? body : STR(""))));
}

void provider_logout_handle(void *door, const struct http_request *request, struct http_response *response)
{
    struct attempt attempt = attempt_begin(door, request, response);
    struct form form;
    if (attempt.host == NULL)
        http_response_text(response, 404, "");
    else if (request->method == HTTP_HEAD)
        http_response_text(response, 200, "");
    else if (request->method == HTTP_POST)
        turn_to_get(&attempt);
    else if (form_parse(attempt.arena, request->query, &form) != OK)
        http_response_text(response, 400, "");
    else
        run(&attempt, &form);
    attempt_end(&attempt);
}
