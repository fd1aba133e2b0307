/* session.h and sso_user.h on the engine of STORE_URL. */
#include "store_hunt.h"
#include "store_race.h"

#include "store/session.h"
#include "store/sso_user.h"

#define ROUNDS 4

static const char *cookie_reference(const char *cookie)
{
    return arena_printf(fx.arena, "patient of %s", cookie);
}

static struct session session_of(const char *cookie)
{
    return (struct session){
        .digest = digest_of(cookie),
        .user_id = STR("user-1"),
        .connection = STR("connection-1"),
        .issuer = STR("https://ehr.example"),
        .subject = STR("u-100"),
        .sid = STR("sid-1"),
        .display_name = STR("A. de Vries"),
        .groups = STR("Verpleging\nArtsen"),
        .permissions = STR("med.read med.write@d1"),
        .locations = STR("1201\n1202"),
        .landing = STR("/status"),
        .patient = STR("patient-ref-marker"),
        .patient_digest = digest_of(cookie_reference(cookie)),
        .warnings = STR("108 808"),
        .is_limited = true,
        .id_token = STR("id-token-marker"),
        .acr = STR("loa3"),
        .log_reference = STR("SSO-20270115-AAAAAAAA"),
        .auth_at = TEST_NOW - 600,
        .login_at = TEST_NOW,
        .seen_at = TEST_NOW,
        .idle_s = 1800,
        .expires_at = TEST_NOW + 43200,
    };
}

static void create(const struct session *session)
{
    struct str replaced;
    assert_ok(session_create(fx.store, session, STR_NONE, fx.arena, &replaced));
    assert_int_equal(replaced.length, 0);
}

static enum outcome find_at(const char *cookie, int64_t now, struct session *out_session)
{
    return session_find(fx.other, digest_of(cookie), now, fx.arena, out_session);
}

static bool is_there(const char *cookie)
{
    struct session found;
    return find_at(cookie, TEST_NOW, &found) == OK;
}

/* ---- creating and finding ---- */

static void a_session_comes_back_as_it_went_in(void **state)
{
    (void)state;
    struct session session = session_of("c1"), found;
    create(&session);
    assert_ok(find_at("c1", TEST_NOW, &found));
    assert_true(str_equal(found.digest, session.digest));
    assert_str(found.user_id, "user-1");
    assert_str(found.connection, "connection-1");
    assert_str(found.issuer, "https://ehr.example");
    assert_str(found.subject, "u-100");
    assert_str(found.sid, "sid-1");
    assert_str(found.display_name, "A. de Vries");
    assert_str(found.groups, "Verpleging\nArtsen");
    assert_str(found.permissions, "med.read med.write@d1");
    assert_str(found.locations, "1201\n1202");
    assert_str(found.landing, "/status");
    assert_str(found.patient, "patient-ref-marker");
    assert_true(str_equal(found.patient_digest, session.patient_digest));
    assert_false(found.is_patient_opened);
    assert_str(found.warnings, "108 808");
    assert_true(found.is_limited);
    assert_str(found.id_token, "id-token-marker");
    assert_str(found.acr, "loa3");
    assert_str(found.log_reference, "SSO-20270115-AAAAAAAA");
    assert_int_equal(found.auth_at, TEST_NOW - 600);
    assert_int_equal(found.login_at, TEST_NOW);
    assert_int_equal(found.seen_at, TEST_NOW);
    assert_int_equal(found.idle_s, 1800);
    assert_int_equal(found.expires_at, TEST_NOW + 43200);
}

static void a_session_without_patient_and_token_has_none(void **state)
{
    (void)state;
    struct session session = session_of("c1"), found;
    session.patient = session.patient_digest = session.id_token = STR_NONE;
    create(&session);
    assert_ok(find_at("c1", TEST_NOW, &found));
    assert_int_equal(found.patient.length, 0);
    assert_int_equal(found.id_token.length, 0);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM sso_session WHERE patient_sealed IS NULL "
                                   "AND id_token_sealed IS NULL"),
                     1);
}

static void an_unknown_session_is_absent(void **state)
{
    (void)state;
    struct session session = session_of("c1"), found;
    create(&session);
    assert_absent(find_at("c2", TEST_NOW, &found));
    assert_absent(session_find_by_log(fx.store, STR("SSO-20270115-BBBBBBBB"), TEST_NOW, fx.arena, &found));
}

