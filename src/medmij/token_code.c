/* grant_type=authorization_code (spec 3.6). */
#include "medmij/token.h"

#include "base/codec.h"
#include "base/log.h"
#include "base/secret.h"
#include "medmij/precheck.h"

/* PKCE (RFC 7636 4.6): a code that was bound to a challenge needs its verifier; a verifier without one is
 * ignored, as any unknown parameter is. */
static bool is_verifier_right(struct back_call *call, const struct grant *grant)
{
    if (grant->code_challenge.length == 0)
        return true;
    struct str verifier;
    return form_get(&call->form, "code_verifier", &verifier) == FORM_ONE && verifier.length >= 43 &&
           verifier.length <= 128 &&
           secret_equal(grant->code_challenge,
                        codec_base64url(call->visit.arena, codec_sha256(call->visit.arena, verifier)));
}

/* What makes a code good for this caller; NULL, or the error with its cause. */
static const char *find_fault(struct back_call *call, const struct grant *grant, struct str redirect_uri,
                              const char **out_cause)
{
    *out_cause = NULL;
    if (!str_equal(grant->client_host, call->client_id))
        *out_cause = "the code was given to another client";
    else if (grant->is_revoked || grant->consent.withdrawn_at != 0)
        *out_cause = "the grant or its consent has ended";
    else if (call->visit.now >= grant->code_expires_at)
        *out_cause = "the code has expired";
    else if (!str_equal(grant->redirect_uri, redirect_uri)) /* core.tknint.205 */
        *out_cause = "redirect_uri differs from the authorization request";
    else if (!is_verifier_right(call, grant))
        *out_cause = "code_verifier does not fit the code_challenge";
    if (*out_cause != NULL)
        return "invalid_grant";
    if (!str_equal_ignoring_case(grant->correlation_id,
                                 call->visit.authorization.session_id)) { /* core.tknint.208 */
        *out_cause = "X-Correlation-ID differs from the authorization request";
        return "invalid_request";
    }
    return NULL;
}

static void issue(struct back_call *call, const struct grant *grant, struct str services)
{
    struct token_pair pair = token_make(call, services, grant->consent.is_indefinite);
    switch (grant_issue(call->visit.door->store, grant->id, &pair.issue, call->visit.now)) {
    case OK:
        token_send(call, token_answer(call, &pair, &grant->consent));
        return;
    case ABSENT:
        back_call_refuse(call, "invalid_grant", "the grant or its consent ended meanwhile");
        return;
    case FAILED:
        back_call_unavailable(call, "the store failed");
        return;
    }
}

static void check_and_issue(struct back_call *call, const struct grant *grant)
{
    const struct catalog_provider *provider = token_provider(call, &grant->consent);
    if (provider == NULL) {
        back_call_refuse(call, "invalid_grant", "the provider is not served any more");
        return;
    }
    struct str services = grant->consent.services_granted;
    if (!token_narrow_services(call, &grant->consent, &services))
        return;
    switch (check_at_token(&call->visit, provider, &grant->consent, services, false, &services)) {
    case PRECHECK_GO_ON:
        issue(call, grant, services);
        return;
    case PRECHECK_NOTHING:
        back_call_refuse(call, "invalid_grant", "nothing available at the token endpoint");
        return;
    case PRECHECK_UNKNOWN:
        back_call_unavailable(call, "the availability check gave no answer");
        return;
    }
}

struct code_offer token_retire_code(struct back_call *call)
{
    struct code_offer offer = {.outcome = ABSENT};
    struct str code;
    if (form_get(&call->form, "code", &code) == FORM_ONE && code.length > 0)
        offer.outcome = grant_offer_code(call->visit.door->store, codec_sha256(call->visit.arena, code),
                                         call->visit.now, call->visit.arena, &offer.grant, &offer.state);
    return offer;
}

void token_by_code(struct back_call *call, const struct code_offer *offer)
{
    struct str code, redirect_uri;
    if (!back_call_require(call, "code", &code) || !back_call_require(call, "redirect_uri", &redirect_uri))
        return;
    if (offer->outcome == FAILED) {
        back_call_unavailable(call, "the store failed");
        return;
    }
    if (offer->outcome == ABSENT) {
        back_call_refuse(call, "invalid_grant", "the code is unknown");
        return;
    }
    if (offer->state == CODE_REUSED) {
        log_warning("authorization_code_reused", LOG_STR("client", call->client_id),
                    LOG_STR("grant", offer->grant.id),
                    LOG_STR("trace_id", call->visit.authorization.trace_id));
        back_call_refuse(call, "invalid_grant", "the code was used before; its tokens are revoked");
        return;
    }
    const char *cause;
    const char *error = find_fault(call, &offer->grant, redirect_uri, &cause);
    if (error != NULL)
        back_call_refuse(call, error, cause);
    else
        check_and_issue(call, &offer->grant);
}
