#include "jose/jwk.h"

#include "base/codec.h"
#include "jose/claims.h"
#include "jose/jwk_private.h"

#include <openssl/err.h>
#include <sodium.h>
#include <stdlib.h>

#define KEYS_MAX 64
#define KID_BYTES_MAX 256
#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 8192 /* a verification of a larger key is a way to keep us busy */
#define RSA_EXPONENT_BYTES_MAX 8

struct jwk_set {
    struct jwk *keys[KEYS_MAX];
    size_t count;
    size_t left_out;
};

static const struct jose_alg algs[] = {
    {"RS256", JOSE_RSA, CJOSE_JWK_EC_INVALID, 0},       {"RS384", JOSE_RSA, CJOSE_JWK_EC_INVALID, 0},
    {"RS512", JOSE_RSA, CJOSE_JWK_EC_INVALID, 0},       {"PS256", JOSE_RSA, CJOSE_JWK_EC_INVALID, 0},
    {"PS384", JOSE_RSA, CJOSE_JWK_EC_INVALID, 0},       {"PS512", JOSE_RSA, CJOSE_JWK_EC_INVALID, 0},
    {"ES256", JOSE_EC, CJOSE_JWK_EC_P_256, (size_t)64}, {"ES384", JOSE_EC, CJOSE_JWK_EC_P_384, (size_t)96},
    {"ES512", JOSE_EC, CJOSE_JWK_EC_P_521, 132},        {"HS256", JOSE_HMAC, CJOSE_JWK_EC_INVALID, 32},
    {"HS384", JOSE_HMAC, CJOSE_JWK_EC_INVALID, 48},     {"HS512", JOSE_HMAC, CJOSE_JWK_EC_INVALID, 64},
};

const struct jose_alg *jose_alg_find(struct str name)
{
    for (size_t i = 0; i < sizeof algs / sizeof *algs; i++)
        if (str_equal_c(name, algs[i].name))
            return &algs[i];
    return NULL;
}

enum outcome jose_failure(struct failure *failure, const char *what, const cjose_err *error)
{
    ERR_clear_error();
    return failure_set(failure, "%s (cjose code %d)", what, (int)error->code);
}

/* A strict base64url member of a key; *out_bytes is a writable copy, as cjose's structs ask for. */
static enum outcome key_bytes(struct arena *arena, const json_t *json, const char *name, uint8_t **out_bytes,
                              size_t *out_length)
{
    struct str text, bytes;
    enum outcome outcome = claim_text(json, name, &text);
    if (outcome != OK)
        return outcome;
    if (text.length == 0 || codec_base64url_decode(arena, text, &bytes) != OK)
        return FAILED;
    *out_bytes = arena_alloc(arena, bytes.length);
    memcpy(*out_bytes, bytes.data, bytes.length);
    *out_length = bytes.length;
    return OK;
}

static size_t bit_length(const uint8_t *bytes, size_t length)
{
    while (length > 0 && *bytes == 0) {
        bytes++;
        length--;
    }
    if (length == 0)
        return 0;
    size_t bits = length * 8;
    for (unsigned top = *bytes; (top & 0x80U) == 0; top <<= 1)
        bits--;
    return bits;
}

/* The optional private members of an RSA key; all of them or none. */
static enum outcome rsa_private_members(struct arena *arena, const json_t *json, cjose_jwk_rsa_keyspec *spec)
{
    struct {
        const char *name;
        uint8_t **bytes;
        size_t *length;
    } members[] = {
        {"d", &spec->d, &spec->dlen},    {"p", &spec->p, &spec->plen},    {"q", &spec->q, &spec->qlen},
        {"dp", &spec->dp, &spec->dplen}, {"dq", &spec->dq, &spec->dqlen}, {"qi", &spec->qi, &spec->qilen},
    };
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (key_bytes(arena, json, members[i].name, members[i].bytes, members[i].length) != OK)
            return FAILED;
    return OK;
}

