#include "idp/connection.h"

enum idp_client_auth idp_client_auth_from_name(struct str name)
{
    if (str_equal(name, STR("basic")))
        return IDP_AUTH_BASIC;
    if (str_equal(name, STR("basic_raw")))
        return IDP_AUTH_BASIC_RAW;
    if (str_equal(name, STR("post")))
        return IDP_AUTH_POST;
    if (str_equal(name, STR("private_key_jwt")))
        return IDP_AUTH_PRIVATE_KEY_JWT;
    if (str_equal(name, STR("none")))
        return IDP_AUTH_NONE;
    return IDP_AUTH_AUTO;
}

const char *idp_client_auth_standard_name(enum idp_client_auth auth)
{
    switch (auth) {
    case IDP_AUTH_AUTO:
        return "auto";
    case IDP_AUTH_BASIC:
        return "client_secret_basic";
    case IDP_AUTH_BASIC_RAW:
        return "client_secret_basic, raw";
    case IDP_AUTH_POST:
        return "client_secret_post";
    case IDP_AUTH_PRIVATE_KEY_JWT:
        return "private_key_jwt";
    case IDP_AUTH_NONE:
        return "none";
    }
    return "none";
}

enum idp_userinfo idp_userinfo_from_name(struct str name)
{
    if (str_equal(name, STR("always")))
        return IDP_USERINFO_ALWAYS;
    return str_equal(name, STR("if_needed")) ? IDP_USERINFO_IF_NEEDED : IDP_USERINFO_OFF;
}

bool idp_is_own_parameter(struct str name)
{
    static const char *const names[] = {
        "response_type", "response_mode",
        "client_id",     "redirect_uri",
        "scope",         "state",
        "nonce",         "code_challenge",
        "prompt",        "max_age",
        "acr_values",    "ui_locales",
        "request",       "request_uri",
        "registration",  "code_challenge_method",
        "client_secret", "client_assertion",
        "code_verifier", "client_assertion_type",
        "dpop_jkt",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_equal_c(name, names[i]))
            return true;
    return false;
}

bool idp_has_word(const char *words, struct str word)
{
    struct str rest = str_from_c(words), part;
    while (str_split_next(&rest, ' ', &part))
        if (part.length > 0 && str_equal(part, word))
            return true;
    return false;
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
