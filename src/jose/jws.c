#include "jose/jws.h"

#include "base/codec.h"
#include "jose/claims.h"
#include "jose/jwk_private.h"

#include <openssl/err.h>
#include <sodium.h>
#include <stdlib.h>

#define TOKEN_BYTES_MAX ((size_t)65536)
#define HMAC_SECRET_BYTES_MIN 32

struct segments {
    struct str header, payload, signature;
};

static enum jws_result refuse(struct failure *failure, enum jws_result result, const char *text)
{
    failure_set(failure, "%s", text);
    return result;
}

/* IDT-1: exactly three segments, none empty; four dots mean a JWE (RFC 7516 9). */
static enum jws_result split(struct str token, struct segments *out, struct failure *failure)
{
    size_t dots = 0;
    for (size_t i = 0; i < token.length; i++)
        dots += token.data[i] == '.';
    if (dots == 4)
        return refuse(failure, JWS_ENCRYPTED, "token is encrypted");
    if (dots != 2)
        return refuse(failure, JWS_MALFORMED, "token does not have three segments");
    str_split_next(&token, '.', &out->header);
    str_split_next(&token, '.', &out->payload);
    out->signature = token;
    if (out->header.length == 0 || out->payload.length == 0 || out->signature.length == 0)
        return refuse(failure, JWS_MALFORMED, "token has an empty segment");
    return JWS_OK;
}

struct header {
    const struct jose_alg *alg;
    struct str kid; /* slice into json */
    bool has_kid;
};

/* IDT-19: a token of another kind (at+jwt, logout+jwt) must not pass for this one. Media types compare
 * without case (RFC 7515 4.1.9). */
static bool is_type_accepted(struct str type, const struct jws_options *options)
{
    if (str_equal_ignoring_case(type, STR("JWT")))
        return true;
    for (size_t i = 0; i < options->type_count; i++)
        if (str_equal_ignoring_case(type, str_from_c(options->types[i])))
            return true;
    return false;
}

static enum jws_result header_check(const json_t *json, const struct jws_options *options,
                                    struct header *out_header, struct failure *failure)
{
    struct str alg, type;
    if (claim_text(json, "alg", &alg) != OK)
        return refuse(failure, JWS_MALFORMED, "header without alg");
    enum outcome outcome = claim_text(json, "typ", &type);
    if (outcome == FAILED || (outcome == OK && !is_type_accepted(type, options)))
        return refuse(failure, JWS_MALFORMED, "header with another typ");
    outcome = claim_text(json, "kid", &out_header->kid);
    if (outcome == FAILED)
        return refuse(failure, JWS_MALFORMED, "header with a kid that is no text");
    out_header->has_kid = outcome == OK;
    if (json_object_get(json, "crit") != NULL)
        return refuse(failure, JWS_ALG_REFUSED, "header with crit");

    /* The alg of the header only ever selects from our own list (IDT-2). */
    out_header->alg = NULL;
    for (size_t i = 0; i < options->alg_count; i++)
        if (str_equal_c(alg, options->algs[i]))
            out_header->alg = jose_alg_find(alg);
    if (out_header->alg == NULL)
        return refuse(failure, JWS_ALG_REFUSED, "alg is not on the list of this connection");
    if (out_header->alg->family == JOSE_HMAC && options->hmac_secret.length < HMAC_SECRET_BYTES_MIN)
        return refuse(failure, JWS_ALG_REFUSED, "HS* without a secret of at least 32 bytes");
    return JWS_OK;
}

static bool is_issuer_fitting(const struct jwk *key, const struct jws_options *options)
{
    bool is_fitting = key->issuer == NULL || options->key_issuer_count == 0;
    for (size_t i = 0; i < options->key_issuer_count; i++)
        is_fitting = is_fitting || str_equal_c(options->key_issuers[i], key->issuer);
    return is_fitting;
}

/* IDT-4 */
static bool is_fitting(const struct jwk *key, const struct header *header)
{
    if (key->family != header->alg->family || (key->family == JOSE_EC && key->curve != header->alg->curve))
        return false;
    if (key->alg != NULL && strcmp(key->alg, header->alg->name) != 0)
        return false;
    return !header->has_kid || (key->kid != NULL && str_equal_c(header->kid, key->kid));
}

static enum jws_result verify_with_keys(cjose_jws_t *jws, const struct header *header,
                                        const struct jwk_set *keys, const struct jws_options *options,
                                        struct failure *failure)
{
    size_t tried = 0;
    cjose_err error;
    for (size_t i = 0; keys != NULL && i < jwk_set_count(keys); i++) {
        const struct jwk *key = jwk_set_at(keys, i);
        if (!is_fitting(key, header) || !is_issuer_fitting(key, options))
            continue;
        tried++;
        if (cjose_jws_verify(jws, key->cjose, &error))
            return JWS_OK;
        ERR_clear_error();
    }
    return tried > 0 ? refuse(failure, JWS_BAD_SIGNATURE, "signature does not verify")
                     : refuse(failure, JWS_KEY_UNKNOWN, "no key fits the token's header");
}

