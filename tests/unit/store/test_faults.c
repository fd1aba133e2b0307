/*
 * Every single call into SQLite that runs a statement is made to fail, one after the other, under each verb
 * that writes: the verb must say FAILED, nothing of it may remain, and the next call must work.
 *
 * The program's own sqlite3_step stands before the library's.
 */
#include "store_fixture.h"

#include <dlfcn.h>
#include <sqlite3.h>

static int fail_at, calls; /* 0 = never; counted from the moment it is set */
static int fail_with;

typedef int step_function(sqlite3_stmt *statement);

int sqlite3_step(sqlite3_stmt *statement)
{
    static step_function *real;
    if (real == NULL) {
        void *symbol = dlsym(RTLD_NEXT, "sqlite3_step");
        memcpy(&real, &symbol, sizeof real);
    }
    if (fail_at > 0 && ++calls == fail_at)
        return fail_with;
    return real(statement);
}

/* A verb with everything that it needs made ready before. */
struct scenario {
    const char *name;
    void (*prepare)(int round);
    enum outcome (*run)(int round);
};

static struct flow flow;
static struct consent consent;
static struct str grant_id;

static const char *named(const char *kind, int round)
{
    return arena_printf(fx.arena, "%s%d", kind, round);
}

static void prepare_flow(int round)
{
    flow = fixture_flow(named("s", round));
}

static enum outcome run_flow_create(int round)
{
    (void)round;
    return flow_create(fx.store, &flow);
}

static void prepare_callback(int round)
{
    flow = fixture_flow(named("s", round));
    assert_ok(flow_create(fx.store, &flow));
}

static enum outcome run_take_callback(int round)
{
    (void)round;
    struct flow taken;
    bool is_replay;
    enum outcome outcome =
        flow_take_callback(fx.store, flow.state_digest, TEST_NOW, fx.arena, &taken, &is_replay);
    return outcome == OK && is_replay ? ABSENT : outcome;
}

static void prepare_choice(int round)
{
    flow = fixture_flow_at_choice(named("s", round));
    consent = fixture_consent(true, true);
}

static enum outcome run_consent_state(int round)
{
    struct consent_code code = fixture_code(named("c", round));
    return consent_state(fx.store, flow.id, flow.form_digest, TEST_NOW, &consent, &code);
}

static void prepare_code(int round)
{
    consent = fixture_given(named("c", round), true, &grant_id);
}

static enum outcome run_offer_code(int round)
{
    struct grant grant;
    enum code_state state;
    enum outcome outcome =
        grant_offer_code(fx.store, digest_of(named("c", round)), TEST_NOW, fx.arena, &grant, &state);
    return outcome == OK && state == CODE_REUSED ? ABSENT : outcome;
}

static enum outcome run_issue(int round)
{
    struct token_issue issue = fixture_tokens(named("a", round), named("r", round));
    return grant_issue(fx.store, grant_id, &issue, TEST_NOW);
}

static void prepare_tokens(int round)
{
    consent = fixture_issued(named("c", round), named("a", round), named("r", round), &grant_id);
}

static enum outcome run_rotate(int round)
{
    struct token_issue issue = fixture_tokens(named("new a", round), named("new r", round));
    return grant_rotate(fx.store, digest_of(named("r", round)), &issue, STR("answer"), TEST_NOW);
}

static enum outcome run_grant_revoke(int round)
{
    (void)round;
    return grant_revoke(fx.store, grant_id, "test", TEST_NOW);
}

static enum outcome run_token_revoke(int round)
{
    return token_revoke(fx.store, digest_of(named("r", round)), STR("pgo.localhost"), TEST_NOW);
}

static enum outcome run_withdraw(int round)
{
    (void)round;
    return consent_withdraw(fx.store, consent.id, STR("person"), TEST_NOW);
}

static enum outcome run_import(int round)
{
    struct catalog_identity_provider identity_provider = {.id = str_from_c(named("idp", round))};
    struct catalog_data catalog = {&identity_provider, 1, NULL, 0};
    struct sso_connection connection = {.platform = STR("p"),
                                        .environment = STR("e"),
                                        .customer_key = str_from_c(named("c", round)),
                                        .provider_key = STR("ysis"),
                                        .secrets = {{.value = STR("secret")}},
                                        .secret_count = 1};
    struct sso_data sso = {.connections = &connection, .connection_count = 1};
    struct mapping_import_row rows[] = {{.code = STR("1"), .status = MAPPING_NEW},
                                        {.code = STR("2"), .status = MAPPING_IGNORED}};
    struct mapping_import_set set = {STR("p"), STR("e"), sso_slug(fx.arena, &connection), rows, 2};
    struct catalog_import import = {.catalog = &catalog,
                                    .sso = &sso,
                                    .mappings = &set,
                                    .mapping_count = 1,
                                    .actor = "test",
                                    .now = TEST_NOW};
    struct failure failure;
    return catalog_import(fx.store, &import, &failure);
}

static void prepare_nothing(int round)
{
    (void)round;
}

