#include "sso/logout.h"

#include "base/codec.h"
#include "base/log.h"
#include "base/rand.h"
#include "base/secret.h"
#include "html/value.h"
#include "http/browser.h"
#include "http/cookie.h"
#include "idp/logout.h"
#include "jose/claims.h"
#include "sso/logout_trail.h"
#include "sso/redaction.h"
#include "sso/slug.h"
#include "sso/sso_error.h"

#define PAGE_CAP ((size_t)65536)
#define TOKEN_CONTEXT "sso.logout"
#define FLOW_DOOR "sso_logout"
#define RETURN_WITHIN_S 3600
/* docs/adr/006: the way out leads through hosts of the provider that nobody here knows. */
#define FORM_TARGETS "https:"
#define FORM_TARGETS_DEVELOPMENT "https: http:"

/* ---- pages ---- */

enum page {
    PAGE_ASK,             /* a form */
    PAGE_DONE,            /* out, here */
    PAGE_DONE_EVERYWHERE, /* back from the provider */
    PAGE_PROVIDER_FAILED, /* out here, and not there (904) */
    PAGE_UNKNOWN_RETURN,  /* 905 */
    PAGE_FAILED,          /* the store did not tell */
};

static const char *page_name(enum page page)
{
    switch (page) {
    case PAGE_ASK:
        return "is_asking";
    case PAGE_DONE:
        return "is_done";
    case PAGE_DONE_EVERYWHERE:
        return "is_done_everywhere";
    case PAGE_PROVIDER_FAILED:
        return "is_provider_failed";
    case PAGE_UNKNOWN_RETURN:
        return "is_unknown_return";
    case PAGE_FAILED:
        return "is_failed";
    }
    return "is_failed";
}

/* What people call the place where they logged in. */
static const char *provider_name(const struct sso_connection *connection)
{
    static const struct {
        const char *preset, *name;
    } names[] = {{"ysis", "Ysis"}, {"helloid", "HelloID"}, {"entra", "Microsoft"}};
    for (size_t i = 0; connection != NULL && i < sizeof names / sizeof *names; i++)
        if (str_equal_c(connection->preset, names[i].preset))
            return names[i].name;
    return "de inlogdienst van uw organisatie";
}

static struct value *page_context(const struct attempt *attempt, enum page page)
{
    struct value *context = value_object(attempt->arena);
    value_put_bool(attempt->arena, context, page_name(page), true);
    if (attempt->connection != NULL)
        value_put_c(attempt->arena, context, "login_place", provider_name(attempt->connection));
    return context;
}

static void show_context(const struct attempt *attempt, int status, const struct value *context)
{
    struct str html;
    if (template_render(attempt->door->templates, "sso_logout", context, attempt->arena, PAGE_CAP, &html) !=
        OK)
        http_response_text(attempt->response, 500, "Technische storing\n");
    else
        http_response_page(attempt->response, status, html);
}

static void show(const struct attempt *attempt, int status, enum page page)
{
    show_context(attempt, status, page_context(attempt, page));
}

/* ---- the form ---- */

enum idp_logout { LOGOUT_HERE, LOGOUT_ASK, LOGOUT_ALWAYS };

static enum idp_logout idp_logout_of(const struct sso_connection *connection)
{
    if (connection != NULL && str_equal(connection->idp_logout, STR("ask")))
        return LOGOUT_ASK;
    if (connection != NULL && str_equal(connection->idp_logout, STR("always")))
        return LOGOUT_ALWAYS;
    return LOGOUT_HERE;
}

/* Derived from the session, so that showing the form needs no write. */
static struct str form_token(const struct attempt *attempt, struct str session_digest)
{
    return codec_base64url(attempt->arena, vault_lookup_hash(attempt->door->vault, attempt->arena,
                                                             TOKEN_CONTEXT, session_digest));
}

