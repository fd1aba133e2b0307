/*
 * The authentication request (spec sso.md 2.3 and 2.4, steps 2 and 3 of the log): from what somebody wants to
 * a transaction and the redirect to the identity provider. A first start, a silent second one and the button
 * of an error page all end here.
 */
#ifndef SSO_REQUEST_H
#define SSO_REQUEST_H

#include "sso/attempt.h"
#include "sso/intent.h"

/* INI-3: 0, or 101, 102, 103. */
int request_check_connection(const struct sso_connection *connection) MUST_CHECK;
/* What 103 means: the names of the fields that are missing. */
json_t *request_missing_fields(const struct sso_connection *connection);

/* INI-5: per address, connection and browser. False when the attempt has been refused, and answered. */
bool request_is_within_rates(struct attempt *attempt);

/* `attempt` has its connection, and a trail with step 1. Answers it. */
void request_send(struct attempt *attempt, struct intent *intent);

/* RSP-12: the connection is what it was at the request, as far as the answer to that request goes. */
bool request_is_compatible(struct attempt *attempt, const struct intent *intent);

#endif
