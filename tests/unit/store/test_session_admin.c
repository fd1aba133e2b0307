/* session_admin.h on the engine of STORE_URL: OUT-9, PRM-8. */
#include "store_fixture.h"

#include "store/session_admin.h"
#include "store/sso_user.h"

static const struct session_choice nurses = {.customer_key = STR("zonnestraaltjes"), .group = STR("Zorg")};

static void connect(const char *id, const char *customer)
{
    fixture_sql(arena_printf(fx.arena,
                             "INSERT INTO sso_connection (id, platform, environment, slug, customer_key, "
                             "provider_key, status, version) VALUES ('%s', 'demo', 'production', '%s_%s', "
                             "'%s', '%s', 'active', 1)",
                             id, customer, id, customer, id));
}

static int two_customers(void **state)
{
    fixture_setup(state);
    connect("own", "zonnestraaltjes");
    connect("own-2", "zonnestraaltjes");
    connect("other", "duinzicht");
    return 0;
}

static struct str add_user(const char *subject)
{
    struct sso_user seen = {
        .issuer = STR("https://ehr.example"), .subject = str_from_c(subject), .sub_raw = str_from_c(subject)};
    struct sso_user user;
    struct sso_user_change change;
    assert_ok(sso_user_upsert(fx.store, &seen, NULL, TEST_NOW, fx.arena, &user, &change));
    return user.id;
}

static void open_session(const char *cookie, struct str user_id, const char *connection, const char *groups,
                         const char *locations)
{
    const struct session session = {.digest = digest_of(cookie),
                                    .user_id = user_id,
                                    .connection = str_from_c(connection),
                                    .issuer = STR("https://ehr.example"),
                                    .subject = STR("u-1"),
                                    .groups = str_from_c(groups),
                                    .locations = str_from_c(locations),
                                    .log_reference = str_from_c(cookie),
                                    .login_at = TEST_NOW,
                                    .seen_at = TEST_NOW,
                                    .idle_s = 1800,
                                    .expires_at = TEST_NOW + 43200};
    struct str replaced;
    assert_ok(session_create(fx.store, &session, STR_NONE, fx.arena, &replaced));
}

static bool is_there(const char *cookie)
{
    struct session session;
    enum outcome outcome = session_find(fx.other, digest_of(cookie), TEST_NOW, fx.arena, &session);
    assert_int_not_equal(outcome, FAILED);
    return outcome == OK;
}

static size_t end(const struct session_choice *choice, int limit)
{
    struct session_ended_list ended;
    assert_ok(session_admin_end(fx.store, SCOPE_ALL, choice, limit, "cli:fab", TEST_NOW, fx.arena, &ended));
    return ended.count;
}

static int64_t count_of(const struct session_choice *choice)
{
    int64_t count;
    assert_ok(session_admin_count(fx.other, SCOPE_ALL, choice, TEST_NOW, &count));
    return count;
}

static void sessions_of_one_user_end(void **state)
{
    (void)state;
    struct str vries = add_user("u-1"), bakker = add_user("u-2");
    open_session("one", vries, "own", "", "");
    open_session("two", vries, "other", "", "");
    open_session("idle", vries, "own", "", "");
    open_session("else", bakker, "own", "", "");
    fixture_sql(arena_printf(fx.arena, "UPDATE sso_session SET ends_at = %lld WHERE log_reference = 'idle'",
                             (long long)TEST_NOW));
    const struct session_choice choice = {.user_id = vries};
    assert_int_equal(count_of(&choice), 2);
    assert_int_equal(end(&choice, 100), 2);
    assert_false(is_there("one") || is_there("two"));
    assert_true(is_there("else"));
    assert_int_equal(end(&choice, 100), 0);
    const struct session_choice nobody = {.user_id = STR("nobody")};
    struct session_ended_list ended;
    assert_absent(
        session_admin_end(fx.store, SCOPE_ALL, &nobody, 100, "cli:fab", TEST_NOW, fx.arena, &ended));
    int64_t count;
    assert_absent(session_admin_count(fx.store, SCOPE_ALL, &nobody, TEST_NOW, &count));
    assert_int_equal(count_of(&choice), 0);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM audit WHERE action = 'sessions_end'"), 2);
}

static void OUT9_a_block_tells_which_sessions_it_ended(void **state)
{
    (void)state;
    struct str vries = add_user("u-1"), bakker = add_user("u-2");
    open_session("one", vries, "own", "", "");
    open_session("two", vries, "own", "", "");
    open_session("else", bakker, "own", "", "");
    struct session_ended_list ended;
    assert_ok(sso_user_block(fx.store, SCOPE_ALL, vries, true, "cli:fab", TEST_NOW, fx.arena, &ended));
    assert_int_equal(ended.count, 2);
    for (size_t i = 0; i < ended.count; i++) {
        assert_true(str_equal(ended.items[i].user_id, vries));
        assert_int_equal(ended.items[i].ended_at, TEST_NOW);
    }
    assert_false(is_there("one") || is_there("two"));
    assert_true(is_there("else"));
    assert_ok(sso_user_block(fx.store, SCOPE_ALL, vries, false, "cli:fab", TEST_NOW, fx.arena, &ended));
    assert_int_equal(ended.count, 0);
    struct store_counters counters;
    store_read_counters(fx.store, &counters);
    assert_int_equal(counters.sessions[STORE_SESSION_LOGGED_OUT], 2);
}

