/* What arrives at a connection's URL: INI-1, -2, -4, -6, -8, and telling a start from a callback. */
#include "sso/start_request.h"

#include "sso/views.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ISSUER "https://zonnestraaltjes.ysis.example/cas/oidc"
#define ORIGIN "https://secure.voorbeeld.nl"
#define START_URL ORIGIN "/sso/openidconnect/zonnestraaltjes_ysis"

static struct arena *arena;
static struct sso_data data;
static struct sso_host host;
static struct sso_connection connection;
static struct http_request request;
static struct http_header headers[8];
static struct start_request start;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new();
    data = (struct sso_data){0};
    host = (struct sso_host){.name = STR("secure.voorbeeld.nl"), .base_url = STR(ORIGIN)};
    connection = (struct sso_connection){.customer_key = STR("zonnestraaltjes"),
                                         .provider_key = STR("ysis"),
                                         .issuer = STR(ISSUER),
                                         .callback_mode = STR("same_url"),
                                         .is_target_strict = true,
                                         .patient_context = STR("external_id")};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static void make_request(enum http_method method, struct str parameters)
{
    request = (struct http_request){.arena = arena,
                                    .method = method,
                                    .headers = headers,
                                    .path = STR("/sso/openidconnect/zonnestraaltjes_ysis")};
    headers[0] = (struct http_header){STR("Content-Type"), STR("application/x-www-form-urlencoded")};
    request.header_count = 1;
    if (method == HTTP_POST)
        request.body = parameters;
    else
        request.query = parameters;
}

static int sorted(enum http_method method, struct str parameters, enum slug_tail tail)
{
    make_request(method, parameters);
    int code = start_request_open(&request, &start);
    return code != 0 ? code : start_request_sort(&start, &connection, tail);
}

/* Both ways of sending must give the same. */
static int checked(const char *parameters)
{
    int codes[2];
    const enum http_method methods[] = {HTTP_POST, HTTP_GET};
    for (size_t i = 0; i < 2; i++) {
        codes[i] = sorted(methods[i], str_from_c(parameters), SLUG_START);
        if (codes[i] == 0) {
            assert_int_equal(start.kind, START_LOGIN);
            codes[i] = start_request_check(&start, &data, &host, &connection, arena);
        }
        if (codes[i] != 0)
            assert_non_null(start.rule);
    }
    assert_int_equal(codes[0], codes[1]);
    return codes[1];
}

static void INI1_get_post_and_head(void **state)
{
    (void)state;
    assert_int_equal(sorted(HTTP_GET, STR("view=status"), SLUG_START), 0);
    assert_int_equal(start.kind, START_LOGIN);
    assert_int_equal(sorted(HTTP_POST, STR("view=status"), SLUG_START), 0);
    assert_int_equal(start.kind, START_LOGIN);
    assert_int_equal(sorted(HTTP_HEAD, STR("state=s&code=c"), SLUG_START), 0);
    assert_int_equal(start.kind, START_NOTHING);
    assert_int_equal(sorted(HTTP_OTHER, STR(""), SLUG_START), 107);
    assert_string_equal(start.rule, "INI-1");
    make_request(HTTP_POST, STR("view=status"));
    headers[0].value = STR("text/plain");
    assert_int_equal(start_request_open(&request, &start), 107);
    make_request(HTTP_POST, STR_NONE);
    request.header_count = 0;
    assert_int_equal(start_request_open(&request, &start), 0);
}

static void INI2_sizes(void **state)
{
    (void)state;
    make_request(HTTP_GET, STR_NONE);
    size_t room = 8192 - request.path.length - 1;
    char *text = arena_alloc(arena, 20000);
    memset(text, 'x', 20000);
    assert_int_equal(sorted(HTTP_GET, str_of(text, room), SLUG_START), 0);
    assert_int_equal(sorted(HTTP_GET, str_of(text, room + 1), SLUG_START), 107);
    assert_int_equal(sorted(HTTP_POST, str_of(text, 16384), SLUG_START), 0);
    assert_int_equal(sorted(HTTP_POST, str_of(text, 16385), SLUG_START), 107);
    char many[65 * 2];
    for (size_t i = 0; i < 65; i++)
        memcpy(many + 2 * i, "x&", 2);
    assert_int_equal(sorted(HTTP_GET, str_of(many, 64 * 2), SLUG_START), 0);
    assert_int_equal(sorted(HTTP_GET, str_of(many, 65 * 2), SLUG_START), 107);
}

