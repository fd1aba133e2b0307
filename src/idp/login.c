#include "idp/login.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/rand.h"
#include "idp/discovery.h"
#include "idp/id_token.h"
#include "idp/issuer.h"
#include "idp/keys.h"
#include "idp/response.h"
#include "idp/secrets.h"
#include "idp/token.h"
#include "idp/userinfo.h"

#include <stdlib.h>

#define URL_BYTES_MAX ((size_t)8192)
#define DEFAULT_SCOPE "openid profile email" /* REQ-10 */

struct idp {
    bool is_http_allowed;
    struct document_cache *documents;
    struct secrets *secrets;
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
    if (secrets_new(&idp->secrets) != OK || document_cache_new(idp->is_http_allowed, &idp->documents) != OK) {
        secrets_free(&idp->secrets);
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
    secrets_free(&(*idp)->secrets);
    free(*idp);
    *idp = NULL;
}

struct document_cache *idp_documents(const struct idp *idp)
{
    return idp->documents;
}

bool idp_is_http_allowed(const struct idp *idp)
{
    return idp->is_http_allowed;
}

static bool is_issuer_safe(const char *issuer, bool is_http_allowed)
{
    char url[ISSUER_URL_SIZE];
    return issuer_sample(str_from_c(issuer), url, sizeof url) && strchr(url, '?') == NULL &&
           discovery_is_url_safe(url, is_http_allowed);
}

/* The rest is checked where it is used. */
enum idp_result idp_check_connection(const struct idp *idp, const struct idp_connection *connection,
                                     struct failure *failure)
{
    const char *fault = issuer_fault(str_from_c(connection->issuer), str_from_c(connection->tenants));
    if (fault != NULL)
        return refuse(failure, IDP_CONNECTION_INVALID, fault);
    if (!is_issuer_safe(connection->issuer, idp->is_http_allowed))
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
    case IDP_AUTH_PRIVATE_KEY_JWT:
    case IDP_AUTH_NONE:
        break;
    }
    return IDP_OK;
}

/* Discovery, told in the report. */
static enum idp_result resolve(struct idp *idp, const struct idp_connection *connection, struct arena *arena,
                               struct provider *out_provider, struct idp_report *report,
                               struct failure *failure)
{
    enum idp_result result =
        discovery_resolve(idp->documents, connection, idp->is_http_allowed, arena, out_provider, failure);
    report->metadata = out_provider->facts;
    report->features = out_provider->features;
    report->authorization_endpoint = out_provider->authorization_endpoint;
    report->token_endpoint = out_provider->token_endpoint;
    report->jwks_uri = out_provider->jwks_uri;
    report->userinfo_endpoint = out_provider->userinfo_endpoint;
    return result;
}

