#include "sso/provider_limit.h"

#include "base/clock.h"
#include "base/log.h"
#include "sso/provider_answer.h"

#define PER_SESSION 10 /* in a minute, and at once */

static struct rate_limit limit_of(int64_t per_minute)
{
    return (struct rate_limit){per_minute, (per_minute + 2) / 3};
}

static struct rate_failures of_address(const struct provider_caller *caller)
{
    return (struct rate_failures){RATE_FAILED_ADDRESS, caller->attempt->request->peer_address,
                                  limit_of(caller->attempt->conf->failures_per_address)};
}

static struct rate_failures of_session(const struct provider_caller *caller)
{
    return (struct rate_failures){RATE_FAILED_SESSION, caller->session, {PER_SESSION, PER_SESSION}};
}

/* By its whole name: a client_id is of a platform and environment. */
static struct rate_failures of_client(const struct provider_caller *caller)
{
    const struct sso_application *claimed = caller->claimed;
    const char *name = arena_printf(caller->attempt->arena, "%.*s %.*s %.*s", STR_ARG(claimed->platform),
                                    STR_ARG(claimed->environment), STR_ARG(claimed->client_id));
    return (struct rate_failures){RATE_FAILED_CLIENT, str_from_c(name),
                                  limit_of(caller->attempt->conf->failures_per_client)};
}

static struct rate_verdict check(const struct provider_caller *caller, struct rate_failures failures)
{
    return rate_check_failures(caller->attempt->door->rate, &failures, clock_monotonic_ms());
}

static void add(const struct provider_caller *caller, struct rate_failures failures)
{
    rate_add_failure(caller->attempt->door->rate, &failures, clock_monotonic_ms());
}

static const char *scope_of(enum rate_refusal refusal)
{
    switch (refusal) {
    case RATE_FAILED_ADDRESS:
        return "address";
    case RATE_FAILED_CLIENT:
        return "client";
    case RATE_FAILED_SESSION:
        return "session";
    case RATE_ALLOWED:
    case RATE_ADDRESS:
    case RATE_CONNECTION:
    case RATE_LOOP:
        break;
    }
    return "none";
}

static void refuse(const struct provider_caller *caller, const struct rate_verdict *verdict)
{
    struct attempt *attempt = caller->attempt;
    tally_refusal(&attempt->door->tally, TALLY_LIMITED);
    if (verdict->is_logged)
        log_warning("oidc_limited", LOG_INT("code", 106), LOG_C("scope", scope_of(verdict->refusal)),
                    LOG_STR("client", caller->claimed != NULL ? caller->claimed->client_id : STR_NONE),
                    LOG_STR("address", attempt->request->peer_address),
                    LOG_INT("retry_after_s", verdict->retry_after_s), LOG_INT("unlogged", verdict->unlogged),
                    LOG_C("request", attempt->request->id));
    http_response_header(attempt->response, "Retry-After",
                         arena_printf(attempt->arena, "%d", verdict->retry_after_s));
    provider_answer_error(attempt->response, 429, "temporarily_unavailable", "too many calls in vain");
}

bool provider_limit_allows(const struct provider_caller *caller)
{
    bool has_session = caller->session.length > 0;
    struct rate_verdict verdict = check(caller, has_session ? of_session(caller) : of_address(caller));
    if (verdict.refusal == RATE_ALLOWED && !has_session && caller->claimed != NULL)
        verdict = check(caller, of_client(caller));
    if (verdict.refusal != RATE_ALLOWED)
        refuse(caller, &verdict);
    return verdict.refusal == RATE_ALLOWED;
}

void provider_limit_count(const struct provider_caller *caller, bool is_unproven)
{
    add(caller, of_address(caller));
    if (caller->session.length > 0)
        add(caller, of_session(caller));
    if (is_unproven && caller->claimed != NULL)
        add(caller, of_client(caller));
}