static void a_session_ends_when_idle_for_too_long(void **state)
{
    (void)state;
    struct session session = session_of("c1"), found;
    create(&session);
    assert_ok(find_at("c1", TEST_NOW + 1799, &found));
    assert_int_equal(found.seen_at, TEST_NOW + 1799);
    assert_ok(find_at("c1", TEST_NOW + 1799 + 1799, &found));
    assert_absent(find_at("c1", TEST_NOW + 1799 + 1799 + 1800, &found));
    assert_absent(session_find_by_log(fx.store, session.log_reference, TEST_NOW + 1799 + 1799 + 1800,
                                      fx.arena, &found));
}

static void activity_does_not_carry_a_session_past_its_end(void **state)
{
    (void)state;
    struct session session = session_of("c1"), found;
    session.expires_at = TEST_NOW + 3000;
    create(&session);
    assert_ok(find_at("c1", TEST_NOW + 1500, &found));
    assert_ok(find_at("c1", TEST_NOW + 2999, &found));
    assert_absent(find_at("c1", TEST_NOW + 3000, &found));
}

static void activity_is_noted_once_a_minute(void **state)
{
    (void)state;
    struct session session = session_of("c1"), found;
    create(&session);
    struct store_counters before, after;
    store_read_counters(fx.other, &before);
    assert_ok(find_at("c1", TEST_NOW + 59, &found));
    assert_int_equal(found.seen_at, TEST_NOW);
    store_read_counters(fx.other, &after);
    assert_int_equal(after.reads - before.reads, 1); /* the hot read: one, and no write */
    assert_int_equal(after.writes - before.writes, 0);
    assert_ok(find_at("c1", TEST_NOW + 60, &found));
    assert_int_equal(found.seen_at, TEST_NOW + 60);
    assert_ok(find_at("c1", TEST_NOW + 100, &found));
    store_read_counters(fx.other, &after);
    assert_int_equal(after.reads - before.reads, 3);
    assert_int_equal(after.writes - before.writes, 1);
    assert_int_equal(fixture_count("SELECT seen_at FROM sso_session"), TEST_NOW + 60);
    assert_ok(find_at("c1", TEST_NOW + 30, &found)); /* a node whose clock is behind takes nothing back */
    assert_int_equal(fixture_count("SELECT seen_at FROM sso_session"), TEST_NOW + 60);
}

static void the_session_of_a_login_attempt_is_found(void **state)
{
    (void)state;
    struct session session = session_of("c1"), found;
    create(&session);
    assert_ok(session_find_by_log(fx.store, session.log_reference, TEST_NOW, fx.arena, &found));
    assert_true(str_equal(found.digest, session.digest));
    assert_str(found.id_token, "id-token-marker");
}

/* ---- replacing and ending ---- */

/* ---- the patient ---- */

static const struct audit_entry access_event = {.at = TEST_NOW,
                                                .actor = {"user:user-1", 11},
                                                .action = {"patient_access", 14},
                                                .subject = {"patient:hash", 12},
                                                .details = {"{}", 2}};

static int64_t count_events(void)
{
    return fixture_count("SELECT COUNT(*) FROM audit WHERE action = 'patient_access'");
}

static void a_session_is_found_by_the_reference_of_its_patient_while_it_lasts(void **state)
{
    (void)state;
    struct session session = session_of("c1"), found;
    create(&session);
    struct str digest = digest_of("patient of c1");
    assert_ok(session_find_by_patient(fx.other, digest, TEST_NOW + 1799, fx.arena, &found));
    assert_str(found.patient, "patient-ref-marker");
    assert_int_equal(found.seen_at, TEST_NOW);
    assert_absent(session_find_by_patient(fx.other, digest, TEST_NOW + 1800, fx.arena, &found));
    assert_absent(session_find_by_patient(fx.other, digest_of("c1"), TEST_NOW, fx.arena, &found));
}

