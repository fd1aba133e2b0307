/* reseal.h on the engine of STORE_URL: old keys become superfluous. */
#include "store_race.h"

#include "base/codec.h"
#include "store/audit.h"
#include "store/reseal.h"
#include "store/signing_key.h"

#define MANY 120

static const char *key_file(void)
{
    return arena_printf(fx.arena, "%s/keys", fx.directory);
}

/* What a restart of both nodes after a change of the key file does. */
static void restart(void)
{
    struct failure failure = {""};
    store_close(&fx.store);
    store_close(&fx.other);
    vault_free(&fx.vault);
    if (vault_load(key_file(), &fx.vault, &failure) != OK)
        fail_msg("%s", failure.text);
    fx.store = fixture_open_store("one");
    fx.other = fixture_open_store("two");
}

static void rotate(void)
{
    struct failure failure = {""};
    assert_ok(vault_rotate_file(key_file(), &failure));
    restart();
}

/* Takes the line of key 1 out of the file. */
static void forget_first_key(void)
{
    char text[1024], fresh[1024] = "";
    FILE *file = fopen(key_file(), "r");
    assert_non_null(file);
    while (fgets(text, sizeof text, file) != NULL)
        if (strncmp(text, "1 ", 2) != 0)
            strcat(fresh, text);
    fclose(file);
    file = fopen(key_file(), "w");
    assert_non_null(file);
    fputs(fresh, file);
    fclose(file);
    restart();
}

/* All columns, in the order of the table. */
static int64_t reseal_all(int64_t *out_unreadable)
{
    int64_t sealed = 0;
    *out_unreadable = 0;
    for (size_t i = 0; i < reseal_column_count(); i++) {
        struct reseal_tally tally;
        assert_ok(reseal_column(fx.store, i, &tally));
        sealed += tally.sealed;
        *out_unreadable += tally.unreadable;
    }
    return sealed;
}

static struct key_use use_of(int64_t key)
{
    struct key_use_list list;
    assert_ok(reseal_read_use(fx.other, fx.arena, &list));
    for (size_t i = 0; i < list.count; i++)
        if (list.items[i].key == key)
            return list.items[i];
    return (struct key_use){.key = key};
}

static struct catalog_identity_provider identity_providers[MANY];

/* Many of one kind, with ids in the order of their numbers. */
static void import_many(const char *label)
{
    for (int i = 0; i < MANY; i++)
        identity_providers[i] = (struct catalog_identity_provider){
            .id = str_from_c(arena_printf(fx.arena, "idp-%03d", i)),
            .label = str_from_c(label),
            .client_secret = str_from_c(arena_printf(fx.arena, "secret-%d", i)),
        };
    struct catalog_data data = {identity_providers, MANY, NULL, 0};
    struct catalog_import import = {.catalog = &data, .actor = "test", .now = TEST_NOW};
    fixture_import(&import);
}

static void assert_many_open(void)
{
    struct catalog_data found;
    assert_ok(catalog_read(fx.store, fx.arena, &found));
    assert_int_equal(found.identity_provider_count, MANY);
    for (int i = 0; i < MANY; i++)
        assert_str(found.identity_providers[i].client_secret, arena_printf(fx.arena, "secret-%d", i));
}

static size_t column_of(const char *name)
{
    struct reseal_tally tally;
    for (size_t i = 0; i < reseal_column_count(); i++) {
        assert_ok(reseal_column(fx.store, i, &tally)); /* before the rotation: nothing to do */
        assert_int_equal(tally.sealed, 0);
        if (strcmp(tally.column, name) == 0)
            return i;
    }
    fail_msg("no column %s", name);
    return 0;
}

