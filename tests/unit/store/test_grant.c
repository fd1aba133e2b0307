/* grant.h on the engine of STORE_URL: every verb, every outcome. */
#include "store_fixture.h"

static enum outcome offer(const char *code, struct grant *out_grant, enum code_state *out_state)
{
    return grant_offer_code(fx.store, digest_of(code), TEST_NOW, fx.arena, out_grant, out_state);
}

static enum outcome look_up(const char *refresh, int64_t now, struct refresh_lookup *out_lookup)
{
    return grant_find_refresh(fx.store, digest_of(refresh), now, fx.arena, out_lookup);
}

static enum outcome rotate(const char *old, const char *access, const char *refresh, int64_t now)
{
    struct token_issue issue = fixture_tokens(access, refresh);
    return grant_rotate(fx.store, digest_of(old), &issue, STR("sealed answer"), now);
}

static void a_code_is_fresh_once(void **state)
{
    (void)state;
    struct grant grant;
    enum code_state code_state;
    struct str grant_id;
    struct consent consent = fixture_given("c1", true, &grant_id);
    assert_absent(offer("unknown", &grant, &code_state));
    assert_ok(offer("c1", &grant, &code_state));
    assert_int_equal(code_state, CODE_FRESH);
    assert_true(str_equal(grant.id, grant_id));
    assert_str(grant.client_host, "pgo.localhost");
    assert_str(grant.redirect_uri, "https://pgo.localhost/callback");
    assert_str(grant.correlation_id, "c0e7b545-9606-4eef-bea7-75d8addaa54b");
    assert_int_equal(grant.code_expires_at, TEST_NOW + 900);
    assert_false(grant.is_revoked);
    assert_true(str_equal(grant.consent.id, consent.id));
    assert_str(grant.consent.person, TEST_BSN);
    assert_str(grant.consent.services_granted, "48 49");
    assert_true(grant.consent.is_indefinite);
}

static void a_code_offered_again_takes_its_tokens_along(void **state)
{
    (void)state;
    struct grant grant;
    enum code_state code_state;
    struct str grant_id;
    struct refresh_lookup lookup;
    fixture_issued("c1", "a1", "r1", &grant_id);
    assert_ok(fixture_introspect("a1", TEST_NOW));
    /* The other node. */
    assert_ok(grant_offer_code(fx.other, digest_of("c1"), TEST_NOW, fx.arena, &grant, &code_state));
    assert_int_equal(code_state, CODE_REUSED);
    assert_true(grant.is_revoked);
    assert_absent(fixture_introspect("a1", TEST_NOW));
    assert_ok(look_up("r1", TEST_NOW, &lookup));
    assert_int_equal(lookup.state, REFRESH_REVOKED);
    assert_absent(rotate("r1", "a2", "r2", TEST_NOW));
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM audit WHERE action = 'grant_revoke' "
                                   "AND details = 'code_reuse' AND node = 'two'"),
                     1);
    assert_ok(offer("c1", &grant, &code_state));
    assert_int_equal(code_state, CODE_REUSED);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM audit"), 1);
}

static void reuse_between_offer_and_issue_stops_the_issue(void **state)
{
    (void)state;
    struct grant grant;
    enum code_state code_state;
    struct str grant_id;
    fixture_given("c1", true, &grant_id);
    assert_ok(offer("c1", &grant, &code_state));
    assert_int_equal(code_state, CODE_FRESH);
    assert_ok(offer("c1", &grant, &code_state));
    assert_int_equal(code_state, CODE_REUSED);
    struct token_issue issue = fixture_tokens("a1", "r1");
    assert_absent(grant_issue(fx.store, grant_id, &issue, TEST_NOW));
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM access_token"), 0);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM refresh_token"), 0);
}

static void issuing_notes_the_use_and_is_whole(void **state)
{
    (void)state;
    struct str grant_id, other_id;
    struct consent consent = fixture_issued("c1", "a1", NULL, &grant_id), found;
    assert_ok(consent_find(fx.store, consent.id, fx.arena, &found));
    assert_int_equal(found.last_used_at, TEST_NOW);
    struct token_issue issue = fixture_tokens("a9", "r9");
    assert_absent(grant_issue(fx.store, STR("unknown"), &issue, TEST_NOW));
    /* A refresh token that exists already: nothing of the issue may stay behind. */
    fixture_issued("c2", "a2", "r2", NULL);
    struct consent third = fixture_given("c3", true, &other_id);
    issue = fixture_tokens("a3", "r2");
    assert_failed(grant_issue(fx.store, other_id, &issue, TEST_NOW));
    assert_absent(fixture_introspect("a3", TEST_NOW));
    assert_ok(consent_find(fx.store, third.id, fx.arena, &found));
    assert_int_equal(found.last_used_at, 0);
}

