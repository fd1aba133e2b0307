/*
 * The encrypted patient reference of a start request (spec sso.md 2.14; vectors B.4, B.5): a compact JWE
 * (dir, A256GCM) or the raw form base64url(iv || ciphertext || tag) with the slug as associated data. Pure
 * but for the clock; any thread. Fuzz target: fuzz_patient_context.
 */
#ifndef SSO_PATIENT_CONTEXT_H
#define SSO_PATIENT_CONTEXT_H

#include "base/arena.h"
#include "base/str.h"
#include "store/sso_catalog.h"

enum patient_context_result {
    PATIENT_CONTEXT_OK,
    PATIENT_CONTEXT_CLEAR_BSN, /* nine digits in the clear: refused and the FAB is warned */
    PATIENT_CONTEXT_MALFORMED,
    PATIENT_CONTEXT_KEY,   /* no key of the connection opens it */
    PATIENT_CONTEXT_STALE, /* iat older than 5 minutes, or in the future */
    PATIENT_CONTEXT_BSN,   /* eleven-test */
};
const char *patient_context_rule(enum patient_context_result result); /* word for the log */

struct patient_context {
    struct str bsn;
    struct str jti; /* the caller refuses a jti it has seen (store/session.h replay_take) */
    int64_t issued_at;
};

enum patient_context_result patient_context_open(struct arena *arena, struct str text,
                                                 const struct sso_connection *connection, struct str slug,
                                                 int64_t now, struct patient_context *out_context) MUST_CHECK;

#endif
