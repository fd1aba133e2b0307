/* outbox.h on the engine of STORE_URL: windows, caps, leases and retries (MAIL-6, MAIL-7, MAIL-9). */
#include "store_race.h"

#include "store/exchange_log.h"
#include "store/mapping.h"
#include "store/notification.h"
#include "store/outage.h"
#include "store/outbox.h"

#define MINUTE 60
#define HOUR 3600
#define DAY 86400
#define LEASE 120

static const struct outbox_rule AT_ONCE = {0};

static struct outbox_mail mail_of(const char *connection, const char *fingerprint)
{
    return (struct outbox_mail){
        .connection = str_from_c(connection),
        .fingerprint = str_from_c(fingerprint),
        .recipients = STR("fab@example.nl, beheer@example.nl"),
        .subject = STR("[SSO productie] Zonnestraaltjes: Geen beveiligingsgroepen gevonden (701)"),
        .body = STR("Herhalingen: {repeats}"),
    };
}

static enum outbox_verdict offer_mail(const char *connection, const char *fingerprint, int64_t at)
{
    struct outbox_mail mail = mail_of(connection, fingerprint);
    enum outbox_verdict verdict;
    assert_ok(outbox_offer(fx.store, &mail, &AT_ONCE, TEST_NOW + at, &verdict));
    return verdict;
}

static enum outbox_verdict offer_at(int64_t at)
{
    return offer_mail("c1", "f1", at);
}

static enum outcome take_at(int64_t at, struct outbox_mail *out_mail)
{
    return outbox_take(fx.other, TEST_NOW + at, LEASE, fx.arena, out_mail);
}

/* Takes a mail and says that it went out. */
static struct outbox_mail sent_at(int64_t at)
{
    struct outbox_mail mail;
    assert_ok(take_at(at, &mail));
    assert_ok(outbox_sent(fx.store, mail.id, TEST_NOW + at));
    return mail;
}

static void assert_nothing_at(int64_t at)
{
    struct outbox_mail mail;
    assert_absent(take_at(at, &mail));
}

/* ---- windows ---- */

static void the_first_failure_is_mailed_at_once(void **state)
{
    (void)state;
    assert_nothing_at(0);
    assert_int_equal(offer_at(0), OUTBOX_QUEUED);
    struct outbox_mail mail;
    assert_ok(take_at(0, &mail));
    assert_true(str_is_uuid(mail.id));
    assert_str(mail.connection, "c1");
    assert_str(mail.fingerprint, "f1");
    assert_str(mail.recipients, "fab@example.nl, beheer@example.nl");
    assert_str(mail.subject, "[SSO productie] Zonnestraaltjes: Geen beveiligingsgroepen gevonden (701)");
    assert_str(mail.body, "Herhalingen: {repeats}");
    assert_int_equal(mail.repeats, 0);
    assert_int_equal(mail.first_at, TEST_NOW);
    assert_int_equal(mail.last_at, TEST_NOW);
    assert_int_equal(mail.attempts, 0);
    assert_false(mail.is_last);
    assert_ok(outbox_sent(fx.store, mail.id, TEST_NOW));
    assert_absent(outbox_sent(fx.store, mail.id, TEST_NOW));
    assert_absent(outbox_failed(fx.store, mail.id, TEST_NOW));
    assert_absent(outbox_sent(fx.store, STR("unknown"), TEST_NOW));
    assert_nothing_at(DAY);
}

static void repeats_are_held_back_and_told_in_one_summary(void **state)
{
    (void)state;
    offer_at(0);
    sent_at(0);
    for (int i = 1; i <= 5; i++)
        assert_int_equal(offer_at(i * MINUTE), OUTBOX_SUPPRESSED);
    assert_nothing_at(15 * MINUTE - 1);
    struct outbox_mail mail = sent_at(15 * MINUTE);
    assert_int_equal(mail.repeats, 5);
    assert_int_equal(mail.first_at, TEST_NOW + 1 * MINUTE);
    assert_int_equal(mail.last_at, TEST_NOW + 5 * MINUTE);
    assert_nothing_at(15 * MINUTE); /* one */
}

static void a_summary_has_the_newest_text(void **state)
{
    (void)state;
    offer_at(0);
    sent_at(0);
    struct outbox_mail later = mail_of("c1", "f1");
    enum outbox_verdict verdict;
    later.recipients = STR("new@example.nl");
    later.body = STR("newer {repeats}");
    assert_ok(outbox_offer(fx.store, &later, &AT_ONCE, TEST_NOW + 5, &verdict));
    struct outbox_mail mail = sent_at(15 * MINUTE);
    assert_str(mail.body, "newer {repeats}");
    assert_str(mail.recipients, "new@example.nl");
}

