/*
 * What is asked of the provider's systems about a person: the early availability or admissibility check
 * between login and consent, and the mandatory one when tokens are issued (spec 6). Both talk to
 * medmij/availability; this file decides when they apply and what the answers mean for the flow.
 */
#ifndef MEDMIJ_PRECHECK_H
#define MEDMIJ_PRECHECK_H

#include "medmij/pages.h"
#include "medmij/visit.h"
#include "store/consent.h"

enum precheck_result {
    PRECHECK_GO_ON,   /* at least one service is, or may be, available: *out_services lists their ids */
    PRECHECK_NOTHING, /* surely none: autoriseren 1, with the reason */
    PRECHECK_UNKNOWN, /* the provider's system gave no answer: never taken for "not available" */
};

/* Before consent: collect and subscribe when the provider is configured so, share always; ending a
 * subscription needs no check, since withdrawing must always be possible. */
enum precheck_result precheck(struct visit *visit, struct str bsn, struct str *out_services,
                              enum no_data_reason *out_reason) MUST_CHECK;

/* At the token endpoint and at every refresh, for the services (space separated) of this consent. `provider`
 * may say that its resource server does the check at a first issue (`is_refresh` false); at a refresh it is
 * mandatory here. */
enum precheck_result check_at_token(struct visit *visit, const struct catalog_provider *provider,
                                    const struct consent *consent, struct str services, bool is_refresh,
                                    struct str *out_services) MUST_CHECK;

#endif
