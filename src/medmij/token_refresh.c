/* grant_type=refresh_token (spec 3.8): rotation, reuse, the mandatory availability check. */
#include "medmij/token.h"

#include "base/buf.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/tokenbox.h"
#include "medmij/precheck.h"

static bool names_service(struct str services, struct str id)
{
    struct str one;
    while (str_split_next(&services, ' ', &one))
        if (one.length > 0 && str_equal(one, id))
            return true;
    return false;
}

/* RFC 6749 6: an asked scope may not exceed what was granted, here a list of service ids, since only consent
 * to collect has refresh tokens. Narrows *services, each once however often it is asked; false when it asks
 * for more. */
static bool narrow_scope(struct back_call *call, const struct consent *consent, struct str *services)
{
    struct str asked, granted = consent->services_granted, id;
    switch (form_get(&call->form, "scope", &asked)) {
    case FORM_MISSING:
        return true;
    case FORM_ONE:
        break;
    case FORM_REPEATED:
    case FORM_MALFORMED:
        return false;
    }
    if (asked.length == 0)
        return true;
    struct str rest = asked;
    while (str_split_next(&rest, ' ', &id))
        if (!names_service(granted, id))
            return false;
    struct buf narrowed = buf_new(call->visit.arena, granted.length + 1);
    rest = granted;
    while (str_split_next(&rest, ' ', &id)) {
        if (!names_service(asked, id))
            continue;
        if (narrowed.length > 0)
            buf_append_char(&narrowed, ' ');
        buf_append(&narrowed, id);
    }
    *services = buf_str(&narrowed);
    return true;
}

/* A token that was rotated already: within the window the same answer again, for an answer that was lost on
 * the way; otherwise theft, and the whole family ends (RFC 9700 4.14.2). */
static void answer_rotated(struct back_call *call, struct str token, const struct refresh_lookup *lookup)
{
    struct visit *visit = &call->visit;
    struct str answer;
    if (visit->conf->refresh_window_s > 0 &&
        visit->now - lookup->rotated_at <= visit->conf->refresh_window_s &&
        lookup->sealed_answer.length > 0 &&
        tokenbox_open(visit->arena, token, lookup->sealed_answer, &answer) == OK) {
        token_send(call, answer);
        return;
    }
    log_warning("refresh_token_reused", LOG_STR("client", call->client_id),
                LOG_STR("grant", lookup->grant.id), LOG_STR("consent", lookup->grant.consent.id),
                LOG_STR("trace_id", visit->authorization.trace_id));
    if (grant_revoke(visit->door->store, lookup->grant.id, "refresh token reused", visit->now) == FAILED)
        back_call_unavailable(call, "the store failed while revoking a reused family");
    else
        back_call_refuse(call, "invalid_grant",
                         "the refresh token was rotated before; its family is revoked");
}

static void rotate(struct back_call *call, struct str token, const struct grant *grant, struct str services)
{
    struct visit *visit = &call->visit;
    struct token_pair pair = token_make(call, services, true);
    struct str answer = token_answer(call, &pair, &grant->consent);
    struct str box =
        visit->conf->refresh_window_s > 0 ? tokenbox_seal(visit->arena, token, answer) : STR_NONE;
    switch (
        grant_rotate(visit->door->store, codec_sha256(visit->arena, token), &pair.issue, box, visit->now)) {
    case OK:
        token_send(call, answer);
        return;
    case ABSENT: {
        /* Another call with the same token was first, or the grant just ended: look again and treat it as
         * that. */
        struct refresh_lookup again;
        enum outcome outcome = grant_find_refresh(visit->door->store, codec_sha256(visit->arena, token),
                                                  visit->now, visit->arena, &again);
        if (outcome == FAILED)
            back_call_unavailable(call, "the store failed");
        else if (outcome == OK && again.state == REFRESH_ROTATED)
            answer_rotated(call, token, &again);
        else
            back_call_refuse(call, "invalid_grant", "the refresh token ended meanwhile");
        return;
    }
    case FAILED:
        back_call_unavailable(call, "the store failed");
        return;
    }
}

static void check_and_rotate(struct back_call *call, struct str token, const struct grant *grant)
{
    struct str services = grant->consent.services_granted;
    const struct catalog_provider *provider = token_provider(call, &grant->consent);
    if (provider == NULL) {
        back_call_refuse(call, "invalid_grant", "the provider is not served any more");
        return;
    }
    if (!narrow_scope(call, &grant->consent, &services)) {
        back_call_refuse(call, "invalid_scope", "scope asks for more than was granted");
        return;
    }
    if (!token_narrow_services(call, &grant->consent, &services))
        return;
    switch (check_at_token(&call->visit, provider, &grant->consent, services, true, &services)) {
    case PRECHECK_GO_ON:
        rotate(call, token, grant, services);
        return;
    case PRECHECK_NOTHING:
        back_call_refuse(call, "invalid_grant", "nothing available at this refresh");
        return;
    case PRECHECK_UNKNOWN:
        back_call_unavailable(call, "the availability check gave no answer");
        return;
    }
}

void token_by_refresh(struct back_call *call)
{
    struct str token;
    struct refresh_lookup lookup;
    if (!back_call_require(call, "refresh_token", &token))
        return;
    switch (grant_find_refresh(call->visit.door->store, codec_sha256(call->visit.arena, token),
                               call->visit.now, call->visit.arena, &lookup)) {
    case OK:
        break;
    case ABSENT:
        back_call_refuse(call, "invalid_grant", "the refresh token is unknown");
        return;
    case FAILED:
        back_call_unavailable(call, "the store failed");
        return;
    }
    if (!str_equal(lookup.grant.client_host, call->client_id)) {
        back_call_refuse(call, "invalid_grant", "the refresh token was given to another client");
        return;
    }
    switch (lookup.state) {
    case REFRESH_CURRENT:
        check_and_rotate(call, token, &lookup.grant);
        return;
    case REFRESH_ROTATED:
        answer_rotated(call, token, &lookup);
        return;
    case REFRESH_EXPIRED:
        back_call_refuse(call, "invalid_grant",
                         "the refresh token has expired after half a year without use");
        return;
    case REFRESH_REVOKED:
        back_call_refuse(call, "invalid_grant", "the grant or its consent has ended");
        return;
    }
}
