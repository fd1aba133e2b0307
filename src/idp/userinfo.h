/*
 * Userinfo (UIN-1 to UIN-6): completes the claims of a checked ID token. Blocks on the network.
 */
#ifndef IDP_USERINFO_H
#define IDP_USERINFO_H

#include "idp/keys.h"
#include "idp/token.h"

/* Does nothing when the connection does not ask for it. A failure counts only when the claim that the
 * connection names (userinfo_claim) had to come from here, because the ID token lacks it or userinfo comes
 * first; else it is logged and the claims stay as they are (UIN-5). */
enum idp_result userinfo_complete(const struct idp_connection *connection, const struct provider *provider,
                                  bool is_http_allowed, struct str access_token, struct keys *keys,
                                  struct arena *arena, json_t *claims, struct idp_report *report,
                                  struct failure *failure) MUST_CHECK;

#endif
