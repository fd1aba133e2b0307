#include "cli/catalog_value.h"

#include "idp/connection.h"
#include "idp/issuer.h"
#include "medmij/scope.h"

#include <string.h>
#include <time.h>

static bool is_url(struct str text, bool is_development)
{
    bool is_http = str_starts_with(text, STR("http://"));
    size_t scheme = is_http ? 7 : 8;
    if ((!is_http && !str_starts_with(text, STR("https://"))) || !str_is_printable_ascii(text))
        return false;
    struct str rest = str_slice(text, scheme, text.length);
    size_t end = 0;
    while (end < rest.length && strchr("/?#", rest.data[end]) == NULL)
        end++;
    struct str authority = str_slice(rest, 0, end);
    struct str host = str_slice(authority, 0, str_find(authority, ':'));
    int64_t port = 1;
    if (host.length < authority.length &&
        (str_to_int64(str_slice(authority, host.length + 1, authority.length), &port) != OK || port < 1 ||
         port > 65535))
        return false;
    for (size_t i = 0; i < host.length; i++)
        if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-", host.data[i]) == NULL)
            return false;
    for (size_t i = 0; i < text.length; i++)
        if (strchr(" \"<>\\^`{|}", text.data[i]) != NULL)
            return false;
    bool is_local = str_equal(host, STR("localhost")) || str_ends_with(host, STR(".localhost"));
    return host.length > 0 && (!is_http || (is_development && is_local));
}

/* A fragment is never sent (RFC 6749 3.1.2), so a redirect URI with one could not be compared. */
static bool is_url_list(struct str text, bool is_development)
{
    struct str rest = text;
    struct str url;
    while (str_split_next(&rest, ' ', &url))
        if (!is_url(url, is_development) || str_find(url, '#') < url.length)
            return false;
    return text.length <= 4000;
}

static bool is_choice(const char *choices, struct str text)
{
    struct str rest = str_from_c(choices);
    struct str word;
    while (str_split_next(&rest, ' ', &word))
        if (str_equal(word, text))
            return true;
    return false;
}

static bool is_word_list(struct str text)
{
    struct str rest = text;
    struct str word;
    while (str_split_next(&rest, ' ', &word))
        if (word.length == 0)
            return false;
    return str_is_printable_ascii(text);
}

static bool is_made_of(struct str text, const char *allowed)
{
    for (size_t i = 0; i < text.length; i++)
        if (text.data[i] == '\0' || strchr(allowed, text.data[i]) == NULL)
            return false;
    return true;
}

static int64_t count_characters(struct str text)
{
    int64_t count = 0;
    for (size_t i = 0; i < text.length; i++)
        count += ((unsigned char)text.data[i] & 0xC0) != 0x80;
    return count;
}

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static bool is_sized(struct str text, size_t low, size_t high)
{
    return text.length >= low && text.length <= high;
}

static bool is_host(struct str text)
{
    struct str name = str_slice(text, 0, str_find(text, ':'));
    int64_t port = 1;
    if (name.length < text.length && str_to_int64(str_slice(text, name.length + 1, text.length), &port) != OK)
        return false;
    return is_sized(name, 1, 253) && port >= 1 && port <= 65535 && is_made_of(name, LOWER DIGITS ".-") &&
           name.data[0] != '.' && name.data[0] != '-';
}

static bool is_origin(struct str text, bool is_development)
{
    struct str rest = str_slice(text, str_starts_with(text, STR("https://")) ? 8 : 7, text.length);
    return is_url(text, is_development) && str_find(rest, '/') == rest.length &&
           str_find(rest, '?') == rest.length && str_find(rest, '#') == rest.length;
}

static bool is_customer(struct str text)
{
    return is_sized(text, 2, 40) && is_made_of(text, LOWER DIGITS "-");
}

static bool is_sso_provider(struct str text)
{
    return is_sized(text, 2, 16) && is_made_of(text, LOWER DIGITS);
}

static bool is_slug(struct str text)
{
    size_t middle = str_find(text, '_');
    return middle < text.length && is_customer(str_slice(text, 0, middle)) &&
           is_sso_provider(str_slice(text, middle + 1, text.length));
}

