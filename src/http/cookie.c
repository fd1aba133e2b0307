#include "http/cookie.h"

#define SECURE_PREFIX "__Host-"

/* RFC 6265 4.1.1 cookie-octet. */
static bool is_cookie_value(struct str value)
{
    for (size_t i = 0; i < value.length; i++) {
        unsigned char c = (unsigned char)value.data[i];
        if (c <= 0x20 || c >= 0x7F || c == '"' || c == ',' || c == ';' || c == '\\')
            return false;
    }
    return true;
}

static bool is_named(struct str name, const char *bare, bool is_https)
{
    if (!is_https)
        return str_equal_c(name, bare);
    struct str prefix = STR(SECURE_PREFIX);
    return str_starts_with(name, prefix) && str_equal_c(str_slice(name, prefix.length, name.length), bare);
}

enum outcome cookie_find(struct arena *arena, struct str header, const char *name, bool is_https,
                         struct str *out_value)
{
    *out_value = STR_NONE;
    struct str rest = header, pair;
    while (str_split_next(&rest, ';', &pair)) {
        pair = str_trim(pair);
        size_t equals = str_find(pair, '=');
        if (equals == pair.length || !is_named(str_slice(pair, 0, equals), name, is_https))
            continue;
        struct str value = str_slice(pair, equals + 1, pair.length);
        /* Every cookie we set is base64url, so one with other bytes is not ours. */
        if (!is_cookie_value(value))
            return ABSENT;
        *out_value = str_copy(arena, value);
        return OK;
    }
    return ABSENT;
}

static const char *cookie_text(struct arena *arena, const char *name, struct str value, bool is_https,
                               const char *rest)
{
    return arena_printf(arena, "%s%s=%.*s; Path=/%s; HttpOnly%s", is_https ? SECURE_PREFIX : "", name,
                        STR_ARG(value), is_https ? "; Secure" : "", rest);
}

const char *cookie_set(struct arena *arena, const char *name, struct str value, bool is_https)
{
    return cookie_text(arena, name, value, is_https, "; SameSite=Lax");
}

const char *cookie_set_any_site(struct arena *arena, const char *name, struct str value, bool is_https)
{
    return cookie_text(arena, name, value, is_https, is_https ? "; SameSite=None" : "");
}

const char *cookie_clear(struct arena *arena, const char *name, bool is_https)
{
    return cookie_text(arena, name, STR_NONE, is_https, "; SameSite=Lax; Max-Age=0");
}
