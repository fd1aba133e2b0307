/*
 * Signed JWTs, compact form (RFC 7515, 7519). Verification takes keys only from the caller's set; jku, jwk,
 * x5u and x5c are ignored, `crit` is refused (IDT-3), "none" does not exist here, HS* only with an explicitly
 * given secret. Caps: 64 KiB, JSON depth 32, no duplicate names. Fuzz target: tests/fuzz/fuzz_jwt.c.
 */
#ifndef JOSE_JWS_H
#define JOSE_JWS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "jose/jwk.h"

#include <jansson.h>

enum jws_result {
    JWS_OK,
    JWS_MALFORMED, /* not three base64url segments of JSON objects (IDT-1), bad typ (IDT-19), wrong JSON types
                    */
    JWS_ENCRYPTED, /* five segments */
    JWS_ALG_REFUSED,   /* not on the allow-list, none, crit present (IDT-2, IDT-3) */
    JWS_KEY_UNKNOWN,   /* no key fits the header (IDT-4): the caller may refetch once */
    JWS_BAD_SIGNATURE, /* IDT-5 */
};

struct jws_options {
    const char *const *algs; /* allow-list */
    size_t alg_count;
    const char *const *types; /* accepted `typ` values besides absent and "JWT" */
    size_t type_count;
    struct str hmac_secret; /* for HS*: at least 32 bytes, else refused; empty = HS* refused */
    /* A key that names an `issuer`, as those of Entra ID do, is tried only when it is one of these; count 0 =
     * every key is. */
    const struct str *key_issuers;
    size_t key_issuer_count;
};

/* On JWS_OK *out_payload is a new reference (a JSON object); release it with json_decref. *out_alg may be
 * NULL; it points to static text. `keys` may be NULL when only HS* is allowed. The failure text never holds a
 * value from the token. */
enum jws_result jws_verify(struct str token, const struct jwk_set *keys, const struct jws_options *options,
                           json_t **out_payload, const char **out_alg, struct failure *failure) MUST_CHECK;

/* The header of a token that nobody has vouched for, for logs. New reference. FAILED when there is none to
 * read. */
enum outcome jws_peek_header(struct str token, json_t **out_header) MUST_CHECK;

/* Signs with a private key; `type` is the typ header or NULL. */
enum outcome jws_sign(const struct jwk *key, const char *alg, const char *type, const json_t *payload,
                      struct arena *arena, struct str *out_token, struct failure *failure) MUST_CHECK;

#endif
