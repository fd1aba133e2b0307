/* INI-5 and the loop of 6.4 pain 9: what is counted, what is refused, and what cannot be got rid of. */
#include "sso/rate.h"

#include "base/rand.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

#include <cmocka.h>

#define HOUR ((int64_t)3600000)

static struct rate *rate;
static const struct rate_limit per_address = {300, 100};
static const struct rate_limit per_connection = {1200, 400};

static int set_up(void **state)
{
    (void)state;
    rate = rate_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rate_free(&rate);
    return 0;
}

static enum rate_refusal from(const char *address, int64_t now_ms)
{
    return rate_take_address(rate, str_from_c(address), per_address, now_ms).refusal;
}

/* How many of `count` starts at one moment are let through. */
static int passed(const char *address, int count, int64_t now_ms)
{
    int allowed = 0;
    for (int i = 0; i < count; i++)
        allowed += from(address, now_ms) == RATE_ALLOWED;
    return allowed;
}

static void INI5_a_burst_of_100_then_5_a_second(void **state)
{
    (void)state;
    assert_int_equal(passed("192.0.2.1", 150, HOUR), 100);
    assert_int_equal(passed("192.0.2.1", 10, HOUR + 199), 0);
    assert_int_equal(passed("192.0.2.1", 10, HOUR + 1000), 5);
    assert_int_equal(passed("192.0.2.1", 400, HOUR + 61000), 100); /* never more than the burst */
    assert_int_equal(passed("192.0.2.1", 400, 400 * HOUR), 100);
    /* Over a minute of steady knocking: the burst and 300 more. */
    int allowed = 0;
    for (int64_t ms = 0; ms < 60000; ms += 10)
        allowed += passed("192.0.2.2", 1, HOUR + ms);
    assert_in_range(allowed, 399, 400);
}

static void INI5_others_are_not_touched(void **state)
{
    (void)state;
    passed("192.0.2.1", 200, HOUR);
    assert_int_equal(passed("192.0.2.2", 200, HOUR), 100);
    /* One IPv6 network of a household or ward is one address. */
    assert_int_equal(passed("2001:db8:1:2::1", 60, HOUR), 60);
    assert_int_equal(passed("2001:db8:1:2:ffff::9", 60, HOUR), 40);
    assert_int_equal(passed("2001:db8:1:3::1", 60, HOUR), 60);
    /* What is no address shares one counter, which is no way out. */
    assert_int_equal(passed("", 60, HOUR) + passed("unix:", 60, HOUR), 100);
}

static void INI5_per_connection_1200_a_minute(void **state)
{
    (void)state;
    int allowed = 0;
    for (int64_t ms = 0; ms < 60000; ms += 10)
        allowed += rate_take_connection(rate, STR("k1"), per_connection, HOUR + ms).refusal == RATE_ALLOWED;
    assert_in_range(allowed, 1599, 1600);
    struct rate_verdict verdict = rate_take_connection(rate, STR("k1"), per_connection, HOUR + 59991);
    assert_int_equal(verdict.refusal, RATE_CONNECTION);
    assert_int_equal(rate_take_connection(rate, STR("k2"), per_connection, HOUR).refusal, RATE_ALLOWED);
}

static void the_answer_tells_when_to_come_back(void **state)
{
    (void)state;
    const struct rate_limit slow = {6, 2};
    for (int i = 0; i < 2; i++)
        assert_int_equal(rate_take_address(rate, STR("192.0.2.1"), slow, HOUR).refusal, RATE_ALLOWED);
    struct rate_verdict verdict = rate_take_address(rate, STR("192.0.2.1"), slow, HOUR + 3000);
    assert_int_equal(verdict.refusal, RATE_ADDRESS);
    assert_int_equal(verdict.retry_after_s, 7);
    assert_int_equal(rate_take_address(rate, STR("192.0.2.1"), slow, HOUR + 10000).refusal, RATE_ALLOWED);
}

static void who_keeps_knocking_is_let_in_all_the_same(void **state)
{
    (void)state;
    const struct rate_limit one = {1, 1};
    int allowed = 0;
    for (int64_t ms = 0; ms < 180000; ms++)
        allowed += rate_take_address(rate, STR("192.0.2.1"), one, HOUR + ms).refusal == RATE_ALLOWED;
    assert_int_equal(allowed, 3);
}

static void a_lower_limit_holds_from_the_next_start_on(void **state)
{
    (void)state;
    passed("192.0.2.1", 100, HOUR);
    const struct rate_limit lower = {60, 10};
    assert_int_equal(rate_take_address(rate, STR("192.0.2.1"), lower, HOUR + 900).refusal, RATE_ADDRESS);
    assert_int_equal(rate_take_address(rate, STR("192.0.2.1"), lower, HOUR + 2000).refusal, RATE_ALLOWED);
}

