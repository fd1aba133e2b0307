/* mapping.h on the engine of STORE_URL: the mapping table as logins and administrators write it. */
#include "store_race.h"

#include "base/clock.h"
#include "store/mapping.h"

#define MANY 2000
#define PER_DAY 500
#define DAY_S 86400

static struct str connection_id(void)
{
    return STR("connection-1");
}

static struct mapping_received received(const char *code)
{
    return (struct mapping_received){str_from_c(code), STR("")};
}

static void resolve_on(struct store *store, const struct mapping_received *items, size_t count,
                       int64_t per_day, int64_t now, struct mapping_found *out_found)
{
    assert_ok(mapping_resolve(store, connection_id(), items, count, STR("SSO-20270115-AAAAAAAA"), per_day,
                              now, fx.arena, out_found));
}

static struct mapping_found resolve_one(const char *code, int64_t now)
{
    struct mapping_received item = received(code);
    struct mapping_found found;
    resolve_on(fx.store, &item, 1, PER_DAY, now, &found);
    return found;
}

static struct mapping_list find_where(struct mapping_filter filter)
{
    struct mapping_list list;
    if (filter.connection.length == 0)
        filter.connection = connection_id();
    if (filter.limit == 0)
        filter.limit = 1000;
    filter.scope = SCOPE_ALL;
    assert_ok(mapping_find(fx.other, &filter, fx.arena, &list));
    return list;
}

static struct mapping_row row_of(const char *code)
{
    struct mapping_list list = find_where((struct mapping_filter){.search = str_from_c(code)});
    assert_int_equal(list.count, 1);
    assert_str(list.items[0].code, code);
    return list.items[0];
}

static void change_to(const char *code, enum mapping_status status, struct str group)
{
    assert_ok(mapping_change(fx.store, SCOPE_ALL, connection_id(), str_from_c(code), status, group, 0,
                             "cli:fab", TEST_NOW));
}

static void an_unknown_code_is_added_unlinked_and_then_known(void **state)
{
    (void)state;
    struct mapping_received item = {STR("1201"), STR("De Duinen")};
    struct mapping_found found;
    resolve_on(fx.store, &item, 1, PER_DAY, TEST_NOW, &found);
    assert_int_equal(found.status, MAPPING_NEW);
    assert_true(found.is_added);
    assert_false(found.is_withheld);
    assert_int_equal(found.group.length, 0);
    found = resolve_one("1201", TEST_NOW + 60);
    assert_int_equal(found.status, MAPPING_NEW);
    assert_false(found.is_added);
    assert_false(found.is_withheld);
    struct mapping_row row = row_of("1201");
    assert_true(str_is_uuid(row.id));
    assert_str(row.connection, "connection-1");
    assert_str(row.name, "De Duinen");
    assert_int_equal(row.status, MAPPING_NEW);
    assert_int_equal(row.group.length, 0);
    assert_str(row.origin, "auto");
    assert_int_equal(row.first_seen, TEST_NOW);
    assert_int_equal(row.last_seen, TEST_NOW + 60);
    assert_int_equal(row.seen_count, 2);
    assert_str(row.first_log, "SSO-20270115-AAAAAAAA");
    assert_int_equal(row.version, 1);
    assert_str(row.changed_by, "login");
}

static void answers_stand_in_the_order_of_the_question(void **state)
{
    (void)state;
    change_to("b", MAPPING_LINKED, STR("Verpleging"));
    change_to("c", MAPPING_IGNORED, STR(""));
    change_to("d", MAPPING_INACTIVE, STR(""));
    const struct mapping_received items[] = {received("d"), received("z"), received("b"), received("c"),
                                             received("b")};
    struct mapping_found found[5];
    resolve_on(fx.store, items, 5, PER_DAY, TEST_NOW, found);
    assert_int_equal(found[0].status, MAPPING_INACTIVE);
    assert_int_equal(found[1].status, MAPPING_NEW);
    assert_true(found[1].is_added);
    assert_int_equal(found[2].status, MAPPING_LINKED);
    assert_str(found[2].group, "Verpleging");
    assert_int_equal(found[3].status, MAPPING_IGNORED);
    assert_int_equal(found[4].status, MAPPING_LINKED);
    assert_int_equal(row_of("b").seen_count, 1); /* a code that came twice in one login is seen once */
    assert_false(found[0].is_added || found[2].is_added || found[3].is_added);
}

