#include "medmij/consent_page.h"

#include "base/buf.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/rand.h"
#include "medmij/login.h"
#include "medmij/pages.h"
#include "medmij/redirect_uri.h"
#include "store/consent.h"

#include <inttypes.h>

#define NAMES_CAP 4096
#define SHOWN_CAP 32768

/* The services that the early check left (flow.outcome), with their names of now. */
static size_t services_on_offer(const struct visit *visit, struct authorization_service *out_services)
{
    const struct authorization *authorization = &visit->authorization;
    size_t count = 0;
    struct str rest = visit->flow.outcome, id;
    while (str_split_next(&rest, ' ', &id))
        for (size_t i = 0; i < authorization->service_count; i++)
            if (str_equal(authorization->services[i].id, id) && count < SCOPE_SERVICES_MAX)
                out_services[count++] = authorization->services[i];
    return count;
}

struct str consent_page_token(const struct visit *visit)
{
    const struct authorization *authorization = &visit->authorization;
    struct authorization_service services[SCOPE_SERVICES_MAX];
    size_t count = services_on_offer(visit, services);
    const char *text = page_consent_text(visit), *text_hash;
    if (template_hash(visit->door->templates, text, &text_hash) != OK)
        text_hash = ""; /* register_choice minds its absence */
    struct buf shown = buf_new(visit->arena, SHOWN_CAP);
    const struct str parts[] = {visit->flow.id, authorization->provider->display_name,
                                authorization->client->organisation_name, str_from_c(text),
                                str_from_c(text_hash)};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        buf_append_json_string(&shown, parts[i]); /* in quotes, so that no part can run into the next */
    for (size_t i = 0; i < count; i++) {
        buf_append_json_string(&shown, services[i].id);
        buf_append_json_string(&shown, services[i].name);
    }
    buf_printf(&shown, "%" PRId64, authorization->days);
    return codec_base64url(
        visit->arena, vault_lookup_hash(visit->door->vault, visit->arena, "form.choice", buf_str(&shown)));
}

void consent_page_handle_show(void *door, const struct http_request *request, struct http_response *response)
{
    struct visit visit = visit_begin(door, request, response);
    if (login_find_flow(&visit, FLOW_CHOICE)) {
        struct authorization_service services[SCOPE_SERVICES_MAX];
        size_t count = services_on_offer(&visit, services);
        if (count == 0) /* every service was struck off the lists since the login */
            page_technical(&visit, 503, "server_error");
        else if (!str_equal(visit.flow.form_digest, codec_sha256(visit.arena, consent_page_token(&visit))))
            page_stale(&visit, STALE_CHANGED);
        else
            page_consent(&visit, consent_page_token(&visit), services, count);
    }
    visit_end(&visit);
}

static struct str join(struct visit *visit, const struct authorization_service *services, size_t count,
                       bool are_names, char separator)
{
    struct buf joined = buf_new(visit->arena, NAMES_CAP);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_append_char(&joined, separator);
        buf_append(&joined, are_names ? services[i].name : services[i].id);
    }
    return buf_str(&joined);
}

enum choice { CHOICE_GIVE, CHOICE_REFUSE, CHOICE_NONE };

static enum choice read_choice(const struct form *form)
{
    struct str choice;
    if (form_get(form, "choice", &choice) != FORM_ONE)
        return CHOICE_NONE;
    if (str_equal(choice, STR("give")))
        return CHOICE_GIVE;
    return str_equal(choice, STR("refuse")) ? CHOICE_REFUSE : CHOICE_NONE;
}

