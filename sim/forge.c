#include "forge.h"

#include "base/buf.h"
#include "base/codec.h"
#include "base/rand.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>

#define RSA_BITS 2048
#define SIGNATURE_BYTES_MAX 512
#define NUMBER_BYTES_MAX 512
#define TOKEN_BYTES_MAX ((size_t)256 * 1024)
#define IV_BYTES 12
#define TAG_BYTES 16
#define CONTEXT_KEY_BYTES 32
#define CONTEXT_BYTES_MAX ((size_t)1024)

struct forge_key {
    EVP_PKEY *pair;
    char id[UUID_TEXT_SIZE];
};

enum outcome forge_key_new(struct forge_key **out_key, struct failure *failure)
{
    struct forge_key *key = calloc(1, sizeof *key);
    if (!key)
        return failure_set(failure, "no memory");
    rand_uuid7(key->id);
    key->pair = EVP_RSA_gen(RSA_BITS);
    if (!key->pair) {
        free(key);
        return failure_set(failure, "cannot make an RSA key");
    }
    *out_key = key;
    return OK;
}

void forge_key_free(struct forge_key **key)
{
    if (!*key)
        return;
    EVP_PKEY_free((*key)->pair);
    free(*key);
    *key = NULL;
}

const char *forge_key_id(const struct forge_key *key)
{
    return key->id;
}

static struct str number_text(const struct forge_key *key, struct arena *arena, const char *name)
{
    BIGNUM *number = NULL;
    unsigned char *bytes = arena_alloc(arena, NUMBER_BYTES_MAX);
    if (!EVP_PKEY_get_bn_param(key->pair, name, &number) || BN_num_bytes(number) > NUMBER_BYTES_MAX)
        abort();
    int length = BN_bn2bin(number, bytes);
    BN_free(number);
    return codec_base64url(arena, str_of(bytes, (size_t)length));
}

json_t *forge_key_public(const struct forge_key *key)
{
    struct arena *arena = arena_new();
    struct str modulus = number_text(key, arena, OSSL_PKEY_PARAM_RSA_N);
    struct str exponent = number_text(key, arena, OSSL_PKEY_PARAM_RSA_E);
    json_t *jwk =
        json_pack("{s:s, s:s, s:s, s:s, s:s%, s:s%}", "kty", "RSA", "use", "sig", "alg", "RS256", "kid",
                  key->id, "n", modulus.data, modulus.length, "e", exponent.data, exponent.length);
    arena_free(&arena);
    return jwk;
}

static enum outcome sign_rsa(const struct forge_key *key, struct str text, unsigned char *out_signature,
                             size_t *out_length)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    *out_length = SIGNATURE_BYTES_MAX;
    bool is_signed = context && EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key->pair) == 1 &&
                     EVP_DigestSign(context, out_signature, out_length, (const unsigned char *)text.data,
                                    text.length) == 1;
    EVP_MD_CTX_free(context);
    return is_signed ? OK : FAILED;
}

static enum outcome sign_hmac(const struct forge_key *key, struct str text, unsigned char *out_signature,
                              size_t *out_length)
{
    enum outcome outcome = FAILED;
    BIO *pem = BIO_new(BIO_s_mem());
    char *secret;
    unsigned length = 0;
    if (pem && PEM_write_bio_PUBKEY(pem, key->pair) == 1) {
        long secret_length = BIO_get_mem_data(pem, &secret);
        if (HMAC(EVP_sha256(), secret, (int)secret_length, (const unsigned char *)text.data, text.length,
                 out_signature, &length))
            outcome = OK;
    }
    *out_length = length;
    BIO_free(pem);
    return outcome;
}

static void append_part(struct buf *buf, struct arena *arena, const json_t *part)
{
    char *text = json_dumps(part, JSON_COMPACT);
    if (!text)
        abort();
    buf_append(buf, codec_base64url(arena, str_from_c(text)));
    free(text);
}

