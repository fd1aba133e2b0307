/*
 * The userinfo endpoint of our OpenID provider (OpenID Connect Core 5.3): what the ID token says of the
 * person, as long as the session lives, and the patient with whom the session was started.
 */
#ifndef SSO_PROVIDER_USERINFO_H
#define SSO_PROVIDER_USERINFO_H

#include "http/router.h"

http_handler provider_userinfo_handle; /* GET and POST /sso/oidc/userinfo */

#endif