static void VIEW9_opening_the_patient_writes_one_event_per_session(void **state)
{
    (void)state;
    struct session session = session_of("c1"), other = session_of("c2"), none = session_of("c3"), found;
    none.patient = none.patient_digest = STR_NONE;
    create(&session);
    create(&other);
    create(&none);
    for (int i = 0; i < 3; i++)
        assert_ok(session_open_patient(i % 2 ? fx.store : fx.other, session.digest, &access_event));
    assert_int_equal(count_events(), 1);
    assert_ok(find_at("c1", TEST_NOW, &found));
    assert_true(found.is_patient_opened);
    assert_ok(session_open_patient(fx.store, other.digest, &access_event));
    assert_int_equal(count_events(), 2);
    assert_absent(session_open_patient(fx.store, none.digest, &access_event));
    assert_absent(session_open_patient(fx.store, digest_of("nobody"), &access_event));
    assert_int_equal(count_events(), 2);
}

static void VIEW9_without_the_event_the_patient_is_not_opened(void **state)
{
    (void)state;
    struct session session = session_of("c1"), found;
    create(&session);
    fixture_sql("ALTER TABLE audit RENAME TO audit_away");
    assert_failed(session_open_patient(fx.store, session.digest, &access_event));
    fixture_sql("ALTER TABLE audit_away RENAME TO audit");
    assert_ok(find_at("c1", TEST_NOW, &found));
    assert_false(found.is_patient_opened);
    assert_ok(session_open_patient(fx.store, session.digest, &access_event));
    assert_int_equal(count_events(), 1);
}

static void *open_patient(void *context)
{
    struct racer *racer = context;
    pthread_barrier_wait(&start);
    racer->outcome = session_open_patient(racer->store, *(const struct str *)racer->subject, &access_event);
    return NULL;
}

static void VIEW9_sixteen_at_once_write_one_event(void **state)
{
    (void)state;
    struct racer racers[THREADS];
    struct session session = session_of("c1");
    create(&session);
    race(racers, open_patient, 0, &session.digest);
    for (int i = 0; i < THREADS; i++)
        assert_ok(racers[i].outcome);
    assert_int_equal(count_events(), 1);
}

static void a_new_session_ends_the_browsers_previous_one(void **state)
{
    (void)state;
    struct session old = session_of("old"), other = session_of("other"), session = session_of("new");
    old.user_id = STR("user-of-before");
    create(&old);
    create(&other);
    struct str replaced;
    assert_ok(session_create(fx.store, &session, old.digest, fx.arena, &replaced));
    assert_str(replaced, "user-of-before");
    assert_false(is_there("old"));
    assert_true(is_there("new") && is_there("other"));
    struct session next = session_of("next");
    assert_ok(session_create(fx.store, &next, digest_of("never there"), fx.arena, &replaced));
    assert_int_equal(replaced.length, 0);
}

static void a_session_that_cannot_be_created_leaves_the_previous_one(void **state)
{
    (void)state;
    struct session old = session_of("old"), taken = session_of("taken");
    create(&old);
    create(&taken);
    struct str replaced;
    assert_failed(session_create(fx.store, &taken, old.digest, fx.arena, &replaced));
    assert_int_equal(replaced.length, 0);
    assert_true(is_there("old"));
}

static void a_session_ends_once(void **state)
{
    (void)state;
    struct session session = session_of("c1");
    create(&session);
    assert_ok(session_end(fx.store, session.digest));
    assert_absent(session_end(fx.other, session.digest));
    assert_false(is_there("c1"));
}

static void create_for(const char *cookie, struct str issuer, struct str subject, struct str sid)
{
    struct session session = session_of(cookie);
    session.issuer = issuer;
    session.subject = subject;
    session.sid = sid;
    create(&session);
}

static enum outcome end_by_login(struct str issuer, struct str subject, struct str sid,
                                 struct session_ended_list *out_ended)
{
    const struct session_login login = {.issuer = issuer, .subject = subject, .sid = sid};
    return session_end_by_login(fx.store, &login, TEST_NOW, fx.arena, out_ended);
}

