#include "provider.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/rand.h"
#include "http/server.h"
#include "jose/jwk.h"
#include "jose/jws.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#define ALG "ES256"

struct provider_server {
    struct jwk *key;
    char *issuer;
    char *metadata;
    char *keys;
    struct route_table table;
    struct http_workers *workers;
    struct http_server *server;
    atomic_int_fast64_t busy_ns, token_calls;
};

static void metadata_get(void *context, const struct http_request *request, struct http_response *response)
{
    (void)request;
    http_response_json(response, 200, str_from_c(((struct provider_server *)context)->metadata));
}

static void keys_get(void *context, const struct http_request *request, struct http_response *response)
{
    (void)request;
    http_response_json(response, 200, str_from_c(((struct provider_server *)context)->keys));
}

static void refuse(struct http_response *response, int status, const char *error)
{
    http_response_json(response, status,
                       str_from_c(arena_printf(response->arena, "{\"error\":\"%s\"}", error)));
}

static bool is_client(const struct http_request *request)
{
    struct str value;
    struct str pair = codec_base64(request->arena, STR(PROVIDER_CLIENT ":" PROVIDER_SECRET));
    return http_request_header(request, "Authorization", &value) == FORM_ONE &&
           str_equal(value, str_from_c(arena_printf(request->arena, "Basic %.*s", STR_ARG(pair))));
}

static void answer_tokens(const struct provider_server *provider, struct http_response *response,
                          struct str nonce, struct str person)
{
    struct arena *arena = response->arena;
    struct failure failure;
    struct str token, access = rand_token(arena);
    int64_t now = clock_now();
    json_t *claims = json_pack("{s:s, s:s%, s:s, s:I, s:I, s:s, s:s%, s:s, s:[s,s,s,s,s], s:s%}", "iss",
                               provider->issuer, "sub", person.data, person.length, "aud", PROVIDER_CLIENT,
                               "iat", (json_int_t)now, "exp", (json_int_t)(now + 300), "acr", "midden", "bsn",
                               person.data, person.length, "name", "Bente de Bench", "locaties", "1201",
                               "1202", "1203", "1204", "1205", "nonce", nonce.data, nonce.length);
    if (claims == NULL || jws_sign(provider->key, ALG, NULL, claims, arena, &token, &failure) != OK)
        refuse(response, 500, "server_error");
    else
        http_response_json(response, 200,
                           str_from_c(arena_printf(arena,
                                                   "{\"access_token\":\"%.*s\",\"token_type\":\"Bearer\","
                                                   "\"expires_in\":300,\"id_token\":\"%.*s\"}",
                                                   STR_ARG(access), STR_ARG(token))));
    json_decref(claims);
}

static void answer_token_call(const struct provider_server *provider, const struct http_request *request,
                              struct http_response *response)
{
    struct form form;
    struct str code, verifier, nonce, challenge;
    if (!is_client(request)) {
        refuse(response, 401, "invalid_client");
        return;
    }
    if (form_parse(request->arena, request->body, &form) != OK ||
        form_get(&form, "code", &code) != FORM_ONE ||
        form_get(&form, "code_verifier", &verifier) != FORM_ONE) {
        refuse(response, 400, "invalid_request");
        return;
    }
    if (!str_split_next(&code, '.', &nonce) || !str_split_next(&code, '.', &challenge) ||
        !str_equal(challenge, codec_base64url(request->arena, codec_sha256(request->arena, verifier)))) {
        refuse(response, 400, "invalid_grant");
        return;
    }
    answer_tokens(provider, response, nonce, code);
}

static int64_t thread_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void token_post(void *context, const struct http_request *request, struct http_response *response)
{
    struct provider_server *provider = context;
    int64_t began = thread_ns();
    answer_token_call(provider, request, response);
    provider->busy_ns += thread_ns() - began;
    provider->token_calls++;
}

static void nothing_here(void *context, const struct http_request *request, struct http_response *response)
{
    (void)context;
    (void)request;
    refuse(response, response->status, "not_found");
}

static const struct route routes[] = {
    {HTTP_GET, "/.well-known/openid-configuration", metadata_get, ROUTE_PLAIN},
    {HTTP_GET, "/jwks", keys_get, ROUTE_PLAIN},
    {HTTP_POST, "/token", token_post, ROUTE_PLAIN},
};

static char *keep(const char *text)
{
    char *copy = strdup(text);
    if (copy == NULL)
        abort();
    return copy;
}

static enum outcome make_documents(struct provider_server *provider, struct arena *arena, unsigned port,
                                   struct failure *failure)
{
    struct str key;
    const char *issuer = arena_printf(arena, "http://" PROVIDER_HOST ":%u", port);
    if (jwk_generate(ALG, "bench-1", &provider->key, failure) != OK)
        return FAILED;
    if (jwk_export(provider->key, arena, false, &key) != OK)
        return failure_set(failure, "the identity provider's key cannot be shown");
    provider->issuer = keep(issuer);
    provider->keys = keep(arena_printf(arena, "{\"keys\":[%.*s]}", STR_ARG(key)));
    provider->metadata = keep(arena_printf(
        arena,
        "{\"issuer\":\"%s\",\"authorization_endpoint\":\"%s/authorize\",\"token_endpoint\":\"%s/token\","
        "\"jwks_uri\":\"%s/jwks\",\"response_types_supported\":[\"code\"],"
        "\"subject_types_supported\":[\"public\"],\"id_token_signing_alg_values_supported\":[\"" ALG "\"],"
        "\"token_endpoint_auth_methods_supported\":[\"client_secret_basic\"],"
        "\"code_challenge_methods_supported\":[\"S256\"]}",
        issuer, issuer, issuer, issuer));
    return OK;
}

enum outcome provider_start(unsigned port, struct provider_server **out_provider, struct failure *failure)
{
    struct provider_server *provider = calloc(1, sizeof *provider);
    if (provider == NULL)
        abort();
    struct arena *arena = arena_new();
    provider->table = (struct route_table){
        routes, sizeof routes / sizeof *routes, provider, nothing_here, nothing_here, NULL};
    const struct http_listener_settings settings = {
        .name = "idp",
        .address = arena_printf(arena, "127.0.0.1:%u", port),
        .body_max = 16384,
        .target_max = 8192,
        .io_threads = 1,
        .connection_max = 1024,
        .idle_timeout_s = 120,
    };
    enum outcome outcome = make_documents(provider, arena, port, failure);
    if (outcome == OK)
        outcome = http_workers_start(1, &provider->workers, failure);
    if (outcome == OK)
        outcome =
            http_server_start(&settings, &provider->table, provider->workers, &provider->server, failure);
    arena_free(&arena);
    if (outcome != OK)
        provider_stop(&provider);
    else
        *out_provider = provider;
    return outcome;
}

void provider_stop(struct provider_server **provider)
{
    struct provider_server *mine = *provider;
    *provider = NULL;
    if (mine == NULL)
        return;
    (void)http_server_drain(&mine->server, 2);
    http_workers_stop(&mine->workers);
    jwk_free(&mine->key);
    free(mine->issuer);
    free(mine->metadata);
    free(mine->keys);
    free(mine);
}

const char *provider_code(struct arena *arena, struct str nonce, struct str challenge, const char *person)
{
    return arena_printf(arena, "%.*s.%.*s.%s", STR_ARG(nonce), STR_ARG(challenge), person);
}

struct provider_counters provider_read(struct provider_server *provider)
{
    if (provider == NULL)
        return (struct provider_counters){0, 0};
    return (struct provider_counters){provider->token_calls, (double)provider->busy_ns / 1e6};
}
