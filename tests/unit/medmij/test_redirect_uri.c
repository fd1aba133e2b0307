/* The redirect URI of a MedMij client (spec 3.1): the host is compared as parsed, and nothing else gets
 * through. */
#include "medmij/redirect_uri.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define HOST STR("medmij.deenigeechtepgo.nl")

static void accepts(const char *uri)
{
    if (redirect_uri_check(str_from_c(uri), HOST, false) != OK)
        fail_msg("refused: %s", uri);
}

static void refuses(const char *uri)
{
    if (redirect_uri_check(str_from_c(uri), HOST, false) != FAILED)
        fail_msg("accepted: %s", uri);
    if (redirect_uri_check(str_from_c(uri), HOST, true) != FAILED)
        fail_msg("accepted in development mode: %s", uri);
}

static void a_path_is_optional(void **state)
{
    (void)state;
    accepts("https://medmij.deenigeechtepgo.nl");
    accepts("https://medmij.deenigeechtepgo.nl/");
    accepts("https://medmij.deenigeechtepgo.nl/cb");
    accepts("https://medmij.deenigeechtepgo.nl/a/b;c=d,e/~f_g-h.i!$&'()*+:@%2Fj");
}

static void the_scheme_is_https(void **state)
{
    (void)state;
    refuses("http://medmij.deenigeechtepgo.nl/cb");
    refuses("HTTPS://medmij.deenigeechtepgo.nl/cb");
    refuses("https:medmij.deenigeechtepgo.nl/cb");
    refuses("https:/medmij.deenigeechtepgo.nl/cb");
    refuses("https:///medmij.deenigeechtepgo.nl/cb");
    refuses("//medmij.deenigeechtepgo.nl/cb");
    refuses("/cb");
    refuses("medmij.deenigeechtepgo.nl");
    refuses("javascript://medmij.deenigeechtepgo.nl/%0aalert(1)");
    refuses("data:text/html,medmij.deenigeechtepgo.nl");
    refuses("pgo://medmij.deenigeechtepgo.nl/cb");
    refuses(" https://medmij.deenigeechtepgo.nl/cb");
    refuses("");
}

static void the_host_is_equal_and_not_merely_alike(void **state)
{
    (void)state;
    refuses("https://medmij.deenigeechtepgo.nl.evil.example/cb");
    refuses("https://medmij.deenigeechtepgo.nlx/cb");
    refuses("https://evil-medmij.deenigeechtepgo.nl/cb");
    refuses("https://sub.medmij.deenigeechtepgo.nl/cb");
    refuses("https://deenigeechtepgo.nl/cb");
    refuses("https://medmij.deenigeechtepgo.nl./cb");
    refuses("https://MEDMIJ.deenigeechtepgo.nl/cb");
    refuses("https://medmij.deenigeechtepgo.n%6C/cb");
    refuses("https://evil.example/medmij.deenigeechtepgo.nl");
    refuses("https://evil.example/https://medmij.deenigeechtepgo.nl");
    refuses("https://");
    refuses("https:///");
}

static void no_userinfo(void **state)
{
    (void)state;
    refuses("https://medmij.deenigeechtepgo.nl@evil.example/cb");
    refuses("https://evil.example@medmij.deenigeechtepgo.nl/cb");
    refuses("https://medmij.deenigeechtepgo.nl:pw@evil.example/cb");
    refuses("https://@medmij.deenigeechtepgo.nl/cb");
}

static void no_port(void **state)
{
    (void)state;
    refuses("https://medmij.deenigeechtepgo.nl:443/cb");
    refuses("https://medmij.deenigeechtepgo.nl:8443/cb");
    refuses("https://medmij.deenigeechtepgo.nl:/cb");
    refuses("https://medmij.deenigeechtepgo.nl:");
}

static void no_query_and_no_fragment(void **state)
{
    (void)state;
    refuses("https://medmij.deenigeechtepgo.nl/cb?");
    refuses("https://medmij.deenigeechtepgo.nl/cb?x=y");
    refuses("https://medmij.deenigeechtepgo.nl?x=y");
    refuses("https://medmij.deenigeechtepgo.nl/cb#");
    refuses("https://medmij.deenigeechtepgo.nl/cb#f");
    refuses("https://medmij.deenigeechtepgo.nl#@evil.example/");
    refuses("https://evil.example#medmij.deenigeechtepgo.nl");
    refuses("https://evil.example?medmij.deenigeechtepgo.nl");
}

