/* Where notices go, and that nobody waits for it: the queue, the backlog and the housekeeper's turn, on a
 * store that is held up, broken or full. */
#include "../store/store_fixture.h"

#include "base/clock.h"
#include "mail/mailer.h"
#include "sso/notify_backlog.h"
#include "sso/notify_queue.h"
#include "sso/notify_turn.h"

#define CONNECTIONS 3
#define DAY 86400

/* The mailer has the other node's store, so that the counters of fx.store are those of the test. Nobody
 * answers at its port. */
static struct mailer *mailer;
static struct trail trail;
static struct sso_connection connections[CONNECTIONS];
static const struct smtp_client client = {
    .server = "smtp://127.0.0.1:1", .sender = "sluis@sluis.example", .is_development = true};

static int set_up(void **state)
{
    fixture_setup(state);
    for (int i = 0; i < CONNECTIONS; i++)
        connections[i] = (struct sso_connection){
            .id = str_from_c(arena_printf(fx.arena, "c%d", i)),
            .status = STR("active"),
            .environment = STR("production"),
            .customer_key = STR("duinzicht"),
            .provider_key = STR("post"),
            .notify_address = STR("fab@zorg.example"),
            .secrets = {{.expires_at = TEST_NOW + 5 * DAY}},
            .secret_count = 1,
        };
    mailer = mailer_start(fx.other, &client);
    trail_begin(&trail, fx.arena, TEST_NOW * 1000, STR("SSO-20261121-ABCDEFGH"));
    return 0;
}

static int tear_down(void **state)
{
    trail_free(&trail);
    mailer_stop(&mailer);
    return fixture_teardown(state);
}

static struct notice notice_of(int code, int64_t at)
{
    return (struct notice){
        .connection = &connections[0],
        .trail = &trail,
        .error = sso_error_find(code),
        .operator_address = "beheer@sluis.example",
        .now = TEST_NOW + at,
    };
}

static struct store_counters counters(void)
{
    struct store_counters counted;
    store_read_counters(fx.store, &counted);
    return counted;
}

/* ---- a store that is held up ---- */

/* A writer that takes a table away, and lets nobody by until it is told to go on. */
struct blocker {
    pthread_t thread;
    pthread_barrier_t is_held, go_on;
};

static enum outcome block_work(struct db *db, void *context)
{
    struct blocker *blocker = context;
    char sql[] = "ALTER TABLE outbox_window RENAME TO outbox_window_away;";
    enum outcome outcome = db->driver->script(db, sql);
    pthread_barrier_wait(&blocker->is_held);
    pthread_barrier_wait(&blocker->go_on);
    return outcome;
}

static void *block(void *context)
{
    (void)!store_write(fx.store, "test", block_work, context);
    return NULL;
}

static void hold_up(struct blocker *blocker)
{
    pthread_barrier_init(&blocker->is_held, NULL, 2);
    pthread_barrier_init(&blocker->go_on, NULL, 2);
    assert_int_equal(pthread_create(&blocker->thread, NULL, block, blocker), 0);
    pthread_barrier_wait(&blocker->is_held);
}

static void let_go(struct blocker *blocker)
{
    pthread_barrier_wait(&blocker->go_on);
    pthread_join(blocker->thread, NULL);
    pthread_barrier_destroy(&blocker->is_held);
    pthread_barrier_destroy(&blocker->go_on);
}

/* ---- the queue ---- */

static void MAIL9_a_warning_does_not_wait_for_the_store(void **state)
{
    (void)state;
    struct notify_queue *queue = notify_queue_start(fx.store, mailer);
    const struct notify_desk desk = {.store = fx.store, .mailer = mailer, .queue = queue};
    const struct notice notice = notice_of(108, 0);
    struct blocker blocker;
    int dropped = 0;
    hold_up(&blocker);
    int64_t began = clock_monotonic_ms();
    for (int i = 0; i < 300; i++)
        dropped += notify_later(&desk, fx.arena, &notice) == NOTIFY_NONE;
    int64_t took = clock_monotonic_ms() - began;
    let_go(&blocker);
    assert_true(took < 1000);
    assert_true(dropped == 43 || dropped == 44); /* 256 wait, and one more once the thread took the first */
    fixture_sql("ALTER TABLE outbox_window_away RENAME TO outbox_window;");
    notify_queue_stop(&queue);
}

static void a_warning_once_a_day_is_offered_once_a_day(void **state)
{
    (void)state;
    struct notify_queue *queue = notify_queue_start(fx.store, mailer);
    const struct notify_desk desk = {.store = fx.store, .mailer = mailer, .queue = queue};
    const int64_t moments[] = {0, 1, DAY - 1, DAY, DAY + 1};
    const enum notify_verdict expected[] = {NOTIFY_HANDED, NOTIFY_SUPPRESSED, NOTIFY_SUPPRESSED,
                                            NOTIFY_HANDED, NOTIFY_SUPPRESSED};
    for (int i = 0; i < 5; i++) {
        const struct notice notice = notice_of(912, moments[i]);
        assert_int_equal(notify_later(&desk, fx.arena, &notice), expected[i]);
    }
    const struct notice other = notice_of(706, 2); /* another code has a day of its own */
    assert_int_equal(notify_later(&desk, fx.arena, &other), NOTIFY_HANDED);
    notify_queue_stop(&queue); /* after what waited was offered */
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM outbox WHERE code = 912"), 2);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM outbox WHERE code = 706"), 1);
}

