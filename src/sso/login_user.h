/*
 * Who a professional is here (step 9 of the log; USR-1 to -6): the user of the issuer and the subject claim,
 * made at the first login, linked when the connection names a claim for that, with what came along of them.
 */
#ifndef SSO_LOGIN_USER_H
#define SSO_LOGIN_USER_H

#include "sso/attempt.h"
#include "sso/login.h"

/* Fills in the user. False when the attempt has been answered. */
bool login_user_find(struct attempt *attempt, struct login *login) MUST_CHECK;

/* A claim that may be absent, at the path that the connection names for it (USR-6): text of at most 255
 * bytes without control characters, otherwise empty. */
struct str login_claim(struct attempt *attempt, const struct login *login, struct str path);

#endif
