/*
 * The end of a login that went well (steps 10 and 11 of the log): the page to land on, the session, and the
 * way to the application.
 */
#ifndef SSO_SIGN_IN_H
#define SSO_SIGN_IN_H

#include "sso/attempt.h"
#include "sso/login.h"

/* Answers the request: on to the application with a new session, or an error page. */
void sign_in_open(struct attempt *attempt, struct login *login);

#endif