static void a_warning_that_counts_is_offered_each_time(void **state)
{
    (void)state;
    struct notify_queue *queue = notify_queue_start(fx.store, mailer);
    const struct notify_desk desk = {.store = fx.store, .mailer = mailer, .queue = queue};
    for (int i = 0; i < 6; i++) {
        const struct notice notice = notice_of(108, i);
        assert_int_equal(notify_later(&desk, fx.arena, &notice), NOTIFY_HANDED);
    }
    notify_queue_stop(&queue);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM outbox WHERE code = 108 AND state <> 4"), 1);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM outbox WHERE code = 108"), 6);
}

static void what_the_store_refused_is_offered_again_the_same_day(void **state)
{
    (void)state;
    struct notify_queue *queue = notify_queue_start(fx.store, mailer);
    const struct notify_desk desk = {.store = fx.store, .mailer = mailer, .queue = queue};
    const struct notice notice = notice_of(912, 0);
    enum notify_verdict verdict = NOTIFY_SUPPRESSED;
    fixture_sql("ALTER TABLE outbox_window RENAME TO outbox_window_away;");
    uint64_t failures = counters().failures;
    assert_int_equal(notify_later(&desk, fx.arena, &notice), NOTIFY_HANDED);
    for (int i = 0; i < 500 && counters().failures == failures; i++)
        usleep(10000);
    fixture_sql("ALTER TABLE outbox_window_away RENAME TO outbox_window;");
    for (int i = 0; i < 500 && verdict != NOTIFY_HANDED; i++) {
        usleep(10000);
        verdict = notify_later(&desk, fx.arena, &notice);
    }
    assert_int_equal(verdict, NOTIFY_HANDED);
    notify_queue_stop(&queue);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM outbox WHERE code = 912"), 1);
}

/* ---- the backlog ---- */

static void of_911_the_store_is_not_asked(void **state)
{
    (void)state;
    struct notify_backlog *backlog = notify_backlog_new();
    const struct notify_desk desk = {.store = fx.store, .mailer = mailer, .backlog = backlog};
    const struct notice notice = notice_of(911, 0);
    fixture_sql("ALTER TABLE outbox_window RENAME TO outbox_window_away;");
    struct store_counters before = counters();
    assert_int_equal(notify_send(&desk, fx.arena, &notice), NOTIFY_HANDED);
    assert_int_equal(counters().failures, before.failures);
    assert_int_equal(counters().writes, before.writes);
    assert_failed(notify_backlog_flush(&desk));
    fixture_sql("ALTER TABLE outbox_window_away RENAME TO outbox_window;");
    assert_ok(notify_backlog_flush(&desk));
    assert_int_equal(
        fixture_count("SELECT COUNT(*) FROM outbox WHERE code = 911 AND connection = 'operator'"), 1);
    notify_backlog_free(&backlog);
}

static struct outbox_mail operator_mail(int code, struct str reference)
{
    return (struct outbox_mail){
        .connection = STR(NOTIFY_OPERATOR),
        .fingerprint = reference,
        .recipients = STR("beheer@sluis.example"),
        .subject = STR("s"),
        .body = STR("b"),
        .code = code,
        .reference = reference,
    };
}

static void *flush(void *context)
{
    return (void *)(uintptr_t)notify_backlog_flush(context);
}

static void a_newer_notice_is_not_replaced_by_one_that_comes_back(void **state)
{
    (void)state;
    struct notify_backlog *backlog = notify_backlog_new();
    struct notify_desk desk = {.store = fx.store, .mailer = mailer, .backlog = backlog};
    const struct outbox_mail older = operator_mail(911, STR("older")),
                             newer = operator_mail(911, STR("newer"));
    struct blocker blocker;
    pthread_t thread;
    void *flushed;
    assert_true(notify_backlog_put(backlog, &older, TEST_NOW));
    hold_up(&blocker);
    assert_int_equal(pthread_create(&thread, NULL, flush, &desk), 0);
    usleep(300000); /* it waits for the writer, which leaves it without its table */
    assert_true(notify_backlog_put(backlog, &newer, TEST_NOW + 1));
    let_go(&blocker);
    pthread_join(thread, &flushed);
    assert_int_equal((uintptr_t)flushed, FAILED);
    fixture_sql("ALTER TABLE outbox_window_away RENAME TO outbox_window;");
    assert_ok(notify_backlog_flush(&desk));
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM outbox WHERE reference = 'newer'"), 1);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM outbox"), 1);
    notify_backlog_free(&backlog);
}

