#include "medmij/precheck.h"

#include "base/buf.h"
#include "base/log.h"

#define SERVICES_CAP 2048

static struct availability_source source_of(const struct visit *visit,
                                            const struct catalog_provider *provider)
{
    struct availability_source source = {
        .mode = AVAILABILITY_ALWAYS,
        .url =
            arena_strndup(visit->arena, provider->availability_url.data, provider->availability_url.length),
        .secret = provider->availability_secret,
        .timeout_ms = provider->availability_timeout_ms,
        .is_http_allowed = visit->conf->is_development,
    };
    /* Import admits the three names only; anything else that got into the store must not count as "always".
     */
    if (availability_mode_from_name(provider->availability, &source.mode) != OK) {
        source.mode = AVAILABILITY_WEBHOOK;
        source.url = "";
    }
    return source;
}

static enum no_data_reason reason_of(enum availability_reason reason)
{
    switch (reason) {
    case REASON_NONE:
    case REASON_NO_DATA:
        break;
    case REASON_NOT_ADMISSIBLE:
        return NO_DATA_NOT_ADMISSIBLE;
    case REASON_NO_RELATION:
        return NO_DATA_NO_RELATION;
    case REASON_TOO_YOUNG:
        return NO_DATA_TOO_YOUNG;
    }
    return NO_DATA_NONE;
}

/* Asks, and keeps the services that are available. Those that are unknown stay too while the person has yet
 * to choose, since the token endpoint asks again; a token is issued for what is surely available only. */
static enum precheck_result ask(struct visit *visit, const struct catalog_provider *provider,
                                const struct availability_question *question, bool are_unknown_kept,
                                struct str *out_services, enum no_data_reason *out_reason)
{
    const struct availability_source source = source_of(visit, provider);
    struct availability_answer answer;
    struct failure failure = {""};
    enum availability_verdict verdict =
        availability_check(visit->door->availability, visit->arena, &source, question, &answer, &failure);
    visit_event(visit, EVENT_CHECK_AVAILABILITY, NULL);
    switch (verdict) {
    case AVAILABILITY_UNKNOWN:
        log_warning("availability_unknown", LOG_STR("provider", provider->name), LOG_C("cause", failure.text),
                    LOG_STR("trace_id", visit->authorization.trace_id));
        return PRECHECK_UNKNOWN;
    case AVAILABILITY_NOT_AVAILABLE:
        *out_reason = reason_of(answer.reason);
        return PRECHECK_NOTHING;
    case AVAILABILITY_AVAILABLE:
        break;
    }
    struct buf kept = buf_new(visit->arena, SERVICES_CAP);
    for (size_t i = 0; i < question->service_count; i++) {
        if (answer.services[i].verdict == AVAILABILITY_NOT_AVAILABLE ||
            (answer.services[i].verdict == AVAILABILITY_UNKNOWN && !are_unknown_kept))
            continue;
        if (kept.length > 0)
            buf_append_char(&kept, ' ');
        buf_append(&kept, question->services[i]);
    }
    *out_services = buf_str(&kept);
    return PRECHECK_GO_ON;
}

enum precheck_result precheck(struct visit *visit, struct str bsn, struct str *out_services,
                              enum no_data_reason *out_reason)
{
    const struct authorization *authorization = &visit->authorization;
    struct str services[SCOPE_SERVICES_MAX];
    struct buf all = buf_new(visit->arena, SERVICES_CAP);
    for (size_t i = 0; i < authorization->service_count; i++) {
        services[i] = authorization->services[i].id;
        if (i > 0)
            buf_append_char(&all, ' ');
        buf_append(&all, services[i]);
    }
    bool is_asked = authorization->function == FUNCTION_SHARE ||
                    (authorization->provider->is_checked_before_consent && !authorization->is_termination);
    if (!is_asked) {
        *out_services = buf_str(&all);
        return PRECHECK_GO_ON;
    }
    const struct availability_question question = {
        .provider = authorization->provider->name,
        .function = authorization->function,
        .bsn = bsn,
        .services = services,
        .service_count = authorization->service_count,
        .minimum_age = visit->conf->minimum_age,
    };
    enum precheck_result result =
        ask(visit, authorization->provider, &question, true, out_services, out_reason);
    if (result == PRECHECK_NOTHING && authorization->function == FUNCTION_SHARE &&
        *out_reason == NO_DATA_NONE)
        *out_reason = NO_DATA_NOT_ADMISSIBLE;
    return result;
}

enum precheck_result check_at_token(struct visit *visit, const struct catalog_provider *provider,
                                    const struct consent *consent, struct str services, bool is_refresh,
                                    struct str *out_services)
{
    enum medmij_function function;
    struct str asked[SCOPE_SERVICES_MAX], rest = services, id;
    size_t count = 0;
    if (medmij_function_from_name(consent->function, &function) != OK)
        return PRECHECK_UNKNOWN;
    /* Share was checked before the confirmation; ending a subscription needs no check (spec 6). */
    bool is_termination = function == FUNCTION_SUBSCRIBE && consent->days == 0;
    if (function == FUNCTION_SHARE || is_termination || (!is_refresh && !provider->is_checked_at_token)) {
        *out_services = services;
        return PRECHECK_GO_ON;
    }
    while (count < SCOPE_SERVICES_MAX && str_split_next(&rest, ' ', &id))
        if (id.length > 0)
            asked[count++] = id;
    const struct availability_question question = {
        .provider = provider->name,
        .function = function,
        .bsn = consent->person,
        .services = asked,
        .service_count = count,
        .minimum_age = visit->conf->minimum_age,
    };
    enum no_data_reason reason;
    return ask(visit, provider, &question, false, out_services, &reason);
}
