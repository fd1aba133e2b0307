/* audit.h on the engine of STORE_URL: the chain, and every way to tamper with it. */
#include "store_fixture.h"

static enum outcome try_append(struct store *store, const char *subject)
{
    struct audit_entry entry = {
        .at = TEST_NOW,
        .actor = STR("cli:root"),
        .action = STR("key_rotate"),
        .subject = str_from_c(subject),
        .details = STR("by hand"),
    };
    return audit_append(store, &entry);
}

static void append(struct store *store, const char *subject)
{
    assert_ok(try_append(store, subject));
}

static struct audit_verdict verify(void)
{
    struct audit_verdict verdict;
    assert_ok(audit_verify(fx.store, fx.arena, &verdict));
    return verdict;
}

static void assert_broken(const char *node, int64_t number)
{
    struct audit_verdict verdict = verify();
    assert_false(verdict.is_intact);
    assert_str(verdict.broken_node, node);
    assert_int_equal(verdict.broken_number, number);
}

static void fill(void)
{
    for (int i = 1; i <= 5; i++)
        append(fx.store, arena_printf(fx.arena, "object %d", i));
    append(fx.other, "object of two");
}

static void entries_are_numbered_per_node_and_chained(void **state)
{
    (void)state;
    assert_true(verify().is_intact);
    fill();
    struct audit_list list;
    assert_ok(audit_read(fx.store, STR("one"), 0, 100, fx.arena, &list));
    assert_int_equal(list.count, 5);
    for (size_t i = 0; i < list.count; i++) {
        assert_int_equal(list.items[i].number, (int64_t)i + 1);
        assert_int_equal(list.items[i].hash.length, DIGEST_BYTES);
    }
    assert_str(list.items[2].subject, "object 3");
    assert_str(list.items[2].actor, "cli:root");
    assert_str(list.items[2].action, "key_rotate");
    assert_str(list.items[2].details, "by hand");
    assert_int_equal(list.items[2].at, TEST_NOW);
    assert_ok(audit_read(fx.store, STR("one"), 3, 1, fx.arena, &list));
    assert_int_equal(list.count, 1);
    assert_int_equal(list.items[0].number, 4);
    assert_ok(audit_read(fx.store, STR("unknown"), 0, 100, fx.arena, &list));
    assert_int_equal(list.count, 0);
    struct audit_verdict verdict = verify();
    assert_true(verdict.is_intact);
    assert_int_equal(verdict.entries, 6);
    assert_int_equal(verdict.nodes, 2);
}

static void an_altered_entry_is_found(void **state)
{
    (void)state;
    fill();
    fixture_sql("UPDATE audit SET actor = 'cli:somebody' WHERE node = 'one' AND number = 3");
    assert_broken("one", 3);
}

static void a_field_moved_to_its_neighbour_is_found(void **state)
{
    (void)state;
    fill();
    fixture_sql(
        "UPDATE audit SET subject = 'object 3b', details = 'y hand' WHERE node = 'one' AND number = 3");
    assert_broken("one", 3);
}

static void a_removed_entry_is_found(void **state)
{
    (void)state;
    fill();
    fixture_sql("DELETE FROM audit WHERE node = 'one' AND number = 2");
    assert_broken("one", 2);
}

static void a_removed_end_is_found(void **state)
{
    (void)state;
    fill();
    fixture_sql("DELETE FROM audit WHERE node = 'one' AND number >= 4");
    assert_broken("one", 4);
}

/* Whoever rewrites the last entry with a fitting hash has not rewritten the head yet. */
static void an_end_that_is_not_the_heads_is_found(void **state)
{
    (void)state;
    fill();
    fixture_sql("UPDATE audit_head SET hash = (SELECT hash FROM audit WHERE node = 'one' AND number = 4) "
                "WHERE node = 'one'");
    assert_broken("one", 5);
}

static void a_removed_chain_is_found(void **state)
{
    (void)state;
    fill();
    fixture_sql("DELETE FROM audit WHERE node = 'two'");
    assert_broken("two", 1);
}

static void an_inserted_entry_is_found(void **state)
{
    (void)state;
    fill();
    fixture_sql("INSERT INTO audit (node, number, at, actor, action, subject, details, hash) "
                "SELECT node, 6, at, actor, action, subject, details, hash FROM audit "
                "WHERE node = 'one' AND number = 5");
    assert_broken("one", 6);
    fixture_sql("DELETE FROM audit WHERE number = 6;"
                "UPDATE audit SET number = number + 10 WHERE node = 'one' AND number > 2;"
                "INSERT INTO audit (node, number, at, actor, action, subject, details, hash) "
                "SELECT node, 3, at, actor, action, subject, details, hash FROM audit "
                "WHERE node = 'one' AND number = 13;"
                "UPDATE audit SET number = number - 9 WHERE node = 'one' AND number > 10;"
                "UPDATE audit_head SET number = 6 WHERE node = 'one'");
    assert_broken("one", 4);
}

