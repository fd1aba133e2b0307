#include "journey.h"

#include "provider.h"

#include <stdlib.h>

void traveller_open(struct traveller *traveller, const struct scene *scene)
{
    *traveller = (struct traveller){
        .arena = arena_new(),
        .front = wire_new("localhost", scene->front_port, NULL),
        .back = wire_new("localhost", scene->back_port, scene->tls),
        .internal = wire_new("localhost", scene->internal_port, NULL),
        .peer = wire_new("peer.localhost", scene->peer_port, NULL),
    };
}

void traveller_close(struct traveller *traveller)
{
    wire_free(&traveller->front);
    wire_free(&traveller->back);
    wire_free(&traveller->internal);
    wire_free(&traveller->peer);
    arena_free(&traveller->arena);
    free(traveller->tickets);
}

static enum outcome unexpected(struct failure *failure, const char *step, const struct wire_answer *answer)
{
    return failure_set(failure, "%s: status %d", step, answer->status);
}

static enum outcome call(struct traveller *traveller, struct wire *wire, const char *step, const char *target,
                         const char *headers, const char *form, int status, struct wire_answer *out_answer,
                         struct failure *failure)
{
    struct str body = str_from_c(form);
    if (wire_call(wire, traveller->arena, target, headers, form ? &body : NULL, out_answer, failure) != OK)
        return failure_prefix(failure, "%s", step);
    return out_answer->status == status ? OK : unexpected(failure, step, out_answer);
}

/* The landing page: the browser's cookie and the sealed request. */
static enum outcome land(struct traveller *traveller, const char *session, const char **out_cookie,
                         const char **out_request, struct failure *failure)
{
    struct arena *arena = traveller->arena;
    struct wire_answer answer;
    struct str cookie, request;
    const char *target =
        arena_printf(arena,
                     "/oauth/authorize?response_type=code&client_id=" CLIENT_HOST
                     "&redirect_uri=https%%3A%%2F%%2F" CLIENT_HOST "%%2Fcallback&scope=" PROVIDER_NAME
                     "&state=%.*s&MedMij-Request-ID=%s&X-Correlation-ID=%s",
                     STR_ARG(rand_token(arena)), rand_uuid4_in(arena), session);
    if (call(traveller, traveller->front, "authorize", target, "Accept: text/html\r\n", NULL, 200, &answer,
             failure) != OK)
        return FAILED;
    if (!wire_header(&answer, "set-cookie", 0, &cookie) ||
        !wire_between(answer.body, "name=\"request\" value=\"", "\"", &request))
        return failure_set(failure, "authorize: no cookie or no form on the page");
    cookie = str_slice(cookie, 0, str_find(cookie, ';'));
    *out_cookie = arena_printf(arena, "Accept: text/html\r\nCookie: %.*s\r\n", STR_ARG(cookie));
    *out_request = arena_strndup(arena, request.data, request.length);
    return OK;
}

/* Presses the login button and comes back from the identity provider, up to the address of the consent page.
 */
static enum outcome log_in(struct traveller *traveller, const char *cookie, const char *request,
                           const char **out_target, struct failure *failure)
{
    struct arena *arena = traveller->arena;
    struct wire_answer answer;
    struct str location, state, nonce, challenge, target;
    if (call(traveller, traveller->front, "login", "/oauth/login", cookie,
             arena_printf(arena, "request=%s&idp=digid", request), 303, &answer, failure) != OK)
        return FAILED;
    if (!wire_header(&answer, "location", 0, &location) || !wire_between(location, "state=", "&", &state) ||
        !wire_between(location, "nonce=", "&", &nonce) ||
        !wire_between(location, "code_challenge=", "&", &challenge))
        return failure_set(failure, "login: no authentication request");
    const char *callback = arena_printf(arena, "/oauth/callback?code=%s&state=%.*s",
                                        provider_code(arena, nonce, challenge, PERSON_BSN), STR_ARG(state));
    if (call(traveller, traveller->front, "callback", callback, cookie, NULL, 303, &answer, failure) != OK)
        return FAILED;
    if (!wire_header(&answer, "location", 0, &location) ||
        !wire_between(location, "/oauth/consent", "#", &target))
        return failure_set(failure, "callback: not sent to the consent page");
    *out_target = arena_printf(arena, "/oauth/consent%.*s", STR_ARG(target));
    return OK;
}

static enum outcome consent(struct traveller *traveller, const char *cookie, const char *target,
                            struct str *out_code, struct failure *failure)
{
    struct arena *arena = traveller->arena;
    struct wire_answer answer;
    struct str flow, form, location;
    if (call(traveller, traveller->front, "consent page", target, cookie, NULL, 200, &answer, failure) != OK)
        return FAILED;
    if (!wire_between(answer.body, "name=\"flow\" value=\"", "\"", &flow) ||
        !wire_between(answer.body, "name=\"form\" value=\"", "\"", &form))
        return failure_set(failure, "consent page: no form on it");
    const char *fields =
        arena_printf(arena, "flow=%.*s&form=%.*s&indefinite=yes&choice=give", STR_ARG(flow), STR_ARG(form));
    if (call(traveller, traveller->front, "consent", "/oauth/consent", cookie, fields, 303, &answer,
             failure) != OK)
        return FAILED;
    if (!wire_header(&answer, "location", 0, &location) ||
        !str_starts_with(location, STR(CLIENT_REDIRECT "?")) ||
        !wire_between(location, "code=", "&", out_code))
        return failure_set(failure, "consent: no code");
    *out_code = str_copy(arena, *out_code);
    return OK;
}