static void show_form(const struct attempt *attempt, int status, struct str session_digest)
{
    struct value *context = page_context(attempt, PAGE_ASK);
    value_put_text(attempt->arena, context, "token", form_token(attempt, session_digest));
    switch (idp_logout_of(attempt->connection)) {
    case LOGOUT_HERE:
        break;
    case LOGOUT_ASK:
        value_put_bool(attempt->arena, context, "is_choice", true);
        break;
    case LOGOUT_ALWAYS:
        value_put_bool(attempt->arena, context, "is_everywhere", true);
        break;
    }
    show_context(attempt, status, context);
    if (idp_logout_of(attempt->connection) != LOGOUT_HERE)
        attempt->response->form_targets =
            attempt->conf->is_development ? FORM_TARGETS_DEVELOPMENT : FORM_TARGETS;
}

/* The session of this browser, and its connection. ABSENT when there is none (any more). */
static enum outcome find_session(struct attempt *attempt, struct str digest, struct session *out_session)
{
    enum outcome outcome =
        session_find(attempt->door->store, digest, attempt->now, attempt->arena, out_session);
    attempt->connection =
        outcome == OK ? directory_find_connection_by_id(attempt->snapshot, out_session->connection) : NULL;
    return outcome;
}

void logout_handle_page(void *door, const struct http_request *request, struct http_response *response)
{
    struct attempt attempt = attempt_begin(door, request, response);
    struct str digest = attempt_session_digest(&attempt);
    struct session session;
    switch (digest.length > 0 ? find_session(&attempt, digest, &session) : ABSENT) {
    case OK:
        show_form(&attempt, 200, digest);
        break;
    case ABSENT:
        show(&attempt, 200, PAGE_DONE);
        break;
    case FAILED:
        show(&attempt, 503, PAGE_FAILED);
        break;
    }
    attempt_end(&attempt);
}

/* ---- ending it here ---- */

static void begin_entry(struct attempt *attempt, const struct session *session)
{
    attempt_begin_trail(attempt, attempt->connection != NULL ? sso_slug(attempt->arena, attempt->connection)
                                                             : STR(""));
    attempt->trail.entry.user_id = session->user_id;
    attempt->trail.entry.user_name = session->display_name;
    trail_step(&attempt->trail, TRAIL_LOGOUT_STARTED, true,
               json_pack("{s:s, s:o, s:o}", "reason", "local", "address",
                         json_text(attempt->request->peer_address), "login",
                         json_text(session->log_reference)));
}

/* ---- ending it at the provider ---- */

/* Where the connection lives; NULL when no host is left that leads to it. */
static const struct sso_host *host_of(const struct attempt *attempt)
{
    const struct sso_data *data = directory_data(attempt->snapshot);
    const struct sso_connection *connection = attempt->connection;
    for (size_t i = 0; i < data->host_count; i++)
        if (str_equal(data->hosts[i].platform, connection->platform) &&
            str_equal(data->hosts[i].environment, connection->environment))
            return &data->hosts[i];
    return NULL;
}

static bool is_of_connection(const struct sso_host *host, const struct sso_connection *connection)
{
    return host != NULL && str_equal(host->platform, connection->platform) &&
           str_equal(host->environment, connection->environment);
}

/* NULL with the cause when the browser cannot be sent there. */
static const char *provider_url(struct attempt *attempt, const struct session *session, struct str state,
                                bool *out_has_hint, struct failure *failure)
{
    const struct sso_connection *connection = attempt->connection;
    const struct sso_host *host =
        is_of_connection(attempt->host, connection) ? attempt->host : host_of(attempt);
    const char *url;
    if (host == NULL) {
        failure_set(failure, "no host leads to the connection");
        return NULL;
    }
    struct str start = slug_start_url(attempt->arena, host, connection);
    const struct end_session end = {
        .id_token_hint = session->id_token,
        .post_logout_redirect_uri =
            str_from_c(arena_printf(attempt->arena, "%.*s/logged-out", STR_ARG(start))),
        .state = state,
    };
    const struct idp_connection idp = attempt_idp_connection(attempt);
    return logout_end_session_url(attempt->door->idp, &idp, &end, attempt->arena, &url, out_has_hint,
                                  failure) == IDP_OK
               ? url
               : NULL;
}

