/* exchange_log.h on the engine of STORE_URL. */
#include "store_race.h"

#include "base/clock.h"
#include "store/exchange_log.h"

#define START_MS (TEST_NOW * 1000)
#define MANY 2000

static struct exchange_entry entry_of(const char *reference, int64_t after_ms)
{
    return (struct exchange_entry){
        .reference = str_from_c(reference),
        .connection = STR("connection-1"),
        .slug = STR("zonnestraaltjes_ysis"),
        .customer_key = STR("zonnestraaltjes"),
        .environment = STR("production"),
        .started_at_ms = START_MS + after_ms,
        .ended_at_ms = START_MS + after_ms + 250,
        .result = STR("geweigerd"),
        .code = 701,
        .cause = STR("c"),
        .user_id = STR("user-1"),
        .user_name = STR("A. de Vries"),
        .steps = STR("[{\"n\":1}]"),
    };
}

static void write_entry(const struct exchange_entry *entry)
{
    assert_ok(exchange_log_write(fx.store, entry));
}

static struct exchange_list list_where(struct exchange_filter filter)
{
    struct exchange_list list;
    if (filter.limit == 0)
        filter.limit = 100;
    if (filter.scope.customer_key.length == 0)
        filter.scope = SCOPE_ALL;
    assert_ok(exchange_log_list(fx.other, &filter, fx.arena, &list));
    return list;
}

/* The references found, their last character each: "cab". */
static const char *found_by(struct exchange_filter filter)
{
    struct exchange_list list = list_where(filter);
    struct buf text = buf_new(fx.arena, 1000);
    for (size_t i = 0; i < list.count; i++)
        buf_append(&text, str_slice(list.items[i].reference, list.items[i].reference.length - 1,
                                    list.items[i].reference.length));
    return buf_c(&text);
}

/* ---- writing and finding ---- */

static void an_entry_comes_back_as_it_went_in(void **state)
{
    (void)state;
    const struct str ids[] = {STR("1377"), STR("1201"), STR("1202")};
    struct exchange_entry entry = entry_of("SSO-20270115-AAAAAAAA", 0), found;
    entry.location_ids = ids;
    entry.location_count = 3;
    write_entry(&entry);
    assert_ok(exchange_log_find(fx.other, SCOPE_ALL, entry.reference, fx.arena, &found));
    assert_str(found.reference, "SSO-20270115-AAAAAAAA");
    assert_str(found.connection, "connection-1");
    assert_str(found.slug, "zonnestraaltjes_ysis");
    assert_str(found.customer_key, "zonnestraaltjes");
    assert_str(found.environment, "production");
    assert_int_equal(found.started_at_ms, START_MS);
    assert_int_equal(found.ended_at_ms, START_MS + 250);
    assert_str(found.result, "geweigerd");
    assert_int_equal(found.code, 701);
    assert_str(found.cause, "c");
    assert_str(found.user_id, "user-1");
    assert_str(found.user_name, "A. de Vries");
    assert_str(found.steps, "[{\"n\":1}]");
    assert_int_equal(found.location_count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_true(str_equal(found.location_ids[i], ids[i])); /* in the order received */
    assert_absent(exchange_log_find(fx.store, SCOPE_ALL, STR("SSO-20270115-BBBBBBBB"), fx.arena, &found));
}

static void a_partial_entry_is_readable_and_replaced_by_what_follows(void **state)
{
    (void)state;
    const struct str ids[] = {STR("1201"), STR("1202")};
    struct exchange_entry entry = entry_of("SSO-a", 0), found;
    entry.ended_at_ms = 0;
    entry.result = STR("");
    entry.code = 0;
    write_entry(&entry);
    assert_ok(exchange_log_find(fx.other, SCOPE_ALL, entry.reference, fx.arena, &found));
    assert_int_equal(found.ended_at_ms, 0);
    assert_int_equal(found.result.length, 0);
    assert_int_equal(found.location_count, 0);
    entry.location_ids = ids;
    entry.location_count = 2;
    entry.ended_at_ms = START_MS + 900;
    entry.result = STR("geslaagd");
    entry.steps = STR("[{\"n\":1},{\"n\":6}]");
    write_entry(&entry);
    write_entry(&entry);
    assert_ok(exchange_log_find(fx.other, SCOPE_ALL, entry.reference, fx.arena, &found));
    assert_str(found.result, "geslaagd");
    assert_str(found.steps, "[{\"n\":1},{\"n\":6}]");
    assert_int_equal(found.location_count, 2);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM sso_log"), 1);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM sso_log_location"), 2);
}