static void logout_by_sid_ends_that_session_and_by_subject_all(void **state)
{
    (void)state;
    struct str ehr = STR("https://ehr.example"), other = STR("https://other.example");
    create_for("a", ehr, STR("u-1"), STR("s-1"));
    create_for("b", ehr, STR("u-1"), STR("s-2"));
    create_for("c", ehr, STR("u-1"), STR(""));
    create_for("d", ehr, STR("u-2"), STR("s-4"));
    create_for("e", other, STR("u-1"), STR("s-1"));
    struct session_ended_list ended;
    assert_ok(end_by_login(ehr, STR("u-1"), STR("s-1"), &ended));
    assert_int_equal(ended.count, 1);
    assert_str(ended.items[0].user_id, "user-1");
    assert_true(!is_there("a") && is_there("b") && is_there("c") && is_there("d") && is_there("e"));
    assert_ok(end_by_login(ehr, STR(""), STR("s-9"), &ended));
    assert_int_equal(ended.count, 0);
    assert_ok(end_by_login(ehr, STR("u-1"), STR(""), &ended));
    assert_int_equal(ended.count, 2);
    assert_true(!is_there("b") && !is_there("c") && is_there("d") && is_there("e"));
    assert_failed(end_by_login(ehr, STR(""), STR(""), &ended));
    assert_failed(end_by_login(STR(""), STR("u-1"), STR(""), &ended));
    assert_int_equal(ended.count, 0);
}

/* OUT-4: one transaction, so that a jti is used up only with the sessions that its token ends. */
static void a_logout_token_ends_sessions_once(void **state)
{
    (void)state;
    struct str ehr = STR("https://ehr.example"), other = STR("https://other.example");
    struct session_login login = {
        .issuer = ehr, .subject = STR("u-1"), .jti = STR("jti-1"), .jti_expires_at = TEST_NOW + 600};
    struct session_ended_list ended;
    create_for("a", ehr, STR("u-1"), STR("s-1"));
    assert_ok(session_end_by_login(fx.store, &login, TEST_NOW, fx.arena, &ended));
    assert_int_equal(ended.count, 1);
    create_for("b", ehr, STR("u-1"), STR("s-2"));
    assert_absent(session_end_by_login(fx.other, &login, TEST_NOW, fx.arena, &ended));
    assert_int_equal(ended.count, 0);
    assert_true(is_there("b"));
    login.issuer = other; /* has a jti-1 of its own */
    assert_ok(session_end_by_login(fx.store, &login, TEST_NOW, fx.arena, &ended));
    login.jti = STR("jti-2");
    login.jti_expires_at = TEST_NOW;
    assert_absent(session_end_by_login(fx.store, &login, TEST_NOW, fx.arena, &ended));
    fixture_sql("DROP TABLE sso_session");
    login.jti_expires_at = TEST_NOW + 600;
    assert_failed(session_end_by_login(fx.store, &login, TEST_NOW, fx.arena, &ended));
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM replay"), 2);
}

static void a_session_past_its_end_is_not_told_as_ended(void **state)
{
    (void)state;
    struct str ehr = STR("https://ehr.example");
    struct session session = session_of("a");
    struct session_ended_list ended;
    session.issuer = ehr;
    session.sid = STR("s-1");
    session.idle_s = 10;
    create(&session);
    const struct session_login login = {.issuer = ehr, .sid = STR("s-1")};
    assert_ok(session_end_by_login(fx.store, &login, TEST_NOW + 10, fx.arena, &ended));
    assert_int_equal(ended.count, 0);
}

static void purge_deletes_what_ended_and_no_more_than_asked(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        struct session session = session_of(arena_printf(fx.arena, "c%d", i));
        session.idle_s = i == 4 ? 10 : 1800; /* the last one has been idle for too long */
        session.expires_at = TEST_NOW + 1000 + i;
        create(&session);
    }
    assert_ok(replay_take(fx.store, "jti", STR("short"), TEST_NOW + 500, TEST_NOW));
    assert_ok(replay_take(fx.store, "jti", STR("long"), TEST_NOW + 5000, TEST_NOW));
    int64_t deleted;
    struct session_ended_list ended;
    assert_ok(session_purge(fx.store, TEST_NOW + 1001, 2, fx.arena, &ended, &deleted));
    assert_int_equal(deleted, 3); /* two sessions and a one-time value */
    assert_int_equal(ended.count, 2);
    for (size_t i = 0; i < ended.count; i++) {
        assert_true(ended.items[i].ended_at == TEST_NOW + (ended.items[i].is_absolute ? 1000 : 10));
        assert_str(ended.items[i].user_id, "user-1");
    }
    assert_ok(session_purge(fx.store, TEST_NOW + 1001, 100, fx.arena, &ended, &deleted));
    assert_int_equal(deleted, 1);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM sso_session"), 2);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM replay"), 1);
}