static void no_codes_ask_nothing(void **state)
{
    (void)state;
    assert_ok(
        mapping_resolve(fx.store, connection_id(), NULL, 0, STR("SSO-1"), PER_DAY, TEST_NOW, fx.arena, NULL));
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM sso_mapping"), 0);
}

static void each_connection_has_its_own_rows(void **state)
{
    (void)state;
    change_to("1201", MAPPING_LINKED, STR("Verpleging"));
    struct mapping_received item = received("1201");
    struct mapping_found found;
    assert_ok(mapping_resolve(fx.store, STR("connection-2"), &item, 1, STR("SSO-2"), PER_DAY, TEST_NOW,
                              fx.arena, &found));
    assert_int_equal(found.status, MAPPING_NEW);
    assert_true(found.is_added);
    assert_int_equal(row_of("1201").status, MAPPING_LINKED);
}

static void a_row_made_by_hand_takes_its_first_sighting_and_name_from_a_login(void **state)
{
    (void)state;
    change_to("1201", MAPPING_LINKED, STR("Verpleging"));
    struct mapping_row row = row_of("1201");
    assert_str(row.origin, "manual");
    assert_int_equal(row.first_seen, 0);
    assert_int_equal(row.seen_count, 0);
    struct mapping_received item = {STR("1201"), STR("De Duinen")};
    struct mapping_found found;
    resolve_on(fx.store, &item, 1, PER_DAY, TEST_NOW + 5, &found);
    item.name = STR("Another name");
    resolve_on(fx.store, &item, 1, PER_DAY, TEST_NOW + 9, &found);
    row = row_of("1201");
    assert_int_equal(row.first_seen, TEST_NOW + 5);
    assert_int_equal(row.last_seen, TEST_NOW + 9);
    assert_int_equal(row.seen_count, 2);
    assert_str(row.first_log, "SSO-20270115-AAAAAAAA");
    assert_str(row.name, "De Duinen"); /* a name that is there is the administrator's */
    assert_int_equal(row.version, 1);  /* seeing is not an edit */
}

/* ---- the flood guard (MAP-8) ---- */

static void the_flood_guard_withholds_what_goes_past_the_day(void **state)
{
    (void)state;
    const struct mapping_received items[] = {received("a"), received("b"), received("c"), received("d")};
    struct mapping_found found[4];
    resolve_on(fx.store, items, 2, 3, TEST_NOW, found);
    assert_true(found[0].is_added && found[1].is_added);
    resolve_on(fx.other, items, 4, 3, TEST_NOW, found);
    assert_false(found[0].is_added || found[0].is_withheld);
    assert_true(found[2].is_added && !found[2].is_withheld);
    assert_true(!found[3].is_added && found[3].is_withheld);
    assert_int_equal(found[3].status, MAPPING_NEW);
    resolve_on(fx.store, items, 4, 3, TEST_NOW, found);
    assert_true(found[3].is_withheld);
    assert_false(found[2].is_withheld || found[2].is_added);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM sso_mapping"), 3);
    assert_int_equal(row_of("a").seen_count, 3); /* known ones are still counted */
    resolve_on(fx.store, items, 4, 3, TEST_NOW + DAY_S, found);
    assert_true(found[3].is_added);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM sso_mapping_day"), 1); /* yesterday's is gone */
}

