/*
 * A mail as it goes over the line (RFC 5322): plain text in UTF-8, quoted-printable, with headers that no
 * value can add to (MAIL-9). Pure functions; any thread. Results live in `arena`.
 */
#ifndef MAIL_MESSAGE_H
#define MAIL_MESSAGE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define MESSAGE_RECIPIENTS_MAX 20
#define MESSAGE_SUBJECT_MAX 250 /* bytes; what is longer is cut */
#define MESSAGE_BODY_MAX ((size_t)65536)

struct message {
    struct str sender;     /* an address alone */
    struct str recipients; /* comma separated */
    struct str subject, body;
    struct str id; /* the local part of Message-ID; letters, digits and hyphens */
    int64_t date;
};

/* One address without display name, ASCII; stricter than RFC 5321: no quoted local parts, no literals. */
bool message_is_address(struct str text);
/* The addresses of a comma separated list, without blanks; FAILED when there is none, one is not an address,
 * or there are more than MESSAGE_RECIPIENTS_MAX. */
enum outcome message_split_recipients(struct arena *arena, struct str list, const char ***out_addresses,
                                      size_t *out_count) MUST_CHECK;
/* Control characters (CR and LF are two of them) become spaces, bytes that are not UTF-8 question marks; at
 * most `cap` bytes, cut between characters. */
struct str message_clean(struct arena *arena, struct str text, size_t cap);

/* FAILED when sender, recipients or id are not what they should be, or the body is too long. */
enum outcome message_write(struct arena *arena, const struct message *message,
                           struct str *out_text) MUST_CHECK;

#endif
