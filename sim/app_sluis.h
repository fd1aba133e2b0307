/*
 * What the target application asks and tells Sluis, server to server, on Sluis' internal listener. Blocking.
 */
#ifndef SIM_APP_SLUIS_H
#define SIM_APP_SLUIS_H

#include "base/str.h"
#include "sim.h"

#include <jansson.h>

/* POST /sso/handover: who is signed in; NULL when the code is not (or no longer) good. New reference. */
json_t *app_exchange_code(const struct sim *sim, struct arena *arena, struct str code);
/* POST /sso/patient: whom the reference in a landing path stands for, behind forward authentication. ABSENT
 * when it is not one of that user; FAILED when Sluis does not tell. New reference. */
enum outcome app_ask_patient(const struct sim *sim, struct arena *arena, struct str reference,
                             struct str user, json_t **out_patient) MUST_CHECK;
/* POST /sso/landing: what came of it. `patient` is this application's own id; NULL for none. */
void app_report_landing(const struct sim *sim, struct arena *arena, struct str reference, const char *result,
                        const char *patient);

#endif
