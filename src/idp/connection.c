#include "idp/connection.h"

enum idp_client_auth idp_client_auth_from_name(struct str name)
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

enum idp_userinfo idp_userinfo_from_name(struct str name)
{
    if (str_equal(name, STR("always")))
        return IDP_USERINFO_ALWAYS;
    return str_equal(name, STR("if_needed")) ? IDP_USERINFO_IF_NEEDED : IDP_USERINFO_OFF;
}

void idp_connection_set_algs(struct idp_connection *connection, struct arena *arena, struct str names)
{
    const char **algs = arena_array_of(arena, IDP_ALGS_MAX, const char *);
    struct str rest = names.length > 0 ? names : STR_NONE, name;
    connection->signing_alg_count = 0;
    while (connection->signing_alg_count < IDP_ALGS_MAX && str_split_next(&rest, ' ', &name))
        if (name.length > 0)
            algs[connection->signing_alg_count++] = arena_strndup(arena, name.data, name.length);
    connection->signing_algs = algs;
}
