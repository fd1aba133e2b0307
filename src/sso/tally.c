#include "sso/tally.h"

#include "sso/sso_error.h"

#include <inttypes.h>

/* The last is for an attempt that led to no connection. */
static const char *const environments[TALLY_ENVIRONMENTS] = {"production", "acceptance", "none"};

void tally_login(struct tally *tally, const struct exchange_entry *entry)
{
    int environment = 0;
    while (environment < TALLY_ENVIRONMENTS - 1 &&
           !str_equal_c(entry->environment, environments[environment]))
        environment++;
    int64_t code = entry->code >= 0 && entry->code < TALLY_CODES ? entry->code : sso_error_find(-1)->code;
    atomic_fetch_add_explicit(&tally->logins[environment][code], 1, memory_order_relaxed);
}

void tally_refusal(struct tally *tally, enum tally_refusal refusal)
{
    atomic_fetch_add_explicit(&tally->refusals[refusal], 1, memory_order_relaxed);
}

static const char *result_of(int code)
{
    if (code == 0)
        return "succeeded";
    return sso_error_find(code)->is_warning ? "warned" : "refused";
}

static void render_refusals(const struct tally *tally, struct buf *buf)
{
    static const char *const reasons[TALLY_REFUSALS] = {
        [TALLY_INVALID_REQUEST] = "invalid_request",
        [TALLY_INVALID_CLIENT] = "invalid_client",
        [TALLY_GRANT_TYPE] = "unsupported_grant_type",
        [TALLY_INVALID_GRANT] = "invalid_grant",
        [TALLY_CODE_REPLAYED] = "code_replayed",
        [TALLY_INVALID_TOKEN] = "invalid_token",
        [TALLY_LIMITED] = "limited",
        [TALLY_UNAVAILABLE] = "unavailable",
    };
    buf_append_c(buf,
                 "# TYPE sluis_sso_provider_refusals counter\n# HELP sluis_sso_provider_refusals Calls of "
                 "applications at /sso/oidc/token and userinfo that were refused.\n");
    for (int reason = 0; reason < TALLY_REFUSALS; reason++)
        buf_printf(buf, "sluis_sso_provider_refusals_total{reason=\"%s\"} %" PRIu64 "\n", reasons[reason],
                   atomic_load_explicit(&tally->refusals[reason], memory_order_relaxed));
}

void tally_render(const struct tally *tally, struct buf *buf)
{
    buf_append_c(buf,
                 "# TYPE sluis_sso_logins counter\n# HELP sluis_sso_logins Logins at the professional's door "
                 "that ended, by code of the catalogue; 0 is success.\n");
    for (int environment = 0; environment < TALLY_ENVIRONMENTS; environment++)
        for (int code = 0; code < TALLY_CODES; code++) {
            uint64_t count = atomic_load_explicit(&tally->logins[environment][code], memory_order_relaxed);
            if (count > 0)
                buf_printf(
                    buf, "sluis_sso_logins_total{environment=\"%s\",result=\"%s\",code=\"%d\"} %" PRIu64 "\n",
                    environments[environment], result_of(code), code, count);
        }
    render_refusals(tally, buf);
}
