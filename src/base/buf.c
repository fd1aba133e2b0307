#include "base/buf.h"

#include <stdio.h>

struct buf buf_new(struct arena *arena, size_t cap)
{
    return (struct buf){.arena = arena, .cap = cap};
}

/* Room for `extra` more bytes and a NUL; false when that passes the cap. */
static bool buf_reserve(struct buf *buf, size_t extra)
{
    size_t needed;
    if (buf->overflowed || __builtin_add_overflow(buf->length, extra, &needed) || needed > buf->cap) {
        buf->overflowed = true;
        return false;
    }
    if (needed + 1 > buf->capacity) {
        size_t capacity = buf->capacity == 0 ? 256 : buf->capacity * 2;
        if (capacity < needed + 1)
            capacity = needed + 1;
        char *data = arena_alloc(buf->arena, capacity);
        if (buf->length > 0)
            memcpy(data, buf->data, buf->length);
        buf->data = data;
        buf->capacity = capacity;
    }
    return true;
}

void buf_append(struct buf *buf, struct str text)
{
    if (text.length == 0 || !buf_reserve(buf, text.length))
        return;
    memcpy(buf->data + buf->length, text.data, text.length);
    buf->length += text.length;
}

void buf_append_c(struct buf *buf, const char *text)
{
    buf_append(buf, str_from_c(text));
}

void buf_append_char(struct buf *buf, char c)
{
    if (buf_reserve(buf, 1))
        buf->data[buf->length++] = c;
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list arguments, measure;
    va_start(arguments, format);
    va_copy(measure, arguments);
    int length = vsnprintf(NULL, 0, format, measure);
    va_end(measure);
    if (length > 0 && buf_reserve(buf, (size_t)length)) {
        vsnprintf(buf->data + buf->length, (size_t)length + 1, format, arguments);
        buf->length += (size_t)length;
    }
    va_end(arguments);
}

void buf_append_url_component(struct buf *buf, struct str text)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.data[i];
        bool unreserved = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                          c == '-' || c == '.' || c == '_' || c == '~';
        if (unreserved) {
            buf_append_char(buf, (char)c);
        } else {
            char encoded[3] = {'%', digits[c >> 4], digits[c & 15]};
            buf_append(buf, str_of(encoded, sizeof encoded));
        }
    }
}

/* Whether a byte stands for itself in a JSON string, whatever its neighbours are. */
static bool is_plain_in_json(unsigned char c)
{
    return c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
}

static void append_json_byte(struct buf *buf, unsigned char c, bool is_utf8)
{
    if (c == '"' || c == '\\') {
        buf_append_char(buf, '\\');
        buf_append_char(buf, (char)c);
    } else if (c < 0x20 || c == 0x7F) {
        buf_printf(buf, "\\u%04x", c);
    } else if (!is_utf8) {
        buf_append_c(buf, "\xEF\xBF\xBD");
    } else {
        buf_append_char(buf, (char)c);
    }
}

/* Nearly all that is logged is plain, so whole runs are copied and the text is looked at as UTF-8 only from
 * the first byte on that is not ASCII. */
void buf_append_json_string(struct buf *buf, struct str text)
{
    bool is_examined = false, is_utf8 = true;
    buf_append_char(buf, '"');
    for (size_t i = 0; i < text.length;) {
        size_t run = i;
        while (run < text.length && is_plain_in_json((unsigned char)text.data[run]))
            run++;
        buf_append(buf, str_slice(text, i, run));
        if (run == text.length)
            break;
        unsigned char c = (unsigned char)text.data[run];
        if (c >= 0x80 && !is_examined) {
            is_utf8 = str_is_utf8(str_slice(text, run, text.length));
            is_examined = true;
        }
        append_json_byte(buf, c, is_utf8);
        i = run + 1;
    }
    buf_append_char(buf, '"');
}

struct str buf_str(const struct buf *buf)
{
    return (struct str){buf->data, buf->length};
}

const char *buf_c(struct buf *buf)
{
    if (buf->data == NULL)
        return "";
    buf->data[buf->length] = '\0';
    return buf->data;
}
