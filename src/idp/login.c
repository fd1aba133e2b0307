#include "idp/login.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/rand.h"
#include "idp/discovery.h"
#include "idp/id_token.h"
#include "idp/keys.h"
#include "idp/token.h"
#include "idp/userinfo.h"

#include <stdlib.h>

#define URL_BYTES_MAX ((size_t)8192)
#define CALLBACK_BYTES_MAX ((size_t)16384) /* RSP-2 */
#define CODE_BYTES_MAX ((size_t)8192)
#define ERROR_CODE_MAX 64
#define DEFAULT_SCOPE "openid profile email" /* REQ-10 */

struct idp {
    bool is_http_allowed;
    struct document_cache *documents;
};

static enum idp_result refuse(struct failure *failure, enum idp_result result, const char *text)
{
    failure_set(failure, "%s", text);
    return result;
}

enum outcome idp_new(const struct idp_settings *settings, struct idp **out_idp)
{
    struct idp *idp = calloc(1, sizeof *idp);
    if (idp == NULL)
        return FAILED;
    idp->is_http_allowed = settings->is_http_allowed;
    if (document_cache_new(idp->is_http_allowed, &idp->documents) != OK) {
        free(idp);
        return FAILED;
    }
    *out_idp = idp;
    return OK;
}

void idp_free(struct idp **idp)
{
    if (*idp == NULL)
        return;
    document_cache_free(&(*idp)->documents);
    free(*idp);
    *idp = NULL;
}

const char *idp_result_name(enum idp_result result)
{
    switch (result) {
    case IDP_OK:
        return "ok";
    case IDP_CANCELLED:
        return "cancelled";
    case IDP_UNREACHABLE:
        return "unreachable";
    case IDP_METADATA_INVALID:
        return "metadata_invalid";
    case IDP_ISSUER_DIFFERS:
        return "issuer_differs";
    case IDP_ENDPOINT_MISSING:
        return "endpoint_missing";
    case IDP_KEYS_UNREACHABLE:
        return "keys_unreachable";
    case IDP_KEYS_UNUSABLE:
        return "keys_unusable";
    case IDP_CONNECTION_INVALID:
        return "connection_invalid";
    case IDP_RESPONSE_INVALID:
        return "response_invalid";
    case IDP_RESPONSE_ISSUER_MISSING:
        return "response_issuer_missing";
    case IDP_RESPONSE_ISSUER:
        return "response_issuer";
    case IDP_ERROR_RESPONSE:
        return "error_response";
    case IDP_TEMPORARILY_UNAVAILABLE:
        return "temporarily_unavailable";
    case IDP_TOKEN_UNREACHABLE:
        return "token_unreachable";
    case IDP_TOKEN_REFUSED:
        return "token_refused";
    case IDP_TOKEN_INVALID:
        return "token_invalid";
    case IDP_TOKEN_ID_TOKEN_MISSING:
        return "token_id_token_missing";
    case IDP_TOKEN_TYPE:
        return "token_type";
    case IDP_ID_TOKEN_MALFORMED:
        return "id_token_malformed";
    case IDP_ID_TOKEN_CLAIM_MISSING:
        return "id_token_claim_missing";
    case IDP_ID_TOKEN_ENCRYPTED:
        return "id_token_encrypted";
    case IDP_ID_TOKEN_ALG:
        return "id_token_alg";
    case IDP_ID_TOKEN_KEY:
        return "id_token_key";
    case IDP_ID_TOKEN_SIGNATURE:
        return "id_token_signature";
    case IDP_ID_TOKEN_ISS:
        return "id_token_iss";
    case IDP_ID_TOKEN_AUD:
        return "id_token_aud";
    case IDP_ID_TOKEN_AZP:
        return "id_token_azp";
    case IDP_ID_TOKEN_EXP:
        return "id_token_exp";
    case IDP_ID_TOKEN_IAT:
        return "id_token_iat";
    case IDP_ID_TOKEN_NBF:
        return "id_token_nbf";
    case IDP_ID_TOKEN_NONCE:
        return "id_token_nonce";
    case IDP_ID_TOKEN_AT_HASH:
        return "id_token_at_hash";
    case IDP_ID_TOKEN_SUB:
        return "id_token_sub";
    case IDP_ID_TOKEN_ACR:
        return "id_token_acr";
    case IDP_ID_TOKEN_AUTH_TIME:
        return "id_token_auth_time";
    case IDP_USERINFO_UNREACHABLE:
        return "userinfo_unreachable";
    case IDP_USERINFO_REFUSED:
        return "userinfo_refused";
    case IDP_USERINFO_INVALID:
        return "userinfo_invalid";
    case IDP_USERINFO_SUB:
        return "userinfo_sub";
    case IDP_LOGOUT_JTI:
        return "logout_jti";
    case IDP_LOGOUT_SUBJECT:
        return "logout_subject";
    case IDP_LOGOUT_EVENT:
        return "logout_event";
    case IDP_LOGOUT_NONCE:
        return "logout_nonce";
    }
    return "unknown";
}

