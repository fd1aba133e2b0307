#include "sso/provider_metadata.h"

#include "base/log.h"

static void answer_keys(struct attempt *attempt)
{
    struct str keys;
    if (signing_jwks(attempt->door->signing, attempt->arena, &keys) != OK) {
        log_error("key_set_not_served", LOG_C("request", attempt->request->id));
        http_response_json(attempt->response, 503, STR("{\"error\":\"temporarily_unavailable\"}"));
        return;
    }
    http_response_json(attempt->response, 200, keys);
}

void provider_metadata_answer_keys_of(struct attempt *attempt)
{
    const struct sso_connection *connection = attempt->connection;
    bool is_published = connection != NULL && str_equal(connection->status, STR("active")) &&
                        str_equal(connection->client_auth, STR("private_key_jwt")) &&
                        attempt->request->method != HTTP_POST;
    if (is_published)
        answer_keys(attempt);
    else
        http_response_json(attempt->response, 404, STR("{\"error\":\"not_found\"}"));
}
