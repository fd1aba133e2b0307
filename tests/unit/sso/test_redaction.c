/* What a log may hold (4.11), and the reference of an attempt (4.0). */
#include "base/rand.h"
#include "sso/redaction.h"
#include "sso/reference.h"

#include "../support/arena.h"

#define TOKEN "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"

static void is(struct str text, const char *expected)
{
    assert_string_equal(arena_strndup(arena, text.data, text.length), expected);
}

static void a_token_leaves_its_length_and_a_fingerprint(void **state)
{
    (void)state;
    /* SHA-256 of "abc" (FIPS 180-2 B.1) begins with ba7816bf. */
    is(redact_token(arena, STR("abc")), "3 tekens, sha256 ba7816");
    is(redact_digest(arena, STR("abc")), "ba7816");
    struct str text = redact_token(arena, STR(TOKEN));
    assert_null(memmem(text.data, text.length, "jHk", 3));
    is(redact_token(arena, STR_NONE), "0 tekens, sha256 e3b0c4");
}

static void persons_are_masked(void **state)
{
    (void)state;
    is(redact_subject(arena, STR("u-1001")), "u-\u2026");
    is(redact_subject(arena, STR("u-1001-77")), "u-1\u2026");
    is(redact_subject(arena, STR("ab")), "\u2026");
    is(redact_subject(arena, STR("a.jong@zorg.example.nl")), "a\u2026@\u2026nl");
    is(redact_subject(arena, STR("a@zorg.example")), "\u2026@\u2026");
    is(redact_subject(arena, STR("a.jong@intern")), "a\u2026@\u2026");
    is(redact_subject(arena, STR("\xc3\xa9\xc3\xa9n-nul-nul")), "\xc3\xa9\xc3\xa9n\u2026");
    is(redact_subject(arena, STR("u\x01u\x01u\x01u")), "\u2026");
    is(redact_subject(arena, STR_NONE), "\u2026");
}

static void an_error_description_keeps_words_and_loses_values(void **state)
{
    (void)state;
    is(redact_error_description(arena, STR("AADSTS7000222: the provided client secret keys are expired.")),
       "AADSTS7000222: the provided client secret keys are expired.");
    is(redact_error_description(arena, STR("bad code " TOKEN ".")), "bad code [\u2026].");
    is(redact_error_description(arena, STR("abcdefghijklmnopqrs")), "abcdefghijklmnopqrs");
    is(redact_error_description(arena, STR("abcdefghijklmnopqrst")), "[\u2026]");
    is(redact_error_description(arena, STR("a\r\nb\tc\x7f\x1b[31m")), "a  b c  [31m");
    is(redact_error_description(arena, STR("a\xc2\x85"
                                           "b \xe2\x82\xac")),
       "a b \xe2\x82\xac");
    is(redact_error_description(arena, STR("a\xff"
                                           "b")),
       "a?b");
    is(redact_error_description(arena, STR("patient 999990019 or bsn:999990019x")),
       "patient [\u2026] or bsn:[\u2026]x");
    is(redact_error_description(arena, STR("number 123456789, id 9999900190")),
       "number 123456789, id 9999900190");
    is(redact_error_description(arena, STR_NONE), "");
}

static void a_long_description_is_cut_and_never_inside_a_token(void **state)
{
    (void)state;
    char text[3000];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 8 == 7 ? ' ' : 'w';
    struct str cut = redact_error_description(arena, str_of(text, sizeof text));
    assert_true(cut.length <= ERROR_DESCRIPTION_MAX && cut.length > ERROR_DESCRIPTION_MAX - 10);
    memset(text, 'S', sizeof text);
    memset(text, ' ', 1010);
    cut = redact_error_description(arena, str_of(text, sizeof text));
    assert_int_equal(str_find(cut, 'S'), cut.length);
}

static void a_url_keeps_names_of_parameters_and_the_view(void **state)
{
    (void)state;
    is(redact_url(arena, STR("https://h.example/p?view=status&clientId=12345&state=" TOKEN "#x")),
       "https://h.example/p?view=status&clientId&state");
    is(redact_url(arena, STR("/sso/openidconnect/zon_ysis?code=c")), "/sso/openidconnect/zon_ysis?code");
    is(redact_url(arena, STR("https://user:secret@h.example/p")), "https://h.example/p");
    is(redact_url(arena, STR("https://user:se?cr#et@h.example/p?x=y")), "https://h.example/p?x");
    is(redact_url(arena, STR("/p?uri=https://h.example/a@b")), "/p?uri");
    is(redact_url(arena, STR("postgres://sluis:secret@db.example")), "postgres://db.example");
    is(redact_url(arena, STR("/p?view=999990019%20&999990019&bsn=999990019")), "/p?view&?&bsn");
    is(redact_url(arena, STR("/p?view=Status&&=x")), "/p?view&?");
    is(redact_url(arena, STR("/p\r\nx")), "/p??x");
    is(redact_url(arena, STR("/p?")), "/p");
    is(redact_url(arena, STR_NONE), "");
}

static void a_reference_has_date_and_eight_characters(void **state)
{
    (void)state;
    /* 2025-10-16T23:41:06Z */
    struct str reference = reference_new(arena, 1760658066), read;
    assert_int_equal(reference.length, REFERENCE_LENGTH);
    assert_true(str_starts_with(reference, STR("SSO-20251016-")));
    assert_int_equal(reference_read(arena, reference, &read), OK);
    assert_true(str_equal(read, reference));
    assert_false(str_equal(reference, reference_new(arena, 1760658066)));
}

static void a_reference_may_be_typed_by_hand(void **state)
{
    (void)state;
    struct str read;
    assert_int_equal(reference_read(arena, STR(" sso-20251016-7k3f9qxa "), &read), OK);
    is(read, "SSO-20251016-7K3F9QXA");
    assert_int_equal(reference_read(arena, STR("SSO-20251016-iIlLoO00"), &read), OK);
    is(read, "SSO-20251016-11110000");
    const char *bad[] = {"",
                         "SSO-20251016-7K3F9QX",
                         "SSO-20251016-7K3F9QXAA",
                         "SSO-20251016-7K3F9QXU",
                         "SSO-2025101O-7K3F9QXA",
                         "SSO_20251016-7K3F9QXA",
                         "SSO-20251016_7K3F9QXA",
                         "XSO-20251016-7K3F9QXA",
                         "SSO-20251016-7K3F9Q/A"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(reference_read(arena, str_from_c(bad[i]), &read), FAILED);
    assert_int_equal(reference_read(arena, str_of("SSO-20251016-7K3F9QX\0", 21), &read), FAILED);
}

int main(void)
{
    if (rand_init() != OK)
        return 1;
    const struct CMUnitTest tests[] = {
        ARENA_TEST(a_token_leaves_its_length_and_a_fingerprint),
        ARENA_TEST(persons_are_masked),
        ARENA_TEST(an_error_description_keeps_words_and_loses_values),
        ARENA_TEST(a_long_description_is_cut_and_never_inside_a_token),
        ARENA_TEST(a_url_keeps_names_of_parameters_and_the_view),
        ARENA_TEST(a_reference_has_date_and_eight_characters),
        ARENA_TEST(a_reference_may_be_typed_by_hand),
    };
    return cmocka_run_group_tests_name("redaction", tests, NULL, NULL);
}
