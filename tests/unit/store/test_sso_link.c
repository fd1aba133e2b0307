/* Linking (USR-2, USR-5) through sso_user.h, on the engine of STORE_URL. */
#include "store_race.h"

#include "store/session_admin.h"
#include "store/sso_catalog.h"
#include "store/sso_person.h"

#define ROUNDS 4

static void connect_as(const char *id, const char *environment, const char *customer, const char *claim)
{
    fixture_sql(arena_printf(fx.arena,
                             "INSERT INTO sso_connection (id, platform, environment, slug, customer_key, "
                             "provider_key, status, version, link_claim) VALUES ('%s', 'demo', '%s', "
                             "'%s_%s', '%s', '%s', 'active', 1, '%s')",
                             id, environment, customer, id, customer, id, claim));
}

static int connections(void **state)
{
    fixture_setup(state);
    connect_as("ehr", "production", "zonnestraaltjes", "number");
    connect_as("entra", "production", "zonnestraaltjes", "employee");
    connect_as("adfs", "production", "zonnestraaltjes", "employee");
    connect_as("plain", "production", "zonnestraaltjes", "");
    connect_as("test", "acceptance", "zonnestraaltjes", "employee");
    connect_as("other", "production", "duinzicht", "employee");
    return 0;
}

/* A login at the issuer of that connection. */
static struct sso_user seen_at(const char *connection, const char *subject)
{
    struct str name = str_from_c(subject);
    return (struct sso_user){.issuer = str_from_c(arena_printf(fx.arena, "https://%s.example", connection)),
                             .subject = name,
                             .sub_raw = str_from_c(arena_printf(fx.arena, "raw-%.*s", STR_ARG(name))),
                             .display_name = name};
}

static enum outcome try_login(const char *connection, const char *subject, const char *value,
                              struct sso_user *out_user, struct sso_user_change *out_change)
{
    const struct sso_user seen = seen_at(connection, subject);
    const struct sso_user_link link = {str_from_c(connection), str_from_c(value)};
    return sso_user_upsert(fx.store, &seen, &link, TEST_NOW, fx.arena, out_user, out_change);
}

enum way { CREATED, LINKED, FOUND };

static struct str log_in(const char *connection, const char *subject, const char *value, enum way way)
{
    struct sso_user user;
    struct sso_user_change change;
    assert_ok(try_login(connection, subject, value, &user, &change));
    assert_int_equal(change.is_created, way == CREATED);
    assert_int_equal(change.is_linked, way == LINKED);
    assert_int_equal(change.rival_count, 0);
    return user.id;
}

static void block(struct str id, bool is_blocked)
{
    struct session_ended_list ended;
    assert_ok(sso_user_block(fx.store, SCOPE_ALL, id, is_blocked, "fab", TEST_NOW, fx.arena, &ended));
}

static int64_t count_links(void)
{
    return fixture_count("SELECT COUNT(*) FROM audit WHERE action = 'user_link' AND actor = 'login'");
}

static void USR2_the_same_number_at_another_provider_is_the_same_user(void **state)
{
    (void)state;
    struct str id = log_in("ehr", "u-1", "7001", CREATED);
    struct sso_user user;
    struct sso_user_change change;
    assert_ok(try_login("entra", "oid-1", "7001", &user, &change));
    assert_true(change.is_linked);
    assert_str(change.changed_fields, "display_name");
    assert_true(str_equal(user.id, id));
    assert_str(user.subject, "oid-1");
    assert_str(user.sub_raw, "raw-oid-1"); /* of this login: a logout message names it */
    assert_str(user.display_name, "oid-1");
    assert_int_equal(count_links(), 1);
    assert_true(str_equal(log_in("entra", "oid-1", "7001", FOUND), id));
    assert_true(str_equal(log_in("adfs", "upn-1", "7001", LINKED), id));
    assert_ok(try_login("ehr", "u-1", "7001", &user, &change));
    assert_true(str_equal(user.id, id));
    assert_str(user.sub_raw, "raw-u-1");
    assert_int_equal(count_links(), 2);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM sso_user WHERE linked_to = ''"), 1);
    assert_ok(sso_user_find(fx.other, id, fx.arena, &user));
    assert_str(user.subject, "u-1");
}

