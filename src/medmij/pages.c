#include "medmij/pages.h"

#include "base/buf.h"
#include "base/log.h"
#include "html/value.h"

#include <inttypes.h>

#define PAGE_CAP ((size_t)262144)
#define NAMES_CAP 4096

/* The forms of these pages lead to the identity provider and the PGO by redirect, and from there on to hosts
 * that nobody here knows; browsers hold form-action against the whole chain. */
#define FORM_TARGETS "https:"
#define FORM_TARGETS_DEVELOPMENT "https: http://*.localhost:*"

static void render(struct visit *visit, int status, const char *template, const struct value *context)
{
    struct str html;
    if (template_render(visit->door->templates, template, context, visit->arena, PAGE_CAP, &html) != OK) {
        log_error("page_not_rendered", LOG_C("template", template), LOG_C("request", visit->request->id));
        http_response_text(visit->response, 500, "Technische storing\n");
        return;
    }
    http_response_page(visit->response, status, html);
}

static const char *text_set(const struct visit *visit)
{
    const struct catalog_provider *provider = visit->authorization.provider;
    return provider && str_equal(provider->text_set, STR("u-1.3")) ? "u-1.3" : "je-2.2";
}

/* What every page shows: the provider's house style, the ids, who runs this server. */
static struct value *page_context(struct visit *visit)
{
    struct arena *arena = visit->arena;
    const struct authorization *authorization = &visit->authorization;
    const struct catalog_provider *provider = authorization->provider;
    struct value *context = value_object(arena);
    value_put_bool(arena, context, "is_u", strcmp(text_set(visit), "u-1.3") == 0);
    if (provider != NULL) {
        value_put_text(arena, context, "provider", provider->name);
        value_put_text(arena, context, "provider_name", provider->display_name);
        value_put_bool(arena, context, "has_logo", provider->logo.bytes.length > 0);
        value_put_text(arena, context, "privacy_url", provider->privacy_url);
        value_put_text(arena, context, "announcement", provider->announcement);
    }
    if (authorization->client != NULL)
        value_put_text(arena, context, "client_name", authorization->client->organisation_name);
    if (visit->conf->medmij_logo != NULL)
        value_put_c(arena, context, "medmij_logo", "/logo/medmij");
    value_put_text(arena, context, "trace_id", authorization->trace_id);
    value_put_text(arena, context, "session_id", authorization->session_id);
    value_put_c(arena, context, "dva_name", visit->conf->dva_name);
    value_put_c(arena, context, "dva_phone", visit->conf->dva_phone);
    return context;
}

static void allow_leaving_forms(struct visit *visit)
{
    visit->response->form_targets = visit->conf->is_development ? FORM_TARGETS_DEVELOPMENT : FORM_TARGETS;
}

/* The login buttons, strongest first, so that the person is led to the highest level on offer. Means of one
 * level are treated alike (spec 4.0). */
static struct value *login_buttons(struct visit *visit)
{
    const struct catalog_provider *provider = visit->authorization.provider;
    const struct catalog_identity_provider *sorted[16];
    size_t count = 0;
    for (size_t i = 0; i < provider->identity_provider_count && count < 16; i++) {
        const struct catalog_identity_provider *found =
            catalog_find_identity_provider(visit->catalog, provider->identity_providers[i]);
        if (found == NULL)
            continue;
        size_t at = count++;
        for (; at > 0 && sorted[at - 1]->level < found->level; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = found;
    }
    struct value *buttons = value_list(visit->arena);
    for (size_t i = 0; i < count; i++) {
        struct value *button = value_object(visit->arena);
        value_put_text(visit->arena, button, "id", sorted[i]->id);
        value_put_text(visit->arena, button, "label", sorted[i]->label);
        value_put_text(visit->arena, button, "level_name", sorted[i]->level_name);
        value_put_bool(visit->arena, button, "has_picture", sorted[i]->picture.bytes.length > 0);
        bool is_strongest = sorted[i]->level == sorted[0]->level;
        value_put_bool(visit->arena, button, "is_primary", is_strongest);
        value_put_bool(visit->arena, button, "is_recommended",
                       is_strongest && sorted[0]->level > sorted[count - 1]->level);
        value_append(visit->arena, buttons, button);
    }
    return buttons;
}

void page_landing(struct visit *visit, struct str sealed_request)
{
    struct value *context = page_context(visit);
    value_put_text(visit->arena, context, "request", sealed_request);
    value_put(visit->arena, context, "identity_providers", login_buttons(visit));
    allow_leaving_forms(visit);
    render(visit, 200, "landing", context);
    visit_event(visit, EVENT_SHOW_LANDING_PAGE, NULL);
}

static void put_flow_fields(struct visit *visit, struct value *context, struct str form_token)
{
    value_put_text(visit->arena, context, "flow", visit->flow.id);
    value_put_text(visit->arena, context, "form", form_token);
}

void page_cancelled(struct visit *visit)
{
    struct value *context = page_context(visit);
    put_flow_fields(visit, context, visit_form_token(visit, visit->flow.id));
    value_put(visit->arena, context, "identity_providers", login_buttons(visit));
    allow_leaving_forms(visit);
    render(visit, 200, "cancelled", context);
}

const char *page_consent_text(const struct visit *visit)
{
    const char *name = "consent_collect";
    switch (visit->authorization.function) {
    case FUNCTION_COLLECT:
        break;
    case FUNCTION_SHARE:
        name = "confirm_share";
        break;
    case FUNCTION_SUBSCRIBE:
        name = visit->authorization.is_termination ? "end_subscription" : "consent_subscribe";
        break;
    }
    return arena_printf(visit->arena, "%s/%s", text_set(visit), name);
}

/* "A, B en C": the names of the services in one sentence. */
static struct str list_in_words(struct arena *arena, const struct authorization_service *services,
                                size_t count)
{
    struct buf words = buf_new(arena, NAMES_CAP);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_append_c(&words, i + 1 == count ? " en " : ", ");
        buf_append(&words, services[i].name);
    }
    return buf_str(&words);
}

