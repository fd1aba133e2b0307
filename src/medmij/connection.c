#include "medmij/connection.h"

#define ALGS_MAX 8
#define SKEW_S 60

static const char *text_or_null(struct arena *arena, struct str text)
{
    return text.length > 0 ? arena_strndup(arena, text.data, text.length) : NULL;
}

static enum idp_client_auth client_auth_of(struct str name)
{
    if (str_equal(name, STR("basic")))
        return IDP_AUTH_BASIC;
    if (str_equal(name, STR("basic_raw")))
        return IDP_AUTH_BASIC_RAW;
    if (str_equal(name, STR("post")))
        return IDP_AUTH_POST;
    if (str_equal(name, STR("none")))
        return IDP_AUTH_NONE;
    return IDP_AUTH_AUTO;
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
        .client_auth = client_auth_of(provider->client_auth),
        .scope = provider->scope.length > 0
                     ? arena_strndup(arena, provider->scope.data, provider->scope.length)
                     : "openid",
        .acr_values = text_or_null(arena, provider->acr_values),
        .is_acr_required = provider->is_acr_required,
        .userinfo_claim = text_or_null(arena, provider->bsn_claim),
        .ca_file = text_or_null(arena, provider->ca_file),
        .is_private_allowed = provider->is_private_allowed,
        .skew_s = SKEW_S,
        .max_age_s = -1,
    };
    if (str_equal(provider->userinfo, STR("always")))
        connection.userinfo = IDP_USERINFO_ALWAYS;
    else if (str_equal(provider->userinfo, STR("if_needed")))
        connection.userinfo = IDP_USERINFO_IF_NEEDED;
    const char **algs = arena_array_of(arena, ALGS_MAX, const char *);
    struct str rest = provider->signing_algs.length > 0 ? provider->signing_algs : STR_NONE, part;
    while (connection.signing_alg_count < ALGS_MAX && str_split_next(&rest, ' ', &part))
        if (part.length > 0)
            algs[connection.signing_alg_count++] = arena_strndup(arena, part.data, part.length);
    connection.signing_algs = algs;
    return connection;
}
