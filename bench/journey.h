/*
 * What one simulated person with a PGO does at the patient's door: browser, identity provider's answer and
 * PGO server in one. A traveller belongs to one thread and has its own kept connections.
 */
#ifndef BENCH_JOURNEY_H
#define BENCH_JOURNEY_H

#include "base/rand.h"
#include "wire.h"

/* Where everything is. */
struct scene {
    unsigned front_port, back_port, internal_port, peer_port;
    SSL_CTX *tls; /* the PGO's */
};

#define CLIENT_HOST "pgo.localhost"
#define CLIENT_REDIRECT "https://" CLIENT_HOST "/callback"
#define PROVIDER_NAME "huisartsdeduinen"
#define PERSON_BSN "999990019"

/* A code that is not redeemed yet, with the correlation id of its authorization request. */
struct ticket {
    char code[TOKEN_TEXT_LENGTH + 1];
    char session[UUID_TEXT_SIZE];
};

struct traveller {
    struct arena *arena; /* emptied before each operation */
    struct wire *front, *back, *internal, *peer;
    struct ticket *tickets;
    size_t ticket_count, ticket_capacity;
    char access[TOKEN_TEXT_LENGTH + 1]; /* of the last answer of the token endpoint */
    char refresh[TOKEN_TEXT_LENGTH + 1];
};

void traveller_open(struct traveller *traveller, const struct scene *scene);
void traveller_close(struct traveller *traveller);

/* Each is one operation of a measurement. ABSENT: nothing left to do it with. */
typedef enum outcome operation(struct traveller *traveller, struct failure *failure);

operation journey_authorize;  /* everything: request, landing, login, callback, consent, code, tokens */
operation journey_get_ticket; /* the same up to the code, which is kept */
operation journey_redeem;     /* a kept code for tokens */
operation journey_refresh;    /* the last refresh token for the next */
operation journey_introspect; /* the last access token */

#endif
