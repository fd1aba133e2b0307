#include "sso/provider_metadata.h"

#include "base/log.h"
#include "jose/claims.h"
#include "sso/provider_answer.h"
#include "sso/provider_client.h"

/* ---- metadata ---- */

static void put_words(json_t *metadata, const char *name, const char *words)
{
    json_t *list = json_array();
    struct str rest = str_from_c(words), word;
    while (str_split_next(&rest, ' ', &word))
        json_array_append_new(list, json_text(word));
    json_object_set_new(metadata, name, list);
}

static void put_endpoint(json_t *metadata, struct arena *arena, const char *name, struct str issuer,
                         const char *path)
{
    json_object_set_new(metadata, name, json_string(arena_printf(arena, "%.*s/%s", STR_ARG(issuer), path)));
}

static json_t *metadata_of(struct arena *arena, const struct sso_host *host)
{
    struct str issuer = provider_issuer(arena, host);
    json_t *metadata = json_object();
    json_object_set_new(metadata, "issuer", json_text(issuer));
    put_endpoint(metadata, arena, "authorization_endpoint", issuer, "authorize");
    put_endpoint(metadata, arena, "token_endpoint", issuer, "token");
    put_endpoint(metadata, arena, "userinfo_endpoint", issuer, "userinfo");
    put_endpoint(metadata, arena, "jwks_uri", issuer, "jwks");
    put_endpoint(metadata, arena, "end_session_endpoint", issuer, "logout");
    put_words(metadata, "scopes_supported", "openid profile email");
    put_words(metadata, "response_types_supported", "code");
    put_words(metadata, "response_modes_supported", "query");
    put_words(metadata, "grant_types_supported", "authorization_code");
    put_words(metadata, "subject_types_supported", "public");
    put_words(metadata, "id_token_signing_alg_values_supported", SIGNING_ALG);
    put_words(metadata, "token_endpoint_auth_methods_supported",
              "client_secret_basic client_secret_post none");
    put_words(metadata, "code_challenge_methods_supported", "S256");
    put_words(metadata, "prompt_values_supported", "none login");
    put_words(metadata, "claims_supported",
              "sub iss aud exp iat auth_time nonce at_hash acr sid name email permissions locations groups "
              "connection environment landing limited patient warnings banner");
    json_object_set_new(metadata, "authorization_response_iss_parameter_supported", json_true());
    json_object_set_new(metadata, "claims_parameter_supported", json_false());
    json_object_set_new(metadata, "request_parameter_supported", json_false());
    json_object_set_new(metadata, "request_uri_parameter_supported", json_false());
    return metadata;
}

static void answer_not_found(struct attempt *attempt)
{
    provider_answer_error(attempt->response, 404, "not_found", "there is nothing at this address");
}

void provider_metadata_handle(void *door, const struct http_request *request, struct http_response *response)
{
    struct attempt attempt = attempt_begin(door, request, response);
    if (attempt.host == NULL)
        answer_not_found(&attempt);
    else
        provider_answer_json(response, 200, metadata_of(attempt.arena, attempt.host));
    attempt_end(&attempt);
}

/* ---- keys ---- */

static void answer_keys(struct attempt *attempt)
{
    struct str keys;
    if (signing_jwks(attempt->door->signing, attempt->arena, &keys) != OK) {
        log_error("key_set_not_served", LOG_C("request", attempt->request->id));
        provider_answer_error(attempt->response, 503, "temporarily_unavailable", "the store failed");
        return;
    }
    http_response_json(attempt->response, 200, keys);
}

void provider_metadata_handle_keys(void *door, const struct http_request *request,
                                   struct http_response *response)
{
    struct attempt attempt = attempt_begin(door, request, response);
    if (attempt.host == NULL)
        answer_not_found(&attempt);
    else
        answer_keys(&attempt);
    attempt_end(&attempt);
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
        answer_not_found(attempt);
}
