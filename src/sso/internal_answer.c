#include "sso/internal_answer.h"

#include "jose/claims.h"

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
    struct str text = json_print(arena, json);
    if (text.length == 0)
        internal_answer_error(response, 503, "temporarily_unavailable");
    else
        http_response_json(response, status, text);
}

void internal_answer_error(struct http_response *response, int status, const char *error)
{
    http_response_json(response, status,
                       str_from_c(arena_printf(response->arena, "{\"error\":\"%s\"}", error)));
}

void internal_answer_refusal(struct http_response *response, enum outcome outcome)
{
    if (outcome == ABSENT)
        internal_answer_error(response, 400, "invalid_grant");
    else
        internal_answer_error(response, 503, "temporarily_unavailable");
}
