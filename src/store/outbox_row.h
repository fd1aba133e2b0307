/*
 * Rows of the outbox, inside a transaction: what its windows, its once-only mails and the outages have in
 * common. Private to src/store.
 */
#ifndef STORE_OUTBOX_ROW_H
#define STORE_OUTBOX_ROW_H

#include "store/db.h"
#include "store/outbox.h"

/* From here to the end of the transaction, offers and summaries of this connection wait for this one: windows
 * and caps are read and written without a race. */
void outbox_row_lock(struct db *db, struct str connection, int64_t now);
/* How many mails the caps still allow this connection. */
enum outcome outbox_row_room(struct db *db, struct str connection, int64_t now, int64_t *out_room) MUST_CHECK;
/* A mail to be sent, its repeats, moments and is_last as they are in `mail`. */
void outbox_row_queue(struct db *db, const struct outbox_mail *mail, struct str id, int64_t now);
/* A failure that is not mailed by itself, with the reason. */
void outbox_row_note(struct db *db, const struct outbox_mail *mail, struct str id, const char *reason,
                     int64_t now);

/* Moments as text, oldest first: those of `recent` after `since`, and `now`; the newest OUTBOX_AFTER_MAX. */
struct outbox_moments {
    struct str text;
    int count;
    int64_t first_at;
};
struct outbox_moments outbox_row_count(struct arena *arena, struct str recent, int64_t since, int64_t now);

#endif