/* ---- sealing ---- */

static void patient_and_token_do_not_lie_in_the_clear(void **state)
{
    (void)state;
    struct session session = session_of("c1");
    create(&session);
    assert_true(is_in_the_clear(STR("A. de Vries"))); /* the hunt does see what is not sealed */
    assert_false(is_in_the_clear(STR("patient-ref-marker")));
    assert_false(is_in_the_clear(STR("id-token-marker")));
    assert_ok(replay_take(fx.store, "jti", STR("jti-marker"), TEST_NOW + 60, TEST_NOW));
    assert_false(is_in_the_clear(STR("jti-marker")));
}

static void a_value_sealed_for_one_column_does_not_open_as_another(void **state)
{
    (void)state;
    struct session session = session_of("c1"), found;
    create(&session);
    fixture_sql("UPDATE sso_session SET patient_sealed = id_token_sealed");
    assert_failed(find_at("c1", TEST_NOW, &found));
    assert_int_equal(found.user_id.length, 0);
    assert_int_equal(found.permissions.length, 0);
    assert_failed(session_find_by_log(fx.store, session.log_reference, TEST_NOW, fx.arena, &found));
}

/* ---- one-time values ---- */

static void a_one_time_value_is_taken_once_per_kind(void **state)
{
    (void)state;
    assert_ok(replay_take(fx.store, "jti", STR("v"), TEST_NOW + 60, TEST_NOW));
    assert_absent(replay_take(fx.other, "jti", STR("v"), TEST_NOW + 60, TEST_NOW));
    assert_absent(replay_take(fx.other, "jti", STR("v"), TEST_NOW + 600, TEST_NOW + 60));
    assert_ok(replay_take(fx.other, "context", STR("v"), TEST_NOW + 60, TEST_NOW));
    assert_ok(replay_take(fx.store, "jti", STR("v2"), TEST_NOW + 60, TEST_NOW));
    /* What had expired may have been purged: nobody knows whether it came before. */
    assert_absent(replay_take(fx.store, "jti", STR("v3"), TEST_NOW, TEST_NOW));
}

static void what_was_taken_is_found_until_it_is_purged(void **state)
{
    (void)state;
    struct session_ended_list ended;
    int64_t deleted;
    assert_absent(replay_find(fx.store, "code", STR("v")));
    assert_ok(replay_take(fx.store, "code", STR("v"), TEST_NOW + 60, TEST_NOW));
    assert_ok(replay_find(fx.store, "code", STR("v")));
    assert_ok(replay_find(fx.other, "code", STR("v")));
    assert_absent(replay_find(fx.store, "jti", STR("v")));
    assert_absent(replay_find(fx.store, "code", STR("w")));
    int64_t last = TEST_NOW + 60 + REPLAY_KEPT_S - 1;
    assert_ok(session_purge(fx.store, last, 10, fx.arena, &ended, &deleted));
    assert_ok(replay_find(fx.store, "code", STR("v")));
    assert_ok(session_purge(fx.store, last + 1, 10, fx.arena, &ended, &deleted));
    assert_absent(replay_find(fx.store, "code", STR("v")));
}

static void *take_value(void *context)
{
    struct racer *racer = context;
    struct str value = str_from_c(arena_printf(racer->arena, "value-%d", racer->round));
    pthread_barrier_wait(&start);
    racer->outcome = replay_take(racer->store, "jti", value, TEST_NOW + 60, TEST_NOW);
    racer->is_first = racer->outcome == OK;
    return NULL;
}

static void a_one_time_value_offered_sixteen_times_is_taken_once(void **state)
{
    (void)state;
    struct racer racers[THREADS];
    for (int round = 0; round < ROUNDS; round++) {
        race(racers, take_value, round, NULL);
        for (int i = 0; i < THREADS; i++)
            assert_int_not_equal(racers[i].outcome, FAILED);
        assert_int_equal(count_first(racers), 1);
    }
}

static void *replace_session(void *context)
{
    struct racer *racer = context;
    struct session session = session_of("not used");
    session.digest = codec_sha256(
        racer->arena, str_from_c(arena_printf(racer->arena, "new-%d-%d", racer->round, racer->number)));
    struct str replaced;
    pthread_barrier_wait(&start);
    racer->outcome =
        session_create(racer->store, &session, *(const struct str *)racer->subject, racer->arena, &replaced);
    racer->is_first = racer->outcome == OK && replaced.length > 0;
    return NULL;
}