static void INI2_encoding(void **state)
{
    (void)state;
    const struct str bad[] = {STR("x=%00"),     STR("x=%ff"),     STR("x=%c0%80"), STR("x=%"),
                              STR("x=%4"),      STR("%ff=x"),     STR("x=\xff"),   STR("x=\xed\xa0\x80"),
                              STR("a=1&x=%zz"), STR("view=st%80")};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(sorted(HTTP_GET, bad[i], SLUG_START), 107);
        assert_int_equal(sorted(HTTP_POST, bad[i], SLUG_START), 107);
    }
    assert_int_equal(sorted(HTTP_GET, str_of("x=\0y", 4), SLUG_START), 107);
    assert_int_equal(sorted(HTTP_GET, STR("naam=Ren%C3%A9e+de+V"), SLUG_START), 0);
}

static void security_parameters_come_once(void **state)
{
    (void)state;
    const char *names[] = {"state", "code", "error", "iss", "id_token", "access_token"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *twice = arena_printf(arena, "%s=a&%s=a", names[i], names[i]);
        assert_int_equal(sorted(HTTP_GET, str_from_c(twice), SLUG_START), 107);
        assert_int_equal(sorted(HTTP_POST, str_from_c(twice), SLUG_START), 107);
    }
    assert_int_equal(sorted(HTTP_GET, STR("st%61te=a&state=b&code=c"), SLUG_START), 107);
    assert_int_equal(checked("iets=1&iets=2"), 0);
    assert_int_equal(checked("view=status&view=amo"), 107);
    assert_int_equal(checked("clientId=1&clientId=2"), 107);
    assert_int_equal(checked("login_hint=1&login_hint=2"), 107);
    assert_int_equal(checked("target_link_uri=" ORIGIN "/&target_link_uri=" ORIGIN "/"), 107);
}

