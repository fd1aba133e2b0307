/*
 * How logins end, counted for /metrics: by the code of the catalogue and the environment of the connection.
 * Both are small sets, so that nobody from outside can make the list of counters grow. Any thread.
 */
#ifndef SSO_TALLY_H
#define SSO_TALLY_H

#include "base/buf.h"
#include "store/exchange_log.h"

#include <stdatomic.h>

#define TALLY_CODES 1000 /* codes have three digits; 0 is success without a remark */
#define TALLY_ENVIRONMENTS 3

struct tally { /* all zero at the start */
    atomic_uint_fast64_t logins[TALLY_ENVIRONMENTS][TALLY_CODES];
};

/* A login that has ended, with its entry as it goes to the log. */
void tally_login(struct tally *tally, const struct exchange_entry *entry);
/* OpenMetrics: one line for each pair that was counted. */
void tally_render(const struct tally *tally, struct buf *buf);

#endif
