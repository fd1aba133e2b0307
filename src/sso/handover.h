/*
 * Handing a signed-in professional over to the application (issue point 6):
 *
 *   (a) forward authentication: the application lives behind the same origin, and its proxy asks GET
 * /sso/verify on the internal listener for each request. 200 with X-SSO-* headers, or 401. The proxy must
 * strip look-alikes first. (b) a one-time code: the browser is sent to the application's own address with
 * ?code=, which the application's server exchanges at POST /sso/handover on the internal listener for the
 * session's facts as JSON. Works once, one minute.
 *
 * A connection whose `application` is a URL uses (b); an empty one uses (a).
 */
#ifndef SSO_HANDOVER_H
#define SSO_HANDOVER_H

#include "http/router.h"
#include "sso/attempt.h"

/* Where the browser goes after a login; lives in the attempt's arena. */
const char *handover_url(struct attempt *attempt, const struct session *session);

http_handler handover_handle_verify;   /* GET /sso/verify */
http_handler handover_handle_exchange; /* POST /sso/handover */

#endif
