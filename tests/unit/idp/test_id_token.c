/* Every ID token rule, with a token that breaks just that rule. */
#include "base/codec.h"
#include "base/rand.h"
#include "idp/id_token.h"
#include "jose/claims.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>
#include <sodium.h>

#define NOW INT64_C(1760000100)
#define ISSUER "https://idp.example/oidc"
#define CLIENT "medicatie-rp"
#define NONCE "n-0S6_WzA2Mj"
#define ACCESS_TOKEN "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"
#define AT_HASH_384 "jtAeDp945y1dDqU3nkIVGNZP1HjH_MFs" /* by openssl dgst -sha384 */

static struct arena *arena;
static struct jwk *rsa, *rsa_without_kid, *ec, *stranger;
static struct jwk_set *keys;
static struct idp_report report; /* of the last check */

static struct jwk *make_key(const char *alg, const char *kid)
{
    struct jwk *key = NULL;
    struct failure failure;
    if (jwk_generate(alg, kid, &key, &failure) != OK)
        fail_msg("%s", failure.text);
    return key;
}

static const char *public_half(const struct jwk *key)
{
    struct str json;
    assert_int_equal(jwk_export(key, arena, false, &json), OK);
    return json.data;
}

static int setup(void **state)
{
    (void)state;
    struct failure failure;
    if (rand_init() != OK)
        return -1;
    arena = arena_new();
    rsa = make_key("RS256", "r-1");
    rsa_without_kid = make_key("RS256", NULL);
    ec = make_key("ES384", "e-1");
    stranger = make_key("RS256", "r-1");
    const char *json = arena_printf(arena, "{\"keys\":[%s,%s,%s]}", public_half(rsa),
                                    public_half(rsa_without_kid), public_half(ec));
    return jwk_set_parse(str_from_c(json), &keys, &failure) == OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    idp_report_free(&report);
    jwk_set_free(&keys);
    jwk_free(&rsa);
    jwk_free(&rsa_without_kid);
    jwk_free(&ec);
    jwk_free(&stranger);
    arena_free(&arena);
    return 0;
}

/* One token on trial: a sound one, until a test changes something. */
struct trial {
    json_t *claims;
    const struct jwk *key;
    const char *alg;
    const char *type;
    struct idp_connection connection;
    struct idp_attempt attempt;
    struct str access_token;
    int64_t now;
};

static struct trial sound(void)
{
    return (struct trial){
        .claims = json_pack("{s:s, s:s, s:s, s:I, s:I, s:s}", "iss", ISSUER, "sub", "u-1001", "aud", CLIENT,
                            "exp", (json_int_t)(NOW + 200), "iat", (json_int_t)(NOW - 100), "nonce", NONCE),
        .key = rsa,
        .alg = "RS256",
        .type = "JWT",
        .connection = {.id = "test", .issuer = ISSUER, .client_id = CLIENT, .skew_s = 60, .max_age_s = -1},
        .attempt = {.nonce = STR(NONCE), .issuer = STR(ISSUER)},
        .access_token = STR(ACCESS_TOKEN),
        .now = NOW,
    };
}

/* A bit for each rule that was broken. */
static unsigned broken_rules(void)
{
    unsigned broken = 0;
    for (int rule = 1; rule <= IDP_RULES; rule++)
        if (report.rules[rule] == IDP_RULE_BROKEN)
            broken |= 1U << (unsigned)rule;
    return broken;
}

static enum idp_result check_token(const struct trial *trial, struct str token)
{
    json_t *claims = NULL;
    struct failure failure = {""};
    idp_report_free(&report);
    enum idp_result result = id_token_check(token, keys, &trial->connection, &trial->attempt, trial->now,
                                            trial->access_token, &claims, &report, &failure);
    if (result == IDP_OK) {
        assert_true(json_is_object(claims));
        for (int rule = 1; rule <= IDP_RULES; rule++) /* 14 is the door's */
            assert_int_equal(report.rules[rule], rule == 14 ? IDP_RULE_NOT_REACHED : IDP_RULE_KEPT);
    } else {
        assert_null(claims);
        assert_true(failure.text[0] != '\0');
        assert_true(broken_rules() != 0);
    }
    json_decref(claims);
    return result;
}

/* Signs, checks and releases the claims. */
static enum idp_result verdict(struct trial *trial)
{
    struct str token;
    struct failure failure;
    if (jws_sign(trial->key, trial->alg, trial->type, trial->claims, arena, &token, &failure) != OK)
        fail_msg("%s", failure.text);
    json_decref(trial->claims);
    return check_token(trial, token);
}

static enum idp_result with_claim(const char *name, json_t *value)
{
    struct trial trial = sound();
    if (value == NULL)
        json_object_del(trial.claims, name);
    else
        json_object_set_new(trial.claims, name, value);
    return verdict(&trial);
}

