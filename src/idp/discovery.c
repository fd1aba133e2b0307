#include "idp/discovery.h"

#include "base/buf.h"
#include "base/log.h"
#include "jose/claims.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

#define URL_LENGTH_MAX 2048

/* The whole document is kept: what later features need to know of the provider is in it (MET-11). */
struct metadata {
    json_t *json;
    bool is_iss_promised;
};

/* curl is lenient (one slash will do, a host may be percent-encoded) and browsers are lenient in other ways,
 * so what curl calls the host must stand right behind the scheme. */
static bool is_host_where_it_seems(struct str rest, struct str host)
{
    if (host.length == 0 || !str_starts_with(rest, host))
        return false;
    return rest.length == host.length || strchr(":/?", rest.data[host.length]) != NULL;
}

static bool is_target_safe(CURLU *url, struct str text, bool is_http_allowed)
{
    char *name = NULL;
    if (curl_url_get(url, CURLUPART_HOST, &name, 0) != CURLUE_OK)
        return false;
    struct str host = str_from_c(name), https = STR("https://"), http = STR("http://");
    bool is_local = str_equal_c(host, "localhost") || str_ends_with(host, STR(".localhost"));
    bool is_safe = false;
    if (str_starts_with(text, https))
        is_safe = is_host_where_it_seems(str_slice(text, https.length, text.length), host);
    else if (str_starts_with(text, http))
        is_safe = is_http_allowed && is_local &&
                  is_host_where_it_seems(str_slice(text, http.length, text.length), host);
    curl_free(name);
    return is_safe;
}