void page_consent(struct visit *visit, struct str form_token, const struct authorization_service *services,
                  size_t service_count)
{
    const struct authorization *authorization = &visit->authorization;
    struct value *context = page_context(visit);
    put_flow_fields(visit, context, form_token);
    bool is_collect = authorization->function == FUNCTION_COLLECT;
    bool is_subscription = authorization->function == FUNCTION_SUBSCRIBE;
    value_put_bool(visit->arena, context, "is_collect", is_collect);
    value_put_bool(visit->arena, context, "can_be_indefinite", is_collect);
    value_put_bool(visit->arena, context, "is_share", authorization->function == FUNCTION_SHARE);
    value_put_bool(visit->arena, context, "is_subscribe", is_subscription && !authorization->is_termination);
    value_put_bool(visit->arena, context, "is_end_subscription", authorization->is_termination);
    value_put_c(visit->arena, context, "duration",
                arena_printf(visit->arena, "%" PRId64 " %s", authorization->days,
                             authorization->days == 1 ? "dag" : "dagen"));
    struct value *names = value_list(visit->arena);
    for (size_t i = 0; i < service_count; i++) {
        struct value *service = value_object(visit->arena);
        value_put_text(visit->arena, service, "name", services[i].name);
        value_append(visit->arena, names, service);
    }
    value_put(visit->arena, context, "services", names);
    value_put_text(visit->arena, context, "service_names",
                   list_in_words(visit->arena, services, service_count));
    allow_leaving_forms(visit);
    render(visit, 200, "consent", context);
    visit_event(visit, EVENT_SHOW_CONSENT_PAGE, NULL);
}

void page_no_data(struct visit *visit, enum no_data_reason reason)
{
    struct value *context = page_context(visit);
    value_put_bool(visit->arena, context, "is_no_data", reason == NO_DATA_NONE);
    value_put_bool(visit->arena, context, "is_no_relation", reason == NO_DATA_NO_RELATION);
    value_put_bool(visit->arena, context, "is_too_young", reason == NO_DATA_TOO_YOUNG);
    value_put_bool(visit->arena, context, "is_not_admissible", reason == NO_DATA_NOT_ADMISSIBLE);
    value_put_bool(visit->arena, context, "is_represented", reason == NO_DATA_REPRESENTED);
    value_put_c(visit->arena, context, "minimum_age",
                arena_printf(visit->arena, "%" PRId64, visit->conf->minimum_age));
    value_put_c(visit->arena, context, "back_url", visit_back_url(visit, "access_denied"));
    render(visit, 200, "no_data", context);
    visit_event(visit, EVENT_SHOW_NO_DATA_PAGE, NULL);
}

void page_technical(struct visit *visit, int status, const char *error_code)
{
    struct value *context = page_context(visit);
    value_put_c(visit->arena, context, "back_url", visit_back_url(visit, error_code));
    if (status == 503)
        http_response_header(visit->response, "Retry-After", "60");
    render(visit, status, "technical", context);
    visit_event(visit, EVENT_SHOW_TECHNICAL_FAILURE_PAGE, error_code);
}

void page_client_error(struct visit *visit, enum authorization_fault fault)
{
    struct value *context = page_context(visit);
    bool is_named = visit->authorization.client_id.length > 0;
    value_put_bool(visit->arena, context, "is_unknown_client", fault == AUTHORIZATION_CLIENT && is_named);
    value_put_bool(visit->arena, context, "is_bad_redirect_uri", fault == AUTHORIZATION_REDIRECT_URI);
    render(visit, 400, "error_client", context);
    visit_event(visit, EVENT_AUTHORIZATION_REQUEST_ERROR, "invalid_client");
    visit_event(visit, EVENT_SHOW_AUTHORIZATION_REQUEST_ERROR_PAGE, "invalid_client");
}

void page_stale(struct visit *visit, const char *reason)
{
    struct value *context = page_context(visit);
    value_put_bool(visit->arena, context, "is_expired", true);
    log_info("page_stale", LOG_C("reason", reason), LOG_STR("flow", visit->flow.id),
             LOG_STR("trace_id", visit->authorization.trace_id), LOG_C("request", visit->request->id));
    value_put_c(visit->arena, context, "back_url", visit_back_url(visit, "server_error"));
    render(visit, 400, "problem", context);
}

static void show_problem(void *door, const struct http_request *request, struct http_response *response,
                         const char *flag)
{
    struct visit visit = visit_begin(door, request, response);
    struct value *context = page_context(&visit);
    value_put_bool(visit.arena, context, flag, true);
    render(&visit, response->status, "problem", context);
    visit_end(&visit);
}

void page_not_found(void *door, const struct http_request *request, struct http_response *response)
{
    show_problem(door, request, response, response->status == 405 ? "is_method" : "is_not_found");
}

void page_too_large(void *door, const struct http_request *request, struct http_response *response)
{
    show_problem(door, request, response, "is_too_large");
}