static void a_sound_token_passes(void **state)
{
    (void)state;
    struct trial trial = sound();
    assert_int_equal(verdict(&trial), IDP_OK);
}

/* Vector B.3 of the dossier. */
static void vector_b3(void **state)
{
    (void)state;
    struct str jwk = STR(
        "{\"keys\":[{\"kty\":\"RSA\",\"use\":\"sig\",\"alg\":\"RS256\",\"kid\":\"test-2025-1\",\"e\":"
        "\"AQAB\",\"n\":"
        "\"w0XdiBt-QkDNksmn4fKz_mg4dwSSa3ThKORGuH0sl2MYMflH0lt85GqSiTmxsE0PiP46GSlyrOysMrcf10jYvLjMVPmyzoEZ_"
        "FoBb-kq0ZiBDpDQtzWkqC_WtUQXu_VCxUkKwhWnn7_Ci96H5VUe5Zf1YNU-"
        "FR8IeBMwalDvRcflNKvXXjYNeBvLPfdrljNjyHqvLRH"
        "IY6Hh6ATVXgiiJBNTrCXaMwi3l-pg80foOtDozZnq5wcytv6Z5SNJJ_"
        "YEweP4WUsKZ5KwPKH2mmr8DEfCtRZZot3WH1SRqDKG8wZwQg"
        "0zYq3wkUpVGV9pKOZQKzR0P0R-QYLeAGgFY0bxDw\"}]}");
    struct str token = STR("eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6InRlc3QtMjAyNS0xIn0."
                           "eyJpc3MiOiJodHRwczovL3pvbm5lc3RyYWFsdGplcy55c2lzLmV4YW1wbGUvY2FzL29pZGMiLCJzdWIiO"
                           "iJ1LTEwMDEiLCJhdWQiOiJtZW"
                           "RpY2F0aWUtcnAiLCJhenAiOiJtZWRpY2F0aWUtcnAiLCJleHAiOjE3NjAwMDAzMDAsImlhdCI6MTc2MDA"
                           "wMDAwMCwibm9uY2UiOiJuLTBT"
                           "Nl9XekEyTWoiLCJzaWQiOiJzLTQyIiwiYXRfaGFzaCI6Ijc3UW1VUHRqUGZ6V3RGMkFucEs5UlEiLCJuY"
                           "W1lIjoiQS4gZGUgVnJpZXMiLC"
                           "Jsb2NhdGllcyI6WyIxMjAxIiwiMTIwMiIsIjEzNzciXSwiYW1yIjpbInB3ZCIsIm90cCJdfQ."
                           "p_iqLHEeCx5FXjzSVhdq8ahOXTkeWvA0RW-poq6X7npipVtZJBCqgFmfEMfNKD-"
                           "f0fDXxJ7CvHuCGMwXVhuvztIiLpXrNIRgq1m1mzofhX"
                           "m8pGKPUTjeJMabYZ3Z6bTgTWW_KIKbhJ5H7fbEgWwsBTgt_dMdsg_P8su_TEVTA6vSh-3m5XMsBiZ_"
                           "O0wj-fm3kJ3MU7RCEi1ZLFT-Ax1w"
                           "KQywAMKqJ-JDDqSBEn2RqHNl9CcDPP0HIE7ljz_u5H5PVxibszZHuY-7-r7AEeP0gHOI1gvf_"
                           "r0CZzPe3R-d0kOk-3b1vd3pI8po3hYk-3"
                           "bPsuCXjjrYOob2g_KsTnbIxw");
    struct trial trial = sound();
    json_decref(trial.claims);
    trial.connection.issuer = "https://zonnestraaltjes.ysis.example/cas/oidc";
    struct jwk_set *generated = keys;
    struct failure failure;
    keys = NULL;
    assert_int_equal(jwk_set_parse(jwk, &keys, &failure), OK);
    trial.now = 1760000100;
    assert_int_equal(check_token(&trial, token), IDP_OK);
    trial.now = 1760000361;
    assert_int_equal(check_token(&trial, token), IDP_ID_TOKEN_EXP);
    trial.now = 1760000100;
    trial.access_token = STR("another");
    assert_int_equal(check_token(&trial, token), IDP_ID_TOKEN_AT_HASH);
    jwk_set_free(&keys);
    keys = generated;
}

