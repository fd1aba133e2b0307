#include "base/tokenbox.h"

#include "base/rand.h"

#include <sodium.h>

static const char key_context[] = "sluis tokenbox 1";

/* The token has 256 bits of entropy, so one keyed hash makes a key of it; the digest that the store keeps of
 * the same token is another function and tells nothing of this one. */
static void derive_key(struct str token, unsigned char out_key[crypto_secretbox_KEYBYTES])
{
    crypto_generichash(out_key, crypto_secretbox_KEYBYTES, (const unsigned char *)token.data, token.length,
                       (const unsigned char *)key_context, sizeof key_context - 1);
}

struct str tokenbox_seal(struct arena *arena, struct str token, struct str plaintext)
{
    unsigned char key[crypto_secretbox_KEYBYTES];
    derive_key(token, key);
    size_t length = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES + plaintext.length;
    unsigned char *box = arena_alloc(arena, length);
    rand_bytes(box, crypto_secretbox_NONCEBYTES);
    crypto_secretbox_easy(box + crypto_secretbox_NONCEBYTES, (const unsigned char *)plaintext.data,
                          plaintext.length, box, key);
    sodium_memzero(key, sizeof key);
    return str_of(box, length);
}

enum outcome tokenbox_open(struct arena *arena, struct str token, struct str box, struct str *out_plaintext)
{
    if (box.length < crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES)
        return FAILED;
    unsigned char key[crypto_secretbox_KEYBYTES];
    derive_key(token, key);
    const unsigned char *bytes = (const unsigned char *)box.data;
    size_t length = box.length - crypto_secretbox_NONCEBYTES - crypto_secretbox_MACBYTES;
    unsigned char *plaintext = arena_alloc(arena, length + 1);
    int opened = crypto_secretbox_open_easy(plaintext, bytes + crypto_secretbox_NONCEBYTES,
                                            box.length - crypto_secretbox_NONCEBYTES, bytes, key);
    sodium_memzero(key, sizeof key);
    if (opened != 0)
        return FAILED;
    *out_plaintext = str_of(plaintext, length);
    return OK;
}
