#include "medmij/login.h"

#include "base/bsn.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/rand.h"
#include "base/secret.h"
#include "http/browser.h"
#include "jose/claims.h"
#include "medmij/connection.h"
#include "medmij/consent_page.h"
#include "medmij/pages.h"
#include "medmij/precheck.h"

/* ---- towards the identity provider ---- */

/* The identity provider that the button names, when this provider offers it. */
static const struct catalog_identity_provider *chosen_provider(const struct visit *visit,
                                                               const struct form *form)
{
    struct str id;
    if (form_get(form, "idp", &id) != FORM_ONE)
        return NULL;
    const struct catalog_provider *provider = visit->authorization.provider;
    for (size_t i = 0; i < provider->identity_provider_count; i++)
        if (str_equal(provider->identity_providers[i], id))
            return catalog_find_identity_provider(visit->catalog, id);
    return NULL;
}

static const char *redirect_uri(const struct visit *visit)
{
    return arena_printf(visit->arena, "%s/oauth/callback", visit->conf->base_url);
}

/* Technische storing for a login that could not start or failed on the way; the flow is over. The client is
 * told on following the link. */
static void fail_login(struct visit *visit, enum idp_result result, const struct failure *failure)
{
    log_warning("login_failed", LOG_C("result", idp_result_name(result)), LOG_C("cause", failure->text),
                LOG_STR("trace_id", visit->authorization.trace_id), LOG_C("request", visit->request->id));
    if (visit->flow.id.length > 0 && flow_end(visit->door->store, visit->flow.id) == FAILED)
        log_error("flow_not_ended", LOG_STR("flow", visit->flow.id));
    bool is_passing = result == IDP_UNREACHABLE || result == IDP_CERTIFICATE_INVALID ||
                      result == IDP_KEYS_UNREACHABLE || result == IDP_TOKEN_UNREACHABLE ||
                      result == IDP_USERINFO_UNREACHABLE || result == IDP_TEMPORARILY_UNAVAILABLE;
    page_technical(visit, is_passing ? 503 : 500, is_passing ? "temporarily_unavailable" : "server_error");
}

void login_start(struct visit *visit, const struct form *form, struct str browser_digest)
{
    const struct catalog_identity_provider *provider = chosen_provider(visit, form);
    if (provider == NULL) {
        page_stale(visit, STALE_EXPIRED);
        return;
    }
    struct idp_connection connection = connection_of_provider(visit->arena, provider);
    struct idp_attempt attempt;
    struct failure failure = {""};
    const char *url;
    enum idp_result result = idp_start(visit->door->idp, &connection, redirect_uri(visit), NULL, 0,
                                       visit->arena, &attempt, &url, NULL, &failure);
    if (result != IDP_OK) {
        fail_login(visit, result, &failure);
        return;
    }
    bool is_restart = visit->flow.id.length > 0;
    struct flow flow = {
        .id = is_restart ? visit->flow.id : str_from_c(rand_uuid7_in(visit->arena)),
        .door = STR(FLOW_DOOR),
        .stage = FLOW_LOGIN,
        .state_digest = codec_sha256(visit->arena, attempt.state),
        .browser_digest = browser_digest,
        .connection = provider->id,
        .issuer = attempt.issuer,
        .nonce = attempt.nonce,
        .code_verifier = attempt.code_verifier,
        .payload = authorization_pack(visit->arena, &visit->authorization),
        .created_at = visit->now,
        .expires_at = visit->now + visit->conf->login_lifetime_s,
    };
    struct str form_digest =
        is_restart ? codec_sha256(visit->arena, visit_form_token(visit, flow.id)) : STR_NONE;
    enum outcome outcome = is_restart ? flow_restart_login(visit->door->store, &flow, form_digest)
                                      : flow_create(visit->door->store, &flow);
    switch (outcome) {
    case OK:
        http_response_redirect(visit->response, url);
        visit_event(visit, EVENT_SEND_AUTHENTICATION_REQUEST, NULL);
        return;
    case ABSENT:
        page_stale(visit, STALE_USED);
        return;
    case FAILED:
        page_technical(visit, 503, "temporarily_unavailable");
        return;
    }
}