static void a_session_replaced_sixteen_times_is_ended_once(void **state)
{
    (void)state;
    struct racer racers[THREADS];
    for (int round = 0; round < ROUNDS; round++) {
        struct session old = session_of(arena_printf(fx.arena, "old-%d", round));
        create(&old);
        race(racers, replace_session, round, &old.digest);
        for (int i = 0; i < THREADS; i++)
            assert_ok(racers[i].outcome);
        assert_int_equal(count_first(racers), 1);
    }
}

/* ---- users ---- */

static struct sso_user seen_user(void)
{
    return (struct sso_user){
        .issuer = STR("https://ehr.example"),
        .subject = STR("vries@example.nl"),
        .sub_raw = STR("u-100"),
        .display_name = STR("A. de Vries"),
        .email = STR("vries@example.nl"),
        .employee_number = STR("7001"),
    };
}

static enum outcome block(struct store *store, struct str id, bool is_blocked, int64_t now)
{
    struct arena *arena = arena_new();
    struct session_ended_list ended;
    enum outcome outcome =
        sso_user_block(store, SCOPE_ALL, id, is_blocked, "cli:helpdesk", now, arena, &ended);
    arena_free(&arena);
    return outcome;
}

static void a_user_is_made_at_first_login_and_updated_later(void **state)
{
    (void)state;
    struct sso_user seen = seen_user(), user, later;
    struct sso_user_change change;
    assert_ok(sso_user_upsert(fx.store, &seen, NULL, TEST_NOW, fx.arena, &user, &change));
    assert_true(change.is_created);
    assert_int_equal(change.changed_fields.length, 0);
    assert_true(str_is_uuid(user.id));
    assert_str(user.display_name, "A. de Vries");
    assert_int_equal(user.created_at, TEST_NOW);
    assert_int_equal(user.last_login_at, TEST_NOW);
    assert_false(user.is_blocked);
    assert_ok(sso_user_upsert(fx.other, &seen, NULL, TEST_NOW + 5, fx.arena, &later, &change));
    assert_false(change.is_created);
    assert_int_equal(change.changed_fields.length, 0);
    assert_true(str_equal(later.id, user.id));
    assert_int_equal(later.last_login_at, TEST_NOW + 5);
    seen.display_name = STR("A. Bakker-de Vries");
    seen.email = STR(""); /* did not come along */
    seen.employee_number = STR("7002");
    assert_ok(sso_user_upsert(fx.store, &seen, NULL, TEST_NOW + 9, fx.arena, &later, &change));
    assert_str(change.changed_fields, "display_name employee_number");
    assert_ok(sso_user_upsert(fx.store, &seen, NULL, TEST_NOW + 10, fx.arena, &later, &change));
    assert_int_equal(change.changed_fields.length, 0);
    assert_str(later.display_name, "A. Bakker-de Vries");
    assert_str(later.email, "vries@example.nl");
    assert_str(later.employee_number, "7002");
    assert_int_equal(later.created_at, TEST_NOW);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM sso_user"), 1);
}

static void a_user_is_issuer_and_subject_and_nothing_else(void **state)
{
    (void)state;
    struct sso_user seen = seen_user(), one, two, three;
    struct sso_user_change change;
    assert_ok(sso_user_upsert(fx.store, &seen, NULL, TEST_NOW, fx.arena, &one, &change));
    seen.issuer = STR("https://other.example");
    assert_ok(sso_user_upsert(fx.store, &seen, NULL, TEST_NOW, fx.arena, &two, &change));
    assert_true(change.is_created);
    seen.subject = STR("Vries@example.nl"); /* same e-mail, other subject: somebody else (USR-2) */
    assert_ok(sso_user_upsert(fx.store, &seen, NULL, TEST_NOW, fx.arena, &three, &change));
    assert_true(change.is_created);
    assert_false(str_equal(one.id, two.id) || str_equal(two.id, three.id));
}

