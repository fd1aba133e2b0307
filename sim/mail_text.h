/*
 * Reading a mail: headers (RFC 5322 unfolding, RFC 2047 words) and a single text body (quoted-printable,
 * base64 or as it is). For showing only: what is malformed is shown as it stands. Pure; any thread.
 */
#ifndef SIM_MAIL_TEXT_H
#define SIM_MAIL_TEXT_H

#include "base/arena.h"
#include "base/str.h"

struct mail_header {
    struct str name;
    struct str value; /* unfolded, words decoded */
};

struct mail_text {
    struct mail_header *headers;
    size_t header_count;
    struct str body; /* decoded */
};

#define MAIL_HEADERS_MAX 100

void mail_text_read(struct arena *arena, struct str data, struct mail_text *out_text);
/* The first header of that name; empty when there is none. */
struct str mail_text_header(const struct mail_text *text, const char *name);

#endif