static void a_debt_is_not_pushed_out_by_other_addresses(void **state)
{
    (void)state;
    char address[16];
    assert_int_equal(passed("192.0.2.1", 101, HOUR), 100);
    for (unsigned i = 0; i < 200000; i++) {
        snprintf(address, sizeof address, "10.%u.%u.%u", i >> 16 & 255, i >> 8 & 255, i & 255);
        from(address, HOUR);
    }
    assert_int_equal(passed("192.0.2.1", 100, HOUR), 0);
}

static void nor_by_addresses_that_are_exhausted_too(void **state)
{
    (void)state;
    char address[16];
    passed("192.0.2.1", 101, HOUR);
    for (unsigned i = 0; i < 20000; i++) {
        snprintf(address, sizeof address, "10.0.%u.%u", i >> 8 & 255, i & 255);
        passed(address, 101, HOUR);
    }
    assert_int_equal(passed("192.0.2.1", 100, HOUR), 0);
    /* Who shares a place with them waits for them, and no longer than that. */
    assert_int_equal(passed("198.51.100.7", 50, HOUR + 20000), 50);
}

static void a_flood_is_logged_once_a_minute_for_each_counter(void **state)
{
    (void)state;
    int logged = 0;
    int64_t unlogged = 0;
    for (int64_t i = 0; i < 120000; i++) {
        struct rate_verdict verdict = rate_take_address(rate, STR("192.0.2.1"), per_address, HOUR + i);
        logged += verdict.is_logged;
        unlogged += verdict.unlogged;
        assert_false(verdict.refusal == RATE_ALLOWED && verdict.is_logged);
    }
    assert_int_equal(logged, 2);
    assert_in_range(unlogged, 50000, 60000);
}

static void a_flood_from_everywhere_is_logged_60_times_a_minute(void **state)
{
    (void)state;
    char address[16];
    int logged = 0;
    const struct rate_limit one = {1, 1};
    for (unsigned i = 0; i < 5000; i++) {
        snprintf(address, sizeof address, "10.0.%u.%u", i >> 8 & 255, i & 255);
        for (int j = 0; j < 3; j++)
            logged += rate_take_address(rate, str_from_c(address), one, HOUR).is_logged;
    }
    assert_int_equal(logged, 60);
}

static const struct rate_limit in_vain = {120, 40};

static enum rate_refusal checked(enum rate_refusal of, const char *key, int64_t now_ms)
{
    const struct rate_failures failures = {of, str_from_c(key), in_vain};
    return rate_check_failures(rate, &failures, now_ms).refusal;
}

static void add_failures(enum rate_refusal of, const char *key, int times)
{
    const struct rate_failures failures = {of, str_from_c(key), in_vain};
    for (int i = 0; i < times; i++)
        rate_add_failure(rate, &failures, HOUR);
}

static void who_never_fails_is_never_refused(void **state)
{
    (void)state;
    for (int i = 0; i < 100000; i++)
        assert_int_equal(checked(RATE_FAILED_ADDRESS, "192.0.2.1", HOUR), RATE_ALLOWED);
}

static void failures_are_counted_for_each_kind_and_apart_from_starts(void **state)
{
    (void)state;
    add_failures(RATE_FAILED_ADDRESS, "2001:db8:1:2::1", 39);
    assert_int_equal(checked(RATE_FAILED_ADDRESS, "2001:db8:1:2::9", HOUR), RATE_ALLOWED);
    add_failures(RATE_FAILED_ADDRESS, "2001:db8:1:2::2", 1);
    assert_int_equal(checked(RATE_FAILED_ADDRESS, "2001:db8:1:2::9", HOUR), RATE_FAILED_ADDRESS);
    assert_int_equal(checked(RATE_FAILED_ADDRESS, "2001:db8:1:3::1", HOUR), RATE_ALLOWED);
    assert_int_equal(from("2001:db8:1:2::1", HOUR), RATE_ALLOWED);
    add_failures(RATE_FAILED_CLIENT, "apotheek", 40);
    assert_int_equal(checked(RATE_FAILED_CLIENT, "apotheek", HOUR), RATE_FAILED_CLIENT);
    assert_int_equal(checked(RATE_FAILED_SESSION, "apotheek", HOUR), RATE_ALLOWED);
    add_failures(RATE_FAILED_SESSION, "s", 40);
    assert_int_equal(checked(RATE_FAILED_SESSION, "s", HOUR), RATE_FAILED_SESSION);
}

static void however_many_failures_the_wait_is_the_same(void **state)
{
    (void)state;
    add_failures(RATE_FAILED_CLIENT, "apotheek", 10000);
    const struct rate_failures failures = {RATE_FAILED_CLIENT, STR("apotheek"), in_vain};
    assert_int_equal(rate_check_failures(rate, &failures, HOUR).retry_after_s, 1);
    assert_int_equal(checked(RATE_FAILED_CLIENT, "apotheek", HOUR + 499), RATE_FAILED_CLIENT);
    assert_int_equal(checked(RATE_FAILED_CLIENT, "apotheek", HOUR + 500), RATE_ALLOWED);
}

