/*
 * Signing with Sluis's own keys (store/signing_key.h): ID tokens, hand-over tokens and client assertions, and
 * the key set that others verify them with. The keys are kept in the process; the housekeeper sees to it that
 * a rotation on any node is known here within seconds. The first use ever makes the first key.
 *
 * Any thread; signing_refresh is for the housekeeper alone.
 */
#ifndef SSO_SIGNING_H
#define SSO_SIGNING_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "jose/jwk.h"
#include "store/signing_key.h"

#include <jansson.h>

#define SIGNING_ALG "RS256" /* what every client understands (OpenID Connect Core 15.1) */

struct signing;

struct signing *signing_new(struct store *store); /* the store outlives it */
void signing_free(struct signing **signing);
/* Reads the keys again when they changed; a failure keeps those that are there. */
void signing_refresh(struct signing *signing);

/* A JWT of the claims, with the key that is active now; `type` is its typ header or NULL. */
enum outcome signing_sign(struct signing *signing, const char *type, const json_t *claims,
                          struct arena *arena, struct str *out_token, struct failure *failure) MUST_CHECK;
/* The public keys as a JSON Web Key Set (RFC 7517 5). FAILED when the store does not tell. */
enum outcome signing_jwks(struct signing *signing, struct arena *arena, struct str *out_json) MUST_CHECK;
/* The claims of a JWT that one of our published keys signed; whether it has expired is the caller's to check.
 * ABSENT for any other text. *out_claims is a new reference. */
enum outcome signing_verify(struct signing *signing, struct str token, json_t **out_claims) MUST_CHECK;

/* A key that is not in any store yet; active_at is the caller's to fill. In the arena. */
enum outcome signing_make_key(struct arena *arena, struct signing_key *out_key,
                              struct failure *failure) MUST_CHECK;

#endif