static void idt_1_form(void **state)
{
    (void)state;
    struct trial trial = sound();
    const char *bad[] = {"",
                         "a.b",
                         "a.b.c",
                         "....",
                         "eyJhbGciOiJSUzI1NiJ9..AAAA",
                         "eyJhbGciOiJSUzI1NiJ9.e30=.AAAA",
                         "eyJhbGciOiJSUzI1NiIsImFsZyI6IlJTMjU2In0.e30.AAAA"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        enum idp_result expected =
            strcmp(bad[i], "....") == 0 ? IDP_ID_TOKEN_ENCRYPTED : IDP_ID_TOKEN_MALFORMED;
        assert_int_equal(check_token(&trial, str_from_c(bad[i])), expected);
    }
    assert_int_equal(check_token(&trial, STR("eyJhbGciOiJkaXIifQ..AAAA.AAAA.AAAA")), IDP_ID_TOKEN_ENCRYPTED);
    char *large = arena_alloc(arena, 65537);
    memset(large, 'A', 65537);
    large[100] = large[60000] = '.';
    assert_int_equal(check_token(&trial, str_of(large, 65537)), IDP_ID_TOKEN_MALFORMED);
    json_decref(trial.claims);
}

static void idt_2_algorithm_on_the_list(void **state)
{
    (void)state;
    static const char *const es384[] = {"ES384"};
    struct trial trial = sound();
    trial.key = ec;
    trial.alg = "ES384";
    assert_int_equal(verdict(&trial), IDP_ID_TOKEN_ALG); /* RS256 only by default */
    trial = sound();
    trial.key = ec;
    trial.alg = "ES384";
    trial.connection.signing_algs = es384;
    trial.connection.signing_alg_count = 1;
    assert_int_equal(verdict(&trial), IDP_OK);
    trial = sound();
    trial.connection.signing_algs = es384;
    trial.connection.signing_alg_count = 1;
    assert_int_equal(verdict(&trial), IDP_ID_TOKEN_ALG);
}

static struct str hs256_signed(const char *header, const json_t *claims, struct str secret)
{
    char *text = json_dumps(claims, JSON_COMPACT);
    const char *input = arena_printf(arena, "%s.%s", codec_base64url(arena, str_from_c(header)).data,
                                     codec_base64url(arena, str_from_c(text)).data);
    free(text);
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_state hash;
    crypto_auth_hmacsha256_init(&hash, (const unsigned char *)secret.data, secret.length);
    crypto_auth_hmacsha256_update(&hash, (const unsigned char *)input, strlen(input));
    crypto_auth_hmacsha256_final(&hash, mac);
    return str_from_c(
        arena_printf(arena, "%s.%s", input, codec_base64url(arena, str_of(mac, sizeof mac)).data));
}

static void idt_2_none_and_hmac(void **state)
{
    (void)state;
    static const char *const with_hs256[] = {"RS256", "HS256", "none"};
    struct trial trial = sound();
    const struct str secret = STR("0123456789abcdef0123456789abcdef"), short_secret = STR("0123456789abcdef");
    const char *header = "{\"alg\":\"HS256\"}";
    trial.connection.client_secret = secret;
    assert_int_equal(check_token(&trial, hs256_signed(header, trial.claims, secret)), IDP_ID_TOKEN_ALG);
    trial.connection.signing_algs = with_hs256;
    trial.connection.signing_alg_count = 3;
    assert_int_equal(check_token(&trial, hs256_signed(header, trial.claims, secret)), IDP_OK);
    trial.connection.client_secret = short_secret;
    assert_int_equal(check_token(&trial, hs256_signed(header, trial.claims, short_secret)), IDP_ID_TOKEN_ALG);
    trial.connection.client_secret = secret;
    assert_int_equal(check_token(&trial, hs256_signed("{\"alg\":\"none\"}", trial.claims, secret)),
                     IDP_ID_TOKEN_ALG);
    /* The public key as HMAC secret. */
    struct str confused = hs256_signed(header, trial.claims, str_from_c(public_half(rsa)));
    assert_int_equal(check_token(&trial, confused), IDP_ID_TOKEN_SIGNATURE);
    trial.connection.signing_alg_count = 1;
    assert_int_equal(check_token(&trial, confused), IDP_ID_TOKEN_ALG);
    json_decref(trial.claims);
}

static void idt_3_crit(void **state)
{
    (void)state;
    static const char *const hs256[] = {"HS256"};
    struct trial trial = sound();
    trial.connection.client_secret = STR("0123456789abcdef0123456789abcdef");
    trial.connection.signing_algs = hs256;
    trial.connection.signing_alg_count = 1;
    const struct str secret = trial.connection.client_secret;
    assert_int_equal(
        check_token(&trial, hs256_signed("{\"alg\":\"HS256\",\"crit\":[\"exp\"]}", trial.claims, secret)),
        IDP_ID_TOKEN_ALG);
    assert_int_equal(check_token(&trial, hs256_signed("{\"alg\":\"HS256\",\"jku\":\"https://evil.example\"}",
                                                      trial.claims, secret)),
                     IDP_OK);
    json_decref(trial.claims);
}

static void idt_4_key_of_the_header(void **state)
{
    (void)state;
    struct trial trial = sound();
    struct jwk *unknown = make_key("RS256", "r-9");
    trial.key = unknown;
    assert_int_equal(verdict(&trial), IDP_ID_TOKEN_KEY);
    jwk_free(&unknown);
    trial = sound();
    trial.key = rsa_without_kid; /* every fitting key is tried */
    assert_int_equal(verdict(&trial), IDP_OK);
}

