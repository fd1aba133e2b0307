/* Signed tokens: the vectors of RFC 7515 appendix A, and what must not pass. */
#include "base/buf.h"
#include "base/codec.h"
#include "base/rand.h"
#include "jose/claims.h"
#include "jose/jws.h"

#include "../support/arena.h"

#include <sodium.h>
#include <stdio.h>

/* RFC 7515 A.1, A.2 and A.3 (the last is also vector B.6 of the dossier). */
#define PAYLOAD                                                                                              \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
#define HS256_TOKEN                                                                                          \
    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." PAYLOAD ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
#define HS256_KEY "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
#define RS256_TOKEN                                                                                          \
    "eyJhbGciOiJSUzI1NiJ9." PAYLOAD                                                                          \
    ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_"                 \
    "O8W2Fp5jujGbds9uJdb"                                                                                    \
    "F9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN93" \
    "83LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIh" \
    "WkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
#define RSA_N                                                                                                \
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-" \
    "SF"                                                                                                     \
    "d2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-U" \
    "To7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2et" \
    "hFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"
#define ES256_TOKEN                                                                                          \
    "eyJhbGciOiJFUzI1NiJ9." PAYLOAD                                                                          \
    ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
#define RSA_JWK "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQAB\"}"
#define EC_JWK                                                                                               \
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","               \
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}"

static struct jwk_set *set_of(const char *keys)
{
    struct jwk_set *set = NULL;
    struct failure failure;
    const char *json = arena_printf(arena, "{\"keys\":[%s]}", keys);
    if (jwk_set_parse(str_from_c(json), &set, &failure) != OK)
        fail_msg("%s", failure.text);
    return set;
}

static enum jws_result verify(struct str token, const char *keys, const struct jws_options *options)
{
    struct jwk_set *set = set_of(keys);
    json_t *payload = NULL;
    const char *alg = NULL;
    struct failure failure = {""};
    enum jws_result result = jws_verify(token, set, options, &payload, &alg, &failure);
    if (result == JWS_OK) {
        assert_true(json_is_object(payload));
        assert_non_null(alg);
    } else {
        assert_null(payload);
        assert_null(alg);
        assert_true(failure.text[0] != '\0');
    }
    json_decref(payload);
    jwk_set_free(&set);
    return result;
}

static const char *const every_alg[] = {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
                                        "ES256", "ES384", "ES512", "HS256", "HS384", "HS512"};
static const struct jws_options any = {.algs = every_alg, .alg_count = 9}; /* all but HS* */
static const char *const rs256_only[] = {"RS256"};
static const struct jws_options rs256 = {.algs = rs256_only, .alg_count = 1};
static const struct str long_secret = STR("0123456789abcdef0123456789abcdef");
static const struct jws_options hmac = {
    .algs = every_alg, .alg_count = 12, .hmac_secret = STR("0123456789abcdef0123456789abcdef")};

/* A token with any header and payload text, signed with HS256. */
static struct str hs256_token(struct str header, struct str payload, struct str secret)
{
    struct buf token = buf_new(arena, 200000);
    buf_append(&token, codec_base64url(arena, header));
    buf_append_char(&token, '.');
    buf_append(&token, codec_base64url(arena, payload));
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_state hash;
    crypto_auth_hmacsha256_init(&hash, (const unsigned char *)(secret.length ? secret.data : ""),
                                secret.length);
    crypto_auth_hmacsha256_update(&hash, (const unsigned char *)token.data, token.length);
    crypto_auth_hmacsha256_final(&hash, mac);
    buf_append_char(&token, '.');
    buf_append(&token, codec_base64url(arena, str_of(mac, sizeof mac)));
    assert_false(token.overflowed);
    return buf_str(&token);
}

static void rfc_7515_a1_hs256(void **state)
{
    (void)state;
    struct jws_options options = hmac;
    assert_int_equal(codec_base64url_decode(arena, STR(HS256_KEY), &options.hmac_secret), OK);
    assert_int_equal(verify(STR(HS256_TOKEN), "", &options), JWS_OK);
    assert_int_equal(verify(STR(HS256_TOKEN), "", &hmac), JWS_BAD_SIGNATURE);
}

static void rfc_7515_a2_rs256(void **state)
{
    (void)state;
    struct jwk_set *set = set_of(EC_JWK "," RSA_JWK);
    json_t *payload = NULL;
    const char *alg = NULL;
    struct failure failure;
    struct str iss;
    int64_t exp = 0;
    assert_int_equal(jws_verify(STR(RS256_TOKEN), set, &any, &payload, &alg, &failure), JWS_OK);
    assert_string_equal(alg, "RS256");
    assert_int_equal(claim_text(payload, "iss", &iss), OK);
    assert_true(str_equal_c(iss, "joe"));
    assert_int_equal(claim_time(payload, "exp", &exp), OK);
    assert_int_equal(exp, 1300819380);
    json_decref(payload);
    jwk_set_free(&set);
}

