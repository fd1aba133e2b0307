/*
 * Token revocation (RFC 7009) on the back listener: same client authentication as the token endpoint; 200
 * whether the token was known or not. Revoking a refresh token ends the long-lived consent behind it.
 */
#ifndef MEDMIJ_REVOKE_H
#define MEDMIJ_REVOKE_H

#include "http/router.h"

http_handler revoke_handle; /* POST /oauth/revoke */

#endif
