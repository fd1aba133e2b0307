/*
 * The one way in which the patient of a session reaches an application (VIEW-9, AUD-4): the event is written
 * to the audit trail first, and without it nothing is told. Used by the hand-over (POST /sso/handover), by
 * POST /sso/patient for applications behind forward authentication, and by whatever else tells an application
 * who the patient is: userinfo of Sluis as a provider calls patient_access_open with the session of the
 * token, leaves the patient out when it is ABSENT, and leaves it out with VIEWS_BANNER_PATIENT (sso/views.h)
 * when it FAILED.
 *
 * A session has one patient, and its event is written once: a page that is loaded again gets the same answer.
 */
#ifndef SSO_PATIENT_ACCESS_H
#define SSO_PATIENT_ACCESS_H

#include "http/router.h"
#include "sso/professional.h"
#include "store/session.h"

struct patient_disclosure {
    struct str reference; /* what stands in the landing path */
    struct str kind;      /* "external_id" or "bsn" */
    struct str value;     /* never to a log, URL or failure text */
};

/* ABSENT: the session has no patient, or has ended meanwhile. FAILED: the event could not be written. */
enum outcome patient_access_open(struct professional *door, struct arena *arena,
                                 const struct session *session, int64_t now,
                                 struct patient_disclosure *out_patient) MUST_CHECK;

#define PATIENT_ACCESS_ACTION "patient_access" /* in the audit trail */

/* Whom the trail calls so: a keyed hash, by which the accesses of one patient are found again. An external id
 * says something within its customer only; a BSN has the hash of the consent register. */
struct str patient_access_subject(const struct vault *vault, struct arena *arena, struct str kind,
                                  struct str customer_key, struct str value);

/* POST /sso/patient on the internal listener: `reference` of the landing path and `user`, who opened that
 * page (X-SSO-User). 200 with reference, kind and value; 400 invalid_grant when there is no such session of
 * that user; 503 when the event cannot be written or the store does not tell. */
http_handler patient_access_handle;

#endif