static void rows_made_by_hand_do_not_count_for_the_flood_guard(void **state)
{
    (void)state;
    change_to("a", MAPPING_NEW, STR(""));
    change_to("b", MAPPING_NEW, STR(""));
    assert_true(resolve_one("c", TEST_NOW).is_added);
    assert_int_equal(fixture_count("SELECT added FROM sso_mapping_day"), 1);
}

static void a_guard_of_zero_adds_nothing(void **state)
{
    (void)state;
    struct mapping_received item = received("a");
    struct mapping_found found;
    resolve_on(fx.store, &item, 1, 0, TEST_NOW, &found);
    assert_true(found.is_withheld);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM sso_mapping"), 0);
}

/* ---- size ---- */

static void two_thousand_codes_take_one_short_transaction(void **state)
{
    (void)state;
    struct mapping_received *items = arena_array_of(fx.arena, MANY, struct mapping_received);
    struct mapping_found *found = arena_array_of(fx.arena, MANY, struct mapping_found);
    for (int i = 0; i < MANY; i++)
        items[i] = received(arena_printf(fx.arena, "location-%d", (i * 7919) % MANY));
    int64_t before = clock_monotonic_ms();
    resolve_on(fx.store, items, MANY, MANY, TEST_NOW, found);
    int64_t added = clock_monotonic_ms();
    resolve_on(fx.store, items, MANY, MANY, TEST_NOW + 1, found);
    int64_t seen = clock_monotonic_ms();
    print_message("# 2000 codes: added in %d ms, seen in %d ms\n", (int)(added - before),
                  (int)(seen - added));
    for (int i = 0; i < MANY; i++)
        assert_false(found[i].is_added || found[i].is_withheld);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM sso_mapping"), MANY);
    assert_int_equal(fixture_count("SELECT MIN(seen_count) FROM sso_mapping"), 2);
    assert_int_equal(fixture_count("SELECT MAX(seen_count) FROM sso_mapping"), 2);
    assert_true(added - before < 5000 && seen - added < 5000);
}

/* ---- finding ---- */

static void the_filter_narrows_and_the_page_goes_on(void **state)
{
    (void)state;
    struct mapping_received items[] = {{STR("10%"), STR("Noord")},
                                       {STR("100"), STR("Zuid_West")},
                                       {STR("1000"), STR("zuid oost")},
                                       {STR("Q!"), STR("")}};
    struct mapping_found found[4];
    resolve_on(fx.store, items, 4, PER_DAY, TEST_NOW, found);
    change_to("100", MAPPING_LINKED, STR("Verpleging"));
    assert_int_equal(find_where((struct mapping_filter){0}).count, 4);
    assert_int_equal(find_where((struct mapping_filter){.connection = STR("other")}).count, 0);
    assert_int_equal(find_where((struct mapping_filter){.status = MAPPING_LINKED}).count, 1);
    assert_int_equal(find_where((struct mapping_filter){.status = MAPPING_NEW}).count, 3);
    assert_int_equal(find_where((struct mapping_filter){.search = STR("100")}).count, 2);
    assert_int_equal(find_where((struct mapping_filter){.search = STR("ZUID")}).count, 2);
    /* No sign of the search means anything to the engine. */
    assert_int_equal(find_where((struct mapping_filter){.search = STR("%")}).count, 1);
    assert_int_equal(find_where((struct mapping_filter){.search = STR("_")}).count, 1);
    assert_int_equal(find_where((struct mapping_filter){.search = STR("q!")}).count, 1);
    assert_int_equal(find_where((struct mapping_filter){.search = STR("' OR 1=1")}).count, 0);
    struct str after = STR_NONE;
    for (size_t i = 0; i < 4; i++) {
        struct mapping_list page = find_where((struct mapping_filter){.after_code = after, .limit = 1});
        assert_int_equal(page.count, 1);
        assert_false(str_equal(page.items[0].code, after));
        after = page.items[0].code;
    }
    assert_int_equal(find_where((struct mapping_filter){.after_code = after}).count, 0);
}

