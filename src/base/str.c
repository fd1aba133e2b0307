#include "base/str.h"

#include "base/codec.h"

static char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool str_equal(struct str a, struct str b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

int str_compare(struct str a, struct str b)
{
    size_t shorter = a.length < b.length ? a.length : b.length;
    int order = shorter > 0 ? memcmp(a.data, b.data, shorter) : 0;
    return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

int str_compare_items(const void *a, const void *b)
{
    return str_compare(*(const struct str *)a, *(const struct str *)b);
}

bool str_equal_c(struct str a, const char *b)
{
    return str_equal(a, str_from_c(b));
}

bool str_equal_ignoring_case(struct str a, struct str b)
{
    if (a.length != b.length)
        return false;
    for (size_t i = 0; i < a.length; i++)
        if (ascii_lower(a.data[i]) != ascii_lower(b.data[i]))
            return false;
    return true;
}

bool str_starts_with(struct str s, struct str prefix)
{
    return s.length >= prefix.length && str_equal(str_slice(s, 0, prefix.length), prefix);
}

bool str_ends_with(struct str s, struct str suffix)
{
    return s.length >= suffix.length && str_equal(str_slice(s, s.length - suffix.length, s.length), suffix);
}

size_t str_find(struct str s, char c)
{
    const char *found = s.length > 0 ? memchr(s.data, c, s.length) : NULL;
    return found ? (size_t)(found - s.data) : s.length;
}

struct str str_slice(struct str s, size_t from, size_t to)
{
    if (to > s.length)
        to = s.length;
    if (from >= to)
        return STR_NONE;
    return (struct str){s.data + from, to - from};
}

struct str str_trim(struct str s)
{
    size_t from = 0, to = s.length;
    while (from < to && (s.data[from] == ' ' || s.data[from] == '\t'))
        from++;
    while (to > from && (s.data[to - 1] == ' ' || s.data[to - 1] == '\t'))
        to--;
    return str_slice(s, from, to);
}

bool str_split_next(struct str *rest, char separator, struct str *out_part)
{
    if (rest->data == NULL)
        return false;
    size_t at = str_find(*rest, separator);
    *out_part = (struct str){rest->data, at};
    if (at == rest->length)
        *rest = STR_NONE;
    else
        *rest = (struct str){rest->data + at + 1, rest->length - at - 1};
    return true;
}

struct str str_copy(struct arena *arena, struct str s)
{
    return (struct str){arena_strndup(arena, s.data, s.length), s.length};
}

enum outcome str_to_c(struct arena *arena, struct str s, const char **out_text)
{
    if (s.length > 0 && memchr(s.data, '\0', s.length) != NULL)
        return FAILED;
    *out_text = arena_strndup(arena, s.data, s.length);
    return OK;
}

enum outcome str_to_int64(struct str s, int64_t *out_number)
{
    if (s.length == 0 || (s.length > 1 && s.data[0] == '0'))
        return FAILED;
    int64_t number = 0;
    for (size_t i = 0; i < s.length; i++) {
        if (s.data[i] < '0' || s.data[i] > '9')
            return FAILED;
        if (__builtin_mul_overflow(number, (int64_t)10, &number) ||
            __builtin_add_overflow(number, (int64_t)(s.data[i] - '0'), &number))
            return FAILED;
    }
    *out_number = number;
    return OK;
}

/* Decodes one code point at s[*at]; returns false when it is not well formed. Table 3-7 of the Unicode
 * Standard. */
static bool utf8_next(struct str s, size_t *at, uint32_t *out_code_point)
{
    const unsigned char *bytes = (const unsigned char *)s.data + *at;
    size_t left = s.length - *at;
    if (bytes[0] < 0x80) {
        *out_code_point = bytes[0];
        *at += 1;
        return true;
    }
    size_t length;
    uint32_t code_point;
    unsigned char low = 0x80, high = 0xBF;
    if (bytes[0] >= 0xC2 && bytes[0] <= 0xDF) {
        length = 2;
        code_point = bytes[0] & 0x1Fu;
    } else if (bytes[0] >= 0xE0 && bytes[0] <= 0xEF) {
        length = 3;
        code_point = bytes[0] & 0x0Fu;
        if (bytes[0] == 0xE0)
            low = 0xA0;
        else if (bytes[0] == 0xED)
            high = 0x9F;
    } else if (bytes[0] >= 0xF0 && bytes[0] <= 0xF4) {
        length = 4;
        code_point = bytes[0] & 0x07u;
        if (bytes[0] == 0xF0)
            low = 0x90;
        else if (bytes[0] == 0xF4)
            high = 0x8F;
    } else {
        return false;
    }
    if (left < length)
        return false;
    for (size_t i = 1; i < length; i++) {
        if (bytes[i] < low || bytes[i] > high)
            return false;
        low = 0x80;
        high = 0xBF;
        code_point = code_point << 6 | (bytes[i] & 0x3Fu);
    }
    *out_code_point = code_point;
    *at += length;
    return true;
}

bool str_is_utf8(struct str s)
{
    uint32_t code_point;
    size_t at = 0;
    while (at < s.length && (unsigned char)s.data[at] < 0x80)
        at++;
    while (at < s.length)
        if (!utf8_next(s, &at, &code_point))
            return false;
    return true;
}

bool str_is_printable_utf8(struct str s)
{
    uint32_t code_point;
    for (size_t at = 0; at < s.length;)
        if (!utf8_next(s, &at, &code_point) || code_point < 0x20 ||
            (code_point >= 0x7F && code_point <= 0x9F))
            return false;
    return true;
}

bool str_is_printable_ascii(struct str s)
{
    for (size_t i = 0; i < s.length; i++)
        if (s.data[i] < 0x20 || s.data[i] > 0x7E)
            return false;
    return true;
}

bool str_is_uuid(struct str s)
{
    if (s.length != 36)
        return false;
    for (size_t i = 0; i < s.length; i++) {
        char c = s.data[i];
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (c != '-')
                return false;
        } else if (codec_hex_digit(c) < 0) {
            return false;
        }
    }
    return true;
}
