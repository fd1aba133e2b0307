#include "sso/logout_message.h"

#include "base/clock.h"
#include "http/cookie.h"
#include "idp/issuer.h"
#include "idp/logout.h"
#include "jose/claims.h"
#include "sso/logout_trail.h"
#include "sso/redaction.h"
#include "sso/sso_error.h"

#define SID_LENGTH_MAX 255
/* A shorter one might be guessed, so it is taken from the browser with that session only. */
#define SID_LENGTH_BELIEVED 16
#define PROVIDER_PATIENCE_MS 1500 /* of the 2 seconds that OUT-6 allows */

static void refuse_method(struct attempt *attempt, const char *allowed)
{
    http_response_header(attempt->response, "Allow", allowed);
    http_response_text(attempt->response, 405, "");
}

/* ---- step 23 ---- */

/* The logins that are over, and whose they were; steals `data`. */
static void log_message(struct attempt *attempt, bool is_ok, json_t *data,
                        const struct session_ended_list *ended)
{
    json_t *logins = json_array();
    for (size_t i = 0; i < ended->count; i++)
        json_array_append_new(logins, json_text(ended->items[i].log_reference));
    json_object_set_new(data, "address", json_text(attempt->request->peer_address));
    json_object_set_new(data, "sessions", json_integer((json_int_t)ended->count));
    if (ended->count > 0)
        logout_trail_user(attempt, &ended->items[0]);
    trail_step_ids(&attempt->trail, TRAIL_LOGOUT_MESSAGE, is_ok, data, logins);
}

/* ---- back-channel ---- */

/* The rules that were tried, up to the one that was broken. */
static void log_rules(struct attempt *attempt, enum idp_result result)
{
    const char *const *names;
    size_t count = logout_token_rules(&names), kept = logout_token_rules_kept(result);
    for (size_t i = 0; i < kept; i++)
        trail_line(&attempt->trail, names[i], true);
    if (kept < count)
        trail_line(&attempt->trail, kept > 0 ? names[kept] : idp_result_name(result), false);
}

static void answer_token(struct attempt *attempt, int status)
{
    switch (status) {
    case 200:
        http_response_text(attempt->response, 200, "");
        return;
    case 503:
        http_response_header(attempt->response, "Retry-After", "10");
        http_response_json(attempt->response, 503, STR("{\"error\":\"temporarily_unavailable\"}"));
        return;
    default:
        /* OUT-6 and ADR-7: one answer, whatever was wrong, and whether or not there is such a connection. */
        http_response_json(attempt->response, 400, STR("{\"error\":\"invalid_request\"}"));
        return;
    }
}

/* 0, or the code with *out_status. */
static int read_token(struct attempt *attempt, struct str text, struct logout_token *out_token, json_t *data,
                      int *out_status)
{
    struct idp_connection connection = attempt_idp_connection(attempt);
    struct failure failure = {""};
    connection.answer_by_ms = clock_monotonic_ms() + PROVIDER_PATIENCE_MS;
    enum idp_result result =
        logout_token_read(attempt->door->idp, &connection, text, attempt->arena, out_token, &failure);
    log_rules(attempt, result);
    if (result == IDP_OK)
        return 0;
    json_object_set_new(data, "cause", json_string(failure.text));
    int code = sso_error_of_idp(result, STR_NONE);
    /* 2xx: nothing is known against the token, but its keys could not be had. */
    *out_status = code >= 200 && code < 300 ? 503 : 400;
    return *out_status == 503 ? code : 901;
}

static int end_sessions(struct attempt *attempt, const struct logout_token *token,
                        struct session_ended_list *out_ended, int *out_status)
{
    const struct session_login login = {
        .connection = attempt->connection->id,
        .issuer = token->issuer,
        .subject = token->subject,
        .sid = token->sid,
        .jti = token->jti,
        .jti_expires_at = token->accepted_until,
    };
    switch (session_end_by_login(attempt->door->store, &login, attempt->now, attempt->arena, out_ended)) {
    case OK:
        *out_status = 200;
        return out_ended->count > 0 ? 0 : 903;
    case ABSENT:
        *out_status = 400;
        return 902;
    case FAILED:
        break;
    }
    *out_status = 503;
    return 911;
}

static bool find_token(struct attempt *attempt, struct str *out_token)
{
    struct form form;
    return http_request_has_content_type(attempt->request, "application/x-www-form-urlencoded") &&
           form_parse(attempt->arena, attempt->request->body, &form) == OK &&
           form_get(&form, "logout_token", out_token) == FORM_ONE;
}

/* 0, or why nobody is at home; outsiders cannot tell these apart (ADR-7). */
static int check_active(const struct sso_connection *connection)
{
    if (connection == NULL)
        return 101;
    return str_equal(connection->status, STR("active")) ? 0 : 102;
}

