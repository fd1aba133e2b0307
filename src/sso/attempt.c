#include "sso/attempt.h"

#include "base/clock.h"
#include "base/log.h"
#include "http/browser.h"
#include "jose/claims.h"
#include "sso/notify.h"
#include "sso/reference.h"
#include "sso/restart.h"
#include "sso/signing.h"
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

void attempt_begin_trail(struct attempt *attempt, struct str slug)
{
    trail_free(&attempt->trail);
    trail_begin(&attempt->trail, attempt->arena, clock_now_ms(), reference_new(attempt->arena, attempt->now));
    attempt->trail.entry.slug = slug;
    if (attempt->connection != NULL) {
        attempt->trail.entry.connection = attempt->connection->id;
        attempt->trail.entry.customer_key = attempt->connection->customer_key;
        attempt->trail.entry.environment = attempt->connection->environment;
    }
}

void attempt_end(struct attempt *attempt)
{
    trail_free(&attempt->trail);
    cached_release(&attempt->snapshot);
}

/* Where "Opnieuw proberen" leads: this attempt once more, or, in a browser that it did not begin in, a fresh
 * start of the same connection and view. */
static const char *retry_url(const struct attempt *attempt, const struct sso_error *error)
{
    if (attempt->connection == NULL)
        return NULL;
    if (attempt->is_flow_ours)
        return restart_url(attempt->arena, attempt->flow.id,
                           error->code == 516 ? "login" : attempt->retry_prompt);
    struct str slug = sso_slug(attempt->arena, attempt->connection);
    return attempt->view.length > 0 ? arena_printf(attempt->arena, "/sso/openidconnect/%.*s?view=%.*s",
                                                   STR_ARG(slug), STR_ARG(attempt->view))
                                    : arena_printf(attempt->arena, "/sso/openidconnect/%.*s", STR_ARG(slug));
}

void attempt_put_text(struct arena *arena, struct value *context, const char *text, const char *reference)
{
    const char *at = reference[0] != '\0' ? strstr(text, reference) : NULL;
    size_t length = at != NULL ? (size_t)(at - text) : strlen(text);
    value_put_text(arena, context, "text", str_of(text, length));
    if (at == NULL)
        return;
    value_put_c(arena, context, "reference", reference);
    value_put_c(arena, context, "text_after", at + strlen(reference));
}

static void show_page(struct attempt *attempt, const struct sso_error *error, const char *reference,
                      bool is_notified)
{
    struct str html;
    const struct sso_connection *connection = attempt->connection;
    /* INI-9; nothing of a connection that is not active shows (ADR-7). */
    if (connection != NULL && connection->frame_ancestors.length > 0 &&
        str_equal(connection->status, STR("active")))
        attempt->response->frame_ancestors = arena_strndup(attempt->arena, connection->frame_ancestors.data,
                                                           connection->frame_ancestors.length);
    struct value *context = value_object(attempt->arena);
    attempt_put_text(attempt->arena, context,
                     sso_user_text(attempt->arena, error->user_text, reference, is_notified), reference);
    if (error->can_retry)
        value_put_c(attempt->arena, context, "retry_url", retry_url(attempt, error));
    if (template_render(attempt->door->templates, "sso_error", context, attempt->arena, PAGE_CAP, &html) !=
        OK) {
        log_error("page_not_rendered", LOG_C("template", "sso_error"),
                  LOG_C("request", attempt->request->id));
        http_response_text(attempt->response, error->status, "Inloggen is niet gelukt.\n");
        return;
    }
    http_response_page(attempt->response, error->status, html);
}

static struct notify_desk desk_of(const struct attempt *attempt)
{
    const struct professional *door = attempt->door;
    return (struct notify_desk){door->store, door->mailer, door->backlog, door->notices};
}

static struct notice notice_of(const struct attempt *attempt, int code, char cause)
{
    return (struct notice){
        .connection = attempt->connection,
        .trail = &attempt->trail,
        .error = sso_error_find(code),
        .cause = cause,
        .is_consent_required = attempt->is_consent_required,
        .user_shown = attempt->user_shown,
        .operator_address = attempt->conf->mail_operator,
        .now = attempt->now,
    };
}

enum notify_verdict attempt_notify(struct attempt *attempt, int code, char cause)
{
    const struct notify_desk desk = desk_of(attempt);
    const struct notice notice = notice_of(attempt, code, cause);
    return notify_send(&desk, attempt->arena, &notice);
}

/* What the login went on with may have a mail of its own (108, 706, 912); most warnings have none, and cost
 * nothing. No login waits for it. */
static enum notify_verdict notify_of_warnings(struct attempt *attempt)
{
    const struct notify_desk desk = desk_of(attempt);
    enum notify_verdict told = NOTIFY_NONE;
    for (size_t i = 0; i < attempt->trail.remark_count; i++) {
        const struct notice notice = notice_of(attempt, attempt->trail.remarks[i].code, 0);
        enum notify_verdict verdict = notify_later(&desk, attempt->arena, &notice);
        if (told == NOTIFY_NONE || verdict == NOTIFY_HANDED)
            told = verdict;
    }
    return told;
}

static void end_login(struct attempt *attempt)
{
    const struct exchange_entry *entry = trail_entry(&attempt->trail);
    tally_login(&attempt->door->tally, entry);
    log_writer_put(attempt->door->log, entry);
}