static void introspection_tells_what_the_resource_server_needs(void **state)
{
    (void)state;
    struct token_facts facts;
    struct consent consent = fixture_issued("c1", "a1", NULL, NULL);
    assert_ok(token_introspect(fx.store, digest_of("a1"), TEST_NOW, fx.arena, &facts));
    assert_true(str_equal(facts.consent_id, consent.id));
    assert_str(facts.client_host, "pgo.localhost");
    assert_str(facts.provider, "huisartsdeduinen");
    assert_str(facts.function, "collect");
    assert_str(facts.services, "48 49");
    assert_str(facts.person, TEST_BSN);
    assert_int_equal(facts.days, 0);
    assert_int_equal(facts.issued_at, TEST_NOW);
    assert_int_equal(facts.expires_at, TEST_NOW + 900);
    assert_ok(fixture_introspect("a1", TEST_NOW + 899));
    assert_absent(fixture_introspect("a1", TEST_NOW + 900));
    assert_absent(fixture_introspect("unknown", TEST_NOW));
}

static void a_refresh_token_is_current_once(void **state)
{
    (void)state;
    struct refresh_lookup lookup;
    struct consent consent = fixture_issued("c1", "a1", "r1", NULL), found;
    assert_absent(look_up("unknown", TEST_NOW, &lookup));
    assert_ok(look_up("r1", TEST_NOW, &lookup));
    assert_int_equal(lookup.state, REFRESH_CURRENT);
    assert_str(lookup.grant.consent.person, TEST_BSN);
    assert_ok(rotate("r1", "a2", "r2", TEST_NOW + 10));
    assert_ok(fixture_introspect("a2", TEST_NOW + 10));
    assert_ok(consent_find(fx.store, consent.id, fx.arena, &found));
    assert_int_equal(found.last_used_at, TEST_NOW + 10);
    assert_ok(look_up("r1", TEST_NOW + 11, &lookup));
    assert_int_equal(lookup.state, REFRESH_ROTATED);
    assert_int_equal(lookup.rotated_at, TEST_NOW + 10);
    assert_str(lookup.sealed_answer, "sealed answer");
    assert_ok(look_up("r2", TEST_NOW + 11, &lookup));
    assert_int_equal(lookup.state, REFRESH_CURRENT);
    assert_absent(rotate("r1", "a3", "r3", TEST_NOW + 11));
    assert_absent(fixture_introspect("a3", TEST_NOW + 11));
    assert_absent(rotate("unknown", "a3", "r3", TEST_NOW + 11));
    /* Half a year later (spec 3.10). */
    assert_ok(look_up("r2", TEST_NOW + 15552000, &lookup));
    assert_int_equal(lookup.state, REFRESH_EXPIRED);
    assert_absent(rotate("r2", "a3", "r3", TEST_NOW + 15552000));
}

static void a_rotation_needs_a_next_token_and_is_whole(void **state)
{
    (void)state;
    struct refresh_lookup lookup;
    fixture_issued("c1", "a1", "r1", NULL);
    assert_failed(rotate("r1", "a2", NULL, TEST_NOW));
    assert_failed(rotate("r1", "a1", "r2", TEST_NOW)); /* the access token exists already */
    assert_failed(rotate("r1", "a2", "r1", TEST_NOW)); /* the refresh token does */
    assert_ok(look_up("r1", TEST_NOW, &lookup));
    assert_int_equal(lookup.state, REFRESH_CURRENT);
    assert_absent(look_up("r2", TEST_NOW, &lookup));
    assert_ok(rotate("r1", "a2", "r2", TEST_NOW));
}