static void idt_5_signature(void **state)
{
    (void)state;
    struct trial trial = sound();
    trial.key = stranger; /* another key under the same kid */
    assert_int_equal(verdict(&trial), IDP_ID_TOKEN_SIGNATURE);
}

static void idt_5_comes_before_the_claims(void **state)
{
    (void)state;
    struct trial trial = sound();
    trial.key = stranger;
    json_object_set_new(trial.claims, "iss", json_string("https://evil.example"));
    assert_int_equal(verdict(&trial), IDP_ID_TOKEN_SIGNATURE);
}

static void idt_6_issuer(void **state)
{
    (void)state;
    assert_int_equal(with_claim("iss", json_string(ISSUER "/")), IDP_ID_TOKEN_ISS);
    assert_int_equal(with_claim("iss", json_string("https://IDP.example/oidc")), IDP_ID_TOKEN_ISS);
    assert_int_equal(with_claim("iss", json_string("")), IDP_ID_TOKEN_ISS);
    assert_int_equal(with_claim("iss", NULL), IDP_ID_TOKEN_ISS);
}

static void idt_7_audience(void **state)
{
    (void)state;
    assert_int_equal(with_claim("aud", json_pack("[s]", CLIENT)), IDP_OK);
    assert_int_equal(with_claim("aud", json_string("medicatie")), IDP_ID_TOKEN_AUD);
    assert_int_equal(with_claim("aud", json_string(CLIENT "x")), IDP_ID_TOKEN_AUD);
    assert_int_equal(with_claim("aud", json_pack("[s,s]", CLIENT, "other")), IDP_ID_TOKEN_AUD);
    assert_int_equal(with_claim("aud", json_pack("[s]", "other")), IDP_ID_TOKEN_AUD);
    assert_int_equal(with_claim("aud", json_array()), IDP_ID_TOKEN_AUD);
    assert_int_equal(with_claim("aud", NULL), IDP_ID_TOKEN_AUD);
}

static void idt_8_authorized_party(void **state)
{
    (void)state;
    assert_int_equal(with_claim("azp", json_string(CLIENT)), IDP_OK);
    assert_int_equal(with_claim("azp", json_string("other")), IDP_ID_TOKEN_AZP);
    assert_int_equal(with_claim("azp", json_string("")), IDP_ID_TOKEN_AZP);
}

static void idt_9_expiry(void **state)
{
    (void)state;
    assert_int_equal(with_claim("exp", json_integer(NOW - 59)), IDP_OK); /* within the skew */
    assert_int_equal(with_claim("exp", json_integer(NOW - 60)), IDP_ID_TOKEN_EXP);
    assert_int_equal(with_claim("exp", json_real((double)NOW + 0.5)), IDP_OK);
    assert_int_equal(with_claim("exp", json_integer(0)), IDP_ID_TOKEN_EXP);
    assert_int_equal(with_claim("exp", NULL), IDP_ID_TOKEN_CLAIM_MISSING);
}

static void idt_10_issue_time(void **state)
{
    (void)state;
    assert_int_equal(with_claim("iat", json_integer(NOW + 60)), IDP_OK);
    assert_int_equal(with_claim("iat", json_integer(NOW + 61)), IDP_ID_TOKEN_IAT);
    assert_int_equal(with_claim("iat", json_integer(NOW - 600)), IDP_OK);
    assert_int_equal(with_claim("iat", json_integer(NOW - 601)), IDP_ID_TOKEN_IAT);
    assert_int_equal(with_claim("iat", NULL), IDP_ID_TOKEN_CLAIM_MISSING);
}

static void idt_11_not_before(void **state)
{
    (void)state;
    assert_int_equal(with_claim("nbf", json_integer(NOW + 60)), IDP_OK);
    assert_int_equal(with_claim("nbf", json_integer(NOW + 61)), IDP_ID_TOKEN_NBF);
}

static void idt_12_skew_and_absurd_times(void **state)
{
    (void)state;
    const char *times[] = {"exp", "iat", "nbf"};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(with_claim(times[i], json_real(1e300)), IDP_ID_TOKEN_MALFORMED);
        assert_int_equal(with_claim(times[i], json_real(-1e300)), IDP_ID_TOKEN_MALFORMED);
        assert_int_equal(with_claim(times[i], json_integer(INT64_MAX)), IDP_ID_TOKEN_MALFORMED);
        assert_int_equal(with_claim(times[i], json_integer(INT64_MIN)), IDP_ID_TOKEN_MALFORMED);
    }
    assert_int_equal(with_claim("exp", json_integer(9000000000000000)), IDP_OK);
    /* A skew beyond 300 s counts as 300, one below 0 as 0. */
    const struct {
        int64_t skew, exp_before_now;
        enum idp_result result;
    } cases[] = {{100000, 299, IDP_OK},
                 {100000, 300, IDP_ID_TOKEN_EXP},
                 {-50, 0, IDP_ID_TOKEN_EXP},
                 {-50, -1, IDP_OK}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct trial trial = sound();
        trial.connection.skew_s = cases[i].skew;
        json_object_set_new(trial.claims, "exp", json_integer(NOW - cases[i].exp_before_now));
        assert_int_equal(verdict(&trial), cases[i].result);
    }
}

