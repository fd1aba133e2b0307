/* What applications may ask of our OpenID provider, and how they prove who they are. */
#include "sso/provider_client.h"
#include "sso/provider_request.h"

#include "base/codec.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define CALLBACK "https%3A%2F%2Fapp.example%2Fcb"
#define CHALLENGE "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
#define SOUND                                                                                                \
    "client_id=apotheek&redirect_uri=" CALLBACK "&response_type=code&scope=openid"                           \
    "&code_challenge=" CHALLENGE "&code_challenge_method=S256"

static struct arena *arena;
static struct sso_host host = {STR("h"), STR("secure"), STR("production"), STR("https://secure.example")};
static struct sso_connection connections[] = {
    {.platform = STR("secure"),
     .environment = STR("production"),
     .customer_key = STR("zon"),
     .provider_key = STR("ysis"),
     .status = STR("active")},
    {.platform = STR("secure"),
     .environment = STR("production"),
     .customer_key = STR("zon"),
     .provider_key = STR("adfs"),
     .status = STR("active")},
    {.platform = STR("secure"),
     .environment = STR("acceptance"),
     .customer_key = STR("zon"),
     .provider_key = STR("ysis"),
     .status = STR("active")},
    {.platform = STR("secure"),
     .environment = STR("production"),
     .customer_key = STR("maan"),
     .provider_key = STR("ysis"),
     .status = STR("active")},
};
static struct sso_application applications[] = {
    {.platform = STR("secure"),
     .environment = STR("production"),
     .client_id = STR("apotheek"),
     .status = STR("active"),
     .customer_key = STR("zon"),
     .connections = STR("zon_ysis"),
     .client_auth = STR("secret"),
     .secret = STR("s+/: &x"),
     .redirect_uris = STR("https://other.example/ https://app.example/cb")},
    {.platform = STR("secure"),
     .environment = STR("production"),
     .client_id = STR("mobiel"),
     .status = STR("active"),
     .customer_key = STR("zon"),
     .client_auth = STR("none"),
     .redirect_uris = STR("https://app.example/cb")},
    {.platform = STR("secure"),
     .environment = STR("acceptance"),
     .client_id = STR("proef"),
     .status = STR("active"),
     .customer_key = STR("zon"),
     .client_auth = STR("none"),
     .redirect_uris = STR("https://app.example/cb")},
};
static const struct sso_data data = {
    .connections = connections, .connection_count = 4, .applications = applications, .application_count = 3};

static int set_up(void **state)
{
    (void)state;
    arena = arena_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static enum provider_request_result parse(const char *text, struct provider_request *out_request)
{
    struct form form;
    assert_int_equal(form_parse(arena, str_from_c(text), &form), OK);
    return provider_request_parse(&form, &data, &host, out_request);
}

static void a_sound_request_is_read(void **state)
{
    (void)state;
    struct provider_request request;
    assert_int_equal(parse(SOUND "&state=s%20t&nonce=n&prompt=login&max_age=60&ui_locales=nl&foo=1&foo=2"
                                 "&connection=zon_ysis",
                           &request),
                     PROVIDER_REQUEST_OK);
    assert_ptr_equal(request.application, &applications[0]);
    assert_ptr_equal(request.connection, &connections[0]);
    assert_true(str_equal_c(request.redirect_uri, "https://app.example/cb"));
    assert_true(str_equal_c(request.state, "s t"));
    assert_true(str_equal_c(request.nonce, "n"));
    assert_true(str_equal_c(request.code_challenge, CHALLENGE));
    assert_true(request.is_prompt_login && !request.is_prompt_none);
    assert_false(request.has_profile || request.has_email);
    assert_int_equal(request.max_age_s, 60);

    assert_int_equal(parse(SOUND "&scope2=x", &request), PROVIDER_REQUEST_OK);
    assert_int_equal(request.max_age_s, -1);
    assert_null(request.connection);
}

static void nothing_goes_to_an_address_that_is_not_registered(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "client_id=niemand&redirect_uri=" CALLBACK,
        "client_id=proef&redirect_uri=" CALLBACK, /* of another environment */
        "client_id=apotheek",
        "client_id=apotheek&redirect_uri=",
        "client_id=apotheek&redirect_uri=" CALLBACK "%2F",
        "client_id=apotheek&redirect_uri=https%3A%2F%2Fapp.example%2Fc",
        "client_id=apotheek&redirect_uri=https%3A%2F%2Fother.example%2F%20https%3A%2F%2Fapp.example%2Fcb",
        "client_id=apotheek&redirect_uri=" CALLBACK "&redirect_uri=" CALLBACK,
        "client_id=apotheek&client_id=apotheek&redirect_uri=" CALLBACK,
        "client_id=apotheek&redirect_uri=%FF",
    };
    struct provider_request request;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(parse(cases[i], &request), PROVIDER_REQUEST_UNTRUSTED);
        assert_non_null(request.description);
        assert_int_equal(request.redirect_uri.length, 0);
    }
}

