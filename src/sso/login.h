/*
 * What the steps of one login find out about the professional, for the steps after them: the identity (5),
 * locations, groups and permissions (6 to 8), the user (9), and the patient who came along (1).
 */
#ifndef SSO_LOGIN_H
#define SSO_LOGIN_H

#include "idp/login.h"
#include "sso/locations.h"
#include "sso/permissions.h"
#include "store/mapping.h"
#include "store/sso_user.h"

struct login {
    struct idp_identity identity; /* owned: idp_identity_free */
    struct locations locations;
    const char *location_source; /* "id_token" or "userinfo"; NULL when the claim is absent */
    struct mapping_found *found; /* one for each of the locations */
    struct permissions permissions;
    struct sso_user user;
    struct str patient_kind, patient;
};

#endif