/* ---- finding the flow again ---- */

/* The flow's own request, resolved anew; false when the request has been answered because it no longer holds.
 */
static bool unpack_authorization(struct visit *visit)
{
    enum authorization_fault fault = authorization_unpack(
        visit->arena, visit->flow.payload, visit->conf, visit->lists, visit->catalog, &visit->authorization);
    if (fault == AUTHORIZATION_SOUND)
        return true;
    log_warning("flow_request_no_longer_holds", LOG_C("cause", visit->authorization.fault_detail),
                LOG_STR("trace_id", visit->authorization.trace_id));
    if (flow_end(visit->door->store, visit->flow.id) == FAILED)
        log_error("flow_not_ended", LOG_STR("flow", visit->flow.id));
    page_technical(visit, 503, "server_error");
    return false;
}

static bool find_flow(struct visit *visit, struct str text, enum flow_stage stage, struct form *out_form)
{
    struct str id;
    if (form_parse(visit->arena, text, out_form) != OK || form_get(out_form, "flow", &id) != FORM_ONE ||
        !str_is_uuid(id)) {
        page_stale(visit, STALE_EXPIRED);
        return false;
    }
    switch (flow_find(visit->door->store, id, visit->now, visit->arena, &visit->flow)) {
    case OK:
        break;
    case ABSENT:
        page_stale(visit, STALE_EXPIRED);
        return false;
    case FAILED:
        page_technical(visit, 503, "server_error");
        return false;
    }
    if (!str_equal(visit->flow.door, STR(FLOW_DOOR)) ||
        !browser_is(visit->request, BROWSER_SAME_SITE, visit->flow.browser_digest)) {
        page_stale(visit, STALE_OTHER_BROWSER);
        return false;
    }
    if (!unpack_authorization(visit))
        return false;
    if (visit->flow.stage != stage) {
        page_stale(visit, STALE_USED);
        return false;
    }
    return true;
}

bool login_find_flow(struct visit *visit, enum flow_stage stage)
{
    struct form query;
    return find_flow(visit, visit->request->query, stage, &query);
}

bool login_find_form_flow(struct visit *visit, enum flow_stage stage, struct form *out_form)
{
    if (!find_flow(visit, visit->request->body, stage, out_form))
        return false;
    struct str token,
        right = stage == FLOW_CHOICE ? consent_page_token(visit) : visit_form_token(visit, visit->flow.id);
    bool is_present = form_get(out_form, "form", &token) == FORM_ONE;
    if (is_present && secret_equal(right, token))
        return true;
    bool is_what_was_shown =
        is_present && str_equal(visit->flow.form_digest, codec_sha256(visit->arena, token));
    page_stale(visit, is_what_was_shown ? STALE_CHANGED : STALE_OTHER_BROWSER);
    return false;
}

static void redirect_to_page(struct visit *visit, const char *path)
{
    http_response_redirect(
        visit->response,
        arena_printf(visit->arena, "%s%s?flow=%.*s", visit->conf->base_url, path, STR_ARG(visit->flow.id)));
}

/* ---- back from the identity provider ---- */

