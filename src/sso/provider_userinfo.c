#include "sso/provider_userinfo.h"

#include "base/log.h"
#include "sso/attempt.h"
#include "sso/provider_answer.h"
#include "sso/provider_claims.h"
#include "sso/provider_limit.h"
#include "sso/session_facts.h"

/* RFC 6750 3: without a token the answer says no more than how to come. */
static void refuse(struct attempt *attempt, bool has_token, const char *cause)
{
    tally_refusal(&attempt->door->tally, TALLY_INVALID_TOKEN);
    log_info("oidc_userinfo_refused", LOG_C("cause", cause), LOG_C("request", attempt->request->id));
    http_response_header(attempt->response, "WWW-Authenticate",
                         has_token ? "Bearer realm=\"sluis\", error=\"invalid_token\""
                                   : "Bearer realm=\"sluis\"");
    provider_answer_error(attempt->response, 401, "invalid_token", cause);
}

static void refuse_for_now(struct attempt *attempt)
{
    tally_refusal(&attempt->door->tally, TALLY_UNAVAILABLE);
    provider_answer_error(attempt->response, 503, "temporarily_unavailable", "the store failed");
}

/* Only a token that we did not make counts: one that has expired is nobody's guess. */
static void refuse_in_vain(struct attempt *attempt)
{
    const struct provider_caller caller = {.attempt = attempt};
    if (!provider_limit_allows(&caller))
        return;
    provider_limit_count(&caller, false);
    refuse(attempt, true, "the token is not one of ours");
}

static bool bearer(const struct http_request *request, struct str *out_token)
{
    struct str header;
    if (http_request_header(request, "Authorization", &header) != FORM_ONE)
        return false;
    struct str scheme = str_slice(header, 0, str_find(header, ' '));
    *out_token = str_trim(str_slice(header, scheme.length, header.length));
    return str_equal_ignoring_case(scheme, STR("Bearer")) && out_token->length > 0;
}

static void answer(struct attempt *attempt, const struct provider_grant *grant,
                   const struct provider_session *session)
{
    json_t *claims;
    if (provider_claims(attempt->door, attempt->arena, grant, session, &claims) != OK) {
        refuse_for_now(attempt);
        return;
    }
    session_facts_add_patient(attempt->door, attempt->arena, directory_data(attempt->snapshot),
                              &session->session, "landing", claims);
    log_info("oidc_userinfo", LOG_STR("client", grant->client_id), LOG_STR("user", session->session.user_id),
             LOG_C("request", attempt->request->id));
    provider_answer_json(attempt->response, 200, claims);
}

/* False when the attempt has been answered. */
static bool is_token_kept(struct attempt *attempt, const struct provider_grant *grant)
{
    switch (provider_token_check(attempt->door, grant)) {
    case OK:
        return true;
    case ABSENT:
        refuse(attempt, true, "the token was taken back: its code was offered twice");
        return false;
    case FAILED:
        break;
    }
    refuse_for_now(attempt);
    return false;
}

static void run(struct attempt *attempt)
{
    struct str token;
    struct provider_grant grant;
    struct provider_session session;
    int64_t expires_at;
    if (!bearer(attempt->request, &token)) {
        refuse(attempt, false, "no bearer token in the Authorization header");
        return;
    }
    if (attempt->host == NULL ||
        provider_token_open(attempt->door, attempt->arena, token, &grant, &expires_at) != OK) {
        refuse_in_vain(attempt);
        return;
    }
    if (attempt->now >= expires_at) {
        refuse(attempt, true, "the token has expired");
        return;
    }
    if (!is_token_kept(attempt, &grant))
        return;
    switch (provider_session_find(attempt->door, attempt->arena, directory_data(attempt->snapshot),
                                  attempt->host, &grant, attempt->now, &session)) {
    case OK:
        if (attempt->request->method == HTTP_HEAD) /* nobody learns who the patient is (VIEW-9) */
            http_response_text(attempt->response, 200, "");
        else
            answer(attempt, &grant, &session);
        return;
    case ABSENT:
        refuse(attempt, true, "the session is over");
        return;
    case FAILED:
        refuse_for_now(attempt);
        return;
    }
}

void provider_userinfo_handle(void *door, const struct http_request *request, struct http_response *response)
{
    struct attempt attempt = attempt_begin(door, request, response);
    run(&attempt);
    attempt_end(&attempt);
}
