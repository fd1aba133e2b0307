/*
 * The start request (spec sso.md 2.1 to 2.4, log steps 1 to 3), on the one URL that is both start and, in
 * same_url mode, redirect URI. Tells the two apart and passes a callback on to sso/callback.
 */
#ifndef SSO_START_H
#define SSO_START_H

#include "http/router.h"

http_handler start_handle; /* GET and POST /sso/openidconnect/{slug} and {slug}/callback */

#endif