static void location_ids_that_change_are_indexed_anew(void **state)
{
    (void)state;
    const struct str first[] = {STR("1201"), STR("1202")}, second[] = {STR("12"), STR("011202")};
    struct exchange_entry entry = entry_of("SSO-a", 0);
    entry.location_ids = first;
    entry.location_count = 2;
    write_entry(&entry);
    entry.location_ids = second; /* the same bytes, cut elsewhere */
    write_entry(&entry);
    assert_string_equal(found_by((struct exchange_filter){.location_id = STR("1201")}), "");
    assert_string_equal(found_by((struct exchange_filter){.location_id = STR("12")}), "a");
    entry.location_count = 0;
    write_entry(&entry);
    assert_string_equal(found_by((struct exchange_filter){.location_id = STR("12")}), "");
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM sso_log_location"), 0);
}

/* Of a login that began at one node and ended at another, whose log was quicker. */
static void an_entry_that_has_ended_is_not_made_partial_again(void **state)
{
    (void)state;
    const struct str ids[] = {STR("1377")};
    struct exchange_entry ended = entry_of("SSO-20270115-LATE0001", 0), partial = ended, found;
    ended.location_ids = ids;
    ended.location_count = 1;
    partial.ended_at_ms = 0;
    partial.result = STR("");
    partial.code = 0;
    partial.steps = STR("[]");
    write_entry(&ended);
    write_entry(&partial);
    assert_ok(exchange_log_find(fx.other, SCOPE_ALL, ended.reference, fx.arena, &found));
    assert_str(found.result, "geweigerd");
    assert_int_equal(found.ended_at_ms, ended.ended_at_ms);
    assert_str(found.steps, "[{\"n\":1}]");
    assert_int_equal(found.location_count, 1);
}

static void entries_go_together_or_not_at_all(void **state)
{
    (void)state;
    struct exchange_entry first = entry_of("SSO-20270115-SAME0001", 0), second, found;
    struct exchange_entry foreign = entry_of("SSO-20270115-SAME0001", 5);
    const struct exchange_entry *all[] = {&first, &second, &foreign};
    bool is_foreign[3];
    second = entry_of("SSO-20270115-SAME0002", 1);
    assert_ok(exchange_log_write_all(fx.store, all, 3, is_foreign));
    assert_false(is_foreign[0] || is_foreign[1]);
    assert_true(is_foreign[2]);
    assert_ok(exchange_log_find(fx.other, SCOPE_ALL, second.reference, fx.arena, &found));

    struct exchange_entry third = entry_of("SSO-20270115-SAME0003", 2), broken = third;
    const struct exchange_entry *bad[] = {&third, &broken};
    broken.reference = STR("SSO-20270115-SAME0004");
    broken.location_count = MANY + 1;
    assert_int_equal(exchange_log_write_all(fx.store, bad, 2, is_foreign), FAILED);
    assert_int_equal(exchange_log_find(fx.other, SCOPE_ALL, third.reference, fx.arena, &found), ABSENT);
}

static void a_reference_of_another_login_is_left_alone(void **state)
{
    (void)state;
    const struct str ids[] = {STR("1201")};
    struct exchange_entry entry = entry_of("SSO-a", 0), other, found;
    entry.location_ids = ids;
    entry.location_count = 1;
    write_entry(&entry);
    for (int i = 0; i < 2; i++) {
        other = entry_of("SSO-a", i);
        other.customer_key = STR("other");
        other.connection = i == 0 ? STR("connection-2") : other.connection;
        assert_absent(exchange_log_write(fx.other, &other));
    }
    assert_ok(exchange_log_find(fx.other, SCOPE_ALL, entry.reference, fx.arena, &found));
    assert_str(found.customer_key, "zonnestraaltjes");
    assert_str(found.connection, "connection-1");
    assert_int_equal(found.started_at_ms, START_MS);
    assert_int_equal(found.location_count, 1);
}