static void a_list_without_a_sensible_limit_fails(void **state)
{
    (void)state;
    struct mapping_filter filter = {.connection = connection_id()};
    struct mapping_list list;
    assert_failed(mapping_find(fx.store, &filter, fx.arena, &list));
    filter.limit = 1001;
    assert_failed(mapping_find(fx.store, &filter, fx.arena, &list));
}

/* ---- changing ---- */

static void a_row_is_linked_unlinked_ignored_and_deactivated(void **state)
{
    (void)state;
    resolve_one("1201", TEST_NOW);
    change_to("1201", MAPPING_LINKED, STR("Verpleging"));
    struct mapping_row row = row_of("1201");
    assert_int_equal(row.status, MAPPING_LINKED);
    assert_str(row.group, "Verpleging");
    assert_str(row.origin, "auto");
    assert_int_equal(row.version, 2);
    assert_str(row.changed_by, "cli:fab");
    assert_int_equal(row.changed_at, TEST_NOW);
    assert_str(resolve_one("1201", TEST_NOW).group, "Verpleging");
    change_to("1201", MAPPING_INACTIVE, STR(""));
    assert_int_equal(resolve_one("1201", TEST_NOW).status, MAPPING_INACTIVE);
    change_to("1201", MAPPING_IGNORED, STR(""));
    change_to("1201", MAPPING_NEW, STR(""));
    row = row_of("1201");
    assert_int_equal(row.status, MAPPING_NEW);
    assert_int_equal(row.group.length, 0);
    assert_int_equal(row.version, 5);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM audit WHERE action = 'mapping_change' "
                                   "AND actor = 'cli:fab' AND subject = 'connection-1/1201'"),
                     4);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM audit WHERE details = 'linked to Verpleging'"), 1);
}

static void a_change_on_an_old_version_changes_nothing(void **state)
{
    (void)state;
    resolve_one("1201", TEST_NOW);
    assert_ok(mapping_change(fx.store, SCOPE_ALL, connection_id(), STR("1201"), MAPPING_LINKED, STR("A"), 1,
                             "one", TEST_NOW));
    assert_absent(mapping_change(fx.other, SCOPE_ALL, connection_id(), STR("1201"), MAPPING_LINKED, STR("B"),
                                 1, "two", TEST_NOW));
    assert_absent(mapping_change(fx.other, SCOPE_ALL, connection_id(), STR("unknown"), MAPPING_LINKED,
                                 STR("B"), 1, "two", TEST_NOW));
    assert_str(row_of("1201").group, "A");
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM sso_mapping"), 1);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM audit WHERE action = 'mapping_change'"), 1);
    assert_ok(mapping_change(fx.other, SCOPE_ALL, connection_id(), STR("1201"), MAPPING_LINKED, STR("B"), 2,
                             "two", TEST_NOW));
}

static void a_group_goes_with_a_linked_row_only(void **state)
{
    (void)state;
    assert_failed(mapping_change(fx.store, SCOPE_ALL, connection_id(), STR("a"), MAPPING_LINKED, STR(""), 0,
                                 "x", TEST_NOW));
    assert_failed(mapping_change(fx.store, SCOPE_ALL, connection_id(), STR("a"), MAPPING_IGNORED, STR("A"), 0,
                                 "x", TEST_NOW));
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM sso_mapping"), 0);
}

/* ---- races ---- */

#define RACED 40

/* Every thread brings the same codes, each in an order of its own, and half of them some that are their own.
 */
static void *bring_codes(void *context)
{
    struct racer *racer = context;
    struct mapping_received items[RACED];
    struct mapping_found found[RACED];
    for (int i = 0; i < RACED; i++) {
        const char *code = arena_printf(racer->arena, "code-%d", (i * 7 + racer->number * 3) % RACED);
        items[i] = received(code);
    }
    pthread_barrier_wait(&start);
    racer->outcome = mapping_resolve(racer->store, connection_id(), items, RACED, STR("SSO-R"), PER_DAY,
                                     TEST_NOW, racer->arena, found);
    for (int i = 0; i < RACED && racer->outcome == OK; i++) {
        racer->count += found[i].is_added;
        racer->refused += found[i].is_withheld;
    }
    return NULL;
}