bool discovery_is_url_safe(const char *url, bool is_http_allowed)
{
    struct str text = str_from_c(url);
    if (text.length > URL_LENGTH_MAX || !str_is_printable_ascii(text) ||
        strpbrk(url, " \"'<>\\^`{|}#") != NULL)
        return false;
    CURLU *parsed = curl_url();
    if (parsed == NULL)
        return false;
    char *user = NULL, *password = NULL;
    bool is_safe = curl_url_set(parsed, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
                   is_target_safe(parsed, text, is_http_allowed) &&
                   curl_url_get(parsed, CURLUPART_USER, &user, 0) == CURLUE_NO_USER &&
                   curl_url_get(parsed, CURLUPART_PASSWORD, &password, 0) == CURLUE_NO_PASSWORD;
    curl_free(user);
    curl_free(password);
    curl_url_cleanup(parsed);
    return is_safe;
}

bool discovery_needs_keys(const struct idp_connection *connection)
{
    if (connection->signing_alg_count == 0)
        return true;
    for (size_t i = 0; i < connection->signing_alg_count; i++)
        if (strncmp(connection->signing_algs[i], "HS", 2) != 0)
            return true;
    return false;
}

enum listed { LIST_ABSENT, LIST_HAS, LIST_LACKS, LIST_WRONG };

static enum listed list_has(const json_t *json, const char *name, const char *wanted)
{
    const json_t *list = json_object_get(json, name);
    if (list == NULL)
        return LIST_ABSENT;
    if (!json_is_array(list))
        return LIST_WRONG;
    size_t index;
    json_t *value;
    enum listed found = LIST_LACKS;
    json_array_foreach(list, index, value)
    {
        if (!json_is_string(value))
            return LIST_WRONG;
        if (strcmp(json_string_value(value), wanted) == 0)
            found = LIST_HAS;
    }
    return found;
}

/* What a log tells of a fault: see struct idp_document. */
static void put_detail(char *out_detail, struct str text)
{
    bool is_told = text.length < IDP_DETAIL_MAX && str_is_printable_ascii(text);
    snprintf(out_detail, IDP_DETAIL_MAX, "%.*s", STR_ARG(is_told ? text : STR("(unreadable)")));
}

static enum idp_result urls_check(const json_t *json, bool is_http_allowed, char *out_detail,
                                  struct failure *failure)
{
    static const char *const names[] = {"authorization_endpoint", "token_endpoint", "jwks_uri",
                                        "userinfo_endpoint", "end_session_endpoint"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct str url;
        enum outcome outcome = claim_text(json, names[i], &url);
        put_detail(out_detail, str_from_c(names[i]));
        if (outcome == FAILED) {
            failure_set(failure, "%s is no text", names[i]);
            return IDP_METADATA_INVALID;
        }
        if (outcome == OK && !discovery_is_url_safe(url.data, is_http_allowed)) {
            failure_set(failure, "%s is no https URL", names[i]);
            return IDP_ENDPOINT_MISSING;
        }
    }
    *out_detail = '\0';
    return IDP_OK;
}

static enum idp_result members_check(const struct document_source *source, bool is_http_allowed,
                                     const json_t *json, char *out_detail, struct failure *failure)
{
    struct str issuer;
    if (claim_text(json, "issuer", &issuer) != OK) {
        put_detail(out_detail, STR("issuer"));
        failure_set(failure, "no issuer");
        return IDP_METADATA_INVALID;
    }
    if (!str_equal_c(issuer, source->issuer)) { /* MET-2: no tolerance, not even for a slash */
        put_detail(out_detail, issuer);
        failure_set(failure, "its issuer is not the configured %s", source->issuer);
        return IDP_ISSUER_DIFFERS;
    }
    enum idp_result result = urls_check(json, is_http_allowed, out_detail, failure);
    if (result != IDP_OK)
        return result;
    switch (list_has(json, "response_types_supported", "code")) {
    case LIST_ABSENT:
    case LIST_HAS:
        break;
    case LIST_LACKS:
        put_detail(out_detail, STR("response_types_supported"));
        failure_set(failure, "response_types_supported lacks code");
        return IDP_ENDPOINT_MISSING;
    case LIST_WRONG:
        failure_set(failure, "response_types_supported is no list of texts");
        return IDP_METADATA_INVALID;
    }
    const json_t *promise = json_object_get(json, "authorization_response_iss_parameter_supported");
    if ((promise != NULL && !json_is_boolean(promise)) ||
        list_has(json, "token_endpoint_auth_methods_supported", "") == LIST_WRONG) {
        failure_set(failure, "a member has the wrong type");
        return IDP_METADATA_INVALID;
    }
    return IDP_OK;
}

static enum idp_result metadata_parse(const struct document_source *source, bool is_http_allowed,
                                      struct str body, void **out_value, char *out_detail,
                                      struct failure *failure)
{
    json_t *json = NULL;
    if (json_parse_object(body, &json, failure) != OK)
        return IDP_METADATA_INVALID;
    enum idp_result result = members_check(source, is_http_allowed, json, out_detail, failure);
    if (result != IDP_OK) {
        json_decref(json);
        return result;
    }
    struct metadata *metadata = calloc(1, sizeof *metadata);
    if (metadata == NULL)
        abort();
    metadata->json = json;
    metadata->is_iss_promised =
        json_is_true(json_object_get(json, "authorization_response_iss_parameter_supported"));
    log_info(
        "idp_metadata_loaded", LOG_C("connection", source->id),
        LOG_BOOL("iss_parameter", metadata->is_iss_promised),
        LOG_BOOL("pkce_s256", list_has(json, "code_challenge_methods_supported", "S256") == LIST_HAS),
        LOG_BOOL("end_session", json_object_get(json, "end_session_endpoint") != NULL),
        LOG_BOOL("backchannel_logout", json_is_true(json_object_get(json, "backchannel_logout_supported"))),
        LOG_BOOL("backchannel_logout_session",
                 json_is_true(json_object_get(json, "backchannel_logout_session_supported"))),
        LOG_BOOL("frontchannel_logout",
                 json_is_true(json_object_get(json, "frontchannel_logout_supported"))));
    *out_value = metadata;
    return IDP_OK;
}

static void metadata_free(void *value)
{
    struct metadata *metadata = value;
    json_decref(metadata->json);
    free(metadata);
}

/* MET-6 */
const struct document_kind discovery_metadata_kind = {
    .name = "metadata",
    .refresh_after_s = 3600,
    .fresh_s = 86400,
    .stale_s = INT64_C(72) * 3600,
    .unreachable = IDP_UNREACHABLE,
    .refused = IDP_METADATA_INVALID,
    .parse = metadata_parse,
    .free_value = metadata_free,
};

/* TOK-2: what the metadata says, in the order basic, post; basic when it says nothing (Discovery 3). */
static enum idp_result choose_client_auth(const struct idp_connection *connection, const json_t *json,
                                          enum idp_client_auth *out_auth, char *out_detail,
                                          struct failure *failure)
{
    static const char name[] = "token_endpoint_auth_methods_supported";
    *out_auth = connection->client_auth;
    if (connection->client_auth != IDP_AUTH_AUTO)
        return IDP_OK;
    if (connection->client_secret.length == 0) {
        *out_auth = IDP_AUTH_NONE;
        return IDP_OK;
    }
    enum listed basic = list_has(json, name, "client_secret_basic");
    if (basic == LIST_ABSENT || basic == LIST_HAS) {
        *out_auth = IDP_AUTH_BASIC;
        return IDP_OK;
    }
    if (list_has(json, name, "client_secret_post") == LIST_HAS) {
        *out_auth = IDP_AUTH_POST;
        return IDP_OK;
    }
    failure_set(failure, "the provider accepts neither client_secret_basic nor client_secret_post");
    put_detail(out_detail, str_from_c(name));
    return IDP_ENDPOINT_MISSING;
}

/* MET-4: the override, else the metadata's. */
static enum idp_result choose_url(const char *override, const json_t *json, const char *name,
                                  bool is_http_allowed, struct arena *arena, const char **out_url,
                                  char *out_detail, struct failure *failure)
{
    if (override != NULL) {
        if (!discovery_is_url_safe(override, is_http_allowed)) {
            failure_set(failure, "the configured %s is no https URL", name);
            return IDP_CONNECTION_INVALID;
        }
        *out_url = override;
        return IDP_OK;
    }
    const char *url = json_string_value(json_object_get(json, name));
    if (url == NULL) {
        failure_set(failure, "the metadata lacks %s", name);
        put_detail(out_detail, str_from_c(name));
        return IDP_ENDPOINT_MISSING;
    }
    *out_url = arena_strdup(arena, url);
    return IDP_OK;
}

/* Logging out there is an extra: an override that cannot be used is none, and no login fails for it. */
static const char *choose_end_session(const struct idp_connection *connection, const json_t *json,
                                      bool is_http_allowed, struct arena *arena)
{
    const char *url = connection->end_session_endpoint;
    if (url == NULL)
        url = json_string_value(json_object_get(json, "end_session_endpoint"));
    return url != NULL && discovery_is_url_safe(url, is_http_allowed) ? arena_strdup(arena, url) : NULL;
}

static enum idp_result provider_fill(const struct idp_connection *connection, const json_t *json,
                                     bool is_http_allowed, struct arena *arena, struct provider *provider,
                                     struct failure *failure)
{
    const struct {
        bool is_needed;
        const char *override;
        const char *name;
        const char **out_url;
    } urls[] = {
        {true, connection->authorization_endpoint, "authorization_endpoint",
         &provider->authorization_endpoint},
        {true, connection->token_endpoint, "token_endpoint", &provider->token_endpoint},
        {discovery_needs_keys(connection), connection->jwks_uri, "jwks_uri", &provider->jwks_uri},
        {connection->userinfo != IDP_USERINFO_OFF, connection->userinfo_endpoint, "userinfo_endpoint",
         &provider->userinfo_endpoint},
    };
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        enum idp_result result = urls[i].is_needed
                                     ? choose_url(urls[i].override, json, urls[i].name, is_http_allowed,
                                                  arena, urls[i].out_url, provider->facts.detail, failure)
                                     : IDP_OK;
        if (result != IDP_OK)
            return result;
    }
    provider->end_session_endpoint = choose_end_session(connection, json, is_http_allowed, arena);
    return choose_client_auth(connection, json, &provider->client_auth, provider->facts.detail, failure);
}