static void every_fault_has_its_code(void **state)
{
    (void)state;
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"&state=a&state=b", "invalid_request"},
        {"&state=%0A", "invalid_request"},
        {"&nonce=a&nonce=b", "invalid_request"},
        {"&nonce=%C3%A9", "invalid_request"},
        {"&response_mode=form_post", "invalid_request"},
        {"&request=x", "request_not_supported"},
        {"&request_uri=x", "request_uri_not_supported"},
        {"&prompt=none%20login", "invalid_request"},
        {"&prompt=none&prompt=none", "invalid_request"},
        {"&max_age=x", "invalid_request"},
        {"&max_age=99999999999999999999", "invalid_request"},
        {"&id_token_hint=a&id_token_hint=b", "invalid_request"},
        {"&connection=zon_adfs", "invalid_request"}, /* the application serves one only */
        {"&connection=maan_ysis", "invalid_request"},
        {"&connection=zon", "invalid_request"},
        {"&code_challenge_method=S256", "invalid_request"},
    };
    struct provider_request request;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(parse(arena_printf(arena, "%s%s", SOUND, cases[i].text), &request),
                         PROVIDER_REQUEST_REFUSED);
        assert_string_equal(request.error, cases[i].error);
        assert_true(str_equal_c(request.redirect_uri, "https://app.example/cb"));
    }
    static const char start[] = "client_id=mobiel&redirect_uri=" CALLBACK "&state=z";
    static const struct {
        const char *text, *error;
    } bare[] = {
        {"&scope=openid&code_challenge=" CHALLENGE "&code_challenge_method=S256", "invalid_request"},
        {"&response_type=token", "unsupported_response_type"},
        {"&response_type=code&scope=openid", "invalid_request"},
        {"&response_type=code&scope=openid&code_challenge=" CHALLENGE, "invalid_request"},
        {"&response_type=code&scope=openid&code_challenge_method=S256&code_challenge=kort",
         "invalid_request"},
        {"&response_type=code&scope=openidx&code_challenge_method=S256&code_challenge=" CHALLENGE,
         "invalid_scope"},
    };
    for (size_t i = 0; i < sizeof bare / sizeof *bare; i++) {
        assert_int_equal(parse(arena_printf(arena, "%s%s", start, bare[i].text), &request),
                         PROVIDER_REQUEST_REFUSED);
        assert_string_equal(request.error, bare[i].error);
        assert_true(str_equal_c(request.state, "z"));
    }
}

static void an_application_serves_its_own_connections(void **state)
{
    (void)state;
    assert_true(provider_serves(&applications[0], &connections[0]));
    assert_false(provider_serves(&applications[0], &connections[1]));
    assert_true(provider_serves(&applications[1], &connections[0]));
    assert_true(provider_serves(&applications[1], &connections[1]));
    assert_false(provider_serves(&applications[1], &connections[2]));
    assert_false(provider_serves(&applications[1], &connections[3]));
    assert_true(str_equal_c(provider_issuer(arena, &host), "https://secure.example/sso/oidc"));
}

