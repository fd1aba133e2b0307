#include "base/codec.h"

#include <sodium.h>

static struct str encode(struct arena *arena, struct str bytes, int variant)
{
    size_t size = sodium_base64_encoded_len(bytes.length, variant);
    char *text = arena_alloc(arena, size);
    sodium_bin2base64(text, size, (const unsigned char *)bytes.data, bytes.length, variant);
    return str_from_c(text);
}

static enum outcome decode(struct arena *arena, struct str text, int variant, struct str *out_bytes)
{
    unsigned char *bytes = arena_alloc(arena, text.length + 1);
    size_t length;
    const char *end;
    if (sodium_base642bin(bytes, text.length + 1, text.data ? text.data : "", text.length, NULL, &length,
                          &end, variant) != 0 ||
        (text.length > 0 && end != text.data + text.length))
        return FAILED;
    *out_bytes = str_of(bytes, length);
    return OK;
}

struct str codec_base64url(struct arena *arena, struct str bytes)
{
    return encode(arena, bytes, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

enum outcome codec_base64url_decode(struct arena *arena, struct str text, struct str *out_bytes)
{
    return decode(arena, text, sodium_base64_VARIANT_URLSAFE_NO_PADDING, out_bytes);
}

struct str codec_base64(struct arena *arena, struct str bytes)
{
    return encode(arena, bytes, sodium_base64_VARIANT_ORIGINAL);
}

enum outcome codec_base64_decode(struct arena *arena, struct str text, struct str *out_bytes)
{
    return decode(arena, text, sodium_base64_VARIANT_ORIGINAL, out_bytes);
}

struct str codec_hex(struct arena *arena, struct str bytes)
{
    size_t size = bytes.length * 2 + 1;
    char *text = arena_alloc(arena, size);
    sodium_bin2hex(text, size, (const unsigned char *)bytes.data, bytes.length);
    return str_from_c(text);
}

int codec_hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

struct str codec_sha256(struct arena *arena, struct str bytes)
{
    unsigned char *digest = arena_alloc(arena, DIGEST_BYTES);
    crypto_hash_sha256(digest, (const unsigned char *)bytes.data, bytes.length);
    return str_of(digest, DIGEST_BYTES);
}
