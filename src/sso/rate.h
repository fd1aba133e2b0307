/*
 * How many logins may be started (INI-5): per source address and per connection, and per browser on one
 * connection as long as none succeeds (spec sso.md 6.4, pain 9: a loop); and how often the endpoints for
 * applications' servers may be called in vain (sso/provider_limit.h). Counted in the memory of this node,
 * in tables of a fixed size with a hash that is keyed anew at each start. A source address is an IPv4 address
 * or the /64 of an IPv6 address.
 *
 * Threads: any; the lock is held while counting and for nothing else. No call allocates.
 */
#ifndef SSO_RATE_H
#define SSO_RATE_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct rate;

struct rate *rate_new(void);
void rate_free(struct rate **rate);

/* Why, as the cause of error 106. */
enum rate_refusal {
    RATE_ALLOWED = 0,
    RATE_ADDRESS = 'a',
    RATE_CONNECTION = 'b',
    RATE_LOOP = 'c',
    /* no causes of an error page: calls of servers */
    RATE_FAILED_ADDRESS = 'd',
    RATE_FAILED_CLIENT = 'e',
    RATE_FAILED_SESSION = 'f',
};

struct rate_limit {
    int64_t per_minute; /* above 0 */
    int64_t burst;      /* at once, out of a pause; above 0 */
};

struct rate_verdict {
    enum rate_refusal refusal;
    int retry_after_s; /* of a refusal; at least 1 */
    bool is_logged;    /* of a refusal: the first of its counter in a minute, and a log may hold it */
    int64_t unlogged;  /* refusals since the last that was logged, of all counters */
};

/* Takes one start of this address. What is no address at all is counted as one. `now_ms` is
 * clock_monotonic_ms, as below. */
struct rate_verdict rate_take_address(struct rate *rate, struct str address, struct rate_limit limit,
                                      int64_t now_ms);
struct rate_verdict rate_take_connection(struct rate *rate, struct str connection, struct rate_limit limit,
                                         int64_t now_ms);

#define RATE_LOOP_STARTS_MAX 20
#define RATE_LOOP_MS 30000
/* More than `starts` (1 to RATE_LOOP_STARTS_MAX) of one browser (digest of its cookie) on one connection
 * within RATE_LOOP_MS, without rate_forget_browser in between. */
struct rate_verdict rate_take_browser(struct rate *rate, struct str browser, struct str connection,
                                      int starts, int64_t now_ms);
/* A login succeeded. */
void rate_forget_browser(struct rate *rate, struct str browser, struct str connection);

/* Whose failures: RATE_FAILED_ADDRESS with an address as above, the others with a name that is not guessed.
 */
struct rate_failures {
    enum rate_refusal of;
    struct str key;
    struct rate_limit limit;
};
/* Whether there is room for one more; counts nothing, so that who never fails is never refused. */
struct rate_verdict rate_check_failures(struct rate *rate, const struct rate_failures *failures,
                                        int64_t now_ms);
void rate_add_failure(struct rate *rate, const struct rate_failures *failures, int64_t now_ms);

#endif
