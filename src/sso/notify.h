/*
 * Tells the administrator of a connection about a login that failed (spec sso.md 4.10): which errors mail,
 * what makes two failures the same (MAIL-6), and the text (MAIL-3, MAIL-4), which holds nothing of MAIL-5.
 */
#ifndef SSO_NOTIFY_H
#define SSO_NOTIFY_H

#include "sso/sso_error.h"
#include "sso/trail.h"
#include "store/outbox.h"
#include "store/sso_catalog.h"

struct mailer;

struct notice {
    const struct sso_connection *connection; /* NULL = not found: nobody to tell */
    const struct trail *trail;               /* ended */
    const struct sso_error *error;
    char cause;            /* 0 or 'a'..'e' */
    struct str user_shown; /* display name or masked subject; empty = not known yet */
    int64_t now;
};

/* ABSENT when this failure is not mailed: by its rule, or because the connection has no address (MAIL-2).
 * Rules that count (after 3 in 15 minutes and the like), digests and mails to the operator are not mailed.
 * The outage rule of MAIL-8 is one mail at the first failure, and then the windows of MAIL-6. Pure. */
enum outcome notify_compose(struct arena *arena, const struct notice *notice,
                            struct outbox_mail *out_mail) MUST_CHECK;

/* Puts it in the outbox, in one write; whether the administrator knows or will know. A failure is logged and
 * otherwise nothing. Without a mailer nothing is queued. */
bool notify_send(struct store *store, struct mailer *mailer, struct arena *arena,
                 const struct notice *notice);

/* A name as a mail may show it: what looks like an address or a number is masked as a subject is. */
struct str notify_user(struct arena *arena, struct str display_name, struct str subject);

#endif
