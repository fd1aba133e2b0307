#include "sso/internal_answer.h"

#include <stdlib.h>

bool internal_read_form(const struct http_request *request, struct http_response *response,
                        struct form *out_form)
{
    if (http_request_has_content_type(request, "application/x-www-form-urlencoded") &&
        form_parse(request->arena, request->body, out_form) == OK)
        return true;
    internal_answer_error(response, 400, "invalid_request");
    return false;
}

void internal_answer_json(struct arena *arena, struct http_response *response, int status, json_t *json)
{
    char *dumped = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    if (dumped == NULL) {
        internal_answer_error(response, 503, "temporarily_unavailable");
        return;
    }
    http_response_json(response, status, str_copy(arena, str_from_c(dumped)));
    free(dumped);
}

void internal_answer_error(struct http_response *response, int status, const char *error)
{
    http_response_json(response, status,
                       str_from_c(arena_printf(response->arena, "{\"error\":\"%s\"}", error)));
}
