#include "sso/reference.h"

#include "base/rand.h"

#include <time.h>

#define PREFIX "SSO-"
#define DATE_AT 4
#define TAIL_AT 13
#define TAIL_LENGTH 8

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

struct str reference_new(struct arena *arena, int64_t now)
{
    time_t seconds = (time_t)now;
    struct tm date;
    gmtime_r(&seconds, &date);
    unsigned char bytes[TAIL_LENGTH];
    char tail[TAIL_LENGTH + 1] = "";
    rand_bytes(bytes, sizeof bytes);
    for (size_t i = 0; i < TAIL_LENGTH; i++)
        tail[i] = alphabet[bytes[i] % 32];
    return str_from_c(arena_printf(arena, PREFIX "%04d%02d%02d-%s", date.tm_year + 1900, date.tm_mon + 1,
                                   date.tm_mday, tail));
}

static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - ('a' - 'A')) : c;
}

/* '\0' when it is no character of the alphabet. */
static char base32_digit(char c)
{
    c = upper(c);
    if (c == 'I' || c == 'L')
        return '1';
    if (c == 'O')
        return '0';
    return c != '\0' && strchr(alphabet, c) != NULL ? c : '\0';
}

enum outcome reference_read(struct arena *arena, struct str text, struct str *out_reference)
{
    text = str_trim(text);
    if (text.length != REFERENCE_LENGTH)
        return FAILED;
    char *reference = arena_alloc(arena, REFERENCE_LENGTH + 1);
    for (size_t i = 0; i < REFERENCE_LENGTH; i++) {
        char c = upper(text.data[i]);
        if (i >= TAIL_AT) {
            c = base32_digit(c);
            if (c == '\0')
                return FAILED;
        } else if (i >= DATE_AT && i < TAIL_AT - 1) {
            if (c < '0' || c > '9')
                return FAILED;
        } else if (c != (PREFIX "yyyymmdd-")[i]) {
            return FAILED;
        }
        reference[i] = c;
    }
    *out_reference = str_of(reference, REFERENCE_LENGTH);
    return OK;
}