static void codes_brought_by_sixteen_logins_at_once_are_added_once(void **state)
{
    (void)state;
    struct racer racers[THREADS];
    race(racers, bring_codes, 0, NULL);
    int added = 0;
    for (int i = 0; i < THREADS; i++) {
        assert_ok(racers[i].outcome);
        assert_int_equal(racers[i].refused, 0);
        added += racers[i].count;
    }
    assert_int_equal(added, RACED);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM sso_mapping"), RACED);
    assert_int_equal(fixture_count("SELECT added FROM sso_mapping_day"), RACED);
    assert_int_equal(fixture_count("SELECT MIN(seen_count) FROM sso_mapping"), THREADS);
    assert_int_equal(fixture_count("SELECT MAX(seen_count) FROM sso_mapping"), THREADS);
}

static void *bring_own_codes(void *context)
{
    struct racer *racer = context;
    struct mapping_received items[10];
    struct mapping_found found[10];
    for (int i = 0; i < 10; i++)
        items[i] = received(arena_printf(racer->arena, "own-%d-%d", racer->number, i));
    pthread_barrier_wait(&start);
    racer->outcome = mapping_resolve(racer->store, connection_id(), items, 10, STR("SSO-R"), 25, TEST_NOW,
                                     racer->arena, found);
    for (int i = 0; i < 10 && racer->outcome == OK; i++) {
        racer->count += found[i].is_added;
        racer->refused += found[i].is_withheld;
    }
    return NULL;
}

/* MAP-9 */
static void what_logins_added_in_a_day_is_listed_and_counted(void **state)
{
    (void)state;
    resolve_one("before", TEST_NOW - 1);
    resolve_one("b", TEST_NOW);
    resolve_one("a", TEST_NOW);
    resolve_one("c", TEST_NOW + DAY_S - 1);
    resolve_one("after", TEST_NOW + DAY_S);
    change_to("a", MAPPING_IGNORED, STR(""));
    change_to("by hand", MAPPING_IGNORED, STR(""));
    struct mapping_list list;
    int64_t total;
    assert_ok(
        mapping_added(fx.other, connection_id(), TEST_NOW, TEST_NOW + DAY_S, 2, fx.arena, &list, &total));
    assert_int_equal(total, 3);
    assert_int_equal(list.count, 2);
    assert_str(list.items[0].code, "a");
    assert_int_equal(list.items[0].status, MAPPING_IGNORED);
    assert_str(list.items[1].code, "b");
    assert_ok(mapping_added(fx.other, STR("c2"), TEST_NOW, TEST_NOW + DAY_S, 2, fx.arena, &list, &total));
    assert_int_equal(total, 0);
}

static void the_flood_guard_holds_over_two_nodes(void **state)
{
    (void)state;
    struct racer racers[THREADS];
    race(racers, bring_own_codes, 0, NULL);
    int added = 0;
    for (int i = 0; i < THREADS; i++) {
        assert_ok(racers[i].outcome);
        assert_int_equal(racers[i].count + racers[i].refused, 10);
        added += racers[i].count;
    }
    assert_int_equal(added, 25);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM sso_mapping"), 25);
}

static void *change_once(void *context)
{
    struct racer *racer = context;
    pthread_barrier_wait(&start);
    racer->outcome = mapping_change(racer->store, SCOPE_ALL, connection_id(), STR("1201"), MAPPING_LINKED,
                                    STR("A"), 1, "racer", TEST_NOW);
    return NULL;
}

