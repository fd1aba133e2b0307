/*
 * What the Authentication Client reports of a login (idp/report.h), as steps 2, 4 and 5 of the numbered log
 * (spec sso.md 5.2), with what the error catalogue says that the log holds of each failure (4.2 to 4.6).
 * Claims are shown by an allow-list of names (4.11); of everything else there are names, kinds and digests.
 */
#ifndef SSO_LOGIN_REPORT_H
#define SSO_LOGIN_REPORT_H

#include "idp/login.h"
#include "sso/attempt.h"

/* Step 2, after idp_start, whatever became of it. */
void login_report_connection(struct attempt *attempt, enum idp_result result,
                             const struct idp_report *report);

/* After idp_finish: step 4 and, when the answer was sound, step 5. `code` is sso_error_of_idp of `result`. */
void login_report_callback(struct attempt *attempt, const struct form *response, enum idp_result result,
                           int code, struct str oauth_error, const struct idp_report *report);

#endif
