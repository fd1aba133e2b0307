/*
 * What applications are told of a session, in whatever form: the pieces that the hand-over, ID tokens and
 * userinfo have in common. Any thread.
 */
#ifndef SSO_SESSION_FACTS_H
#define SSO_SESSION_FACTS_H

#include "sso/professional.h"
#include "store/session.h"
#include "store/sso_catalog.h"

#include <jansson.h>

/* A joined text of the session as an array of texts. New reference. */
json_t *session_facts_list(struct str joined, char separator);

/* The patient, with its event in the audit trail (sso/patient_access.h), `warnings`, `banner`, and where to
 * land under the name `landing`. Fails closed (VIEW-9): without the event the patient stays here, and the
 * person lands on the main menu and is told. */
void session_facts_add_patient(struct professional *door, struct arena *arena, const struct sso_data *data,
                               const struct session *session, const char *landing, json_t *facts);

#endif
