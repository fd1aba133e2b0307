/*
 * Circuit breakers, one per endpoint: after a number of failures in a row an endpoint is left alone for a
 * while, so that a care provider's system that is down costs nobody the full time limit. Then one call at a
 * time may try (half open); its result closes or reopens the circuit. Any thread; one short lock. Times are
 * clock_monotonic_ms.
 */
#ifndef MEDMIJ_CIRCUIT_H
#define MEDMIJ_CIRCUIT_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct circuits;

struct circuits *circuits_new(unsigned failures_to_open, int64_t cool_down_ms);
void circuits_free(struct circuits **circuits);

/* True: call, and tell the result with circuits_leave. False: do not call now. */
bool circuits_enter(struct circuits *circuits, struct str endpoint, int64_t now_ms);

enum circuit_change { CIRCUIT_UNCHANGED, CIRCUIT_OPENED, CIRCUIT_CLOSED };
enum circuit_change circuits_leave(struct circuits *circuits, struct str endpoint, bool is_success,
                                   int64_t now_ms);

#endif
