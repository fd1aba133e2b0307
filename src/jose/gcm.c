#include "jose/gcm.h"

#include "base/rand.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>

static const unsigned char *bytes_of(struct str text)
{
    return (const unsigned char *)(text.data != NULL ? text.data : "");
}

/* Sets the cipher up and passes the associated data through it; NULL when it cannot be done. */
static EVP_CIPHER_CTX *begin(struct str key, const unsigned char *nonce, struct str associated,
                             int is_sealing)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int length;
    if (context != NULL &&
        EVP_CipherInit_ex(context, EVP_aes_256_gcm(), NULL, bytes_of(key), nonce, is_sealing) == 1 &&
        EVP_CipherUpdate(context, NULL, &length, bytes_of(associated), (int)associated.length) == 1)
        return context;
    EVP_CIPHER_CTX_free(context);
    return NULL;
}

/* The library's lengths are ints, and its error queue would be read by the thread's next TLS call. */
static enum outcome end(EVP_CIPHER_CTX *context, bool is_done)
{
    EVP_CIPHER_CTX_free(context);
    if (!is_done)
        ERR_clear_error();
    return is_done ? OK : FAILED;
}

enum outcome gcm_open(struct arena *arena, struct str key, struct str associated, struct str sealed,
                      struct str *out_plaintext)
{
    if (key.length != GCM_KEY_BYTES || sealed.length < GCM_NONCE_BYTES + GCM_TAG_BYTES ||
        sealed.length > INT_MAX || associated.length > INT_MAX)
        return FAILED;
    size_t size = sealed.length - GCM_NONCE_BYTES - GCM_TAG_BYTES;
    struct str ciphertext = str_of(sealed.data + GCM_NONCE_BYTES, size);
    unsigned char tag[GCM_TAG_BYTES], *plaintext = arena_alloc(arena, size + 1);
    memcpy(tag, sealed.data + GCM_NONCE_BYTES + size, sizeof tag);
    int length = 0, rest = 0;
    EVP_CIPHER_CTX *context = begin(key, bytes_of(sealed), associated, 0);
    bool is_done = context != NULL &&
                   EVP_CipherUpdate(context, plaintext, &length, bytes_of(ciphertext), (int)size) == 1 &&
                   EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, sizeof tag, tag) == 1 &&
                   EVP_CipherFinal_ex(context, plaintext + length, &rest) == 1;
    if (end(context, is_done) != OK)
        return FAILED;
    *out_plaintext = str_of(plaintext, size);
    return OK;
}

enum outcome gcm_seal(struct arena *arena, struct str key, struct str associated, struct str plaintext,
                      struct str *out_sealed)
{
    if (key.length != GCM_KEY_BYTES || associated.length > INT_MAX ||
        plaintext.length > INT_MAX - GCM_NONCE_BYTES - GCM_TAG_BYTES)
        return FAILED;
    size_t size = GCM_NONCE_BYTES + plaintext.length + GCM_TAG_BYTES;
    unsigned char *sealed = arena_alloc(arena, size);
    rand_bytes(sealed, GCM_NONCE_BYTES);
    int length = 0, rest = 0;
    EVP_CIPHER_CTX *context = begin(key, sealed, associated, 1);
    bool is_done =
        context != NULL &&
        EVP_CipherUpdate(context, sealed + GCM_NONCE_BYTES, &length, bytes_of(plaintext),
                         (int)plaintext.length) == 1 &&
        EVP_CipherFinal_ex(context, sealed + GCM_NONCE_BYTES + length, &rest) == 1 &&
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, GCM_TAG_BYTES, sealed + size - GCM_TAG_BYTES) == 1;
    if (end(context, is_done) != OK)
        return FAILED;
    *out_sealed = str_of(sealed, size);
    return OK;
}
