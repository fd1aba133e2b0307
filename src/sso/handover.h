/*
 * Handing a signed-in professional over to an application at another address, by a one-time code: the browser
 * is sent there with ?code=, which the application's server exchanges at POST /sso/handover on the internal
 * listener for the session's facts as JSON, or as a signed JWT when it asks for one. Works once, one minute.
 * With handover `openid` the browser comes with ?iss= instead, and the application logs it in at our OpenID
 * provider.
 *
 * A connection without such an application has it behind the same origin: sso/verify.
 */
#ifndef SSO_HANDOVER_H
#define SSO_HANDOVER_H

#include "http/router.h"
#include "sso/attempt.h"

/* Where the browser goes after a login; lives in the attempt's arena. */
const char *handover_url(struct attempt *attempt, const struct session *session);

http_handler handover_handle_exchange; /* POST /sso/handover */

#endif