static void idt_13_nonce(void **state)
{
    (void)state;
    assert_int_equal(with_claim("nonce", json_string("another")), IDP_ID_TOKEN_NONCE);
    assert_int_equal(with_claim("nonce", json_string("")), IDP_ID_TOKEN_NONCE);
    assert_int_equal(with_claim("nonce", NULL), IDP_ID_TOKEN_NONCE);
    struct trial trial = sound();
    trial.attempt.nonce = STR_NONE; /* an attempt without a nonce matches nothing, not even an empty one */
    json_object_set_new(trial.claims, "nonce", json_string(""));
    assert_int_equal(verdict(&trial), IDP_ID_TOKEN_NONCE);
}

static void idt_15_subject(void **state)
{
    (void)state;
    char longest[257];
    memset(longest, 's', sizeof longest);
    longest[255] = '\0';
    assert_int_equal(with_claim("sub", json_string(longest)), IDP_OK);
    longest[255] = 's';
    longest[256] = '\0';
    assert_int_equal(with_claim("sub", json_string(longest)), IDP_ID_TOKEN_SUB);
    assert_int_equal(with_claim("sub", json_string("")), IDP_ID_TOKEN_SUB);
    assert_int_equal(with_claim("sub", json_string("a\nb")), IDP_ID_TOKEN_SUB);
    assert_int_equal(with_claim("sub", json_string("\xC3\xA9")), IDP_ID_TOKEN_SUB);
    assert_int_equal(with_claim("sub", json_integer(7)), IDP_ID_TOKEN_SUB);
    assert_int_equal(with_claim("sub", NULL), IDP_ID_TOKEN_SUB);
}

static void idt_16_access_token_hash(void **state)
{
    (void)state;
    const char *hash = "77QmUPtjPfzWtF2AnpK9RQ"; /* of ACCESS_TOKEN, from vector B.3 */
    assert_int_equal(with_claim("at_hash", json_string(hash)), IDP_OK);
    assert_int_equal(with_claim("at_hash", json_string("77QmUPtjPfzWtF2AnpK9RR")), IDP_ID_TOKEN_AT_HASH);
    assert_int_equal(with_claim("at_hash", json_string("")), IDP_ID_TOKEN_AT_HASH);
    struct trial trial = sound();
    json_object_set_new(trial.claims, "at_hash", json_string(hash));
    trial.access_token = STR_NONE;
    assert_int_equal(verdict(&trial), IDP_ID_TOKEN_AT_HASH);
    trial = sound(); /* the hash of nothing vouches for nothing */
    json_object_set_new(trial.claims, "at_hash", json_string("47DEQpj8HBSa-_TImW-5JA"));
    trial.access_token = STR_NONE;
    assert_int_equal(verdict(&trial), IDP_ID_TOKEN_AT_HASH);
}

/* The hash is the alg's: SHA-384 for ES384. */
static void idt_16_follows_the_alg(void **state)
{
    (void)state;
    static const char *const es384[] = {"ES384"};
    const struct {
        const char *hash;
        enum idp_result result;
    } cases[] = {{"77QmUPtjPfzWtF2AnpK9RQ", IDP_ID_TOKEN_AT_HASH}, {AT_HASH_384, IDP_OK}};
    for (size_t i = 0; i < 2; i++) {
        struct trial trial = sound();
        trial.key = ec;
        trial.alg = "ES384";
        trial.connection.signing_algs = es384;
        trial.connection.signing_alg_count = 1;
        json_object_set_new(trial.claims, "at_hash", json_string(cases[i].hash));
        assert_int_equal(verdict(&trial), cases[i].result);
    }
}

static enum idp_result with_login_at(json_t *auth_time)
{
    struct trial trial = sound();
    trial.connection.max_age_s = 300;
    if (auth_time != NULL)
        json_object_set_new(trial.claims, "auth_time", auth_time);
    return verdict(&trial);
}