static void the_window_doubles_up_to_a_day(void **state)
{
    (void)state;
    static const int64_t lengths[] = {15, 30, 60, 120, 240, 480, 960, 1440, 1440};
    int64_t at = 0;
    offer_at(0);
    sent_at(0);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        assert_int_equal(offer_at(at + lengths[i] * MINUTE - 1), OUTBOX_SUPPRESSED);
        assert_nothing_at(at + lengths[i] * MINUTE - 1);
        at += lengths[i] * MINUTE;
        assert_int_equal(sent_at(at).repeats, 1);
    }
}

static void a_quiet_period_of_two_windows_starts_anew(void **state)
{
    (void)state;
    offer_at(0);
    sent_at(0);
    assert_int_equal(offer_at(20 * MINUTE), OUTBOX_QUEUED); /* after the window, before it was quiet */
    sent_at(20 * MINUTE);
    assert_int_equal(offer_at(20 * MINUTE + 29 * MINUTE), OUTBOX_SUPPRESSED); /* so it is 30 minutes now */
    sent_at(50 * MINUTE);                                                     /* ... and 60 */
    assert_int_equal(offer_at(49 * MINUTE + 120 * MINUTE), OUTBOX_QUEUED);    /* quiet for two windows */
    sent_at(49 * MINUTE + 120 * MINUTE);
    assert_int_equal(offer_at(169 * MINUTE + 14 * MINUTE), OUTBOX_SUPPRESSED);
    assert_nothing_at(169 * MINUTE + 15 * MINUTE - 1);
    assert_int_equal(sent_at(169 * MINUTE + 15 * MINUTE).repeats, 1); /* 15 minutes again */
}

static void a_failure_after_the_window_takes_the_held_back_ones_along(void **state)
{
    (void)state;
    offer_at(0);
    sent_at(0);
    offer_at(1 * MINUTE);
    offer_at(2 * MINUTE);
    assert_int_equal(offer_at(16 * MINUTE), OUTBOX_QUEUED); /* nobody took a summary meanwhile */
    struct outbox_mail mail = sent_at(16 * MINUTE);
    assert_int_equal(mail.repeats, 2);
    assert_int_equal(mail.first_at, TEST_NOW + 1 * MINUTE);
    assert_int_equal(mail.last_at, TEST_NOW + 16 * MINUTE);
    assert_nothing_at(2 * DAY);
}

static void fingerprints_and_connections_are_told_apart(void **state)
{
    (void)state;
    assert_int_equal(offer_mail("c1", "f1", 0), OUTBOX_QUEUED);
    assert_int_equal(offer_mail("c1", "f2", 0), OUTBOX_QUEUED);
    assert_int_equal(offer_mail("c2", "f1", 0), OUTBOX_QUEUED);
    assert_int_equal(offer_mail("c1", "f1", 1), OUTBOX_SUPPRESSED);
    for (int i = 0; i < 3; i++)
        sent_at(1);
    assert_nothing_at(1);
}

/* ---- caps ---- */

static enum outbox_verdict offer_numbered(int number, int64_t at)
{
    return offer_mail("c1", arena_printf(fx.arena, "f%d", number), at);
}

static void twenty_an_hour_and_the_last_one_says_so(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        assert_int_equal(offer_numbered(i, i), OUTBOX_QUEUED);
        assert_int_equal(sent_at(i).is_last, i == 19);
    }
    assert_int_equal(offer_numbered(20, 30), OUTBOX_CAPPED);
    assert_int_equal(offer_numbered(20, 31), OUTBOX_CAPPED);     /* still nobody was told */
    assert_int_equal(offer_mail("c2", "f1", 30), OUTBOX_QUEUED); /* another connection has its own cap */
    sent_at(30);
    assert_nothing_at(30 * MINUTE); /* a closed window waits too */
    /* The hour is over: what was capped is told, nothing is lost. */
    struct outbox_mail mail = sent_at(HOUR + 31 * MINUTE);
    assert_str(mail.fingerprint, "f20");
    assert_int_equal(mail.repeats, 2);
    assert_int_equal(offer_numbered(21, HOUR + 31 * MINUTE), OUTBOX_QUEUED);
}

static void a_hundred_a_day_and_the_last_one_says_so(void **state)
{
    (void)state;
    int number = 0;
    for (int hour = 0; hour < 5; hour++) {
        for (int i = 0; i < 20; i++, number++) {
            assert_int_equal(offer_numbered(number, hour * (HOUR + 1)), OUTBOX_QUEUED);
            assert_int_equal(sent_at(hour * (HOUR + 1)).is_last, number == 99 || i == 19);
        }
    }
    assert_int_equal(offer_numbered(100, 6 * HOUR), OUTBOX_CAPPED);
    assert_int_equal(offer_numbered(101, DAY + 1), OUTBOX_QUEUED); /* the first twenty are a day old */
}

