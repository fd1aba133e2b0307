#include "base/rand.h"

#include "base/clock.h"
#include "base/codec.h"

#include <sodium.h>
#include <stdio.h>

enum outcome rand_init(void)
{
    return sodium_init() < 0 ? FAILED : OK;
}

void rand_bytes(void *out_bytes, size_t length)
{
    randombytes_buf(out_bytes, length);
}

uint32_t rand_below(uint32_t limit)
{
    return randombytes_uniform(limit);
}

struct str rand_token(struct arena *arena)
{
    unsigned char bytes[TOKEN_BYTES];
    rand_bytes(bytes, sizeof bytes);
    struct str token = codec_base64url(arena, str_of(bytes, sizeof bytes));
    sodium_memzero(bytes, sizeof bytes);
    return token;
}

static void uuid_format(const unsigned char bytes[16], char out_text[UUID_TEXT_SIZE])
{
    char hex[33];
    sodium_bin2hex(hex, sizeof hex, bytes, 16);
    snprintf(out_text, UUID_TEXT_SIZE, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
             hex + 20);
}

void rand_uuid7(char out_text[UUID_TEXT_SIZE])
{
    unsigned char bytes[16];
    rand_bytes(bytes, sizeof bytes);
    uint64_t milliseconds = (uint64_t)clock_now_ms();
    for (int i = 0; i < 6; i++)
        bytes[i] = (unsigned char)(milliseconds >> (40 - 8 * i));
    bytes[6] = (unsigned char)(0x70 | (bytes[6] & 0x0F));
    bytes[8] = (unsigned char)(0x80 | (bytes[8] & 0x3F));
    uuid_format(bytes, out_text);
}

const char *rand_uuid7_in(struct arena *arena)
{
    char *text = arena_alloc(arena, UUID_TEXT_SIZE);
    rand_uuid7(text);
    return text;
}

const char *rand_uuid4_in(struct arena *arena)
{
    unsigned char bytes[16];
    rand_bytes(bytes, sizeof bytes);
    bytes[6] = (unsigned char)(0x40 | (bytes[6] & 0x0F));
    bytes[8] = (unsigned char)(0x80 | (bytes[8] & 0x3F));
    char *text = arena_alloc(arena, UUID_TEXT_SIZE);
    uuid_format(bytes, text);
    return text;
}
