#include "mail/message.h"

#include "base/buf.h"
#include "base/codec.h"
#include "mail/amsterdam.h"

#include <time.h>

#define ADDRESS_MAX 254    /* RFC 5321 4.5.3.1.3, without its brackets */
#define WORD_BYTES 45      /* an encoded word is 75 characters at most (RFC 2047 2) */
#define LINE_CHARACTERS 72 /* of the body; RFC 2045 6.7 allows 76 */
#define WRITTEN_MAX ((size_t)4 * MESSAGE_BODY_MAX)

/* ---- addresses ---- */

static bool is_atom_text(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static bool is_dotted(struct str text, bool is_domain)
{
    struct str rest = text, part;
    if (text.length == 0)
        return false;
    while (str_split_next(&rest, '.', &part)) {
        if (part.length == 0)
            return false;
        for (size_t i = 0; i < part.length; i++)
            if (!is_atom_text(part.data[i]) ||
                (is_domain && strchr("!#$%&'*+/=?^_`{|}~", part.data[i]) != NULL))
                return false;
    }
    return text.data[text.length - 1] != '.';
}

bool message_is_address(struct str text)
{
    size_t at = str_find(text, '@');
    return text.length <= ADDRESS_MAX && at < text.length && text.data[0] != '-' &&
           is_dotted(str_slice(text, 0, at), false) && is_dotted(str_slice(text, at + 1, text.length), true);
}

enum outcome message_split_recipients(struct arena *arena, struct str list, const char ***out_addresses,
                                      size_t *out_count)
{
    struct str rest = list, part;
    *out_addresses = arena_array_of(arena, MESSAGE_RECIPIENTS_MAX, const char *);
    *out_count = 0;
    while (str_split_next(&rest, ',', &part)) {
        struct str address = str_trim(part);
        if (!message_is_address(address) || *out_count == MESSAGE_RECIPIENTS_MAX)
            return FAILED;
        (*out_addresses)[(*out_count)++] = arena_strndup(arena, address.data, address.length);
    }
    return *out_count > 0 ? OK : FAILED;
}

/* ---- text ---- */

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

static struct str cut(struct str text, size_t cap)
{
    if (text.length <= cap)
        return text;
    while (cap > 0 && is_continuation(text.data[cap]))
        cap--;
    return str_slice(text, 0, cap);
}

struct str message_clean(struct arena *arena, struct str text, size_t cap)
{
    bool is_utf8 = str_is_utf8(text);
    struct str kept = is_utf8 ? cut(text, cap) : str_slice(text, 0, cap);
    char *clean = arena_strndup(arena, kept.data ? kept.data : "", kept.length);
    for (size_t i = 0; i < kept.length; i++) {
        unsigned char c = (unsigned char)clean[i];
        if (c < 0x20 || c == 0x7F)
            clean[i] = ' ';
        else if (c >= 0x80 && !is_utf8)
            clean[i] = '?';
        else if (c == 0xC2 && i + 1 < kept.length && (unsigned char)clean[i + 1] < 0xA0)
            clean[i] = clean[i + 1] = ' '; /* C1 */
    }
    return str_of(clean, kept.length);
}

/* As encoded words when it is not plain ASCII, or could be taken for one (RFC 2047). */
static void append_subject(struct buf *out, struct arena *arena, struct str subject)
{
    struct str rest = message_clean(arena, subject, MESSAGE_SUBJECT_MAX);
    buf_append_c(out, "Subject:");
    if (str_is_printable_ascii(rest) && memmem(rest.data, rest.length, "=?", 2) == NULL) {
        buf_append_char(out, ' ');
        buf_append(out, rest);
        rest = STR_NONE;
    }
    for (bool is_first = true; rest.length > 0; is_first = false) {
        struct str word = cut(rest, WORD_BYTES);
        buf_append_c(out, is_first ? " =?UTF-8?B?" : "\r\n =?UTF-8?B?");
        buf_append(out, codec_base64(arena, word));
        buf_append_c(out, "?=");
        rest = str_slice(rest, word.length, rest.length);
    }
    buf_append_c(out, "\r\n");
}

static void append_date(struct buf *out, int64_t seconds)
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    int64_t offset = amsterdam_offset(seconds);
    time_t moment = (time_t)(seconds + offset);
    struct tm tm = {0};
    gmtime_r(&moment, &tm);
    buf_printf(out, "Date: %s, %d %s %04d %02d:%02d:%02d +%02d00\r\n", days[tm.tm_wday], tm.tm_mday,
               months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(offset / 3600));
}

/* RFC 2045 6.7. Lines of the text stay lines; a bare CR is encoded like any other control character. */
static void append_body(struct buf *out, struct str body)
{
    size_t column = 0;
    for (size_t i = 0; i < body.length; i++) {
        unsigned char c = (unsigned char)body.data[i];
        bool is_line_end = i + 1 == body.length || body.data[i + 1] == '\n';
        if (c == '\n') {
            buf_append_c(out, "\r\n");
            column = 0;
            continue;
        }
        if (column >= LINE_CHARACTERS) {
            buf_append_c(out, "=\r\n");
            column = 0;
        }
        bool is_plain = c > 0x20 && c < 0x7F && c != '=';
        if (is_plain || (c == ' ' && !is_line_end)) {
            buf_append_char(out, (char)c);
            column++;
        } else {
            buf_printf(out, "=%02X", c);
            column += 3;
        }
    }
    if (column > 0)
        buf_append_c(out, "\r\n");
}

static bool is_id(struct str id)
{
    for (size_t i = 0; i < id.length; i++)
        if (id.data[i] == '\0' ||
            strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-", id.data[i]) == NULL)
            return false;
    return id.length > 0 && id.length <= 64;
}

enum outcome message_write(struct arena *arena, const struct message *message, struct str *out_text)
{
    const char **recipients;
    size_t count;
    struct str sender = message->sender;
    if (!message_is_address(sender) || !is_id(message->id) || message->body.length > MESSAGE_BODY_MAX ||
        message_split_recipients(arena, message->recipients, &recipients, &count) != OK)
        return FAILED;
    struct buf out = buf_new(arena, WRITTEN_MAX);
    append_date(&out, message->date);
    buf_printf(&out, "From: Sluis <%.*s>\r\nTo: ", STR_ARG(sender));
    for (size_t i = 0; i < count; i++)
        buf_printf(&out, "%s%s", i > 0 ? ",\r\n " : "", recipients[i]);
    struct str domain = str_slice(sender, str_find(sender, '@') + 1, sender.length);
    buf_printf(&out, "\r\nMessage-ID: <%.*s@%.*s>\r\n", STR_ARG(message->id), STR_ARG(domain));
    append_subject(&out, arena, message->subject);
    /* RFC 3834: nobody's absence message answers it. */
    buf_append_c(&out, "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
                       "Content-Type: text/plain; charset=utf-8\r\nContent-Language: nl\r\n"
                       "Content-Transfer-Encoding: quoted-printable\r\n\r\n");
    append_body(&out, message->body);
    *out_text = buf_str(&out);
    return out.overflowed ? FAILED : OK;
}
