#include "medmij/redirect_uri.h"

#include "base/buf.h"
#include "base/codec.h"

#define HOST_MAX 253
#define LABEL_MAX 63
#define PORT_DIGITS_MAX 5
#define PORT_MAX 65535

static bool is_lower_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Of the lists' pattern: starts with a letter or digit; the last label also ends with one and has two or more
 * characters. */
static bool is_label(struct str label, bool is_last)
{
    if (label.length < (is_last ? 2u : 1u) || label.length > LABEL_MAX || !is_lower_or_digit(label.data[0]))
        return false;
    for (size_t i = 1; i < label.length; i++)
        if (!is_lower_or_digit(label.data[i]) && label.data[i] != '-')
            return false;
    return !is_last || is_lower_or_digit(label.data[label.length - 1]);
}

bool medmij_is_hostname(struct str text)
{
    if (text.length > HOST_MAX)
        return false;
    struct str rest = text;
    size_t dot = str_find(rest, '.');
    if (dot == rest.length)
        return false;
    while (dot < rest.length) {
        if (!is_label(str_slice(rest, 0, dot), false))
            return false;
        rest = str_slice(rest, dot + 1, rest.length);
        dot = str_find(rest, '.');
    }
    return is_label(rest, true);
}

/* RFC 3986 path-abempty: nothing, or "/" and pchars. Leaves out '?', '#', '\', space, quotes and every byte
 * that could end a header line or an attribute. */
static bool is_path(struct str path)
{
    if (path.length == 0)
        return true;
    if (path.data[0] != '/')
        return false;
    for (size_t i = 0; i < path.length; i++) {
        char c = path.data[i];
        if (c == '%') {
            if (path.length - i < 3 || codec_hex_digit(path.data[i + 1]) < 0 ||
                codec_hex_digit(path.data[i + 2]) < 0)
                return false;
            i += 2;
        } else if (!is_lower_or_digit(c) && !(c >= 'A' && c <= 'Z') &&
                   (c == '\0' || strchr("/-._~!$&'()*+,;=:@", c) == NULL)) {
            return false;
        }
    }
    return true;
}

static bool is_port(struct str port)
{
    int64_t number;
    return port.length <= PORT_DIGITS_MAX && str_to_int64(port, &number) == OK && number > 0 &&
           number <= PORT_MAX;
}

enum outcome redirect_uri_check(struct str uri, struct str client_host, bool is_development)
{
    if (uri.length > REDIRECT_URI_MAX || !medmij_is_hostname(client_host))
        return FAILED;
    bool is_local = is_development && str_ends_with(client_host, STR(".localhost"));
    struct str rest;
    if (str_starts_with(uri, STR("https://")))
        rest = str_slice(uri, sizeof "https://" - 1, uri.length);
    else if (is_local && str_starts_with(uri, STR("http://")))
        rest = str_slice(uri, sizeof "http://" - 1, uri.length);
    else
        return FAILED;
    size_t slash = str_find(rest, '/');
    struct str authority = str_slice(rest, 0, slash);
    if (!is_path(str_slice(rest, slash, rest.length)))
        return FAILED;
    /* Host equality leaves no room for userinfo; a port is whatever stands behind the first colon. */
    size_t colon = str_find(authority, ':');
    if (!str_equal(str_slice(authority, 0, colon), client_host))
        return FAILED;
    if (colon < authority.length && !(is_local && is_port(str_slice(authority, colon + 1, authority.length))))
        return FAILED;
    return OK;
}

const char *redirect_uri_append(struct arena *arena, struct str uri, const char *const *names,
                                const struct str *values, size_t count)
{
    /* Every byte of a name or value takes at most three; the separators and the NUL one each. */
    size_t cap = uri.length + 1;
    for (size_t i = 0; i < count; i++)
        cap += 3 * (strlen(names[i]) + values[i].length) + 2;
    struct buf out = buf_new(arena, cap);
    buf_append(&out, uri);
    for (size_t i = 0; i < count; i++) {
        buf_append_char(&out, i == 0 ? '?' : '&');
        buf_append_url_component(&out, str_from_c(names[i]));
        buf_append_char(&out, '=');
        buf_append_url_component(&out, values[i]);
    }
    return buf_c(&out);
}
