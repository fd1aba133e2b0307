#include "sso/attempt.h"

#include "base/clock.h"
#include "base/log.h"
#include "html/value.h"
#include "http/browser.h"
#include "sso/notify.h"
#include "sso/slug.h"
#include "sso/sso_error.h"

#define PAGE_CAP ((size_t)65536)

struct attempt attempt_begin(void *context, const struct http_request *request,
                             struct http_response *response)
{
    struct professional *door = context;
    struct attempt attempt = {
        .door = door,
        .conf = atomic_load(door->conf),
        .request = request,
        .response = response,
        .arena = request->arena,
        .snapshot = cached_acquire(door->data),
        .now = clock_now(),
    };
    attempt.host = slug_find_host(directory_data(attempt.snapshot), request);
    return attempt;
}

void attempt_end(struct attempt *attempt)
{
    trail_free(&attempt->trail);
    cached_release(&attempt->snapshot);
}

/* Where "Opnieuw proberen" leads: a fresh start of the same connection and view. */
static const char *retry_url(const struct attempt *attempt)
{
    if (attempt->connection == NULL)
        return NULL;
    struct str slug = sso_slug(attempt->arena, attempt->connection);
    return attempt->view.length > 0 ? arena_printf(attempt->arena, "/sso/openidconnect/%.*s?view=%.*s",
                                                   STR_ARG(slug), STR_ARG(attempt->view))
                                    : arena_printf(attempt->arena, "/sso/openidconnect/%.*s", STR_ARG(slug));
}

static void show_page(struct attempt *attempt, const struct sso_error *error, const char *reference,
                      bool is_notified)
{
    struct str html;
    struct value *context = value_object(attempt->arena);
    value_put_c(attempt->arena, context, "text",
                sso_user_text(attempt->arena, error->user_text, reference, is_notified));
    value_put_c(attempt->arena, context, "reference", reference);
    if (error->can_retry)
        value_put_c(attempt->arena, context, "retry_url", retry_url(attempt));
    if (template_render(attempt->door->templates, "sso_error", context, attempt->arena, PAGE_CAP, &html) !=
        OK) {
        log_error("page_not_rendered", LOG_C("template", "sso_error"),
                  LOG_C("request", attempt->request->id));
        http_response_text(attempt->response, error->status, "Inloggen is niet gelukt.\n");
        return;
    }
    http_response_page(attempt->response, error->status, html);
}

void attempt_fail(struct attempt *attempt, int code, char cause, const char *detail)
{
    const struct sso_error *error = sso_error_find(code);
    const char *reference = arena_strndup(attempt->arena, attempt->trail.entry.reference.data,
                                          attempt->trail.entry.reference.length);
    trail_end(&attempt->trail, clock_now_ms(), "geweigerd", code, cause, sso_user_text_key(error->user_text),
              error->status);
    log_warning("sso_login_refused", LOG_C("reference", reference), LOG_INT("code", code),
                LOG_C("cause", detail), LOG_STR("slug", attempt->trail.entry.slug),
                LOG_C("request", attempt->request->id));
    const struct notice notice = {
        .connection = attempt->connection,
        .trail = &attempt->trail,
        .error = error,
        .cause = cause,
        .user_shown = attempt->user_shown,
        .now = attempt->now,
    };
    bool is_notified = notify_send(attempt->door->store, attempt->door->mailer, attempt->arena, &notice);
    trail_tell(&attempt->trail, "mail", json_string(is_notified ? "verstuurd" : "geen"));
    log_writer_put(attempt->door->log, trail_entry(&attempt->trail));
    show_page(attempt, error, reference, is_notified);
}

void attempt_succeed(struct attempt *attempt)
{
    int warning = trail_warning(&attempt->trail);
    trail_end(&attempt->trail, clock_now_ms(), warning != 0 ? "geslaagd met waarschuwing" : "geslaagd",
              warning, 0, NULL, 303);
    log_writer_put(attempt->door->log, trail_entry(&attempt->trail));
    log_info("sso_login", LOG_STR("reference", attempt->trail.entry.reference), LOG_INT("warning", warning),
             LOG_STR("slug", attempt->trail.entry.slug), LOG_C("request", attempt->request->id));
}

struct str attempt_browser_digest(struct attempt *attempt)
{
    bool is_new;
    return browser_identify(attempt->request, attempt->response, &is_new);
}

struct str attempt_session_digest(const struct attempt *attempt)
{
    struct str digest;
    return browser_cookie_digest(attempt->request, SSO_SESSION_COOKIE, &digest) ? digest : STR_NONE;
}
