#include "sso/provider_token.h"

#include "base/codec.h"
#include "base/log.h"
#include "base/secret.h"
#include "jose/claims.h"
#include "sso/attempt.h"
#include "sso/provider_answer.h"
#include "sso/provider_claims.h"
#include "sso/provider_limit.h"

#define VERIFIER_MIN 43
#define VERIFIER_MAX 128

/* After the code's end. By then its access token is over, and nobody knows any more whether it was used: what
 * an application repeats this late it repeats in vain. */
#define CODE_GONE_S (PROVIDER_TOKEN_LIFETIME_S + REPLAY_KEPT_S)

struct token_call {
    struct attempt *attempt;
    struct form form;
    struct provider_caller caller;
    const struct sso_application *application;
    struct str client_id; /* for the log */
    struct str code, redirect_uri, code_verifier;
    bool is_code_ours;
    struct provider_grant grant; /* of the code, when it is ours */
    struct one_time_code opened;
};

static void refuse(const struct token_call *call, enum tally_refusal reason, const char *description)
{
    static const struct {
        int status;
        const char *error;
    } answers[TALLY_REFUSALS] = {
        [TALLY_INVALID_REQUEST] = {400, "invalid_request"},
        [TALLY_INVALID_CLIENT] = {401, "invalid_client"},
        [TALLY_INVALID_GRANT] = {400, "invalid_grant"},
        [TALLY_GRANT_TYPE] = {400, "unsupported_grant_type"},
        [TALLY_CODE_REPLAYED] = {400, "invalid_grant"},
        [TALLY_UNAVAILABLE] = {503, "temporarily_unavailable"},
    };
    tally_refusal(&call->attempt->door->tally, reason);
    log_warning("oidc_token_refused", LOG_STR("client", call->client_id),
                LOG_C("error", answers[reason].error), LOG_C("cause", description),
                LOG_C("request", call->attempt->request->id));
    provider_answer_error(call->attempt->response, answers[reason].status, answers[reason].error,
                          description);
}

/* What an application that works does not do: it counts. */
static void refuse_in_vain(const struct token_call *call, enum tally_refusal reason, const char *description)
{
    provider_limit_count(&call->caller, reason == TALLY_INVALID_CLIENT);
    refuse(call, reason, description);
}

/* ---- who calls, and for what ---- */

static void open_code(struct token_call *call)
{
    struct attempt *attempt = call->attempt;
    struct str code;
    call->is_code_ours =
        form_get(&call->form, "code", &code) == FORM_ONE &&
        provider_code_open(attempt->door, attempt->arena, code, &call->grant, &call->opened) == OK;
}

/* After authentication, which tells who the caller says to be, and before anybody hears of its outcome. */
static bool is_within_limits(struct token_call *call)
{
    struct attempt *attempt = call->attempt;
    const struct sso_application *claimed =
        provider_find_application(directory_data(attempt->snapshot), attempt->host, call->client_id);
    bool is_code_good = claimed != NULL && call->is_code_ours &&
                        str_equal(call->grant.client_id, claimed->client_id) &&
                        attempt->now < call->opened.expires_at;
    call->caller.claimed = claimed;
    if (is_code_good)
        call->caller.session = call->grant.session;
    return provider_limit_allows(&call->caller);
}

static bool is_proven(const struct token_call *call, enum provider_client_result result)
{
    switch (result) {
    case PROVIDER_CLIENT_OK:
        return true;
    case PROVIDER_CLIENT_INVALID_REQUEST:
        refuse_in_vain(call, TALLY_INVALID_REQUEST,
                       "the client authenticates in two ways, or repeats a parameter");
        return false;
    case PROVIDER_CLIENT_INVALID:
        break;
    }
    http_response_header(call->attempt->response, "WWW-Authenticate", "Basic realm=\"sluis\"");
    refuse_in_vain(call, TALLY_INVALID_CLIENT, "the client is unknown, or its authentication failed");
    return false;
}

static bool read_parameters(struct token_call *call)
{
    const struct {
        const char *name;
        struct str *value;
    } needed[] = {{"code", &call->code},
                  {"redirect_uri", &call->redirect_uri},
                  {"code_verifier", &call->code_verifier}};
    struct str grant_type;
    if (form_get(&call->form, "grant_type", &grant_type) != FORM_ONE) {
        refuse_in_vain(call, TALLY_INVALID_REQUEST, "grant_type is missing or repeated");
        return false;
    }
    if (!str_equal_c(grant_type, "authorization_code")) {
        refuse_in_vain(call, TALLY_GRANT_TYPE, "only authorization_code is supported");
        return false;
    }
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (form_get(&call->form, needed[i].name, needed[i].value) != FORM_ONE) {
            refuse_in_vain(call, TALLY_INVALID_REQUEST,
                           arena_printf(call->attempt->arena, "%s is missing or repeated", needed[i].name));
            return false;
        }
    return true;
}

/* ---- the code ---- */

static bool is_verified(struct arena *arena, struct str verifier, struct str challenge)
{
    return verifier.length >= VERIFIER_MIN && verifier.length <= VERIFIER_MAX &&
           secret_equal(challenge, codec_base64url(arena, codec_sha256(arena, verifier)));
}