static enum jws_result verify_with_secret(cjose_jws_t *jws, struct str secret, struct failure *failure)
{
    cjose_err error;
    cjose_jwk_t *key = cjose_jwk_create_oct_spec((const uint8_t *)secret.data, secret.length, &error);
    if (key == NULL) {
        jose_failure(failure, "secret refused", &error);
        return JWS_BAD_SIGNATURE;
    }
    bool is_valid = cjose_jws_verify(jws, key, &error);
    cjose_jwk_release(key);
    if (is_valid)
        return JWS_OK;
    ERR_clear_error();
    return refuse(failure, JWS_BAD_SIGNATURE, "signature does not verify");
}

static enum jws_result verify_signature(struct arena *arena, struct str token,
                                        const struct segments *segments, const struct header *header,
                                        const struct jwk_set *keys, const struct jws_options *options,
                                        struct failure *failure)
{
    struct str signature;
    if (codec_base64url_decode(arena, segments->signature, &signature) != OK)
        return refuse(failure, JWS_MALFORMED, "signature is not base64url");
    if (header->alg->signature_bytes > 0 && signature.length != header->alg->signature_bytes)
        return refuse(failure, JWS_BAD_SIGNATURE, "signature does not have the length of its alg");
    cjose_err error;
    cjose_jws_t *jws = cjose_jws_import(token.data, token.length, &error);
    if (jws == NULL) {
        jose_failure(failure, "token refused", &error);
        return JWS_MALFORMED;
    }
    enum jws_result result = header->alg->family == JOSE_HMAC
                                 ? verify_with_secret(jws, options->hmac_secret, failure)
                                 : verify_with_keys(jws, header, keys, options, failure);
    cjose_jws_release(jws);
    return result;
}

enum jws_result jws_verify(struct str token, const struct jwk_set *keys, const struct jws_options *options,
                           json_t **out_payload, const char **out_alg, struct failure *failure)
{
    struct segments segments;
    if (token.length > TOKEN_BYTES_MAX)
        return refuse(failure, JWS_MALFORMED, "token is longer than 64 KiB");
    enum jws_result result = split(token, &segments, failure);
    if (result != JWS_OK)
        return result;

    struct arena *arena = arena_new();
    json_t *header_json = NULL;
    struct str header_text, payload_text;
    struct header header;
    if (codec_base64url_decode(arena, segments.header, &header_text) != OK ||
        codec_base64url_decode(arena, segments.payload, &payload_text) != OK) {
        result = refuse(failure, JWS_MALFORMED, "a segment is not base64url");
        goto out;
    }
    if (json_parse_object(header_text, &header_json, failure) != OK) {
        failure_prefix(failure, "header");
        result = JWS_MALFORMED;
        goto out;
    }
    result = header_check(header_json, options, &header, failure);
    if (result != JWS_OK)
        goto out;
    result = verify_signature(arena, token, &segments, &header, keys, options, failure);
    if (result != JWS_OK)
        goto out;
    if (json_parse_object(payload_text, out_payload, failure) != OK) {
        failure_prefix(failure, "payload");
        result = JWS_MALFORMED;
        goto out;
    }
    if (out_alg != NULL)
        *out_alg = header.alg->name;
out:
    json_decref(header_json);
    arena_free(&arena);
    return result;
}

enum outcome jws_peek_header(struct str token, json_t **out_header)
{
    struct str header = str_slice(token, 0, str_find(token, '.')), text;
    struct arena *arena = arena_new();
    enum outcome outcome = FAILED;
    if (token.length <= TOKEN_BYTES_MAX && header.length > 0 &&
        codec_base64url_decode(arena, header, &text) == OK)
        outcome = json_parse_object(text, out_header, NULL);
    arena_free(&arena);
    return outcome;
}

enum outcome jws_sign(const struct jwk *key, const char *alg, const char *type, const json_t *payload,
                      struct arena *arena, struct str *out_token, struct failure *failure)
{
    const struct jose_alg *found = jose_alg_find(str_from_c(alg));
    if (found == NULL || !key->is_private || found->family != key->family ||
        (key->family == JOSE_EC && found->curve != key->curve))
        return failure_set(failure, "this key does not sign with %s", alg);
    cjose_err error;
    enum outcome outcome = FAILED;
    cjose_jws_t *jws = NULL;
    const char *text;
    char *json = json_dumps(payload, JSON_COMPACT);
    cjose_header_t *header = cjose_header_new(&error);
    if (json == NULL || header == NULL || !cjose_header_set(header, CJOSE_HDR_ALG, alg, &error) ||
        (key->kid != NULL && !cjose_header_set(header, CJOSE_HDR_KID, key->kid, &error)) ||
        (type != NULL && !cjose_header_set(header, "typ", type, &error))) {
        failure_set(failure, "token could not be put together");
        goto out;
    }
    jws = cjose_jws_sign(key->cjose, header, (const uint8_t *)json, strlen(json), &error);
    if (jws == NULL || !cjose_jws_export(jws, &text, &error)) {
        jose_failure(failure, "token not signed", &error);
        goto out;
    }
    *out_token = str_from_c(arena_strdup(arena, text));
    outcome = OK;
out:
    if (jws != NULL)
        cjose_jws_release(jws);
    if (header != NULL)
        cjose_header_release(header);
    if (json != NULL) {
        sodium_memzero(json, strlen(json));
        free(json);
    }
    return outcome;
}
