/* One complete authorization at npm oidc-provider with its own interaction pages (bench/peer.mjs), for
 * comparison. */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include "journey.h"

operation peer_authorize;

#endif
