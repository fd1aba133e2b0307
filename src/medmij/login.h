/*
 * From the login button to an identified person (spec 2.1 steps 3 to 5): the round trip to the identity
 * provider, the cancelled-login page, the early availability check.
 */
#ifndef MEDMIJ_LOGIN_H
#define MEDMIJ_LOGIN_H

#include "http/router.h"
#include "medmij/visit.h"

/* Starts a login for visit->authorization with the identity provider that the form named, in a new flow
 * (flow.id empty) or again in a cancelled one; answers the request. */
void login_start(struct visit *visit, const struct form *form, struct str browser_digest);

http_handler login_handle_callback;  /* GET /oauth/callback */
http_handler login_handle_cancelled; /* GET /oauth/cancelled?flow= */
http_handler login_handle_retry;     /* POST /oauth/retry */
http_handler login_handle_close;     /* POST /oauth/close */

/* Finds the flow that the query names in this browser, at `stage`, with its authorization unpacked; answers
 * the request itself and returns false when that cannot be. */
bool login_find_flow(struct visit *visit, enum flow_stage stage);
/* The same for the form in the body, whose one-time token is checked too. */
bool login_find_form_flow(struct visit *visit, enum flow_stage stage, struct form *out_form);

#endif
