/* Which keys are taken from a key set, and keys of our own. */
#include "base/buf.h"
#include "base/codec.h"
#include "base/rand.h"
#include "jose/claims.h"
#include "jose/jwk.h"

#include "../support/arena.h"

#include <stdio.h>

/* RFC 7515 A.2 and A.3, the public halves. */
#define RSA_N                                                                                                \
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-" \
    "SF"                                                                                                     \
    "d2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-U" \
    "To7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2et" \
    "hFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"
#define RSA_E "AQAB"
#define EC_ZERO "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define EC_X "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define EC_Y "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
#define RSA_KEY "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"" RSA_E "\""
#define EC_KEY "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\""

/* The number of usable keys when this is the only one. */
static size_t usable(const char *key)
{
    struct jwk_set *set = NULL;
    struct failure failure;
    const char *json = arena_printf(arena, "{\"keys\":[%s]}", key);
    if (jwk_set_parse(str_from_c(json), &set, &failure) != OK)
        fail_msg("%s: %s", key, failure.text);
    size_t count = jwk_set_count(set);
    assert_int_equal(count + jwk_set_left_out(set), 1);
    assert_null(jwk_set_at(set, count));
    jwk_set_free(&set);
    assert_null(set);
    return count;
}

static void standard_keys_are_taken(void **state)
{
    (void)state;
    const char *good[] = {
        RSA_KEY "}",
        EC_KEY "}",
        RSA_KEY ",\"use\":\"sig\",\"alg\":\"PS384\",\"kid\":\"a\"}",
        RSA_KEY ",\"key_ops\":[\"verify\"],\"x5t\":\"unused\"}",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (usable(good[i]) != 1)
            fail_msg("refused: %s", good[i]);
}

static void keys_for_something_else_are_left_out(void **state)
{
    (void)state;
    const char *bad[] = {
        RSA_KEY ",\"use\":\"enc\"}",
        RSA_KEY ",\"use\":1}",
        RSA_KEY ",\"key_ops\":[\"encrypt\"]}",
        RSA_KEY ",\"key_ops\":\"verify\"}",
        RSA_KEY ",\"alg\":\"RSA-OAEP\"}",
        RSA_KEY ",\"alg\":\"none\"}",
        RSA_KEY ",\"alg\":5}",
        RSA_KEY ",\"kid\":5}",
        RSA_KEY ",\"d\":\"AQAB\"}",
        "{\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T\"}",
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
        "{\"n\":\"" RSA_N "\",\"e\":\"AQAB\"}",
        "\"RSA\"",
        "null",
        "[]",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (usable(bad[i]) != 0)
            fail_msg("taken: %s", bad[i]);
}

static const char *rsa_with(size_t modulus_bytes, const char *exponent)
{
    char *modulus = arena_alloc(arena, modulus_bytes);
    memset(modulus, 0xFF, modulus_bytes);
    return arena_printf(arena, "{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"}",
                        codec_base64url(arena, str_of(modulus, modulus_bytes)).data, exponent);
}

static void rsa_is_2048_bits_or_more_with_a_sane_exponent(void **state)
{
    (void)state;
    assert_int_equal(usable(rsa_with(256, "AQAB")), 1);
    assert_int_equal(usable(rsa_with(256, "Aw")), 1); /* 3 */
    assert_int_equal(usable(rsa_with(128, "AQAB")), 0);
    assert_int_equal(usable(rsa_with(255, "AQAB")), 0);
    assert_int_equal(usable(rsa_with(1025, "AQAB")), 0);
    assert_int_equal(usable(rsa_with(256, "AQ")), 0);           /* 1 */
    assert_int_equal(usable(rsa_with(256, "AA")), 0);           /* 0 */
    assert_int_equal(usable(rsa_with(256, "BA")), 0);           /* 4 */
    assert_int_equal(usable(rsa_with(256, "AQAAAAAAAAAB")), 0); /* 9 bytes */
    assert_int_equal(usable(rsa_with(256, "AQAB=")), 0);
    assert_int_equal(usable(rsa_with(256, "")), 0);
    /* Leading zeros do not make a short modulus long. */
    char padded[256] = {0};
    memset(padded + 128, 0xFF, 128);
    assert_int_equal(usable(arena_printf(arena, "{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"AQAB\"}",
                                         codec_base64url(arena, str_of(padded, sizeof padded)).data)),
                     0);
}

static void ec_points_are_on_their_curve(void **state)
{
    (void)state;
    const char *bad[] = {
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"" EC_X "\"}",
        "{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"}",
        "{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"}",
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\"}",
        "{\"kty\":\"EC\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"}",
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}",
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_ZERO "\",\"y\":\"" EC_ZERO "\"}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (usable(bad[i]) != 0)
            fail_msg("taken: %s", bad[i]);
}