/* ---- rules that count ---- */

static const struct outbox_rule THREE_IN_15_MIN = {.after = 3, .within_s = 15 * MINUTE};

static enum outbox_verdict offer_by(const struct outbox_rule *rule, int64_t at)
{
    struct outbox_mail mail = mail_of("c1", "f1");
    enum outbox_verdict verdict;
    mail.code = 404;
    mail.reference = str_from_c(arena_printf(fx.arena, "REF-%d", (int)at));
    assert_ok(outbox_offer(fx.store, &mail, rule, TEST_NOW + at, &verdict));
    return verdict;
}

static void a_rule_that_counts_mails_at_its_count_and_not_before(void **state)
{
    (void)state;
    assert_int_equal(offer_by(&THREE_IN_15_MIN, 0), OUTBOX_COUNTED);
    assert_int_equal(offer_by(&THREE_IN_15_MIN, 5 * MINUTE), OUTBOX_COUNTED);
    assert_nothing_at(5 * MINUTE);
    assert_int_equal(offer_by(&THREE_IN_15_MIN, 15 * MINUTE),
                     OUTBOX_COUNTED); /* the first is 15 minutes old */
    assert_int_equal(offer_by(&THREE_IN_15_MIN, 16 * MINUTE), OUTBOX_QUEUED);
    struct outbox_mail mail = sent_at(16 * MINUTE);
    assert_int_equal(mail.repeats, 2);
    assert_int_equal(mail.first_at, TEST_NOW + 5 * MINUTE);
    assert_int_equal(mail.code, 404);
    assert_str(mail.reference, "REF-960");
    /* From here on as any other: a window, one summary, and after a quiet time it counts anew. */
    assert_int_equal(offer_by(&THREE_IN_15_MIN, 17 * MINUTE), OUTBOX_SUPPRESSED);
    assert_int_equal(sent_at(31 * MINUTE).repeats, 1);
    assert_int_equal(offer_by(&THREE_IN_15_MIN, DAY), OUTBOX_COUNTED);
    assert_nothing_at(3 * DAY);
}

static void twenty_in_an_hour_are_counted_to_the_twentieth(void **state)
{
    (void)state;
    static const struct outbox_rule rule = {.after = 20, .within_s = HOUR};
    for (int i = 0; i < 40; i++) /* one each 200 seconds: never more than 18 in an hour */
        assert_int_equal(offer_by(&rule, i * 200), OUTBOX_COUNTED);
    for (int i = 0; i < 19; i++)
        assert_int_equal(offer_by(&rule, 4 * HOUR + i), OUTBOX_COUNTED);
    assert_int_equal(offer_by(&rule, 5 * HOUR - 1), OUTBOX_QUEUED);
    assert_int_equal(sent_at(5 * HOUR).repeats, 19);
}

static void a_window_of_one_length_does_not_double(void **state)
{
    (void)state;
    static const struct outbox_rule hourly = {.window_s = HOUR};
    assert_int_equal(offer_by(&hourly, 0), OUTBOX_QUEUED);
    sent_at(0);
    for (int hour = 0; hour < 4; hour++) {
        assert_int_equal(offer_by(&hourly, hour * HOUR + 59 * MINUTE), OUTBOX_SUPPRESSED);
        assert_nothing_at((hour + 1) * HOUR - 1);
        assert_int_equal(sent_at((hour + 1) * HOUR).repeats, 1);
    }
}

static void *count_same(void *context)
{
    struct racer *racer = context;
    struct outbox_mail mail = mail_of("c1", "f1");
    static const struct outbox_rule rule = {.after = THREADS, .within_s = HOUR};
    enum outbox_verdict verdict;
    pthread_barrier_wait(&start);
    racer->outcome = outbox_offer(racer->store, &mail, &rule, TEST_NOW, &verdict);
    racer->is_first = racer->outcome == OK && verdict == OUTBOX_QUEUED;
    return NULL;
}

static void two_nodes_count_together(void **state)
{
    (void)state;
    struct racer racers[THREADS];
    race(racers, count_same, 0, NULL);
    for (int i = 0; i < THREADS; i++)
        assert_ok(racers[i].outcome);
    assert_int_equal(count_first(racers), 1);
    assert_int_equal(sent_at(0).repeats, THREADS - 1);
}

/* ---- once ---- */

