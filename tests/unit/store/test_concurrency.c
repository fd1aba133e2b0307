/*
 * What may happen once happens once, with sixteen threads on two store objects (= two nodes) of one database;
 * and no sealed value lies about in the clear.
 */
#include "store_hunt.h"
#include "store_race.h"

#define ROUNDS 8

static struct str named_digest(struct arena *arena, const char *kind, int round, int number)
{
    return codec_sha256(arena, str_from_c(arena_printf(arena, "%s-%d-%d", kind, round, number)));
}

static void *offer_code(void *context)
{
    struct racer *racer = context;
    struct grant grant;
    enum code_state state;
    struct str digest = named_digest(racer->arena, "code", racer->round, 0);
    pthread_barrier_wait(&start);
    racer->outcome = grant_offer_code(racer->store, digest, TEST_NOW, racer->arena, &grant, &state);
    racer->is_first = racer->outcome == OK && state == CODE_FRESH;
    return NULL;
}

static void a_code_offered_sixteen_times_is_fresh_once(void **state)
{
    (void)state;
    struct racer racers[THREADS];
    for (int round = 0; round < ROUNDS; round++) {
        struct str grant_id;
        fixture_given(arena_printf(fx.arena, "code-%d-0", round), true, &grant_id);
        race(racers, offer_code, round, NULL);
        for (int i = 0; i < THREADS; i++)
            assert_ok(racers[i].outcome);
        assert_int_equal(count_first(racers), 1);
        /* Offered again, so revoked: the one that was first gets no tokens any more. */
        struct token_issue issue = fixture_tokens("a", "r");
        assert_absent(grant_issue(fx.store, grant_id, &issue, TEST_NOW));
    }
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM token_grant WHERE revoked_why = 'code_reuse'"),
                     ROUNDS);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM audit WHERE action = 'grant_revoke'"), ROUNDS);
}

static void *rotate(void *context)
{
    struct racer *racer = context;
    struct token_issue issue = {
        .access_digest = named_digest(racer->arena, "access", racer->round + 1, racer->number),
        .services = STR("48"),
        .access_expires_at = TEST_NOW + 900,
        .refresh_digest = named_digest(racer->arena, "refresh", racer->round + 1, racer->number),
        .refresh_expires_at = TEST_NOW + 1000,
    };
    struct str old = codec_sha256(racer->arena, str_from_c(arena_printf(racer->arena, "r%d", racer->round)));
    pthread_barrier_wait(&start);
    racer->outcome = grant_rotate(racer->store, old, &issue, STR_NONE, TEST_NOW);
    racer->is_first = racer->outcome == OK;
    return NULL;
}

static void a_refresh_token_rotated_sixteen_times_rotates_once(void **state)
{
    (void)state;
    struct racer racers[THREADS];
    for (int round = 0; round < ROUNDS; round++) {
        fixture_issued(arena_printf(fx.arena, "c%d", round), arena_printf(fx.arena, "a%d", round),
                       arena_printf(fx.arena, "r%d", round), NULL);
        race(racers, rotate, round, NULL);
        for (int i = 0; i < THREADS; i++)
            assert_int_not_equal(racers[i].outcome, FAILED);
        assert_int_equal(count_first(racers), 1);
    }
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM refresh_token WHERE rotated_at = 0"), ROUNDS);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM refresh_token"), 2 * ROUNDS);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM access_token"), 2 * ROUNDS);
}

static void *take_callback(void *context)
{
    struct racer *racer = context;
    const struct flow *raced = racer->subject;
    struct flow flow;
    bool is_replay = true;
    pthread_barrier_wait(&start);
    racer->outcome =
        flow_take_callback(racer->store, raced->state_digest, TEST_NOW, racer->arena, &flow, &is_replay);
    racer->is_first = racer->outcome == OK && !is_replay;
    return NULL;
}

static void a_state_that_comes_back_sixteen_times_is_taken_once(void **state)
{
    (void)state;
    struct racer racers[THREADS];
    for (int round = 0; round < ROUNDS; round++) {
        struct flow flow = fixture_flow(arena_printf(fx.arena, "s%d", round));
        assert_ok(flow_create(fx.store, &flow));
        race(racers, take_callback, round, &flow);
        for (int i = 0; i < THREADS; i++)
            assert_ok(racers[i].outcome);
        assert_int_equal(count_first(racers), 1);
    }
}

