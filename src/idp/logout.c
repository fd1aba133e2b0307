#include "idp/logout.h"

#include "base/buf.h"
#include "base/clock.h"
#include "idp/discovery.h"
#include "idp/id_token.h"
#include "idp/keys.h"
#include "jose/claims.h"

#define EVENT "http://schemas.openid.net/event/backchannel-logout"
#define URL_BYTES_MAX ((size_t)8192)
#define SKEW_BETWEEN_NODES_S 300

static enum idp_result refuse(struct failure *failure, enum idp_result result, const char *text)
{
    failure_set(failure, "%s", text);
    return result;
}

/* ---- the logout token ---- */

/* Signature and header as an ID token, but for the typ (Back-Channel Logout 2.4). */
static enum idp_result verify(struct str token, const struct jwk_set *keys,
                              const struct idp_connection *connection, json_t **out_claims,
                              struct failure *failure)
{
    return id_token_jws_result(
        id_token_verify(token, keys, connection, "logout+jwt", out_claims, NULL, failure));
}

/* A claim that names something; empty when it is not there. */
static enum idp_result read_name(const json_t *claims, const char *name, struct arena *arena,
                                 struct str *out_text, struct failure *failure)
{
    struct str text;
    *out_text = STR_NONE;
    enum outcome outcome = claim_text(claims, name, &text);
    if (outcome == FAILED || (outcome == OK && text.length == 0)) {
        failure_set(failure, "%s is no text, or an empty one", name);
        return IDP_ID_TOKEN_MALFORMED;
    }
    if (outcome == OK)
        *out_text = str_copy(arena, text);
    return IDP_OK;
}

static enum idp_result read_names(const json_t *claims, struct arena *arena, struct logout_token *token,
                                  struct failure *failure)
{
    enum idp_result result = read_name(claims, "iss", arena, &token->issuer, failure);
    if (result == IDP_OK)
        result = read_name(claims, "jti", arena, &token->jti, failure);
    if (result == IDP_OK && token->jti.length == 0)
        return refuse(failure, IDP_LOGOUT_JTI, "no jti");
    if (result == IDP_OK)
        result = read_name(claims, "sid", arena, &token->sid, failure);
    if (result == IDP_OK)
        result = read_name(claims, "sub", arena, &token->subject, failure);
    if (result != IDP_OK)
        return result;
    if (token->subject.length > 0)
        return id_token_check_subject(claims, failure);
    return token->sid.length > 0 ? IDP_OK : refuse(failure, IDP_LOGOUT_SUBJECT, "neither sub nor sid");
}

static enum idp_result check_claims(const json_t *claims, const struct idp_connection *connection,
                                    int64_t now, struct arena *arena, struct logout_token *token,
                                    struct failure *failure)
{
    int64_t iat;
    enum idp_result result = id_token_check_parties(claims, connection, STR_NONE, failure);
    if (result == IDP_OK)
        result = id_token_check_times(claims, connection, now, false, failure);
    if (result == IDP_OK)
        result = read_names(claims, arena, token, failure);
    if (result != IDP_OK)
        return result;
    if (!json_is_object(json_object_get(json_object_get(claims, "events"), EVENT)))
        return refuse(failure, IDP_LOGOUT_EVENT, "events does not say that this is a logout");
    if (json_object_get(claims, "nonce") != NULL)
        return refuse(failure, IDP_LOGOUT_NONCE, "a nonce, as only ID tokens have");
    if (claim_time(claims, "iat", &iat) != OK)
        return refuse(failure, IDP_ID_TOKEN_CLAIM_MISSING, "no iat");
    token->accepted_until = iat + ID_TOKEN_IAT_AGE_MAX_S + 1 + SKEW_BETWEEN_NODES_S;
    return IDP_OK;
}

enum idp_result logout_token_check(struct str token, const struct jwk_set *keys,
                                   const struct idp_connection *connection, int64_t now, struct arena *arena,
                                   struct logout_token *out_token, struct failure *failure)
{
    json_t *claims = NULL;
    *out_token = (struct logout_token){0};
    enum idp_result result = verify(token, keys, connection, &claims, failure);
    if (result == IDP_OK)
        result = check_claims(claims, connection, now, arena, out_token, failure);
    json_decref(claims);
    if (result != IDP_OK)
        failure_prefix(failure, "logout token");
    return result;
}

static enum idp_result check_with_keys(struct keys *keys, const struct idp_connection *connection,
                                       struct str token, struct arena *arena, struct logout_token *out_token,
                                       struct failure *failure)
{
    int64_t now = clock_now();
    struct failure renewal;
    enum idp_result result =
        logout_token_check(token, keys_current(keys), connection, now, arena, out_token, failure);
    if (result != IDP_ID_TOKEN_KEY || keys_renew(keys, &renewal) != OK)
        return result;
    return logout_token_check(token, keys_current(keys), connection, now, arena, out_token, failure);
}

