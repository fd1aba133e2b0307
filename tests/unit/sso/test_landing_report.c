/* What the application's report makes of an entry of the log: VIEW-4, VIEW-5, C21. */
#include "sso/landing_report.h"

#include "jose/claims.h"

#include "../support/arena.h"

#define STEPS(warnings)                                                                                      \
    "[{\"n\":6,\"ids\":[\"1201\"]},{\"n\":10,\"data\":{\"view\":\"status\"}},"                               \
    "{\"n\":12,\"data\":{\"result\":\"geslaagd\"" warnings ",\"http\":303}}]"

static struct exchange_entry entry_with(const char *steps)
{
    return (struct exchange_entry){
        .reference = STR("SSO-1"), .result = STR("geslaagd"), .steps = str_from_c(steps)};
}

static bool has(const struct exchange_entry *entry, const char *part)
{
    return memmem(entry->steps.data, entry->steps.length, part, strlen(part)) != NULL;
}

static void C21_a_known_patient_is_no_warning(void **state)
{
    (void)state;
    struct exchange_entry entry = entry_with(STEPS(""));
    const struct landing_report report = {.result = REPORT_FOUND};
    assert_int_equal(landing_report_apply(arena, &report, &entry), OK);
    assert_int_equal(entry.code, 0);
    assert_true(str_equal_c(entry.result, "geslaagd"));
    assert_true(has(&entry, "\"patient_result\":\"gevonden\""));
    assert_true(has(&entry, "\"ids\":[\"1201\"]"));
    assert_false(has(&entry, "warnings"));
}

static void C21_an_unknown_patient_is_806(void **state)
{
    (void)state;
    struct exchange_entry entry = entry_with(STEPS(""));
    const struct landing_report report = {.result = REPORT_UNKNOWN};
    assert_int_equal(landing_report_apply(arena, &report, &entry), OK);
    assert_int_equal(entry.code, 806);
    assert_true(str_equal_c(entry.result, "geslaagd met waarschuwing"));
    assert_true(has(&entry, "\"result\":\"geslaagd met waarschuwing\""));
    assert_true(has(&entry, "\"code\":806"));
    assert_true(has(&entry, "\"warnings\":[\"806 Onbekende"));
}

static void C21_a_refused_patient_is_807_with_the_applications_id(void **state)
{
    (void)state;
    struct exchange_entry entry = entry_with(STEPS(""));
    const struct landing_report report = {.result = REPORT_FORBIDDEN, .patient = STR("p-7 999990019")};
    assert_int_equal(landing_report_apply(arena, &report, &entry), OK);
    assert_int_equal(entry.code, 807);
    assert_true(has(&entry, "\"patient_id\":\"p-7 ["));
    assert_false(has(&entry, "999990019"));
}

static void a_login_keeps_its_first_code_and_gets_both_warnings(void **state)
{
    (void)state;
    struct exchange_entry entry = entry_with(STEPS(",\"code\":706,\"warnings\":[\"706 x\"]"));
    entry.code = 706;
    entry.result = STR("geslaagd met waarschuwing");
    const struct landing_report report = {.result = REPORT_UNKNOWN};
    assert_int_equal(landing_report_apply(arena, &report, &entry), OK);
    assert_int_equal(entry.code, 706);
    assert_true(has(&entry, "\"warnings\":[\"706 x\",\"806 "));
}

static void a_second_report_changes_nothing(void **state)
{
    (void)state;
    struct exchange_entry entry = entry_with(STEPS(""));
    const struct landing_report first = {.result = REPORT_FOUND}, second = {.result = REPORT_UNKNOWN};
    assert_int_equal(landing_report_apply(arena, &first, &entry), OK);
    struct exchange_entry again = entry;
    assert_int_equal(landing_report_apply(arena, &second, &again), ABSENT);
    assert_true(str_equal(again.steps, entry.steps));
    assert_int_equal(again.code, 0);
}

static void an_entry_that_never_landed_takes_no_report(void **state)
{
    (void)state;
    const char *const without[] = {"", "[]", "{}", "nonsense", "[{\"n\":10}]", "[{\"n\":12,\"data\":{}}]"};
    const struct landing_report report = {.result = REPORT_UNKNOWN};
    for (size_t i = 0; i < sizeof without / sizeof *without; i++) {
        struct exchange_entry entry = entry_with(without[i]);
        assert_int_equal(landing_report_apply(arena, &report, &entry), FAILED);
        assert_int_equal(entry.code, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(C21_a_known_patient_is_no_warning),
        ARENA_TEST(C21_an_unknown_patient_is_806),
        ARENA_TEST(C21_a_refused_patient_is_807_with_the_applications_id),
        ARENA_TEST(a_login_keeps_its_first_code_and_gets_both_warnings),
        ARENA_TEST(a_second_report_changes_nothing),
        ARENA_TEST(an_entry_that_never_landed_takes_no_report),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