static void an_entry_is_amended_once_from_what_it_was(void **state)
{
    (void)state;
    struct exchange_entry entry = entry_of("SSO-a", 0), amended, found;
    struct str old_steps = entry.steps;
    entry.ended_at_ms = 0;
    write_entry(&entry);
    amended = entry;
    amended.code = 806;
    amended.result = STR("geslaagd met waarschuwing");
    amended.steps = STR("[{\"n\":1},{\"n\":10}]");
    assert_absent(exchange_log_amend(fx.other, &amended, old_steps)); /* has not ended */
    entry.ended_at_ms = START_MS + 1;
    write_entry(&entry);
    assert_ok(exchange_log_amend(fx.other, &amended, old_steps));
    assert_absent(exchange_log_amend(fx.store, &amended, old_steps));
    assert_ok(exchange_log_find(fx.other, SCOPE_ALL, entry.reference, fx.arena, &found));
    assert_int_equal(found.code, 806);
    assert_str(found.result, "geslaagd met waarschuwing");
    assert_str(found.steps, "[{\"n\":1},{\"n\":10}]");
    assert_int_equal(found.ended_at_ms, START_MS + 1);
    amended.reference = STR("SSO-b");
    assert_absent(exchange_log_amend(fx.store, &amended, found.steps));
    int64_t purged;
    assert_ok(exchange_log_purge(fx.store, START_MS + 1, 0, 10, &purged));
    amended.reference = STR("SSO-a");
    assert_absent(exchange_log_amend(fx.store, &amended, STR(""))); /* details are gone for good */
}

static void two_thousand_location_ids_are_indexed(void **state)
{
    (void)state;
    struct str *ids = arena_array_of(fx.arena, MANY + 1, struct str);
    for (int i = 0; i <= MANY; i++)
        ids[i] = str_from_c(arena_printf(fx.arena, "location-%d", i));
    struct exchange_entry entry = entry_of("SSO-a", 0), found;
    entry.location_ids = ids;
    entry.location_count = MANY;
    int64_t before = clock_monotonic_ms();
    write_entry(&entry);
    int64_t written = clock_monotonic_ms();
    write_entry(&entry);
    int64_t rewritten = clock_monotonic_ms();
    print_message("# 2000 ids: written in %d ms, again in %d ms\n", (int)(written - before),
                  (int)(rewritten - written));
    assert_ok(exchange_log_find(fx.store, SCOPE_ALL, entry.reference, fx.arena, &found));
    assert_int_equal(found.location_count, MANY);
    assert_string_equal(found_by((struct exchange_filter){.location_id = STR("location-1999")}), "a");
    entry.location_count = MANY + 1;
    assert_failed(exchange_log_write(fx.store, &entry));
}

/* ---- listing ---- */

static void write_five(void)
{
    static const struct str ids[] = {STR("1201"), STR("1202")};
    struct exchange_entry a = entry_of("SSO-a", 1000), b = entry_of("SSO-b", 2000),
                          c = entry_of("SSO-c", 3000), d = entry_of("SSO-d", 3000),
                          e = entry_of("SSO-e", 4000);
    a.location_ids = b.location_ids = e.location_ids = ids;
    a.location_count = e.location_count = 1;
    b.location_count = 2;
    b.code = 702;
    c.connection = STR("connection-2");
    d.customer_key = STR("other");
    e.user_name = STR("Bert_Jan 100%");
    e.code = 0;
    write_entry(&c);
    write_entry(&a);
    write_entry(&e);
    write_entry(&d);
    write_entry(&b);
}

static void the_list_is_newest_first_and_without_steps(void **state)
{
    (void)state;
    write_five();
    struct exchange_list list = list_where((struct exchange_filter){0});
    assert_int_equal(list.count, 5);
    assert_string_equal(found_by((struct exchange_filter){0}), "edcba");
    assert_int_equal(list.items[0].steps.length, 0);
    assert_int_equal(list.items[1].code, 701);
}

static void each_filter_narrows(void **state)
{
    (void)state;
    write_five();
    assert_string_equal(found_by((struct exchange_filter){.connection = STR("connection-2")}), "c");
    assert_string_equal(found_by((struct exchange_filter){.scope = SCOPE_CUSTOMER(STR("zonnestraaltjes"))}),
                        "ecba");
    assert_string_equal(found_by((struct exchange_filter){.code = 702}), "b");
    assert_string_equal(found_by((struct exchange_filter){.code = 703}), "");
    assert_string_equal(found_by((struct exchange_filter){.user_name = STR("DE VR")}), "dcba");
    assert_string_equal(found_by((struct exchange_filter){.user_name = STR("%")}), "e");
    assert_string_equal(found_by((struct exchange_filter){.user_name = STR("t_j")}), "e");
    assert_string_equal(found_by((struct exchange_filter){.location_id = STR("1201")}), "eba");
    assert_string_equal(found_by((struct exchange_filter){.location_id = STR("1202")}), "b");
    assert_string_equal(found_by((struct exchange_filter){.location_id = STR("120")}), "");
    assert_string_equal(found_by((struct exchange_filter){.from_ms = START_MS + 2000}), "edcb");
    assert_string_equal(found_by((struct exchange_filter){.to_ms = START_MS + 3000}), "ba");
    assert_string_equal(
        found_by((struct exchange_filter){.from_ms = START_MS + 2000, .to_ms = START_MS + 4000}), "dcb");
}

