/*
 * The start request (spec sso.md 2.1 to 2.4, log steps 1 to 3), on the one URL that is both start and, in
 * same_url mode, redirect URI. Tells the two apart and passes a callback on to sso/callback.
 */
#ifndef SSO_START_H
#define SSO_START_H

#include "http/router.h"
#include "sso/attempt.h"

http_handler start_handle; /* GET and POST /sso/openidconnect/{slug} and {slug}/callback */

/* A sign-on at attempt->connection, for an authorization request of an application (attempt->onward), which
 * goes on at its end. Answers the request. */
void start_for_application(struct attempt *attempt);

#endif