/* The texts of a list with spaces between; NULL when there is no such list. */
static const char *list_words(struct arena *arena, const json_t *json, const char *name)
{
    const json_t *list = json_object_get(json, name);
    if (!json_is_array(list))
        return NULL;
    struct buf words = buf_new(arena, 512);
    size_t index;
    json_t *value;
    json_array_foreach(list, index, value)
    {
        struct str word = str_from_c(json_string_value(value));
        if (report_is_name(word))
            buf_printf(&words, "%s%.*s", words.length > 0 ? " " : "", STR_ARG(word));
    }
    return buf_c(&words);
}

/* MET-11 */
static struct idp_features read_features(struct arena *arena, const json_t *json)
{
    return (struct idp_features){
        .has_pkce_s256 = list_has(json, "code_challenge_methods_supported", "S256") == LIST_HAS,
        .has_response_iss =
            json_is_true(json_object_get(json, "authorization_response_iss_parameter_supported")),
        .has_end_session = json_object_get(json, "end_session_endpoint") != NULL,
        .has_backchannel_logout = json_is_true(json_object_get(json, "backchannel_logout_supported")),
        .has_backchannel_session =
            json_is_true(json_object_get(json, "backchannel_logout_session_supported")),
        .has_frontchannel_logout = json_is_true(json_object_get(json, "frontchannel_logout_supported")),
        .auth_methods = list_words(arena, json, "token_endpoint_auth_methods_supported"),
        .signing_algs = list_words(arena, json, "id_token_signing_alg_values_supported"),
    };
}

