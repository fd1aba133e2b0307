/*
 * What came of a landing at a patient (VIEW-4, VIEW-5): only the application knows its patients, so it tells,
 * at POST /sso/landing on the internal listener, and the entry of that login in the numbered log is amended:
 * step 10 gets what was found, and 806 or 807 becomes a warning of the login.
 *
 * Form fields: `reference` of the landing path, `result` = found, unknown or forbidden, and with forbidden
 * optionally `patient`, the application's own id (64 printable ASCII at most; 807 keeps it). 200 {}; 409 when
 * it was told before: the first word stands; 400 invalid_grant when no live session has that reference; 503
 * while the entry is not written yet (ask again in a second), its details are gone, or the store does not
 * tell.
 */
#ifndef SSO_LANDING_REPORT_H
#define SSO_LANDING_REPORT_H

#include "http/router.h"
#include "store/exchange_log.h"

#define PATIENT_ID_MAX 64

enum landing_report_result { REPORT_FOUND, REPORT_UNKNOWN, REPORT_FORBIDDEN };

struct landing_report {
    enum landing_report_result result;
    struct str patient; /* empty = not told */
};

/* The entry as the report changes it: result, code and steps, in `arena`. ABSENT: there was a report already.
 * FAILED: the entry has no step 10 to report on. Pure. */
enum outcome landing_report_apply(struct arena *arena, const struct landing_report *report,
                                  struct exchange_entry *entry) MUST_CHECK;

http_handler landing_report_handle;

#endif
