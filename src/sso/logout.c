#include "sso/logout.h"

#include "base/codec.h"
#include "base/log.h"
#include "base/secret.h"
#include "html/value.h"
#include "http/cookie.h"
#include "sso/attempt.h"

#define PAGE_CAP ((size_t)65536)
#define TOKEN_CONTEXT "sso.logout"

static void show(struct attempt *attempt, int status, bool is_done, struct str token)
{
    struct str html;
    struct value *context = value_object(attempt->arena);
    value_put_bool(attempt->arena, context, "is_done", is_done);
    value_put_text(attempt->arena, context, "token", token);
    if (template_render(attempt->door->templates, "sso_logout", context, attempt->arena, PAGE_CAP, &html) !=
        OK)
        http_response_text(attempt->response, 500, "Technische storing\n");
    else
        http_response_page(attempt->response, status, html);
}

/* Derived from the session, so that showing the form needs no write. */
static struct str logout_token(const struct attempt *attempt, struct str session_digest)
{
    return codec_base64url(attempt->arena, vault_lookup_hash(attempt->door->vault, attempt->arena,
                                                             TOKEN_CONTEXT, session_digest));
}

void logout_handle_page(void *door, const struct http_request *request, struct http_response *response)
{
    struct attempt attempt = attempt_begin(door, request, response);
    struct str digest = attempt_session_digest(&attempt);
    show(&attempt, 200, digest.length == 0, digest.length > 0 ? logout_token(&attempt, digest) : STR_NONE);
    attempt_end(&attempt);
}

void logout_handle(void *door, const struct http_request *request, struct http_response *response)
{
    struct attempt attempt = attempt_begin(door, request, response);
    struct str digest = attempt_session_digest(&attempt), token;
    struct form form;
    if (digest.length == 0) {
        show(&attempt, 200, true, STR_NONE); /* nothing to end */
    } else if (form_parse(attempt.arena, request->body, &form) != OK ||
               form_get(&form, "token", &token) != FORM_ONE ||
               !secret_equal(logout_token(&attempt, digest), token)) {
        show(&attempt, 400, false, logout_token(&attempt, digest)); /* a forged form: ask again */
    } else if (session_end(attempt.door->store, digest) == FAILED) {
        http_response_text(response, 503, "Technische storing\n");
    } else {
        http_response_header(response, "Set-Cookie",
                             cookie_clear(attempt.arena, SSO_SESSION_COOKIE, request->is_https));
        log_info("sso_logout", LOG_C("request", request->id));
        show(&attempt, 200, true, STR_NONE);
    }
    attempt_end(&attempt);
}
