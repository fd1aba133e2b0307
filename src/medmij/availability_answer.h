/*
 * What the two kinds of endpoint answer, read into a typed answer. Pure functions; any thread. Fuzz target:
 * tests/fuzz/fuzz_availability.c.
 *
 * FAILED: outside the contract; that counts against the endpoint. OK: within it, though the verdict may still
 * be unknown (a birth date that is not there); `failure` then says why. No text of the answer is repeated in
 * a failure.
 */
#ifndef MEDMIJ_AVAILABILITY_ANSWER_H
#define MEDMIJ_AVAILABILITY_ANSWER_H

#include "medmij/availability.h"

#define BSN_SYSTEM "http://fhir.nl/fhir/NamingSystem/bsn"

enum outcome availability_read_webhook(struct str body, const struct availability_question *question,
                                       struct availability_answer *out_answer,
                                       struct failure *failure) MUST_CHECK;

/* A calendar day, as it is in the Netherlands when the person asks. */
struct day {
    int year, month, day;
};
/* A FHIR Bundle that answers a search for the patient with this BSN. */
enum outcome availability_read_bundle(struct str body, const struct availability_question *question,
                                      struct day today, struct availability_answer *out_answer,
                                      struct failure *failure) MUST_CHECK;

enum age_verdict { AGE_REACHED, AGE_NOT_REACHED, AGE_UNDECIDED };
/* A FHIR date (YYYY, YYYY-MM or YYYY-MM-DD) against an age; undecided when the precision, or the text, is too
 * poor. */
enum age_verdict availability_judge_age(struct str birth_date, struct day today, int64_t minimum_age);

/* The same verdict for every service, and overall. */
void availability_answer_all(const struct availability_question *question, enum availability_verdict verdict,
                             enum availability_reason reason, struct availability_answer *out_answer);

#endif