enum outcome forge_sign(const struct forge_key *key, const json_t *header, const json_t *payload,
                        struct arena *arena, struct str *out_token)
{
    unsigned char signature[SIGNATURE_BYTES_MAX];
    size_t length = 0;
    enum outcome outcome = FAILED;
    struct str alg = str_from_c(json_string_value(json_object_get(header, "alg")));
    struct buf token = buf_new(arena, TOKEN_BYTES_MAX);
    append_part(&token, arena, header);
    buf_append_char(&token, '.');
    append_part(&token, arena, payload);
    if (str_equal_c(alg, "RS256"))
        outcome = sign_rsa(key, buf_str(&token), signature, &length);
    else if (str_equal_c(alg, "HS256"))
        outcome = sign_hmac(key, buf_str(&token), signature, &length);
    else if (str_equal_c(alg, "none"))
        outcome = OK;
    buf_append_char(&token, '.');
    buf_append(&token, codec_base64url(arena, str_of(signature, length)));
    *out_token = buf_str(&token);
    return token.overflowed ? FAILED : outcome;
}

/* ---- patient context ---- */

static enum outcome gcm_seal(struct str key, const unsigned char *iv, struct str aad, struct str plaintext,
                             unsigned char *out_cipher, unsigned char *out_tag)
{
    if (key.length != CONTEXT_KEY_BYTES || plaintext.length > CONTEXT_BYTES_MAX ||
        aad.length > CONTEXT_BYTES_MAX)
        return FAILED;
    int length;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    bool is_sealed =
        context &&
        EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), NULL, (const unsigned char *)key.data, iv) == 1 &&
        EVP_EncryptUpdate(context, NULL, &length, (const unsigned char *)aad.data, (int)aad.length) == 1 &&
        EVP_EncryptUpdate(context, out_cipher, &length, (const unsigned char *)plaintext.data,
                          (int)plaintext.length) == 1 &&
        EVP_EncryptFinal_ex(context, out_cipher + length, &length) == 1 &&
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, out_tag) == 1;
    EVP_CIPHER_CTX_free(context);
    return is_sealed ? OK : FAILED;
}

enum outcome forge_jwe(struct arena *arena, struct str key, const char *kid, struct str plaintext,
                       struct str *out_text)
{
    unsigned char iv[IV_BYTES];
    unsigned char tag[TAG_BYTES];
    unsigned char *cipher = arena_alloc(arena, plaintext.length + 1);
    rand_bytes(iv, sizeof iv);
    json_t *header = json_pack("{s:s, s:s, s:s}", "alg", "dir", "enc", "A256GCM", "kid", kid);
    struct buf text = buf_new(arena, TOKEN_BYTES_MAX);
    append_part(&text, arena, header);
    json_decref(header);
    /* RFC 7516 5.1: the encoded header is the associated data; with `dir` the encrypted key is empty. */
    if (gcm_seal(key, iv, buf_str(&text), plaintext, cipher, tag) != OK)
        return FAILED;
    buf_append_c(&text, "..");
    buf_append(&text, codec_base64url(arena, str_of(iv, sizeof iv)));
    buf_append_char(&text, '.');
    buf_append(&text, codec_base64url(arena, str_of(cipher, plaintext.length)));
    buf_append_char(&text, '.');
    buf_append(&text, codec_base64url(arena, str_of(tag, sizeof tag)));
    *out_text = buf_str(&text);
    return text.overflowed ? FAILED : OK;
}

enum outcome forge_raw(struct arena *arena, struct str key, struct str aad, struct str plaintext,
                       struct str *out_text)
{
    size_t length = IV_BYTES + plaintext.length + TAG_BYTES;
    unsigned char *bytes = arena_alloc(arena, length);
    rand_bytes(bytes, IV_BYTES);
    if (gcm_seal(key, bytes, aad, plaintext, bytes + IV_BYTES, bytes + IV_BYTES + plaintext.length) != OK)
        return FAILED;
    *out_text = codec_base64url(arena, str_of(bytes, length));
    return OK;
}