static void PRM8_a_group_is_a_whole_name_of_one_customer(void **state)
{
    (void)state;
    struct str user = add_user("u-1");
    open_session("alone", user, "own", "Zorg", "");
    open_session("first", user, "own-2", "Zorg\nArtsen", "");
    open_session("last", user, "own", "Artsen\nZorg", "");
    open_session("longer", user, "own", "Zorg Oost\nThuis Zorg", "");
    open_session("smaller", user, "own", "zorg", "");
    open_session("none", user, "own", "", "");
    open_session("elsewhere", user, "other", "Zorg", "");
    assert_int_equal(count_of(&nurses), 3);
    assert_true(is_there("alone")); /* counting ends none */
    assert_int_equal(end(&nurses, 100), 3);
    assert_false(is_there("alone") || is_there("first") || is_there("last"));
    assert_true(is_there("longer") && is_there("smaller") && is_there("none") && is_there("elsewhere"));
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM audit WHERE action = 'sessions_end' AND subject = "
                                   "'group zonnestraaltjes/Zorg' AND details = '3 sessions'"),
                     1);
}

static void PRM8_a_code_is_that_of_one_connection(void **state)
{
    (void)state;
    struct str user = add_user("u-1");
    open_session("alone", user, "own", "", "10");
    open_session("middle", user, "own", "", "9\n10\n11");
    open_session("longer", user, "own", "", "101\n110");
    open_session("elsewhere", user, "own-2", "", "10");
    const struct session_choice choice = {.connection = STR("own"), .location = STR("10")};
    assert_int_equal(count_of(&choice), 2);
    assert_int_equal(end(&choice, 100), 2);
    assert_true(is_there("longer") && is_there("elsewhere"));
}

static void PRM8_many_end_in_batches_each_with_its_event(void **state)
{
    (void)state;
    struct str user = add_user("u-1");
    for (int i = 0; i < 5; i++)
        open_session(arena_printf(fx.arena, "s%d", i), user, "own", "Zorg", "");
    assert_int_equal(end(&nurses, 2), 2);
    assert_int_equal(count_of(&nurses), 3);
    assert_int_equal(end(&nurses, 2), 2);
    assert_int_equal(end(&nurses, 2), 1);
    assert_int_equal(end(&nurses, 2), 0);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM audit WHERE action = 'sessions_end'"), 4);
}

static void C9_a_customer_ends_its_own_only(void **state)
{
    (void)state;
    struct str user = add_user("u-1");
    open_session("own", user, "own", "Zorg", "10");
    struct customer_scope other = SCOPE_CUSTOMER(STR("duinzicht"));
    const struct session_choice code = {.connection = STR("own"), .location = STR("10")};
    struct session_ended_list ended;
    int64_t count;
    assert_ok(session_admin_count(fx.store, other, &nurses, TEST_NOW, &count));
    assert_int_equal(count, 0);
    assert_ok(session_admin_end(fx.store, other, &nurses, 9, "fab", TEST_NOW, fx.arena, &ended));
    assert_int_equal(ended.count, 0);
    assert_ok(session_admin_end(fx.store, other, &code, 9, "fab", TEST_NOW, fx.arena, &ended));
    assert_int_equal(ended.count, 0);
    assert_true(is_there("own"));
}

static void a_choice_that_is_none_ends_nothing(void **state)
{
    (void)state;
    open_session("one", add_user("u-1"), "own", "Zorg", "10");
    const struct session_choice none[] = {
        {0},
        {.group = STR("Zorg")},
        {.location = STR("10")},
        {.customer_key = STR("zonnestraaltjes")},
        {.connection = STR("own")},
        {.customer_key = STR("zonnestraaltjes"), .group = STR("Zorg"), .user_id = STR("x")},
    };
    struct session_ended_list ended;
    int64_t count;
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        assert_failed(session_admin_count(fx.store, SCOPE_ALL, &none[i], TEST_NOW, &count));
        assert_failed(session_admin_end(fx.store, SCOPE_ALL, &none[i], 9, "fab", TEST_NOW, fx.arena, &ended));
    }
    assert_failed(session_admin_end(fx.store, SCOPE_ALL, &nurses, 0, "fab", TEST_NOW, fx.arena, &ended));
    assert_true(is_there("one"));
    fixture_sql("DROP TABLE sso_session");
    assert_failed(session_admin_count(fx.store, SCOPE_ALL, &nurses, TEST_NOW, &count));
    assert_failed(session_admin_end(fx.store, SCOPE_ALL, &nurses, 9, "fab", TEST_NOW, fx.arena, &ended));
}

#define ADMIN_TEST(function) cmocka_unit_test_setup_teardown(function, two_customers, fixture_teardown)

static const struct CMUnitTest tests[] = {
    ADMIN_TEST(sessions_of_one_user_end),
    ADMIN_TEST(OUT9_a_block_tells_which_sessions_it_ended),
    ADMIN_TEST(PRM8_a_group_is_a_whole_name_of_one_customer),
    ADMIN_TEST(PRM8_a_code_is_that_of_one_connection),
    ADMIN_TEST(PRM8_many_end_in_batches_each_with_its_event),
    ADMIN_TEST(C9_a_customer_ends_its_own_only),
    ADMIN_TEST(a_choice_that_is_none_ends_nothing),
};

STORE_TEST_MAIN("session_admin", tests)