/* Takes the flow behind the callback's state; false when the request has been answered. */
static bool take_callback(struct visit *visit, const struct form *callback)
{
    struct str state;
    bool is_replay;
    if (form_get(callback, "state", &state) != FORM_ONE) {
        page_stale(visit, STALE_EXPIRED);
        return false;
    }
    switch (flow_take_callback(visit->door->store, codec_sha256(visit->arena, state), visit->now,
                               visit->arena, &visit->flow, &is_replay)) {
    case OK:
        break;
    case ABSENT:
        page_stale(visit, STALE_EXPIRED);
        return false;
    case FAILED:
        page_technical(visit, 503, "server_error");
        return false;
    }
    /* Both doors keep their flows in one place; a state of the other door is not ours to act on. */
    if (!str_equal(visit->flow.door, STR(FLOW_DOOR)) ||
        !browser_is(visit->request, BROWSER_SAME_SITE, visit->flow.browser_digest)) {
        page_stale(visit, STALE_OTHER_BROWSER);
        return false;
    }
    if (!is_replay)
        return unpack_authorization(visit);
    /* The person went back or reloaded: the page that follows the callback is still there when it is still
     * open. */
    if (visit->flow.stage == FLOW_CHOICE)
        redirect_to_page(visit, "/oauth/consent");
    else if (visit->flow.stage == FLOW_CANCELLED)
        redirect_to_page(visit, "/oauth/cancelled");
    else if (unpack_authorization(visit))
        page_stale(visit, STALE_USED);
    return false;
}

static enum idp_result finish_login(struct visit *visit, const struct form *callback,
                                    struct idp_identity *out_identity, struct failure *failure)
{
    const struct catalog_identity_provider *provider =
        catalog_find_identity_provider(visit->catalog, visit->flow.connection);
    if (provider == NULL) {
        failure_set(failure, "the identity provider was taken out of the catalogue during the login");
        return IDP_METADATA_INVALID;
    }
    struct idp_connection connection = connection_of_provider(visit->arena, provider);
    struct idp_attempt attempt = {
        .nonce = visit->flow.nonce,
        .code_verifier = visit->flow.code_verifier,
        .issuer = visit->flow.issuer,
        .redirect_uri = str_from_c(redirect_uri(visit)),
        .asked_at = visit->flow.created_at,
    };
    return idp_finish(visit->door->idp, &connection, &attempt, callback, visit->arena, out_identity, NULL,
                      failure);
}

/* The BSN out of the configured claim, checked by the eleven-test. */
static enum outcome read_bsn(struct visit *visit, const struct idp_identity *identity, struct str *out_bsn,
                             struct failure *failure)
{
    const struct catalog_identity_provider *provider =
        catalog_find_identity_provider(visit->catalog, visit->flow.connection);
    struct str claim;
    if (claim_path(identity->claims, provider->bsn_claim, &claim) != OK)
        return failure_set(failure, "the claim that should hold the BSN is absent or not text");
    if (!bsn_is_valid(claim))
        return failure_set(failure, "the claim that should hold the BSN does not hold a valid one");
    *out_bsn = str_copy(visit->arena, claim);
    return OK;
}

static void refuse_identity(struct visit *visit, enum idp_result result, const struct failure *failure)
{
    visit_event(visit, EVENT_RECEIVE_AUTHENTICATION_ERROR, idp_result_name(result));
    fail_login(visit, result, failure);
}

static void cancel_login(struct visit *visit)
{
    visit_event(visit, EVENT_RECEIVE_AUTHORIZATION_CANCELLATION, NULL);
    struct str token = visit_form_token(visit, visit->flow.id);
    switch (flow_cancel_login(visit->door->store, visit->flow.id, codec_sha256(visit->arena, token))) {
    case OK:
        redirect_to_page(visit, "/oauth/cancelled");
        return;
    case ABSENT:
        page_stale(visit, STALE_USED);
        return;
    case FAILED:
        page_technical(visit, 503, "server_error");
        return;
    }
}

/* Identified, and something can be asked: the flow waits for the choice. */
static void open_choice(struct visit *visit, struct str bsn, struct str acr, struct str services)
{
    visit->flow.outcome = services; /* the token is bound to them */
    struct flow flow = {
        .id = visit->flow.id,
        .identity = bsn,
        .acr = acr,
        .outcome = services,
        .form_digest = codec_sha256(visit->arena, consent_page_token(visit)),
        .expires_at = visit->now + visit->conf->choice_lifetime_s,
    };
    switch (flow_identify(visit->door->store, &flow)) {
    case OK:
        redirect_to_page(visit, "/oauth/consent");
        return;
    case ABSENT:
        page_stale(visit, STALE_USED);
        return;
    case FAILED:
        page_technical(visit, 503, "server_error");
        return;
    }
}

