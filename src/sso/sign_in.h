/*
 * The end of a login that went well (steps 10 and 11 of the log): the page to land on, the session, and the
 * way to the application. What the steps before found out about the professional travels in struct login.
 */
#ifndef SSO_SIGN_IN_H
#define SSO_SIGN_IN_H

#include "sso/attempt.h"
#include "sso/locations.h"
#include "sso/permissions.h"
#include "store/mapping.h"
#include "store/sso_user.h"

/* Everything of one login that later steps need from earlier ones. */
struct login {
    struct idp_identity identity;
    struct locations locations;
    const char *location_source; /* "id_token" or "userinfo"; NULL when the claim is absent */
    struct mapping_found *found;
    struct permissions permissions;
    struct sso_user user;
    struct str patient_kind, patient;
};

/* Answers the request: on to the application with a new session, or an error page. */
void sign_in_open(struct attempt *attempt, struct login *login);

#endif
