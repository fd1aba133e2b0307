/*
 * What an application is told of a signed-in professional, in ID tokens and at userinfo. The patient is in
 * neither of them here: it is disclosed by userinfo alone, with its audit event. Any thread.
 */
#ifndef SSO_PROVIDER_CLAIMS_H
#define SSO_PROVIDER_CLAIMS_H

#include "sso/provider_code.h"

#include <jansson.h>

#define PROVIDER_ID_TOKEN_LIFETIME_S 300

/* sub and everything that the scope gives; auth_time when the identity provider told it. FAILED when the
 * store does not tell; otherwise a new reference. */
enum outcome provider_claims(const struct professional *door, struct arena *arena,
                             const struct provider_grant *grant, const struct provider_session *session,
                             json_t **out_claims) MUST_CHECK;

/* A name for the session that leads nobody back to it. */
struct str provider_sid(const struct professional *door, struct arena *arena, struct str session_digest);

/* The same claims with those of an ID token around them, signed. Permissions, locations and groups stay out
 * when it would be more than 4 KiB with them. */
enum outcome provider_id_token(const struct professional *door, struct arena *arena, struct str issuer,
                               const struct provider_grant *grant, const struct provider_session *session,
                               struct str access_token, int64_t now, struct str *out_token) MUST_CHECK;

#endif