struct document_cache *idp_documents(const struct idp *idp)
{
    return idp->documents;
}

bool idp_is_http_allowed(const struct idp *idp)
{
    return idp->is_http_allowed;
}

/* The rest is checked where it is used. */
enum idp_result idp_check_connection(const struct idp *idp, const struct idp_connection *connection,
                                     struct failure *failure)
{
    if (connection->issuer == NULL || !discovery_is_url_safe(connection->issuer, idp->is_http_allowed) ||
        strchr(connection->issuer, '?') != NULL)
        return refuse(failure, IDP_CONNECTION_INVALID, "the issuer is no https URL without query");
    struct str client_id = str_from_c(connection->client_id);
    if (client_id.length == 0 || !str_is_printable_utf8(client_id))
        return refuse(failure, IDP_CONNECTION_INVALID, "no client id");
    switch (connection->client_auth) {
    case IDP_AUTH_BASIC:
    case IDP_AUTH_BASIC_RAW:
    case IDP_AUTH_POST:
        if (connection->client_secret.length == 0)
            return refuse(failure, IDP_CONNECTION_INVALID, "no client secret");
        break;
    case IDP_AUTH_AUTO:
    case IDP_AUTH_NONE:
        break;
    }
    return IDP_OK;
}

/* REQ-9: parameters that this client decides about, whether or not it sends them this time. */
static bool is_own_parameter(struct str name)
{
    static const char *const names[] = {
        "response_type", "response_mode",
        "client_id",     "redirect_uri",
        "scope",         "state",
        "nonce",         "code_challenge",
        "prompt",        "max_age",
        "acr_values",    "ui_locales",
        "request",       "request_uri",
        "registration",  "code_challenge_method",
        "client_secret", "client_assertion",
        "code_verifier", "client_assertion_type",
        "dpop_jkt",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_equal_c(name, names[i]))
            return true;
    return false;
}

static enum idp_result extra_check(const struct form_field *extra, size_t count, struct failure *failure)
{
    for (size_t i = 0; i < count; i++) {
        if (extra[i].is_malformed || extra[i].name.length == 0 || is_own_parameter(extra[i].name))
            return refuse(failure, IDP_CONNECTION_INVALID, "an extra parameter is not allowed");
        for (size_t j = 0; j < i; j++)
            if (str_equal(extra[i].name, extra[j].name))
                return refuse(failure, IDP_CONNECTION_INVALID, "an extra parameter is given twice");
    }
    return IDP_OK;
}

/* RFC 6749 3.1: a query in the endpoint is kept, but it may not contradict what we send. */
static enum idp_result endpoint_query_check(const char *endpoint, struct arena *arena,
                                            struct failure *failure)
{
    const char *query = strchr(endpoint, '?');
    struct form form = {0};
    if (query != NULL && form_parse(arena, str_from_c(query + 1), &form) != OK)
        return refuse(failure, IDP_ENDPOINT_MISSING, "the authorization endpoint has an odd query");
    for (size_t i = 0; i < form.count; i++)
        if (is_own_parameter(form.fields[i].name))
            return refuse(failure, IDP_ENDPOINT_MISSING,
                          "the authorization endpoint sets a parameter of ours");
    return IDP_OK;
}