static enum outcome rsa_parse(struct arena *arena, const json_t *json, struct jwk *key,
                              struct failure *failure)
{
    cjose_jwk_rsa_keyspec spec = {0};
    if (key_bytes(arena, json, "n", &spec.n, &spec.nlen) != OK ||
        key_bytes(arena, json, "e", &spec.e, &spec.elen) != OK)
        return failure_set(failure, "RSA key without n or e");
    size_t bits = bit_length(spec.n, spec.nlen);
    if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)
        return failure_set(failure, "RSA key of %zu bits; %d to %d are accepted", bits, RSA_BITS_MIN,
                           RSA_BITS_MAX);
    /* 1 would make every signature valid. */
    if (spec.elen > RSA_EXPONENT_BYTES_MAX || bit_length(spec.e, spec.elen) < 2 ||
        (spec.e[spec.elen - 1] & 1U) == 0)
        return failure_set(failure, "RSA key with an unusable exponent");
    if (key->is_private && rsa_private_members(arena, json, &spec) != OK)
        return failure_set(failure, "RSA key without all its private members");
    cjose_err error = {0};
    key->cjose = cjose_jwk_create_RSA_spec(&spec, &error);
    return key->cjose ? OK : jose_failure(failure, "RSA key refused", &error);
}

static enum outcome ec_parse(struct arena *arena, const json_t *json, struct jwk *key,
                             struct failure *failure)
{
    static const struct {
        const char *name;
        cjose_jwk_ec_curve curve;
        size_t bytes;
    } curves[] = {
        {"P-256", CJOSE_JWK_EC_P_256, 32},
        {"P-384", CJOSE_JWK_EC_P_384, 48},
        {"P-521", CJOSE_JWK_EC_P_521, 66},
    };
    struct str crv;
    cjose_jwk_ec_keyspec spec = {0};
    size_t size = 0;
    if (claim_text(json, "crv", &crv) != OK)
        return failure_set(failure, "EC key without crv");
    for (size_t i = 0; i < sizeof curves / sizeof *curves; i++)
        if (str_equal_c(crv, curves[i].name)) {
            spec.crv = curves[i].curve;
            size = curves[i].bytes;
        }
    if (size == 0)
        return failure_set(failure, "EC key on an unknown curve");
    if (key_bytes(arena, json, "x", &spec.x, &spec.xlen) != OK ||
        key_bytes(arena, json, "y", &spec.y, &spec.ylen) != OK || spec.xlen != size || spec.ylen != size)
        return failure_set(failure, "EC key whose coordinates do not have the length of its curve");
    if (key->is_private && (key_bytes(arena, json, "d", &spec.d, &spec.dlen) != OK || spec.dlen > size))
        return failure_set(failure, "EC key without a fitting d");
    cjose_err error = {0};
    key->curve = spec.crv;
    key->cjose = cjose_jwk_create_EC_spec(&spec, &error); /* OpenSSL refuses a point off the curve */
    return key->cjose ? OK : jose_failure(failure, "EC key refused", &error);
}

/* use, key_ops and alg: what the publisher says the key is for (RFC 7517 4.2-4.4). */
static enum outcome purpose_check(const json_t *json, bool is_private, struct failure *failure)
{
    struct str use, alg;
    enum outcome outcome = claim_text(json, "use", &use);
    if (outcome == FAILED || (outcome == OK && !str_equal_c(use, "sig")))
        return failure_set(failure, "key is not for signatures");
    const json_t *operations = json_object_get(json, "key_ops");
    if (operations != NULL) {
        bool is_found = false;
        size_t index;
        json_t *value;
        if (!json_is_array(operations))
            return failure_set(failure, "key_ops is no array");
        json_array_foreach(operations, index,
                           value) if (json_is_string(value) &&
                                      strcmp(json_string_value(value), is_private ? "sign" : "verify") == 0)
            is_found = true;
        if (!is_found)
            return failure_set(failure, "key_ops does not allow what the key is needed for");
    }
    outcome = claim_text(json, "alg", &alg);
    if (outcome == FAILED || (outcome == OK && jose_alg_find(alg) == NULL))
        return failure_set(failure, "key has an unknown alg");
    return OK;
}

