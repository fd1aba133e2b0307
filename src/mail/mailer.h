/*
 * The thread that empties the outbox (MAIL-9): takes what is due, hands it to the mail server, tells the
 * outbox how that went. What it cannot deliver waits in the store, so a mail server that is down holds up
 * nothing but mail. Several nodes may each have one: the outbox's lease keeps them apart.
 */
#ifndef MAIL_MAILER_H
#define MAIL_MAILER_H

#include "mail/smtp.h"
#include "store/outbox.h"

/* On a line of its own in a body; replaced when the mail goes out. */
#define MAILER_REPEATS "{repeats}"

struct mailer;

/* The strings and the secret of `client` stay the caller's and outlive the mailer. */
struct mailer *mailer_start(struct store *store, const struct smtp_client *client);
/* Within ten seconds, also when the mail server hangs; what was being sent is sent again later. */
void mailer_stop(struct mailer **mailer);
/* Something new waits: look now instead of at the next turn. Any thread; NULL is fine. */
void mailer_wake(struct mailer *mailer);

/* The body with its repeats told, and that it is the last one of MAIL-7 when it is. */
struct str mailer_body(struct arena *arena, const struct outbox_mail *mail);

#endif