static enum idp_result extra_check(const struct form_field *extra, size_t count, struct failure *failure)
{
    for (size_t i = 0; i < count; i++) {
        if (extra[i].is_malformed || extra[i].name.length == 0 || idp_is_own_parameter(extra[i].name))
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
        if (idp_is_own_parameter(form.fields[i].name))
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
    if (attempt->code_verifier.length > 0) { /* REQ-4 */
        append_parameter(&url, "code_challenge",
                         codec_base64url(arena, codec_sha256(arena, attempt->code_verifier)));
        append_parameter(&url, "code_challenge_method", STR("S256"));
    }
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

static enum idp_result start(struct idp *idp, const struct idp_connection *connection,
                             const char *redirect_uri, const struct form_field *extra, size_t extra_count,
                             struct arena *arena, struct idp_attempt *out_attempt, const char **out_url,
                             struct idp_report *report, struct failure *failure)
{
    struct provider provider;
    enum idp_result result = idp_check_connection(idp, connection, failure);
    if (result == IDP_OK)
        result = extra_check(extra, extra_count, failure);
    if (result == IDP_OK)
        result = resolve(idp, connection, arena, &provider, report, failure);
    if (result == IDP_OK)
        result = endpoint_query_check(provider.authorization_endpoint, arena, failure);
    if (result != IDP_OK)
        return result;
    *out_attempt = (struct idp_attempt){
        .state = rand_token(arena), /* REQ-2, REQ-3, REQ-5 */
        .nonce = rand_token(arena),
        .code_verifier = connection->is_pkce_off ? STR_NONE : rand_token(arena),
        .issuer = str_copy(arena, str_from_c(connection->issuer)),
        .redirect_uri = str_copy(arena, str_from_c(redirect_uri)),
        .asked_at = clock_now(),
    };
    return build_url(connection, &provider, out_attempt, extra, extra_count, arena, out_url, failure);
}

enum idp_result idp_start(struct idp *idp, const struct idp_connection *connection, const char *redirect_uri,
                          const struct form_field *extra, size_t extra_count, struct arena *arena,
                          struct idp_attempt *out_attempt, const char **out_url, struct idp_report *report,
                          struct failure *failure)
{
    struct idp_report unwanted = {0};
    enum idp_result result = start(idp, connection, redirect_uri, extra, extra_count, arena, out_attempt,
                                   out_url, report ? report : &unwanted, failure);
    idp_report_free(&unwanted);
    return result;
}

/* ---- the way back ---- */

static void swap_secrets(struct idp_connection *connection)
{
    struct str first = connection->client_secret;
    connection->client_secret = connection->second_secret;
    connection->second_secret = first;
}

/* C19: while a secret is being replaced the provider may know either. A provider that refuses the client has
 * not looked at the code (RFC 6749 5.2), so this is no second use of it (TOK-4); what it makes of a code that
 * it did look at is never asked. The secret that was taken is left in `connection`. */
static enum idp_result redeem(struct idp *idp, struct idp_connection *connection,
                              const struct provider *provider, const struct idp_attempt *attempt,
                              struct str code, struct arena *arena, struct tokens *out_tokens,
                              struct idp_report *report, struct failure *failure)
{
    bool has_two = connection->second_secret.length > 0;
    bool is_second = has_two && secrets_is_second(idp->secrets, connection);
    if (is_second)
        swap_secrets(connection);
    report->secret_number = connection->client_secret.length == 0 ? 0 : is_second ? 2 : 1;
    enum idp_result result = token_redeem(connection, provider, idp->is_http_allowed, attempt, code, arena,
                                          out_tokens, report, failure);
    if (!has_two || result != IDP_TOKEN_REFUSED || !token_is_client_refused(out_tokens->oauth_error))
        return result;
    swap_secrets(connection);
    is_second = !is_second;
    *out_tokens = (struct tokens){0};
    report->is_other_secret_refused = true;
    report->secret_number = is_second ? 2 : 1;
    log_info("idp_other_secret_tried", LOG_C("connection", connection->id),
             LOG_INT("secret", report->secret_number));
    result = token_redeem(connection, provider, idp->is_http_allowed, attempt, code, arena, out_tokens,
                          report, failure);
    bool is_taken = result != IDP_TOKEN_UNREACHABLE && result != IDP_CONNECTION_INVALID &&
                    !(result == IDP_TOKEN_REFUSED && token_is_client_refused(out_tokens->oauth_error));
    if (is_taken)
        secrets_remember(idp->secrets, connection, is_second);
    return result;
}

/* MET-7: an unknown kid is looked for in a fresh key set, once. */
static enum idp_result check_id_token(struct keys *keys, const struct idp_connection *connection,
                                      const struct idp_attempt *attempt, const struct tokens *tokens,
                                      json_t **out_claims, struct idp_report *report, struct failure *failure)
{
    int64_t now = clock_now();
    enum idp_result result = id_token_check(tokens->id_token, keys_current(keys), connection, attempt, now,
                                            tokens->access_token, out_claims, report, failure);
    struct failure renewal;
    if (result == IDP_ID_TOKEN_KEY && keys_renew(keys, &renewal) == OK)
        result = id_token_check(tokens->id_token, keys_current(keys), connection, attempt, now,
                                tokens->access_token, out_claims, report, failure);
    return id_token_blame_own_key(result, report, failure);
}

static struct idp_names key_ids(struct arena *arena, const struct keys *keys)
{
    const struct jwk_set *set = keys_current(keys);
    size_t count = set ? jwk_set_count(set) : 0;
    struct idp_names ids = {.items = arena_array_of(arena, count, struct str)};
    for (size_t i = 0; i < count; i++) {
        struct str kid = str_from_c(jwk_kid(jwk_set_at(set, i)));
        if (kid.length > 0)
            ids.items[ids.count++] = str_is_printable_ascii(kid) ? str_copy(arena, kid) : STR("?");
    }
    return ids;
}

static enum idp_result identify(struct idp *idp, const struct idp_connection *connection,
                                const struct provider *provider, const struct idp_attempt *attempt,
                                const struct tokens *tokens, struct arena *arena, json_t **out_claims,
                                struct idp_report *report, struct failure *failure)
{
    struct keys keys;
    json_t *claims = NULL;
    enum idp_result result = keys_open(idp->documents, connection, provider, &keys, failure);
    report->keys = keys.facts;
    if (result != IDP_OK)
        return result;
    result = check_id_token(&keys, connection, attempt, tokens, &claims, report, failure);
    if (result == IDP_OK) /* TOK-8: only now is the access token used */
        result = userinfo_complete(connection, provider, idp->is_http_allowed, tokens->access_token, &keys,
                                   arena, claims, report, failure);
    report->keys = keys.facts;
    report->key_ids = key_ids(arena, &keys);
    report->is_refetched = keys.is_renewed;
    keys_close(&keys);
    if (result == IDP_OK)
        *out_claims = claims;
    else
        json_decref(claims);
    return result;
}

static enum idp_result finish(struct idp *idp, const struct idp_connection *connection,
                              const struct idp_attempt *attempt, const struct form *callback,
                              struct arena *arena, struct idp_identity *out_identity,
                              struct idp_report *report, struct failure *failure)
{
    struct response response = {0};
    struct provider provider;
    struct tokens tokens = {0};
    struct idp_connection in_force = *connection;
    struct idp_attempt answered = *attempt;
    *out_identity = (struct idp_identity){0};
    enum idp_result result = response_read(callback, &response, failure);
    if (result == IDP_OK)
        result = idp_check_connection(idp, connection, failure);
    if (result == IDP_OK)
        result = resolve(idp, connection, arena, &provider, report, failure);
    if (result == IDP_OK)
        result = response_check(&response, &provider, connection, attempt, failure);
    if (result == IDP_OK)
        result = redeem(idp, &in_force, &provider, attempt, response.code, arena, &tokens, report, failure);
    out_identity->oauth_error = tokens.oauth_error;
    if (response.has_iss)
        answered.issuer = response.iss;
    if (result == IDP_OK)
        result = identify(idp, &in_force, &provider, &answered, &tokens, arena, &out_identity->claims, report,
                          failure);
    if (result != IDP_OK)
        return result;
    const json_t *claims = out_identity->claims;
    out_identity->issuer = str_from_c(arena_strdup(arena, json_string_value(json_object_get(claims, "iss"))));
    out_identity->subject =
        str_from_c(arena_strdup(arena, json_string_value(json_object_get(claims, "sub"))));
    const char *acr = json_string_value(json_object_get(claims, "acr"));
    out_identity->acr = acr ? str_from_c(arena_strdup(arena, acr)) : STR_NONE;
    out_identity->id_token = tokens.id_token;
    return IDP_OK;
}

enum idp_result idp_finish(struct idp *idp, const struct idp_connection *connection,
                           const struct idp_attempt *attempt, const struct form *callback,
                           struct arena *arena, struct idp_identity *out_identity, struct idp_report *report,
                           struct failure *failure)
{
    struct idp_report unwanted = {0};
    enum idp_result result =
        finish(idp, connection, attempt, callback, arena, out_identity, report ? report : &unwanted, failure);
    idp_report_free(&unwanted);
    return result;
}

void idp_identity_free(struct idp_identity *identity)
{
    json_decref(identity->claims);
    *identity = (struct idp_identity){0};
}
