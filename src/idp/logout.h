/*
 * Logging out between us and an identity provider: the logout token that it sends (OpenID Connect
 * Back-Channel Logout 1.0; OUT-4), and the address where a browser ends its session there (RP-Initiated
 * Logout 1.0; OUT-2). Ending sessions here is the door's.
 *
 * Threads: any worker. Fuzz target: tests/fuzz/fuzz_logout_token.c.
 */
#ifndef IDP_LOGOUT_H
#define IDP_LOGOUT_H

#include "idp/login.h"
#include "jose/jwk.h"

struct logout_token {
    struct str issuer;       /* the connection's, or that of one of its tenants */
    struct str subject, sid; /* one of them may be empty */
    struct str jti;
    int64_t accepted_until; /* no clock of ours takes the token from then on: how long a jti is remembered */
};

/* Every rule of OUT-4 but "jti not seen before". Pure. On IDP_OK the texts are in `arena`. Failure texts hold
 * no claim value. */
enum idp_result logout_token_check(struct str token, const struct jwk_set *keys,
                                   const struct idp_connection *connection, int64_t now, struct arena *arena,
                                   struct logout_token *out_token, struct failure *failure) MUST_CHECK;

/* The same with the provider's keys, which may be fetched for it: again once, when the kid is unknown
 * (MET-7). */
enum idp_result logout_token_read(const struct idp *idp, const struct idp_connection *connection,
                                  struct str token, struct arena *arena, struct logout_token *out_token,
                                  struct failure *failure) MUST_CHECK;

/* The rules in the order in which they are tried, for the log. */
size_t logout_token_rules(const char *const **out_names);
/* How many of them had been kept before `result`; all of them for IDP_OK, none when the token says nothing
 * for sure or the provider could not be asked. */
size_t logout_token_rules_kept(enum idp_result result);

struct end_session {
    struct str id_token_hint;
    struct str post_logout_redirect_uri;
    struct str state;
};

/* IDP_ENDPOINT_MISSING when the provider has no end_session_endpoint. A hint that would make the address
 * longer than servers take is left out; *out_has_hint says so. */
enum idp_result logout_end_session_url(const struct idp *idp, const struct idp_connection *connection,
                                       const struct end_session *end, struct arena *arena,
                                       const char **out_url, bool *out_has_hint,
                                       struct failure *failure) MUST_CHECK;

#endif