/* A member to keep as text with an end; NULL when absent. */
static enum outcome keep_text(const json_t *json, const char *name, char **out_copy)
{
    struct str text;
    enum outcome outcome = claim_text(json, name, &text);
    if (outcome == FAILED || (outcome == OK && text.length > KID_BYTES_MAX))
        return FAILED;
    *out_copy = NULL;
    if (outcome == OK && (*out_copy = strndup(text.data, text.length)) == NULL)
        abort(); /* as base/arena does */
    return OK;
}

static enum outcome key_parse(const json_t *json, bool is_private, struct jwk **out_key,
                              struct failure *failure)
{
    struct str kty;
    if (!json_is_object(json) || claim_text(json, "kty", &kty) != OK)
        return failure_set(failure, "key without kty");
    if (!is_private && json_object_get(json, "d") != NULL)
        return failure_set(failure, "a private key where a public one was expected");
    if (purpose_check(json, is_private, failure) != OK)
        return FAILED;
    struct jwk *key = calloc(1, sizeof *key);
    if (key == NULL)
        abort();
    key->is_private = is_private;
    key->curve = CJOSE_JWK_EC_INVALID;
    struct arena *arena = arena_new();
    enum outcome outcome;
    if (str_equal_c(kty, "RSA")) {
        key->family = JOSE_RSA;
        outcome = rsa_parse(arena, json, key, failure);
    } else if (str_equal_c(kty, "EC")) {
        key->family = JOSE_EC;
        outcome = ec_parse(arena, json, key, failure);
    } else {
        outcome = failure_set(failure, "key of an unusable type");
    }
    arena_free(&arena);
    if (outcome == OK &&
        (keep_text(json, "kid", &key->kid) != OK || keep_text(json, "alg", &key->alg) != OK ||
         keep_text(json, "issuer", &key->issuer) != OK))
        outcome = failure_set(failure, "key with an unusable kid, alg or issuer");
    cjose_err error = {0};
    if (outcome == OK && key->kid != NULL &&
        !cjose_jwk_set_kid(key->cjose, key->kid, strlen(key->kid), &error))
        outcome = jose_failure(failure, "kid refused", &error);
    if (outcome == OK)
        *out_key = key;
    else
        jwk_free(&key);
    return outcome;
}

enum outcome jwk_set_parse(struct str json, struct jwk_set **out_set, struct failure *failure)
{
    json_t *object;
    if (json_parse_object(json, &object, failure) != OK)
        return failure_prefix(failure, "key set");
    const json_t *keys = json_object_get(object, "keys");
    if (!json_is_array(keys) || json_array_size(keys) > KEYS_MAX) {
        json_decref(object);
        return failure_set(failure, "key set without an array of at most %d keys", KEYS_MAX);
    }
    struct jwk_set *set = calloc(1, sizeof *set);
    if (set == NULL)
        abort();
    size_t index;
    json_t *value;
    json_array_foreach(keys, index, value)
    {
        /* One odd key must not make the others useless: providers publish keys for other purposes beside. */
        if (key_parse(value, false, &set->keys[set->count], NULL) == OK)
            set->count++;
        else
            set->left_out++;
    }
    json_decref(object);
    *out_set = set;
    return OK;
}

void jwk_set_free(struct jwk_set **set)
{
    if (*set == NULL)
        return;
    for (size_t i = 0; i < (*set)->count; i++)
        jwk_free(&(*set)->keys[i]);
    free(*set);
    *set = NULL;
}

size_t jwk_set_left_out(const struct jwk_set *set)
{
    return set->left_out;
}

size_t jwk_set_count(const struct jwk_set *set)
{
    return set->count;
}

const struct jwk *jwk_set_at(const struct jwk_set *set, size_t index)
{
    return index < set->count ? set->keys[index] : NULL;
}

const char *jwk_kid(const struct jwk *key)
{
    return key->kid;
}

