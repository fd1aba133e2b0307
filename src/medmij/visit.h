/*
 * A visit: one HTTP request at the patient's door with everything its handler reads: the configuration, the
 * list and catalogue snapshots it started with, and the authorization request and flow once they are known.
 * Lives on the handler's stack from visit_begin to visit_end; what the response refers to lives in the
 * request's arena.
 */
#ifndef MEDMIJ_VISIT_H
#define MEDMIJ_VISIT_H

#include "base/arena.h"
#include "base/str.h"
#include "http/request.h"
#include "http/response.h"
#include "medmij/authorization.h"
#include "medmij/door.h"
#include "store/flow.h"

#include <stdbool.h>
#include <stdint.h>

struct visit {
    struct door *door;
    const struct conf *conf;
    const struct http_request *request;
    struct http_response *response;
    struct arena *arena;
    struct lists_snapshot *lists;
    struct cached_snapshot *catalog;
    int64_t now;
    struct authorization authorization; /* of this visit, once read or unpacked */
    struct str grant_type;              /* of a token request, for the event log */
    struct flow flow;                   /* once found; id empty before */
};

struct visit visit_begin(void *door, const struct http_request *request, struct http_response *response);
void visit_end(struct visit *visit);

/* Writes the event with the visit's ids, client, provider and status. `error_code` may be NULL. */
void visit_event(const struct visit *visit, enum medmij_event event, const char *error_code);

/* redirect_uri?error=...&state=...: the one place where such a redirect is made, so that "no data" and
 * "refused" are the same bytes (spec 5.2). NULL when no redirect URI was checked. */
const char *visit_back_url(const struct visit *visit, const char *error_code);

/* The one-time token of the forms on a flow's cancelled-login page: derived, so that showing the page again
 * needs no write, and not guessable without the vault's key. */
struct str visit_form_token(const struct visit *visit, struct str flow_id);

#define FLOW_DOOR "medmij"

#endif
