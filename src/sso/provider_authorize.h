/*
 * The authorization endpoint of our OpenID provider: an application asks who is there. With a live session of
 * a connection that it serves the answer is a code at once; otherwise the ordinary sign-on of that connection
 * comes first, which keeps the request in its flow and goes on with it at its end.
 */
#ifndef SSO_PROVIDER_AUTHORIZE_H
#define SSO_PROVIDER_AUTHORIZE_H

#include "sso/attempt.h"

http_handler provider_authorize_handle; /* GET and POST /sso/oidc/authorize */

/* Where the browser goes after the sign-on that attempt->onward waited for: back to the application, with a
 * code or an error. NULL when the application has gone meanwhile. */
const char *provider_authorize_onward(struct attempt *attempt, const struct session *session);

#endif
