/*
 * What the PGO's server does behind the browser's back: tokens from Sluis over mutual TLS, data from the
 * resource server. A connection is a JSON object:
 *
 *   provider, function, service, days    what was asked
 *   correlation_id                       X-Correlation-ID, sent along with every call
 *   access_token, refresh_token, scope   what Sluis gave; the token members are absent when there is none
 *   expires_at                           seconds
 *   services                             what came: [{service, name, error, items:[{title, detail, date}]}]
 *   error                                {code, text} of the last call to Sluis, absent when it went well
 *
 * Blocking; worker threads only.
 */
#ifndef SIM_PGO_CALLS_H
#define SIM_PGO_CALLS_H

#include "sim.h"

#include <jansson.h>

/* Exchanges the code; false when `error` was set. */
bool pgo_redeem(const struct sim *sim, struct arena *arena, json_t *connection, struct str code);
/* New tokens for the refresh token; the old one is forgotten only when the answer was good or said no. */
bool pgo_renew(const struct sim *sim, struct arena *arena, json_t *connection);
/* Ends the refresh token, or the access token when there is none. */
bool pgo_end(const struct sim *sim, struct arena *arena, json_t *connection);
/* Uses the access token as the function wants: collects, shares or subscribes. Fills `services`. */
void pgo_use(const struct sim *sim, struct arena *arena, json_t *connection);

#endif
