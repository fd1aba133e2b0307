/*
 * What the error catalogue says that the log holds of a failure at the identity provider (spec
 * sso.md 4.2, 4.4 to 4.6), as the member "fault" of the step that it happened in.
 */
#ifndef SSO_LOGIN_FAULT_H
#define SSO_LOGIN_FAULT_H

#include "idp/report.h"
#include "sso/attempt.h"

/* New reference. `oauth_error` as in struct idp_identity; empty when there is none. */
json_t *login_fault_facts(const struct attempt *attempt, int code, struct str oauth_error,
                          const struct idp_report *report);

#endif
