/* Strict JSON and typed claims. */
#include "base/arena.h"
#include "jose/claims.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static json_t *parse(const char *text)
{
    json_t *object = NULL;
    struct failure failure;
    if (json_parse_object(str_from_c(text), &object, &failure) != OK)
        fail_msg("%s: %s", text, failure.text);
    return object;
}

static enum outcome try_parse(struct str text)
{
    json_t *object = NULL;
    struct failure failure = {""};
    enum outcome outcome = json_parse_object(text, &object, &failure);
    if (outcome == OK)
        json_decref(object);
    else
        assert_true(failure.text[0] != '\0');
    return outcome;
}

static void only_clean_objects_are_json(void **state)
{
    (void)state;
    const char *bad[] = {
        "",
        " ",
        "null",
        "1",
        "\"a\"",
        "[]",
        "[{}]",
        "{",
        "{}x",
        "{} {}",
        "{'a':1}",
        "{\"a\":1,}",
        "{\"a\":1,\"a\":1}",
        "{\"a\":1,\"\\u0061\":2}",
        "{\"b\":{\"a\":1,\"a\":2}}",
        "{\"a\":\"\\u0000\"}",
        "{\"a\\u0000b\":1}",
        "{\"a\":\"\xFF\"}",
        "{\"a\":NaN}",
        "{\"a\":1e400}",
        "{\"a\":01}",
        "\xEF\xBB\xBF{}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (try_parse(str_from_c(bad[i])) != FAILED)
            fail_msg("accepted: %s", bad[i]);
    assert_int_equal(try_parse(STR("{\"a\":\0001}")), FAILED);
    assert_int_equal(try_parse(STR("{}")), OK);
    assert_int_equal(try_parse(STR(" {\"a\":[1,{\"b\":null}]}\n")), OK);
}

static void nest(char *text, int depth, size_t *out_length)
{
    size_t at = 0;
    for (int i = 0; i < depth - 1; i++)
        at += (size_t)sprintf(text + at, "{\"a\":");
    at += (size_t)sprintf(text + at, "{}");
    for (int i = 0; i < depth - 1; i++)
        text[at++] = '}';
    *out_length = at;
}

static void depth_is_capped(void **state)
{
    (void)state;
    char text[1024];
    size_t length;
    nest(text, JSON_DEPTH_MAX, &length);
    assert_int_equal(try_parse(str_of(text, length)), OK);
    nest(text, JSON_DEPTH_MAX + 1, &length);
    assert_int_equal(try_parse(str_of(text, length)), FAILED);
    /* Brackets in text do not count, and an escaped quote does not end the text. */
    assert_int_equal(try_parse(STR("{\"a\":\"\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"}")),
                     OK);
}

static void size_is_capped(void **state)
{
    (void)state;
    size_t length = JSON_BYTES_MAX + 1;
    char *text = malloc(length);
    assert_non_null(text);
    memset(text, ' ', length);
    text[0] = '{';
    text[1] = '}';
    assert_int_equal(try_parse(str_of(text, length)), FAILED);
    assert_int_equal(try_parse(str_of(text, length - 1)), OK);
    free(text);
}

static void a_fault_does_not_quote_the_input(void **state)
{
    (void)state;
    json_t *object;
    struct failure failure;
    assert_int_equal(json_parse_object(STR("{\"bsn\": geheim}"), &object, &failure), FAILED);
    assert_null(strstr(failure.text, "geheim"));
}

static void text_has_three_outcomes(void **state)
{
    (void)state;
    json_t *claims = parse("{\"sub\":\"u\",\"n\":1,\"none\":null,\"list\":[\"u\"]}");
    struct str text;
    assert_int_equal(claim_text(claims, "sub", &text), OK);
    assert_true(str_equal_c(text, "u"));
    assert_int_equal(claim_text(claims, "absent", &text), ABSENT);
    assert_int_equal(claim_text(claims, "n", &text), FAILED);
    assert_int_equal(claim_text(claims, "none", &text), FAILED);
    assert_int_equal(claim_text(claims, "list", &text), FAILED);
    json_decref(claims);
}

static void times_are_numbers_within_reason(void **state)
{
    (void)state;
    json_t *claims = parse("{\"whole\":1760000000,\"fraction\":1760000000.75,\"text\":\"1760000000\","
                           "\"huge\":1e300,\"negative\":-1e300,\"limit\":9000000000000000,"
                           "\"over\":9000000000000001,\"int64\":9223372036854775807,\"none\":null}");
    int64_t seconds = 0;
    assert_int_equal(claim_time(claims, "whole", &seconds), OK);
    assert_int_equal(seconds, 1760000000);
    assert_int_equal(claim_time(claims, "fraction", &seconds), OK);
    assert_int_equal(seconds, 1760000000);
    assert_int_equal(claim_time(claims, "limit", &seconds), OK);
    assert_int_equal(claim_time(claims, "absent", &seconds), ABSENT);
    const char *bad[] = {"text", "huge", "negative", "over", "int64", "none"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(claim_time(claims, bad[i], &seconds), FAILED);
    json_decref(claims);
}

struct path_case {
    const char *path;
    enum outcome outcome;
    const char *text; /* NULL = none */
};

static void check_paths(const json_t *claims, const struct path_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct str text = STR_NONE;
        if (claim_path(claims, str_from_c(cases[i].path), &text) != cases[i].outcome)
            fail_msg("outcome of %s", cases[i].path);
        if (cases[i].text != NULL)
            assert_true(str_equal_c(text, cases[i].text));
    }
}

static void a_path_prefers_the_literal_name(void **state)
{
    (void)state;
    json_t *claims = parse("{\"bsn\":\"1\",\"a.b\":\"2\",\"a\":{\"b\":\"3\",\"c\":{\"d\":\"4\"},\"n\":7},"
                           "\"https://id.example/claims/bsn\":\"5\","
                           "\"https://id.example/person\":{\"bsn\":\"6\"},\"list\":[{\"bsn\":\"8\"}]}");
    const struct path_case cases[] = {
        {"bsn", OK, "1"},
        {"a.b", OK, "2"},
        {"a.c.d", OK, "4"},
        {"https://id.example/claims/bsn", OK, "5"},
        {"https://id.example/person.bsn", OK, "6"},
        {"absent", ABSENT, NULL},
        {"a.absent", ABSENT, NULL},
        {"a.absent.deeper", ABSENT, NULL},
        {"", ABSENT, NULL},
        {".", ABSENT, NULL},
        {"a.", ABSENT, NULL},
        {"a.n", FAILED, NULL},     /* a number is not text, whatever it says (IDT-20) */
        {"a.c", FAILED, NULL},     /* nor is an object */
        {"bsn.x", FAILED, NULL},   /* text has no members */
        {"list.bsn", FAILED, NULL} /* and a list has no names */
    };
    check_paths(claims, cases, sizeof cases / sizeof *cases);
    json_decref(claims);
}

/* CLM-1 */
static void a_path_with_escapes_is_taken_to_the_letter(void **state)
{
    (void)state;
    json_t *claims = parse("{\"a.b\":\"1\",\"a\":{\"b\":\"2\",\"c.d\":{\"e\":\"3\"}},\"q\\\"q\":\"4\","
                           "\"s\\\\s\":\"5\",\"https://id.example/a\":{\"b\":\"6\"},\"n\":null}");
    const struct path_case cases[] = {
        {"a\\.b", OK, "1"},
        {"\"a.b\"", OK, "1"},
        {"\"a\".b", OK, "2"},
        {"\\a.b", OK, "2"},
        {"a.c\\.d.e", OK, "3"},
        {"a.\"c.d\".e", OK, "3"},
        {"q\\\"q", OK, "4"},
        {"\"q\\\"q\"", OK, "4"},
        {"s\\\\s", OK, "5"},
        {"\"https://id.example/a\".b", OK, "6"},
        {"\"https://id.example/a.b\"", ABSENT, NULL},
        {"\"a\".absent", ABSENT, NULL},
        {"\"a\".b.c", FAILED, NULL},
        {"\"a\"", FAILED, NULL},  /* an object is not text */
        {"\"a", FAILED, NULL},    /* not closed */
        {"\"a\"b", FAILED, NULL}, /* more behind the quote */
        {"a\"b", FAILED, NULL},   /* a quote inside a name */
        {"\"\"", FAILED, NULL},   /* no name */
        {"\"a\".", FAILED, NULL},
        {".\"a\"", FAILED, NULL},
        {"a\\", FAILED, NULL},
        {"\"a\\", FAILED, NULL},
    };
    check_paths(claims, cases, sizeof cases / sizeof *cases);
    assert_true(json_is_null(claims_at_path(claims, STR("n"))));
    assert_true(json_is_object(claims_at_path(claims, STR("\"a\""))));
    assert_null(claims_at_path(claims, STR("\"a\".absent")));
    assert_null(claims_at_path(claims, STR("\"a")));
    json_decref(claims);
}

static void arrays_are_as_strict_as_objects(void **state)
{
    (void)state;
    json_t *array = NULL;
    struct failure failure = {""};
    assert_int_equal(json_parse_array(STR("[\"a\",1]"), &array, &failure), OK);
    assert_int_equal(json_array_size(array), 2);
    json_decref(array);
    const char *bad[] = {"", "{}", "[1", "[1]x", "[1],[2]", "[{\"a\":1,\"a\":1}]", "\"[]\""};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(json_parse_array(str_from_c(bad[i]), &array, &failure), FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_clean_objects_are_json),
        cmocka_unit_test(depth_is_capped),
        cmocka_unit_test(size_is_capped),
        cmocka_unit_test(a_fault_does_not_quote_the_input),
        cmocka_unit_test(text_has_three_outcomes),
        cmocka_unit_test(times_are_numbers_within_reason),
        cmocka_unit_test(a_path_prefers_the_literal_name),
        cmocka_unit_test(a_path_with_escapes_is_taken_to_the_letter),
        cmocka_unit_test(arrays_are_as_strict_as_objects),
    };
    return cmocka_run_group_tests_name("claims", tests, NULL, NULL);
}
