/*
 * Fictional records as FHIR resources: what each test person has at each provider, per service.
 * Constant data; any thread.
 */
#ifndef SIM_FHIR_DATA_H
#define SIM_FHIR_DATA_H

#include "facts.h"

#include <jansson.h>

#define FHIR_BSN_SYSTEM "http://fhir.nl/fhir/NamingSystem/bsn"

/* A searchset Bundle of `type` resources; empty for a type that the service does not hold. New reference. */
json_t *fhir_search(const struct fact_provider *provider, const struct fact_service *service,
                    const struct fact_person *person, struct str type, int64_t now);
/* An OperationOutcome with one error. New reference. */
json_t *fhir_fault(const char *code, const char *text);
/* A Bundle with the one Patient, or an empty one for NULL. New reference. */
json_t *fhir_patient_bundle(const struct fact_person *person, int64_t now);

#endif
