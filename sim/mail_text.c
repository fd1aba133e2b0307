#include "mail_text.h"

#include "base/buf.h"
#include "base/codec.h"

/* RFC 2045 6.7; `is_word`: the variant of encoded words, where "_" is a space. */
static struct str decode_quoted(struct arena *arena, struct str text, bool is_word)
{
    struct buf out = buf_new(arena, text.length + 1);
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i];
        if (c == '=' && i + 2 < text.length && text.data[i + 1] == '\r' && text.data[i + 2] == '\n') {
            i += 2;
        } else if (c == '=' && i + 2 < text.length && codec_hex_digit(text.data[i + 1]) >= 0 &&
                   codec_hex_digit(text.data[i + 2]) >= 0) {
            buf_append_char(
                &out, (char)(codec_hex_digit(text.data[i + 1]) * 16 + codec_hex_digit(text.data[i + 2])));
            i += 2;
        } else {
            buf_append_char(&out, is_word && c == '_' ? ' ' : c);
        }
    }
    return buf_str(&out);
}

/* Base64 with line ends in it; the text as it stands when it is something else. */
static struct str decode_base64(struct arena *arena, struct str text)
{
    struct buf packed = buf_new(arena, text.length + 1);
    struct str out;
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] != '\r' && text.data[i] != '\n' && text.data[i] != ' ')
            buf_append_char(&packed, text.data[i]);
    }
    return codec_base64_decode(arena, buf_str(&packed), &out) == OK ? out : text;
}

/* One RFC 2047 word at the front of `text`: "=?utf-8?Q?...?=". Its length, or 0. */
static size_t decode_word(struct arena *arena, struct str text, struct str *out_text)
{
    if (!str_starts_with(text, STR("=?")))
        return 0;
    size_t charset = 2 + str_find(str_slice(text, 2, text.length), '?');
    if (charset + 3 >= text.length || text.data[charset + 2] != '?')
        return 0;
    char encoding = text.data[charset + 1];
    size_t start = charset + 3;
    size_t end = start + str_find(str_slice(text, start, text.length), '?');
    if (end + 1 >= text.length || text.data[end + 1] != '=')
        return 0;
    struct str inside = str_slice(text, start, end);
    if (encoding == 'Q' || encoding == 'q')
        *out_text = decode_quoted(arena, inside, true);
    else if (encoding == 'B' || encoding == 'b')
        *out_text = decode_base64(arena, inside);
    else
        return 0;
    return end + 2;
}

static struct str decode_words(struct arena *arena, struct str text)
{
    struct buf out = buf_new(arena, text.length + 1);
    bool is_after_word = false;
    for (size_t i = 0; i < text.length;) {
        struct str word;
        size_t blanks = i;
        while (is_after_word && blanks < text.length && text.data[blanks] == ' ')
            blanks++;
        size_t length = decode_word(arena, str_slice(text, blanks, text.length), &word);
        if (length > 0) { /* RFC 2047 6.2: blanks between two words do not count */
            buf_append(&out, word);
            i = blanks + length;
            is_after_word = true;
        } else {
            buf_append_char(&out, text.data[i++]);
            is_after_word = false;
        }
    }
    return buf_str(&out);
}

/* The first line of *rest with its continuation lines, unfolded; taken off *rest. Empty at the blank line. */
static struct str next_header(struct arena *arena, struct str *rest)
{
    struct buf out = buf_new(arena, rest->length + 1);
    struct str line;
    bool is_first = true;
    while (is_first || (rest->length > 0 && (rest->data[0] == ' ' || rest->data[0] == '\t'))) {
        if (!str_split_next(rest, '\n', &line))
            break;
        if (line.length > 0 && line.data[line.length - 1] == '\r')
            line.length--;
        if (!is_first)
            buf_append_char(&out, ' ');
        buf_append(&out, str_trim(line));
        if (is_first && line.length == 0)
            break;
        is_first = false;
    }
    return buf_str(&out);
}

struct str mail_text_header(const struct mail_text *text, const char *name)
{
    for (size_t i = 0; i < text->header_count; i++) {
        if (str_equal_ignoring_case(text->headers[i].name, str_from_c(name)))
            return text->headers[i].value;
    }
    return STR_NONE;
}

void mail_text_read(struct arena *arena, struct str data, struct mail_text *out_text)
{
    struct str rest = data;
    *out_text = (struct mail_text){
        .headers = arena_array(arena, MAIL_HEADERS_MAX, sizeof *out_text->headers),
    };
    for (;;) {
        struct str line = next_header(arena, &rest);
        if (line.length == 0)
            break;
        size_t colon = str_find(line, ':');
        if (colon == line.length || out_text->header_count == MAIL_HEADERS_MAX)
            continue;
        struct mail_header *header = &out_text->headers[out_text->header_count++];
        header->name = str_slice(line, 0, colon);
        header->value = decode_words(arena, str_trim(str_slice(line, colon + 1, line.length)));
    }
    struct str encoding = mail_text_header(out_text, "Content-Transfer-Encoding");
    if (str_equal_ignoring_case(encoding, STR("quoted-printable")))
        out_text->body = decode_quoted(arena, rest, false);
    else if (str_equal_ignoring_case(encoding, STR("base64")))
        out_text->body = decode_base64(arena, rest);
    else
        out_text->body = rest;
}