static enum outbox_verdict offer_once(const char *topic, int64_t step, int64_t at)
{
    struct outbox_mail mail = mail_of("c1", "once");
    enum outbox_verdict verdict;
    assert_ok(outbox_offer_once(fx.store, &mail, str_from_c(topic), step, TEST_NOW + at, &verdict));
    return verdict;
}

static void a_step_goes_out_once(void **state)
{
    (void)state;
    int64_t step;
    assert_absent(outbox_last_step(fx.store, STR("c1"), STR("digest"), &step));
    assert_int_equal(offer_once("digest", 7, 0), OUTBOX_QUEUED);
    assert_int_equal(offer_once("digest", 7, 1), OUTBOX_SUPPRESSED);
    assert_int_equal(offer_once("digest", 8, 2), OUTBOX_QUEUED);
    assert_int_equal(offer_once("reminder", 7, 3), OUTBOX_QUEUED);
    assert_ok(outbox_last_step(fx.other, STR("c1"), STR("digest"), &step));
    assert_int_equal(step, 8);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM outbox"), 3);
}

static void a_step_that_meets_the_cap_may_be_asked_again(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++)
        offer_mail("c1", arena_printf(fx.arena, "f%d", i), 0);
    assert_int_equal(offer_once("digest", 7, 1), OUTBOX_CAPPED);
    assert_int_equal(offer_once("digest", 7, HOUR + 1), OUTBOX_QUEUED);
}

static void *offer_same_step(void *context)
{
    struct racer *racer = context;
    struct outbox_mail mail = mail_of("c1", "once");
    enum outbox_verdict verdict;
    pthread_barrier_wait(&start);
    racer->outcome = outbox_offer_once(racer->store, &mail, STR("digest"), 7, TEST_NOW, &verdict);
    racer->is_first = racer->outcome == OK && verdict == OUTBOX_QUEUED;
    return NULL;
}

static void a_step_that_two_nodes_ask_goes_out_once(void **state)
{
    (void)state;
    struct racer racers[THREADS];
    race(racers, offer_same_step, 0, NULL);
    for (int i = 0; i < THREADS; i++)
        assert_ok(racers[i].outcome);
    assert_int_equal(count_first(racers), 1);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM outbox"), 1);
}

/* ---- outages, MAIL-8 ---- */

static void add_connection(const char *id)
{
    fixture_sql(arena_printf(fx.arena,
                             "INSERT INTO sso_connection (id, platform, environment, slug, customer_key, "
                             "provider_key, status, version) VALUES ('%s', 'sluis', 'production', 'a_%s', "
                             "'a', '%s', 'active', 1);",
                             id, id, id));
}

static enum outbox_verdict fail_of(const char *connection, int64_t at)
{
    struct outage_report report = {.mail = mail_of(connection, "outage"),
                                   .recovery_subject = STR("weer bereikbaar"),
                                   .recovery_body = STR("Herhalingen:\n{repeats}\n")};
    enum outbox_verdict verdict;
    report.mail.code = 201;
    assert_ok(outage_report(fx.store, &report, TEST_NOW + at, &verdict));
    return verdict;
}

static enum outbox_verdict fail_at(int64_t at)
{
    return fail_of("c1", at);
}

static int64_t watch_at(int64_t at)
{
    int64_t mails, others;
    assert_ok(outage_watch(fx.other, TEST_NOW + at, &mails));
    assert_ok(outage_watch(fx.store, TEST_NOW + at, &others)); /* a second node finds nothing to do */
    assert_int_equal(others, 0);
    return mails;
}

static void log_entry(const char *connection, const char *result, int code, int64_t started, int64_t ended,
                      const char *steps)
{
    static int number;
    struct exchange_entry entry = {
        .reference = str_from_c(arena_printf(fx.arena, "SSO-20261121-%08d", number++)),
        .connection = str_from_c(connection),
        .slug = STR("a_b"),
        .customer_key = STR("a"),
        .environment = STR("production"),
        .started_at_ms = (TEST_NOW + started) * 1000,
        .ended_at_ms = ended == 0 ? 0 : (TEST_NOW + ended) * 1000,
        .result = str_from_c(result),
        .code = code,
        .steps = str_from_c(steps),
    };
    assert_ok(exchange_log_write(fx.store, &entry));
}

static void log_login(const char *connection, const char *result, int code, int64_t started, int64_t ended)
{
    log_entry(connection, result, code, started, ended, "[{\"n\":2,\"label\":\"Koppelvlak\",\"ok\":true}]");
}

