/*
 * The encrypted patient reference of a start request (spec sso.md 2.14; vectors B.4, B.5): a compact JWE
 * (dir, A256GCM) or the raw form base64url(iv || ciphertext || tag) with the slug as associated data. Pure;
 * any thread. Fuzz target: fuzz_patient_context.
 */
#ifndef SSO_PATIENT_CONTEXT_H
#define SSO_PATIENT_CONTEXT_H

#include "base/arena.h"
#include "base/str.h"
#include "store/sso_catalog.h"

#include <stdbool.h>

enum patient_context_result {
    PATIENT_CONTEXT_OK,
    PATIENT_CONTEXT_CLEAR_BSN, /* nine digits in the clear: refused and the FAB is warned */
    PATIENT_CONTEXT_MALFORMED,
    PATIENT_CONTEXT_KEY,   /* no key of the connection opens it */
    PATIENT_CONTEXT_STALE, /* iat older than 5 minutes, or further in the future than the connection's skew */
    PATIENT_CONTEXT_BSN,   /* eleven-test */
};
const char *patient_context_rule(enum patient_context_result result); /* word for the log */

/* Nine digits, with or without separators: must not be logged, whatever parameter it came in. */
bool patient_context_is_clear(struct str text);

struct patient_context {
    struct str bsn;
    struct str jti; /* the caller refuses a jti it has seen (store/session.h replay_take) */
    int64_t issued_at;
};

/* out_context is empty unless the result is PATIENT_CONTEXT_OK. */
enum patient_context_result patient_context_open(struct arena *arena, struct str text,
                                                 const struct sso_connection *connection, struct str slug,
                                                 int64_t now, struct patient_context *out_context) MUST_CHECK;

#endif