static void filters_narrow_together(void **state)
{
    (void)state;
    write_five();
    assert_string_equal(found_by((struct exchange_filter){.location_id = STR("1201"), .code = 701}), "a");
    assert_string_equal(
        found_by((struct exchange_filter){.location_id = STR("1201"), .scope = SCOPE_CUSTOMER(STR("other"))}),
        "");
    assert_string_equal(found_by((struct exchange_filter){.code = 701, .connection = STR("connection-1")}),
                        "da");
    assert_string_equal(found_by((struct exchange_filter){.connection = STR("connection-1"),
                                                          .scope = SCOPE_CUSTOMER(STR("zonnestraaltjes")),
                                                          .user_name = STR("vries")}),
                        "ba");
    assert_string_equal(found_by((struct exchange_filter){.location_id = STR("1201"),
                                                          .from_ms = START_MS + 2000,
                                                          .to_ms = START_MS + 4000}),
                        "b");
}

static void pages_follow_each_other(void **state)
{
    (void)state;
    write_five();
    struct str before = STR_NONE;
    const char *pages[] = {"ed", "cb", "a", ""};
    for (size_t i = 0; i < 4; i++) {
        struct exchange_filter filter = {.before_reference = before, .limit = 2};
        struct exchange_list list = list_where(filter);
        assert_string_equal(found_by(filter), pages[i]);
        if (list.count > 0)
            before = list.items[list.count - 1].reference;
    }
    struct exchange_filter filter = {.location_id = STR("1201"), .before_reference = STR("SSO-e")};
    assert_string_equal(found_by(filter), "ba");
    assert_string_equal(found_by((struct exchange_filter){.before_reference = STR("SSO-unknown")}), "");
}

static void a_list_without_a_sensible_limit_fails(void **state)
{
    (void)state;
    struct exchange_filter filter = {.limit = 0};
    struct exchange_list list;
    assert_failed(exchange_log_list(fx.store, &filter, fx.arena, &list));
    filter.limit = 1001;
    assert_failed(exchange_log_list(fx.store, &filter, fx.arena, &list));
}

/* ---- purging ---- */

static void details_go_first_and_whole_entries_later(void **state)
{
    (void)state;
    write_five();
    int64_t purged;
    struct exchange_entry found;
    assert_ok(exchange_log_purge(fx.store, START_MS + 3000, START_MS, 100, &purged));
    assert_int_equal(purged, 2); /* a and b */
    assert_string_equal(found_by((struct exchange_filter){0}), "edcba");
    assert_ok(exchange_log_find(fx.store, SCOPE_ALL, STR("SSO-b"), fx.arena, &found));
    assert_int_equal(found.steps.length, 0);
    assert_int_equal(found.location_count, 0);
    assert_int_equal(found.code, 702);
    assert_string_equal(found_by((struct exchange_filter){.location_id = STR("1201")}), "e");
    assert_ok(exchange_log_find(fx.store, SCOPE_ALL, STR("SSO-c"), fx.arena, &found));
    assert_str(found.steps, "[{\"n\":1}]");
    assert_ok(exchange_log_purge(fx.store, START_MS + 3000, START_MS, 100, &purged));
    assert_int_equal(purged, 0);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM audit WHERE action = 'exchange_log_purge'"), 1);
    assert_ok(exchange_log_purge(fx.store, START_MS + 9000, START_MS + 2000, 100, &purged));
    assert_int_equal(purged, 4); /* a whole; details of c, d, e */
    assert_string_equal(found_by((struct exchange_filter){0}), "edcb");
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM sso_log_location"), 0);
}

static void purge_takes_no_more_than_asked(void **state)
{
    (void)state;
    write_five();
    int64_t purged;
    assert_ok(exchange_log_purge(fx.store, START_MS, START_MS + 9000, 2, &purged));
    assert_int_equal(purged, 2);
    assert_string_equal(found_by((struct exchange_filter){0}), "edc"); /* the oldest went first */
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM sso_log_location"), 1);
}