static void three_failures_in_two_minutes_start_an_outage(void **state)
{
    (void)state;
    add_connection("c1");
    assert_int_equal(fail_at(0), OUTBOX_COUNTED);
    assert_int_equal(fail_at(60), OUTBOX_COUNTED);
    assert_int_equal(fail_at(130), OUTBOX_COUNTED); /* the first is more than two minutes ago */
    assert_int_equal(fail_at(140), OUTBOX_QUEUED);
    struct outbox_mail mail = sent_at(140);
    assert_int_equal(mail.code, 201);
    assert_int_equal(mail.repeats, 3);
    assert_int_equal(mail.first_at, TEST_NOW);
    for (int i = 0; i < 5; i++)
        assert_int_equal(fail_at(HOUR + i * HOUR), OUTBOX_SUPPRESSED);
    assert_int_equal(watch_at(6 * HOUR), 0);
    assert_nothing_at(6 * HOUR); /* no summaries: one mail at the start */
}

static void an_outage_ends_with_a_login_that_began_after_it(void **state)
{
    (void)state;
    add_connection("c1");
    for (int i = 0; i < 3; i++)
        fail_at(i);
    sent_at(2);
    log_login("c1", "geslaagd", 0, -30, 5);    /* began before it */
    log_login("c2", "geslaagd", 0, 10, 11);    /* of another connection */
    log_login("c1", "geweigerd", 201, 12, 13); /* did not get through */
    log_entry("c1", "geslaagd", 0, 15, 16, "[{\"n\":21,\"label\":\"Uitloggen gestart\",\"ok\":true}]");
    log_login("c1", "", 0, 14, 0); /* still on its way */
    assert_int_equal(watch_at(200), 0);
    log_login("c1", "geweigerd", 701, 20, 21); /* the identity provider did its part */
    assert_int_equal(watch_at(121), 0);        /* two minutes of calm first */
    assert_int_equal(watch_at(122), 1);
    struct outbox_mail mail = sent_at(122);
    assert_str(mail.subject, "weer bereikbaar");
    assert_int_equal(mail.repeats, 3);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM outbox_outage"), 0);
    assert_int_equal(fail_at(300), OUTBOX_COUNTED); /* it starts anew */
    assert_int_equal(watch_at(301), 0);
    assert_nothing_at(301);
}

static void one_failure_and_no_success_in_ten_minutes_is_an_outage(void **state)
{
    (void)state;
    add_connection("c1");
    assert_int_equal(fail_at(0), OUTBOX_COUNTED);
    assert_int_equal(watch_at(10 * MINUTE - 1), 0);
    assert_int_equal(watch_at(10 * MINUTE), 1);
    assert_int_equal(sent_at(10 * MINUTE).repeats, 0);
    assert_int_equal(fail_at(11 * MINUTE), OUTBOX_SUPPRESSED);
    log_login("c1", "geslaagd met waarschuwing", 808, 12 * MINUTE, 12 * MINUTE + 5);
    assert_int_equal(watch_at(14 * MINUTE), 1);
}

static void a_success_ends_the_suspicion_without_mail(void **state)
{
    (void)state;
    add_connection("c1");
    fail_at(0);
    log_login("c1", "geslaagd", 0, 60, 61);
    assert_int_equal(watch_at(10 * MINUTE), 0);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM outbox_outage"), 0);
    /* Failing again after the success: ten minutes from there. */
    fail_at(20 * MINUTE);
    log_login("c1", "geslaagd", 0, 21 * MINUTE, 21 * MINUTE + 1);
    fail_at(25 * MINUTE);
    assert_int_equal(watch_at(30 * MINUTE), 0);
    assert_int_equal(watch_at(35 * MINUTE), 1);
}

static void fill_the_hour(int64_t at)
{
    for (int i = 0; i < 20; i++)
        assert_int_equal(offer_mail("c1", arena_printf(fx.arena, "f%d", i), at), OUTBOX_QUEUED);
}

static void an_outage_that_met_the_cap_is_mailed_as_soon_as_there_is_room(void **state)
{
    (void)state;
    add_connection("c1");
    fill_the_hour(0);
    fail_at(1);
    fail_at(2);
    assert_int_equal(fail_at(3), OUTBOX_CAPPED);
    assert_int_equal(fail_at(HOUR - 1), OUTBOX_CAPPED); /* nobody was told of it */
    assert_int_equal(fail_at(HOUR), OUTBOX_QUEUED);
    assert_int_equal(fail_at(HOUR + 1), OUTBOX_SUPPRESSED);
    assert_int_equal(fixture_count("SELECT repeats FROM outbox WHERE fingerprint = 'outage' AND state = 1"),
                     4);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM outbox WHERE reason = 'cap'"), 2);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM outbox WHERE reason = 'outage'"), 1);
    log_login("c1", "geslaagd", 0, HOUR + 10, HOUR + 11);
    assert_int_equal(watch_at(2 * HOUR), 1); /* who was told of it is told that it is over */
}