/* One value in every column that is sealed. */
static struct str fill_every_column(void)
{
    struct str grant_id;
    struct consent consent = fixture_given("c1", true, &grant_id);
    fixture_flow_at_choice("open");
    struct catalog_identity_provider identity_provider = {.id = STR("digid"), .client_secret = STR("one")};
    struct catalog_provider provider = {.name = STR("p"), .availability_secret = STR("two")};
    struct catalog_data catalog = {&identity_provider, 1, &provider, 1};
    struct sso_connection connection = {
        .platform = STR("demo"),
        .environment = STR("production"),
        .customer_key = STR("c"),
        .provider_key = STR("ysis"),
        .secrets = {{.value = STR("three")}, {.value = STR("four")}},
        .secret_count = 2,
        .context_keys = {{STR("k"), STR("0123456789abcdef0123456789abcdef")}},
        .context_key_count = 1,
    };
    struct sso_application application = {.platform = STR("demo"),
                                          .environment = STR("production"),
                                          .client_id = STR("app"),
                                          .client_auth = STR("secret"),
                                          .secret = STR("five")};
    struct sso_data sso = {.connections = &connection,
                           .connection_count = 1,
                           .applications = &application,
                           .application_count = 1};
    struct catalog_import import = {.catalog = &catalog, .sso = &sso, .actor = "test", .now = TEST_NOW};
    fixture_import(&import);
    struct signing_key key = {
        .kid = STR("kid-1"), .alg = STR("RS256"), .private_jwk = STR("six"), .active_at = TEST_NOW};
    struct signing_key_turn turn;
    assert_ok(signing_key_rotate(fx.store, &key, "test", TEST_NOW, fx.arena, &turn));
    return consent.id;
}

static void assert_every_column_opens(struct str consent_id)
{
    struct consent consent;
    assert_ok(consent_find(fx.store, consent_id, fx.arena, &consent));
    assert_str(consent.person, TEST_BSN);
    struct catalog_data catalog;
    assert_ok(catalog_read(fx.store, fx.arena, &catalog));
    assert_str(catalog.identity_providers[0].client_secret, "one");
    assert_str(catalog.providers[0].availability_secret, "two");
    struct sso_data sso;
    assert_ok(sso_data_read(fx.store, fx.arena, &sso));
    assert_str(sso.connections[0].secrets[0].value, "three");
    assert_str(sso.connections[0].secrets[1].value, "four");
    assert_str(sso.connections[0].context_keys[0].key, "0123456789abcdef0123456789abcdef");
    assert_str(sso.applications[0].secret, "five");
    struct signing_key_list keys;
    assert_ok(signing_key_list(fx.store, TEST_NOW, true, fx.arena, &keys));
    assert_str(keys.items[0].private_jwk, "six");
}

static void what_lasts_needs_the_old_key_no_more(void **state)
{
    (void)state;
    struct str consent_id = fill_every_column();
    struct key_use before = use_of(1);
    assert_int_equal(before.lasting, 8);
    assert_true(before.passing > 0);
    rotate();
    int64_t unreadable;
    assert_int_equal(use_of(1).lasting, 8); /* a rotation changes nothing by itself */
    assert_int_equal(reseal_all(&unreadable), 8);
    assert_int_equal(unreadable, 0);
    assert_int_equal(use_of(1).lasting, 0);
    assert_int_equal(use_of(1).passing, before.passing);
    assert_int_equal(use_of(2).lasting, 8);
    assert_every_column_opens(consent_id);
    assert_int_equal(reseal_all(&unreadable), 0);
    fixture_sql("DELETE FROM flow");
    assert_int_equal(use_of(1).passing, 0);
    forget_first_key();
    assert_every_column_opens(consent_id);
}

/* A column added to the schema is added to the table of reseal.c, or to this list of what ends by itself. */
static void every_sealed_column_of_the_schema_is_dealt_with(void **state)
{
    (void)state;
    static const char *const passing[] = {"flow.code_verifier_sealed",   "flow.payload_sealed",
                                          "flow.identity_sealed",        "sso_session.patient_sealed",
                                          "sso_session.id_token_sealed", "refresh_token.sealed_answer"};
    int64_t known = 0;
    for (size_t i = 0; i < reseal_column_count(); i++) {
        struct reseal_tally tally;
        assert_ok(reseal_column(fx.store, i, &tally));
        known++;
        assert_non_null(strstr(tally.column, "_sealed"));
    }
    known += (int64_t)(sizeof passing / sizeof *passing);
    /* One more is no column: a member of audit.details, of which the test of AUD-4 below has a case. */
    assert_string_equal(AUDIT_SEALED_MEMBER, "patient_sealed");
    int64_t there =
        fixture_is_postgres()
            ? fixture_count("SELECT COUNT(*) FROM information_schema.columns "
                            "WHERE table_schema = current_schema() AND column_name LIKE '%sealed%'")
            : fixture_count("SELECT COUNT(*) FROM sqlite_master m, pragma_table_info(m.name) p "
                            "WHERE m.type = 'table' AND p.name LIKE '%sealed%'");
    assert_int_equal(there, known);
}

