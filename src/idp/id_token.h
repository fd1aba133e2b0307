/*
 * The ID token rules (IDT-1 to IDT-20), each with its own result. Pure functions of their arguments: no
 * clock, no network; any thread. IDT-14 (a nonce is used once) is the door's, which uses up the state
 * atomically.
 */
#ifndef IDP_ID_TOKEN_H
#define IDP_ID_TOKEN_H

#include "idp/connection.h"
#include "idp/login.h"
#include "jose/jws.h"

/* On IDP_OK *out_claims is a new reference. `access_token` may be empty. Failure texts hold no claim value.
 * The first rule that is broken gives the result; the report tells of every rule that could be looked at. */
enum idp_result id_token_check(struct str token, const struct jwk_set *keys,
                               const struct idp_connection *connection, const struct idp_attempt *attempt,
                               int64_t now, struct str access_token, json_t **out_claims,
                               struct idp_report *report, struct failure *failure) MUST_CHECK;

/* C15: a token that no key of the provider vouches for, and that brings one of its own (jwk, jku, x5c, x5u),
 * is refused for that (502). One that the provider's key does vouch for may bring what it likes: it is
 * ignored (IDT-3). Called once looking further for a key is over; gives `result` back otherwise. */
enum idp_result id_token_blame_own_key(enum idp_result result, struct idp_report *report,
                                       struct failure *failure) MUST_CHECK;
/* The first of those header members that is there; NULL = none. */
const char *id_token_own_key(const json_t *header);

/* The signature of whatever the provider signs (also UIN-3, OUT-4), by the algorithms and the HMAC secret of
 * the connection; `type` is a `typ` that is accepted besides JWT, or NULL. At a provider of several tenants a
 * key that says whose it is counts for that tenant only. out_alg may be NULL. */
enum jws_result id_token_verify(struct str token, const struct jwk_set *keys,
                                const struct idp_connection *connection, const char *type,
                                json_t **out_claims, const char **out_alg,
                                struct failure *failure) MUST_CHECK;
enum idp_result id_token_jws_result(enum jws_result result);

/* Rules that other signed tokens of the same provider are held to as well (UIN-3, OUT-4); their failure texts
 * do not say which token it was. */
#define ID_TOKEN_IAT_AGE_MAX_S 600 /* IDT-10 */
/* IDT-6 and IDT-7; `issuer` is who must have said it, empty for any whom the connection covers. */
enum idp_result id_token_check_parties(const json_t *claims, const struct idp_connection *connection,
                                       struct str issuer, struct failure *failure) MUST_CHECK;
/* IDT-9 to IDT-12 */
enum idp_result id_token_check_times(const json_t *claims, const struct idp_connection *connection,
                                     int64_t now, bool is_exp_required, struct failure *failure) MUST_CHECK;
/* IDT-15 */
enum idp_result id_token_check_subject(const json_t *claims, struct failure *failure) MUST_CHECK;

#endif