static void a_blocked_user_stays_as_he_was_and_loses_his_sessions(void **state)
{
    (void)state;
    struct sso_user seen = seen_user(), user, found;
    struct sso_user_change change;
    assert_ok(sso_user_upsert(fx.store, &seen, NULL, TEST_NOW, fx.arena, &user, &change));
    struct session session = session_of("c1"), other = session_of("c2");
    session.user_id = user.id;
    create(&session);
    create(&other);
    assert_ok(block(fx.store, user.id, true, TEST_NOW));
    assert_false(is_there("c1"));
    assert_true(is_there("c2"));
    seen.display_name = STR("Somebody Else");
    assert_ok(sso_user_upsert(fx.store, &seen, NULL, TEST_NOW + 5, fx.arena, &found, &change));
    assert_true(found.is_blocked);
    assert_str(found.display_name, "A. de Vries");
    assert_int_equal(found.last_login_at, TEST_NOW);
    assert_int_equal(change.changed_fields.length, 0);
    assert_ok(block(fx.store, user.id, false, TEST_NOW + 6));
    assert_ok(sso_user_upsert(fx.store, &seen, NULL, TEST_NOW + 7, fx.arena, &found, &change));
    assert_false(found.is_blocked);
    assert_str(found.display_name, "Somebody Else");
    assert_absent(block(fx.store, STR("nobody"), true, TEST_NOW));
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM audit WHERE action = 'user_block'"), 1);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM audit WHERE action = 'user_unblock'"), 1);
}

/* The login saw the user before the block, and comes with its session after it. */
static void a_user_who_was_blocked_meanwhile_gets_no_session(void **state)
{
    (void)state;
    struct sso_user seen = seen_user(), user;
    struct sso_user_change change;
    assert_ok(sso_user_upsert(fx.store, &seen, NULL, TEST_NOW, fx.arena, &user, &change));
    struct session session = session_of("new"), previous = session_of("old");
    session.user_id = user.id;
    create(&previous);
    assert_ok(block(fx.other, user.id, true, TEST_NOW));
    struct str replaced;
    assert_absent(session_create(fx.store, &session, previous.digest, fx.arena, &replaced));
    assert_int_equal(replaced.length, 0);
    assert_false(is_there("new"));
    assert_true(is_there("old"));
}

static void *enter_or_block(void *context)
{
    struct racer *racer = context;
    struct session session = session_of("not used");
    session.user_id = *(const struct str *)racer->subject;
    session.digest = codec_sha256(
        racer->arena, str_from_c(arena_printf(racer->arena, "raced-%d-%d", racer->round, racer->number)));
    struct str replaced;
    pthread_barrier_wait(&start);
    racer->outcome = racer->number == THREADS / 2
                         ? block(racer->store, session.user_id, true, TEST_NOW)
                         : session_create(racer->store, &session, STR_NONE, racer->arena, &replaced);
    return NULL;
}

static void no_session_outlives_the_block_that_it_raced(void **state)
{
    (void)state;
    struct racer racers[THREADS];
    for (int round = 0; round < ROUNDS; round++) {
        struct sso_user seen = seen_user(), user;
        struct sso_user_change change;
        seen.subject = str_from_c(arena_printf(fx.arena, "raced-%d", round));
        assert_ok(sso_user_upsert(fx.store, &seen, NULL, TEST_NOW, fx.arena, &user, &change));
        race(racers, enter_or_block, round, &user.id);
        for (int i = 0; i < THREADS; i++)
            assert_int_not_equal(racers[i].outcome, FAILED);
        assert_int_equal(fixture_count("SELECT COUNT(*) FROM sso_session"), 0);
    }
}

static void *log_in(void *context)
{
    struct racer *racer = context;
    struct sso_user seen = seen_user(), user;
    struct sso_user_change change;
    seen.subject = str_from_c(arena_printf(racer->arena, "subject-%d", racer->round));
    pthread_barrier_wait(&start);
    racer->outcome = sso_user_upsert(racer->store, &seen, NULL, TEST_NOW, racer->arena, &user, &change);
    racer->is_first = racer->outcome == OK && change.is_created;
    return NULL;
}

static void sixteen_first_logins_at_once_make_one_user(void **state)
{
    (void)state;
    struct racer racers[THREADS];
    for (int round = 0; round < ROUNDS; round++) {
        race(racers, log_in, round, NULL);
        for (int i = 0; i < THREADS; i++)
            assert_ok(racers[i].outcome);
        assert_int_equal(count_first(racers), 1);
    }
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM sso_user"), ROUNDS);
}