static void an_outage_of_which_nobody_was_told_ends_in_silence(void **state)
{
    (void)state;
    add_connection("c1");
    fill_the_hour(0);
    for (int i = 0; i < 4; i++)
        fail_at(1 + i);
    log_login("c1", "geslaagd", 0, 60, 61);
    assert_int_equal(watch_at(2 * HOUR), 0);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM outbox_outage"), 0);
}

static void a_window_that_met_the_cap_has_told_nobody(void **state)
{
    (void)state;
    fill_the_hour(0);
    assert_int_equal(offer_mail("c1", "new", 1), OUTBOX_CAPPED);
    assert_int_equal(offer_mail("c1", "new", 2), OUTBOX_CAPPED);
    assert_int_equal(offer_mail("c1", "f0", 2), OUTBOX_SUPPRESSED);
}

static void outages_that_stay_do_not_keep_others_from_ending(void **state)
{
    (void)state;
    for (int i = 0; i < 60; i++) {
        const char *id = arena_printf(fx.arena, "c%02d", i);
        add_connection(id);
        for (int j = 0; j < 3; j++)
            fail_of(id, j);
    }
    log_login("c59", "geslaagd", 0, 10, 11); /* the last in any order */
    assert_int_equal(watch_at(200), 1);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM outbox_outage"), 59);
}

static void an_outage_of_a_removed_connection_is_forgotten(void **state)
{
    (void)state;
    add_connection("c1");
    add_connection("c2");
    for (int i = 0; i < 3; i++) {
        fail_of("c1", i);
        fail_of("c2", i);
    }
    fixture_sql("DELETE FROM sso_connection WHERE id = 'c1';");
    assert_int_equal(watch_at(4), 0);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM outbox_outage WHERE connection = 'c2'"), 1);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM outbox_outage"), 1);
}

/* ---- the list ---- */

static void every_failure_is_in_the_list_with_what_became_of_it(void **state)
{
    (void)state;
    static const struct outbox_rule rule = {.after = 2, .within_s = HOUR};
    offer_by(&rule, 0);
    offer_by(&rule, 1);
    sent_at(1);
    offer_by(&rule, 2);
    for (int i = 0; i < 19; i++)
        offer_mail("c1", arena_printf(fx.arena, "f%d", i + 2), 3);
    offer_mail("c1", "f99", 4);
    struct notification_filter filter = {
        .scope = SCOPE_ALL, .connection = STR("c1"), .code = 404, .limit = 100};
    struct notification_list list;
    assert_ok(notification_find(fx.store, &filter, fx.arena, &list));
    assert_int_equal(list.count, 3);
    assert_str(list.items[0].reason, "window");
    assert_int_equal(list.items[0].state, NOTIFICATION_SUPPRESSED);
    assert_int_equal(list.items[1].state, NOTIFICATION_SENT);
    assert_str(list.items[1].reason, "");
    assert_int_equal(list.items[1].repeats, 1);
    assert_str(list.items[2].reason, "count");
    assert_str(list.items[2].reference, "REF-0");
    filter = (struct notification_filter){.scope = SCOPE_ALL, .state = NOTIFICATION_SUPPRESSED, .limit = 1};
    assert_ok(notification_find(fx.store, &filter, fx.arena, &list));
    assert_str(list.items[0].reason, "cap");
    filter.before_id = list.items[0].id;
    assert_ok(notification_find(fx.store, &filter, fx.arena, &list));
    assert_str(list.items[0].reason, "window");
    struct notification one;
    assert_ok(notification_get(fx.store, SCOPE_ALL, list.items[0].id, fx.arena, &one));
    assert_str(one.recipients, "fab@example.nl, beheer@example.nl");
    assert_absent(notification_get(fx.store, SCOPE_ALL, STR("nobody"), fx.arena, &one));
    filter.limit = 0;
    assert_failed(notification_find(fx.store, &filter, fx.arena, &list));
}

/* ---- leases and retries ---- */

static void a_leased_mail_is_nobody_elses_until_the_lease_ends(void **state)
{
    (void)state;
    offer_at(0);
    struct outbox_mail first, second;
    assert_ok(take_at(0, &first));
    assert_nothing_at(LEASE - 1);
    assert_ok(take_at(LEASE, &second)); /* whoever had it is gone */
    assert_true(str_equal(first.id, second.id));
    assert_int_equal(second.attempts, 0);
}

