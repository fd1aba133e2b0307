/*
 * Signed tokens of any shape, right and wrong: the health record's issuer must be able to send what no honest
 * library would make. On OpenSSL alone, so that a fault in src/jose cannot hide itself here. A key is
 * immutable; any thread may sign with it.
 */
#ifndef SIM_FORGE_H
#define SIM_FORGE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#include <jansson.h>

struct forge_key;

/* RSA 2048 with a random kid. */
enum outcome forge_key_new(struct forge_key **out_key, struct failure *failure) MUST_CHECK;
void forge_key_free(struct forge_key **key);
const char *forge_key_id(const struct forge_key *key);
/* The public half as a JWK; new reference. */
json_t *forge_key_public(const struct forge_key *key);

/* Compact JWS. The header's `alg` decides: RS256, HS256 (keyed with the PEM text of the public key: the
 * classic confusion), or none (an empty signature). FAILED for another. */
enum outcome forge_sign(const struct forge_key *key, const json_t *header, const json_t *payload,
                        struct arena *arena, struct str *out_token) MUST_CHECK;

/* AES-256-GCM, for the patient context (spec 2.14): compact JWE (dir, A256GCM), and the raw form
 * base64url(iv || ciphertext || tag) with `aad` bound in. `key` is 32 bytes. */
enum outcome forge_jwe(struct arena *arena, struct str key, const char *kid, struct str plaintext,
                       struct str *out_text) MUST_CHECK;
enum outcome forge_raw(struct arena *arena, struct str key, struct str aad, struct str plaintext,
                       struct str *out_text) MUST_CHECK;

#endif