static void a_broken_store_fails_and_is_not_taken_for_absent(void **state)
{
    (void)state;
    struct session session = session_of("c1"), found;
    struct sso_user seen = seen_user(), user;
    struct sso_user_change change;
    struct str replaced;
    int64_t number;
    fixture_sql("DROP TABLE sso_session; DROP TABLE replay; DROP TABLE sso_user");
    assert_failed(session_create(fx.store, &session, STR_NONE, fx.arena, &replaced));
    assert_failed(find_at("c1", TEST_NOW, &found));
    assert_failed(session_find_by_log(fx.store, STR("SSO-1"), TEST_NOW, fx.arena, &found));
    assert_failed(session_end(fx.store, session.digest));
    assert_failed(session_find_by_patient(fx.store, session.patient_digest, TEST_NOW, fx.arena, &found));
    assert_failed(session_open_patient(fx.store, session.digest, &access_event));
    const struct session_login login = {.issuer = session.issuer, .subject = session.subject};
    struct session_ended_list ended;
    assert_failed(session_end_by_login(fx.store, &login, TEST_NOW, fx.arena, &ended));
    assert_failed(session_purge(fx.store, TEST_NOW, 10, fx.arena, &ended, &number));
    assert_failed(replay_take(fx.store, "jti", STR("v"), TEST_NOW + 60, TEST_NOW));
    assert_failed(replay_find(fx.store, "jti", STR("v")));
    assert_failed(sso_user_upsert(fx.store, &seen, NULL, TEST_NOW, fx.arena, &user, &change));
    assert_failed(block(fx.store, STR("user-1"), true, TEST_NOW));
}

static const struct CMUnitTest tests[] = {
    STORE_TEST(a_session_comes_back_as_it_went_in),
    STORE_TEST(a_session_without_patient_and_token_has_none),
    STORE_TEST(an_unknown_session_is_absent),
    STORE_TEST(a_session_ends_when_idle_for_too_long),
    STORE_TEST(a_session_is_found_by_the_reference_of_its_patient_while_it_lasts),
    STORE_TEST(VIEW9_opening_the_patient_writes_one_event_per_session),
    STORE_TEST(VIEW9_without_the_event_the_patient_is_not_opened),
    STORE_TEST(VIEW9_sixteen_at_once_write_one_event),
    STORE_TEST(activity_does_not_carry_a_session_past_its_end),
    STORE_TEST(activity_is_noted_once_a_minute),
    STORE_TEST(the_session_of_a_login_attempt_is_found),
    STORE_TEST(a_new_session_ends_the_browsers_previous_one),
    STORE_TEST(a_session_that_cannot_be_created_leaves_the_previous_one),
    STORE_TEST(a_session_ends_once),
    STORE_TEST(logout_by_sid_ends_that_session_and_by_subject_all),
    STORE_TEST(a_logout_token_ends_sessions_once),
    STORE_TEST(a_session_past_its_end_is_not_told_as_ended),
    STORE_TEST(purge_deletes_what_ended_and_no_more_than_asked),
    STORE_TEST(patient_and_token_do_not_lie_in_the_clear),
    STORE_TEST(a_value_sealed_for_one_column_does_not_open_as_another),
    STORE_TEST(a_one_time_value_is_taken_once_per_kind),
    STORE_TEST(what_was_taken_is_found_until_it_is_purged),
    STORE_TEST(a_one_time_value_offered_sixteen_times_is_taken_once),
    STORE_TEST(a_session_replaced_sixteen_times_is_ended_once),
    STORE_TEST(a_user_is_made_at_first_login_and_updated_later),
    STORE_TEST(a_user_is_issuer_and_subject_and_nothing_else),
    STORE_TEST(a_user_who_was_blocked_meanwhile_gets_no_session),
    STORE_TEST(no_session_outlives_the_block_that_it_raced),
    STORE_TEST(a_blocked_user_stays_as_he_was_and_loses_his_sessions),
    STORE_TEST(sixteen_first_logins_at_once_make_one_user),
    STORE_TEST(a_broken_store_fails_and_is_not_taken_for_absent),
};

STORE_TEST_MAIN("session", tests)