/* autoriseren 1 and kin: the flow is over before the person is told. */
static void end_without_choice(struct visit *visit, enum no_data_reason reason)
{
    if (flow_end(visit->door->store, visit->flow.id) == FAILED)
        page_technical(visit, 503, "server_error");
    else
        page_no_data(visit, reason);
}

static void act_on_identity(struct visit *visit, const struct idp_identity *identity)
{
    struct failure failure = {""};
    struct str bsn, services;
    /* Exception vert 2: the identity provider says by an actor claim (RFC 8693 4.1) that somebody acted for
     * the person, and the request did not ask for representation. */
    if (json_object_get(identity->claims, "act") != NULL) {
        end_without_choice(visit, NO_DATA_REPRESENTED);
        return;
    }
    if (read_bsn(visit, identity, &bsn, &failure) != OK) {
        refuse_identity(visit, IDP_ID_TOKEN_MALFORMED, &failure);
        return;
    }
    enum no_data_reason reason;
    switch (precheck(visit, bsn, &services, &reason)) {
    case PRECHECK_GO_ON:
        open_choice(visit, bsn, str_copy(visit->arena, identity->acr), services);
        return;
    case PRECHECK_NOTHING:
        end_without_choice(visit, reason);
        return;
    case PRECHECK_UNKNOWN:
        if (flow_end(visit->door->store, visit->flow.id) == FAILED)
            log_error("flow_not_ended", LOG_STR("flow", visit->flow.id));
        page_technical(visit, 503, "temporarily_unavailable");
        return;
    }
}

void login_handle_callback(void *door, const struct http_request *request, struct http_response *response)
{
    struct visit visit = visit_begin(door, request, response);
    struct form callback;
    struct idp_identity identity = {0};
    struct failure failure = {""};
    if (form_parse(visit.arena, request->query, &callback) != OK) {
        page_stale(&visit, STALE_EXPIRED);
    } else if (take_callback(&visit, &callback)) {
        enum idp_result result = finish_login(&visit, &callback, &identity, &failure);
        if (result == IDP_OK) {
            visit_event(&visit, EVENT_RECEIVE_AUTHENTICATION_RESPONSE, NULL);
            act_on_identity(&visit, &identity);
        } else if (result == IDP_CANCELLED) {
            cancel_login(&visit);
        } else {
            refuse_identity(&visit, result, &failure);
        }
        idp_identity_free(&identity);
    }
    visit_end(&visit);
}

/* ---- the cancelled-login page (core.usrint.101) ---- */

void login_handle_cancelled(void *door, const struct http_request *request, struct http_response *response)
{
    struct visit visit = visit_begin(door, request, response);
    if (login_find_flow(&visit, FLOW_CANCELLED))
        page_cancelled(&visit);
    visit_end(&visit);
}

void login_handle_retry(void *door, const struct http_request *request, struct http_response *response)
{
    struct visit visit = visit_begin(door, request, response);
    struct form form;
    if (login_find_form_flow(&visit, FLOW_CANCELLED, &form))
        login_start(&visit, &form, visit.flow.browser_digest);
    visit_end(&visit);
}

static void close_login(struct visit *visit)
{
    switch (flow_end(visit->door->store, visit->flow.id)) {
    case OK:
        http_response_redirect(visit->response, visit_back_url(visit, "access_denied"));
        visit_event(visit, EVENT_SEND_AUTHORIZATION_CANCELLATION, NULL);
        return;
    case ABSENT:
        page_stale(visit, STALE_USED);
        return;
    case FAILED:
        page_technical(visit, 503, "server_error");
        return;
    }
}

void login_handle_close(void *door, const struct http_request *request, struct http_response *response)
{
    struct visit visit = visit_begin(door, request, response);
    struct form form;
    if (login_find_form_flow(&visit, FLOW_CANCELLED, &form))
        close_login(&visit);
    visit_end(&visit);
}
