/*
 * An application ends the session here (OpenID Connect RP-Initiated Logout 1.0). With an ID token of the
 * session itself as id_token_hint it ends at once; otherwise anyone could have sent the browser here, and the
 * person is asked.
 */
#ifndef SSO_PROVIDER_LOGOUT_H
#define SSO_PROVIDER_LOGOUT_H

#include "http/router.h"

http_handler provider_logout_handle; /* GET and POST /sso/oidc/logout */

#endif
