/*
 * The reference of a login attempt (spec sso.md 4.0): "SSO-yyyymmdd-" and eight characters of Crockford's
 * base32, which leaves out I, L, O and U because people read it over the telephone. The date is UTC. Any
 * thread.
 */
#ifndef SSO_REFERENCE_H
#define SSO_REFERENCE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define REFERENCE_LENGTH 21

/* Forty random bits a day make a repeat rare, not impossible: `now` is in seconds. */
struct str reference_new(struct arena *arena, int64_t now);
/* As a person types it: any case, spaces around it, I and L for 1, O for 0. FAILED when it is none. */
enum outcome reference_read(struct arena *arena, struct str text, struct str *out_reference) MUST_CHECK;

#endif