/* What brings the browser back to this entry (OUT-3). */
static enum outcome remember(struct attempt *attempt, struct str state)
{
    bool is_new;
    const struct flow flow = {
        .id = str_from_c(rand_uuid7_in(attempt->arena)),
        .door = STR(FLOW_DOOR),
        .stage = FLOW_LOGIN,
        .state_digest = codec_sha256(attempt->arena, state),
        .browser_digest = attempt_browser_digest(attempt, &is_new),
        .connection = attempt->connection->id,
        .issuer = attempt->connection->issuer,
        .payload = trail_pack(&attempt->trail),
        .created_at = attempt->now,
        .expires_at = attempt->now + RETURN_WITHIN_S,
    };
    return flow_create(attempt->door->store, &flow);
}

static void fail_at_provider(struct attempt *attempt, const char *cause)
{
    trail_step(&attempt->trail, TRAIL_LOGOUT_PROVIDER, false, json_pack("{s:s}", "cause", cause));
    logout_trail_end(attempt, 904, cause, 200);
    show(attempt, 200, PAGE_PROVIDER_FAILED);
}

static void go_to_provider(struct attempt *attempt, const struct session *session)
{
    struct failure failure = {""};
    struct str state = rand_token(attempt->arena);
    bool has_hint;
    const char *url = provider_url(attempt, session, state, &has_hint, &failure);
    if (url == NULL) {
        fail_at_provider(attempt, failure.text);
        return;
    }
    trail_step(&attempt->trail, TRAIL_LOGOUT_PROVIDER, true,
               json_pack("{s:o, s:b, s:o}", "address", json_text(redact_url(attempt->arena, str_from_c(url))),
                         "id_token_hint", has_hint, "state",
                         json_text(redact_digest(attempt->arena, state))));
    if (remember(attempt, state) != OK) {
        fail_at_provider(attempt, "the store failed");
        return;
    }
    logout_trail_end(attempt, 0, "local, and on to the provider", 303);
    http_response_redirect(attempt->response, url);
}

static bool wants_provider(const struct attempt *attempt, const struct form *form)
{
    struct str choice;
    switch (idp_logout_of(attempt->connection)) {
    case LOGOUT_HERE:
        return false;
    case LOGOUT_ASK:
        return form != NULL && form_get(form, "where", &choice) == FORM_ONE &&
               str_equal(choice, STR("everywhere"));
    case LOGOUT_ALWAYS:
        return true;
    }
    return false;
}

static void go_on(const struct attempt *attempt, const char *onward)
{
    if (onward != NULL)
        http_response_redirect(attempt->response, onward);
    else
        show(attempt, 200, PAGE_DONE);
}

/* `form` is NULL, or where the person chose how far the logout goes. */
static void log_out(struct attempt *attempt, struct str digest, const struct form *form, const char *onward)
{
    struct session session;
    /* What cannot be read must still end. */
    enum outcome found = find_session(attempt, digest, &session);
    enum outcome ended = session_end(attempt->door->store, digest);
    if (ended == FAILED) {
        show(attempt, 503, PAGE_FAILED);
        return;
    }
    http_response_header(attempt->response, "Set-Cookie",
                         cookie_clear(attempt->arena, SSO_SESSION_COOKIE, attempt->request->is_https));
    if (found != OK || ended == ABSENT) { /* it had ended by itself, or at another click */
        go_on(attempt, onward);
        return;
    }
    begin_entry(attempt, &session);
    if (wants_provider(attempt, form)) {
        go_to_provider(attempt, &session);
        return;
    }
    logout_trail_end(attempt, 0, "local", onward != NULL ? 303 : 200);
    go_on(attempt, onward);
}

