/* Form parameters: the cases of WHATWG URL 5.1, and what the authorization endpoint needs beyond them. */
#include "base/buf.h"
#include "http/form.h"

#include "../support/arena.h"

static struct form parse(struct str text)
{
    struct form form;
    assert_int_equal(form_parse(arena, text, &form), OK);
    return form;
}

/* Parses `text` and looks `name` up in it. */
static enum form_lookup look(struct str text, const char *name, struct str *out_value)
{
    struct form form = parse(text);
    return form_get(&form, name, out_value);
}

#define assert_one(text, name, expected)                                                                     \
    do {                                                                                                     \
        struct str one_value;                                                                                \
        assert_int_equal(look(STR(text), (name), &one_value), FORM_ONE);                                     \
        assert_true(str_equal(one_value, STR(expected)));                                                    \
    } while (0)

#define assert_lookup(text, name, expected)                                                                  \
    do {                                                                                                     \
        struct str other_value;                                                                              \
        assert_int_equal(look(STR(text), (name), &other_value), (expected));                                 \
        assert_int_equal(other_value.length, 0);                                                             \
    } while (0)

static void plain_fields(void **state)
{
    (void)state;
    assert_int_equal(parse(STR_NONE).count, 0);
    assert_int_equal(parse(STR("&&&")).count, 0);
    assert_int_equal(parse(STR("&a=1&&b=2&")).count, 2);
    assert_one("a=1&b=2", "a", "1");
    assert_one("a=1&b=2", "b", "2");
    assert_one("a", "a", "");
    assert_one("a=", "a", "");
    assert_one("=x", "", "x");
    assert_one("=", "", "");
    assert_one("a=b=c", "a", "b=c");
    assert_one("a=b;c=d", "a", "b;c=d");
    assert_lookup("a=1", "A", FORM_MISSING);
    assert_lookup("ab=1", "a", FORM_MISSING);
}

static void plus_and_percent(void **state)
{
    (void)state;
    assert_one("a+b=c+d", "a b", "c d");
    assert_one("a=%2B+%2b", "a", "+ +");
    assert_one("a=%26%3D%3b", "a", "&=;");
    assert_one("%73tate=x", "state", "x");
    assert_one("a=%25", "a", "%");
    assert_one("a=%252B", "a", "%2B");
    assert_one("a=%E2%82%AC", "a", "\xE2\x82\xAC");
    assert_one("a=\xE2\x82\xAC", "a", "\xE2\x82\xAC");
    assert_one("a=%0D%0A%09", "a", "\r\n\t");
    assert_one("redirect_uri=https%3A%2F%2Fpgo.example%2Fcb%3Fx%3D1%26y%3D2", "redirect_uri",
               "https://pgo.example/cb?x=1&y=2");
}

static void malformed_values_stay_beside_sound_ones(void **state)
{
    (void)state;
    static const struct str bad[] = {
        {"a=%", 3},      {"a=%1", 4},         {"a=%zz", 5},           {"a=%4", 4},     {"a=x%", 4},
        {"a=%-1", 5},    {"a=%+1", 5},        {"a=%00", 5},           {"a=\0", 3},     {"a=%FF", 5},
        {"a=%C0%AF", 8}, {"a=%ED%A0%80", 11}, {"a=%F4%90%80%80", 14}, {"a=%E2%82", 8}, {"a=\xFF", 3},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct buf text = buf_new(arena, 1000);
        struct str value;
        buf_append(&text, bad[i]);
        buf_append_c(&text, "&redirect_uri=https://x");
        assert_int_equal(look(buf_str(&text), "a", &value), FORM_MALFORMED);
        assert_int_equal(value.length, 0);
        assert_int_equal(look(buf_str(&text), "redirect_uri", &value), FORM_ONE);
    }
}

static void malformed_names_match_nothing(void **state)
{
    (void)state;
    assert_lookup("%zz=1", "%zz", FORM_MISSING);
    assert_lookup("%00=1", "", FORM_MISSING);
    assert_lookup("state%00=1", "state", FORM_MISSING);
    assert_one("%zz=1&state=2", "state", "2");
}

static void repeated_is_its_own_answer(void **state)
{
    (void)state;
    assert_lookup("a=1&a=1", "a", FORM_REPEATED);
    assert_lookup("a=1&b=2&%61=3", "a", FORM_REPEATED);
    assert_lookup("a=%zz&a=1", "a", FORM_REPEATED);
    assert_lookup("a&a", "a", FORM_REPEATED);
    assert_one("a=1&a=1&b=2", "b", "2");
}

static struct str fields_text(size_t count)
{
    struct buf text = buf_new(arena, 10000);
    for (size_t i = 0; i < count; i++)
        buf_printf(&text, "&n%zu=%zu", i, i);
    return buf_str(&text);
}

static void too_many_fields_fail(void **state)
{
    (void)state;
    struct form form;
    struct str value;
    assert_int_equal(form_parse(arena, fields_text(FORM_FIELDS_MAX), &form), OK);
    assert_int_equal(form.count, FORM_FIELDS_MAX);
    assert_int_equal(form_get(&form, "n63", &value), FORM_ONE);
    assert_true(str_equal_c(value, "63"));
    assert_int_equal(form_parse(arena, fields_text(FORM_FIELDS_MAX + 1), &form), FAILED);
    assert_int_equal(form.count, 0);
}

static void percent_alone_leaves_plus(void **state)
{
    (void)state;
    struct str text;
    assert_int_equal(form_decode_percent(arena, STR("a+b%20c%2B"), &text), OK);
    assert_true(str_equal_c(text, "a+b c+"));
    assert_int_equal(form_decode_percent(arena, STR("%4"), &text), FAILED);
    assert_int_equal(form_decode_percent(arena, STR("%00"), &text), FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(plain_fields),
        ARENA_TEST(plus_and_percent),
        ARENA_TEST(malformed_values_stay_beside_sound_ones),
        ARENA_TEST(malformed_names_match_nothing),
        ARENA_TEST(repeated_is_its_own_answer),
        ARENA_TEST(too_many_fields_fail),
        ARENA_TEST(percent_alone_leaves_plus),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
