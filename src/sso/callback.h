/*
 * The authorisation response (spec sso.md 2.5 to 2.14, log steps 4 to 12): from the callback to a signed-in
 * professional. Checks in the order of RSP-1 to -12; the first failure ends the attempt with its code.
 */
#ifndef SSO_CALLBACK_H
#define SSO_CALLBACK_H

#include "http/form.h"
#include "sso/attempt.h"

/* `attempt` has its connection. Answers the request. */
void callback_run(struct attempt *attempt, const struct form *response);

#endif