static void rfc_7515_a3_es256(void **state)
{
    (void)state;
    assert_int_equal(verify(STR(ES256_TOKEN), RSA_JWK "," EC_JWK, &any), JWS_OK);
}

static void one_changed_bit_is_seen(void **state)
{
    (void)state;
    char token[] = ES256_TOKEN;
    for (size_t i = 0; i < sizeof token - 2; i++) { /* the last character also carries unused bits */
        char kept = token[i];
        token[i] = kept == 'A' ? 'B' : 'A';
        if (verify(str_of(token, sizeof token - 1), EC_JWK, &any) == JWS_OK)
            fail_msg("changed character %zu was not seen", i);
        token[i] = kept;
    }
}

static void none_does_not_exist(void **state)
{
    (void)state;
    const char *names[] = {"none", "None", "NONE", "nOnE", ""};
    const char *const list[] = {"none", "None", "NONE", "nOnE", ""};
    struct jws_options options = {.algs = list, .alg_count = 5, .hmac_secret = long_secret};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *header = arena_printf(arena, "{\"alg\":\"%s\"}", names[i]);
        struct str token = hs256_token(str_from_c(header), STR("{}"), long_secret);
        assert_int_equal(verify(token, RSA_JWK, &options), JWS_ALG_REFUSED);
        assert_int_equal(verify(token, RSA_JWK, &any), JWS_ALG_REFUSED);
        struct str unsigned_token = str_slice(token, 0, token.length - 43);
        assert_int_equal(verify(unsigned_token, RSA_JWK, &options), JWS_MALFORMED);
    }
}

static void a_public_key_is_never_an_hmac_secret(void **state)
{
    (void)state;
    struct str modulus;
    assert_int_equal(codec_base64url_decode(arena, STR(RSA_N), &modulus), OK);
    const struct str secrets[] = {STR(RSA_JWK), STR(RSA_N), modulus};
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
        struct str token = hs256_token(STR("{\"alg\":\"HS256\"}"), STR("{}"), secrets[i]);
        assert_int_equal(verify(token, RSA_JWK, &rs256), JWS_ALG_REFUSED);
        assert_int_equal(verify(token, RSA_JWK, &any), JWS_ALG_REFUSED);
        assert_int_equal(verify(token, RSA_JWK, &hmac), JWS_BAD_SIGNATURE);
    }
}

static void hmac_needs_32_bytes_of_secret(void **state)
{
    (void)state;
    struct jws_options options = hmac;
    for (size_t length = 0; length <= 32; length += 31) {
        options.hmac_secret = str_slice(long_secret, 0, length);
        struct str token = hs256_token(STR("{\"alg\":\"HS256\"}"), STR("{}"), options.hmac_secret);
        assert_int_equal(verify(token, RSA_JWK, &options), JWS_ALG_REFUSED);
    }
    options.hmac_secret = long_secret;
    assert_int_equal(verify(hs256_token(STR("{\"alg\":\"HS256\"}"), STR("{}"), long_secret), "", &options),
                     JWS_OK);
    json_t *payload = NULL;
    struct failure failure;
    assert_int_equal(jws_verify(hs256_token(STR("{\"alg\":\"HS256\"}"), STR("{}"), long_secret), NULL,
                                &options, &payload, NULL, &failure),
                     JWS_OK);
    json_decref(payload);
    assert_int_equal(jws_verify(STR(RS256_TOKEN), NULL, &any, &payload, NULL, &failure), JWS_KEY_UNKNOWN);
}