/* VIEW-8: always a path on our own origin; "//host" and "/\host" are not. */
static bool is_view_path(struct str text)
{
    struct str rest = text;
    if (!is_sized(text, 1, 500) || text.data[0] != '/' || (text.length > 1 && text.data[1] == '/'))
        return false;
    while (rest.length > 0) {
        if (str_starts_with(rest, STR("{patient}")))
            rest = str_slice(rest, 9, rest.length);
        else if (str_starts_with(rest, STR("{department}")))
            rest = str_slice(rest, 12, rest.length);
        else if (is_made_of(str_slice(rest, 0, 1), LOWER UPPER DIGITS "-._~!$&'()*+,;=:@/?%"))
            rest = str_slice(rest, 1, rest.length);
        else
            return false;
    }
    struct str parts = text;
    struct str part;
    while (str_split_next(&parts, '/', &part))
        if (str_equal(part, STR("..")) || str_equal(part, STR(".")))
            return false;
    return true;
}

/* The part from `at` on to its end: a name in quotes, or one up to a dot. False when it has none. */
static bool skip_name(struct str text, size_t *at)
{
    size_t start = *at;
    bool is_quoted = start < text.length && text.data[start] == '"';
    if (is_quoted)
        start = ++*at;
    while (*at < text.length && text.data[*at] != (is_quoted ? '"' : '.')) {
        if (!is_quoted && text.data[*at] == '"')
            return false;
        *at += text.data[*at] == '\\' ? 2 : 1;
    }
    bool has_end = is_quoted ? *at < text.length : *at <= text.length;
    bool has_name = *at > start;
    *at += is_quoted;
    return has_end && has_name;
}

/* CLM-1, as claims_at_path (jose/claims.h) reads it: names between dots, none empty. */
static bool is_claim_path(struct str text)
{
    size_t at = 0;
    if (!is_sized(text, 1, 200) || !str_is_printable_utf8(text))
        return false;
    while (skip_name(text, &at)) {
        if (at == text.length)
            return true;
        if (text.data[at++] != '.')
            return false;
    }
    return false;
}

/* What goes along with the authentication request. */
static bool is_query(struct str text)
{
    struct str rest = text;
    struct str part;
    while (str_split_next(&rest, '&', &part)) {
        struct str name = str_slice(part, 0, str_find(part, '='));
        if (name.length == 0 || name.length == part.length || !is_made_of(name, LOWER UPPER DIGITS "-._~"))
            return false;
        struct str value = str_slice(part, name.length + 1, part.length);
        for (size_t i = 0; i < value.length; i++) {
            bool is_escape = value.data[i] == '%' && value.length - i > 2 &&
                             is_made_of(str_slice(value, i + 1, i + 3), DIGITS "abcdefABCDEF");
            if (!is_escape && !is_made_of(str_slice(value, i, i + 1), LOWER UPPER DIGITS "-._~+:/@,;!*'()$"))
                return false;
        }
        /* REQ-9; the last two come from the start request. */
        if (idp_is_own_parameter(name) || str_equal_c(name, "login_hint") || str_equal_c(name, "launch"))
            return false;
        struct str others = rest;
        struct str other;
        while (str_split_next(&others, '&', &other))
            if (str_equal(str_slice(other, 0, str_find(other, '=')), name))
                return false;
    }
    return text.length <= 1000;
}

/* RFC 5321 lengths; only what needs no quotes, so that no address can carry a second one or a header. */
static bool is_address(struct str text)
{
    size_t at = str_find(text, '@');
    struct str local = str_slice(text, 0, at);
    struct str domain = at < text.length ? str_slice(text, at + 1, text.length) : STR_NONE;
    return is_sized(local, 1, 64) && is_sized(domain, 3, 253) && text.length <= 254 &&
           is_made_of(local, LOWER UPPER DIGITS "!#$%&'*+/=?^_`{|}~.-") &&
           is_made_of(domain, LOWER UPPER DIGITS ".-") && domain.data[0] != '.' && domain.data[0] != '-' &&
           domain.data[domain.length - 1] != '.' && str_find(domain, '.') < domain.length;
}