static void idt_17_age_of_the_login(void **state)
{
    (void)state;
    assert_int_equal(with_login_at(json_integer(NOW - 360)), IDP_OK);
    assert_int_equal(with_login_at(json_integer(NOW - 361)), IDP_ID_TOKEN_AUTH_TIME);
    assert_int_equal(with_login_at(NULL), IDP_ID_TOKEN_AUTH_TIME);
    assert_int_equal(with_login_at(json_integer(-9000000000000000)), IDP_ID_TOKEN_AUTH_TIME);
    assert_int_equal(with_claim("auth_time", json_integer(1)), IDP_OK); /* nobody asked */
}

/* The answer to what was asked that many seconds ago; the login was `before` that, or after it when negative.
 */
static enum idp_result with_login_before(int64_t max_age_s, int64_t asked_ago, int64_t before)
{
    struct trial trial = sound();
    trial.connection.max_age_s = max_age_s;
    trial.attempt.asked_at = NOW - asked_ago;
    json_object_set_new(trial.claims, "auth_time", json_integer(NOW - asked_ago - before));
    return verdict(&trial);
}

static void idt_17_the_age_is_that_at_our_request(void **state)
{
    (void)state;
    /* A forced login: anywhere after the request is fresh, however long the answer took. */
    assert_int_equal(with_login_before(0, 590, -1), IDP_OK);
    assert_int_equal(with_login_before(0, 590, 0), IDP_OK);
    assert_int_equal(with_login_before(0, 590, 60), IDP_OK); /* skew */
    assert_int_equal(with_login_before(0, 590, 61), IDP_ID_TOKEN_AUTH_TIME);
    assert_int_equal(with_login_before(0, 0, 61), IDP_ID_TOKEN_AUTH_TIME);
    assert_int_equal(with_login_before(300, 590, 360), IDP_OK);
    assert_int_equal(with_login_before(300, 590, 361), IDP_ID_TOKEN_AUTH_TIME);
}

static enum idp_result with_acr(const char *required, const char *acr)
{
    struct trial trial = sound();
    trial.connection.is_acr_required = true;
    trial.connection.acr_values = required;
    if (acr != NULL)
        json_object_set_new(trial.claims, "acr", json_string(acr));
    return verdict(&trial);
}

static void idt_18_strength(void **state)
{
    (void)state;
    assert_int_equal(with_acr("urn:loa:3 urn:loa:4", "urn:loa:4"), IDP_OK);
    assert_int_equal(with_acr("urn:loa:3 urn:loa:4", "urn:loa:2"), IDP_ID_TOKEN_ACR);
    assert_int_equal(with_acr("urn:loa:3 urn:loa:4", "urn:loa:3 urn:loa:4"), IDP_ID_TOKEN_ACR);
    assert_int_equal(with_acr("urn:loa:3", "urn:loa:"), IDP_ID_TOKEN_ACR);
    assert_int_equal(with_acr("urn:loa:3  urn:loa:4", ""), IDP_ID_TOKEN_ACR); /* an empty part is no value */
    assert_int_equal(with_acr("urn:loa:3", NULL), IDP_ID_TOKEN_ACR);
    assert_int_equal(with_acr(NULL, "urn:loa:3"), IDP_ID_TOKEN_ACR); /* required, but nothing would do */
    assert_int_equal(with_claim("acr", json_string("anything")), IDP_OK);
}

static void idt_19_type(void **state)
{
    (void)state;
    const struct {
        const char *type;
        enum idp_result result;
    } cases[] = {{NULL, IDP_OK},
                 {"JWT", IDP_OK},
                 {"at+jwt", IDP_ID_TOKEN_MALFORMED},
                 {"logout+jwt", IDP_ID_TOKEN_MALFORMED},
                 {"application/at+jwt", IDP_ID_TOKEN_MALFORMED}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct trial trial = sound();
        trial.type = cases[i].type;
        assert_int_equal(verdict(&trial), cases[i].result);
    }
}

static void idt_20_types_are_not_converted(void **state)
{
    (void)state;
    const char *times[] = {"exp", "iat", "nbf", "auth_time"};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        assert_int_equal(with_claim(times[i], json_string("1760000200")), IDP_ID_TOKEN_MALFORMED);
        assert_int_equal(with_claim(times[i], json_null()), IDP_ID_TOKEN_MALFORMED);
        assert_int_equal(with_claim(times[i], json_true()), IDP_ID_TOKEN_MALFORMED);
    }
    const char *texts[] = {"iss", "azp", "nonce", "at_hash", "acr", "aud"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_int_equal(with_claim(texts[i], json_integer(1)), IDP_ID_TOKEN_MALFORMED);
        assert_int_equal(with_claim(texts[i], json_null()), IDP_ID_TOKEN_MALFORMED);
        assert_int_equal(with_claim(texts[i], json_object()), IDP_ID_TOKEN_MALFORMED);
    }
    assert_int_equal(with_claim("aud", json_pack("[s,i]", CLIENT, 1)), IDP_ID_TOKEN_MALFORMED);
}