static void a_callback_has_state_and_an_answer(void **state)
{
    (void)state;
    const struct {
        const char *parameters;
        int code;
        enum start_kind kind;
    } cases[] = {
        {"", 0, START_LOGIN},
        {"view=status", 0, START_LOGIN},
        {"state=s", 0, START_LOGIN},
        {"state=s&code=c", 0, START_CALLBACK},
        {"state=s&error=access_denied", 0, START_CALLBACK},
        {"state=&code=", 0, START_CALLBACK},
        {"state=s&code=c&iss=https%3A%2F%2Fx&view=status", 0, START_CALLBACK},
        {"code=c", 301, START_CALLBACK},
        {"error=access_denied", 301, START_CALLBACK},
        {"state=s&code=c&id_token=t", 309, START_CALLBACK},
        {"state=s&id_token=t", 309, START_CALLBACK},
        {"state=s&access_token=t", 309, START_CALLBACK},
        {"id_token=t", 301, START_CALLBACK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (sorted(HTTP_GET, str_from_c(cases[i].parameters), SLUG_START) != cases[i].code)
            fail_msg("%s", cases[i].parameters);
        assert_int_equal(start.kind, cases[i].kind);
        connection.response_mode = STR("form_post");
        assert_int_equal(sorted(HTTP_POST, str_from_c(cases[i].parameters), SLUG_START), cases[i].code);
        connection.response_mode = STR("query");
        assert_int_equal(start.kind, cases[i].kind);
    }
    assert_int_equal(sorted(HTTP_POST, STR("state=s&code=c"), SLUG_START), 309); /* RSP-1 */
}

static void ADR8_with_a_callback_of_its_own_the_two_addresses_do_not_mix(void **state)
{
    (void)state;
    assert_int_equal(sorted(HTTP_GET, STR("state=s&code=c"), SLUG_CALLBACK), 101);
    connection.callback_mode = STR("separate");
    assert_int_equal(sorted(HTTP_GET, STR("state=s&code=c"), SLUG_START), 0);
    assert_int_equal(start.kind, START_LOGIN);
    assert_int_equal(sorted(HTTP_GET, STR("code=c"), SLUG_START), 0);
    assert_int_equal(start.kind, START_LOGIN);
    assert_int_equal(sorted(HTTP_GET, STR("state=s&code=c"), SLUG_CALLBACK), 0);
    assert_int_equal(start.kind, START_CALLBACK);
    assert_int_equal(sorted(HTTP_GET, STR("code=c"), SLUG_CALLBACK), 301);
    assert_int_equal(sorted(HTTP_GET, STR(""), SLUG_CALLBACK), 301);
    assert_int_equal(sorted(HTTP_GET, STR("state=s"), SLUG_CALLBACK), 308);
    assert_int_equal(sorted(HTTP_GET, STR("state=s&id_token=t"), SLUG_CALLBACK), 309);
}

static int navigation(const char *name, const char *value)
{
    make_request(HTTP_GET, STR_NONE);
    headers[0] = (struct http_header){str_from_c(name), str_from_c(value)};
    start.rule = NULL;
    return start_request_check_navigation(&request, &start);
}

/* C29 */
static void INI4_only_a_page_is_a_start(void **state)
{
    (void)state;
    const struct {
        const char *name, *value;
        int code;
    } cases[] = {
        {"X-Anything", "x", 0},
        {"Sec-Fetch-Dest", "document", 0},
        {"Sec-Fetch-Dest", "iframe", 109},
        {"sec-fetch-dest", "image", 109},
        {"Sec-Fetch-Dest", "empty", 109},
        {"Sec-Fetch-Dest", "", 109},
        {"Sec-Fetch-Mode", "navigate", 0},
        {"Sec-Fetch-Mode", "cors", 109},
        {"Sec-Fetch-Mode", "no-cors", 109},
        {"X-Requested-With", "XMLHttpRequest", 109},
        {"x-requested-with", "xmlhttprequest", 109},
        {"X-Requested-With", "nl.zorg.app", 0},
        {"Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", 0},
        {"Accept", "*/*", 0},
        {"Accept", "TEXT/*", 0},
        {"Accept", "application/json", 109},
        {"Accept", "image/avif,image/webp", 109},
        {"Accept", "", 109},
        {"Accept", "text/html;q=0, */*", 109},
        {"Accept", "*/*, text/html; q=0.0", 109},
        {"Accept", "text/html;q=0.1, */*;q=0", 0},
        {"Accept", "text/htmlx", 109},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (navigation(cases[i].name, cases[i].value) != cases[i].code)
            fail_msg("%s: %s", cases[i].name, cases[i].value);
        assert_int_equal(start.rule != NULL, cases[i].code != 0);
    }
    navigation("Sec-Fetch-Dest", "document");
    headers[1] = headers[0];
    request.header_count = 2;
    assert_int_equal(start_request_check_navigation(&request, &start), 109);
    navigation("Accept", "application/json");
    headers[1] = (struct http_header){STR("Accept"), STR("text/html")}; /* a list in two lines */
    request.header_count = 2;
    assert_int_equal(start_request_check_navigation(&request, &start), 0);
}

static void INI6_iss_is_the_connections_issuer(void **state)
{
    (void)state;
    assert_int_equal(checked("iss=https%3A%2F%2Fzonnestraaltjes.ysis.example%2Fcas%2Foidc"), 0);
    assert_int_equal(checked("iss=" ISSUER), 0);
    const char *others[] = {ISSUER "/",
                            "https%3A%2F%2Fevil.example",
                            "",
                            "http://zonnestraaltjes.ysis.example/cas/oidc",
                            "HTTPS://zonnestraaltjes.ysis.example/cas/oidc",
                            ISSUER "%20"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_int_equal(checked(arena_printf(arena, "iss=%s", others[i])), 104);
}

static void INI6_login_hint_is_copied_unchanged(void **state)
{
    (void)state;
    assert_int_equal(checked("login_hint=a.jong%40zorg.example+%26x%3D1"), 0);
    assert_true(start.has_login_hint);
    assert_true(str_equal_c(start.login_hint, "a.jong@zorg.example &x=1"));
    assert_int_equal(checked(""), 0);
    assert_false(start.has_login_hint);
    char hint[258];
    memset(hint, 'h', 257);
    hint[257] = '\0';
    assert_int_equal(checked(arena_printf(arena, "login_hint=%s", hint)), 107);
    assert_int_equal(checked(arena_printf(arena, "login_hint=%s", hint + 1)), 0);
    assert_int_equal(checked("login_hint=a%0d%0aSet-Cookie:x"), 107);
    assert_int_equal(checked("login_hint=%C2%85"), 107);
}

static void INI6_target_link_uri_is_a_view_on_our_own_origin(void **state)
{
    (void)state;
    const struct {
        const char *uri, *view;
    } good[] = {
        {ORIGIN, "default"},
        {ORIGIN "/", "default"},
        {ORIGIN "/werklijst", "werklijst"},
        {START_URL, ""},
        {START_URL "%3Fview%3Dstatus", "status"},
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        if (checked(arena_printf(arena, "target_link_uri=%s", good[i].uri)) != 0)
            fail_msg("%s", good[i].uri);
        assert_true(str_equal_c(start.target_view, good[i].view));
    }
    assert_int_equal(checked("view=amo&target_link_uri=" ORIGIN "/werklijst"), 0);
    assert_true(str_equal_c(start.view, "amo"));
    assert_true(str_equal_c(start.target_view, "werklijst"));
}

static void C31_look_alikes_of_our_host_are_refused(void **state)
{
    (void)state;
    const char *bad[] = {
        "",
        "https://evil.example/",
        "https://evil.example/werklijst",
        "https://secure.voorbeeld.nl.evil.example/",
        "https://secure.voorbeeld.nlx/",
        "https://evil-secure.voorbeeld.nl/",
        "https://xsecure.voorbeeld.nl/",
        "https://secure.voorbeeld.nl@evil.example/",
        "https://secure.voorbeeld.nl:pw@evil.example/",
        "https://evil.example@secure.voorbeeld.nl/",
        "https://secure.voorbeeld.nl%5C@evil.example/",
        "https://secure.voorbeeld.nl%5C.evil.example/",
        "https://secure.voorbeeld.nl%23@evil.example/",
        "https://secure.voorbeeld.nl%3A8443/",
        "https://secure.voorbeeld.nl./",
        "https://secure.voorbeeld.nl%09.evil.example/",
        "https://secure.voorbeeld.nl%2520.evil.example/",
        "https://secur%D0%B5.voorbeeld.nl/",
        "https://voorbeeld.nl/",
        "http://secure.voorbeeld.nl/",
        "HTTPS://secure.voorbeeld.nl/",
        "https:secure.voorbeeld.nl/",
        "https:///secure.voorbeeld.nl/",
        "//secure.voorbeeld.nl/",
        "/werklijst",
        "javascript%3Aalert(1)",
        "%20https://secure.voorbeeld.nl/",
        ORIGIN "/nergens",
        ORIGIN "//evil.example",
        ORIGIN "/werklijst/..",
        ORIGIN "/werklijst%3Fx",
        ORIGIN "/werklijst%23x",
        ORIGIN "/status/1",
        START_URL "%3Fview%3Dnergens",
        START_URL "%3Fview%3Dstatus%26clientId%3D1",
        START_URL "x",
        START_URL "/callback",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (checked(arena_printf(arena, "target_link_uri=%s", bad[i])) != 105)
            fail_msg("accepted: %s", bad[i]);
}

static void INI6_view_and_clientId_have_their_grammar(void **state)
{
    (void)state;
    assert_int_equal(checked("clientId=12345&view=status"), 0);
    assert_true(str_equal_c(start.view, "status"));
    assert_true(str_equal_c(start.patient_reference, "12345"));
    assert_int_equal(checked("view=bestaatniet"), 0); /* 808, at the landing */
    assert_int_equal(checked("view="), 0);
    assert_int_equal(checked("view=Status"), 107);
    assert_int_equal(checked("view=..%2Fx"), 107);
    assert_int_equal(checked("view=abcdefghijklmnopqrstuvwxyz-01234"), 0);
    assert_int_equal(checked("view=abcdefghijklmnopqrstuvwxyz-012345"), 107);
    char id[66];
    memset(id, '7', 65);
    id[65] = '\0';
    assert_int_equal(checked(arena_printf(arena, "clientId=%s", id)), 107);
    assert_int_equal(checked(arena_printf(arena, "clientId=%s", id + 1)), 0);
    assert_int_equal(checked("clientId=1%0a2"), 107);
    assert_int_equal(checked("clientId=Ren%C3%A9e"), 107);
}

static void a_patient_counts_as_the_connection_says(void **state)
{
    (void)state;
    const char *parameters = "clientId=12345&bsn=abc.def";
    assert_int_equal(checked(parameters), 0);
    assert_true(str_equal_c(start.patient_reference, "12345"));
    assert_int_equal(start.patient_ciphertext.length, 0);
    assert_int_equal(start.ignored_count, 1);
    connection.patient_context = STR("bsn_encrypted");
    assert_int_equal(checked(parameters), 0);
    assert_true(str_equal_c(start.patient_reference, "12345"));
    assert_true(str_equal_c(start.patient_ciphertext, "abc.def"));
    assert_int_equal(start.ignored_count, 0);
    connection.patient_context = STR("off");
    assert_int_equal(checked(parameters), 0);
    assert_int_equal(start.patient_reference.length + start.patient_ciphertext.length, 0);
    assert_int_equal(start.ignored_count, 2);
}

/* C23 */
static void a_bsn_in_the_clear_is_a_warning_and_is_gone(void **state)
{
    (void)state;
    const char *modes[] = {"off", "external_id", "bsn_encrypted"};
    for (size_t i = 0; i < 3; i++) {
        connection.patient_context = str_from_c(modes[i]);
        assert_int_equal(checked("bsn=999990019&view=status"), 0);
        assert_int_equal(start.warning, 108);
        assert_string_equal(start.rule, "clear_bsn");
        assert_int_equal(start.patient_ciphertext.length, 0);
        for (size_t j = 0; j < start.form.count; j++)
            assert_false(str_equal_c(start.form.fields[j].value, "999990019"));
        assert_int_equal(checked("bsn=9999.90.019"), 0);
        assert_int_equal(start.warning, 108);
        assert_int_equal(checked("view=status"), 0);
        assert_int_equal(start.warning, 0);
    }
}

static void the_name_of_the_bsn_parameter_is_the_connections(void **state)
{
    (void)state;
    connection.patient_context = STR("bsn_encrypted");
    connection.patient_parameter = STR("ctx");
    assert_int_equal(checked("ctx=abc.def&bsn=ghi.jkl"), 0);
    assert_true(str_equal_c(start.patient_ciphertext, "abc.def"));
    assert_int_equal(start.ignored_count, 1);
    assert_int_equal(checked("ctx=a&ctx=b"), 107);
    /* In the clear it is refused by either name. */
    const char *clear[] = {"ctx=999990019", "bsn=999990019", "ctx=abc.def&bsn=999990019"};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(checked(clear[i]), 0);
        assert_int_equal(start.warning, 108);
        for (size_t j = 0; j < start.form.count; j++)
            assert_false(str_equal_c(start.form.fields[j].value, "999990019"));
    }
}

static void launch_goes_along_when_the_connection_says_so(void **state)
{
    (void)state;
    char parameters[600];
    assert_int_equal(checked("launch=xyz"), 0);
    assert_int_equal(start.launch.length, 0);
    assert_int_equal(start.ignored_count, 1);
    connection.is_launch_passed = true;
    assert_int_equal(checked("launch=x%26y"), 0);
    assert_true(str_equal_c(start.launch, "x&y"));
    assert_int_equal(start.ignored_count, 0);
    memset(parameters, 'a', sizeof parameters);
    memcpy(parameters, "launch=", 7);
    parameters[7 + 512] = '\0';
    assert_int_equal(checked(parameters), 0);
    assert_int_equal(start.launch.length, 512);
    parameters[7 + 512] = 'a';
    parameters[7 + 513] = '\0';
    assert_int_equal(checked(parameters), 107);
    assert_int_equal(checked("launch=%C3%A9"), 107);
    assert_int_equal(checked("launch=a&launch=b"), 107);
}

static void a_target_that_is_not_ours_can_be_a_warning(void **state)
{
    (void)state;
    const char *parameters = "target_link_uri=https%3A%2F%2Fevil.example%2F";
    assert_int_equal(checked(parameters), 105);
    connection.is_target_strict = false;
    assert_int_equal(checked(parameters), 0);
    assert_true(start.is_target_refused);
    assert_int_equal(start.target_view.length, 0);
    assert_int_equal(checked("view=status"), 0);
    assert_false(start.is_target_refused);
}

static void INI8_request_shaping_parameters_are_ignored_and_listed(void **state)
{
    (void)state;
    assert_int_equal(
        checked("scope=openid+admin&prompt=none&acr_values=x&max_age=0&redirect_uri=https://evil&"
                "response_mode=fragment&view=status&launch=xyz"),
        0);
    const char *names[] = {"scope",        "prompt",        "acr_values", "max_age",
                           "redirect_uri", "response_mode", "launch"};
    assert_int_equal(start.ignored_count, 7);
    for (size_t i = 0; i < 7; i++)
        assert_true(str_equal_c(start.ignored[i], names[i]));
    assert_true(str_equal_c(start.view, "status"));
}

static void a_name_that_may_be_a_value_is_not_listed(void **state)
{
    (void)state;
    assert_int_equal(
        checked("999990019&bsn999990019=1&eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIiwia=x&ok=1&a%20b"), 0);
    const char *names[] = {"?", "?", "?", "ok", "?"};
    assert_int_equal(start.ignored_count, 5);
    for (size_t i = 0; i < 5; i++)
        assert_true(str_equal_c(start.ignored[i], names[i]));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(INI1_get_post_and_head),
        TEST(INI2_sizes),
        TEST(INI2_encoding),
        TEST(security_parameters_come_once),
        TEST(a_callback_has_state_and_an_answer),
        TEST(ADR8_with_a_callback_of_its_own_the_two_addresses_do_not_mix),
        TEST(INI4_only_a_page_is_a_start),
        TEST(INI6_iss_is_the_connections_issuer),
        TEST(INI6_login_hint_is_copied_unchanged),
        TEST(INI6_target_link_uri_is_a_view_on_our_own_origin),
        TEST(C31_look_alikes_of_our_host_are_refused),
        TEST(INI6_view_and_clientId_have_their_grammar),
        TEST(a_patient_counts_as_the_connection_says),
        TEST(the_name_of_the_bsn_parameter_is_the_connections),
        TEST(launch_goes_along_when_the_connection_says_so),
        TEST(a_target_that_is_not_ours_can_be_a_warning),
        TEST(a_bsn_in_the_clear_is_a_warning_and_is_gone),
        TEST(INI8_request_shaping_parameters_are_ignored_and_listed),
        TEST(a_name_that_may_be_a_value_is_not_listed),
    };
    return cmocka_run_group_tests_name("start_request", tests, NULL, NULL);
}
