/* sso/signing.h over a store: two of them are two nodes. */
#include "../store/store_fixture.h"

#include "base/clock.h"
#include "jose/claims.h"
#include "jose/jws.h"
#include "sso/signing.h"

static struct str sign(struct signing *signing, const char *text)
{
    struct str token;
    struct failure failure;
    json_t *claims = json_pack("{s:s}", "text", text);
    assert_ok(signing_sign(signing, NULL, claims, fx.arena, &token, &failure));
    json_decref(claims);
    return token;
}

static bool is_published(struct signing *signing, struct str token)
{
    static const char *const algs[] = {"RS256"};
    const struct jws_options options = {.algs = algs, .alg_count = 1};
    struct jwk_set *keys;
    struct failure failure;
    struct str json;
    json_t *claims;
    assert_ok(signing_jwks(signing, fx.arena, &json));
    assert_ok(jwk_set_parse(json, &keys, &failure));
    assert_int_equal(jwk_set_left_out(keys), 0);
    enum jws_result result = jws_verify(token, keys, &options, &claims, NULL, &failure);
    jwk_set_free(&keys);
    if (result == JWS_OK)
        json_decref(claims);
    return result == JWS_OK;
}

static void two_nodes_sign_with_one_first_key(void **state)
{
    (void)state;
    struct signing *here = signing_new(fx.store), *there = signing_new(fx.other);
    struct str token = sign(here, "a");
    assert_true(is_published(there, token));
    assert_true(is_published(here, sign(there, "b")));
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM signing_key"), 1);
    signing_free(&here);
    signing_free(&there);
}

static void a_key_set_holds_nothing_private(void **state)
{
    (void)state;
    struct signing *signing = signing_new(fx.store);
    struct str json;
    json_t *set;
    struct failure failure;
    assert_ok(signing_jwks(signing, fx.arena, &json));
    assert_ok(json_parse_object(json, &set, &failure));
    const json_t *key = json_array_get(json_object_get(set, "keys"), 0);
    assert_string_equal(json_string_value(json_object_get(key, "kty")), "RSA");
    assert_string_equal(json_string_value(json_object_get(key, "use")), "sig");
    assert_string_equal(json_string_value(json_object_get(key, "alg")), "RS256");
    assert_int_equal(json_object_size(key), 6); /* kty, use, alg, kid, n, e */
    json_decref(set);
    signing_free(&signing);
}

static void a_rotation_elsewhere_is_seen_at_the_next_refresh(void **state)
{
    (void)state;
    struct signing *here = signing_new(fx.store), *there = signing_new(fx.other);
    struct str old = sign(here, "old");
    struct signing_key key;
    struct signing_key_turn turn;
    struct failure failure;
    assert_ok(signing_make_key(fx.arena, &key, &failure));
    key.active_at = clock_now() + 86400;
    assert_ok(signing_key_rotate(fx.other, &key, "test", clock_now(), fx.arena, &turn));
    signing_refresh(here);
    struct str before = sign(here, "announced");
    struct str json;
    assert_ok(signing_jwks(here, fx.arena, &json));
    assert_non_null(memmem(json.data, json.length, key.kid.data, key.kid.length));
    /* Active from a moment that has passed, as the clock would have it a day later. */
    fixture_sql(arena_printf(fx.arena,
                             "UPDATE signing_key SET active_at = %lld - 20 WHERE ends_at <> 0; "
                             "UPDATE signing_key SET active_at = %lld - 10 WHERE ends_at = 0",
                             (long long)clock_now(), (long long)clock_now()));
    signing_refresh(here);
    struct str fresh = sign(here, "fresh");
    json_t *claims;
    assert_ok(signing_verify(there, old, &claims));
    json_decref(claims);
    assert_true(is_published(here, old) && is_published(here, before) && is_published(here, fresh));
    fixture_sql("DELETE FROM signing_key WHERE ends_at <> 0");
    signing_refresh(here);
    assert_true(is_published(here, fresh));
    assert_false(is_published(here, old) || is_published(here, before));
    signing_free(&here);
    signing_free(&there);
}

static void what_another_signed_is_not_ours(void **state)
{
    (void)state;
    struct signing *signing = signing_new(fx.store);
    struct jwk *other;
    struct failure failure;
    struct str token, json;
    json_t *claims = json_pack("{s:s}", "text", "x"), *read;
    assert_ok(jwk_generate("RS256", "k", &other, &failure));
    assert_ok(jws_sign(other, "RS256", NULL, claims, fx.arena, &token, &failure));
    json_decref(claims);
    assert_ok(signing_jwks(signing, fx.arena, &json));
    assert_absent(signing_verify(signing, token, &read));
    assert_absent(signing_verify(signing, STR("a.b.c"), &read));
    assert_absent(signing_verify(signing, STR(""), &read));
    jwk_free(&other);
    signing_free(&signing);
}

static void a_store_that_fails_signs_nothing(void **state)
{
    (void)state;
    struct signing *signing = signing_new(fx.store);
    struct str token, json;
    struct failure failure;
    json_t *claims = json_object(), *read;
    fixture_sql("DROP TABLE signing_key");
    assert_failed(signing_sign(signing, NULL, claims, fx.arena, &token, &failure));
    assert_failed(signing_jwks(signing, fx.arena, &json));
    assert_failed(signing_verify(signing, STR("a.b.c"), &read));
    json_decref(claims);
    signing_free(&signing);
}

static const struct CMUnitTest tests[] = {
    STORE_TEST(two_nodes_sign_with_one_first_key),
    STORE_TEST(a_key_set_holds_nothing_private),
    STORE_TEST(a_rotation_elsewhere_is_seen_at_the_next_refresh),
    STORE_TEST(what_another_signed_is_not_ours),
    STORE_TEST(a_store_that_fails_signs_nothing),
};

STORE_TEST_MAIN("signing", tests)
