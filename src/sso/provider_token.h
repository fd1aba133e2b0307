/*
 * The token endpoint of our OpenID provider (RFC 6749 4.1.3, OpenID Connect Core 3.1.3): an application's
 * server turns its code into an ID token and an access token, once. No refresh tokens: what they would give
 * is the session's, and that belongs to the browser.
 */
#ifndef SSO_PROVIDER_TOKEN_H
#define SSO_PROVIDER_TOKEN_H

#include "http/router.h"

http_handler provider_token_handle; /* POST /sso/oidc/token */

#endif
