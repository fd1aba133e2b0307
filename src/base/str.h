/*
 * str: a slice of bytes that came from somewhere: pointer and length, no terminator promised, any byte
 * allowed. It owns nothing; the arena or buffer behind it does. Input from outside travels in this type;
 * NUL-terminated strings appear only at the edges of libraries (str_to_c refuses an embedded NUL).
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *data; /* may be NULL when length is 0 */
    size_t length;
};

#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
#define STR_NONE ((struct str){NULL, 0})
/* For printf: "%.*s", STR_ARG(s). Only for text that is known to be printable. */
#define STR_ARG(s) (int)(s).length, ((s).data ? (s).data : "")

static inline struct str str_from_c(const char *text)
{
    return (struct str){text, text ? strlen(text) : 0};
}

static inline struct str str_of(const void *data, size_t length)
{
    return (struct str){data, length};
}

bool str_equal(struct str a, struct str b);
bool str_equal_c(struct str a, const char *b);
/* Order by bytes, a prefix first: below, at or above 0. For sorting; not constant-time. */
int str_compare(struct str a, struct str b);
int str_compare_items(const void *a, const void *b); /* the same, for qsort over struct str */
/* ASCII letters only; for header names and schemes. */
bool str_equal_ignoring_case(struct str a, struct str b);
bool str_starts_with(struct str s, struct str prefix);
bool str_ends_with(struct str s, struct str suffix);

/* Position of the first `c`, or s.length. */
size_t str_find(struct str s, char c);
struct str str_slice(struct str s, size_t from, size_t to);
struct str str_trim(struct str s); /* spaces and tabs at both ends */
/* Takes what stands before the first `separator` off the front of *rest; false when *rest is used up.
 * STR_NONE yields nothing; "a," yields "a" and then "". Start with a copy of the whole. */
bool str_split_next(struct str *rest, char separator, struct str *out_part);

struct str str_copy(struct arena *arena, struct str s);
/* A NUL-terminated copy; FAILED when the slice holds a NUL byte. */
enum outcome str_to_c(struct arena *arena, struct str s, const char **out_text) MUST_CHECK;

/* Decimal digits only: no sign, no space, no leading zero but "0" itself; FAILED on overflow or anything
 * else. */
enum outcome str_to_int64(struct str s, int64_t *out_number) MUST_CHECK;

/* Well-formed UTF-8 (no overlong forms, no surrogates, at most U+10FFFF). */
bool str_is_utf8(struct str s);
/* Well-formed UTF-8 without control characters (C0, DEL, C1). */
bool str_is_printable_utf8(struct str s);
/* Every byte in 0x20..0x7E. */
bool str_is_printable_ascii(struct str s);
/* RFC 9562 text form: 8-4-4-4-12 hexadecimal digits, either case. */
bool str_is_uuid(struct str s);

#endif