void attempt_fail(struct attempt *attempt, int code, char cause, const char *detail)
{
    const struct sso_error *error = sso_error_find(code);
    const char *reference = arena_strndup(attempt->arena, attempt->trail.entry.reference.data,
                                          attempt->trail.entry.reference.length);
    (void)notify_of_warnings(attempt);
    enum notify_verdict told = attempt_notify(attempt, code, cause);
    trail_end(&attempt->trail, clock_now_ms(), "geweigerd", code, cause, sso_user_text_key(error->user_text),
              error->status);
    log_warning("sso_login_refused", LOG_C("reference", reference), LOG_INT("code", code),
                LOG_C("cause", detail), LOG_STR("slug", attempt->trail.entry.slug),
                LOG_C("request", attempt->request->id));
    /* The page says that the administrator knows only when that is so, and never of the operator's mail. */
    bool is_notified =
        (told == NOTIFY_SENT || told == NOTIFY_SUPPRESSED) && error->mail.kind != MAIL_OPERATOR;
    trail_tell(&attempt->trail, "mail", json_string(notify_verdict_word(told)));
    end_login(attempt);
    show_page(attempt, error, reference, is_notified);
}

static const char *rate_scope(enum rate_refusal refusal)
{
    switch (refusal) {
    case RATE_ALLOWED:
    case RATE_FAILED_ADDRESS:
    case RATE_FAILED_CLIENT:
    case RATE_FAILED_SESSION:
        break;
    case RATE_ADDRESS:
        return "adres";
    case RATE_CONNECTION:
        return "koppelvlak";
    case RATE_LOOP:
        return "browser";
    }
    return "geen";
}

void attempt_fail_busy(struct attempt *attempt, const struct rate_verdict *verdict)
{
    http_response_header(attempt->response, "Retry-After",
                         arena_printf(attempt->arena, "%d", verdict->retry_after_s));
    if (!verdict->is_logged) {
        show_page(attempt, sso_error_find(106), "", false);
        return;
    }
    const char *scope = rate_scope(verdict->refusal);
    trail_step(&attempt->trail, TRAIL_START, false,
               json_pack("{s:o, s:s, s:I, s:i}", "address", json_text(attempt->request->peer_address),
                         "scope", scope, "unlogged", (json_int_t)verdict->unlogged, "retry_after_s",
                         verdict->retry_after_s));
    attempt_fail(attempt, 106, (char)verdict->refusal, scope);
}

static struct rate_verdict take_rate(struct attempt *attempt)
{
    const struct rate_limit limit = {attempt->conf->starts_per_address, attempt->conf->starts_burst};
    return rate_take_address(attempt->door->rate, attempt->request->peer_address, limit,
                             clock_monotonic_ms());
}

bool attempt_is_worth_an_entry(struct attempt *attempt)
{
    return take_rate(attempt).refusal == RATE_ALLOWED;
}

bool attempt_is_within_rate(struct attempt *attempt)
{
    struct rate_verdict verdict = take_rate(attempt);
    if (verdict.refusal != RATE_ALLOWED)
        attempt_fail_busy(attempt, &verdict);
    return verdict.refusal == RATE_ALLOWED;
}

void attempt_succeed(struct attempt *attempt)
{
    int warning = trail_warning(&attempt->trail);
    rate_forget_browser(attempt->door->rate, attempt->flow.browser_digest, attempt->flow.connection);
    trail_end(&attempt->trail, clock_now_ms(), warning != 0 ? "geslaagd met waarschuwing" : "geslaagd",
              warning, 0, NULL, 303);
    trail_tell(&attempt->trail, "mail", json_string(notify_verdict_word(notify_of_warnings(attempt))));
    end_login(attempt);
    log_info("sso_login", LOG_STR("reference", attempt->trail.entry.reference), LOG_INT("warning", warning),
             LOG_STR("slug", attempt->trail.entry.slug), LOG_C("request", attempt->request->id));
}

static enum outcome sign_assertion(void *context, const json_t *claims, struct arena *arena,
                                   struct str *out_token, struct failure *failure)
{
    return signing_sign(context, "JWT", claims, arena, out_token, failure);
}

struct idp_connection attempt_idp_connection(struct attempt *attempt)
{
    struct idp_connection connection = directory_idp_connection(attempt->arena, attempt->connection, 0);
    connection.signer = (struct idp_signer){sign_assertion, attempt->door->signing};
    if (attempt->is_login_forced)
        connection.max_age_s = 0;
    return connection;
}

void attempt_abandon(struct attempt *attempt, int code)
{
    trail_end(&attempt->trail, clock_now_ms(), "afgebroken", code, 0, NULL, 303);
    log_writer_put(attempt->door->log, trail_entry(&attempt->trail));
    log_info("sso_login_abandoned", LOG_STR("reference", attempt->trail.entry.reference),
             LOG_INT("code", code), LOG_STR("slug", attempt->trail.entry.slug),
             LOG_C("request", attempt->request->id));
}

static enum browser_cookie cookie_kind(const struct attempt *attempt)
{
    return attempt->connection != NULL && str_equal(attempt->connection->response_mode, STR("form_post"))
               ? BROWSER_ANY_SITE
               : BROWSER_SAME_SITE;
}

struct str attempt_browser_digest(struct attempt *attempt, bool *out_is_new)
{
    return browser_identify(attempt->request, attempt->response, cookie_kind(attempt), out_is_new);
}

bool attempt_find_browser(const struct attempt *attempt, struct str *out_digest)
{
    return browser_find(attempt->request, cookie_kind(attempt), out_digest);
}

bool attempt_is_browser_of_flow(const struct attempt *attempt)
{
    return browser_is(attempt->request, cookie_kind(attempt), attempt->flow.browser_digest);
}

struct str attempt_session_digest(const struct attempt *attempt)
{
    struct str digest;
    return browser_cookie_digest(attempt->request, SSO_SESSION_COOKIE, &digest) ? digest : STR_NONE;
}
