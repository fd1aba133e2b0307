/* Which connection a request is for: ADR-1 to -8. */
#include "sso/slug.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct arena *arena;

static struct sso_host hosts[] = {
    {STR("secure.voorbeeld.nl"), STR("secure"), STR("production"), STR("https://secure.voorbeeld.nl")},
    {STR("acceptance-secure.voorbeeld.nl"), STR("secure"), STR("acceptance"),
     STR("https://acceptance-secure.voorbeeld.nl")},
    {STR("ggz.voorbeeld.nl"), STR("ggz"), STR("production"), STR("https://ggz.voorbeeld.nl")},
    {STR("localhost:8080"), STR("demo"), STR("production"), STR("http://localhost:8080")},
};
static struct sso_connection connections[] = {
    {.id = STR("p"),
     .platform = STR("secure"),
     .environment = STR("production"),
     .customer_key = STR("zonnestraaltjes"),
     .provider_key = STR("ysis"),
     .callback_mode = STR("same_url")},
    {.id = STR("a"),
     .platform = STR("secure"),
     .environment = STR("acceptance"),
     .customer_key = STR("zonnestraaltjes"),
     .provider_key = STR("ysis"),
     .callback_mode = STR("separate")},
};
static struct sso_data data;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new();
    data =
        (struct sso_data){.hosts = hosts, .host_count = 4, .connections = connections, .connection_count = 2};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static void ADR1_customer_and_provider_stand_in_the_path(void **state)
{
    (void)state;
    const struct {
        const char *tail, *customer, *provider;
    } cases[] = {
        {"zonnestraaltjes_azure", "zonnestraaltjes", "azure"},
        {"ggzmidden_helloid", "ggzmidden", "helloid"},
        {"zorg-aan-zee_adfs", "zorg-aan-zee", "adfs"},
        {"ab_12", "ab", "12"},
        {"a234567890123456789012345678901234567890_p234567890123456",
         "a234567890123456789012345678901234567890", "p234567890123456"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct slug slug;
        assert_int_equal(slug_parse(arena, str_from_c(cases[i].tail), &slug), OK);
        assert_true(str_equal_c(slug.text, cases[i].tail));
        assert_true(str_equal_c(slug.customer_key, cases[i].customer));
        assert_true(str_equal_c(slug.provider_key, cases[i].provider));
        assert_int_equal(slug.tail, SLUG_START);
    }
}

static void ADR5_case_does_not_count(void **state)
{
    (void)state;
    struct slug slug;
    assert_int_equal(slug_parse(arena, STR("ZonneStraaltjes_YSIS"), &slug), OK);
    assert_true(str_equal_c(slug.text, "zonnestraaltjes_ysis"));
}

static void ADR5_anything_else_is_refused(void **state)
{
    (void)state;
    const char *tails[] = {
        "",
        "/",
        "zonnestraaltjes",
        "zonnestraaltjes_",
        "_ysis",
        "a_ysis",
        "zonnestraaltjes_y",
        "zonne_straaltjes_ysis",
        "zonnestraaltjes__ysis",
        "zonnestraaltjes_ys-is",
        "zonne.straaltjes_ysis",
        "zonnestraaltjes_ysis/",
        "zonnestraaltjes_ysis//callback",
        "zonnestraaltjes_ysis/callback/",
        "zonnestraaltjes_ysis/Callback",
        "zonnestraaltjes_ysis/keys",
        "zonnestraaltjes_ysis/..",
        "zonnestraaltjes%5Fysis",
        "zonnestraaltjes_ysis?x",
        " zonnestraaltjes_ysis",
        "zonnestraaltjes_ysis ",
        "../zonnestraaltjes_ysis",
        "zonn\xc3\xa9_ysis",
        "zonnestraaltjes_ysis\n",
        "a2345678901234567890123456789012345678901_ysis",
        "zonnestraaltjes_p2345678901234567",
    };
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        struct slug slug;
        if (slug_parse(arena, str_from_c(tails[i]), &slug) != FAILED)
            fail_msg("accepted: %s", tails[i]);
    }
    struct slug slug;
    assert_int_equal(slug_parse(arena, str_of("zonne\0s_ysis", 12), &slug), FAILED);
    assert_int_equal(slug_parse(arena, STR_NONE, &slug), FAILED);
}

