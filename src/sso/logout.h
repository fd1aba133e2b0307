/*
 * Ending a session from here (OUT-1): POST /sso/logout, with a token of the session against forged forms. The
 * session ends first; whatever comes after cannot keep it alive.
 */
#ifndef SSO_LOGOUT_H
#define SSO_LOGOUT_H

#include "http/router.h"

http_handler logout_handle_page; /* GET /sso/logout: asks */
http_handler logout_handle;      /* POST /sso/logout */

#endif