static void an_inserted_chain_is_found(void **state)
{
    (void)state;
    fill();
    fixture_sql("INSERT INTO audit (node, number, at, actor, action, subject, details, hash) "
                "SELECT 'three', number, at, actor, action, subject, details, hash FROM audit "
                "WHERE node = 'one' AND number = 1");
    assert_broken("three", 1);
}

static void two_entries_swapped_are_found(void **state)
{
    (void)state;
    fill();
    fixture_sql("UPDATE audit SET number = 99 WHERE node = 'one' AND number = 2;"
                "UPDATE audit SET number = 2 WHERE node = 'one' AND number = 3;"
                "UPDATE audit SET number = 3 WHERE node = 'one' AND number = 99");
    assert_broken("one", 2);
}

static void a_long_chain_is_verified_page_by_page(void **state)
{
    (void)state;
    for (int i = 0; i < 1001; i++)
        append(fx.store, "object");
    struct audit_verdict verdict = verify();
    assert_true(verdict.is_intact);
    assert_int_equal(verdict.entries, 1001);
    fixture_sql("UPDATE audit SET at = at + 1 WHERE number = 777");
    assert_broken("one", 777);
}

static void a_broken_store_fails(void **state)
{
    (void)state;
    struct audit_list list;
    struct audit_verdict verdict;
    struct audit_entry entry = {.at = TEST_NOW};
    fixture_sql("ALTER TABLE audit RENAME TO gone");
    assert_failed(audit_append(fx.store, &entry));
    assert_failed(audit_read(fx.store, STR("one"), 0, 10, fx.arena, &list));
    assert_failed(audit_verify(fx.store, fx.arena, &verdict));
}

static void *append_many(void *context)
{
    for (int i = 0; i < 25; i++) {
        if (try_append(context, "object") != OK)
            return context; /* not NULL: failed */
    }
    return NULL;
}

/* Eight writers per node: numbers without gaps or twins on either engine. */
static void threads_of_one_node_share_its_chain(void **state)
{
    (void)state;
    pthread_t threads[16];
    for (int i = 0; i < 16; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, append_many, i % 2 ? fx.store : fx.other), 0);
    for (int i = 0; i < 16; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    struct audit_verdict verdict = verify();
    assert_true(verdict.is_intact);
    assert_int_equal(verdict.entries, 400);
    assert_int_equal(verdict.nodes, 2);
}

static void AUD4_what_happened_to_one_object_is_found_on_every_node(void **state)
{
    (void)state;
    fill();
    append(fx.other, "object 3");
    struct audit_list list;
    assert_ok(audit_find(fx.store, STR("key_rotate"), STR("object 3"), 10, fx.arena, &list));
    assert_int_equal(list.count, 2);
    assert_false(str_equal(list.items[0].node, list.items[1].node));
    assert_ok(audit_find(fx.store, STR("key_rotate"), STR("object 3"), 1, fx.arena, &list));
    assert_int_equal(list.count, 1);
    assert_ok(audit_find(fx.store, STR("import"), STR("object 3"), 10, fx.arena, &list));
    assert_int_equal(list.count, 0);
    assert_ok(audit_find(fx.store, STR("key_rotate"), STR("object"), 10, fx.arena, &list));
    assert_int_equal(list.count, 0);
}

static const struct CMUnitTest tests[] = {
    STORE_TEST(entries_are_numbered_per_node_and_chained),
    STORE_TEST(AUD4_what_happened_to_one_object_is_found_on_every_node),
    STORE_TEST(an_altered_entry_is_found),
    STORE_TEST(a_field_moved_to_its_neighbour_is_found),
    STORE_TEST(a_removed_entry_is_found),
    STORE_TEST(a_removed_end_is_found),
    STORE_TEST(an_end_that_is_not_the_heads_is_found),
    STORE_TEST(a_removed_chain_is_found),
    STORE_TEST(an_inserted_entry_is_found),
    STORE_TEST(an_inserted_chain_is_found),
    STORE_TEST(two_entries_swapped_are_found),
    STORE_TEST(a_long_chain_is_verified_page_by_page),
    STORE_TEST(threads_of_one_node_share_its_chain),
    STORE_TEST(a_broken_store_fails),
};

STORE_TEST_MAIN("audit", tests)
