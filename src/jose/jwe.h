/*
 * Encrypted values, compact form (RFC 7516), with a key both sides hold: alg "dir", enc "A256GCM" and nothing
 * else, over cjose. Header parameters that change the meaning (crit, zip) are refused. Caps: 8 KiB, JSON
 * depth 32, no duplicate names. Pure functions; any thread.
 */
#ifndef JOSE_JWE_H
#define JOSE_JWE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define JWE_BYTES_MAX 8192
#define JWE_KEY_BYTES 32

struct jwe_key {
    struct str kid;
    struct str key; /* 32 bytes; any other length never fits */
};

enum jwe_result {
    JWE_OK,
    JWE_MALFORMED,   /* not the five segments of this kind */
    JWE_ALG_REFUSED, /* another alg or enc, crit, zip */
    JWE_KEY_UNKNOWN, /* no key has its kid */
    JWE_NOT_OPENED,  /* altered, or sealed with another key */
};

/* Without a kid in the header every key is tried. The failure text never holds a value from the token. */
enum jwe_result jwe_open(struct arena *arena, struct str token, const struct jwe_key *keys, size_t key_count,
                         struct str *out_plaintext, struct failure *failure) MUST_CHECK;
/* For tests; the simulator has code of its own, which shares no fault with this. An empty kid is left out. */
enum outcome jwe_seal(struct arena *arena, const struct jwe_key *key, struct str plaintext,
                      struct str *out_token, struct failure *failure) MUST_CHECK;

#endif
