/*
 * What both identity providers of the simulator check of their clients at the token endpoint. Belongs to the
 * request's thread.
 */
#ifndef SIM_OAUTH_H
#define SIM_OAUTH_H

#include "http/request.h"
#include "http/response.h"

#include <jansson.h>

/* The client's id and secret out of HTTP Basic or the body, whichever was used. FAILED: neither, or both. */
enum outcome oauth_credentials(const struct http_request *request, const struct form *form,
                               struct str *out_id, struct str *out_secret) MUST_CHECK;
/* RFC 7636, S256: does the verifier belong to member code_challenge of what was asked? */
bool oauth_is_verifier_of(struct arena *arena, struct str verifier, const json_t *asked);
/* An error answer of RFC 6749 5.2. */
void oauth_token_error(struct http_response *response, int status, const char *code, const char *description);
/* A word in a list with spaces between. */
bool oauth_has_word(struct str list, const char *word);
/* Sets a text member. */
void oauth_put_text(json_t *object, const char *name, struct str text);

#endif