static void nothing_that_browsers_rewrite_or_headers_end_at(void **state)
{
    (void)state;
    refuses("https://medmij.deenigeechtepgo.nl\\@evil.example/cb");
    refuses("https:\\\\medmij.deenigeechtepgo.nl\\cb");
    refuses("https://medmij.deenigeechtepgo.nl\\.evil.example/cb");
    refuses("https://evil.example\\medmij.deenigeechtepgo.nl");
    refuses("https://medmij.deenigeechtepgo.nl/cb\r\nSet-Cookie: a=b");
    refuses("https://medmij.deenigeechtepgo.nl/c b");
    refuses("https://medmij.deenigeechtepgo.nl/c\tb");
    refuses("https://medmij.deenigeechtepgo.nl\t/cb");
    refuses("https://medmij.deenigeechtepgo.nl/\"><script>");
    refuses("https://medmij.deenigeechtepgo.nl/{x}");
    refuses("https://medmij.deenigeechtepgo.nl/|");
    refuses("https://medmij.deenigeechtepgo.nl/^`");
    refuses("https://medmij.deenigeechtepgo.nl/caf\xC3\xA9");
    refuses("https://medmij.deenigeechtepgo.nl\xE3\x80\x82"
            "evil.example/cb");
    static const char with_nul[] = "https://medmij.deenigeechtepgo.nl\0.evil.example";
    assert_int_equal(redirect_uri_check(str_of(with_nul, sizeof with_nul - 1), HOST, false), FAILED);
    static const char nul_in_path[] = "https://medmij.deenigeechtepgo.nl/a\0b";
    assert_int_equal(redirect_uri_check(str_of(nul_in_path, sizeof nul_in_path - 1), HOST, false), FAILED);
}

static void percent_signs_start_an_octet(void **state)
{
    (void)state;
    accepts("https://medmij.deenigeechtepgo.nl/%41%aF");
    refuses("https://medmij.deenigeechtepgo.nl/%");
    refuses("https://medmij.deenigeechtepgo.nl/%4");
    refuses("https://medmij.deenigeechtepgo.nl/%4g");
    refuses("https://medmij.deenigeechtepgo.nl/%%41");
}

static void length_is_capped(void **state)
{
    (void)state;
    char uri[REDIRECT_URI_MAX + 2];
    memset(uri, 'a', sizeof uri);
    memcpy(uri, "https://medmij.deenigeechtepgo.nl/", 34);
    assert_int_equal(redirect_uri_check(str_of(uri, REDIRECT_URI_MAX), HOST, false), OK);
    assert_int_equal(redirect_uri_check(str_of(uri, REDIRECT_URI_MAX + 1), HOST, false), FAILED);
}

static void development_mode_opens_localhost_names_only(void **state)
{
    (void)state;
    struct str local = STR("pgo.localhost");
    assert_int_equal(redirect_uri_check(STR("http://pgo.localhost:8090/callback"), local, true), OK);
    assert_int_equal(redirect_uri_check(STR("https://pgo.localhost:8090"), local, true), OK);
    assert_int_equal(redirect_uri_check(STR("https://pgo.localhost/callback"), local, false), OK);
    assert_int_equal(redirect_uri_check(STR("http://pgo.localhost:8090/callback"), local, false), FAILED);
    assert_int_equal(redirect_uri_check(STR("https://pgo.localhost:8090/callback"), local, false), FAILED);
    assert_int_equal(redirect_uri_check(STR("http://evil.localhost:8090/callback"), local, true), FAILED);
    assert_int_equal(redirect_uri_check(STR("http://pgo.localhost:8090@evil.example/"), local, true), FAILED);
    assert_int_equal(redirect_uri_check(STR("http://pgo.localhost:/"), local, true), FAILED);
    assert_int_equal(redirect_uri_check(STR("http://pgo.localhost:0/"), local, true), FAILED);
    assert_int_equal(redirect_uri_check(STR("http://pgo.localhost:65536/"), local, true), FAILED);
    assert_int_equal(redirect_uri_check(STR("http://pgo.localhost:80x/"), local, true), FAILED);
    assert_int_equal(redirect_uri_check(STR("http://pgo.localhost:080/"), local, true), FAILED);
    assert_int_equal(redirect_uri_check(STR("http://xlocalhost.nl/"), STR("xlocalhost.nl"), true), FAILED);
}

