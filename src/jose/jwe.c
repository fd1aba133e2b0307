#include "jose/jwe.h"

#include "base/codec.h"
#include "jose/claims.h"
#include "jose/gcm.h"
#include "jose/jwk_private.h"

#include <openssl/err.h>
#include <sodium.h>
#include <stdlib.h>

#define SEGMENTS 5
enum segment { HEADER, ENCRYPTED_KEY, NONCE, CIPHERTEXT, TAG };

static enum jwe_result refuse(struct failure *failure, enum jwe_result result, const char *text)
{
    failure_set(failure, "%s", text);
    return result;
}

/* The library takes the tag at the length it has, and a short one can be guessed; so lengths are checked
 * here. With "dir" there is no encrypted key (RFC 7518 4.5). */
static enum jwe_result segments_check(struct arena *arena, struct str token, struct str *out_header,
                                      struct failure *failure)
{
    struct str segments[SEGMENTS] = {STR_NONE}, rest = token, part;
    size_t count = 0;
    while (str_split_next(&rest, '.', &part))
        if (count++ < SEGMENTS)
            segments[count - 1] = part;
    struct str bytes[SEGMENTS];
    if (count != SEGMENTS)
        return refuse(failure, JWE_MALFORMED, "not five segments");
    for (size_t i = 0; i < SEGMENTS; i++)
        if (codec_base64url_decode(arena, segments[i], &bytes[i]) != OK)
            return refuse(failure, JWE_MALFORMED, "a segment is not base64url");
    if (bytes[ENCRYPTED_KEY].length != 0 || bytes[NONCE].length != GCM_NONCE_BYTES ||
        bytes[CIPHERTEXT].length == 0 || bytes[TAG].length != GCM_TAG_BYTES)
        return refuse(failure, JWE_MALFORMED, "a segment does not have the length of dir and A256GCM");
    *out_header = bytes[HEADER];
    return JWE_OK;
}

static enum jwe_result header_check(struct arena *arena, struct str text, struct str *out_kid,
                                    bool *out_has_kid, struct failure *failure)
{
    json_t *json;
    struct str alg, enc, kid;
    if (json_parse_object(text, &json, failure) != OK)
        return JWE_MALFORMED;
    enum jwe_result result = JWE_OK;
    enum outcome has_kid = claim_text(json, "kid", &kid);
    if (has_kid == FAILED || claim_text(json, "alg", &alg) != OK || claim_text(json, "enc", &enc) != OK)
        result = refuse(failure, JWE_MALFORMED, "header without alg and enc, or a kid that is no text");
    else if (!str_equal_c(alg, "dir") || !str_equal_c(enc, "A256GCM") ||
             json_object_get(json, "crit") != NULL || json_object_get(json, "zip") != NULL)
        result = refuse(failure, JWE_ALG_REFUSED, "header with another alg or enc, crit or zip");
    *out_has_kid = has_kid == OK;
    if (result == JWE_OK && has_kid == OK)
        *out_kid = str_copy(arena, kid);
    json_decref(json);
    return result;
}

static cjose_jwk_t *cjose_key(struct str key, struct failure *failure)
{
    cjose_err error;
    cjose_jwk_t *made = NULL;
    if (key.length == JWE_KEY_BYTES)
        made = cjose_jwk_create_oct_spec((const uint8_t *)key.data, key.length, &error);
    else
        failure_set(failure, "the key does not have 32 bytes");
    if (key.length == JWE_KEY_BYTES && made == NULL)
        jose_failure(failure, "key refused", &error);
    return made;
}

/* A decrypted object keeps its content, so each key gets an import of its own. */
static enum jwe_result open_with(struct arena *arena, struct str token, struct str key,
                                 struct str *out_plaintext, struct failure *failure)
{
    cjose_err error;
    cjose_jwk_t *jwk = cjose_key(key, failure);
    if (jwk == NULL)
        return JWE_NOT_OPENED;
    enum jwe_result result = JWE_NOT_OPENED;
    size_t length = 0;
    uint8_t *plaintext = NULL;
    cjose_jwe_t *jwe = cjose_jwe_import(token.data, token.length, &error);
    if (jwe != NULL)
        plaintext = cjose_jwe_decrypt(jwe, jwk, &length, &error);
    if (plaintext != NULL) {
        *out_plaintext = str_copy(arena, str_of(plaintext, length));
        sodium_memzero(plaintext, length);
        free(plaintext);
        result = JWE_OK;
    } else {
        jose_failure(failure, "not opened", &error);
    }
    if (jwe != NULL)
        cjose_jwe_release(jwe);
    cjose_jwk_release(jwk);
    return result;
}

enum jwe_result jwe_open(struct arena *arena, struct str token, const struct jwe_key *keys, size_t key_count,
                         struct str *out_plaintext, struct failure *failure)
{
    struct str header, kid = STR_NONE;
    bool has_kid = false;
    if (token.length > JWE_BYTES_MAX)
        return refuse(failure, JWE_MALFORMED, "longer than 8 KiB");
    enum jwe_result result = segments_check(arena, token, &header, failure);
    if (result == JWE_OK)
        result = header_check(arena, header, &kid, &has_kid, failure);
    if (result != JWE_OK)
        return result;
    result = refuse(failure, JWE_KEY_UNKNOWN, "no key of that kid");
    for (size_t i = 0; i < key_count; i++) {
        if (has_kid && !str_equal(keys[i].kid, kid))
            continue;
        result = open_with(arena, token, keys[i].key, out_plaintext, failure);
        if (result == JWE_OK)
            break;
    }
    return result;
}

enum outcome jwe_seal(struct arena *arena, const struct jwe_key *key, struct str plaintext,
                      struct str *out_token, struct failure *failure)
{
    const char *kid;
    if (str_to_c(arena, key->kid, &kid) != OK)
        return failure_set(failure, "the kid holds a NUL");
    cjose_jwk_t *jwk = cjose_key(key->key, failure);
    if (jwk == NULL)
        return FAILED;
    cjose_err error = {0};
    enum outcome outcome = FAILED;
    cjose_jwe_t *jwe = NULL;
    char *text = NULL;
    cjose_header_t *header = cjose_header_new(&error);
    if (header != NULL && cjose_header_set(header, CJOSE_HDR_ALG, CJOSE_HDR_ALG_DIR, &error) &&
        cjose_header_set(header, CJOSE_HDR_ENC, CJOSE_HDR_ENC_A256GCM, &error) &&
        (key->kid.length == 0 || cjose_header_set(header, CJOSE_HDR_KID, kid, &error)))
        jwe = cjose_jwe_encrypt(jwk, header, (const uint8_t *)plaintext.data, plaintext.length, &error);
    if (jwe != NULL)
        text = cjose_jwe_export(jwe, &error);
    if (text != NULL) {
        *out_token = str_from_c(arena_strdup(arena, text));
        free(text);
        outcome = OK;
    } else {
        jose_failure(failure, "not sealed", &error);
    }
    if (jwe != NULL)
        cjose_jwe_release(jwe);
    if (header != NULL)
        cjose_header_release(header);
    cjose_jwk_release(jwk);
    return outcome;
}
