/*
 * A call on the back channel (spec 3.6 to 3.14): one request of a client's server over mutual TLS, with its
 * parameters, its ids and who it proved to be. Shared by the token endpoint and revocation. Errors are
 * OAuth's: a JSON object with `error`, and never a text that tells a cause about a person.
 */
#ifndef MEDMIJ_BACK_CHANNEL_H
#define MEDMIJ_BACK_CHANNEL_H

#include "medmij/visit.h"

struct back_call {
    struct visit visit;
    enum medmij_event error_event; /* what the event log calls an error of this endpoint */
    struct form form;
    struct str client_id; /* authenticated, once back_call_authenticate said so */
    bool
        are_ids_sound; /* MedMij-Request-ID and X-Correlation-ID, as far as the configuration asks for them */
};

/* Reads parameters and ids, echoes the ids, and writes the event `received`. False when the parameters are
 * not a form in the body: answered with an error. Those of a query are in call->form all the same: a code
 * among them has been offered. */
bool back_call_begin(struct back_call *call, void *door, const struct http_request *request,
                     struct http_response *response, enum medmij_event received,
                     enum medmij_event error_event);
void back_call_end(struct back_call *call);

/* Exactly one, well-formed and not empty; otherwise answers invalid_request and returns false. */
bool back_call_require(struct back_call *call, const char *name, struct str *out_value);
/* The certificate's host is on the Whitelist, in the client list, and is client_id (spec 3.14); then the ids
 * are sound. Otherwise answers invalid_client or invalid_request, or 503 when a list is too old to tell, and
 * returns false. */
bool back_call_authenticate(struct back_call *call);

/* `cause` is English for the log and is not sent. */
void back_call_refuse(struct back_call *call, const char *error, const char *cause);
void back_call_unavailable(struct back_call *call, const char *cause); /* 503 with Retry-After */

#endif