static bool is_address_list(struct str text)
{
    struct str rest = text;
    struct str part;
    size_t count = 0;
    while (str_split_next(&rest, ',', &part))
        if (++count > 5 || !is_address(str_trim(part)))
            return false;
    return true;
}

static bool is_key(struct str text)
{
    return (text.length == 64 && is_made_of(text, DIGITS "abcdefABCDEF")) ||
           (text.length == 43 && is_made_of(text, LOWER UPPER DIGITS "-_"));
}

bool field_read_date(struct str text, int64_t *out_seconds)
{
    if (text.length != 10 || !is_made_of(text, DIGITS "-"))
        return false;
    char form[11] = "";
    char again[16];
    for (size_t i = 0; i < 10; i++)
        form[i] = text.data[i];
    struct tm parts = {0};
    const char *end = strptime(form, "%Y-%m-%d", &parts);
    if (end != form + 10)
        return false;
    *out_seconds = timegm(&parts); /* makes 31 February a day in March */
    return *out_seconds > 0 && strftime(again, sizeof again, "%Y-%m-%d", &parts) == 10 &&
           str_equal_c(text, again);
}

bool field_is_permission(struct str text)
{
    return is_sized(text, 1, 64) && is_made_of(text, LOWER UPPER DIGITS "._:/-");
}

bool field_is_right(const struct field_row *row, struct str text, bool is_development)
{
    switch (row->kind) {
    case FIELD_TEXT:
        return str_is_printable_utf8(text) && count_characters(text) >= row->min &&
               count_characters(text) <= row->max;
    case FIELD_ID:
        return text.length <= 40 && is_made_of(text, "abcdefghijklmnopqrstuvwxyz0123456789-");
    case FIELD_PROVIDER:
        return medmij_is_provider_name(text);
    case FIELD_SERVICE:
        return medmij_is_service_id(text);
    case FIELD_CHOICE:
        return is_choice(row->choices, text);
    case FIELD_WORDS:
        return is_word_list(text);
    case FIELD_URL:
        return is_url(text, is_development);
    case FIELD_ISSUER: {
        char url[ISSUER_URL_SIZE];
        return issuer_sample(text, url, sizeof url) && is_url(str_from_c(url), is_development);
    }
    case FIELD_URLS:
        return is_url_list(text, is_development);
    case FIELD_COLOR:
        return text.length == 7 && text.data[0] == '#' &&
               is_made_of(str_slice(text, 1, 7), "0123456789abcdefABCDEF");
    case FIELD_SECRET:
        return text.length <= SECRET_MAX && str_is_printable_utf8(text);
    case FIELD_FILE:
    case FIELD_SECRET_FILE:
    case FIELD_KEY_FILE:
    case FIELD_IMAGE:
        return str_is_printable_utf8(text);
    case FIELD_HOST:
        return is_host(text);
    case FIELD_ORIGIN:
        return is_origin(text, is_development);
    case FIELD_CUSTOMER:
        return is_customer(text);
    case FIELD_SSO_PROVIDER:
        return is_sso_provider(text);
    case FIELD_SLUG:
        return is_slug(text);
    case FIELD_VIEW:
        return is_sized(text, 1, 32) && is_made_of(text, LOWER DIGITS "-");
    case FIELD_VIEW_PATH:
        return is_view_path(text);
    case FIELD_PERMISSION:
        return field_is_permission(text);
    case FIELD_CLAIM_PATH:
        return is_claim_path(text);
    case FIELD_QUERY:
        return is_query(text);
    case FIELD_ADDRESSES:
        return is_address_list(text);
    case FIELD_CODE:
        return is_sized(text, 1, 256) && str_is_printable_utf8(text) && str_equal(text, str_trim(text));
    case FIELD_KEY:
        return is_key(text);
    case FIELD_DATE: {
        int64_t seconds;
        return field_read_date(text, &seconds);
    }
    case FIELD_BOOL:
    case FIELD_INT:
        break;
    }
    return false;
}
