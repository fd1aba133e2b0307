/* flow.h on the engine of STORE_URL: every verb, every outcome. */
#include "store_fixture.h"

static void a_flow_comes_back_as_it_went_in(void **state)
{
    (void)state;
    struct flow flow = fixture_flow("s1"), found;
    assert_ok(flow_create(fx.store, &flow));
    assert_ok(flow_find(fx.store, flow.id, TEST_NOW, fx.arena, &found));
    assert_true(str_equal(found.id, flow.id));
    assert_str(found.door, "medmij");
    assert_int_equal(found.stage, FLOW_LOGIN);
    assert_true(str_equal(found.state_digest, flow.state_digest));
    assert_true(str_equal(found.browser_digest, flow.browser_digest));
    assert_str(found.connection, "digid");
    assert_str(found.issuer, "https://idp.example");
    assert_str(found.nonce, "nonce-1");
    assert_str(found.code_verifier, "verifier-1");
    assert_str(found.payload, "{\"client\":\"pgo.localhost\"}");
    assert_int_equal(found.identity.length, 0);
    assert_int_equal(found.form_digest.length, 0);
    assert_int_equal(found.created_at, TEST_NOW);
    assert_int_equal(found.expires_at, TEST_NOW + 900);
}

static void an_unknown_or_expired_flow_is_absent(void **state)
{
    (void)state;
    struct flow flow = fixture_flow("s1"), found;
    bool is_replay;
    assert_absent(flow_find(fx.store, flow.id, TEST_NOW, fx.arena, &found));
    assert_absent(flow_take_callback(fx.store, flow.state_digest, TEST_NOW, fx.arena, &found, &is_replay));
    assert_absent(flow_end(fx.store, flow.id));
    assert_absent(flow_identify(fx.store, &flow));
    assert_absent(flow_cancel_login(fx.store, flow.id, digest_of("f")));
    assert_absent(flow_restart_login(fx.store, &flow, digest_of("f")));
    assert_ok(flow_create(fx.store, &flow));
    assert_ok(flow_find(fx.store, flow.id, TEST_NOW + 899, fx.arena, &found));
    assert_absent(flow_find(fx.store, flow.id, TEST_NOW + 900, fx.arena, &found));
    assert_absent(
        flow_take_callback(fx.store, flow.state_digest, TEST_NOW + 900, fx.arena, &found, &is_replay));
}

static void a_state_works_once(void **state)
{
    (void)state;
    struct flow flow = fixture_flow("s1"), found;
    bool is_replay = true;
    assert_ok(flow_create(fx.store, &flow));
    assert_ok(flow_take_callback(fx.store, flow.state_digest, TEST_NOW, fx.arena, &found, &is_replay));
    assert_false(is_replay);
    assert_int_equal(found.stage, FLOW_CALLBACK);
    assert_str(found.code_verifier, "verifier-1");
    /* The second node sees the use by the first. */
    assert_ok(flow_take_callback(fx.other, flow.state_digest, TEST_NOW, fx.arena, &found, &is_replay));
    assert_true(is_replay);
    assert_int_equal(found.stage, FLOW_CALLBACK);
    assert_ok(flow_end(fx.store, flow.id));
    assert_ok(flow_take_callback(fx.store, flow.state_digest, TEST_NOW, fx.arena, &found, &is_replay));
    assert_true(is_replay);
    assert_int_equal(found.stage, FLOW_ENDED);
}

/* A flow of door "sso" and this browser, with a state of its own. */
static void open_login(const char *state, const char *browser, struct flow *out_flow)
{
    static int logins;
    *out_flow = fixture_flow(state);
    out_flow->id = str_from_c(arena_printf(fx.arena, "0193aaaa-0000-7000-8000-%012d", ++logins));
    out_flow->door = STR("sso");
    out_flow->browser_digest = digest_of(browser);
    assert_ok(flow_create(fx.store, out_flow));
}