enum idp_result logout_token_read(const struct idp *idp, const struct idp_connection *connection,
                                  struct str token, struct arena *arena, struct logout_token *out_token,
                                  struct failure *failure)
{
    struct provider provider;
    struct keys keys;
    enum idp_result result = idp_check_connection(idp, connection, failure);
    if (result == IDP_OK)
        result = discovery_resolve(idp_documents(idp), connection, idp_is_http_allowed(idp), arena, &provider,
                                   failure);
    if (result == IDP_OK)
        result = keys_open(idp_documents(idp), connection, &provider, &keys, failure);
    if (result != IDP_OK)
        return result;
    result = check_with_keys(&keys, connection, token, arena, out_token, failure);
    keys_close(&keys);
    return result;
}

/* ---- its rules, for the log ---- */

static const char *const rules[] = {"alg", "key", "signature", "iss", "aud",    "exp",
                                    "iat", "nbf", "jti",       "sub", "events", "nonce"};
static const enum idp_result breaches[] = {
    IDP_ID_TOKEN_ALG, IDP_ID_TOKEN_KEY, IDP_ID_TOKEN_SIGNATURE, IDP_ID_TOKEN_ISS,
    IDP_ID_TOKEN_AUD, IDP_ID_TOKEN_EXP, IDP_ID_TOKEN_IAT,       IDP_ID_TOKEN_NBF,
    IDP_LOGOUT_JTI,   IDP_ID_TOKEN_SUB, IDP_LOGOUT_EVENT,       IDP_LOGOUT_NONCE,
};
#define RULE_COUNT (sizeof rules / sizeof *rules)
_Static_assert(sizeof breaches / sizeof *breaches == RULE_COUNT, "a rule and its breach");

size_t logout_token_rules(const char *const **out_names)
{
    *out_names = rules;
    return RULE_COUNT;
}

size_t logout_token_rules_kept(enum idp_result result)
{
    if (result == IDP_OK)
        return RULE_COUNT;
    /* Told apart from the others of their rule. */
    if (result == IDP_ID_TOKEN_CLAIM_MISSING)
        result = IDP_ID_TOKEN_IAT;
    if (result == IDP_LOGOUT_SUBJECT)
        result = IDP_ID_TOKEN_SUB;
    for (size_t i = 0; i < RULE_COUNT; i++)
        if (breaches[i] == result)
            return i;
    return 0;
}

/* ---- the end of a session at the provider ---- */

static enum outcome build_url(const char *endpoint, const struct idp_connection *connection,
                              const struct end_session *end, struct arena *arena, const char **out_url)
{
    const struct {
        const char *name;
        struct str value;
    } parameters[] = {
        {"client_id", str_from_c(connection->client_id)},
        {"post_logout_redirect_uri", end->post_logout_redirect_uri},
        {"state", end->state},
        {"id_token_hint", end->id_token_hint},
    };
    struct buf url = buf_new(arena, URL_BYTES_MAX);
    buf_append_c(&url, endpoint);
    char separator = strchr(endpoint, '?') != NULL ? '&' : '?';
    for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++) {
        if (parameters[i].value.length == 0)
            continue;
        buf_printf(&url, "%c%s=", separator, parameters[i].name);
        buf_append_url_component(&url, parameters[i].value);
        separator = '&';
    }
    *out_url = buf_c(&url);
    return url.overflowed ? FAILED : OK;
}

enum idp_result logout_end_session_url(const struct idp *idp, const struct idp_connection *connection,
                                       const struct end_session *end, struct arena *arena,
                                       const char **out_url, bool *out_has_hint, struct failure *failure)
{
    struct provider provider;
    struct end_session asked = *end;
    *out_has_hint = end->id_token_hint.length > 0;
    enum idp_result result = idp_check_connection(idp, connection, failure);
    if (result == IDP_OK)
        result = discovery_resolve(idp_documents(idp), connection, idp_is_http_allowed(idp), arena, &provider,
                                   failure);
    if (result != IDP_OK)
        return result;
    if (provider.end_session_endpoint == NULL)
        return refuse(failure, IDP_ENDPOINT_MISSING, "the provider has no end_session_endpoint");
    if (build_url(provider.end_session_endpoint, connection, &asked, arena, out_url) == OK)
        return IDP_OK;
    asked.id_token_hint = STR_NONE;
    *out_has_hint = false;
    return build_url(provider.end_session_endpoint, connection, &asked, arena, out_url) == OK
               ? IDP_OK
               : refuse(failure, IDP_CONNECTION_INVALID, "the end-session address is too long");
}