/* The write of the 101st fails: two batches stay done, and the next run does the rest. */
static void a_failure_half_way_leaves_everything_readable_and_is_made_up_for(void **state)
{
    (void)state;
    import_many("a");
    size_t column = column_of("identity_provider.client_secret_sealed");
    rotate();
    identity_providers[5].label = STR("b"); /* sealed anew by an import */
    struct catalog_data data = {&identity_providers[5], 1, NULL, 0};
    struct catalog_import import = {.catalog = &data, .actor = "test", .now = TEST_NOW};
    assert_int_equal(fixture_import(&import), 1);
    assert_int_equal(use_of(2).lasting, 1);
    fixture_sql("CREATE UNIQUE INDEX one_only ON identity_provider (substr(client_secret_sealed, 1, 4)) "
                "WHERE id IN ('idp-005', 'idp-110')");
    struct reseal_tally tally;
    assert_failed(reseal_column(fx.store, column, &tally));
    assert_int_equal(tally.sealed, 100);
    assert_int_equal(use_of(2).lasting, 101);
    assert_many_open();
    fixture_sql("DROP INDEX one_only");
    assert_ok(reseal_column(fx.store, column, &tally));
    assert_int_equal(tally.sealed, 19);
    assert_int_equal(use_of(1).lasting, 0);
    assert_many_open();
}

static void a_value_that_does_not_open_is_told_and_left(void **state)
{
    (void)state;
    import_many("a");
    rotate();
    fixture_sql("INSERT INTO provider (name, display_name, interface_version, text_set, is_legacy_scope, "
                "privacy_url, color, logo_type, announcement, availability, availability_url, "
                "availability_secret_sealed, availability_timeout_ms, is_checked_before_consent, "
                "is_checked_at_token) SELECT 'p', '', '', '', 0, '', '', '', '', '', '', "
                "client_secret_sealed, 0, 0, 0 FROM identity_provider WHERE id = 'idp-119'");
    int64_t unreadable;
    assert_int_equal(reseal_all(&unreadable), MANY);
    assert_int_equal(unreadable, 1); /* sealed for another column */
    assert_int_equal(use_of(1).lasting, 1);
    assert_int_equal(reseal_all(&unreadable), 0);
    assert_int_equal(unreadable, 1);
    fixture_sql("DELETE FROM provider");
    assert_many_open();
}

static void *reseal_or_import(void *context)
{
    struct racer *racer = context;
    struct failure failure = {""};
    struct catalog_identity_provider item = {
        .id = str_from_c(arena_printf(racer->arena, "idp-%03d", racer->number)),
        .label = STR("raced"),
        .client_secret = STR("of the import")};
    struct catalog_data data = {&item, 1, NULL, 0};
    struct catalog_import import = {.catalog = &data, .actor = "test", .now = TEST_NOW};
    struct reseal_tally tally;
    pthread_barrier_wait(&start);
    racer->outcome = racer->number % 4 < 2
                         ? catalog_import(racer->store, &import, &failure)
                         : reseal_column(racer->store, *(const size_t *)racer->subject, &tally);
    return NULL;
}

/* Whoever comes first, no secret that was given meanwhile is lost. */
static void what_changes_meanwhile_is_not_overwritten(void **state)
{
    (void)state;
    import_many("a");
    size_t column = column_of("identity_provider.client_secret_sealed");
    rotate();
    struct racer racers[THREADS];
    race(racers, reseal_or_import, 0, &column);
    struct catalog_data found;
    assert_ok(catalog_read(fx.store, fx.arena, &found));
    for (int i = 0; i < THREADS; i++)
        assert_ok(racers[i].outcome);
    for (int i = 0; i < MANY; i++)
        assert_str(found.identity_providers[i].client_secret,
                   i < THREADS && i % 4 < 2 ? "of the import" : arena_printf(fx.arena, "secret-%d", i));
    assert_int_equal(use_of(1).lasting, 0);
    assert_int_equal(use_of(2).lasting, MANY);
}

