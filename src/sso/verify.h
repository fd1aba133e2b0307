/*
 * Forward authentication: an application behind the same origin is asked for by its proxy, which asks
 * GET /sso/verify on the internal listener about each request first (deploy/nginx/forward-auth.conf). 200
 * with the session's facts in X-SSO-* headers, 401 without a session, 503 when it cannot be told; the proxy
 * lets 200 through and nothing else. The proxy must clear what the browser sends under these names (SES-9).
 *
 * All headers together may be 16 KB; a session with more is 503, and the log says how much it is and which is
 * the longest (session_facts_too_long). A proxy that needs no list asks without it:
 * /sso/verify?without=groups,locations (of groups, permissions, locations, warnings); any other query is 400.
 */
#ifndef SSO_VERIFY_H
#define SSO_VERIFY_H

#include "http/router.h"

http_handler verify_handle;

#endif
