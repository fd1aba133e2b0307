/*
 * How logins end, counted for /metrics: by the code of the catalogue and the environment of the connection;
 * and what our OpenID provider refuses to applications' servers.
 * Both are small sets, so that nobody from outside can make the list of counters grow. Any thread.
 */
#ifndef SSO_TALLY_H
#define SSO_TALLY_H

#include "base/buf.h"
#include "store/exchange_log.h"

#include <stdatomic.h>

#define TALLY_CODES 1000 /* codes have three digits; 0 is success without a remark */
#define TALLY_ENVIRONMENTS 3

/* Calls of applications' servers that our OpenID provider refused. */
enum tally_refusal {
    TALLY_INVALID_REQUEST,
    TALLY_INVALID_CLIENT,
    TALLY_INVALID_GRANT,
    TALLY_GRANT_TYPE,
    TALLY_CODE_REPLAYED,
    TALLY_INVALID_TOKEN,
    TALLY_LIMITED, /* not looked at: too many failures came before */
    TALLY_UNAVAILABLE,
};
#define TALLY_REFUSALS 8

struct tally { /* all zero at the start */
    atomic_uint_fast64_t logins[TALLY_ENVIRONMENTS][TALLY_CODES];
    atomic_uint_fast64_t refusals[TALLY_REFUSALS];
};

/* A login that has ended, with its entry as it goes to the log. */
void tally_login(struct tally *tally, const struct exchange_entry *entry);
void tally_refusal(struct tally *tally, enum tally_refusal refusal);
/* OpenMetrics: one line for each pair of environment and code that was counted, and for each refusal. */
void tally_render(const struct tally *tally, struct buf *buf);

#endif