static void a_flush_ends_at_the_first_that_fails_and_keeps_the_rest(void **state)
{
    (void)state;
    struct notify_backlog *backlog = notify_backlog_new();
    const struct notify_desk desk = {.store = fx.store, .mailer = mailer, .backlog = backlog};
    const struct outbox_mail one = operator_mail(911, STR("one")), two = operator_mail(910, STR("two"));
    assert_true(notify_backlog_put(backlog, &one, TEST_NOW));
    assert_true(notify_backlog_put(backlog, &two, TEST_NOW));
    fixture_sql("ALTER TABLE outbox_window RENAME TO outbox_window_away;");
    uint64_t failures = counters().failures;
    assert_failed(notify_backlog_flush(&desk));
    assert_int_equal(counters().failures, failures + 1);
    fixture_sql("ALTER TABLE outbox_window_away RENAME TO outbox_window;");
    assert_ok(notify_backlog_flush(&desk));
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM outbox"), 2);
    notify_backlog_free(&backlog);
}

/* ---- the housekeeper's turn ---- */

static enum outcome load(struct store *store, struct arena *arena, const void **out_data)
{
    (void)store;
    struct sso_data *data = arena_new_of(arena, struct sso_data);
    *data = (struct sso_data){.connections = connections, .connection_count = CONNECTIONS};
    *out_data = data;
    return OK;
}

static struct notify_turn turn_of(void)
{
    struct notify_turn turn = {.desk = {.store = fx.store, .mailer = mailer}};
    assert_ok(cached_open(fx.store, "test", load, &turn.data));
    return turn;
}

static void a_turn_ends_at_the_first_thing_that_fails(void **state)
{
    (void)state;
    struct notify_turn turn = turn_of();
    fixture_sql("ALTER TABLE outbox_once RENAME TO outbox_once_away;");
    uint64_t failures = counters().failures;
    notify_turn_take(&turn, TEST_NOW);
    assert_int_equal(counters().failures, failures + 1);
    notify_turn_take(&turn, TEST_NOW + 5); /* and is not tried again at once */
    assert_int_equal(counters().failures, failures + 1);
    fixture_sql("ALTER TABLE outbox_outage RENAME TO outbox_outage_away;");
    notify_turn_take(&turn, TEST_NOW + 120);
    assert_int_equal(counters().failures, failures + 2); /* the outages; no connection was looked at */
    fixture_sql("ALTER TABLE outbox_outage_away RENAME TO outbox_outage;");
    fixture_sql("ALTER TABLE outbox_once_away RENAME TO outbox_once;");
    notify_turn_take(&turn, TEST_NOW + 180);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM outbox WHERE code = 913"), CONNECTIONS);
    cached_close(&turn.data);
}

static void a_connection_without_room_is_asked_again_after_a_minute(void **state)
{
    (void)state;
    static const struct outbox_rule at_once = {0};
    struct notify_turn turn = turn_of();
    enum outbox_verdict verdict;
    for (int i = 0; i < 20; i++) {
        struct outbox_mail mail = operator_mail(504, str_from_c(arena_printf(fx.arena, "f%d", i)));
        mail.connection = connections[0].id;
        assert_ok(outbox_offer(fx.store, &mail, &at_once, TEST_NOW, &verdict));
    }
    notify_turn_take(&turn, TEST_NOW + 1);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM outbox WHERE code = 913"), CONNECTIONS - 1);
    uint64_t writes = counters().writes;
    for (int i = 0; i < 11; i++)
        notify_turn_take(&turn, TEST_NOW + 6 + 5 * i);
    assert_int_equal(counters().writes, writes);
    notify_turn_take(&turn, TEST_NOW + 61);
    assert_int_equal(counters().writes, writes + 1);
    notify_turn_take(&turn, TEST_NOW + 3600);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM outbox WHERE code = 913"), CONNECTIONS);
    cached_close(&turn.data);
}

#define DESK_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static const struct CMUnitTest tests[] = {
    DESK_TEST(MAIL9_a_warning_does_not_wait_for_the_store),
    DESK_TEST(a_warning_once_a_day_is_offered_once_a_day),
    DESK_TEST(a_warning_that_counts_is_offered_each_time),
    DESK_TEST(what_the_store_refused_is_offered_again_the_same_day),
    DESK_TEST(of_911_the_store_is_not_asked),
    DESK_TEST(a_newer_notice_is_not_replaced_by_one_that_comes_back),
    DESK_TEST(a_flush_ends_at_the_first_that_fails_and_keeps_the_rest),
    DESK_TEST(a_turn_ends_at_the_first_thing_that_fails),
    DESK_TEST(a_connection_without_room_is_asked_again_after_a_minute),
};

STORE_TEST_MAIN("notify_desk", tests)
