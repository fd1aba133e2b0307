/*
 * What the endpoints of the internal listener have in common: a form comes in, JSON goes out. Any thread.
 */
#ifndef SSO_INTERNAL_ANSWER_H
#define SSO_INTERNAL_ANSWER_H

#include "http/form.h"
#include "http/request.h"
#include "http/response.h"

#include <jansson.h>
#include <stdbool.h>

/* The form in the body; without one the request is answered as invalid_request, and it is false. */
bool internal_read_form(const struct http_request *request, struct http_response *response,
                        struct form *out_form);
/* `json` is stolen. */
void internal_answer_json(struct arena *arena, struct http_response *response, int status, json_t *json);
/* {"error": "..."}; `error` is a literal. */
void internal_answer_error(struct http_response *response, int status, const char *error);
/* What was presented leads to nothing (ABSENT: 400 invalid_grant), or the store does not tell (FAILED: 503).
 */
void internal_answer_refusal(struct http_response *response, enum outcome outcome);

#endif
