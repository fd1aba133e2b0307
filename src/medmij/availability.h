/*
 * The availability and admissibility checks (spec 6): does the provider make data of this person available,
 * or, for share, does it want to receive them? The provider's own system answers: always yes, a webhook, or a
 * search on a FHIR server. docs/availability.md is the contract for those who build the other side.
 *
 * Unknown is a verdict of its own and never "no": a failure, a time-out, an answer outside the contract and
 * an open circuit are all unknown. The BSN travels in request bodies only, never in a URL, header, log or
 * failure text.
 *
 * A checker is shared by all worker threads; availability_check blocks on the network.
 */
#ifndef MEDMIJ_AVAILABILITY_H
#define MEDMIJ_AVAILABILITY_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "medmij/scope.h"

#include <stdbool.h>
#include <stdint.h>

enum availability_mode { AVAILABILITY_ALWAYS, AVAILABILITY_WEBHOOK, AVAILABILITY_FHIR };
/* "always", "webhook", "fhir": OK or ABSENT. */
enum outcome availability_mode_from_name(struct str name, enum availability_mode *out_mode) MUST_CHECK;

/* Where one provider's answer comes from. */
struct availability_source {
    enum availability_mode mode;
    const char *url;   /* the webhook, or the base of the FHIR server */
    struct str secret; /* bearer token; empty = none */
    int64_t
        timeout_ms; /* 0 = AVAILABILITY_TIMEOUT_MS; the token endpoint has 10 s in all (core.tknint.206) */
    const char *ca_file;
    const char *client_certificate_file;
    const char *client_key_file;
    bool is_http_allowed; /* development: http to *.localhost */
};
#define AVAILABILITY_TIMEOUT_MS 4000
#define AVAILABILITY_TIMEOUT_MAX_MS 30000

struct availability_question {
    struct str provider; /* without "@medmij" */
    enum medmij_function function;
    struct str bsn;
    const struct str *services; /* 1 to SCOPE_SERVICES_MAX */
    size_t service_count;
    int64_t minimum_age; /* years; 0 = no age rule. A FHIR server's birth date is held to it */
};

/* Zero is unknown, so that an answer nobody filled is not a yes. */
enum availability_verdict { AVAILABILITY_UNKNOWN, AVAILABILITY_AVAILABLE, AVAILABILITY_NOT_AVAILABLE };

/* Why not; shown to the person (spec 5.1 autoriseren 1) and to nobody else. In rising order of what is told
 * first. */
enum availability_reason {
    REASON_NONE,
    REASON_NO_DATA,
    REASON_NOT_ADMISSIBLE,
    REASON_NO_RELATION,
    REASON_TOO_YOUNG,
};

struct availability_answer {
    /* Available when at least one service is; unknown when none is and one is unknown. */
    enum availability_verdict verdict;
    enum availability_reason reason; /* with NOT_AVAILABLE */
    struct {
        enum availability_verdict verdict;
        enum availability_reason reason;
    } services[SCOPE_SERVICES_MAX]; /* in the order of the question */
};

struct availability_settings {
    unsigned failures_to_open; /* 5: failures of an endpoint in a row that open its circuit */
    int64_t cool_down_ms;      /* 30000: how long it stays open before one call tries again */
};

struct availability_checker;
struct availability_checker *availability_new(const struct availability_settings *settings);
void availability_free(struct availability_checker **checker);

/* Fills the answer and returns its verdict; with UNKNOWN, `failure` says why. */
enum availability_verdict availability_check(struct availability_checker *checker, struct arena *arena,
                                             const struct availability_source *source,
                                             const struct availability_question *question,
                                             struct availability_answer *out_answer,
                                             struct failure *failure) MUST_CHECK;

#endif
