/* The encrypted patient reference: vectors B.4, B.5 and B.7, and every reason to refuse. */
#include "sso/patient_context.h"

#include "base/codec.h"
#include "base/rand.h"
#include "jose/gcm.h"
#include "jose/jwe.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define NOW 1760000000
#define SLUG STR("zonnestraaltjes_ysis")
#define KEY                                                                                                  \
    STR("\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17"   \
        "\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f")
#define OTHER_KEY STR("................................")
#define KID "ctx-2025-01"

#define B4                                                                                                   \
    "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIiwia2lkIjoiY3R4LTIwMjUtMDEifQ..QEFCQ0RFRkdISUpL."                  \
    "mZvMUEgevSH0_S4PolQjakDkfn7eVHsBTXZ506cj3euoOMOA_NOrPQPOKV_3Nbm7r0TIVQqkgD23I7ImWg."                    \
    "T77J9ToUt6d4Iaz3pGdP-g"
#define B5                                                                                                   \
    "QEFCQ0RFRkdISUpLmZvMUEgevSH0_S4PolQjakDkfn7eVHsBTXZ506cj3euoOMOA_NOrPQPOKV_3Nbm7r0TIVQqkgD23I7ImWoPpQ"  \
    "JQ5KTk4k0lLaRsQHHE"

static struct arena *arena;

static const struct sso_connection connection = {
    .skew_s = 60,
    .context_keys = {{STR("ctx-2024-07"), OTHER_KEY}, {STR(KID), KEY}},
    .context_key_count = 2,
};

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

static enum patient_context_result open_at(struct str text, int64_t now)
{
    struct patient_context context;
    enum patient_context_result result = patient_context_open(arena, text, &connection, SLUG, now, &context);
    if (result != PATIENT_CONTEXT_OK)
        assert_int_equal(context.bsn.length + context.jti.length, 0);
    return result;
}

static struct str jwe(const char *plaintext)
{
    const struct jwe_key key = {STR(KID), KEY};
    struct str token;
    struct failure failure = {""};
    if (jwe_seal(arena, &key, str_from_c(plaintext), &token, &failure) != OK)
        fail_msg("%s", failure.text);
    return token;
}

static struct str raw(const char *plaintext, struct str slug)
{
    struct str sealed;
    assert_int_equal(gcm_seal(arena, KEY, slug, str_from_c(plaintext), &sealed), OK);
    return codec_base64url(arena, sealed);
}

static void is_the_vector(const char *text)
{
    struct patient_context context;
    assert_int_equal(patient_context_open(arena, str_from_c(text), &connection, SLUG, NOW, &context),
                     PATIENT_CONTEXT_OK);
    assert_true(str_equal_c(context.bsn, "999990019"));
    assert_true(str_equal_c(context.jti, "0f8fad5bd9cb469f"));
    assert_int_equal(context.issued_at, 1760000000);
}

static void vector_B4_jwe(void **state)
{
    (void)state;
    is_the_vector(B4);
}

static void vector_B5_raw(void **state)
{
    (void)state;
    is_the_vector(B5);
}