static void a_failure_names_no_claim_value(void **state)
{
    (void)state;
    struct trial trial = sound();
    struct str token;
    json_t *claims = NULL;
    struct failure failure;
    json_object_set_new(trial.claims, "sub", json_string("999990019\n"));
    assert_int_equal(jws_sign(rsa, "RS256", NULL, trial.claims, arena, &token, &failure), OK);
    assert_int_equal(id_token_check(token, keys, &trial.connection, &trial.attempt, NOW, STR_NONE, &claims,
                                    &report, &failure),
                     IDP_ID_TOKEN_SUB);
    assert_null(strstr(failure.text, "999990019"));
    json_decref(trial.claims);
}

#define RULE(number) (1U << (unsigned)(number))

/* 5.4 of the numbered log: every rule that was broken, not only the first, and none that was not. */
static void the_report_tells_every_broken_rule(void **state)
{
    (void)state;
    const struct {
        const char *name;
        const char *value; /* JSON; NULL = taken out */
        unsigned broken;
    } cases[] = {
        {"iss", "\"https://evil.example\"", RULE(6)},
        {"aud", "\"other\"", RULE(7)},
        {"azp", "\"other\"", RULE(8)},
        {"exp", "1", RULE(9)},
        {"exp", NULL, RULE(9)},
        {"exp", "1e300", RULE(9) | RULE(20)},
        {"iat", "1", RULE(10)},
        {"nbf", "9000000000", RULE(11)},
        {"nonce", "\"other\"", RULE(13)},
        {"sub", "\"\"", RULE(15)},
        {"at_hash", "\"AAAA\"", RULE(16)},
        {"acr", "1", RULE(18) | RULE(20)},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *value = cases[i].value ? json_loads(cases[i].value, JSON_DECODE_ANY, NULL) : NULL;
        assert_int_not_equal(with_claim(cases[i].name, value), IDP_OK);
        if (broken_rules() != cases[i].broken)
            fail_msg("%s: %x", cases[i].name, broken_rules());
    }
    struct trial trial = sound();
    json_object_set_new(trial.claims, "nonce", json_string("other"));
    json_object_set_new(trial.claims, "iss", json_string("https://evil.example"));
    assert_int_equal(verdict(&trial), IDP_ID_TOKEN_ISS);
    assert_int_equal(broken_rules(), RULE(6) | RULE(13));
}

static void what_was_not_reached_is_neither_kept_nor_broken(void **state)
{
    (void)state;
    struct trial trial = sound();
    trial.key = stranger;
    assert_int_equal(verdict(&trial), IDP_ID_TOKEN_SIGNATURE);
    assert_int_equal(broken_rules(), RULE(5));
    assert_int_equal(report.rules[4], IDP_RULE_KEPT);
    assert_int_equal(report.rules[6], IDP_RULE_NOT_REACHED);
    assert_null(report.claims); /* nobody vouches for them */
    assert_non_null(report.header);
    trial = sound();
    trial.type = "at+jwt";
    assert_int_equal(verdict(&trial), IDP_ID_TOKEN_MALFORMED);
    assert_int_equal(broken_rules(), RULE(19));
    assert_int_equal(report.rules[1], IDP_RULE_KEPT);
}

static void idt_7_trusted_audiences(void **state)
{
    (void)state;
    const struct {
        const char *trusted;
        const char *aud;
        enum idp_result result;
    } cases[] = {
        {"portaal", "[\"" CLIENT "\",\"portaal\"]", IDP_OK},
        {"a portaal b", "[\"portaal\",\"" CLIENT "\"]", IDP_OK},
        {"portaal", "[\"portaal\"]", IDP_ID_TOKEN_AUD}, /* trusted, but not for us */
        {"portaal", "\"portaal\"", IDP_ID_TOKEN_AUD},
        {"portaal", "[\"" CLIENT "\",\"porta\"]", IDP_ID_TOKEN_AUD},
        {"portaal", "[\"" CLIENT "\",\"\"]", IDP_ID_TOKEN_AUD},
        {"a b", "[\"" CLIENT "\",\"a b\"]", IDP_ID_TOKEN_AUD},
        {NULL, "[\"" CLIENT "\",\"portaal\"]", IDP_ID_TOKEN_AUD},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct trial trial = sound();
        trial.connection.trusted_audiences = cases[i].trusted;
        json_object_set_new(trial.claims, "aud", json_loads(cases[i].aud, JSON_DECODE_ANY, NULL));
        enum idp_result result = verdict(&trial);
        if (result != cases[i].result)
            fail_msg("%s: %s", cases[i].aud, idp_result_name(result));
        if (result == IDP_OK)
            assert_true(report.is_azp_lacking); /* IDT-8: should be there then */
    }
}