/* The statement as the register keeps it: what was shown, what was chosen, on what ground (spec 8.3). */
static struct consent state_of(struct visit *visit, const struct form *form, bool is_given,
                               const char *text_hash)
{
    const struct authorization *authorization = &visit->authorization;
    struct authorization_service services[SCOPE_SERVICES_MAX];
    size_t count = services_on_offer(visit, services);
    struct str shown = join(visit, services, count, false, ' '), indefinite;
    return (struct consent){
        .id = str_from_c(rand_uuid7_in(visit->arena)),
        .person = visit->flow.identity,
        .provider = authorization->provider->name,
        .provider_name = authorization->provider->display_name,
        .client_host = authorization->client_id,
        .client_name = authorization->client->organisation_name,
        .function = str_from_c(medmij_function_name(authorization->function)),
        .services_shown = shown,
        .service_names = join(visit, services, count, true, '\n'),
        .services_granted = is_given ? shown : STR(""),
        .days = authorization->days,
        .text_version = str_from_c(page_consent_text(visit)),
        .text_hash = str_from_c(text_hash),
        .is_given = is_given,
        /* Only consent to collect can be long-lived, and only by an active choice (spec 2.2, 4.3). */
        .is_indefinite = is_given && authorization->function == FUNCTION_COLLECT &&
                         form_get(form, "indefinite", &indefinite) == FORM_ONE &&
                         str_equal(indefinite, STR("yes")),
        .login_level = visit->flow.acr,
        .identity_provider = visit->flow.connection,
        .stated_at = visit->now,
        .trace_id = authorization->trace_id,
        .session_id = authorization->session_id,
    };
}

/* Register first, then tell: the code leaves only after the statement is durable. */
static void register_choice(struct visit *visit, const struct form *form, bool is_given)
{
    const char *text_hash;
    if (template_hash(visit->door->templates, page_consent_text(visit), &text_hash) != OK) {
        log_error("consent_text_missing", LOG_C("text", page_consent_text(visit)));
        page_technical(visit, 500, "server_error");
        return;
    }
    struct consent consent = state_of(visit, form, is_given, text_hash);
    if (consent.services_shown.length == 0) {
        page_technical(visit, 503, "server_error");
        return;
    }
    struct str code = rand_token(visit->arena), token = consent_page_token(visit);
    struct consent_code grant = {
        .grant_id = str_from_c(rand_uuid7_in(visit->arena)),
        .code_digest = codec_sha256(visit->arena, code),
        .redirect_uri = visit->authorization.redirect_uri,
        .correlation_id = visit->authorization.session_id,
        .code_challenge = visit->authorization.code_challenge,
        .expires_at = visit->now + visit->conf->code_lifetime_s,
    };
    switch (consent_state(visit->door->store, visit->flow.id, codec_sha256(visit->arena, token), visit->now,
                          &consent, is_given ? &grant : NULL)) {
    case OK:
        break;
    case ABSENT:
        page_stale(visit, STALE_USED);
        return;
    case FAILED:
        page_technical(visit, 503, "server_error");
        return;
    }
    if (!is_given) {
        http_response_redirect(visit->response, visit_back_url(visit, "access_denied"));
        visit_event(visit, EVENT_RECEIVE_REFUSAL, NULL);
        visit_event(visit, EVENT_SEND_AUTHORIZATION_RESPONSE, "access_denied");
        return;
    }
    const char *const names[] = {"code", "state"};
    const struct str values[] = {code, visit->authorization.state};
    http_response_redirect(
        visit->response,
        redirect_uri_append(visit->arena, visit->authorization.redirect_uri, names, values, 2));
    visit_event(visit, EVENT_RECEIVE_CONSENT, NULL);
    visit_event(visit, EVENT_SEND_AUTHORIZATION_RESPONSE, NULL);
}

void consent_page_handle_choice(void *door, const struct http_request *request,
                                struct http_response *response)
{
    struct visit visit = visit_begin(door, request, response);
    struct form form;
    if (login_find_form_flow(&visit, FLOW_CHOICE, &form)) {
        enum choice choice = read_choice(&form);
        if (choice == CHOICE_NONE) /* a form that was tampered with; the page itself offers two buttons */
            http_response_redirect(response, arena_printf(visit.arena, "%s/oauth/consent?flow=%.*s",
                                                          visit.conf->base_url, STR_ARG(visit.flow.id)));
        else
            register_choice(&visit, &form, choice == CHOICE_GIVE);
    }
    visit_end(&visit);
}
