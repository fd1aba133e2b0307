/*
 * Logging out from here: local (OUT-1), and after that at the identity provider when the connection says so
 * (OUT-2: off, ask, always). The session ends in the store before anything is answered; whatever comes after
 * cannot keep it alive. A form carries a token of the session against forged ones.
 *
 * The way to the provider and back is a flow with a state of its own, bound to the browser (OUT-3); the entry
 * of the log (steps 21 and 22) travels in it.
 */
#ifndef SSO_LOGOUT_H
#define SSO_LOGOUT_H

#include "base/str.h"
#include "http/router.h"

struct attempt;

http_handler logout_handle_page; /* GET /sso/logout: asks */
http_handler logout_handle;      /* POST /sso/logout */

/* An application ends the session of this browser (`digest`) in a way that needs no form: as POST /sso/logout
 * does, and then the browser goes to `onward` (NULL = our page), unless the connection says that logging out
 * always leads to the provider. Answers the request. */
void logout_end(struct attempt *attempt, struct str digest, const char *onward);

/* GET {slug}/logged-out, for sso/start: back from the provider. */
void logout_take_return(struct attempt *attempt);

#endif
