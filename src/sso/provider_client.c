#include "sso/provider_client.h"

#include "base/codec.h"
#include "base/secret.h"

#define CLIENT_ID_MAX 40

struct str provider_issuer(struct arena *arena, const struct sso_host *host)
{
    return str_from_c(arena_printf(arena, "%.*s/sso/oidc", STR_ARG(host->base_url)));
}

const struct sso_host *provider_find_host(const struct sso_data *data, struct str platform,
                                          struct str environment)
{
    for (size_t i = 0; i < data->host_count; i++)
        if (str_equal(data->hosts[i].platform, platform) &&
            str_equal(data->hosts[i].environment, environment))
            return &data->hosts[i];
    return NULL;
}

const struct sso_application *provider_find_application(const struct sso_data *data,
                                                        const struct sso_host *host, struct str client_id)
{
    for (size_t i = 0; i < data->application_count; i++) {
        const struct sso_application *item = &data->applications[i];
        if (str_equal(item->client_id, client_id) && str_equal(item->platform, host->platform) &&
            str_equal(item->environment, host->environment))
            return str_equal(item->status, STR("active")) ? item : NULL;
    }
    return NULL;
}

static bool is_slug_of(struct str slug, const struct sso_connection *connection)
{
    size_t middle = str_find(slug, '_');
    return middle < slug.length && str_equal(str_slice(slug, 0, middle), connection->customer_key) &&
           str_equal(str_slice(slug, middle + 1, slug.length), connection->provider_key);
}

bool provider_serves(const struct sso_application *application, const struct sso_connection *connection)
{
    if (!str_equal(application->platform, connection->platform) ||
        !str_equal(application->environment, connection->environment) ||
        !str_equal(application->customer_key, connection->customer_key))
        return false;
    if (application->connections.length == 0)
        return true;
    struct str rest = application->connections, slug;
    while (str_split_next(&rest, ' ', &slug))
        if (is_slug_of(slug, connection))
            return true;
    return false;
}

bool provider_has_uri(struct str uris, struct str uri)
{
    struct str rest = uris.length > 0 ? uris : STR_NONE, item;
    while (str_split_next(&rest, ' ', &item))
        if (item.length > 0 && str_equal(item, uri))
            return true;
    return false;
}

/* ---- authentication ---- */

struct credentials {
    struct str client_id, secret;
    bool has_secret;
};

/* As application/x-www-form-urlencoded encodes a value (RFC 6749 2.3.1 and appendix B). */
static enum outcome decode_part(struct arena *arena, struct str part, struct str *out_text)
{
    struct form form;
    struct str field = str_from_c(arena_printf(arena, "v=%.*s", STR_ARG(part)));
    if (str_find(part, '&') < part.length || str_find(part, '\0') < part.length ||
        form_parse(arena, field, &form) != OK || form_get(&form, "v", out_text) != FORM_ONE)
        return FAILED;
    return OK;
}

static enum outcome read_basic(struct arena *arena, struct str header, struct credentials *out_credentials)
{
    struct str text, scheme = str_slice(header, 0, str_find(header, ' '));
    if (!str_equal_ignoring_case(scheme, STR("Basic")) || scheme.length == header.length ||
        codec_base64_decode(arena, str_trim(str_slice(header, scheme.length, header.length)), &text) != OK)
        return FAILED;
    size_t colon = str_find(text, ':');
    out_credentials->has_secret = true;
    if (colon == text.length ||
        decode_part(arena, str_slice(text, 0, colon), &out_credentials->client_id) != OK)
        return FAILED;
    return decode_part(arena, str_slice(text, colon + 1, text.length), &out_credentials->secret);
}

static enum provider_client_result read_credentials(const struct http_request *request,
                                                    const struct form *form,
                                                    struct credentials *out_credentials)
{
    struct str header, client_id, secret;
    enum form_lookup has_header = http_request_header(request, "Authorization", &header);
    enum form_lookup has_id = form_get(form, "client_id", &client_id);
    enum form_lookup has_secret = form_get(form, "client_secret", &secret);
    if (has_header == FORM_REPEATED || has_id == FORM_REPEATED || has_id == FORM_MALFORMED ||
        has_secret == FORM_REPEATED || has_secret == FORM_MALFORMED ||
        (has_header == FORM_ONE && has_secret == FORM_ONE))
        return PROVIDER_CLIENT_INVALID_REQUEST;
    if (has_header == FORM_ONE) {
        if (read_basic(request->arena, header, out_credentials) != OK)
            return PROVIDER_CLIENT_INVALID;
        bool is_same = has_id != FORM_ONE || str_equal(client_id, out_credentials->client_id);
        return is_same ? PROVIDER_CLIENT_OK : PROVIDER_CLIENT_INVALID_REQUEST;
    }
    if (has_id != FORM_ONE)
        return PROVIDER_CLIENT_INVALID;
    *out_credentials = (struct credentials){client_id, STR_NONE, has_secret == FORM_ONE};
    if (has_secret == FORM_ONE)
        out_credentials->secret = secret;
    return PROVIDER_CLIENT_OK;
}

/* Digests are compared, so that the time tells nothing, not even the length. */
static bool is_secret(struct arena *arena, struct str expected, struct str offered)
{
    return secret_equal(codec_sha256(arena, expected), codec_sha256(arena, offered));
}

enum provider_client_result provider_authenticate(const struct http_request *request, const struct form *form,
                                                  const struct sso_data *data, const struct sso_host *host,
                                                  const struct sso_application **out_application,
                                                  struct str *out_client_id)
{
    struct credentials credentials = {0};
    *out_client_id = STR_NONE;
    enum provider_client_result result = read_credentials(request, form, &credentials);
    if (credentials.client_id.length <= CLIENT_ID_MAX && str_is_printable_ascii(credentials.client_id))
        *out_client_id = credentials.client_id;
    if (result != PROVIDER_CLIENT_OK)
        return result;
    const struct sso_application *application = provider_find_application(data, host, credentials.client_id);
    if (application == NULL)
        return PROVIDER_CLIENT_INVALID;
    bool is_public = str_equal(application->client_auth, STR("none"));
    bool is_proven = is_public ? !credentials.has_secret
                               : credentials.has_secret && application->secret.length > 0 &&
                                     is_secret(request->arena, application->secret, credentials.secret);
    if (!is_proven)
        return PROVIDER_CLIENT_INVALID;
    *out_application = application;
    return PROVIDER_CLIENT_OK;
}
