#include "sso/handover.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"
#include "jose/claims.h"
#include "sso/internal_answer.h"
#include "sso/one_time_code.h"
#include "sso/provider_authorize.h"
#include "sso/provider_client.h"
#include "sso/session_facts.h"

#define CODE_CONTEXT "sso.handover"
#define CODE_LIFETIME_S 60
#define JWT_LIFETIME_S 60
#define URL_MAX ((size_t)16384)

/* ---- where the browser goes ---- */

static const char *with_parameter(struct attempt *attempt, struct str url, const char *name, struct str value)
{
    struct buf location = buf_new(attempt->arena, URL_MAX);
    buf_append(&location, url);
    buf_printf(&location, "%c%s=", str_find(url, '?') < url.length ? '&' : '?', name);
    buf_append_url_component(&location, value);
    return buf_c(&location);
}

const char *handover_url(struct attempt *attempt, const struct session *session)
{
    struct str application = attempt->connection->application;
    const char *onward = attempt->onward.length > 0 ? provider_authorize_onward(attempt, session) : NULL;
    if (onward != NULL)
        return onward;
    if (application.length == 0)
        return arena_printf(attempt->arena, "%.*s%.*s", STR_ARG(attempt->host->base_url),
                            STR_ARG(session->landing));
    if (str_equal(attempt->connection->handover, STR("openid")))
        return with_parameter(attempt, application, "iss", provider_issuer(attempt->arena, attempt->host));
    return with_parameter(attempt, application, "code",
                          one_time_code_make(attempt->door, attempt->arena, CODE_CONTEXT, session->digest,
                                             attempt->now + CODE_LIFETIME_S));
}

/* OK with the digest of the session; ABSENT for a code that is damaged, expired or used; FAILED when the
 * store does not tell. */
static enum outcome take_code(struct professional *door, struct arena *arena, struct str code, int64_t now,
                              struct str *out_digest)
{
    struct one_time_code opened;
    if (one_time_code_open(door, arena, CODE_CONTEXT, code, now, &opened) != OK)
        return ABSENT;
    *out_digest = opened.content;
    return one_time_code_use(door, CODE_CONTEXT, &opened, now);
}

/* ---- the facts of a session ---- */

static json_t *facts_of(struct professional *door, struct arena *arena,
                        const struct cached_snapshot *snapshot, const struct session *session,
                        const struct sso_connection *connection)
{
    json_t *facts = json_object();
    json_object_set_new(facts, "user", json_text(session->user_id));
    json_object_set_new(facts, "display_name", json_text(session->display_name));
    json_object_set_new(facts, "connection", json_text(sso_slug(arena, connection)));
    json_object_set_new(facts, "environment", json_text(connection->environment));
    json_object_set_new(facts, "groups", session_facts_list(session->groups, '\n'));
    json_object_set_new(facts, "permissions", session_facts_list(session->permissions, ' '));
    json_object_set_new(facts, "locations", session_facts_list(session->locations, '\n'));
    session_facts_add_patient(door, arena, directory_data(snapshot), session, "view", facts);
    json_object_set_new(facts, "limited", json_boolean(session->is_limited));
    json_object_set_new(facts, "expires", json_integer(session->expires_at));
    return facts;
}

/* The facts with what makes them a JWT for the application and nobody else; `typ` keeps it from passing for
 * an ID token. FAILED when there is nobody to address it to, or no key. */
static enum outcome sign_facts(struct professional *door, struct arena *arena,
                               const struct cached_snapshot *snapshot, const struct session *session,
                               const struct sso_connection *connection, json_t *facts, struct str *out_token)
{
    const struct sso_host *host =
        provider_find_host(directory_data(snapshot), connection->platform, connection->environment);
    struct failure failure = {"the connection has no host"};
    int64_t now = clock_now();
    if (host != NULL) {
        json_object_set_new(facts, "iss", json_text(provider_issuer(arena, host)));
        json_object_set_new(facts, "aud", json_text(connection->application));
        json_object_set_new(facts, "sub", json_text(session->user_id));
        json_object_set_new(facts, "iat", json_integer(now));
        json_object_set_new(facts, "exp", json_integer(now + JWT_LIFETIME_S));
        json_object_set_new(facts, "jti", json_string(rand_uuid4_in(arena)));
        if (signing_sign(door->signing, "handover+jwt", facts, arena, out_token, &failure) == OK)
            return OK;
    }
    log_error("handover_not_signed", LOG_C("cause", failure.text));
    return FAILED;
}

static void tell_facts(struct professional *door, const struct http_request *request,
                       struct http_response *response, const struct cached_snapshot *snapshot,
                       const struct session *session, bool is_jwt)
{
    const struct sso_connection *connection = directory_find_active_connection(snapshot, session->connection);
    if (connection == NULL) {
        internal_answer_error(response, 400, "invalid_grant");
        return;
    }
    json_t *facts = facts_of(door, request->arena, snapshot, session, connection);
    struct str token;
    if (!is_jwt) {
        internal_answer_json(request->arena, response, 200, facts);
    } else {
        if (sign_facts(door, request->arena, snapshot, session, connection, facts, &token) == OK) {
            http_response_json(response, 200, token);
            response->content_type = "application/jwt";
        } else {
            internal_answer_error(response, 503, "temporarily_unavailable");
        }
        json_decref(facts);
    }
}

static void answer_facts(struct professional *door, const struct http_request *request,
                         struct http_response *response, const struct session *session, bool is_jwt)
{
    struct cached_snapshot *snapshot = cached_acquire(door->data);
    tell_facts(door, request, response, snapshot, session, is_jwt);
    cached_release(&snapshot);
}

static bool wants_jwt(const struct http_request *request, const struct form *form)
{
    struct str accept, format;
    return (http_request_header(request, "Accept", &accept) == FORM_ONE &&
            str_equal_ignoring_case(str_trim(str_slice(accept, 0, str_find(accept, ';'))),
                                    STR("application/jwt"))) ||
           (form_get(form, "format", &format) == FORM_ONE && str_equal(format, STR("jwt")));
}

void handover_handle_exchange(void *context, const struct http_request *request,
                              struct http_response *response)
{
    struct professional *door = context;
    struct form form;
    struct str code, digest;
    struct session session;
    if (!internal_read_form(request, response, &form))
        return;
    if (form_get(&form, "code", &code) != FORM_ONE) {
        internal_answer_error(response, 400, "invalid_request");
        return;
    }
    enum outcome outcome = take_code(door, request->arena, code, clock_now(), &digest);
    if (outcome == OK)
        outcome = session_find(door->store, digest, clock_now(), request->arena, &session);
    switch (outcome) {
    case OK:
        answer_facts(door, request, response, &session, wants_jwt(request, &form));
        return;
    case ABSENT:
    case FAILED:
        internal_answer_refusal(response, outcome);
        return;
    }
}
