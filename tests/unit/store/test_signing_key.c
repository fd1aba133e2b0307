/* signing_key.h on the engine of STORE_URL. */
#include "store_hunt.h"
#include "store_race.h"

#include "store/signing_key.h"

#define DAY 86400

static struct signing_key key_of(const char *kid, int64_t active_at)
{
    return (struct signing_key){.kid = str_from_c(kid),
                                .alg = STR("RS256"),
                                .private_jwk = STR("{\"d\":\"private-key-marker\"}"),
                                .active_at = active_at};
}

static void make_first(const char *kid)
{
    struct signing_key key = key_of(kid, 0);
    assert_ok(signing_key_first(fx.store, &key, TEST_NOW));
}

static enum outcome rotate(const char *kid, int64_t active_at, int64_t now, struct signing_key_turn *out_turn)
{
    struct signing_key key = key_of(kid, active_at);
    return signing_key_rotate(fx.store, &key, "cli:root", now, fx.arena, out_turn);
}

/* "k1 active, k2 announced" as the other node sees it. */
static const char *states_at(int64_t now)
{
    static const char *const words[] = {[SIGNING_KEY_ANNOUNCED] = "announced",
                                        [SIGNING_KEY_ACTIVE] = "active",
                                        [SIGNING_KEY_RETIRED] = "retired",
                                        [SIGNING_KEY_ENDED] = "ended"};
    struct signing_key_list list;
    assert_ok(signing_key_list(fx.other, now, false, fx.arena, &list));
    const char *text = "";
    for (size_t i = 0; i < list.count; i++)
        text = arena_printf(fx.arena, "%s%s%.*s %s", text, i > 0 ? ", " : "", STR_ARG(list.items[i].kid),
                            words[signing_key_state(&list, i, now)]);
    return text;
}

static void the_first_key_signs_at_once(void **state)
{
    (void)state;
    assert_string_equal(states_at(TEST_NOW), "");
    make_first("k1");
    assert_string_equal(states_at(TEST_NOW), "k1 active");
    struct signing_key_list list;
    assert_ok(signing_key_list(fx.other, TEST_NOW, true, fx.arena, &list));
    assert_str(list.items[0].private_jwk, "{\"d\":\"private-key-marker\"}");
    assert_str(list.items[0].alg, "RS256");
    assert_int_equal(list.items[0].announced_at, TEST_NOW);
    assert_int_equal(list.items[0].ends_at, 0);
    assert_ok(signing_key_list(fx.other, TEST_NOW, false, fx.arena, &list));
    assert_int_equal(list.items[0].private_jwk.length, 0);
}

static void a_private_key_does_not_lie_in_the_clear(void **state)
{
    (void)state;
    make_first("k1");
    assert_false(is_in_the_clear(STR("private-key-marker")));
    assert_true(is_in_the_clear(STR("RS256"))); /* the hunt finds what does */
}

static void rotation_is_announced_then_active_then_retired(void **state)
{
    (void)state;
    struct signing_key_turn turn;
    make_first("k1");
    assert_ok(rotate("k2", TEST_NOW + DAY, TEST_NOW + 10, &turn));
    assert_true(turn.is_new);
    assert_int_equal(turn.active_at, TEST_NOW + DAY);
    assert_string_equal(states_at(TEST_NOW + 10), "k1 active, k2 announced");
    assert_string_equal(states_at(TEST_NOW + DAY - 1), "k1 active, k2 announced");
    assert_string_equal(states_at(TEST_NOW + DAY), "k1 retired, k2 active");
    assert_string_equal(states_at(TEST_NOW + DAY + SIGNING_KEY_KEPT_S - 1), "k1 retired, k2 active");
    assert_string_equal(states_at(TEST_NOW + DAY + SIGNING_KEY_KEPT_S), "k2 active");
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM audit WHERE action = 'signing_key_rotate'"), 2);
}

static void one_key_is_announced_at_a_time(void **state)
{
    (void)state;
    struct signing_key_turn turn;
    make_first("k1");
    assert_ok(rotate("k2", TEST_NOW + DAY, TEST_NOW, &turn));
    assert_absent(rotate("k3", TEST_NOW + 2 * DAY, TEST_NOW + 1, &turn));
    assert_string_equal(states_at(TEST_NOW + 1), "k1 active, k2 announced");
}

