#include "medmij/connection.h"

#define SKEW_S 60

static const char *text_or_null(struct arena *arena, struct str text)
{
    return text.length > 0 ? arena_strndup(arena, text.data, text.length) : NULL;
}

struct idp_connection connection_of_provider(struct arena *arena,
                                             const struct catalog_identity_provider *provider)
{
    struct idp_connection connection = {
        .id = arena_strndup(arena, provider->id.data, provider->id.length),
        .issuer = arena_strndup(arena, provider->issuer.data, provider->issuer.length),
        .metadata_url = text_or_null(arena, provider->metadata_url),
        .client_id = arena_strndup(arena, provider->client_id.data, provider->client_id.length),
        .client_secret = provider->client_secret,
        .client_auth = idp_client_auth_from_name(provider->client_auth),
        .scope = provider->scope.length > 0
                     ? arena_strndup(arena, provider->scope.data, provider->scope.length)
                     : "openid",
        .acr_values = text_or_null(arena, provider->acr_values),
        .is_acr_required = provider->is_acr_required,
        .userinfo = idp_userinfo_from_name(provider->userinfo),
        .userinfo_claim = text_or_null(arena, provider->bsn_claim),
        .ca_file = text_or_null(arena, provider->ca_file),
        .is_private_allowed = provider->is_private_allowed,
        .skew_s = SKEW_S,
        .max_age_s = -1,
    };
    idp_connection_set_algs(&connection, arena, provider->signing_algs);
    return connection;
}