static void a_client_host_that_is_no_host_name_never_matches(void **state)
{
    (void)state;
    assert_int_equal(redirect_uri_check(STR("https:///cb"), STR_NONE, false), FAILED);
    assert_int_equal(redirect_uri_check(STR("https://localhost/cb"), STR("localhost"), true), FAILED);
    assert_int_equal(redirect_uri_check(STR("https://a@b.nl/cb"), STR("a@b.nl"), false), FAILED);
    assert_int_equal(redirect_uri_check(STR("https://[::1]/cb"), STR("[::1]"), false), FAILED);
}

static void host_names_follow_the_pattern_of_the_lists(void **state)
{
    (void)state;
    assert_true(medmij_is_hostname(STR("pgo.localhost")));
    assert_true(medmij_is_hostname(STR("78834.umcharderwijk.nl")));
    assert_true(medmij_is_hostname(STR("a.b.c-d.nl")));
    assert_true(medmij_is_hostname(STR("xn--caf-dma.nl")));
    assert_true(medmij_is_hostname(STR("a-.nl"))); /* the schema's pattern allows it */
    assert_false(medmij_is_hostname(STR_NONE));
    assert_false(medmij_is_hostname(STR("localhost")));
    assert_false(medmij_is_hostname(STR("nl.")));
    assert_false(medmij_is_hostname(STR(".nl")));
    assert_false(medmij_is_hostname(STR("a..nl")));
    assert_false(medmij_is_hostname(STR("a.nl.")));
    assert_false(medmij_is_hostname(STR("-a.nl")));
    assert_false(medmij_is_hostname(STR("a.nl-")));
    assert_false(medmij_is_hostname(STR("a.n")));
    assert_false(medmij_is_hostname(STR("A.nl")));
    assert_false(medmij_is_hostname(STR("a_b.nl")));
    assert_false(medmij_is_hostname(STR("*.a.nl")));
    assert_false(medmij_is_hostname(STR("a.nl:443")));
    assert_false(medmij_is_hostname(STR("a.nl/")));
    assert_false(medmij_is_hostname(STR("a.nl\n")));
    char name[256];
    memset(name, 'a', sizeof name);
    memcpy(name + 63, ".nl", 3);
    assert_true(medmij_is_hostname(str_of(name, 66)));
    name[63] = 'a';
    memcpy(name + 64, ".nl", 3);
    assert_false(medmij_is_hostname(str_of(name, 67))); /* a label of 64 */
    for (size_t i = 0; i < sizeof name; i++)
        name[i] = i % 4 == 3 ? '.' : 'a';
    assert_true(medmij_is_hostname(str_of(name, 251)));
    assert_false(medmij_is_hostname(str_of(name, 255)));
}

static void parameters_are_encoded_and_the_uri_kept_as_sent(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const char *const names[] = {"code", "state"};
    assert_string_equal(redirect_uri_append(arena, STR("https://medmij.x.nl"), names,
                                            (struct str[]){STR("abc-_~."), STR("a b&c=d#?%\"'/+")}, 2),
                        "https://medmij.x.nl?code=abc-_~.&state=a%20b%26c%3Dd%23%3F%25%22%27%2F%2B");
    assert_string_equal(
        redirect_uri_append(arena, STR("https://medmij.x.nl/a%2Fb"), names, (struct str[]){STR("x")}, 1),
        "https://medmij.x.nl/a%2Fb?code=x");
    char bytes[512];
    memset(bytes, ' ', sizeof bytes);
    const char *longest = redirect_uri_append(arena, STR("https://medmij.x.nl/"), names,
                                              (struct str[]){STR(""), str_of(bytes, sizeof bytes)}, 2);
    assert_int_equal(strlen(longest), 20 + 6 + 7 + 3 * sizeof bytes);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_is_optional),
        cmocka_unit_test(the_scheme_is_https),
        cmocka_unit_test(the_host_is_equal_and_not_merely_alike),
        cmocka_unit_test(no_userinfo),
        cmocka_unit_test(no_port),
        cmocka_unit_test(no_query_and_no_fragment),
        cmocka_unit_test(nothing_that_browsers_rewrite_or_headers_end_at),
        cmocka_unit_test(percent_signs_start_an_octet),
        cmocka_unit_test(length_is_capped),
        cmocka_unit_test(development_mode_opens_localhost_names_only),
        cmocka_unit_test(a_client_host_that_is_no_host_name_never_matches),
        cmocka_unit_test(host_names_follow_the_pattern_of_the_lists),
        cmocka_unit_test(parameters_are_encoded_and_the_uri_kept_as_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