static void USR2_nobody_is_linked_without_the_claim_or_the_same_value(void **state)
{
    (void)state;
    log_in("ehr", "u-1", "7001", CREATED);
    log_in("entra", "oid-1", "", CREATED);
    log_in("entra", "oid-2", "07001", CREATED);
    log_in("entra", "u-1", "8000", CREATED); /* the same subject and name say nothing */
    const struct sso_user seen = seen_at("adfs", "u-1");
    struct sso_user user;
    struct sso_user_change change;
    assert_ok(sso_user_upsert(fx.store, &seen, NULL, TEST_NOW, fx.arena, &user, &change));
    assert_true(change.is_created);
    assert_int_equal(count_links(), 0);
}

static void USR2_what_fills_an_empty_field_links_nobody(void **state)
{
    (void)state;
    static const char *const fillers[] = {
        "0",    "-",        "n.v.t.",    " ",     "42",     "0000",         "00-00",
        "aaa",  "onbekend", "7001@x.nl", "70 01", "7001\t", "70\302\24001", /* a blank that does not break */
        "---1", "AaA",
    };
    for (size_t i = 0; i < sizeof fillers / sizeof *fillers; i++) {
        log_in("ehr", arena_printf(fx.arena, "u-%zu", i), fillers[i], CREATED);
        log_in("entra", arena_printf(fx.arena, "oid-%zu", i), fillers[i], CREATED);
    }
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM sso_link"), 0);
    static const char *const numbers[] = {"100", "P-07", "{8f14e45f}", "7001", "000123"};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct str id = log_in("ehr", arena_printf(fx.arena, "v-%zu", i), numbers[i], CREATED);
        struct str same = log_in("entra", arena_printf(fx.arena, "pid-%zu", i), numbers[i], LINKED);
        assert_true(str_equal(same, id));
    }
}

static void USR2_another_customer_or_environment_links_nobody(void **state)
{
    (void)state;
    log_in("ehr", "u-1", "7001", CREATED);
    log_in("other", "oid-1", "7001", CREATED);
    log_in("test", "oid-1", "7001", CREATED);
}

/* What an identity provider says whose connection does not link, or not any more, leads nobody anywhere. */
static void USR2_only_connections_that_link_vouch_for_a_number(void **state)
{
    (void)state;
    const struct sso_user seen = seen_at("plain", "u-1");
    struct sso_user user;
    struct sso_user_change change;
    assert_ok(sso_user_upsert(fx.store, &seen, NULL, TEST_NOW, fx.arena, &user, &change));
    log_in("entra", "oid-1", "7001", CREATED);
    fixture_sql("UPDATE sso_connection SET link_claim = '' WHERE id = 'entra'");
    log_in("adfs", "upn-1", "7001", CREATED);
    fixture_sql("UPDATE sso_connection SET link_claim = 'employee' WHERE id = 'entra'");
    log_in("entra", "oid-1", "7001", FOUND);
}

static void USR2_a_number_that_was_given_out_again_leads_to_its_new_owner(void **state)
{
    (void)state;
    struct str vries = log_in("ehr", "u-1", "7001", CREATED);
    log_in("entra", "oid-1", "7001", LINKED);
    log_in("entra", "oid-1", "7002", FOUND); /* the newest counts, wherever it was told */
    struct str bakker = log_in("ehr", "u-2", "7001", CREATED);
    assert_true(str_equal(log_in("adfs", "upn-2", "7001", LINKED), bakker));
    assert_true(str_equal(log_in("adfs", "upn-1", "7002", LINKED), vries));
}

static void USR5_a_number_of_two_users_is_refused_with_both(void **state)
{
    (void)state;
    struct str one = log_in("ehr", "u-1", "7001", CREATED);
    struct str two = log_in("entra", "oid-2", "7002", CREATED);
    log_in("entra", "oid-2", "7001", FOUND); /* known by issuer and subject, whatever the number says */
    struct sso_user user;
    struct sso_user_change change;
    int64_t before = fixture_count("SELECT COUNT(*) FROM sso_user");
    assert_absent(try_login("adfs", "upn-3", "7001", &user, &change));
    assert_int_equal(change.rival_count, 2);
    bool is_in_order = str_equal(change.rivals[0], one);
    assert_true(str_equal(change.rivals[is_in_order ? 0 : 1], one));
    assert_true(str_equal(change.rivals[is_in_order ? 1 : 0], two));
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM sso_user"), before);
    assert_int_equal(count_links(), 0);
}

static void USR5_a_user_with_another_subject_at_that_issuer_is_refused(void **state)
{
    (void)state;
    struct str id = log_in("ehr", "u-1", "7001", CREATED);
    struct sso_user user;
    struct sso_user_change change;
    assert_absent(try_login("ehr", "u-2", "7001", &user, &change));
    assert_int_equal(change.rival_count, 1);
    assert_true(str_equal(change.rivals[0], id));
    log_in("entra", "oid-1", "7001", LINKED);
    assert_absent(try_login("entra", "oid-2", "7001", &user, &change)); /* nor at that of a linked one */
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM sso_user"), 2);
}

