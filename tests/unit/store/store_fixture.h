/*
 * A store of its own for each test, on the engine that STORE_URL names: by default SQLite in a temporary
 * folder; with a postgresql: URL a schema of its own in that database, dropped afterwards.
 */
#ifndef TEST_STORE_FIXTURE_H
#define TEST_STORE_FIXTURE_H

#include "base/buf.h"
#include "base/codec.h"
#include "base/rand.h"
#include "base/vault.h"
#include "store/audit.h"
#include "store/catalog_import.h"
#include "store/consent.h"
#include "store/driver.h"
#include "store/flow.h"
#include "store/grant.h"
#include "store/list_copy.h"
#include "store/store.h"

#include <ftw.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define TEST_BSN "999990019"
#define TEST_NOW INT64_C(1800000000)
#define TEST_CONNECTIONS 8

struct fixture {
    struct arena *arena;
    struct vault *vault;
    char directory[64];
    const char *base_url; /* PostgreSQL: without the schema */
    const char *schema;
    const char *url;
    struct store *store;
    struct store *other; /* a second node on the same database */
};

static struct fixture fx;

#define assert_str(actual, expected) assert_true(str_equal_c((actual), (expected)))
#define assert_ok(call) assert_int_equal((call), OK)
#define assert_absent(call) assert_int_equal((call), ABSENT)
#define assert_failed(call) assert_int_equal((call), FAILED)

static inline bool fixture_is_postgres(void)
{
    return fx.base_url != NULL;
}

/* On a connection of its own, past the store. */
static inline void fixture_postgres(const char *sql)
{
    PGconn *connection = PQconnectdb(fx.base_url);
    assert_int_equal(PQstatus(connection), CONNECTION_OK);
    PGresult *result = PQexec(connection, sql);
    if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql, PQresultErrorMessage(result));
    PQclear(result);
    PQfinish(connection);
}

static inline struct store *fixture_open_store(const char *node)
{
    struct store_settings settings = {fx.url, TEST_CONNECTIONS, fx.vault, node};
    struct failure failure = {""};
    struct store *store = NULL;
    if (store_open(&settings, &store, &failure) != OK)
        fail_msg("%s", failure.text);
    return store;
}

static inline void fixture_choose_url(bool is_sqlite)
{
    const char *url = is_sqlite ? NULL : getenv("STORE_URL");
    if (url == NULL || strncmp(url, "sqlite:", 7) == 0) {
        fx.base_url = NULL;
        fx.url = arena_printf(fx.arena, "sqlite:%s/test.db", fx.directory);
        return;
    }
    fx.base_url = url;
    char unique[UUID_TEXT_SIZE];
    rand_uuid7(unique);
    for (char *c = unique; *c != '\0'; c++)
        *c = *c == '-' ? '_' : *c;
    fx.schema = arena_printf(fx.arena, "test_%s", unique);
    fixture_postgres(arena_printf(fx.arena, "CREATE SCHEMA %s", fx.schema));
    fx.url = arena_printf(fx.arena, "%s%coptions=-csearch_path%%3D%s&application_name=%s", url,
                          strchr(url, '?') ? '&' : '?', fx.schema, fx.schema);
}

static inline void fixture_open_empty(bool is_sqlite)
{
    fx.arena = arena_new();
    snprintf(fx.directory, sizeof fx.directory, "/tmp/sluis-store-XXXXXX");
    assert_non_null(mkdtemp(fx.directory));
    struct failure failure = {""};
    const char *key_file = arena_printf(fx.arena, "%s/keys", fx.directory);
    assert_ok(vault_create_file(key_file, &failure));
    assert_ok(vault_load(key_file, &fx.vault, &failure));
    fixture_choose_url(is_sqlite);
    fx.store = fixture_open_store("one");
}

static inline int fixture_remove(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status, (void)type, (void)walk;
    return remove(path);
}

static inline void fixture_open_migrated(bool is_sqlite)
{
    fixture_open_empty(is_sqlite);
    struct failure failure = {""};
    int applied;
    if (store_migrate(fx.store, &applied, &failure) != OK)
        fail_msg("%s", failure.text);
    fx.other = fixture_open_store("two");
}