static void of_sixteen_edits_on_one_version_one_succeeds(void **state)
{
    (void)state;
    resolve_one("1201", TEST_NOW);
    struct racer racers[THREADS];
    race(racers, change_once, 0, NULL);
    int succeeded = 0;
    for (int i = 0; i < THREADS; i++) {
        assert_int_not_equal(racers[i].outcome, FAILED);
        succeeded += racers[i].outcome == OK;
    }
    assert_int_equal(succeeded, 1);
    assert_int_equal(row_of("1201").version, 2);
}

/* Logins and an administrator at once: nobody fails, and the link stands. */
static void *link_or_bring(void *context)
{
    struct racer *racer = context;
    struct mapping_received item = received("1201");
    struct mapping_found found;
    pthread_barrier_wait(&start);
    if (racer->number % 4 == 0)
        racer->outcome = mapping_change(racer->store, SCOPE_ALL, connection_id(), STR("1201"), MAPPING_LINKED,
                                        STR("A"), 0, "racer", TEST_NOW);
    else
        racer->outcome = mapping_resolve(racer->store, connection_id(), &item, 1, STR("SSO-R"), PER_DAY,
                                         TEST_NOW, racer->arena, &found);
    return NULL;
}

static void a_row_added_by_hand_and_by_login_at_once_is_one_row(void **state)
{
    (void)state;
    struct racer racers[THREADS];
    race(racers, link_or_bring, 0, NULL);
    for (int i = 0; i < THREADS; i++)
        assert_ok(racers[i].outcome);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM sso_mapping"), 1);
    assert_int_equal(row_of("1201").status, MAPPING_LINKED);
    assert_int_equal(row_of("1201").seen_count, THREADS - THREADS / 4);
}

static void a_broken_store_fails(void **state)
{
    (void)state;
    fixture_sql("DROP TABLE sso_mapping");
    struct mapping_received item = received("a");
    struct mapping_found found;
    struct mapping_list list;
    struct mapping_filter filter = {.connection = connection_id(), .limit = 1};
    assert_failed(mapping_resolve(fx.store, connection_id(), &item, 1, STR("SSO-1"), PER_DAY, TEST_NOW,
                                  fx.arena, &found));
    assert_failed(mapping_find(fx.store, &filter, fx.arena, &list));
    assert_failed(mapping_change(fx.store, SCOPE_ALL, connection_id(), STR("a"), MAPPING_NEW, STR(""), 0, "x",
                                 TEST_NOW));
}

static const struct CMUnitTest tests[] = {
    STORE_TEST(an_unknown_code_is_added_unlinked_and_then_known),
    STORE_TEST(answers_stand_in_the_order_of_the_question),
    STORE_TEST(no_codes_ask_nothing),
    STORE_TEST(each_connection_has_its_own_rows),
    STORE_TEST(a_row_made_by_hand_takes_its_first_sighting_and_name_from_a_login),
    STORE_TEST(the_flood_guard_withholds_what_goes_past_the_day),
    STORE_TEST(rows_made_by_hand_do_not_count_for_the_flood_guard),
    STORE_TEST(a_guard_of_zero_adds_nothing),
    STORE_TEST(two_thousand_codes_take_one_short_transaction),
    STORE_TEST(the_filter_narrows_and_the_page_goes_on),
    STORE_TEST(a_list_without_a_sensible_limit_fails),
    STORE_TEST(a_row_is_linked_unlinked_ignored_and_deactivated),
    STORE_TEST(a_change_on_an_old_version_changes_nothing),
    STORE_TEST(a_group_goes_with_a_linked_row_only),
    STORE_TEST(codes_brought_by_sixteen_logins_at_once_are_added_once),
    STORE_TEST(what_logins_added_in_a_day_is_listed_and_counted),
    STORE_TEST(the_flood_guard_holds_over_two_nodes),
    STORE_TEST(of_sixteen_edits_on_one_version_one_succeeds),
    STORE_TEST(a_row_added_by_hand_and_by_login_at_once_is_one_row),
    STORE_TEST(a_broken_store_fails),
};

STORE_TEST_MAIN("mapping", tests)
