/*
 * JSON answers of our OpenID provider's endpoints for servers. The server adds no-store to all of them. Any
 * thread.
 */
#ifndef SSO_PROVIDER_ANSWER_H
#define SSO_PROVIDER_ANSWER_H

#include "http/response.h"

#include <jansson.h>

/* Takes the reference. */
void provider_answer_json(struct http_response *response, int status, json_t *json);
/* {"error": ..., "error_description": ...} (RFC 6749 5.2). */
void provider_answer_error(struct http_response *response, int status, const char *error,
                           const char *description);

#endif