static inline int fixture_setup(void **state)
{
    (void)state;
    fixture_open_migrated(false);
    return 0;
}

/* For what only SQLite does, whatever STORE_URL says. */
static inline int fixture_setup_sqlite(void **state)
{
    (void)state;
    fixture_open_migrated(true);
    return 0;
}

static inline int fixture_setup_empty(void **state)
{
    (void)state;
    fixture_open_empty(false);
    return 0;
}

static inline int fixture_teardown(void **state)
{
    (void)state;
    store_close(&fx.store);
    store_close(&fx.other);
    if (fixture_is_postgres())
        fixture_postgres(arena_printf(fx.arena, "DROP SCHEMA %s CASCADE", fx.schema));
    vault_free(&fx.vault);
    nftw(fx.directory, fixture_remove, 8, FTW_DEPTH | FTW_PHYS);
    arena_free(&fx.arena);
    return 0;
}

static inline enum outcome fixture_script_work(struct db *db, void *context)
{
    return db->driver->script(db, context);
}

/* SQL past the verbs: to break things, and to look at columns. */
static inline void fixture_sql(const char *sql)
{
    char *text = arena_strdup(fx.arena, sql);
    assert_ok(store_write(fx.store, "test", fixture_script_work, text));
}

static inline enum outcome fixture_count_work(struct db *db, void *context)
{
    void **both = context;
    struct db_query *query = db_query(db, both[0]);
    if (db_step(query) == DB_ROW)
        *(int64_t *)both[1] = db_int(query, 0);
    return db_finish(query);
}

/* The one number that the statement (a literal) yields. */
static inline int64_t fixture_count(const char *sql)
{
    int64_t count = -1;
    void *both[] = {(void *)(uintptr_t)sql, &count};
    assert_ok(store_read(fx.store, "test", fixture_count_work, both));
    return count;
}

/* ---- objects ---- */

static inline struct str digest_of(const char *text)
{
    return codec_sha256(fx.arena, str_from_c(text));
}

static inline struct flow fixture_flow(const char *state)
{
    return (struct flow){
        .id = str_from_c(rand_uuid7_in(fx.arena)),
        .door = STR("medmij"),
        .stage = FLOW_LOGIN,
        .state_digest = digest_of(state),
        .browser_digest = digest_of("browser"),
        .connection = STR("digid"),
        .issuer = STR("https://idp.example"),
        .nonce = STR("nonce-1"),
        .code_verifier = STR("verifier-1"),
        .payload = STR("{\"client\":\"pgo.localhost\"}"),
        .created_at = TEST_NOW,
        .expires_at = TEST_NOW + 900,
    };
}

/* A flow at the open consent page, with the form token "form". */
static inline struct flow fixture_flow_at_choice(const char *state)
{
    struct flow flow = fixture_flow(state), taken;
    bool is_replay;
    assert_ok(flow_create(fx.store, &flow));
    assert_ok(flow_take_callback(fx.store, flow.state_digest, TEST_NOW, fx.arena, &taken, &is_replay));
    assert_false(is_replay);
    flow.identity = STR(TEST_BSN);
    flow.acr = STR("substantieel");
    flow.outcome = STR("48 49");
    flow.form_digest = digest_of("form");
    assert_ok(flow_identify(fx.store, &flow));
    return flow;
}

static inline struct consent fixture_consent(bool is_given, bool is_indefinite)
{
    return (struct consent){
        .id = str_from_c(rand_uuid7_in(fx.arena)),
        .person = STR(TEST_BSN),
        .provider = STR("huisartsdeduinen"),
        .provider_name = STR("Huisartsenpraktijk De Duinen"),
        .client_host = STR("pgo.localhost"),
        .client_name = STR("Mijn PGO"),
        .function = STR("collect"),
        .services_shown = STR("48 49"),
        .service_names = STR("Huisartsgegevens\nDocumenten"),
        .services_granted = is_given ? STR("48 49") : STR(""),
        .text_version = STR("je-2.2/consent_collect"),
        .text_hash = STR("abcdef"),
        .is_given = is_given,
        .is_indefinite = is_indefinite,
        .login_level = STR("substantieel"),
        .identity_provider = STR("digid"),
        .stated_at = TEST_NOW,
        .trace_id = STR("0b9d4f0e-6c5e-4a35-8f7a-2b8f3f0e2c11"),
        .session_id = STR("c0e7b545-9606-4eef-bea7-75d8addaa54b"),
    };
}