void logout_end(struct attempt *attempt, struct str digest, const char *onward)
{
    log_out(attempt, digest, NULL, onward);
}

void logout_handle(void *door, const struct http_request *request, struct http_response *response)
{
    struct attempt attempt = attempt_begin(door, request, response);
    struct str digest = attempt_session_digest(&attempt), token;
    struct session session;
    struct form form;
    if (digest.length == 0)
        show(&attempt, 200, PAGE_DONE); /* nothing to end */
    else if (form_parse(attempt.arena, request->body, &form) == OK &&
             form_get(&form, "token", &token) == FORM_ONE &&
             secret_equal(form_token(&attempt, digest), token))
        log_out(&attempt, digest, &form, NULL);
    else if (find_session(&attempt, digest, &session) == OK)
        show_form(&attempt, 400, digest); /* a forged form: ask again */
    else
        show(&attempt, 400, PAGE_FAILED);
    attempt_end(&attempt);
}

/* ---- back from the provider ---- */

/* NULL, or why this is not the way back of a logout from here, in this browser. */
static const char *return_fault(struct attempt *attempt, bool *out_is_again)
{
    struct form form;
    struct str state;
    *out_is_again = false;
    if (form_parse(attempt->arena, attempt->request->query, &form) != OK ||
        form_get(&form, "state", &state) != FORM_ONE)
        return "missing";
    switch (flow_take_callback(attempt->door->store, codec_sha256(attempt->arena, state), attempt->now,
                               attempt->arena, &attempt->flow, out_is_again)) {
    case OK:
        break;
    case ABSENT:
        return "unknown";
    case FAILED:
        return "the store failed";
    }
    if (!str_equal(attempt->flow.door, STR(FLOW_DOOR)))
        return "of a login";
    if (attempt->connection == NULL || !str_equal(attempt->flow.connection, attempt->connection->id))
        return "of another connection";
    return attempt_is_browser_of_flow(attempt) ? NULL : "of another browser";
}

/* Completes the entry that the logout began. */
static void log_return(struct attempt *attempt)
{
    struct trail trail;
    if (trail_unpack(&trail, attempt->arena, attempt->flow.payload) != OK) {
        log_warning("sso_logout_entry_unreadable", LOG_C("request", attempt->request->id));
        return;
    }
    trail_free(&attempt->trail);
    attempt->trail = trail;
    trail_step(&attempt->trail, TRAIL_LOGOUT_PROVIDER, true,
               json_pack("{s:s, s:I}", "return_state", "ok", "after_s",
                         (json_int_t)(attempt->now - attempt->flow.created_at)));
    logout_trail_end(attempt, 0, "back from the provider", 200);
    if (flow_end(attempt->door->store, attempt->flow.id) == FAILED)
        log_warning("flow_not_ended", LOG_STR("flow", attempt->flow.id));
}

void logout_take_return(struct attempt *attempt)
{
    bool is_again;
    if (attempt->request->method == HTTP_POST) {
        http_response_header(attempt->response, "Allow", "GET");
        http_response_text(attempt->response, 405, "");
        return;
    }
    if (attempt->request->method != HTTP_GET) {
        http_response_text(attempt->response, 200, "");
        return;
    }
    const char *fault = return_fault(attempt, &is_again);
    if (fault == NULL) {
        if (!is_again) /* a reload is not worth another entry */
            log_return(attempt);
        show(attempt, 200, PAGE_DONE_EVERYWHERE);
        return;
    }
    trail_step(&attempt->trail, TRAIL_LOGOUT_PROVIDER, false, json_pack("{s:s}", "return_state", fault));
    logout_trail_end(attempt, 905, fault, 200);
    show(attempt, 200, PAGE_UNKNOWN_RETURN);
}