static void append_parameter(struct buf *url, const char *name, struct str value)
{
    buf_append_char(url, '&');
    buf_append_c(url, name);
    buf_append_char(url, '=');
    buf_append_url_component(url, value);
}

/* REQ-10 */
static struct str scope_with_openid(struct arena *arena, const char *configured)
{
    struct str scope = str_from_c(configured ? configured : DEFAULT_SCOPE), rest = scope, part;
    while (str_split_next(&rest, ' ', &part))
        if (str_equal_c(part, "openid"))
            return scope;
    if (scope.length == 0)
        return STR("openid");
    return str_from_c(arena_printf(arena, "openid %.*s", STR_ARG(scope)));
}

static void append_options(struct buf *url, const struct idp_connection *connection)
{
    append_parameter(url, "ui_locales", STR("nl"));
    if (connection->response_mode == IDP_RESPONSE_FORM_POST)
        append_parameter(url, "response_mode", STR("form_post"));
    if (connection->acr_values != NULL && *connection->acr_values != '\0')
        append_parameter(url, "acr_values", str_from_c(connection->acr_values));
    if (connection->prompt != NULL)
        append_parameter(url, "prompt", str_from_c(connection->prompt));
    if (connection->max_age_s >= 0)
        buf_printf(url, "&max_age=%lld", (long long)connection->max_age_s);
}

static enum idp_result build_url(const struct idp_connection *connection, const struct provider *provider,
                                 const struct idp_attempt *attempt, const struct form_field *extra,
                                 size_t extra_count, struct arena *arena, const char **out_url,
                                 struct failure *failure)
{
    struct buf url = buf_new(arena, URL_BYTES_MAX);
    buf_append_c(&url, provider->authorization_endpoint);
    buf_append_c(&url, strchr(provider->authorization_endpoint, '?') != NULL ? "&" : "?");
    buf_append_c(&url, "response_type=code");
    append_parameter(&url, "client_id", str_from_c(connection->client_id));
    append_parameter(&url, "redirect_uri", attempt->redirect_uri);
    append_parameter(&url, "scope", scope_with_openid(arena, connection->scope));
    append_parameter(&url, "state", attempt->state);
    append_parameter(&url, "nonce", attempt->nonce);
    append_parameter(&url, "code_challenge",
                     codec_base64url(arena, codec_sha256(arena, attempt->code_verifier)));
    append_parameter(&url, "code_challenge_method", STR("S256")); /* REQ-4 */
    append_options(&url, connection);
    for (size_t i = 0; i < extra_count; i++) {
        buf_append_char(&url, '&');
        buf_append_url_component(&url, extra[i].name);
        buf_append_char(&url, '=');
        buf_append_url_component(&url, extra[i].value);
    }
    if (url.overflowed) /* never cut off: half a parameter is another request */
        return refuse(failure, IDP_CONNECTION_INVALID, "the authentication request is too long");
    *out_url = buf_c(&url);
    return IDP_OK;
}

enum idp_result idp_start(struct idp *idp, const struct idp_connection *connection, const char *redirect_uri,
                          const struct form_field *extra, size_t extra_count, struct arena *arena,
                          struct idp_attempt *out_attempt, const char **out_url, struct failure *failure)
{
    struct provider provider;
    enum idp_result result = idp_check_connection(idp, connection, failure);
    if (result == IDP_OK)
        result = extra_check(extra, extra_count, failure);
    if (result == IDP_OK)
        result =
            discovery_resolve(idp->documents, connection, idp->is_http_allowed, arena, &provider, failure);
    if (result == IDP_OK)
        result = endpoint_query_check(provider.authorization_endpoint, arena, failure);
    if (result != IDP_OK)
        return result;
    *out_attempt = (struct idp_attempt){
        .state = rand_token(arena), /* REQ-2, REQ-3, REQ-5 */
        .nonce = rand_token(arena),
        .code_verifier = rand_token(arena),
        .issuer = str_copy(arena, str_from_c(connection->issuer)),
        .redirect_uri = str_copy(arena, str_from_c(redirect_uri)),
    };
    return build_url(connection, &provider, out_attempt, extra, extra_count, arena, out_url, failure);
}

