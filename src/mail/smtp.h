/*
 * Hands one mail to the mail server of the operator, over TLS: smtps, or smtp with STARTTLS, which is
 * required (MAIL-9). Only in development mode, and only for a server on this machine, may it go without.
 */
#ifndef MAIL_SMTP_H
#define MAIL_SMTP_H

#include "base/arena.h"
#include "base/secret.h"
#include "base/str.h"

#include <stdatomic.h>

struct smtp_client {
    const char *server; /* smtp://host[:port] or smtps://host[:port] */
    const char *sender; /* of the envelope */
    const char *user;   /* NULL = no log-in */
    const struct secret *password;
    const char *ca_file; /* NULL = those of the system */
    bool is_development;
};

/* Whether the text is such a URL: host and perhaps port, nothing else. */
bool smtp_is_server(struct str text);
/* Whether mail may go to this server without TLS. */
bool smtp_is_plain_allowed(const struct smtp_client *client);

/* OK when the server took it for at least one recipient, with how many it refused: an address that is no more
 * keeps the mail from nobody else. At most 60 seconds; ends within ten once *is_stopping is set. */
enum outcome smtp_send(const struct smtp_client *client, const char *const *recipients, size_t count,
                       struct str text, const atomic_bool *is_stopping, size_t *out_refused,
                       struct failure *failure) MUST_CHECK;

#endif
