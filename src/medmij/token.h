/*
 * The token endpoint (spec 3.6 to 3.10; core.tknint.200-208): POST /oauth/token on the back listener.
 * One file per grant type: token_code.c and token_refresh.c; what they share is here.
 */
#ifndef MEDMIJ_TOKEN_H
#define MEDMIJ_TOKEN_H

#include "http/router.h"
#include "medmij/back_channel.h"
#include "store/grant.h"

http_handler token_handle; /* POST /oauth/token */

/* What became of the code that a call offers. A code retires at its first offer, whatever becomes of the rest
 * (core.tknint.204), so this comes before any other check: a caller that turns out not to be the client has a
 * code that leaked. */
struct code_offer {
    enum outcome outcome; /* ABSENT also when the call offers no single code */
    enum code_state state;
    struct grant grant;
};
struct code_offer token_retire_code(struct back_call *call);

/* The two grant types; each answers the call of an authenticated client. */
void token_by_code(struct back_call *call, const struct code_offer *offer);
void token_by_refresh(struct back_call *call);

/* Fresh tokens, and what the store keeps of them. */
struct token_pair {
    struct str access;
    struct str refresh; /* empty without long-lived consent */
    struct token_issue issue;
};
struct token_pair token_make(const struct back_call *call, struct str services, bool with_refresh);

/* Narrows *services of a consent to those that the provider still offers and that the client list allows this
 * client now. False when none is left: answered with an error. Needs token_provider first. */
bool token_narrow_services(struct back_call *call, const struct consent *consent, struct str *services);

/* The JSON of a token answer (spec 3.7). `scope` is always in it. */
struct str token_answer(struct back_call *call, const struct token_pair *pair, const struct consent *consent);
void token_send(struct back_call *call, struct str answer);

/* Fills the visit's provider for the event log and the availability check; NULL when it is not served any
 * more. */
const struct catalog_provider *token_provider(struct back_call *call, const struct consent *consent);

#endif
