/* Cookies: the two written forms, and reading out of hostile headers. */
#include "http/cookie.h"

#include "../support/arena.h"

#define assert_found(header, is_https, expected)                                                             \
    do {                                                                                                     \
        struct str found_value;                                                                              \
        assert_int_equal(cookie_find(arena, STR(header), "sluis_b", (is_https), &found_value), OK);          \
        assert_true(str_equal(found_value, STR(expected)));                                                  \
    } while (0)

#define assert_absent(header, is_https)                                                                      \
    do {                                                                                                     \
        struct str absent_value;                                                                             \
        assert_int_equal(cookie_find(arena, STR(header), "sluis_b", (is_https), &absent_value), ABSENT);     \
        assert_int_equal(absent_value.length, 0);                                                            \
    } while (0)

static void written_forms(void **state)
{
    (void)state;
    assert_string_equal(cookie_set(arena, "sluis_b", STR("abc-_9"), true),
                        "__Host-sluis_b=abc-_9; Path=/; Secure; HttpOnly; SameSite=Lax");
    assert_string_equal(cookie_set(arena, "sluis_b", STR("abc-_9"), false),
                        "sluis_b=abc-_9; Path=/; HttpOnly; SameSite=Lax");
    assert_string_equal(cookie_set_any_site(arena, "sluis_bn", STR("abc-_9"), true),
                        "__Host-sluis_bn=abc-_9; Path=/; Secure; HttpOnly; SameSite=None");
    assert_string_equal(cookie_set_any_site(arena, "sluis_bn", STR("abc-_9"), false),
                        "sluis_bn=abc-_9; Path=/; HttpOnly");
    assert_string_equal(cookie_clear(arena, "sluis_b", true),
                        "__Host-sluis_b=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0");
    assert_string_equal(cookie_clear(arena, "sluis_b", false),
                        "sluis_b=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
}

static void finds_the_first_of_its_name(void **state)
{
    (void)state;
    assert_found("sluis_b=one", false, "one");
    assert_found("a=1; sluis_b=one; b=2", false, "one");
    assert_found("a=1;sluis_b=one;b=2", false, "one");
    assert_found("a=1;\t sluis_b=one \t; b=2", false, "one");
    assert_found("sluis_b=one; sluis_b=two", false, "one");
    assert_found("sluis_b=", false, "");
    assert_found("sluis_b=a=b==", false, "a=b==");
    assert_found("__Host-sluis_b=one", true, "one");
}

static void forms_do_not_mix(void **state)
{
    (void)state;
    assert_absent("sluis_b=one", true);
    assert_absent("__Host-sluis_b=one", false);
    assert_found("sluis_b=planted; __Host-sluis_b=one", true, "one");
    assert_absent("__host-sluis_b=one", true);
    assert_absent("__Secure-sluis_b=one", true);
    assert_absent("__Host-=one", true);
    assert_absent("__Host-", true);
}

static void hostile_headers(void **state)
{
    (void)state;
    assert_absent("", false);
    assert_absent(";;;", false);
    assert_absent("sluis_b", false);
    assert_absent("sluis_b;=x", false);
    assert_absent("xsluis_b=one", false);
    assert_absent("sluis_bx=one", false);
    assert_absent("SLUIS_B=one", false);
    assert_absent("a=\"; sluis_b=one\"",
                  false); /* no quoting in the Cookie header: the value ends in a quote */
    assert_absent("sluis_b=o\"ne", false);
    assert_absent("sluis_b=one,two", false);
    assert_absent("sluis_b=one two", false);
    assert_absent("sluis_b=one\\", false);
    assert_absent("sluis_b=one\0two", false);
    assert_absent("sluis_b=one\r\nX: y", false);
    assert_absent("sluis_b=\xC3\xA9", false);
    assert_absent("sluis_b\0=one", false);
    assert_absent("sluis_b=on\x01; sluis_b=two", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(written_forms),
        ARENA_TEST(finds_the_first_of_its_name),
        ARENA_TEST(forms_do_not_mix),
        ARENA_TEST(hostile_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
