/*
 * What Sluis publishes about itself: the metadata of its OpenID provider (OpenID Connect Discovery 3), and
 * key sets (RFC 7517), for its applications and for identity providers at which it proves itself with a
 * signed assertion.
 */
#ifndef SSO_PROVIDER_METADATA_H
#define SSO_PROVIDER_METADATA_H

#include "sso/attempt.h"

http_handler provider_metadata_handle;      /* GET /sso/oidc/.well-known/openid-configuration */
http_handler provider_metadata_handle_keys; /* GET /sso/oidc/jwks */

/* GET {slug}/jwks: only of an active connection with client_auth private_key_jwt; otherwise 404. */
void provider_metadata_answer_keys_of(struct attempt *attempt);

#endif
