/* Requests of applications at our OpenID provider: the first line is an Authorization header, the rest the
 * parameters. Nothing that is accepted, or answered by a redirect, leaves the registered addresses. */
#include "sso/provider_client.h"
#include "sso/provider_request.h"

#include "fuzz.h"

static struct sso_host host = {STR("h"), STR("secure"), STR("production"), STR("https://secure.example")};
static struct sso_connection connection = {.platform = STR("secure"),
                                           .environment = STR("production"),
                                           .customer_key = STR("zon"),
                                           .provider_key = STR("ysis"),
                                           .status = STR("active")};
static struct sso_application applications[] = {
    {.platform = STR("secure"),
     .environment = STR("production"),
     .client_id = STR("app"),
     .status = STR("active"),
     .customer_key = STR("zon"),
     .client_auth = STR("none"),
     .redirect_uris = STR("https://a/ https://b/")},
    {.platform = STR("secure"),
     .environment = STR("production"),
     .client_id = STR("web"),
     .status = STR("active"),
     .customer_key = STR("zon"),
     .client_auth = STR("secret"),
     .secret = STR("a secret that no input knows: 5d1f"),
     .redirect_uris = STR("https://a/")},
};
static const struct sso_data sso = {
    .connections = &connection, .connection_count = 1, .applications = applications, .application_count = 2};

static void try_authorize(const struct form *form)
{
    struct provider_request request;
    enum provider_request_result result = provider_request_parse(form, &sso, &host, &request);
    check(result == PROVIDER_REQUEST_OK || request.description != NULL);
    if (result == PROVIDER_REQUEST_UNTRUSTED)
        return;
    check(str_equal_c(request.redirect_uri, "https://a/") || str_equal_c(request.redirect_uri, "https://b/"));
    check(str_is_printable_ascii(request.state) && request.state.length <= 2048);
    check(result == PROVIDER_REQUEST_OK || request.error != NULL);
    if (result == PROVIDER_REQUEST_OK)
        check(request.code_challenge.length == 43 && str_is_printable_ascii(request.nonce) &&
              !(request.is_prompt_none && request.is_prompt_login) && request.max_age_s >= -1);
}

static void try_authenticate(struct arena *arena, const struct form *form, struct str header)
{
    struct http_header headers[] = {{STR("Authorization"), header}};
    struct http_request request = {
        .arena = arena, .headers = headers, .header_count = header.length > 0 ? 1 : 0};
    const struct sso_application *application = NULL;
    struct str client_id;
    enum provider_client_result result =
        provider_authenticate(&request, form, &sso, &host, &application, &client_id);
    check(str_is_printable_ascii(client_id) && client_id.length <= 40);
    check((result == PROVIDER_CLIENT_OK) == (application != NULL));
    check(application == NULL || application == &applications[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    struct str input = str_of(data, size);
    size_t line = str_find(input, '\n');
    struct form form;
    if (form_parse(arena, str_slice(input, line + 1, size), &form) == OK) {
        try_authorize(&form);
        try_authenticate(arena, &form, str_slice(input, 0, line));
    }
    arena_free(&arena);
    return 0;
}