static void REQ8_the_oldest_open_logins_of_a_browser_are_dropped(void **state)
{
    (void)state;
    struct flow flows[6], other_browser, other_door, found;
    bool is_replay;
    open_login("other", "b2", &other_browser);
    other_door = fixture_flow("medmij");
    other_door.browser_digest = digest_of("b1");
    assert_ok(flow_create(fx.store, &other_door));
    const char *states[] = {"t0", "t1", "t2", "t3", "t4", "t5"};
    for (size_t i = 0; i < 6; i++)
        open_login(states[i], "b1", &flows[i]);
    /* The second is at the callback: no longer open, so neither counted nor dropped. */
    assert_ok(flow_take_callback(fx.store, flows[1].state_digest, TEST_NOW, fx.arena, &found, &is_replay));
    assert_ok(flow_trim(fx.store, STR("sso"), digest_of("b1"), 3));
    assert_absent(flow_trim(fx.store, STR("sso"), digest_of("b1"), 3));
    const bool is_there[] = {false, true, false, true, true, true};
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(flow_find(fx.store, flows[i].id, TEST_NOW, fx.arena, &found),
                         is_there[i] ? OK : ABSENT);
    assert_ok(flow_find(fx.store, other_browser.id, TEST_NOW, fx.arena, &found));
    assert_ok(flow_find(fx.store, other_door.id, TEST_NOW, fx.arena, &found));
}

static void two_flows_cannot_share_a_state(void **state)
{
    (void)state;
    struct flow flow = fixture_flow("s1"), twin = fixture_flow("s1"), found;
    assert_ok(flow_create(fx.store, &flow));
    assert_failed(flow_create(fx.store, &twin));
    assert_absent(flow_find(fx.store, twin.id, TEST_NOW, fx.arena, &found));
}

static void a_cancelled_login_starts_again_in_the_same_flow(void **state)
{
    (void)state;
    struct flow flow = fixture_flow("s1"), found;
    bool is_replay;
    assert_ok(flow_create(fx.store, &flow));
    assert_absent(flow_cancel_login(fx.store, flow.id, digest_of("form"))); /* still at the login */
    assert_ok(flow_take_callback(fx.store, flow.state_digest, TEST_NOW, fx.arena, &found, &is_replay));
    assert_ok(flow_cancel_login(fx.store, flow.id, digest_of("form")));
    assert_absent(flow_cancel_login(fx.store, flow.id, digest_of("form")));

    struct flow next = flow;
    next.state_digest = digest_of("s2");
    next.nonce = STR("nonce-2");
    next.code_verifier = STR("verifier-2");
    next.connection = STR("eherkenning");
    next.issuer = STR("https://other.example");
    assert_absent(flow_restart_login(fx.store, &next, digest_of("another form")));
    assert_absent(flow_restart_login(fx.store, &next, STR_NONE));
    assert_ok(flow_restart_login(fx.store, &next, digest_of("form")));
    assert_absent(flow_restart_login(fx.store, &next, digest_of("form")));

    assert_absent(flow_take_callback(fx.store, digest_of("s1"), TEST_NOW, fx.arena, &found, &is_replay));
    assert_ok(flow_take_callback(fx.store, digest_of("s2"), TEST_NOW, fx.arena, &found, &is_replay));
    assert_false(is_replay);
    assert_str(found.nonce, "nonce-2");
    assert_str(found.code_verifier, "verifier-2");
    assert_str(found.connection, "eherkenning");
    assert_str(found.issuer, "https://other.example");
    assert_str(found.payload, "{\"client\":\"pgo.localhost\"}");
    assert_int_equal(found.form_digest.length, 0);
}

