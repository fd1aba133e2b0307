#include "sso/directory.h"

enum outcome directory_load(struct store *store, struct arena *arena, const void **out_data)
{
    struct sso_data *data = arena_new_of(arena, struct sso_data);
    *out_data = data;
    return sso_data_read(store, arena, data);
}

const struct sso_data *directory_data(const struct cached_snapshot *snapshot)
{
    return cached_data(snapshot);
}

const struct sso_connection *directory_find_connection_by_id(const struct cached_snapshot *snapshot,
                                                             struct str id)
{
    const struct sso_data *data = directory_data(snapshot);
    for (size_t i = 0; i < data->connection_count; i++)
        if (str_equal(data->connections[i].id, id))
            return &data->connections[i];
    return NULL;
}

const struct sso_connection *directory_find_active_connection(const struct cached_snapshot *snapshot,
                                                              struct str id)
{
    const struct sso_connection *connection = directory_find_connection_by_id(snapshot, id);
    return connection != NULL && str_equal(connection->status, STR("active")) ? connection : NULL;
}

static const char *text_or_null(struct arena *arena, struct str text)
{
    return text.length > 0 ? arena_strndup(arena, text.data, text.length) : NULL;
}

struct idp_connection directory_idp_connection(struct arena *arena, const struct sso_connection *connection,
                                               size_t secret)
{
    struct idp_connection idp = {
        .id = text_or_null(arena, connection->id),
        .issuer = text_or_null(arena, connection->issuer),
        .tenants = text_or_null(arena, connection->tenants),
        .metadata_url = text_or_null(arena, connection->metadata_url),
        .authorization_endpoint = text_or_null(arena, connection->authorization_endpoint),
        .token_endpoint = text_or_null(arena, connection->token_endpoint),
        .jwks_uri = text_or_null(arena, connection->jwks_uri),
        .userinfo_endpoint = text_or_null(arena, connection->userinfo_endpoint),
        .end_session_endpoint = text_or_null(arena, connection->end_session_endpoint),
        .client_id = text_or_null(arena, connection->client_id),
        .client_secret = secret < connection->secret_count ? connection->secrets[secret].value : STR_NONE,
        .second_secret = connection->secret_count > 1 ? connection->secrets[1 - secret].value : STR_NONE,
        .version = connection->version,
        .client_auth = idp_client_auth_from_name(connection->client_auth),
        .scope = text_or_null(arena, connection->scope),
        .acr_values = text_or_null(arena, connection->acr_values),
        .is_acr_required = connection->is_acr_required,
        .required_amr = text_or_null(arena, connection->required_amr),
        .trusted_audiences = text_or_null(arena, connection->trusted_audiences),
        .is_pkce_off = str_equal(connection->pkce, STR("off")),
        .userinfo = idp_userinfo_from_name(connection->userinfo),
        .is_userinfo_post = connection->is_userinfo_post,
        .is_userinfo_first = str_equal(connection->claims_first, STR("userinfo")),
        .userinfo_claim = text_or_null(arena, connection->location_claim),
        .response_mode = str_equal(connection->response_mode, STR("form_post")) ? IDP_RESPONSE_FORM_POST
                                                                                : IDP_RESPONSE_QUERY,
        .ca_file = text_or_null(arena, connection->ca_file),
        .is_private_allowed = connection->is_private_allowed,
        .skew_s = connection->skew_s,
        .max_age_s = connection->max_age_s,
        .prompt = text_or_null(arena, connection->prompt),
    };
    idp_connection_set_algs(&idp, arena, connection->signing_algs);
    return idp;
}