struct callback {
    struct str code, iss, error;
    bool has_code, has_iss, has_error, has_tokens;
};

/* RSP-2 */
static enum idp_result callback_read(const struct form *form, struct callback *out, struct failure *failure)
{
    struct str state, token;
    bool has_state, has_id_token, has_access_token;
    const struct {
        const char *name;
        struct str *value;
        bool *is_present;
    } parameters[] = {
        {"code", &out->code, &out->has_code},    {"iss", &out->iss, &out->has_iss},
        {"error", &out->error, &out->has_error}, {"state", &state, &has_state},
        {"id_token", &token, &has_id_token},     {"access_token", &token, &has_access_token},
    };
    for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++) {
        switch (form_get(form, parameters[i].name, parameters[i].value)) {
        case FORM_ONE:
            *parameters[i].is_present = true;
            break;
        case FORM_MISSING:
            *parameters[i].is_present = false;
            break;
        case FORM_REPEATED:
        case FORM_MALFORMED:
            failure_set(failure, "callback: %s is repeated or malformed", parameters[i].name);
            return IDP_RESPONSE_INVALID;
        }
    }
    out->has_tokens = has_id_token || has_access_token;
    size_t size = 0;
    for (size_t i = 0; i < form->count; i++)
        size += form->fields[i].name.length + form->fields[i].value.length + 2;
    if (size > CALLBACK_BYTES_MAX || out->code.length > CODE_BYTES_MAX)
        return refuse(failure, IDP_RESPONSE_INVALID, "callback: too long");
    if (out->has_code && out->has_error)
        return refuse(failure, IDP_RESPONSE_INVALID, "callback: both code and error");
    return IDP_OK;
}

/* RSP-9, RSP-12: the answer is of the issuer that was asked, and that is still the connection's. */
static enum idp_result callback_check_issuer(const struct callback *callback, const struct provider *provider,
                                             const struct idp_connection *connection,
                                             const struct idp_attempt *attempt, struct failure *failure)
{
    if (!str_equal_c(attempt->issuer, connection->issuer))
        return refuse(failure, IDP_RESPONSE_ISSUER, "callback: the connection has another issuer by now");
    if (callback->has_iss && !str_equal(callback->iss, attempt->issuer))
        return refuse(failure, IDP_RESPONSE_ISSUER, "callback: iss is another issuer");
    if (!callback->has_iss && provider->is_iss_promised)
        return refuse(failure, IDP_RESPONSE_ISSUER_MISSING,
                      "callback: no iss, though the provider promises it");
    return IDP_OK;
}

/* RSP-10. A person who stops gives access_denied (RFC 6749 4.1.2.1); some providers have words of their own.
 * login_required and its kin are not a person's choice: the provider could not ask. */
static enum idp_result error_result(struct str error, struct failure *failure)
{
    static const struct {
        const char *code;
        enum idp_result result;
    } known[] = {
        {"access_denied", IDP_CANCELLED},
        {"cancelled", IDP_CANCELLED},
        {"canceled", IDP_CANCELLED},
        {"user_cancelled", IDP_CANCELLED},
        {"user_canceled", IDP_CANCELLED},
        {"server_error", IDP_TEMPORARILY_UNAVAILABLE},
        {"temporarily_unavailable", IDP_TEMPORARILY_UNAVAILABLE},
    };
    bool is_tellable = error.length <= ERROR_CODE_MAX && str_is_printable_ascii(error);
    failure_set(failure, "callback: error %.*s", STR_ARG(is_tellable ? error : STR("(unreadable)")));
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (str_equal_c(error, known[i].code))
            return known[i].result;
    return IDP_ERROR_RESPONSE;
}