static void headers_are_strict(void **state)
{
    (void)state;
    const struct {
        const char *header;
        enum jws_result result;
    } cases[] = {
        {"{\"alg\":\"HS256\"}", JWS_OK},
        {"{\"alg\":\"HS256\",\"typ\":\"JWT\"}", JWS_OK},
        {"{\"alg\":\"HS256\",\"typ\":\"jwt\"}", JWS_OK},
        {"{\"alg\":\"HS256\",\"jku\":\"https://evil.example\",\"x5c\":[\"x\"],\"jwk\":" RSA_JWK "}", JWS_OK},
        {"{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}", JWS_MALFORMED},
        {"{\"alg\":\"HS256\",\"typ\":\"logout+jwt\"}", JWS_MALFORMED},
        {"{\"alg\":\"HS256\",\"typ\":\"\"}", JWS_MALFORMED},
        {"{\"alg\":\"HS256\",\"typ\":1}", JWS_MALFORMED},
        {"{\"alg\":\"HS256\",\"kid\":1}", JWS_MALFORMED},
        {"{\"alg\":1}", JWS_MALFORMED},
        {"{\"alg\":null}", JWS_MALFORMED},
        {"{}", JWS_MALFORMED},
        {"[]", JWS_MALFORMED},
        {"x", JWS_MALFORMED},
        {"{\"alg\":\"HS256\",\"alg\":\"HS256\"}", JWS_MALFORMED},
        {"{\"alg\":\"HS256\",\"crit\":[\"b64\"],\"b64\":false}", JWS_ALG_REFUSED},
        {"{\"alg\":\"HS256\",\"crit\":[]}", JWS_ALG_REFUSED},
        {"{\"alg\":\"HS256\",\"crit\":null}", JWS_ALG_REFUSED},
        {"{\"alg\":\"hs256\"}", JWS_ALG_REFUSED},
        {"{\"alg\":\"EdDSA\"}", JWS_ALG_REFUSED},
        {"{\"alg\":\"dir\"}", JWS_ALG_REFUSED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str token = hs256_token(str_from_c(cases[i].header), STR("{}"), long_secret);
        if (verify(token, RSA_JWK, &hmac) != cases[i].result)
            fail_msg("%s", cases[i].header);
    }
}

static void a_type_may_be_named_by_the_caller(void **state)
{
    (void)state;
    const char *const types[] = {"logout+jwt"};
    struct jws_options options = hmac;
    options.types = types;
    options.type_count = 1;
    struct str logout =
        hs256_token(STR("{\"alg\":\"HS256\",\"typ\":\"logout+jwt\"}"), STR("{}"), long_secret);
    assert_int_equal(verify(logout, "", &options), JWS_OK);
    struct str access = hs256_token(STR("{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}"), STR("{}"), long_secret);
    assert_int_equal(verify(access, "", &options), JWS_MALFORMED);
}

static void payloads_are_objects(void **state)
{
    (void)state;
    const char *bad[] = {"", "[]", "1", "{\"a\":1,\"a\":2}", "{\"a\":\"\\u0000\"}", "eyJ"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(
            verify(hs256_token(STR("{\"alg\":\"HS256\"}"), str_from_c(bad[i]), long_secret), "", &hmac),
            JWS_MALFORMED);
}

static void the_form_is_three_segments_of_base64url(void **state)
{
    (void)state;
    const char *bad[] = {
        "",
        ".",
        "..",
        "...",
        "a",
        "a.b",
        "a.b.c",
        "a.b.c.d",
        "eyJhbGciOiJFUzI1NiJ9." PAYLOAD ".",
        "eyJhbGciOiJFUzI1NiJ9.." PAYLOAD,
        "." PAYLOAD ".AAAA",
        ES256_TOKEN ".x",
        ES256_TOKEN "=",
        ES256_TOKEN "\n",
        " " ES256_TOKEN,
        "eyJhbGciOiJFUzI1NiJ9=." PAYLOAD ".AAAA",
        "eyJhbGciOiJFUzI1NiJ9." PAYLOAD "=.AAAA",
        "eyJhbGciOiJFUzI1NiJ9." PAYLOAD ".AA/A",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (verify(str_from_c(bad[i]), EC_JWK, &any) != JWS_MALFORMED)
            fail_msg("%s", bad[i]);
    assert_int_equal(verify(STR("a.b.c.d.e"), EC_JWK, &any), JWS_ENCRYPTED);
    assert_int_equal(verify(STR("eyJhbGciOiJkaXIifQ..QEFCQ0RFRkdISUpL.mZvM.T77J"), EC_JWK, &any),
                     JWS_ENCRYPTED);
    size_t length = 70000;
    char *large = arena_alloc(arena, length);
    memset(large, 'A', length);
    large[10] = large[60000] = '.';
    assert_int_equal(verify(str_of(large, length), EC_JWK, &any), JWS_MALFORMED);
}

static void keys_are_chosen_by_the_header(void **state)
{
    (void)state;
    struct failure failure;
    struct jwk *keys[3] = {NULL};
    struct str halves[3], token;
    const char *kids[] = {"a", "b", NULL};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(jwk_generate("ES256", kids[i], &keys[i], &failure), OK);
        assert_int_equal(jwk_export(keys[i], arena, false, &halves[i]), OK);
    }
    json_t *payload = json_pack("{s:s}", "sub", "u");
    const char *a = halves[0].data, *b = halves[1].data, *bare = halves[2].data;
    const char *ab = arena_printf(arena, "%s,%s", a, b);
    const char *all = arena_printf(arena, "%s,%s,%s", a, b, bare);

    assert_int_equal(jws_sign(keys[1], "ES256", "JWT", payload, arena, &token, &failure), OK);
    assert_int_equal(verify(token, ab, &any), JWS_OK);
    assert_int_equal(verify(token, a, &any), JWS_KEY_UNKNOWN);
    assert_int_equal(verify(token, bare, &any), JWS_KEY_UNKNOWN); /* a kid is never waived */
    assert_int_equal(verify(token, RSA_JWK, &any), JWS_KEY_UNKNOWN);
    assert_int_equal(verify(token, "", &any), JWS_KEY_UNKNOWN);
    assert_int_equal(verify(token, ab, &rs256), JWS_ALG_REFUSED);

    /* Without a kid every fitting key is tried, also after one that did not verify. */
    assert_int_equal(jws_sign(keys[2], "ES256", NULL, payload, arena, &token, &failure), OK);
    assert_int_equal(verify(token, all, &any), JWS_OK);
    assert_int_equal(verify(token, ab, &any), JWS_BAD_SIGNATURE);

    /* The key's own alg is binding: an ES384 header cannot use a P-256 key, nor RS512 a key for RS256. */
    assert_int_equal(jws_sign(keys[0], "ES384", NULL, payload, arena, &token, &failure), FAILED);
    assert_int_equal(jws_sign(keys[0], "RS256", NULL, payload, arena, &token, &failure), FAILED);
    assert_int_equal(jws_sign(keys[0], "none", NULL, payload, arena, &token, &failure), FAILED);
    const char *other_alg = "{\"kty\":\"RSA\",\"alg\":\"RS512\",\"n\":\"" RSA_N "\",\"e\":\"AQAB\"}";
    assert_int_equal(verify(STR(RS256_TOKEN), other_alg, &any), JWS_KEY_UNKNOWN);
    json_decref(payload);
    for (int i = 0; i < 3; i++)
        jwk_free(&keys[i]);
}

static void every_alg_signs_and_verifies(void **state)
{
    (void)state;
    struct failure failure;
    json_t *payload = json_pack("{s:s}", "sub", "u");
    for (size_t i = 0; i < 9; i++) {
        struct jwk *key = NULL;
        struct str half, token;
        assert_int_equal(jwk_generate(every_alg[i], "k", &key, &failure), OK);
        assert_int_equal(jwk_export(key, arena, false, &half), OK);
        for (int round = 0; round < 4; round++) { /* R and S of EC signatures vary in length */
            assert_int_equal(jws_sign(key, every_alg[i], "JWT", payload, arena, &token, &failure), OK);
            if (verify(token, half.data, &any) != JWS_OK)
                fail_msg("%s does not verify", every_alg[i]);
        }
        jwk_free(&key);
    }
    json_decref(payload);
}

/* RFC 7518 3.4: R || S, so a DER signature or a longer one must not pass. */
static void ec_signatures_have_one_length(void **state)
{
    (void)state;
    assert_int_equal(verify(STR("eyJhbGciOiJFUzI1NiJ9." PAYLOAD ".AAAA"), EC_JWK, &any), JWS_BAD_SIGNATURE);
    struct str zeros = codec_base64url(arena, str_of((char[64]){0}, 64));
    const char *token = arena_printf(arena, "eyJhbGciOiJFUzI1NiJ9." PAYLOAD ".%.*s", STR_ARG(zeros));
    assert_int_equal(verify(str_from_c(token), EC_JWK, &any), JWS_BAD_SIGNATURE);
}

int main(void)
{
    if (rand_init() != OK)
        return 1;
    const struct CMUnitTest tests[] = {
        ARENA_TEST(rfc_7515_a1_hs256),
        ARENA_TEST(rfc_7515_a2_rs256),
        ARENA_TEST(rfc_7515_a3_es256),
        ARENA_TEST(one_changed_bit_is_seen),
        ARENA_TEST(none_does_not_exist),
        ARENA_TEST(a_public_key_is_never_an_hmac_secret),
        ARENA_TEST(hmac_needs_32_bytes_of_secret),
        ARENA_TEST(headers_are_strict),
        ARENA_TEST(a_type_may_be_named_by_the_caller),
        ARENA_TEST(payloads_are_objects),
        ARENA_TEST(the_form_is_three_segments_of_base64url),
        ARENA_TEST(keys_are_chosen_by_the_header),
        ARENA_TEST(every_alg_signs_and_verifies),
        ARENA_TEST(ec_signatures_have_one_length),
    };
    return cmocka_run_group_tests_name("jws", tests, NULL, NULL);
}