static inline struct consent_code fixture_code(const char *code)
{
    return (struct consent_code){
        .grant_id = str_from_c(rand_uuid7_in(fx.arena)),
        .code_digest = digest_of(code),
        .redirect_uri = STR("https://pgo.localhost/callback"),
        .correlation_id = STR("c0e7b545-9606-4eef-bea7-75d8addaa54b"),
        .code_challenge = STR(""),
        .expires_at = TEST_NOW + 900,
    };
}

/* A consent given through a flow of its own; its code is `code`. */
static inline struct consent fixture_given(const char *code, bool is_indefinite, struct str *out_grant_id)
{
    const char *state = arena_printf(fx.arena, "state of %s", code);
    struct flow flow = fixture_flow_at_choice(state);
    struct consent consent = fixture_consent(true, is_indefinite);
    struct consent_code grant = fixture_code(code);
    assert_ok(consent_state(fx.store, flow.id, flow.form_digest, TEST_NOW, &consent, &grant));
    if (out_grant_id != NULL)
        *out_grant_id = grant.grant_id;
    return consent;
}

static inline struct token_issue fixture_tokens(const char *access, const char *refresh)
{
    return (struct token_issue){
        .access_digest = digest_of(access),
        .services = STR("48 49"),
        .access_expires_at = TEST_NOW + 900,
        .refresh_digest = refresh ? digest_of(refresh) : STR_NONE,
        .refresh_expires_at = TEST_NOW + 15552000,
    };
}

/* ... and its code offered, and tokens issued under it. */
static inline struct consent fixture_issued(const char *code, const char *access, const char *refresh,
                                            struct str *out_grant_id)
{
    struct str grant_id;
    struct consent consent = fixture_given(code, refresh != NULL, &grant_id);
    struct grant grant;
    enum code_state state;
    assert_ok(grant_offer_code(fx.store, digest_of(code), TEST_NOW, fx.arena, &grant, &state));
    assert_int_equal(state, CODE_FRESH);
    struct token_issue issue = fixture_tokens(access, refresh);
    assert_ok(grant_issue(fx.store, grant_id, &issue, TEST_NOW));
    if (out_grant_id != NULL)
        *out_grant_id = grant_id;
    return consent;
}

static inline enum outcome fixture_introspect(const char *access, int64_t now)
{
    struct token_facts facts;
    return token_introspect(fx.store, digest_of(access), now, fx.arena, &facts);
}

/* How many objects changed. */
static inline int64_t fixture_import(struct catalog_import *import)
{
    struct failure failure = {""};
    if (catalog_import(fx.store, import, &failure) != OK)
        fail_msg("%s", failure.text);
    return import->changed;
}

static inline void fixture_import_refused(struct catalog_import *import, const char *text)
{
    struct failure failure = {""};
    assert_failed(catalog_import(fx.store, import, &failure));
    assert_int_equal(import->changed, 0);
    assert_string_equal(failure.text, text);
}

/* ---- the main of a test program ---- */

#define STORE_TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)
#define STORE_TEST_SQLITE(function)                                                                          \
    cmocka_unit_test_setup_teardown(function, fixture_setup_sqlite, fixture_teardown)
#define STORE_TEST_EMPTY(function)                                                                           \
    cmocka_unit_test_setup_teardown(function, fixture_setup_empty, fixture_teardown)

#define STORE_TEST_MAIN(name, tests)                                                                         \
    int main(void)                                                                                           \
    {                                                                                                        \
        if (rand_init() != OK)                                                                               \
            return 1;                                                                                        \
        return cmocka_run_group_tests_name(name, tests, NULL, NULL);                                         \
    }

#endif