enum outcome jwk_generate(const char *alg, const char *kid, struct jwk **out_key, struct failure *failure)
{
    const struct jose_alg *found = jose_alg_find(str_from_c(alg));
    if (found == NULL || found->family == JOSE_HMAC)
        return failure_set(failure, "no key can be made for alg %s", alg);
    struct jwk *key = calloc(1, sizeof *key);
    if (key == NULL)
        abort();
    key->family = found->family;
    key->curve = found->curve;
    key->is_private = true;
    static const uint8_t exponent[] = {1, 0, 1};
    cjose_err error = {0};
    key->cjose = found->family == JOSE_RSA
                     ? cjose_jwk_create_RSA_random(RSA_BITS_MIN, exponent, sizeof exponent, &error)
                     : cjose_jwk_create_EC_random(found->curve, &error);
    key->alg = strdup(alg);
    key->kid = kid ? strdup(kid) : NULL;
    if (key->cjose == NULL || key->alg == NULL ||
        (kid != NULL && !cjose_jwk_set_kid(key->cjose, kid, strlen(kid), &error))) {
        jwk_free(&key);
        return jose_failure(failure, "key not made", &error);
    }
    *out_key = key;
    return OK;
}

/* A private key that does not belong to its public half would sign what nobody can verify. */
static bool is_pair(const struct jwk *key, const struct jwk *half)
{
    static const uint8_t probe[] = "probe";
    const char *alg = "RS256";
    for (size_t i = 0; key->family == JOSE_EC && i < sizeof algs / sizeof *algs; i++)
        if (algs[i].family == JOSE_EC && algs[i].curve == key->curve)
            alg = algs[i].name;
    cjose_err error = {0};
    cjose_jws_t *jws = NULL;
    cjose_header_t *header = cjose_header_new(&error);
    if (header != NULL && cjose_header_set(header, CJOSE_HDR_ALG, alg, &error))
        jws = cjose_jws_sign(key->cjose, header, probe, sizeof probe, &error);
    bool is_verified = jws != NULL && cjose_jws_verify(jws, half->cjose, &error);
    if (jws != NULL)
        cjose_jws_release(jws);
    if (header != NULL)
        cjose_header_release(header);
    ERR_clear_error();
    return is_verified;
}

static enum outcome pair_parse(json_t *object, struct jwk **out_key, struct failure *failure)
{
    static const char *const private_members[] = {"d", "p", "q", "dp", "dq", "qi", "key_ops"};
    struct jwk *key = NULL, *half = NULL;
    if (key_parse(object, true, &key, failure) != OK)
        return FAILED;
    for (size_t i = 0; i < sizeof private_members / sizeof *private_members; i++)
        json_object_del(object, private_members[i]);
    enum outcome outcome = key_parse(object, false, &half, failure);
    if (outcome == OK && !is_pair(key, half))
        outcome = failure_set(failure, "private key that does not belong to its public half");
    jwk_free(&half);
    if (outcome == OK)
        *out_key = key;
    else
        jwk_free(&key);
    return outcome;
}

enum outcome jwk_parse_private(struct str json, struct jwk **out_key, struct failure *failure)
{
    json_t *object;
    if (json_parse_object(json, &object, failure) != OK)
        return failure_prefix(failure, "private key");
    enum outcome outcome = pair_parse(object, out_key, failure);
    json_decref(object);
    return outcome;
}

void jwk_free(struct jwk **key)
{
    if (*key == NULL)
        return;
    if ((*key)->cjose != NULL)
        cjose_jwk_release((*key)->cjose);
    free((*key)->kid);
    free((*key)->issuer);
    free((*key)->alg);
    free(*key);
    *key = NULL;
}

enum outcome jwk_export(const struct jwk *key, struct arena *arena, bool with_private, struct str *out_json)
{
    cjose_err error = {0};
    if (with_private && !key->is_private)
        return FAILED;
    char *text = cjose_jwk_to_json(key->cjose, with_private, &error);
    if (text == NULL)
        return jose_failure(NULL, "", &error);
    enum outcome outcome = FAILED;
    char *whole = NULL;
    json_t *json;
    if (json_parse_object(str_from_c(text), &json, NULL) == OK) {
        if (json_object_set_new(json, "use", json_string("sig")) == 0 &&
            (key->alg == NULL || json_object_set_new(json, "alg", json_string(key->alg)) == 0))
            whole = json_dumps(json, JSON_COMPACT);
        json_decref(json);
    }
    if (whole != NULL) {
        *out_json = str_from_c(arena_strdup(arena, whole));
        outcome = OK;
        sodium_memzero(whole, strlen(whole));
        free(whole);
    }
    sodium_memzero(text, strlen(text));
    free(text);
    return outcome;
}