static enum rate_refusal looped(const char *browser, const char *connection, int64_t now_ms)
{
    return rate_take_browser(rate, str_from_c(browser), str_from_c(connection), 5, now_ms).refusal;
}

static void a_sixth_start_in_30_seconds_is_a_loop(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
        assert_int_equal(looped("b1", "k1", HOUR + i * 1000), RATE_ALLOWED);
    struct rate_verdict verdict = rate_take_browser(rate, STR("b1"), STR("k1"), 5, HOUR + 5000);
    assert_int_equal(verdict.refusal, RATE_LOOP);
    assert_int_equal(verdict.retry_after_s, 25);
    assert_true(verdict.is_logged);
    assert_false(rate_take_browser(rate, STR("b1"), STR("k1"), 5, HOUR + 6000).is_logged);
    assert_int_equal(looped("b1", "k2", HOUR + 5000), RATE_ALLOWED);
    assert_int_equal(looped("b2", "k1", HOUR + 5000), RATE_ALLOWED);
    assert_int_equal(looped("b1", "k1", HOUR + 29999), RATE_LOOP);
    assert_int_equal(looped("b1", "k1", HOUR + 30000), RATE_ALLOWED);
    assert_int_equal(looped("b1", "k1", HOUR + 30000), RATE_LOOP);
}

static void the_number_that_makes_a_loop_can_be_set(void **state)
{
    (void)state;
    for (int i = 0; i < RATE_LOOP_STARTS_MAX; i++)
        assert_int_equal(rate_take_browser(rate, STR("b1"), STR("k1"), RATE_LOOP_STARTS_MAX, HOUR).refusal,
                         RATE_ALLOWED);
    assert_int_equal(rate_take_browser(rate, STR("b1"), STR("k1"), RATE_LOOP_STARTS_MAX, HOUR).refusal,
                     RATE_LOOP);
    assert_int_equal(rate_take_browser(rate, STR("b2"), STR("k1"), 1, HOUR).refusal, RATE_ALLOWED);
    assert_int_equal(rate_take_browser(rate, STR("b2"), STR("k1"), 1, HOUR + 1).refusal, RATE_LOOP);
}

static void success_ends_the_count(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
        looped("b1", "k1", HOUR);
    rate_forget_browser(rate, STR("b1"), STR("k1"));
    rate_forget_browser(rate, STR("b1"), STR("unknown"));
    for (int i = 0; i < 5; i++)
        assert_int_equal(looped("b1", "k1", HOUR), RATE_ALLOWED);
    assert_int_equal(looped("b1", "k1", HOUR), RATE_LOOP);
}

static void many_browsers_fit_in_a_table_of_fixed_size(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 100000; i++)
        assert_int_equal(rate_take_browser(rate, str_of(&i, sizeof i), STR("k1"), 5, HOUR + i).refusal,
                         RATE_ALLOWED);
}

static atomic_int together;

static void *knock(void *context)
{
    (void)context;
    for (int i = 0; i < 500; i++)
        atomic_fetch_add(&together, from("192.0.2.1", HOUR) == RATE_ALLOWED);
    return NULL;
}

static void threads_share_one_count(void **state)
{
    (void)state;
    pthread_t threads[4];
    atomic_store(&together, 0);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, knock, NULL), 0);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&together), 100);
}

int main(void)
{
    if (rand_init() != OK)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(INI5_a_burst_of_100_then_5_a_second, set_up, tear_down),
        cmocka_unit_test_setup_teardown(INI5_others_are_not_touched, set_up, tear_down),
        cmocka_unit_test_setup_teardown(INI5_per_connection_1200_a_minute, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_answer_tells_when_to_come_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_keeps_knocking_is_let_in_all_the_same, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_lower_limit_holds_from_the_next_start_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_debt_is_not_pushed_out_by_other_addresses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nor_by_addresses_that_are_exhausted_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_flood_is_logged_once_a_minute_for_each_counter, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_flood_from_everywhere_is_logged_60_times_a_minute, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(who_never_fails_is_never_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(failures_are_counted_for_each_kind_and_apart_from_starts, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(however_many_failures_the_wait_is_the_same, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_sixth_start_in_30_seconds_is_a_loop, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_number_that_makes_a_loop_can_be_set, set_up, tear_down),
        cmocka_unit_test_setup_teardown(success_ends_the_count, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_browsers_fit_in_a_table_of_fixed_size, set_up, tear_down),
        cmocka_unit_test_setup_teardown(threads_share_one_count, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