static enum provider_client_result authenticate(const char *header, const char *body, const char **out_client)
{
    struct http_header headers[] = {{STR("Authorization"), str_from_c(header)}};
    struct http_request request = {
        .arena = arena, .headers = headers, .header_count = header != NULL ? 1 : 0};
    const struct sso_application *application = NULL;
    struct str client_id;
    struct form form;
    assert_int_equal(form_parse(arena, str_from_c(body), &form), OK);
    enum provider_client_result result =
        provider_authenticate(&request, &form, &data, &host, &application, &client_id);
    *out_client = application != NULL
                      ? arena_strndup(arena, application->client_id.data, application->client_id.length)
                      : NULL;
    return result;
}

static const char *basic(const char *text)
{
    struct str coded = codec_base64(arena, str_from_c(text));
    return arena_printf(arena, "Basic %.*s", STR_ARG(coded));
}

static void clients_prove_who_they_are(void **state)
{
    (void)state;
    const char *client;
    assert_int_equal(authenticate(basic("apotheek:s%2B%2F%3A+%26x"), "", &client), PROVIDER_CLIENT_OK);
    assert_string_equal(client, "apotheek");
    assert_int_equal(authenticate(NULL, "client_id=apotheek&client_secret=s%2B%2F%3A%20%26x", &client),
                     PROVIDER_CLIENT_OK);
    assert_int_equal(authenticate(NULL, "client_id=mobiel", &client), PROVIDER_CLIENT_OK);
    assert_string_equal(client, "mobiel");
    assert_int_equal(authenticate(basic("apotheek:s%2B%2F%3A+%26x"), "client_id=apotheek", &client),
                     PROVIDER_CLIENT_OK);

    const struct {
        const char *header, *body;
        enum provider_client_result result;
    } cases[] = {
        {NULL, "", PROVIDER_CLIENT_INVALID},
        {NULL, "client_id=apotheek", PROVIDER_CLIENT_INVALID},
        {NULL, "client_id=apotheek&client_secret=", PROVIDER_CLIENT_INVALID},
        {NULL, "client_id=apotheek&client_secret=mis", PROVIDER_CLIENT_INVALID},
        {NULL, "client_id=mobiel&client_secret=x", PROVIDER_CLIENT_INVALID},
        {NULL, "client_id=mobiel&client_secret=", PROVIDER_CLIENT_INVALID},
        {NULL, "client_id=proef", PROVIDER_CLIENT_INVALID},
        {NULL, "client_id=mobiel&client_id=mobiel", PROVIDER_CLIENT_INVALID_REQUEST},
        {basic("apotheek:mis"), "", PROVIDER_CLIENT_INVALID},
        {basic("apotheek"), "", PROVIDER_CLIENT_INVALID},
        {basic("apotheek:a%2"), "", PROVIDER_CLIENT_INVALID},
        {basic("apotheek:a&v=b"), "", PROVIDER_CLIENT_INVALID},
        {"Basic ***", "", PROVIDER_CLIENT_INVALID},
        {"Basic", "", PROVIDER_CLIENT_INVALID},
        {"Bearer abc", "", PROVIDER_CLIENT_INVALID},
        {basic("apotheek:s%2B%2F%3A+%26x"), "client_secret=x", PROVIDER_CLIENT_INVALID_REQUEST},
        {basic("apotheek:s%2B%2F%3A+%26x"), "client_id=mobiel", PROVIDER_CLIENT_INVALID_REQUEST},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(authenticate(cases[i].header, cases[i].body, &client), cases[i].result);
        assert_null(client);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(a_sound_request_is_read, set_up, tear_down),
    cmocka_unit_test_setup_teardown(nothing_goes_to_an_address_that_is_not_registered, set_up, tear_down),
    cmocka_unit_test_setup_teardown(every_fault_has_its_code, set_up, tear_down),
    cmocka_unit_test_setup_teardown(an_application_serves_its_own_connections, set_up, tear_down),
    cmocka_unit_test_setup_teardown(clients_prove_who_they_are, set_up, tear_down),
};

int main(void)
{
    return cmocka_run_group_tests_name("provider_request", tests, NULL, NULL);
}