static void identity_stands_only_while_the_choice_is_open(void **state)
{
    (void)state;
    struct flow flow = fixture_flow("s1"), found;
    bool is_replay;
    assert_ok(flow_create(fx.store, &flow));
    flow.identity = STR(TEST_BSN);
    flow.form_digest = digest_of("form");
    assert_absent(flow_identify(fx.store, &flow)); /* not back from the login yet */
    assert_ok(flow_take_callback(fx.store, flow.state_digest, TEST_NOW, fx.arena, &found, &is_replay));
    flow.acr = STR("hoog");
    flow.outcome = STR("48 49");
    flow.expires_at = TEST_NOW + 2000;
    assert_ok(flow_identify(fx.store, &flow));
    assert_absent(flow_identify(fx.store, &flow));
    assert_ok(
        flow_find(fx.store, flow.id, TEST_NOW + 1999, fx.arena, &found)); /* the choice has its own time */
    assert_absent(flow_find(fx.store, flow.id, TEST_NOW + 2000, fx.arena, &found));
    assert_ok(flow_find(fx.store, flow.id, TEST_NOW, fx.arena, &found));
    assert_int_equal(found.stage, FLOW_CHOICE);
    assert_str(found.identity, TEST_BSN);
    assert_str(found.acr, "hoog");
    assert_str(found.outcome, "48 49");
    assert_true(str_equal(found.form_digest, digest_of("form")));
    assert_ok(flow_end(fx.store, flow.id));
    assert_absent(flow_end(fx.store, flow.id));
    assert_ok(flow_find(fx.store, flow.id, TEST_NOW, fx.arena, &found));
    assert_int_equal(found.stage, FLOW_ENDED);
    assert_int_equal(found.identity.length, 0);
    assert_int_equal(found.code_verifier.length, 0);
    assert_int_equal(found.form_digest.length, 0);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM flow WHERE identity_sealed IS NOT NULL"), 0);
}

static void purge_deletes_what_expired_and_no_more_than_asked(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        struct flow flow = fixture_flow(arena_printf(fx.arena, "s%d", i));
        flow.expires_at = TEST_NOW + i;
        assert_ok(flow_create(fx.store, &flow));
    }
    int64_t deleted;
    assert_ok(flow_purge(fx.store, TEST_NOW + 3, 2, &deleted));
    assert_int_equal(deleted, 2);
    assert_ok(flow_purge(fx.store, TEST_NOW + 3, 100, &deleted));
    assert_int_equal(deleted, 1);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM flow"), 2);
}

static void a_value_sealed_for_one_column_does_not_open_as_another(void **state)
{
    (void)state;
    struct flow flow = fixture_flow_at_choice("s1"), found;
    fixture_sql("UPDATE flow SET payload_sealed = identity_sealed");
    assert_failed(flow_find(fx.store, flow.id, TEST_NOW, fx.arena, &found));
    assert_int_equal(found.payload.length, 0);
    assert_int_equal(found.identity.length, 0);
}

static void a_broken_store_fails_and_is_not_taken_for_absent(void **state)
{
    (void)state;
    struct flow flow = fixture_flow("s1"), found;
    bool is_replay;
    int64_t deleted;
    fixture_sql("DROP TABLE flow");
    assert_failed(flow_create(fx.store, &flow));
    assert_failed(flow_find(fx.store, flow.id, TEST_NOW, fx.arena, &found));
    assert_failed(flow_take_callback(fx.store, flow.state_digest, TEST_NOW, fx.arena, &found, &is_replay));
    assert_failed(flow_cancel_login(fx.store, flow.id, digest_of("f")));
    assert_failed(flow_restart_login(fx.store, &flow, digest_of("f")));
    assert_failed(flow_identify(fx.store, &flow));
    assert_failed(flow_end(fx.store, flow.id));
    assert_failed(flow_purge(fx.store, TEST_NOW, 10, &deleted));
}

static const struct CMUnitTest tests[] = {
    STORE_TEST(a_flow_comes_back_as_it_went_in),
    STORE_TEST(an_unknown_or_expired_flow_is_absent),
    STORE_TEST(a_state_works_once),
    STORE_TEST(two_flows_cannot_share_a_state),
    STORE_TEST(REQ8_the_oldest_open_logins_of_a_browser_are_dropped),
    STORE_TEST(REQ8_the_oldest_open_logins_of_a_browser_are_dropped),
    STORE_TEST(a_cancelled_login_starts_again_in_the_same_flow),
    STORE_TEST(identity_stands_only_while_the_choice_is_open),
    STORE_TEST(purge_deletes_what_expired_and_no_more_than_asked),
    STORE_TEST(a_value_sealed_for_one_column_does_not_open_as_another),
    STORE_TEST(a_broken_store_fails_and_is_not_taken_for_absent),
};

STORE_TEST_MAIN("flow", tests)