static void USR4_a_blocked_user_is_blocked_by_every_way_in(void **state)
{
    (void)state;
    struct str id = log_in("ehr", "u-1", "7001", CREATED);
    log_in("entra", "oid-1", "7001", LINKED);
    block(id, true);
    struct sso_user user;
    struct sso_user_change change;
    assert_ok(try_login("entra", "oid-1", "7001", &user, &change));
    assert_true(user.is_blocked);
    assert_ok(try_login("adfs", "upn-1", "7001", &user, &change)); /* for the first time */
    assert_true(user.is_blocked && str_equal(user.id, id));
    assert_false(change.is_linked);
    assert_int_equal(count_links(), 1);
    block(id, false);
    assert_true(str_equal(log_in("adfs", "upn-1", "7001", LINKED), id));
}

static struct session session_of(const char *cookie, struct str user_id, const char *connection,
                                 const char *sub)
{
    return (struct session){.digest = digest_of(cookie),
                            .user_id = user_id,
                            .connection = str_from_c(connection),
                            .issuer = str_from_c(arena_printf(fx.arena, "https://%s.example", connection)),
                            .subject = str_from_c(sub),
                            .login_at = TEST_NOW,
                            .seen_at = TEST_NOW,
                            .idle_s = 1800,
                            .expires_at = TEST_NOW + 43200};
}

static void open_session(const char *cookie, struct str user_id, const char *connection, const char *sub)
{
    const struct session session = session_of(cookie, user_id, connection, sub);
    struct str replaced;
    assert_ok(session_create(fx.store, &session, STR_NONE, fx.arena, &replaced));
}

static void OUT5_a_subject_ends_its_sessions_at_its_issuer_only(void **state)
{
    (void)state;
    struct str id = log_in("ehr", "u-1", "7001", CREATED);
    log_in("entra", "oid-1", "7001", LINKED);
    open_session("a", id, "ehr", "raw-u-1");
    open_session("b", id, "entra", "raw-oid-1");
    open_session("c", id, "entra", "raw-oid-1");
    const struct session_login login = {.issuer = STR("https://entra.example"), .subject = STR("raw-oid-1")};
    struct session_ended_list ended;
    assert_ok(session_end_by_login(fx.store, &login, TEST_NOW, fx.arena, &ended));
    assert_int_equal(ended.count, 2);
    const struct session_choice choice = {.user_id = id};
    assert_ok(session_admin_end(fx.store, SCOPE_ALL, &choice, 9, "fab", TEST_NOW, fx.arena, &ended));
    assert_int_equal(ended.count, 1);
}

static struct sso_person_list find_people(const char *search)
{
    const struct sso_person_filter filter = {.scope = SCOPE_ALL, .search = str_from_c(search), .limit = 10};
    struct sso_person_list list;
    assert_ok(sso_person_list(fx.other, &filter, TEST_NOW, fx.arena, &list));
    return list;
}

static void a_linked_person_is_one_in_the_list_with_every_subject(void **state)
{
    (void)state;
    struct str id = log_in("ehr", "u-1", "7001", CREATED);
    log_in("entra", "oid-1", "7001", LINKED);
    log_in("adfs", "upn-1", "7001", LINKED);
    log_in("ehr", "u-2", "7002", CREATED);
    fixture_sql("UPDATE sso_user SET created_at = created_at + 1 WHERE subject = 'upn-1'");
    assert_int_equal(find_people("").count, 2);
    struct sso_person_list list = find_people("OID-1");
    assert_int_equal(list.count, 1);
    assert_true(str_equal(list.items[0].user.id, id));
    assert_str(list.items[0].user.subject, "u-1");
    assert_str(list.items[0].other_subjects, "oid-1\nupn-1");
    assert_str(list.items[0].other_issuers, "https://entra.example\nhttps://adfs.example");
    assert_int_equal(find_people("u-2").items[0].other_subjects.length, 0);
}

