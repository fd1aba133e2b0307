/* What has passed its time goes, however much of it there is and whatever else fails. */
#include "../store/store_fixture.h"

#include "base/clock.h"
#include "base/log.h"
#include "ops/housekeeping.h"
#include "sso/directory.h"

#include <fcntl.h>
#include <time.h>

static struct professional door;
static struct housekeeping house;

static int setup(void **state)
{
    fixture_setup(state);
    door = (struct professional){.store = fx.store};
    assert_ok(cached_open(fx.store, "connections", directory_load, &door.data));
    door.log = log_writer_start(fx.store);
    house = (struct housekeeping){.store = fx.store, .door = &door, .answer_window_s = 60};
    return 0;
}

static int teardown(void **state)
{
    log_writer_stop(&door.log);
    cached_close(&door.data);
    return fixture_teardown(state);
}

#define NUMBERS "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) "

static void add_flows(int count)
{
    fixture_sql(arena_printf(fx.arena,
                             "INSERT INTO flow (id, door, stage, state_digest, browser_digest, connection, "
                             "issuer, nonce, payload_sealed, created_at, expires_at) " NUMBERS
                             "SELECT 'f' || i, 'sso', 1, CAST('s' || i AS %s), '', 'c', 'i', 'n', '', 0, 900 "
                             "FROM n",
                             count, fixture_is_postgres() ? "BYTEA" : "BLOB"));
}

static void add_one_time_values(int count)
{
    fixture_sql(arena_printf(fx.arena,
                             "INSERT INTO replay (kind, digest, expires_at) " NUMBERS
                             "SELECT 'jti', CAST('r' || i AS %s), 900 FROM n",
                             count, fixture_is_postgres() ? "BYTEA" : "BLOB"));
}

static void add_sessions(int count)
{
    fixture_sql(arena_printf(
        fx.arena,
        "INSERT INTO sso_session (digest, user_id, connection, issuer, subject, sid, display_name, "
        "group_names, permissions, locations, landing, is_limited, acr, log_reference, login_at, seen_at, "
        "idle_s, expires_at, ends_at) " NUMBERS
        "SELECT CAST('s' || i AS %s), 'u', 'c', 'i', 's', '', 'A', '', '', '', '/', 0, '', '', %lld, %lld, "
        "1800, %lld, %lld FROM n",
        count, fixture_is_postgres() ? "BYTEA" : "BLOB", (long long)TEST_NOW - 9000,
        (long long)TEST_NOW - 9000, (long long)TEST_NOW + 9000, (long long)TEST_NOW - 7200));
}

static int turns_until_done(void)
{
    int turns = 1;
    while (!housekeeping_purge(&house, TEST_NOW)) {
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
        if (++turns > 1000)
            fail_msg("there is no end to it");
    }
    return turns;
}

static void a_backlog_goes_and_what_is_alive_stays(void **state)
{
    (void)state;
    struct flow alive = fixture_flow("alive");
    assert_ok(flow_create(fx.store, &alive));
    add_flows(3500);
    add_one_time_values(2500);
    turns_until_done();
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM flow"), 1);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM replay"), 0);
}

static void one_that_fails_keeps_no_other_from_going(void **state)
{
    (void)state;
    static const char *const broken[] = {"flow", "access_token", "sso_session", "signing_key", "sso_log"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        add_flows(10);
        add_sessions(10);
        fixture_sql(arena_printf(fx.arena, "ALTER TABLE %s RENAME TO away", broken[i]));
        turns_until_done();
        fixture_sql(arena_printf(fx.arena, "ALTER TABLE away RENAME TO %s", broken[i]));
        assert_int_equal(fixture_count("SELECT COUNT(*) FROM flow"), i == 0 ? 10 : 0);
        assert_int_equal(fixture_count("SELECT COUNT(*) FROM sso_session"), i == 2 ? 10 : 0);
        turns_until_done();
        assert_int_equal(fixture_count("SELECT COUNT(*) FROM flow"), 0);
        assert_int_equal(fixture_count("SELECT COUNT(*) FROM sso_session"), 0);
    }
}

static void OUT9_every_expired_session_has_its_entry(void **state)
{
    (void)state;
    struct log_writer_counters counters;
    add_sessions(6000);
    turns_until_done();
    log_writer_read_counters(door.log, &counters);
    assert_int_equal(counters.lost, 0);
    while (counters.queued_now > 0) {
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
        log_writer_read_counters(door.log, &counters);
    }
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM sso_session"), 0);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM sso_log"), 6000);
}

int main(void)
{
    if (rand_init() != OK)
        return 1;
    log_init(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_LEVEL_ERROR);
#define ROW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        ROW(a_backlog_goes_and_what_is_alive_stays),
        ROW(one_that_fails_keeps_no_other_from_going),
        ROW(OUT9_every_expired_session_has_its_entry),
    };
    return cmocka_run_group_tests_name("housekeeping", tests, NULL, NULL);
}
