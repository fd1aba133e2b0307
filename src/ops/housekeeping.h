/*
 * Taking away what has passed its time: flows (which hold sealed facts of a patient), codes, tokens,
 * sessions, one-time values, signing keys, and the numbered log after its periods (spec sso.md 5.6).
 */
#ifndef OPS_HOUSEKEEPING_H
#define OPS_HOUSEKEEPING_H

#include "sso/professional.h"

struct housekeeping {
    struct store *store;
    struct professional *door; /* an expired session leaves an entry in its log */
    int64_t answer_window_s;   /* see grant_purge */
};

/* One turn: batches of each kind by turns, until nothing is left or about two seconds have passed. A kind
 * that fails is logged, left until the next turn, and keeps no other from going. False: there is more, so a
 * turn is due soon. */
bool housekeeping_purge(const struct housekeeping *house, int64_t now) MUST_CHECK;

#endif