static void one_odd_key_does_not_spoil_the_set(void **state)
{
    (void)state;
    struct jwk_set *set = NULL;
    struct failure failure;
    assert_int_equal(
        jwk_set_parse(STR("{\"keys\":[{\"kty\":\"OKP\"}," EC_KEY ",\"kid\":\"e\"},7]}"), &set, &failure), OK);
    assert_int_equal(jwk_set_count(set), 1);
    assert_int_equal(jwk_set_left_out(set), 2);
    assert_string_equal(jwk_kid(jwk_set_at(set, 0)), "e");
    jwk_set_free(&set);
}

static void a_set_is_an_array_of_at_most_64(void **state)
{
    (void)state;
    struct jwk_set *set = NULL;
    struct failure failure;
    const char *bad[] = {
        "", "[]", "{}", "{\"keys\":{}}", "{\"keys\":[],\"keys\":[]}", "{\"keys\":null}", EC_KEY "}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(jwk_set_parse(str_from_c(bad[i]), &set, &failure), FAILED);
    for (int count = 64; count <= 65; count++) {
        struct buf json = buf_new(arena, 100000);
        buf_append(&json, STR("{\"keys\":["));
        for (int i = 0; i < count; i++)
            buf_printf(&json, "%s%s", i ? "," : "", EC_KEY "}");
        buf_append(&json, STR("]}"));
        assert_int_equal(jwk_set_parse(buf_str(&json), &set, &failure), count == 64 ? OK : FAILED);
        if (count == 64)
            assert_int_equal(jwk_set_count(set), 64);
        jwk_set_free(&set);
    }
}

static void a_made_key_can_be_kept_and_published(void **state)
{
    (void)state;
    const char *algs[] = {"RS256", "ES256", "ES384", "ES512"};
    for (size_t i = 0; i < sizeof algs / sizeof *algs; i++) {
        struct jwk *key = NULL, *again = NULL;
        struct failure failure;
        struct str all, public_half, same;
        assert_int_equal(jwk_generate(algs[i], "k-1", &key, &failure), OK);
        assert_int_equal(jwk_export(key, arena, true, &all), OK);
        assert_int_equal(jwk_export(key, arena, false, &public_half), OK);
        assert_int_equal(usable(public_half.data), 1);
        assert_int_equal(usable(all.data), 0);
        assert_int_equal(jwk_parse_private(all, &again, &failure), OK);
        assert_string_equal(jwk_kid(again), "k-1");
        assert_int_equal(jwk_export(again, arena, true, &same), OK);
        json_t *a = json_loads(all.data, 0, NULL), *b = json_loads(same.data, 0, NULL);
        assert_true(json_equal(a, b));
        json_decref(a);
        json_decref(b);
        jwk_free(&key);
        jwk_free(&again);
        assert_int_equal(jwk_parse_private(public_half, &again, &failure), FAILED);
        assert_null(again);
    }
    struct jwk *none = NULL;
    struct failure failure;
    assert_int_equal(jwk_generate("HS256", NULL, &none, &failure), FAILED);
    assert_int_equal(jwk_generate("none", NULL, &none, &failure), FAILED);
}

static void halves_must_belong_together(void **state)
{
    (void)state;
    const char *bad[] = {
        EC_KEY ",\"d\":\"AA\"}",
        EC_KEY ",\"d\":\"AQ\"}",
        EC_KEY ",\"d\":\"_____________________________________________w\"}",
        RSA_KEY ",\"d\":\"AQAB\",\"p\":\"Aw\",\"q\":\"BQ\",\"dp\":\"AQ\",\"dq\":\"AQ\",\"qi\":\"AQ\"}",
        RSA_KEY ",\"d\":\"AQAB\"}",
    };
    struct jwk *key = NULL;
    struct failure failure;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (jwk_parse_private(str_from_c(bad[i]), &key, &failure) != FAILED || key != NULL)
            fail_msg("taken: %s", bad[i]);
    /* RFC 7515 A.3.1 */
    const char *good = EC_KEY ",\"d\":\"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI\"}";
    assert_int_equal(jwk_parse_private(str_from_c(good), &key, &failure), OK);
    jwk_free(&key);
}

int main(void)
{
    if (rand_init() != OK)
        return 1;
    const struct CMUnitTest tests[] = {
        ARENA_TEST(standard_keys_are_taken),
        ARENA_TEST(keys_for_something_else_are_left_out),
        ARENA_TEST(rsa_is_2048_bits_or_more_with_a_sane_exponent),
        ARENA_TEST(ec_points_are_on_their_curve),
        ARENA_TEST(one_odd_key_does_not_spoil_the_set),
        ARENA_TEST(a_set_is_an_array_of_at_most_64),
        ARENA_TEST(halves_must_belong_together),
        ARENA_TEST(a_made_key_can_be_kept_and_published),
    };
    return cmocka_run_group_tests_name("jwk", tests, NULL, NULL);
}