static void unlinking_makes_each_a_user_of_its_own(void **state)
{
    (void)state;
    struct str id = log_in("ehr", "u-1", "7001", CREATED);
    log_in("entra", "oid-1", "7001", LINKED);
    open_session("a", id, "entra", "raw-oid-1");
    struct session_ended_list ended;
    int64_t identities;
    assert_ok(sso_user_unlink(fx.store, SCOPE_ALL, id, "fab", TEST_NOW, fx.arena, &identities, &ended));
    assert_int_equal(identities, 1);
    assert_int_equal(ended.count, 1);
    log_in("adfs", "upn-1", "7001", CREATED); /* the number leads nowhere until it is told anew */
    struct str other = log_in("entra", "oid-1", "7009", FOUND);
    assert_false(str_equal(other, id));
    assert_true(str_equal(log_in("ehr", "u-1", "7008", FOUND), id));
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM audit WHERE action = 'user_unlink'"), 1);
    assert_absent(
        sso_user_unlink(fx.store, SCOPE_ALL, STR("nobody"), "fab", TEST_NOW, fx.arena, &identities, &ended));
}

/* Both logins had the user before it was unlinked, and come with their sessions after that. */
static void USR2_a_login_by_an_identity_that_was_unlinked_meanwhile_gets_no_session(void **state)
{
    (void)state;
    struct str id = log_in("ehr", "u-1", "7001", CREATED), replaced;
    log_in("entra", "oid-1", "7001", LINKED);
    struct session linked = session_of("a", id, "entra", "raw-oid-1"),
                   own = session_of("b", id, "ehr", "raw-u-1");
    linked.identity = STR("oid-1");
    own.identity = STR("u-1");
    assert_ok(session_create(fx.store, &linked, STR_NONE, fx.arena, &replaced)); /* while it is linked */
    struct session_ended_list ended;
    int64_t identities;
    assert_ok(sso_user_unlink(fx.other, SCOPE_ALL, id, "fab", TEST_NOW, fx.arena, &identities, &ended));
    assert_int_equal(ended.count, 1);
    assert_absent(session_create(fx.store, &linked, STR_NONE, fx.arena, &replaced));
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM sso_session"), 0);
    assert_ok(session_create(fx.store, &own, STR_NONE, fx.arena, &replaced)); /* that user it still is */
    linked.user_id = log_in("entra", "oid-1", "7009", FOUND);
    assert_ok(session_create(fx.store, &linked, STR_NONE, fx.arena, &replaced));
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM sso_session"), 2);
}

static void *enter_or_unlink(void *context)
{
    struct racer *racer = context;
    const struct str *id = racer->subject;
    struct session session = {
        .digest = codec_sha256(
            racer->arena, str_from_c(arena_printf(racer->arena, "raced-%d-%d", racer->round, racer->number))),
        .user_id = *id,
        .connection = STR("entra"),
        .issuer = STR("https://entra.example"),
        .identity = str_from_c(arena_printf(racer->arena, "oid-%d", racer->round)),
        .login_at = TEST_NOW,
        .seen_at = TEST_NOW,
        .idle_s = 1800,
        .expires_at = TEST_NOW + 43200};
    struct str replaced;
    struct session_ended_list ended;
    int64_t identities;
    pthread_barrier_wait(&start);
    racer->outcome = racer->number == THREADS / 2
                         ? sso_user_unlink(racer->store, SCOPE_ALL, *id, "fab", TEST_NOW, racer->arena,
                                           &identities, &ended)
                         : session_create(racer->store, &session, STR_NONE, racer->arena, &replaced);
    return NULL;
}

static void USR2_no_session_by_a_link_outlives_the_unlinking_that_it_raced(void **state)
{
    (void)state;
    struct racer racers[THREADS];
    for (int round = 0; round < ROUNDS; round++) {
        const char *number = arena_printf(fx.arena, "700%d", round);
        struct str id = log_in("ehr", arena_printf(fx.arena, "u-%d", round), number, CREATED);
        log_in("entra", arena_printf(fx.arena, "oid-%d", round), number, LINKED);
        race(racers, enter_or_unlink, round, &id);
        for (int i = 0; i < THREADS; i++)
            assert_int_not_equal(racers[i].outcome, FAILED);
        assert_int_equal(fixture_count("SELECT COUNT(*) FROM sso_session"), 0);
    }
}

static void unlinking_a_blocked_user_lets_nobody_in(void **state)
{
    (void)state;
    struct str id = log_in("ehr", "u-1", "7001", CREATED);
    log_in("entra", "oid-1", "7001", LINKED);
    block(id, true);
    struct session_ended_list ended;
    int64_t identities;
    assert_ok(sso_user_unlink(fx.store, SCOPE_ALL, id, "fab", TEST_NOW, fx.arena, &identities, &ended));
    struct sso_user user;
    struct sso_user_change change;
    assert_ok(try_login("entra", "oid-1", "7001", &user, &change));
    assert_true(user.is_blocked);
}