static void idt_18_methods(void **state)
{
    (void)state;
    const struct {
        const char *required;
        const char *amr;
        enum idp_result result;
    } cases[] = {
        {"otp hwk", "[\"pwd\",\"hwk\"]", IDP_OK},
        {"otp hwk", "\"otp\"", IDP_OK}, /* one text, as some send it */
        {"otp hwk", "[\"pwd\"]", IDP_ID_TOKEN_ACR},
        {"otp hwk", "\"otp hwk\"", IDP_ID_TOKEN_ACR},
        {"otp hwk", "[]", IDP_ID_TOKEN_ACR},
        {"otp hwk", "[\"\"]", IDP_ID_TOKEN_ACR},
        {"otp hwk", NULL, IDP_ID_TOKEN_ACR},
        {"otp hwk", "[\"otp\",1]", IDP_ID_TOKEN_MALFORMED},
        {NULL, "{}", IDP_ID_TOKEN_MALFORMED},
        {NULL, "[\"pwd\"]", IDP_OK},
        {NULL, NULL, IDP_OK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct trial trial = sound();
        trial.connection.required_amr = cases[i].required;
        if (cases[i].amr != NULL)
            json_object_set_new(trial.claims, "amr", json_loads(cases[i].amr, JSON_DECODE_ANY, NULL));
        enum idp_result result = verdict(&trial);
        if (result != cases[i].result)
            fail_msg("%zu %s: %s", i, cases[i].amr ? cases[i].amr : "-", idp_result_name(result));
    }
}

/* C15, IDT-3: a key in the header counts for nothing, and where nobody else vouches it is what is told. */
static void c15_a_key_in_the_header(void **state)
{
    (void)state;
    static const char *const hs256[] = {"HS256"};
    static const char *const members[] = {"jwk", "jku", "x5c", "x5u"};
    const struct str secret = STR("0123456789abcdef0123456789abcdef"),
                     other = STR("................................");
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        struct trial trial = sound();
        struct failure failure = {""};
        const char *header = arena_printf(arena, "{\"alg\":\"HS256\",\"%s\":{\"kty\":\"oct\"}}", members[i]);
        trial.connection.client_secret = secret;
        trial.connection.signing_algs = hs256;
        trial.connection.signing_alg_count = 1;
        enum idp_result result = check_token(&trial, hs256_signed(header, trial.claims, secret));
        assert_int_equal(id_token_blame_own_key(result, &report, &failure), IDP_OK);
        result = check_token(&trial, hs256_signed(header, trial.claims, other));
        assert_int_equal(result, IDP_ID_TOKEN_SIGNATURE);
        assert_int_equal(id_token_blame_own_key(result, &report, &failure), IDP_ID_TOKEN_ALG);
        assert_string_equal(id_token_own_key(report.header), members[i]);
        assert_int_equal(report.rules[3], IDP_RULE_BROKEN);
        result = check_token(&trial, hs256_signed("{\"alg\":\"HS256\"}", trial.claims, other));
        assert_int_equal(id_token_blame_own_key(result, &report, &failure), IDP_ID_TOKEN_SIGNATURE);
        json_decref(trial.claims);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_token_passes),
        cmocka_unit_test(the_report_tells_every_broken_rule),
        cmocka_unit_test(what_was_not_reached_is_neither_kept_nor_broken),
        cmocka_unit_test(idt_7_trusted_audiences),
        cmocka_unit_test(idt_18_methods),
        cmocka_unit_test(c15_a_key_in_the_header),
        cmocka_unit_test(vector_b3),
        cmocka_unit_test(idt_1_form),
        cmocka_unit_test(idt_2_algorithm_on_the_list),
        cmocka_unit_test(idt_2_none_and_hmac),
        cmocka_unit_test(idt_3_crit),
        cmocka_unit_test(idt_4_key_of_the_header),
        cmocka_unit_test(idt_5_signature),
        cmocka_unit_test(idt_5_comes_before_the_claims),
        cmocka_unit_test(idt_6_issuer),
        cmocka_unit_test(idt_7_audience),
        cmocka_unit_test(idt_8_authorized_party),
        cmocka_unit_test(idt_9_expiry),
        cmocka_unit_test(idt_10_issue_time),
        cmocka_unit_test(idt_11_not_before),
        cmocka_unit_test(idt_12_skew_and_absurd_times),
        cmocka_unit_test(idt_13_nonce),
        cmocka_unit_test(idt_15_subject),
        cmocka_unit_test(idt_16_access_token_hash),
        cmocka_unit_test(idt_16_follows_the_alg),
        cmocka_unit_test(idt_17_age_of_the_login),
        cmocka_unit_test(idt_17_the_age_is_that_at_our_request),
        cmocka_unit_test(idt_18_strength),
        cmocka_unit_test(idt_19_type),
        cmocka_unit_test(idt_20_types_are_not_converted),
        cmocka_unit_test(a_failure_names_no_claim_value),
    };
    return cmocka_run_group_tests_name("id token", tests, setup, teardown);
}