static enum idp_result callback_check(const struct callback *callback, const struct provider *provider,
                                      const struct idp_connection *connection,
                                      const struct idp_attempt *attempt, struct failure *failure)
{
    enum idp_result result = callback_check_issuer(callback, provider, connection, attempt, failure);
    if (result != IDP_OK)
        return result;
    if (callback->has_error)
        return error_result(callback->error, failure);
    if (callback->has_tokens) /* RSP-11 */
        return refuse(failure, IDP_RESPONSE_INVALID, "callback: tokens in the front channel");
    if (!callback->has_code || callback->code.length == 0)
        return refuse(failure, IDP_RESPONSE_INVALID, "callback: neither code nor error");
    return IDP_OK;
}

/* MET-7: an unknown kid is looked for in a fresh key set, once. */
static enum idp_result check_id_token(struct keys *keys, const struct idp_connection *connection,
                                      const struct idp_attempt *attempt, const struct tokens *tokens,
                                      json_t **out_claims, struct failure *failure)
{
    int64_t now = clock_now();
    enum idp_result result = id_token_check(tokens->id_token, keys_current(keys), connection, attempt, now,
                                            tokens->access_token, out_claims, failure);
    struct failure renewal;
    if (result != IDP_ID_TOKEN_KEY || keys_renew(keys, &renewal) != OK)
        return result;
    return id_token_check(tokens->id_token, keys_current(keys), connection, attempt, now,
                          tokens->access_token, out_claims, failure);
}

static enum idp_result identify(struct idp *idp, const struct idp_connection *connection,
                                const struct provider *provider, const struct idp_attempt *attempt,
                                const struct tokens *tokens, struct arena *arena, json_t **out_claims,
                                struct failure *failure)
{
    struct keys keys;
    json_t *claims = NULL;
    enum idp_result result = keys_open(idp->documents, connection, provider, &keys, failure);
    if (result != IDP_OK)
        return result;
    result = check_id_token(&keys, connection, attempt, tokens, &claims, failure);
    if (result == IDP_OK) /* TOK-8: only now is the access token used */
        result = userinfo_complete(connection, provider, idp->is_http_allowed, tokens->access_token, &keys,
                                   arena, claims, failure);
    keys_close(&keys);
    if (result == IDP_OK)
        *out_claims = claims;
    else
        json_decref(claims);
    return result;
}

enum idp_result idp_finish(struct idp *idp, const struct idp_connection *connection,
                           const struct idp_attempt *attempt, const struct form *callback,
                           struct arena *arena, struct idp_identity *out_identity, struct failure *failure)
{
    struct callback answer = {0};
    struct provider provider;
    struct tokens tokens = {0};
    *out_identity = (struct idp_identity){0};
    enum idp_result result = callback_read(callback, &answer, failure);
    if (result == IDP_OK)
        result = idp_check_connection(idp, connection, failure);
    if (result == IDP_OK)
        result =
            discovery_resolve(idp->documents, connection, idp->is_http_allowed, arena, &provider, failure);
    if (result == IDP_OK)
        result = callback_check(&answer, &provider, connection, attempt, failure);
    if (result == IDP_OK)
        result = token_redeem(connection, &provider, idp->is_http_allowed, attempt, answer.code, arena,
                              &tokens, failure);
    out_identity->oauth_error = tokens.oauth_error;
    if (result == IDP_OK)
        result =
            identify(idp, connection, &provider, attempt, &tokens, arena, &out_identity->claims, failure);
    if (result != IDP_OK)
        return result;
    const json_t *claims = out_identity->claims;
    out_identity->subject =
        str_from_c(arena_strdup(arena, json_string_value(json_object_get(claims, "sub"))));
    const char *acr = json_string_value(json_object_get(claims, "acr"));
    out_identity->acr = acr ? str_from_c(arena_strdup(arena, acr)) : STR_NONE;
    out_identity->id_token = tokens.id_token;
    return IDP_OK;
}

void idp_identity_free(struct idp_identity *identity)
{
    json_decref(identity->claims);
    *identity = (struct idp_identity){0};
}