static void vectors_B7_eleven_test(void **state)
{
    (void)state;
    const struct {
        const char *bsn;
        enum patient_context_result result;
    } cases[] = {
        {"999990019", PATIENT_CONTEXT_OK},  {"123456782", PATIENT_CONTEXT_OK},
        {"111222333", PATIENT_CONTEXT_OK},  {"426308505", PATIENT_CONTEXT_OK},
        {"123456789", PATIENT_CONTEXT_BSN}, {"000000000", PATIENT_CONTEXT_BSN},
        {"12345678", PATIENT_CONTEXT_BSN},  {"0999990019", PATIENT_CONTEXT_BSN},
        {"99999001a", PATIENT_CONTEXT_BSN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *plaintext =
            arena_printf(arena, "{\"bsn\":\"%s\",\"iat\":%d,\"jti\":\"j\"}", cases[i].bsn, NOW);
        assert_int_equal(open_at(jwe(plaintext), NOW), cases[i].result);
        assert_int_equal(open_at(raw(plaintext, SLUG), NOW), cases[i].result);
    }
}

static void a_clear_bsn_is_recognised(void **state)
{
    (void)state;
    assert_int_equal(open_at(STR("999990019"), NOW), PATIENT_CONTEXT_CLEAR_BSN);
    assert_int_equal(open_at(STR("123456789"), NOW), PATIENT_CONTEXT_CLEAR_BSN);
    assert_int_equal(open_at(STR("9999.90.019"), NOW), PATIENT_CONTEXT_CLEAR_BSN);
    assert_int_equal(open_at(STR(" 999990019 "), NOW), PATIENT_CONTEXT_CLEAR_BSN);
    assert_int_equal(open_at(STR("99999001"), NOW), PATIENT_CONTEXT_MALFORMED);
    assert_false(patient_context_is_clear(STR("9999900190")));
    assert_false(patient_context_is_clear(str_of("99999001\0009", 10)));
}

static void the_age_is_bounded_on_both_sides(void **state)
{
    (void)state;
    assert_int_equal(open_at(STR(B4), NOW + 300), PATIENT_CONTEXT_OK);
    assert_int_equal(open_at(STR(B4), NOW + 301), PATIENT_CONTEXT_STALE);
    assert_int_equal(open_at(STR(B4), NOW - 60), PATIENT_CONTEXT_OK);
    assert_int_equal(open_at(STR(B4), NOW - 61), PATIENT_CONTEXT_STALE);
}

static void any_altered_byte_is_noticed(void **state)
{
    (void)state;
    const char *vectors[] = {B4, B5};
    for (size_t v = 0; v < 2; v++) {
        size_t length = strlen(vectors[v]);
        for (size_t at = 0; at < length; at++) {
            char *changed = arena_strdup(arena, vectors[v]);
            changed[at] = changed[at] == 'Q' ? 'R' : 'Q';
            if (open_at(str_from_c(changed), NOW) == PATIENT_CONTEXT_OK)
                fail_msg("vector %zu, byte %zu", v, at);
        }
        for (size_t kept = 0; kept < length; kept++)
            assert_int_not_equal(open_at(str_of(vectors[v], kept), NOW), PATIENT_CONTEXT_OK);
    }
}

static void another_key_or_slug_does_not_open_it(void **state)
{
    (void)state;
    struct patient_context context;
    struct sso_connection wrong = connection;
    wrong.context_keys[1].key = OTHER_KEY;
    assert_int_equal(patient_context_open(arena, STR(B4), &wrong, SLUG, NOW, &context), PATIENT_CONTEXT_KEY);
    assert_int_equal(patient_context_open(arena, STR(B5), &wrong, SLUG, NOW, &context), PATIENT_CONTEXT_KEY);
    wrong = connection;
    wrong.context_keys[1].kid = STR("another");
    assert_int_equal(patient_context_open(arena, STR(B4), &wrong, SLUG, NOW, &context), PATIENT_CONTEXT_KEY);
    wrong.context_key_count = 0;
    assert_int_equal(patient_context_open(arena, STR(B5), &wrong, SLUG, NOW, &context), PATIENT_CONTEXT_KEY);
    const char *plaintext = "{\"bsn\":\"999990019\",\"iat\":1760000000,\"jti\":\"j\"}";
    assert_int_equal(open_at(raw(plaintext, STR("regenboog_ysis")), NOW), PATIENT_CONTEXT_KEY);
}

static void the_members_are_all_required(void **state)
{
    (void)state;
    const char *plaintexts[] = {
        "{\"iat\":1760000000,\"jti\":\"j\"}",
        "{\"bsn\":\"999990019\",\"jti\":\"j\"}",
        "{\"bsn\":\"999990019\",\"iat\":1760000000}",
        "{\"bsn\":999990019,\"iat\":1760000000,\"jti\":\"j\"}",
        "{\"bsn\":\"999990019\",\"iat\":\"1760000000\",\"jti\":\"j\"}",
        "{\"bsn\":\"999990019\",\"iat\":1e300,\"jti\":\"j\"}",
        "{\"bsn\":\"999990019\",\"iat\":1760000000,\"jti\":\"\"}",
        "{\"bsn\":\"999990019\",\"bsn\":\"999990019\",\"iat\":1760000000,\"jti\":\"j\"}",
        "[\"999990019\"]",
        "999990019",
    };
    for (size_t i = 0; i < sizeof plaintexts / sizeof *plaintexts; i++) {
        assert_int_equal(open_at(jwe(plaintexts[i]), NOW), PATIENT_CONTEXT_MALFORMED);
        assert_int_equal(open_at(raw(plaintexts[i], SLUG), NOW), PATIENT_CONTEXT_MALFORMED);
    }
}

static void what_is_neither_form_is_malformed(void **state)
{
    (void)state;
    assert_int_equal(open_at(STR(""), NOW), PATIENT_CONTEXT_MALFORMED);
    assert_int_equal(open_at(STR("...."), NOW), PATIENT_CONTEXT_MALFORMED);
    assert_int_equal(open_at(STR("QEFCQ0RFRkdISUpL"), NOW), PATIENT_CONTEXT_MALFORMED);
    assert_int_equal(open_at(STR("a+b/"), NOW), PATIENT_CONTEXT_MALFORMED);
    char big[5000];
    memset(big, 'A', sizeof big);
    assert_int_equal(open_at(str_of(big, sizeof big), NOW), PATIENT_CONTEXT_MALFORMED);
}

static void every_result_has_a_word(void **state)
{
    (void)state;
    assert_string_equal(patient_context_rule(PATIENT_CONTEXT_CLEAR_BSN), "clear_bsn");
    assert_string_equal(patient_context_rule(PATIENT_CONTEXT_STALE), "stale");
    assert_string_equal(patient_context_rule(PATIENT_CONTEXT_BSN), "bsn");
}

int main(void)
{
    if (rand_init() != OK)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(vector_B4_jwe, set_up, tear_down),
        cmocka_unit_test_setup_teardown(vector_B5_raw, set_up, tear_down),
        cmocka_unit_test_setup_teardown(vectors_B7_eleven_test, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_clear_bsn_is_recognised, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_age_is_bounded_on_both_sides, set_up, tear_down),
        cmocka_unit_test_setup_teardown(any_altered_byte_is_noticed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_key_or_slug_does_not_open_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_members_are_all_required, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_neither_form_is_malformed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_result_has_a_word, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("patient_context", tests, NULL, NULL);
}
