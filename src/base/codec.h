/*
 * Text encodings of bytes and the one digest of the program. Pure functions; any thread.
 * Decoders are strict: no other alphabet, no padding, no white space.
 */
#ifndef BASE_CODEC_H
#define BASE_CODEC_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct str codec_base64url(struct arena *arena, struct str bytes); /* without padding */
enum outcome codec_base64url_decode(struct arena *arena, struct str text, struct str *out_bytes) MUST_CHECK;
struct str codec_base64(struct arena *arena, struct str bytes); /* with padding, for HTTP Basic */
enum outcome codec_base64_decode(struct arena *arena, struct str text, struct str *out_bytes) MUST_CHECK;
struct str codec_hex(struct arena *arena, struct str bytes);
int codec_hex_digit(char c); /* 0 to 15 for a digit of either case, else -1 */

#define DIGEST_BYTES 32
/* SHA-256, raw 32 bytes: how codes, tokens, states and session ids are stored. */
struct str codec_sha256(struct arena *arena, struct str bytes);

#endif
