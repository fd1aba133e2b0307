#include "sso/provider_answer.h"

#include "jose/claims.h"

void provider_answer_json(struct http_response *response, int status, json_t *json)
{
    struct str text = json_print(response->arena, json);
    if (text.length > 0)
        http_response_json(response, status, text); /* without one the server answers 500 */
}

void provider_answer_error(struct http_response *response, int status, const char *error,
                           const char *description)
{
    provider_answer_json(response, status,
                         json_pack("{s:s, s:s}", "error", error, "error_description", description));
}