static void revoking_a_grant_ends_its_family_and_leaves_the_consent(void **state)
{
    (void)state;
    struct refresh_lookup lookup;
    struct str grant_id;
    struct consent consent = fixture_issued("c1", "a1", "r1", &grant_id), found;
    assert_absent(grant_revoke(fx.store, STR("unknown"), "test", TEST_NOW));
    assert_ok(grant_revoke(fx.store, grant_id, "refresh_reuse", TEST_NOW + 1));
    assert_ok(grant_revoke(fx.store, grant_id, "again", TEST_NOW + 2));
    assert_absent(fixture_introspect("a1", TEST_NOW + 2));
    assert_ok(look_up("r1", TEST_NOW + 2, &lookup));
    assert_int_equal(lookup.state, REFRESH_REVOKED);
    assert_true(lookup.grant.is_revoked);
    assert_absent(rotate("r1", "a2", "r2", TEST_NOW + 2));
    assert_ok(consent_find(fx.store, consent.id, fx.arena, &found));
    assert_int_equal(found.withdrawn_at, 0);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM audit WHERE action = 'grant_revoke' "
                                   "AND details = 'refresh_reuse' AND actor = 'system'"),
                     1);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM audit"), 1);
}

/* The consent counts by itself, also when its grant was forgotten. */
static void a_withdrawn_consent_ends_tokens_whatever_the_grant_says(void **state)
{
    (void)state;
    struct refresh_lookup lookup;
    struct str grant_id;
    fixture_issued("c1", "a1", "r1", &grant_id);
    fixture_sql("UPDATE consent SET withdrawn_at = 1");
    assert_absent(fixture_introspect("a1", TEST_NOW));
    assert_ok(look_up("r1", TEST_NOW, &lookup));
    assert_int_equal(lookup.state, REFRESH_REVOKED);
    assert_absent(rotate("r1", "a2", "r2", TEST_NOW));
    struct token_issue issue = fixture_tokens("a3", "r3");
    assert_absent(grant_issue(fx.store, grant_id, &issue, TEST_NOW));
}

static void a_client_revokes_an_access_token_alone(void **state)
{
    (void)state;
    struct refresh_lookup lookup;
    fixture_issued("c1", "a1", "r1", NULL);
    assert_absent(token_revoke(fx.store, digest_of("a1"), STR("other.example"), TEST_NOW));
    assert_ok(fixture_introspect("a1", TEST_NOW));
    assert_ok(token_revoke(fx.store, digest_of("a1"), STR("pgo.localhost"), TEST_NOW));
    assert_ok(token_revoke(fx.store, digest_of("a1"), STR("pgo.localhost"), TEST_NOW));
    assert_absent(fixture_introspect("a1", TEST_NOW));
    assert_ok(look_up("r1", TEST_NOW, &lookup));
    assert_int_equal(lookup.state, REFRESH_CURRENT);
    assert_absent(token_revoke(fx.store, digest_of("unknown"), STR("pgo.localhost"), TEST_NOW));
}

static void a_client_revokes_a_refresh_token_and_the_consent_with_it(void **state)
{
    (void)state;
    struct refresh_lookup lookup;
    struct consent consent = fixture_issued("c1", "a1", "r1", NULL), found;
    assert_absent(token_revoke(fx.store, digest_of("r1"), STR("other.example"), TEST_NOW));
    assert_ok(look_up("r1", TEST_NOW, &lookup));
    assert_int_equal(lookup.state, REFRESH_CURRENT);
    assert_ok(token_revoke(fx.store, digest_of("r1"), STR("pgo.localhost"), TEST_NOW + 5));
    assert_absent(fixture_introspect("a1", TEST_NOW + 5));
    assert_ok(look_up("r1", TEST_NOW + 5, &lookup));
    assert_int_equal(lookup.state, REFRESH_REVOKED);
    assert_ok(consent_find(fx.store, consent.id, fx.arena, &found));
    assert_int_equal(found.withdrawn_at, TEST_NOW + 5);
    assert_str(found.withdrawn_by, "client");
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM audit WHERE actor = 'client:pgo.localhost' "
                                   "AND action = 'consent_withdraw'"),
                     1);
    assert_ok(token_revoke(fx.store, digest_of("r1"), STR("pgo.localhost"), TEST_NOW + 6));
}