/* Half of them at one identity provider, half at another, with one number. */
static void *come_in(void *context)
{
    struct racer *racer = context;
    const char *connection = racer->number % 2 ? "entra" : "ehr";
    struct sso_user user;
    struct sso_user_change change;
    const struct sso_user seen = {
        .issuer = str_from_c(arena_printf(racer->arena, "https://%s.example", connection)),
        .subject = str_from_c(arena_printf(racer->arena, "%s-%d", connection, racer->round)),
        .sub_raw = STR("raw")};
    const struct sso_user_link link = {str_from_c(connection),
                                       str_from_c(arena_printf(racer->arena, "number-%d", racer->round))};
    pthread_barrier_wait(&start);
    racer->outcome = sso_user_upsert(racer->store, &seen, &link, TEST_NOW, racer->arena, &user, &change);
    racer->is_first = racer->outcome == OK && change.is_created;
    return NULL;
}

static void USR2_first_logins_at_once_by_two_providers_make_one_user(void **state)
{
    (void)state;
    struct racer racers[THREADS];
    for (int round = 0; round < ROUNDS; round++) {
        race(racers, come_in, round, NULL);
        for (int i = 0; i < THREADS; i++)
            assert_ok(racers[i].outcome);
        assert_int_equal(count_first(racers), 1);
    }
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM sso_user WHERE linked_to = ''"), ROUNDS);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM sso_user"), 2 * ROUNDS);
    assert_int_equal(count_links(), ROUNDS);
}

static void a_store_without_its_tables_fails_and_makes_nobody(void **state)
{
    (void)state;
    struct sso_user user;
    struct sso_user_change change;
    log_in("ehr", "u-1", "7001", CREATED);
    fixture_sql("DROP TABLE sso_link");
    assert_failed(try_login("entra", "oid-1", "7001", &user, &change));
    assert_failed(try_login("ehr", "u-1", "7001", &user, &change));
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM sso_user"), 1);
}

static void the_value_itself_is_not_kept(void **state)
{
    (void)state;
    log_in("ehr", "u-1", "7001", CREATED);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM sso_link"), 1);
    assert_int_equal(fixture_count("SELECT LENGTH(value_hash) FROM sso_link"), 32);
}

static void a_connection_that_is_removed_vouches_for_nobody(void **state)
{
    (void)state;
    log_in("ehr", "u-1", "7001", CREATED);
    const struct sso_data none = {0};
    struct catalog_import import = {.sso = &none, .is_sso_pruned = true, .actor = "test", .now = TEST_NOW};
    fixture_import(&import);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM sso_connection"), 0);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM sso_link"), 0);
}

#define LINK_TEST(function) cmocka_unit_test_setup_teardown(function, connections, fixture_teardown)

static const struct CMUnitTest tests[] = {
    LINK_TEST(USR2_the_same_number_at_another_provider_is_the_same_user),
    LINK_TEST(USR2_nobody_is_linked_without_the_claim_or_the_same_value),
    LINK_TEST(USR2_what_fills_an_empty_field_links_nobody),
    LINK_TEST(USR2_another_customer_or_environment_links_nobody),
    LINK_TEST(USR2_only_connections_that_link_vouch_for_a_number),
    LINK_TEST(USR2_a_number_that_was_given_out_again_leads_to_its_new_owner),
    LINK_TEST(USR5_a_number_of_two_users_is_refused_with_both),
    LINK_TEST(USR5_a_user_with_another_subject_at_that_issuer_is_refused),
    LINK_TEST(USR4_a_blocked_user_is_blocked_by_every_way_in),
    LINK_TEST(OUT5_a_subject_ends_its_sessions_at_its_issuer_only),
    LINK_TEST(a_linked_person_is_one_in_the_list_with_every_subject),
    LINK_TEST(unlinking_makes_each_a_user_of_its_own),
    LINK_TEST(USR2_a_login_by_an_identity_that_was_unlinked_meanwhile_gets_no_session),
    LINK_TEST(USR2_no_session_by_a_link_outlives_the_unlinking_that_it_raced),
    LINK_TEST(unlinking_a_blocked_user_lets_nobody_in),
    LINK_TEST(USR2_first_logins_at_once_by_two_providers_make_one_user),
    LINK_TEST(a_store_without_its_tables_fails_and_makes_nobody),
    LINK_TEST(the_value_itself_is_not_kept),
    LINK_TEST(a_connection_that_is_removed_vouches_for_nobody),
};

STORE_TEST_MAIN("sso_link", tests)
