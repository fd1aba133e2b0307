/*
 * What both identity providers of the simulator check of their clients at the token endpoint. Belongs to the
 * request's thread.
 */
#ifndef SIM_OAUTH_H
#define SIM_OAUTH_H

#include "http/request.h"
#include "http/response.h"
#include "shelf.h"

#include <jansson.h>

/* The client's id and secret out of HTTP Basic or the body, whichever was used. FAILED: neither, or both. */
enum outcome oauth_credentials(const struct http_request *request, const struct form *form,
                               struct str *out_id, struct str *out_secret) MUST_CHECK;
/* Takes what the form's `code` was given for off the shelf; new reference. NULL when there is none, or its
 * members redirect_uri and code_challenge (RFC 7636, S256) do not fit the form: the code is spent all the
 * same. */
json_t *oauth_take_grant(struct shelf *codes, const struct http_request *request, const struct form *form);
/* An error answer of RFC 6749 5.2. */
void oauth_token_error(struct http_response *response, int status, const char *code, const char *description);
/* The token of a Bearer Authorization header; empty without one. */
struct str oauth_bearer(const struct http_request *request);
/* An error answer of RFC 6750 3.1: invalid_token. */
void oauth_refuse_bearer(struct http_response *response);
/* A word in a list with spaces between. */
bool oauth_has_word(struct str list, const char *word);
/* Sets a text member. */
void oauth_put_text(json_t *object, const char *name, struct str text);

#endif