static void *state_consent(void *context)
{
    struct racer *racer = context;
    struct consent consent = {
        .id = str_from_c(rand_uuid7_in(racer->arena)),
        .person = STR(TEST_BSN),
        .is_given = true,
        .stated_at = TEST_NOW,
    };
    struct consent_code code = {
        .grant_id = str_from_c(rand_uuid7_in(racer->arena)),
        .code_digest = named_digest(racer->arena, "code", racer->round, racer->number),
        .expires_at = TEST_NOW + 900,
    };
    const struct flow *flow = racer->subject;
    pthread_barrier_wait(&start);
    racer->outcome = consent_state(racer->store, flow->id, flow->form_digest, TEST_NOW, &consent, &code);
    racer->is_first = racer->outcome == OK;
    return NULL;
}

static void a_choice_submitted_sixteen_times_is_stated_once(void **state)
{
    (void)state;
    struct racer racers[THREADS];
    for (int round = 0; round < ROUNDS; round++) {
        struct flow flow = fixture_flow_at_choice(arena_printf(fx.arena, "s%d", round));
        race(racers, state_consent, round, &flow);
        for (int i = 0; i < THREADS; i++)
            assert_int_not_equal(racers[i].outcome, FAILED);
        assert_int_equal(count_first(racers), 1);
    }
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM consent"), ROUNDS);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM token_grant"), ROUNDS);
}

/* Half of them issue, the other half withdraw: whoever wins, no token outlives the withdrawal. */
static struct str raced_grant, raced_consent;

static void *issue_or_withdraw(void *context)
{
    struct racer *racer = context;
    struct token_issue issue = {
        .access_digest = named_digest(racer->arena, "access", racer->round, racer->number),
        .services = STR("48"),
        .access_expires_at = TEST_NOW + 900,
    };
    pthread_barrier_wait(&start);
    if (racer->number % 4 < 2)
        racer->outcome = grant_issue(racer->store, raced_grant, &issue, TEST_NOW);
    else
        racer->outcome = consent_withdraw(racer->store, raced_consent, STR("person"), TEST_NOW);
    return NULL;
}

static void no_token_outlives_a_withdrawal(void **state)
{
    (void)state;
    struct racer racers[THREADS];
    struct token_facts facts;
    for (int round = 0; round < ROUNDS; round++) {
        raced_consent = fixture_given(arena_printf(fx.arena, "c%d", round), false, &raced_grant).id;
        race(racers, issue_or_withdraw, round, NULL);
        for (int i = 0; i < THREADS; i++) {
            assert_int_not_equal(racers[i].outcome, FAILED);
            assert_absent(token_introspect(fx.store, named_digest(fx.arena, "access", round, i), TEST_NOW,
                                           fx.arena, &facts));
        }
    }
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM audit WHERE action = 'consent_withdraw'"), ROUNDS);
}

/* ---- nothing in the clear ---- */

static void no_sealed_value_lies_in_the_clear(void **state)
{
    (void)state;
    struct refresh_lookup lookup;
    fixture_flow_at_choice("open choice");
    fixture_issued("c1", "a1", "r1", NULL);
    assert_ok(grant_find_refresh(fx.store, digest_of("r1"), TEST_NOW, fx.arena, &lookup));
    struct catalog_identity_provider item = {.id = STR("digid"),
                                             .client_secret = STR("client-secret-marker")};
    struct catalog_provider provider = {.name = STR("p"),
                                        .availability_secret = STR("webhook-secret-marker")};
    struct catalog_data data = {&item, 1, &provider, 1};
    struct catalog_import import = {.catalog = &data, .actor = "test", .now = TEST_NOW};
    fixture_import(&import);
    assert_true(is_in_the_clear(STR("nonce-1"))); /* the hunt does see what is not sealed */
    assert_true(is_in_the_clear(STR("huisartsdeduinen")));
    assert_false(is_in_the_clear(STR(TEST_BSN)));
    assert_false(is_in_the_clear(STR("verifier-1")));
    assert_false(is_in_the_clear(STR("{\"client\"")));
    assert_false(is_in_the_clear(STR("client-secret-marker")));
    assert_false(is_in_the_clear(STR("webhook-secret-marker")));
    store_close(&fx.other);
    fixture_sql("SELECT 1");
    assert_false(is_in_the_clear(STR(TEST_BSN)));
}

static const struct CMUnitTest tests[] = {
    STORE_TEST(a_code_offered_sixteen_times_is_fresh_once),
    STORE_TEST(a_refresh_token_rotated_sixteen_times_rotates_once),
    STORE_TEST(a_state_that_comes_back_sixteen_times_is_taken_once),
    STORE_TEST(a_choice_submitted_sixteen_times_is_stated_once),
    STORE_TEST(no_token_outlives_a_withdrawal),
    STORE_TEST(no_sealed_value_lies_in_the_clear),
};

STORE_TEST_MAIN("concurrency", tests)
