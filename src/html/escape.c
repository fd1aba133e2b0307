#include "html/escape.h"

/* The length that a UTF-8 lead byte announces; 0 for a byte that cannot start a sequence. */
static size_t announced_length(unsigned char lead)
{
    if (lead < 0x80)
        return 1;
    if (lead >= 0xC2 && lead <= 0xDF)
        return 2;
    if (lead >= 0xE0 && lead <= 0xEF)
        return 3;
    if (lead >= 0xF0 && lead <= 0xF4)
        return 4;
    return 0;
}

static const char *reference_for(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

/* `text` is known to be UTF-8: copies the stretches between the five characters whole. */
static void escape_well_formed(struct buf *buf, struct str text)
{
    size_t from = 0;
    for (size_t i = 0; i < text.length; i++) {
        const char *reference = reference_for(text.data[i]);
        if (reference == NULL)
            continue;
        buf_append(buf, str_slice(text, from, i));
        buf_append_c(buf, reference);
        from = i + 1;
    }
    buf_append(buf, str_slice(text, from, text.length));
}

void html_escape(struct buf *buf, struct str text)
{
    if (str_is_utf8(text)) {
        escape_well_formed(buf, text);
        return;
    }
    for (size_t i = 0; i < text.length;) {
        size_t length = announced_length((unsigned char)text.data[i]);
        struct str piece = str_slice(text, i, i + length);
        if (length > 0 && str_is_utf8(piece)) {
            escape_well_formed(buf, piece);
            i += length;
        } else {
            buf_append_c(buf, "\xEF\xBF\xBD");
            i++;
        }
    }
}
