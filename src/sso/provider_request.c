#include "sso/provider_request.h"

#include "sso/provider_client.h"

#define STATE_MAX 2048
#define NONCE_MAX 512
#define CHALLENGE_LENGTH 43 /* of SHA-256 in base64url (RFC 7636 4.2) */
#define MAX_AGE_MAX 31536000

static enum provider_request_result distrust(struct provider_request *request, const char *description)
{
    request->description = description;
    return PROVIDER_REQUEST_UNTRUSTED;
}

static enum provider_request_result refuse(struct provider_request *request, const char *error,
                                           const char *description)
{
    request->error = error;
    request->description = description;
    return PROVIDER_REQUEST_REFUSED;
}

/* *out_value is empty when it is missing. False when it is there twice, or cannot be read. */
static bool take(const struct form *form, const char *name, struct str *out_value)
{
    *out_value = STR_NONE;
    switch (form_get(form, name, out_value)) {
    case FORM_ONE:
        return true;
    case FORM_MISSING:
        *out_value = STR_NONE;
        return true;
    case FORM_REPEATED:
    case FORM_MALFORMED:
        break;
    }
    *out_value = STR_NONE;
    return false;
}

static bool has_word(struct str words, const char *word)
{
    struct str rest = words.length > 0 ? words : STR_NONE, part;
    while (str_split_next(&rest, ' ', &part))
        if (str_equal_c(part, word))
            return true;
    return false;
}

static enum provider_request_result read_client(const struct form *form, const struct sso_data *data,
                                                const struct sso_host *host, struct provider_request *request)
{
    struct str client_id, redirect_uri;
    if (!take(form, "client_id", &client_id) || client_id.length == 0)
        return distrust(request, "client_id is missing or repeated");
    request->application = provider_find_application(data, host, client_id);
    if (request->application == NULL)
        return distrust(request, "there is no active application with this client_id here");
    if (!take(form, "redirect_uri", &redirect_uri) || redirect_uri.length == 0)
        return distrust(request, "redirect_uri is missing or repeated");
    if (!provider_has_uri(request->application->redirect_uris, redirect_uri))
        return distrust(request, "redirect_uri is not one that the application registered");
    request->redirect_uri = redirect_uri;
    return PROVIDER_REQUEST_OK;
}

static enum provider_request_result check_protocol(const struct form *form, struct provider_request *request)
{
    struct str type, mode, object, reference, challenge, method;
    if (!take(form, "response_type", &type) || !take(form, "response_mode", &mode) ||
        !take(form, "request", &object) || !take(form, "request_uri", &reference) ||
        !take(form, "code_challenge", &challenge) || !take(form, "code_challenge_method", &method))
        return refuse(request, "invalid_request", "a parameter is repeated or malformed");
    if (object.length > 0)
        return refuse(request, "request_not_supported", "request objects are not supported");
    if (reference.length > 0)
        return refuse(request, "request_uri_not_supported", "request objects are not supported");
    if (type.length == 0)
        return refuse(request, "invalid_request", "response_type is missing");
    if (!str_equal_c(type, "code"))
        return refuse(request, "unsupported_response_type", "only response_type code is supported");
    if (mode.length > 0 && !str_equal_c(mode, "query"))
        return refuse(request, "invalid_request", "only response_mode query is supported");
    if (challenge.length != CHALLENGE_LENGTH || !str_equal_c(method, "S256"))
        return refuse(request, "invalid_request", "PKCE with S256 is required");
    request->code_challenge = challenge;
    return PROVIDER_REQUEST_OK;
}

static enum provider_request_result read_scope(const struct form *form, struct provider_request *request)
{
    struct str scope;
    if (!take(form, "scope", &scope))
        return refuse(request, "invalid_request", "scope is repeated or malformed");
    if (!has_word(scope, "openid"))
        return refuse(request, "invalid_scope", "scope must hold openid");
    request->has_profile = has_word(scope, "profile");
    request->has_email = has_word(scope, "email");
    return PROVIDER_REQUEST_OK;
}

static enum provider_request_result read_wishes(const struct form *form, struct provider_request *request)
{
    struct str prompt, max_age;
    if (!take(form, "nonce", &request->nonce) || request->nonce.length > NONCE_MAX ||
        !str_is_printable_ascii(request->nonce))
        return refuse(request, "invalid_request", "nonce is repeated, malformed or too long");
    if (!take(form, "id_token_hint", &request->id_token_hint))
        return refuse(request, "invalid_request", "id_token_hint is repeated or malformed");
    if (!take(form, "prompt", &prompt))
        return refuse(request, "invalid_request", "prompt is repeated or malformed");
    request->is_prompt_none = has_word(prompt, "none");
    request->is_prompt_login = has_word(prompt, "login") || has_word(prompt, "select_account");
    if (request->is_prompt_none && !str_equal_c(prompt, "none"))
        return refuse(request, "invalid_request", "prompt none goes with nothing else");
    if (!take(form, "max_age", &max_age) ||
        (max_age.length > 0 &&
         (str_to_int64(max_age, &request->max_age_s) != OK || request->max_age_s > MAX_AGE_MAX)))
        return refuse(request, "invalid_request", "max_age is repeated or not a number of seconds");
    return PROVIDER_REQUEST_OK;
}

static enum provider_request_result read_connection(const struct form *form, const struct sso_data *data,
                                                    struct provider_request *request)
{
    struct str slug;
    if (!take(form, "connection", &slug))
        return refuse(request, "invalid_request", "connection is repeated or malformed");
    if (slug.length == 0)
        return PROVIDER_REQUEST_OK;
    size_t middle = str_find(slug, '_');
    for (size_t i = 0; middle < slug.length && i < data->connection_count; i++) {
        const struct sso_connection *item = &data->connections[i];
        if (str_equal(item->customer_key, str_slice(slug, 0, middle)) &&
            str_equal(item->provider_key, str_slice(slug, middle + 1, slug.length)) &&
            provider_serves(request->application, item))
            request->connection = item;
    }
    return request->connection != NULL
               ? PROVIDER_REQUEST_OK
               : refuse(request, "invalid_request", "the application does not serve this connection");
}

enum provider_request_result provider_request_parse(const struct form *form, const struct sso_data *data,
                                                    const struct sso_host *host,
                                                    struct provider_request *out_request)
{
    struct provider_request *request = out_request;
    *request = (struct provider_request){.max_age_s = -1};
    enum provider_request_result result = read_client(form, data, host, request);
    if (result != PROVIDER_REQUEST_OK)
        return result;
    /* First of the rest, so that every answer can carry it. */
    if (!take(form, "state", &request->state) || request->state.length > STATE_MAX ||
        !str_is_printable_ascii(request->state)) {
        request->state = STR_NONE;
        return refuse(request, "invalid_request", "state is repeated, malformed or too long");
    }
    result = check_protocol(form, request);
    if (result == PROVIDER_REQUEST_OK)
        result = read_scope(form, request);
    if (result == PROVIDER_REQUEST_OK)
        result = read_wishes(form, request);
    return result == PROVIDER_REQUEST_OK ? read_connection(form, data, request) : result;
}
