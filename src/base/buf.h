/*
 * buf: text under construction, in an arena, with a cap.
 *
 * Appends beyond the cap set `overflowed` and change nothing; check it once at the end. Encoders are named
 * after the place the text goes to; raw append is for literals and for text that already has the right form.
 * HTML escaping lives in html/escape.h.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct buf {
    struct arena *arena;
    char *data;
    size_t length;
    size_t capacity;
    size_t cap;
    bool overflowed;
};

struct buf buf_new(struct arena *arena, size_t cap);
void buf_append(struct buf *buf, struct str text);
void buf_append_c(struct buf *buf, const char *text);
void buf_append_char(struct buf *buf, char c);
void buf_printf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);
/* RFC 3986 unreserved characters stay, every other byte becomes %XX: safe in a query value and in a path
 * segment. */
void buf_append_url_component(struct buf *buf, struct str text);
/* A JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
void buf_append_json_string(struct buf *buf, struct str text);
struct str buf_str(const struct buf *buf);
/* The text with a NUL behind it; valid until the next append. */
const char *buf_c(struct buf *buf);

#endif