/* ---- races ---- */

#define ENTRIES 60

static void *purge_all(void *context)
{
    struct racer *racer = context;
    int64_t purged;
    pthread_barrier_wait(&start);
    racer->outcome = exchange_log_purge(racer->store, START_MS + 9000, START_MS, 10, &purged);
    racer->count = racer->outcome == OK ? (int)purged : 0;
    return NULL;
}

static void two_nodes_that_purge_at_once_leave_no_index_behind(void **state)
{
    (void)state;
    const struct str ids[] = {STR("1201"), STR("1202")};
    for (int i = 0; i < ENTRIES; i++) {
        struct exchange_entry entry = entry_of(arena_printf(fx.arena, "SSO-%02d", i), i);
        entry.location_ids = ids;
        entry.location_count = 2;
        write_entry(&entry);
    }
    struct racer racers[THREADS];
    race(racers, purge_all, 0, NULL);
    int purged = 0;
    for (int i = 0; i < THREADS; i++) {
        assert_ok(racers[i].outcome);
        purged += racers[i].count;
    }
    assert_true(purged >= 10 && purged <= ENTRIES);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM sso_log WHERE steps = ''"), purged);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM sso_log_location"), 2 * (ENTRIES - purged));
}

static void *write_same(void *context)
{
    struct racer *racer = context;
    struct str ids[20];
    for (size_t i = 0; i < 20; i++)
        ids[i] = str_from_c(arena_printf(racer->arena, "%zu", i));
    struct exchange_entry entry = entry_of("SSO-a", 0);
    entry.location_ids = ids;
    entry.location_count = 20;
    pthread_barrier_wait(&start);
    racer->outcome = exchange_log_write(racer->store, &entry);
    return NULL;
}

static void an_entry_written_sixteen_times_at_once_is_one(void **state)
{
    (void)state;
    struct racer racers[THREADS];
    race(racers, write_same, 0, NULL);
    for (int i = 0; i < THREADS; i++)
        assert_ok(racers[i].outcome);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM sso_log"), 1);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM sso_log_location"), 20);
}

static void a_broken_store_fails_and_is_not_taken_for_absent(void **state)
{
    (void)state;
    struct exchange_entry entry = entry_of("SSO-a", 0), found;
    struct exchange_filter filter = {.limit = 1};
    struct exchange_list list;
    int64_t purged;
    fixture_sql("DROP TABLE sso_log; DROP TABLE sso_log_location");
    assert_failed(exchange_log_write(fx.store, &entry));
    assert_failed(exchange_log_amend(fx.store, &entry, entry.steps));
    assert_failed(exchange_log_find(fx.store, SCOPE_ALL, entry.reference, fx.arena, &found));
    assert_failed(exchange_log_list(fx.store, &filter, fx.arena, &list));
    assert_failed(exchange_log_purge(fx.store, START_MS, START_MS, 10, &purged));
}

static const struct CMUnitTest tests[] = {
    STORE_TEST(an_entry_comes_back_as_it_went_in),
    STORE_TEST(a_partial_entry_is_readable_and_replaced_by_what_follows),
    STORE_TEST(location_ids_that_change_are_indexed_anew),
    STORE_TEST(an_entry_that_has_ended_is_not_made_partial_again),
    STORE_TEST(entries_go_together_or_not_at_all),
    STORE_TEST(a_reference_of_another_login_is_left_alone),
    STORE_TEST(an_entry_is_amended_once_from_what_it_was),
    STORE_TEST(two_thousand_location_ids_are_indexed),
    STORE_TEST(the_list_is_newest_first_and_without_steps),
    STORE_TEST(each_filter_narrows),
    STORE_TEST(filters_narrow_together),
    STORE_TEST(pages_follow_each_other),
    STORE_TEST(a_list_without_a_sensible_limit_fails),
    STORE_TEST(details_go_first_and_whole_entries_later),
    STORE_TEST(purge_takes_no_more_than_asked),
    STORE_TEST(two_nodes_that_purge_at_once_leave_no_index_behind),
    STORE_TEST(an_entry_written_sixteen_times_at_once_is_one),
    STORE_TEST(a_broken_store_fails_and_is_not_taken_for_absent),
};

STORE_TEST_MAIN("exchange_log", tests)