void logout_message_take_token(struct attempt *attempt)
{
    struct logout_token token = {0};
    struct session_ended_list ended = {0};
    struct str text;
    /* A connection that was taken out of use may have sessions yet, and who has a right token may end them.
     */
    int code = attempt->connection == NULL ? 101 : 0, status = 400;
    if (attempt->request->method != HTTP_POST) {
        refuse_method(attempt, "POST");
        return;
    }
    json_t *data = json_pack("{s:s}", "channel", "back");
    if (code == 0 && !find_token(attempt, &text)) {
        json_object_set_new(data, "cause", json_string("not one logout_token in a form"));
        code = 901;
    }
    if (code == 0) {
        json_object_set_new(data, "token", json_text(redact_token(attempt->arena, text)));
        code = read_token(attempt, text, &token, data, &status);
        if (code != 0 && check_active(attempt->connection) != 0)
            status = 400; /* ADR-7: as for one that is not there */
        if (code == 0)
            code = end_sessions(attempt, &token, &ended, &status);
    }
    if (token.subject.length > 0)
        json_object_set_new(data, "sub", json_text(token.subject));
    if (token.sid.length > 0)
        json_object_set_new(data, "sid", json_text(redact_digest(attempt->arena, token.sid)));
    log_message(attempt, status == 200, data, &ended);
    logout_trail_end(attempt, code, "back-channel", status);
    answer_token(attempt, status);
}

/* ---- front-channel ---- */

/* "https://host:port" of an address that the import found safe; empty when it is none after all. */
static struct str origin_of(struct str url)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.:[]";
    size_t scheme = str_starts_with(url, STR("https://"))  ? strlen("https://")
                    : str_starts_with(url, STR("http://")) ? strlen("http://")
                                                           : 0;
    struct str rest = str_slice(url, scheme, url.length);
    size_t length = str_find(rest, '/');
    for (size_t i = 0; i < length; i++)
        if (memchr(allowed, rest.data[i], sizeof allowed - 1) == NULL)
            return STR_NONE;
    return scheme > 0 && length > 0 ? str_slice(url, 0, scheme + length) : STR_NONE;
}

/* The same whatever became of it: nobody can try out which sessions there are. */
static void answer_frame(struct attempt *attempt, int status)
{
    struct str origin = status != 400 ? origin_of(attempt->connection->issuer) : STR_NONE;
    http_response_text(attempt->response, status, "");
    http_response_header(attempt->response, "Content-Security-Policy",
                         arena_printf(attempt->arena, "default-src 'none'; frame-ancestors %.*s",
                                      STR_ARG(origin.length > 0 ? origin : STR("'none'"))));
}

/* Is this the browser with that session? */
static bool is_own_session(struct attempt *attempt, struct str iss, struct str sid)
{
    struct session session;
    struct str digest = attempt_session_digest(attempt);
    return digest.length > 0 &&
           session_find(attempt->door->store, digest, attempt->now, attempt->arena, &session) == OK &&
           str_equal(session.issuer, iss) && str_equal(session.sid, sid);
}

/* OUT-7. The session cookie does not travel into another site's frame (SameSite=Lax), so iss and sid decide:
 * who does not know the sid, which only the provider and the ID token tell, ends nothing. */
static int end_by_frame(struct attempt *attempt, const struct form *query, json_t *data,
                        struct session_ended_list *out_ended)
{
    struct str iss, sid, tenant;
    if (form_get(query, "iss", &iss) != FORM_ONE || form_get(query, "sid", &sid) != FORM_ONE ||
        sid.length == 0 || sid.length > SID_LENGTH_MAX) {
        json_object_set_new(data, "result", json_string("iss or sid is missing"));
        return 903;
    }
    json_object_set_new(data, "sid", json_text(redact_digest(attempt->arena, sid)));
    if (!issuer_covers(attempt->connection->issuer, attempt->connection->tenants, iss, &tenant)) {
        json_object_set_new(data, "result", json_string("iss is another issuer"));
        return 903;
    }
    if (sid.length < SID_LENGTH_BELIEVED && !is_own_session(attempt, iss, sid)) {
        json_object_set_new(data, "result", json_string("the sid is short, and not of this browser"));
        return 903;
    }
    const struct session_login login = {.connection = attempt->connection->id, .issuer = iss, .sid = sid};
    if (session_end_by_login(attempt->door->store, &login, attempt->now, attempt->arena, out_ended) != OK)
        return 911;
    json_object_set_new(data, "result", json_string("ok"));
    return out_ended->count > 0 ? 0 : 903;
}

static void forget_cookie(struct attempt *attempt, const struct session_ended_list *ended)
{
    struct str digest = attempt_session_digest(attempt);
    for (size_t i = 0; i < ended->count; i++) {
        if (!str_equal(ended->items[i].digest, digest))
            continue;
        http_response_header(attempt->response, "Set-Cookie",
                             cookie_clear(attempt->arena, SSO_SESSION_COOKIE, attempt->request->is_https));
        return;
    }
}

void logout_message_take_frame(struct attempt *attempt)
{
    struct session_ended_list ended = {0};
    struct form query;
    int code = check_active(attempt->connection);
    bool is_known = code == 0;
    if (attempt->request->method == HTTP_POST) {
        refuse_method(attempt, "GET");
        return;
    }
    if (attempt->request->method != HTTP_GET) { /* HEAD changes nothing */
        http_response_text(attempt->response, 200, "");
        return;
    }
    json_t *data = json_pack("{s:s}", "channel", "front");
    if (is_known)
        code = form_parse(attempt->arena, attempt->request->query, &query) == OK
                   ? end_by_frame(attempt, &query, data, &ended)
                   : 107;
    int status = !is_known ? 400 : code == 911 ? 503 : 200;
    log_message(attempt, code == 0 || code == 903, data, &ended);
    logout_trail_end(attempt, code, "front-channel", status);
    answer_frame(attempt, status);
    forget_cookie(attempt, &ended);
}