static void ADR8_the_tails_behind_a_slug(void **state)
{
    (void)state;
    const struct {
        const char *text;
        enum slug_tail tail;
    } cases[] = {
        {"zon_ysis", SLUG_START},
        {"zon_ysis/callback", SLUG_CALLBACK},
        {"zon_ysis/backchannel-logout", SLUG_BACKCHANNEL_LOGOUT},
        {"zon_ysis/frontchannel-logout", SLUG_FRONTCHANNEL_LOGOUT},
        {"zon_ysis/logged-out", SLUG_LOGGED_OUT},
        {"zon_ysis/jwks", SLUG_JWKS},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct slug slug;
        assert_int_equal(slug_parse(arena, str_from_c(cases[i].text), &slug), OK);
        assert_int_equal(slug.tail, cases[i].tail);
        assert_true(str_equal_c(slug.text, "zon_ysis"));
    }
}

static const struct sso_host *host_of(const char *name, size_t times)
{
    struct http_header headers[2] = {{STR("host"), str_from_c(name)}, {STR("Host"), str_from_c(name)}};
    struct http_request request = {.headers = headers, .header_count = times};
    return slug_find_host(&data, &request);
}

static void ADR2_the_host_is_a_row_of_a_table(void **state)
{
    (void)state;
    assert_ptr_equal(host_of("secure.voorbeeld.nl", 1), &hosts[0]);
    assert_ptr_equal(host_of("Acceptance-Secure.Voorbeeld.NL", 1), &hosts[1]);
    assert_ptr_equal(host_of("localhost:8080", 1), &hosts[3]);
    const char *others[] = {"",
                            "voorbeeld.nl",
                            "secure.voorbeeld.nl.",
                            "localhost",
                            "localhost:80801",
                            "secure.voorbeeld.nl:443",
                            "xsecure.voorbeeld.nl",
                            "secure.voorbeeld.nl.evil.example"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_null(host_of(others[i], 1));
    assert_null(host_of("secure.voorbeeld.nl", 0));
    assert_null(host_of("secure.voorbeeld.nl", 2));
}

static void ADR4_platform_environment_and_slug_select_the_connection(void **state)
{
    (void)state;
    struct slug slug;
    assert_int_equal(slug_parse(arena, STR("Zonnestraaltjes_ysis"), &slug), OK);
    assert_ptr_equal(slug_find_connection(&data, &hosts[0], &slug), &connections[0]);
    assert_ptr_equal(slug_find_connection(&data, &hosts[1], &slug), &connections[1]);
    assert_null(slug_find_connection(&data, &hosts[2], &slug));
    assert_int_equal(slug_parse(arena, STR("zonnestraaltjes_azure"), &slug), OK);
    assert_null(slug_find_connection(&data, &hosts[0], &slug));
}

static void ADR6_urls_are_built_from_the_configuration(void **state)
{
    (void)state;
    assert_true(str_equal_c(slug_start_url(arena, &hosts[0], &connections[0]),
                            "https://secure.voorbeeld.nl/sso/openidconnect/zonnestraaltjes_ysis"));
    assert_true(str_equal_c(slug_redirect_uri(arena, &hosts[0], &connections[0]),
                            "https://secure.voorbeeld.nl/sso/openidconnect/zonnestraaltjes_ysis"));
    assert_true(str_equal_c(
        slug_redirect_uri(arena, &hosts[1], &connections[1]),
        "https://acceptance-secure.voorbeeld.nl/sso/openidconnect/zonnestraaltjes_ysis/callback"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ADR1_customer_and_provider_stand_in_the_path, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ADR2_the_host_is_a_row_of_a_table, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ADR4_platform_environment_and_slug_select_the_connection, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(ADR5_case_does_not_count, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ADR5_anything_else_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ADR6_urls_are_built_from_the_configuration, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ADR8_the_tails_behind_a_slug, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("slug", tests, NULL, NULL);
}
