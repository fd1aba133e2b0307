/*
 * How often applications' servers may call our OpenID provider in vain, as INI-5 limits starts. Who guesses
 * secrets, codes or tokens fails, and an application that works does not: so failures are counted, per source
 * address and per application, and successes never. A caller with a code of ours that is still good, which
 * nobody can guess, is held to the failures with codes of that session only; so an application goes on
 * working while somebody behind the same address, or all over the world, tries its secret. A code that comes
 * again or late is no failure for ten minutes, and one after that. Any thread.
 */
#ifndef SSO_PROVIDER_LIMIT_H
#define SSO_PROVIDER_LIMIT_H

#include "sso/attempt.h"

struct provider_caller {
    struct attempt *attempt;
    const struct sso_application *claimed; /* who it says to be; NULL = nobody we know */
    struct str session; /* digest: of a code that is good, and was issued to `claimed`; empty = none */
};

/* False when it is refused, and has been answered (429, Retry-After). */
bool provider_limit_allows(const struct provider_caller *caller);
/* The call was in vain; `is_unproven`: because the caller could not prove to be `claimed`. */
void provider_limit_count(const struct provider_caller *caller, bool is_unproven);

#endif