static void purge_takes_what_is_past_its_time(void **state)
{
    (void)state;
    struct refresh_lookup lookup;
    struct grant grant;
    enum code_state code_state;
    int64_t deleted;
    fixture_issued("c1", "a1", "r1", NULL);
    assert_ok(rotate("r1", "a2", "r2", TEST_NOW));
    fixture_given("never offered", false, NULL);
    assert_ok(grant_purge(fx.store, TEST_NOW + 10, 30, 100, &deleted));
    assert_int_equal(deleted, 0);
    assert_ok(grant_purge(fx.store, TEST_NOW + 31, 30, 100, &deleted));
    assert_int_equal(deleted, 1); /* the sealed answer */
    assert_ok(look_up("r1", TEST_NOW + 31, &lookup));
    assert_int_equal(lookup.state, REFRESH_ROTATED);
    assert_int_equal(lookup.sealed_answer.length, 0);
    assert_ok(grant_purge(fx.store, TEST_NOW + 901, 30, 1, &deleted));
    assert_int_equal(deleted, 2); /* one access token, as asked, and the code */
    assert_ok(grant_purge(fx.store, TEST_NOW + 901, 30, 100, &deleted));
    assert_int_equal(deleted, 1);
    assert_absent(offer("never offered", &grant, &code_state));
    assert_ok(look_up("r2", TEST_NOW + 901, &lookup));
    assert_int_equal(lookup.state, REFRESH_CURRENT);
    /* A rotated token stays as long as it could be presented, so that its reuse is seen; then both go. */
    assert_ok(grant_purge(fx.store, TEST_NOW + 15552001, 30, 100, &deleted));
    assert_int_equal(deleted, 2);
    assert_absent(look_up("r2", TEST_NOW + 15552001, &lookup));
}

static void a_broken_store_fails_and_is_not_taken_for_absent(void **state)
{
    (void)state;
    struct grant grant;
    enum code_state code_state;
    struct refresh_lookup lookup;
    struct str grant_id;
    int64_t deleted;
    fixture_issued("c1", "a1", "r1", &grant_id);
    struct token_issue issue = fixture_tokens("a9", "r9");
    fixture_sql("DROP TABLE access_token; DROP TABLE refresh_token; ALTER TABLE token_grant RENAME TO gone");
    assert_failed(offer("c1", &grant, &code_state));
    assert_failed(grant_issue(fx.store, grant_id, &issue, TEST_NOW));
    assert_failed(look_up("r1", TEST_NOW, &lookup));
    assert_failed(rotate("r1", "a2", "r2", TEST_NOW));
    assert_failed(grant_revoke(fx.store, grant_id, "test", TEST_NOW));
    assert_failed(token_revoke(fx.store, digest_of("a1"), STR("pgo.localhost"), TEST_NOW));
    assert_failed(fixture_introspect("a1", TEST_NOW));
    assert_failed(grant_purge(fx.store, TEST_NOW, 30, 10, &deleted));
}

static void a_person_that_does_not_open_fails(void **state)
{
    (void)state;
    struct grant grant;
    enum code_state code_state;
    struct refresh_lookup lookup;
    fixture_issued("c1", "a1", "r1", NULL);
    fixture_sql("UPDATE consent SET person_sealed = person_hash");
    assert_failed(fixture_introspect("a1", TEST_NOW));
    assert_failed(look_up("r1", TEST_NOW, &lookup));
    assert_failed(offer("c1", &grant, &code_state));
}

static const struct CMUnitTest tests[] = {
    STORE_TEST(a_code_is_fresh_once),
    STORE_TEST(a_code_offered_again_takes_its_tokens_along),
    STORE_TEST(reuse_between_offer_and_issue_stops_the_issue),
    STORE_TEST(issuing_notes_the_use_and_is_whole),
    STORE_TEST(introspection_tells_what_the_resource_server_needs),
    STORE_TEST(a_refresh_token_is_current_once),
    STORE_TEST(a_rotation_needs_a_next_token_and_is_whole),
    STORE_TEST(revoking_a_grant_ends_its_family_and_leaves_the_consent),
    STORE_TEST(a_withdrawn_consent_ends_tokens_whatever_the_grant_says),
    STORE_TEST(a_client_revokes_an_access_token_alone),
    STORE_TEST(a_client_revokes_a_refresh_token_and_the_consent_with_it),
    STORE_TEST(purge_takes_what_is_past_its_time),
    STORE_TEST(a_broken_store_fails_and_is_not_taken_for_absent),
    STORE_TEST(a_person_that_does_not_open_fails),
};

STORE_TEST_MAIN("grant", tests)