static void the_mail_that_waits_longest_goes_first(void **state)
{
    (void)state;
    offer_mail("c1", "f1", 5);
    offer_mail("c2", "f2", 3);
    assert_str(sent_at(10).fingerprint, "f2");
    assert_str(sent_at(10).fingerprint, "f1");
}

static void a_failed_mail_is_retried_for_a_day_and_then_given_up(void **state)
{
    (void)state;
    offer_at(0);
    int64_t at = 0;
    struct outbox_mail mail;
    for (int failures = 1; failures <= 29; failures++) {
        int64_t pause = failures == 1   ? MINUTE
                        : failures == 2 ? 5 * MINUTE
                        : failures == 3 ? 15 * MINUTE
                                        : HOUR;
        assert_ok(take_at(at, &mail));
        assert_int_equal(mail.attempts, failures - 1);
        assert_ok(outbox_failed(fx.store, mail.id, TEST_NOW + at));
        assert_nothing_at(at + pause - 1);
        at += pause;
    }
    assert_nothing_at(at + 2 * DAY);
    assert_absent(outbox_failed(fx.store, mail.id, TEST_NOW + at));
    assert_absent(outbox_sent(fx.store, mail.id, TEST_NOW + at));
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM outbox WHERE state = 3 AND attempts = 29"), 1);
    assert_true(at - 81 * MINUTE > DAY); /* hourly for a day after the four short pauses */
}

static void a_mail_may_still_go_out_after_a_failure(void **state)
{
    (void)state;
    offer_at(0);
    struct outbox_mail mail;
    assert_ok(take_at(0, &mail));
    assert_ok(outbox_failed(fx.store, mail.id, TEST_NOW));
    mail = sent_at(MINUTE);
    assert_int_equal(mail.attempts, 1);
    assert_nothing_at(DAY);
}

static void purge_deletes_what_is_done_and_windows_long_closed(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        offer_numbered(i, 0);
        sent_at(i);
    }
    offer_numbered(3, 0); /* waits */
    offer_numbered(0, 5); /* held back */
    int64_t deleted;
    assert_ok(outbox_purge(fx.store, TEST_NOW, 100, &deleted));
    assert_int_equal(deleted, 0);
    assert_ok(outbox_purge(fx.store, TEST_NOW + 3, 2, &deleted));
    assert_int_equal(deleted, 4); /* two mails, two windows */
    assert_ok(outbox_purge(fx.store, TEST_NOW + 3, 100, &deleted));
    assert_int_equal(deleted, 2);
    assert_str(sent_at(10).fingerprint, "f3");
    assert_int_equal(sent_at(15 * MINUTE).repeats, 1);
}

/* ---- races ---- */

static void *offer_same(void *context)
{
    struct racer *racer = context;
    struct outbox_mail mail = mail_of("c1", "f1");
    enum outbox_verdict verdict;
    pthread_barrier_wait(&start);
    racer->outcome = outbox_offer(racer->store, &mail, &AT_ONCE, TEST_NOW, &verdict);
    racer->is_first = racer->outcome == OK && verdict == OUTBOX_QUEUED;
    return NULL;
}

static void a_failure_seen_by_sixteen_at_once_is_one_mail_and_fifteen_repeats(void **state)
{
    (void)state;
    struct racer racers[THREADS];
    race(racers, offer_same, 0, NULL);
    for (int i = 0; i < THREADS; i++)
        assert_ok(racers[i].outcome);
    assert_int_equal(count_first(racers), 1);
    assert_int_equal(sent_at(0).repeats, 0);
    assert_int_equal(sent_at(15 * MINUTE).repeats, THREADS - 1);
}

static void *offer_own(void *context)
{
    struct racer *racer = context;
    struct outbox_mail mail = mail_of("c1", arena_printf(racer->arena, "own-%d", racer->number));
    enum outbox_verdict verdict;
    pthread_barrier_wait(&start);
    racer->outcome = outbox_offer(racer->store, &mail, &AT_ONCE, TEST_NOW + 10, &verdict);
    racer->is_first = racer->outcome == OK && verdict == OUTBOX_QUEUED;
    return NULL;
}

static void the_cap_holds_over_two_nodes(void **state)
{
    (void)state;
    struct racer racers[THREADS];
    for (int i = 0; i < 15; i++)
        offer_numbered(i, 0);
    race(racers, offer_own, 0, NULL);
    for (int i = 0; i < THREADS; i++)
        assert_ok(racers[i].outcome);
    assert_int_equal(count_first(racers), 5);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM outbox WHERE state <> 4"), 20);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM outbox WHERE is_last = 1"), 1);
}

