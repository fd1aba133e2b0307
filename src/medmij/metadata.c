#include "medmij/metadata.h"

#include "base/buf.h"
#include "medmij/door.h"

void metadata_handle(void *context, const struct http_request *request, struct http_response *response)
{
    struct door *door = context;
    const struct conf *conf = atomic_load(&door->conf);
    const struct {
        const char *name;
        const char *value;
    } urls[] = {
        {"issuer", conf->base_url},
        {"authorization_endpoint", arena_printf(request->arena, "%s/oauth/authorize", conf->base_url)},
        {"token_endpoint", arena_printf(request->arena, "%s/oauth/token", conf->token_base_url)},
        {"revocation_endpoint", arena_printf(request->arena, "%s/oauth/revoke", conf->token_base_url)},
    };
    struct buf json = buf_new(request->arena, 4096);
    buf_append_char(&json, '{');
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        buf_printf(&json, "\"%s\":", urls[i].name);
        buf_append_json_string(&json, str_from_c(urls[i].value));
        buf_append_char(&json, ',');
    }
    buf_append_c(&json, "\"response_types_supported\":[\"code\"],"
                        "\"response_modes_supported\":[\"query\"],"
                        "\"grant_types_supported\":[\"authorization_code\",\"refresh_token\"],"
                        "\"token_endpoint_auth_methods_supported\":[\"tls_client_auth\"],"
                        "\"revocation_endpoint_auth_methods_supported\":[\"tls_client_auth\"],"
                        "\"ui_locales_supported\":[\"nl\"]");
    if (conf->is_pkce_used)
        buf_append_c(&json, ",\"code_challenge_methods_supported\":[\"S256\"]");
    buf_append_char(&json, '}');
    http_response_json(response, 200, buf_str(&json));
}