static void a_broken_store_fails(void **state)
{
    (void)state;
    struct reseal_tally tally;
    struct key_use_list list;
    fixture_sql("ALTER TABLE audit RENAME TO audit_away");
    assert_failed(reseal_read_use(fx.store, fx.arena, &list));
    fixture_sql("ALTER TABLE audit_away RENAME TO audit");
    assert_ok(reseal_read_use(fx.store, fx.arena, &list));
    fixture_sql("DROP TABLE sso_context_key");
    size_t failed = 0;
    for (size_t i = 0; i < reseal_column_count(); i++)
        failed += reseal_column(fx.store, i, &tally) == FAILED;
    assert_int_equal(failed, 1);
    assert_failed(reseal_read_use(fx.store, fx.arena, &list));
}

static void append_to_trail(const char *details)
{
    const struct audit_entry entry = {.at = TEST_NOW,
                                      .actor = STR("user:one"),
                                      .action = STR("patient_access"),
                                      .subject = STR("patient:one"),
                                      .details = str_from_c(details)};
    assert_ok(audit_append(fx.store, &entry));
}

static void append_sealed_to_trail(void)
{
    struct str sealed = vault_seal(fx.vault, fx.arena, "audit.patient", STR("999990019"));
    append_to_trail(arena_printf(fx.arena, "{\"" AUDIT_SEALED_MEMBER "\":\"%.*s\"}",
                                 STR_ARG(codec_base64url(fx.arena, sealed))));
}

static void AUD4_the_audit_trail_keeps_the_keys_that_it_needs(void **state)
{
    (void)state;
    append_to_trail("by hand");
    append_to_trail("{\"event\":\"\\\"" AUDIT_SEALED_MEMBER "\\\" in passing\"}");
    append_to_trail("a \"" AUDIT_SEALED_MEMBER "\" that is not JSON");
    assert_int_equal(use_of(1).audited, 0);
    append_sealed_to_trail();
    append_sealed_to_trail();
    rotate();
    append_sealed_to_trail();
    int64_t unreadable;
    assert_int_equal(reseal_all(&unreadable), 0);
    assert_int_equal(use_of(1).audited, 2);
    assert_int_equal(use_of(1).lasting + use_of(1).passing, 0);
    assert_int_equal(use_of(2).audited, 1);
    assert_int_equal(use_of(0).audited, 0);
    append_to_trail("{\"" AUDIT_SEALED_MEMBER "\":\"?\"}");
    assert_int_equal(use_of(0).audited, 1); /* damaged */
}

/* More than are read at once, of two nodes. */
static void a_long_trail_is_counted_whole(void **state)
{
    (void)state;
    append_sealed_to_trail();
    fixture_sql("INSERT INTO audit (node, number, at, actor, action, subject, details, hash) "
                "WITH RECURSIVE more (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM more WHERE n < 1200) "
                "SELECT CASE WHEN n < 700 THEN node ELSE 'two' END, n, at, actor, action, subject, details, "
                "hash FROM audit, more WHERE number = 1");
    assert_int_equal(use_of(1).audited, 1200);
}

static const struct CMUnitTest tests[] = {
    STORE_TEST(AUD4_the_audit_trail_keeps_the_keys_that_it_needs),
    STORE_TEST(a_long_trail_is_counted_whole),
    STORE_TEST(what_lasts_needs_the_old_key_no_more),
    STORE_TEST(every_sealed_column_of_the_schema_is_dealt_with),
    STORE_TEST(a_failure_half_way_leaves_everything_readable_and_is_made_up_for),
    STORE_TEST(a_value_that_does_not_open_is_told_and_left),
    STORE_TEST(what_changes_meanwhile_is_not_overwritten),
    STORE_TEST(a_broken_store_fails),
};

STORE_TEST_MAIN("reseal", tests)