static enum outcome get_code(struct traveller *traveller, const char *session, struct str *out_code,
                             struct failure *failure)
{
    const char *cookie, *request, *target;
    if (land(traveller, session, &cookie, &request, failure) != OK ||
        log_in(traveller, cookie, request, &target, failure) != OK)
        return FAILED;
    return consent(traveller, cookie, target, out_code, failure);
}

static bool keep_token(char out_text[TOKEN_TEXT_LENGTH + 1], struct str body, const char *before)
{
    struct str token;
    if (!wire_between(body, before, "\"", &token) || token.length != TOKEN_TEXT_LENGTH)
        return false;
    memcpy(out_text, token.data, TOKEN_TEXT_LENGTH);
    out_text[TOKEN_TEXT_LENGTH] = '\0';
    return true;
}

static enum outcome ask_tokens(struct traveller *traveller, const char *session, const char *form,
                               struct failure *failure)
{
    struct wire_answer answer;
    const char *headers = arena_printf(traveller->arena, "MedMij-Request-ID: %s\r\nX-Correlation-ID: %s\r\n",
                                       rand_uuid4_in(traveller->arena), session);
    if (call(traveller, traveller->back, "token", "/oauth/token", headers, form, 200, &answer, failure) != OK)
        return FAILED;
    if (!keep_token(traveller->access, answer.body, "\"access_token\":\"") ||
        !keep_token(traveller->refresh, answer.body, "\"refresh_token\":\""))
        return failure_set(failure, "token: no tokens in the answer");
    return OK;
}

static enum outcome redeem(struct traveller *traveller, const char *session, struct str code,
                           struct failure *failure)
{
    return ask_tokens(traveller, session,
                      arena_printf(traveller->arena,
                                   "grant_type=authorization_code&code=%.*s&client_id=" CLIENT_HOST
                                   "&redirect_uri=https%%3A%%2F%%2F" CLIENT_HOST "%%2Fcallback",
                                   STR_ARG(code)),
                      failure);
}

enum outcome journey_authorize(struct traveller *traveller, struct failure *failure)
{
    const char *session = rand_uuid4_in(traveller->arena);
    struct str code;
    if (get_code(traveller, session, &code, failure) != OK)
        return FAILED;
    return redeem(traveller, session, code, failure);
}

enum outcome journey_get_ticket(struct traveller *traveller, struct failure *failure)
{
    const char *session = rand_uuid4_in(traveller->arena);
    struct str code;
    if (get_code(traveller, session, &code, failure) != OK)
        return FAILED;
    if (code.length != TOKEN_TEXT_LENGTH)
        return failure_set(failure, "consent: a code of another length");
    if (traveller->ticket_count == traveller->ticket_capacity) {
        traveller->ticket_capacity = traveller->ticket_capacity ? traveller->ticket_capacity * 2 : 64;
        traveller->tickets =
            reallocarray(traveller->tickets, traveller->ticket_capacity, sizeof *traveller->tickets);
        if (traveller->tickets == NULL)
            abort();
    }
    struct ticket *ticket = &traveller->tickets[traveller->ticket_count++];
    memcpy(ticket->code, code.data, code.length);
    ticket->code[code.length] = '\0';
    memcpy(ticket->session, session, sizeof ticket->session);
    return OK;
}

enum outcome journey_redeem(struct traveller *traveller, struct failure *failure)
{
    if (traveller->ticket_count == 0)
        return ABSENT;
    const struct ticket *ticket = &traveller->tickets[--traveller->ticket_count];
    return redeem(traveller, ticket->session, str_from_c(ticket->code), failure);
}

enum outcome journey_refresh(struct traveller *traveller, struct failure *failure)
{
    if (traveller->refresh[0] == '\0')
        return ABSENT;
    const char *form =
        arena_printf(traveller->arena, "grant_type=refresh_token&client_id=" CLIENT_HOST "&refresh_token=%s",
                     traveller->refresh);
    return ask_tokens(traveller, rand_uuid4_in(traveller->arena), form, failure);
}

enum outcome journey_introspect(struct traveller *traveller, struct failure *failure)
{
    if (traveller->access[0] == '\0')
        return ABSENT;
    struct wire_answer answer;
    struct str rest;
    if (call(traveller, traveller->internal, "introspect", "/oauth/introspect", "",
             arena_printf(traveller->arena, "token=%s", traveller->access), 200, &answer, failure) != OK)
        return FAILED;
    if (!wire_between(answer.body, "\"active\":true", "\"", &rest))
        return failure_set(failure, "introspect: the token is not active");
    return OK;
}