/* Eight mails wait and four windows closed with repeats: twelve mails, each for one of sixteen. */
static void *take_one(void *context)
{
    struct racer *racer = context;
    struct outbox_mail mail;
    pthread_barrier_wait(&start);
    racer->outcome = outbox_take(racer->store, TEST_NOW + HOUR, LEASE, racer->arena, &mail);
    racer->is_first = racer->outcome == OK;
    return NULL;
}

static void each_mail_and_each_summary_is_taken_once(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        const char *connection = arena_printf(fx.arena, "c%d", i);
        offer_mail(connection, "f1", 0);
        offer_mail(connection, "f1", 1);
        offer_mail(connection, "f2", 0);
    }
    struct racer racers[THREADS];
    race(racers, take_one, 0, NULL);
    for (int i = 0; i < THREADS; i++)
        assert_int_not_equal(racers[i].outcome, FAILED);
    int taken = count_first(racers);
    struct outbox_mail mail;
    while (take_at(HOUR, &mail) == OK)
        taken++;
    assert_int_equal(taken, 12);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM outbox WHERE state <> 4"), 12);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM outbox WHERE repeats = 1"), 4);
}

static void a_broken_store_fails_and_is_not_taken_for_absent(void **state)
{
    (void)state;
    struct outbox_mail mail = mail_of("c1", "f1");
    enum outbox_verdict verdict;
    int64_t deleted;
    fixture_sql("DROP TABLE outbox");
    assert_failed(outbox_offer(fx.store, &mail, &AT_ONCE, TEST_NOW, &verdict));
    assert_failed(take_at(0, &mail));
    assert_failed(outbox_sent(fx.store, STR("id"), TEST_NOW));
    assert_failed(outbox_failed(fx.store, STR("id"), TEST_NOW));
    assert_failed(outbox_purge(fx.store, TEST_NOW, 10, &deleted));
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM outbox_window"), 0); /* nothing half-written */
}

static const struct CMUnitTest tests[] = {
    STORE_TEST(the_first_failure_is_mailed_at_once),
    STORE_TEST(repeats_are_held_back_and_told_in_one_summary),
    STORE_TEST(a_summary_has_the_newest_text),
    STORE_TEST(the_window_doubles_up_to_a_day),
    STORE_TEST(a_quiet_period_of_two_windows_starts_anew),
    STORE_TEST(a_failure_after_the_window_takes_the_held_back_ones_along),
    STORE_TEST(fingerprints_and_connections_are_told_apart),
    STORE_TEST(twenty_an_hour_and_the_last_one_says_so),
    STORE_TEST(a_hundred_a_day_and_the_last_one_says_so),
    STORE_TEST(a_rule_that_counts_mails_at_its_count_and_not_before),
    STORE_TEST(twenty_in_an_hour_are_counted_to_the_twentieth),
    STORE_TEST(a_window_of_one_length_does_not_double),
    STORE_TEST(two_nodes_count_together),
    STORE_TEST(a_step_goes_out_once),
    STORE_TEST(a_step_that_meets_the_cap_may_be_asked_again),
    STORE_TEST(a_step_that_two_nodes_ask_goes_out_once),
    STORE_TEST(three_failures_in_two_minutes_start_an_outage),
    STORE_TEST(an_outage_ends_with_a_login_that_began_after_it),
    STORE_TEST(one_failure_and_no_success_in_ten_minutes_is_an_outage),
    STORE_TEST(a_success_ends_the_suspicion_without_mail),
    STORE_TEST(an_outage_that_met_the_cap_is_mailed_as_soon_as_there_is_room),
    STORE_TEST(an_outage_of_which_nobody_was_told_ends_in_silence),
    STORE_TEST(a_window_that_met_the_cap_has_told_nobody),
    STORE_TEST(outages_that_stay_do_not_keep_others_from_ending),
    STORE_TEST(an_outage_of_a_removed_connection_is_forgotten),
    STORE_TEST(every_failure_is_in_the_list_with_what_became_of_it),
    STORE_TEST(a_leased_mail_is_nobody_elses_until_the_lease_ends),
    STORE_TEST(the_mail_that_waits_longest_goes_first),
    STORE_TEST(a_failed_mail_is_retried_for_a_day_and_then_given_up),
    STORE_TEST(a_mail_may_still_go_out_after_a_failure),
    STORE_TEST(purge_deletes_what_is_done_and_windows_long_closed),
    STORE_TEST(a_failure_seen_by_sixteen_at_once_is_one_mail_and_fifteen_repeats),
    STORE_TEST(the_cap_holds_over_two_nodes),
    STORE_TEST(each_mail_and_each_summary_is_taken_once),
    STORE_TEST(a_broken_store_fails_and_is_not_taken_for_absent),
};

STORE_TEST_MAIN("outbox", tests)
