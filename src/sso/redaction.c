#include "sso/redaction.h"

#include "http/request.h"

#include "base/bsn.h"
#include "base/buf.h"
#include "base/codec.h"
#include "sso/views.h"

#define ELLIPSIS "\u2026"
#define DIGEST_SHOWN 6
#define RUN_MIN 20
#define BSN_DIGITS 9
#define NAME_MAX_SHOWN 32
#define DIGITS_MAX_IN_NAME 5
#define URL_TEXT_MAX ((size_t)16384)

struct str redact_digest(struct arena *arena, struct str value)
{
    return str_slice(codec_hex(arena, codec_sha256(arena, value)), 0, DIGEST_SHOWN);
}

struct str redact_token(struct arena *arena, struct str token)
{
    return str_from_c(
        arena_printf(arena, "%zu tekens, sha256 %.*s", token.length, STR_ARG(redact_digest(arena, token))));
}

/* The first `count` characters of well-formed UTF-8. */
static struct str first_characters(struct str text, size_t count)
{
    size_t at = 0;
    while (at < text.length && count > 0) {
        at++;
        while (at < text.length && ((unsigned char)text.data[at] & 0xC0) == 0x80)
            at++;
        count--;
    }
    return str_slice(text, 0, at);
}

static struct str last_label(struct str host)
{
    size_t at = host.length;
    while (at > 0 && host.data[at - 1] != '.')
        at--;
    return at > 0 ? str_slice(host, at, host.length) : STR_NONE;
}

static struct str masked(struct arena *arena, struct str shown, struct str end)
{
    return str_from_c(arena_printf(arena, "%.*s" ELLIPSIS "%.*s", STR_ARG(shown), STR_ARG(end)));
}

