/*
 * What a professional may do (steps 6 to 8 of the log; spec sso.md 2.9 to 2.11): the locations in the claims,
 * the groups that the mapping table links them to, and the union of those groups' permissions under the
 * connection's ceiling. A location that the table does not know appears in it.
 */
#ifndef SSO_LOGIN_RIGHTS_H
#define SSO_LOGIN_RIGHTS_H

#include "sso/attempt.h"
#include "sso/login.h"

/* Fills in locations, found and permissions. False when the attempt has been answered. */
bool login_rights_find(struct attempt *attempt, struct login *login) MUST_CHECK;

#endif