/* Everything that a verb writes, as one number: rows of each table and the marks that it sets. */
static int64_t fingerprint(void)
{
    return fixture_count("SELECT (SELECT COUNT(*) + 3 * COALESCE(SUM(stage), 0) FROM flow)"
                         " + 1000 * (SELECT COUNT(*) FROM consent)"
                         " + 2000 * (SELECT COUNT(*) FROM consent WHERE withdrawn_at > 0)"
                         " + 100000 * (SELECT COUNT(*) FROM token_grant)"
                         " + 200000 * (SELECT COUNT(*) FROM token_grant WHERE code_offered_at > 0)"
                         " + 400000 * (SELECT COUNT(*) FROM token_grant WHERE revoked_at > 0)"
                         " + 100000000 * (SELECT COUNT(*) FROM access_token)"
                         " + 10000000000 * (SELECT COUNT(*) FROM refresh_token)"
                         " + 20000000000 * (SELECT COUNT(*) FROM refresh_token WHERE rotated_at > 0)"
                         " + 1000000000000 * (SELECT COUNT(*) FROM audit)"
                         " + 2000000000000 * (SELECT COALESCE(SUM(number), 0) FROM audit_head)"
                         " + (SELECT version FROM catalog_version)"
                         " + 7 * (SELECT COUNT(*) FROM identity_provider)"
                         " + 77 * (SELECT COUNT(*) FROM sso_connection)"
                         " + 777 * (SELECT COUNT(*) FROM sso_mapping)");
}

/* Lets call after call fail until the verb gets through untouched; returns how many there were. */
static int try_every_call(const struct scenario *scenario, int round, int code)
{
    scenario->prepare(round);
    int64_t before = fingerprint();
    fail_with = code;
    for (int k = 1;; k++) {
        calls = 0;
        fail_at = k;
        enum outcome outcome = scenario->run(round);
        bool is_hit = calls >= k;
        fail_at = 0;
        if (!is_hit) {
            assert_ok(outcome);
            assert_int_not_equal(fingerprint(), before);
            return k - 1;
        }
        /* A ROLLBACK that fails comes after the outcome: it stays FAILED. */
        if (outcome != FAILED)
            fail_msg("%s: call %d failed and the outcome was %d", scenario->name, k, outcome);
        if (fingerprint() != before)
            fail_msg("%s: call %d failed and left something behind", scenario->name, k);
    }
}

static const struct scenario scenarios[] = {
    {"flow_create", prepare_flow, run_flow_create},
    {"flow_take_callback", prepare_callback, run_take_callback},
    {"consent_state", prepare_choice, run_consent_state},
    {"grant_offer_code", prepare_code, run_offer_code},
    {"grant_issue", prepare_code, run_issue},
    {"grant_rotate", prepare_tokens, run_rotate},
    {"grant_revoke", prepare_tokens, run_grant_revoke},
    {"token_revoke", prepare_tokens, run_token_revoke},
    {"consent_withdraw", prepare_tokens, run_withdraw},
    {"catalog_import", prepare_nothing, run_import},
};

static void a_call_that_fails_fails_the_verb_and_leaves_nothing(void **state)
{
    (void)state;
    static const int codes[] = {SQLITE_IOERR, SQLITE_FULL, SQLITE_BUSY, SQLITE_NOMEM, SQLITE_CORRUPT};
    int round = 0;
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
        for (size_t k = 0; k < sizeof codes / sizeof *codes; k++) {
            int count = try_every_call(&scenarios[i], ++round, codes[k]);
            assert_true(count >= 3); /* BEGIN, the statement, COMMIT */
        }
    }
    struct audit_verdict verdict;
    assert_ok(audit_verify(fx.store, fx.arena, &verdict));
    assert_true(verdict.is_intact);
}

static void a_read_that_fails_is_not_absent(void **state)
{
    (void)state;
    struct refresh_lookup lookup;
    struct flow found;
    prepare_tokens(1);
    flow = fixture_flow_at_choice("s2");
    assert_ok(store_ping(fx.store)); /* the reader's connection is open */
    fail_with = SQLITE_IOERR;
    calls = 0, fail_at = 1;
    assert_failed(fixture_introspect("a1", TEST_NOW));
    calls = 0;
    assert_failed(grant_find_refresh(fx.store, digest_of("r1"), TEST_NOW, fx.arena, &lookup));
    calls = 0;
    assert_failed(flow_find(fx.store, flow.id, TEST_NOW, fx.arena, &found));
    calls = 0;
    assert_failed(consent_find(fx.store, consent.id, fx.arena, &consent));
    calls = 0;
    assert_failed(store_ping(fx.store));
    fail_at = 0;
    assert_ok(store_ping(fx.store));
}

static const struct CMUnitTest tests[] = {
    STORE_TEST_SQLITE(a_call_that_fails_fails_the_verb_and_leaves_nothing),
    STORE_TEST_SQLITE(a_read_that_fails_is_not_absent),
};

STORE_TEST_MAIN("faults", tests)
