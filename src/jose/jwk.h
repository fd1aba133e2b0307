/*
 * JSON Web Keys (RFC 7517) and key sets, over cjose. A key set is immutable after parsing; any thread may
 * read it. Caps: 256 KiB, 64 keys, JSON depth 32, no duplicate names (MET-10). RSA >= 2048 bits, EC
 * P-256/384/521 points on the curve (IDT-4); keys that do not qualify (also symmetric and private ones, and
 * those for encryption) are left out, and counted. Fuzz target:
 * tests/fuzz/fuzz_jwks.c.
 */
#ifndef JOSE_JWK_H
#define JOSE_JWK_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct jwk;     /* one key */
struct jwk_set; /* owns its keys */

enum outcome jwk_set_parse(struct str json, struct jwk_set **out_set, struct failure *failure) MUST_CHECK;
void jwk_set_free(struct jwk_set **set);
size_t jwk_set_left_out(const struct jwk_set *set);
size_t jwk_set_count(const struct jwk_set *set);
const struct jwk *jwk_set_at(const struct jwk_set *set, size_t index);
const char *jwk_kid(const struct jwk *key); /* NULL when it has none */

/* A private key of our own (simulator, tests, and later our own issuer): RS* and PS* make RSA 2048, ES256
 * P-256 and so on. */
enum outcome jwk_generate(const char *alg, const char *kid, struct jwk **out_key,
                          struct failure *failure) MUST_CHECK;
enum outcome jwk_parse_private(struct str json, struct jwk **out_key, struct failure *failure) MUST_CHECK;
void jwk_free(struct jwk **key);
/* The JSON of the key: the public half, or all of it for keeping in a 0600 file. */
enum outcome jwk_export(const struct jwk *key, struct arena *arena, bool with_private,
                        struct str *out_json) MUST_CHECK;

#endif
