/*
 * Randomness and identifiers, from libsodium's generator (the operating system's CSPRNG). Any thread.
 * rand_init must have succeeded before any other call.
 */
#ifndef BASE_RAND_H
#define BASE_RAND_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

enum outcome rand_init(void) MUST_CHECK;
void rand_bytes(void *out_bytes, size_t length);
uint32_t rand_below(uint32_t limit);

#define TOKEN_BYTES 32
#define TOKEN_TEXT_LENGTH 43
/* A fresh 256-bit token, base64url without padding (43 characters): codes, tokens, states, nonces, verifiers.
 */
struct str rand_token(struct arena *arena);

#define UUID_TEXT_SIZE 37
/* UUIDv7 (RFC 9562 5.7): 48 bits of wall-clock milliseconds, then 74 random bits. Time-ordered, so inserts
 * stay at the end of an index. */
void rand_uuid7(char out_text[UUID_TEXT_SIZE]);
const char *rand_uuid7_in(struct arena *arena);
/* UUIDv4: all random; for ids that leave the house and must not tell the time. */
const char *rand_uuid4_in(struct arena *arena);

#endif