/* NULL, or why the code is not for this caller. */
static const char *check_grant(const struct token_call *call, const struct provider_grant *grant)
{
    if (!str_equal(grant->client_id, call->application->client_id))
        return "the code was issued to another client";
    if (!str_equal(grant->redirect_uri, call->redirect_uri))
        return "redirect_uri is not the one of the authorization request";
    if (!is_verified(call->attempt->arena, call->code_verifier, grant->code_challenge))
        return "code_verifier does not fit the challenge";
    return NULL;
}

static bool find_session(const struct token_call *call, const struct provider_grant *grant,
                         struct provider_session *out_session)
{
    struct attempt *attempt = call->attempt;
    switch (provider_session_find(attempt->door, attempt->arena, directory_data(attempt->snapshot),
                                  attempt->host, grant, attempt->now, out_session)) {
    case OK:
        return true;
    case ABSENT:
        refuse(call, TALLY_INVALID_GRANT, "the session is over");
        return false;
    case FAILED:
        break;
    }
    refuse(call, TALLY_UNAVAILABLE, "the store failed");
    return false;
}

/* An operator must hear of it: a code that is offered twice by who has everything else was stolen together
 * with it, or the application repeats its call. */
static void tell_replay(const struct token_call *call, const struct session *session)
{
    log_warning("oidc_code_replayed", LOG_STR("client", call->client_id), LOG_STR("user", session->user_id),
                LOG_STR("login", session->log_reference),
                LOG_STR("address", call->attempt->request->peer_address),
                LOG_C("request", call->attempt->request->id));
}

static bool use_code(const struct token_call *call, const struct one_time_code *code,
                     const struct session *session)
{
    switch (provider_code_use(call->attempt->door, code, call->attempt->now)) {
    case PROVIDER_CODE_GOOD:
        return true;
    case PROVIDER_CODE_EXPIRED:
        refuse(call, TALLY_INVALID_GRANT, "the code has expired");
        return false;
    case PROVIDER_CODE_REPLAYED:
        tell_replay(call, session);
        refuse(call, TALLY_CODE_REPLAYED, "the code was used before; its access token is taken back");
        return false;
    case PROVIDER_CODE_UNKNOWN:
        break;
    }
    refuse(call, TALLY_UNAVAILABLE, "the store failed");
    return false;
}

static const char *scope_of(const struct provider_grant *grant)
{
    if (grant->has_profile)
        return grant->has_email ? "openid profile email" : "openid profile";
    return grant->has_email ? "openid email" : "openid";
}

/* The tokens are made before the code is used up, so that a fault in between leaves a code to try again. */
static void redeem(struct token_call *call)
{
    struct attempt *attempt = call->attempt;
    const struct provider_grant *grant = &call->grant;
    struct provider_session session;
    const char *cause = call->is_code_ours ? check_grant(call, grant) : "the code is not one of ours";
    if (cause == NULL && attempt->now - call->opened.expires_at >= CODE_GONE_S)
        cause = "the code expired long ago";
    if (cause != NULL) {
        refuse_in_vain(call, TALLY_INVALID_GRANT, cause);
        return;
    }
    if (!find_session(call, grant, &session))
        return;
    struct str id_token,
        access_token = provider_token_make(attempt->door, attempt->arena, grant, &call->opened, attempt->now);
    if (provider_id_token(attempt->door, attempt->arena, provider_issuer(attempt->arena, attempt->host),
                          grant, &session, access_token, attempt->now, &id_token) != OK) {
        refuse(call, TALLY_UNAVAILABLE, "the ID token could not be made");
        return;
    }
    if (!use_code(call, &call->opened, &session.session))
        return;
    log_info("oidc_tokens_issued", LOG_STR("client", call->client_id),
             LOG_STR("user", session.session.user_id), LOG_STR("login", session.session.log_reference),
             LOG_C("request", attempt->request->id));
    provider_answer_json(attempt->response, 200,
                         json_pack("{s:o, s:s, s:i, s:o, s:s}", "access_token", json_text(access_token),
                                   "token_type", "Bearer", "expires_in", PROVIDER_TOKEN_LIFETIME_S,
                                   "id_token", json_text(id_token), "scope", scope_of(grant)));
}

static void run(struct token_call *call)
{
    struct attempt *attempt = call->attempt;
    bool is_form = http_request_has_content_type(attempt->request, "application/x-www-form-urlencoded") &&
                   form_parse(attempt->arena, attempt->request->body, &call->form) == OK;
    if (!is_form)
        call->form = (struct form){0};
    open_code(call);
    enum provider_client_result result =
        provider_authenticate(attempt->request, &call->form, directory_data(attempt->snapshot), attempt->host,
                              &call->application, &call->client_id);
    if (!is_within_limits(call))
        return;
    if (!is_form)
        refuse_in_vain(call, TALLY_INVALID_REQUEST, "the body is not a form, or has too many parameters");
    else if (is_proven(call, result) && read_parameters(call))
        redeem(call);
}

void provider_token_handle(void *door, const struct http_request *request, struct http_response *response)
{
    struct attempt attempt = attempt_begin(door, request, response);
    struct token_call call = {.attempt = &attempt, .caller = {.attempt = &attempt}};
    if (attempt.host == NULL)
        refuse(&call, TALLY_INVALID_REQUEST, "the host is not in the host table");
    else
        run(&call);
    attempt_end(&attempt);
}
