/*
 * What Sluis publishes about itself as a signing party: key sets (RFC 7517), for its applications and for
 * identity providers at which it proves itself with a signed assertion.
 */
#ifndef SSO_PROVIDER_METADATA_H
#define SSO_PROVIDER_METADATA_H

#include "sso/attempt.h"

/* GET {slug}/jwks: only of an active connection with client_auth private_key_jwt; otherwise 404. */
void provider_metadata_answer_keys_of(struct attempt *attempt);

#endif