struct str redact_subject(struct arena *arena, struct str subject)
{
    if (!str_is_printable_utf8(subject))
        return STR(ELLIPSIS);
    size_t at = str_find(subject, '@');
    if (at == subject.length) {
        size_t third = subject.length / 3;
        return masked(arena, first_characters(subject, third < 3 ? third : 3), STR_NONE);
    }
    struct str local = masked(arena, first_characters(subject, at > 1 ? 1 : 0), STR_NONE);
    struct str label = last_label(str_slice(subject, at + 1, subject.length));
    return str_from_c(arena_printf(arena, "%.*s@" ELLIPSIS "%.*s", STR_ARG(local),
                                   STR_ARG(label.length <= 3 ? label : STR_NONE)));
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_base64url(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

static size_t run_length(struct str text, size_t from, bool (*is_part)(char))
{
    size_t at = from;
    while (at < text.length && is_part(text.data[at]))
        at++;
    return at - from;
}

struct str redact_error_description(struct arena *arena, struct str text)
{
    /* Scanned whole and cut afterwards: a cut first could leave the beginning of a token. */
    struct buf out = buf_new(arena, ERROR_DESCRIPTION_MAX);
    bool is_utf8 = str_is_utf8(text);
    for (size_t at = 0; at < text.length;) {
        size_t run = run_length(text, at, is_base64url), digits = run_length(text, at, is_digit);
        unsigned char byte = (unsigned char)text.data[at];
        size_t taken = 1;
        if (run >= RUN_MIN) {
            buf_append_c(&out, "[" ELLIPSIS "]");
            taken = run;
        } else if (digits > 0) {
            bool is_bsn = digits == BSN_DIGITS && bsn_is_valid(str_slice(text, at, at + digits));
            buf_append(&out, is_bsn ? STR("[" ELLIPSIS "]") : str_slice(text, at, at + digits));
            taken = digits;
        } else if (run > 0) {
            /* Up to the first digit, so that a number inside a word is looked at as well. */
            while (taken < run && !is_digit(text.data[at + taken]))
                taken++;
            buf_append(&out, str_slice(text, at, at + taken));
        } else if (byte < 0x80 || !is_utf8) {
            buf_append_char(&out, byte < 0x20 || byte == 0x7F ? ' ' : byte < 0x80 ? (char)byte : '?');
        } else {
            struct str character = first_characters(str_slice(text, at, text.length), 1);
            taken = character.length;
            buf_append(&out, str_is_printable_utf8(character) ? character : STR(" "));
        }
        if (out.overflowed)
            break;
        at += taken;
    }
    return buf_str(&out);
}

/* ---- URLs ---- */

struct str redact_parameter_name(struct arena *arena, struct str name)
{
    size_t digits = 0;
    for (size_t i = 0; i < name.length; i++) {
        if (!is_base64url(name.data[i]) && name.data[i] != '.')
            return STR("?");
        digits += is_digit(name.data[i]);
    }
    bool is_telling = name.length > 0 && name.length <= NAME_MAX_SHOWN && digits <= DIGITS_MAX_IN_NAME &&
                      !is_digit(name.data[0]);
    return is_telling ? str_copy(arena, name) : STR("?");
}

static void append_printable(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.length; i++)
        buf_append_char(out, text.data[i] > 0x20 && text.data[i] < 0x7F ? text.data[i] : '?');
}

/* Appends the scheme; what it returns begins with the host. Everything up to the last "@" before the path is
 * taken for a name and password, so that a "?" or "#" in one does not bring out its first half. */
static struct str without_user_information(struct buf *out, struct str url)
{
    const char *found = url.length > 0 ? memmem(url.data, url.length, "://", 3) : NULL;
    if (found == NULL)
        return url;
    size_t start = (size_t)(found - url.data) + 3;
    append_printable(out, str_slice(url, 0, start));
    struct str rest = str_slice(url, start, url.length);
    size_t at = 0;
    for (size_t i = 0; i < rest.length && rest.data[i] != '/'; i++)
        if (rest.data[i] == '@')
            at = i + 1;
    return str_slice(rest, at, rest.length);
}

struct str redact_url(struct arena *arena, struct str url)
{
    struct buf out = buf_new(arena, URL_TEXT_MAX);
    bool is_path = url.length > 0 && url.data[0] == '/';
    if (!is_path)
        url = without_user_information(&out, url);
    url = str_slice(url, 0, str_find(url, '#'));
    size_t mark = str_find(url, '?');
    struct str query = mark < url.length ? str_of(url.data + mark + 1, url.length - mark - 1) : STR_NONE,
               part;
    append_printable(&out, str_slice(url, 0, mark));
    char separator = '?';
    while (str_split_next(&query, '&', &part)) {
        size_t equals = str_find(part, '=');
        struct str name = str_slice(part, 0, equals), value = str_slice(part, equals + 1, part.length);
        if (part.length == 0)
            continue;
        buf_append_char(&out, separator);
        separator = '&';
        buf_append(&out, redact_parameter_name(arena, name));
        if (str_equal(name, STR("view")) && views_is_name(value)) {
            buf_append_char(&out, '=');
            buf_append(&out, value);
        }
    }
    return buf_str(&out);
}

const char *redact_user_agent(const struct http_request *request)
{
    /* In this order: each browser names those that it wants to be taken for as well. */
    static const struct {
        const char *mark, *family;
    } families[] = {{"Edg", "Edge"},         {"OPR/", "Opera"},     {"SamsungBrowser/", "Samsung Internet"},
                    {"Firefox/", "Firefox"}, {"Chrome/", "Chrome"}, {"CriOS/", "Chrome"},
                    {"FxiOS/", "Firefox"},   {"Safari/", "Safari"}};
    struct str agent;
    if (http_request_header(request, "User-Agent", &agent) != FORM_ONE || agent.length == 0)
        return "geen";
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        if (memmem(agent.data, agent.length, families[i].mark, strlen(families[i].mark)) != NULL)
            return families[i].family;
    return "onbekend";
}