static void an_announced_key_can_be_made_to_sign_at_once(void **state)
{
    (void)state;
    struct signing_key_turn turn;
    make_first("k1");
    assert_ok(rotate("k2", TEST_NOW + DAY, TEST_NOW, &turn));
    assert_ok(rotate("k3", TEST_NOW + 5, TEST_NOW + 5, &turn));
    assert_false(turn.is_new);
    assert_str(turn.kid, "k2");
    assert_string_equal(states_at(TEST_NOW + 5), "k1 retired, k2 active");
    assert_string_equal(states_at(TEST_NOW + 5 + SIGNING_KEY_KEPT_S), "k2 active");
}

static void without_an_active_key_rotation_makes_one(void **state)
{
    (void)state;
    struct signing_key_turn turn;
    assert_ok(rotate("k1", TEST_NOW + DAY, TEST_NOW, &turn));
    assert_int_equal(turn.active_at, TEST_NOW);
    assert_string_equal(states_at(TEST_NOW), "k1 active");
}

static void of_two_in_one_second_the_later_signs(void **state)
{
    (void)state;
    struct signing_key_turn turn;
    make_first("k2");
    assert_ok(rotate("k1", TEST_NOW, TEST_NOW, &turn));
    assert_string_equal(states_at(TEST_NOW + 1), "k2 retired, k1 active");
}

static void purge_deletes_what_ended(void **state)
{
    (void)state;
    struct signing_key_turn turn;
    int64_t deleted;
    make_first("k1");
    assert_ok(rotate("k2", TEST_NOW + 1, TEST_NOW + 1, &turn));
    assert_ok(signing_key_purge(fx.store, TEST_NOW + SIGNING_KEY_KEPT_S, 10, &deleted));
    assert_int_equal(deleted, 0);
    assert_ok(signing_key_purge(fx.store, TEST_NOW + SIGNING_KEY_KEPT_S + 1, 10, &deleted));
    assert_int_equal(deleted, 1);
    assert_string_equal(states_at(TEST_NOW + 2), "k2 active");
}

static void *be_first(void *context)
{
    struct racer *racer = context;
    struct signing_key key = key_of(arena_printf(racer->arena, "k%d", racer->number), 0);
    pthread_barrier_wait(&start);
    racer->outcome = signing_key_first(racer->store, &key, TEST_NOW);
    racer->is_first = racer->outcome == OK;
    return NULL;
}

static void sixteen_first_uses_at_once_make_one_key(void **state)
{
    (void)state;
    struct racer racers[THREADS];
    race(racers, be_first, 0, NULL);
    for (int i = 0; i < THREADS; i++)
        assert_int_not_equal(racers[i].outcome, FAILED);
    assert_int_equal(count_first(racers), 1);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM signing_key"), 1);
}

static void a_broken_store_fails_and_is_not_taken_for_absent(void **state)
{
    (void)state;
    struct signing_key_list list;
    struct signing_key_turn turn;
    struct signing_key key = key_of("k1", 0);
    int64_t deleted;
    make_first("k1");
    fixture_sql("DROP TABLE signing_key");
    assert_failed(signing_key_list(fx.store, TEST_NOW, false, fx.arena, &list));
    assert_failed(signing_key_first(fx.store, &key, TEST_NOW));
    assert_failed(rotate("k2", TEST_NOW, TEST_NOW, &turn));
    assert_failed(signing_key_purge(fx.store, TEST_NOW, 10, &deleted));
}

static const struct CMUnitTest tests[] = {
    STORE_TEST(the_first_key_signs_at_once),
    STORE_TEST(a_private_key_does_not_lie_in_the_clear),
    STORE_TEST(rotation_is_announced_then_active_then_retired),
    STORE_TEST(one_key_is_announced_at_a_time),
    STORE_TEST(an_announced_key_can_be_made_to_sign_at_once),
    STORE_TEST(without_an_active_key_rotation_makes_one),
    STORE_TEST(of_two_in_one_second_the_later_signs),
    STORE_TEST(purge_deletes_what_ended),
    STORE_TEST(sixteen_first_uses_at_once_make_one_key),
    STORE_TEST(a_broken_store_fails_and_is_not_taken_for_absent),
};

STORE_TEST_MAIN("signing_key", tests)