static bool is_fully_overridden(const struct idp_connection *connection)
{
    return connection->authorization_endpoint != NULL && connection->token_endpoint != NULL &&
           (connection->jwks_uri != NULL || !discovery_needs_keys(connection)) &&
           (connection->userinfo_endpoint != NULL || connection->userinfo == IDP_USERINFO_OFF);
}

enum idp_result discovery_resolve(struct document_cache *cache, const struct idp_connection *connection,
                                  bool is_http_allowed, struct arena *arena, struct provider *out_provider,
                                  struct failure *failure)
{
    *out_provider = (struct provider){0};
    out_provider->facts.origin = IDP_ORIGIN_CONFIGURED;
    if (is_fully_overridden(connection))
        return provider_fill(connection, NULL, is_http_allowed, arena, out_provider, failure);

    const char *url = connection->metadata_url;
    if (url == NULL) { /* MET-1 */
        struct str issuer = str_from_c(connection->issuer);
        if (str_ends_with(issuer, STR("/")))
            issuer.length--;
        url = arena_printf(arena, "%.*s/.well-known/openid-configuration", STR_ARG(issuer));
    }
    if (!discovery_is_url_safe(url, is_http_allowed)) {
        failure_set(failure, "the metadata URL is no https URL");
        return IDP_CONNECTION_INVALID;
    }
    const struct document_source source = {
        connection->id,          url, connection->issuer, connection->ca_file, connection->is_private_allowed,
        connection->answer_by_ms};
    struct document *document = NULL;
    enum idp_result result =
        document_get(cache, &discovery_metadata_kind, &source, &document, &out_provider->facts, failure);
    if (result != IDP_OK)
        return result;
    const struct metadata *metadata = document_value(document);
    out_provider->features = read_features(arena, metadata->json);
    result = provider_fill(connection, metadata->json, is_http_allowed, arena, out_provider, failure);
    out_provider->is_iss_promised = metadata->is_iss_promised;
    document_release(&document);
    return result;
}
