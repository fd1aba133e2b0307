/*
 * The outbox (MAIL-1 to -9): mails that wait, with the fingerprint windows that keep one fault from becoming
 * a flood. Delivery is the mail room's; these verbs decide what is due and remember what was done.
 */
#ifndef STORE_OUTBOX_H
#define STORE_OUTBOX_H

#include "base/arena.h"
#include "base/str.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

struct outbox_mail {
    struct str id; /* made by outbox_offer when empty */
    struct str connection;
    struct str fingerprint; /* hex digest, MAIL-6 */
    struct str recipients;  /* comma separated */
    struct str subject,
        body;        /* body without the count of suppressed repeats: "{repeats}" is filled when sent */
    int64_t repeats; /* suppressed since the last one went out */
    int64_t first_at, last_at; /* of the repeats and the failure itself */
    int attempts;              /* that failed */
    bool is_last; /* the cap of MAIL-7 is reached with this one: when it is sent, its text says so */
};

enum outbox_verdict { OUTBOX_QUEUED, OUTBOX_SUPPRESSED, OUTBOX_CAPPED };

/* A failure happened: queued at once the first time, suppressed inside the window (15 min doubling to 24 h),
 * within the caps of MAIL-7. What is suppressed or capped is counted, with the newest text; the next mail of
 * the fingerprint tells how many. first_at, last_at, repeats, attempts and is_last are the verbs' own. */
enum outcome outbox_offer(struct store *store, const struct outbox_mail *mail, int64_t now,
                          enum outbox_verdict *out_verdict) MUST_CHECK;
/* Takes one mail that is due, leased to this caller until now + lease_s so that two nodes do not send it
 * twice; ABSENT when there is none. Also turns windows that closed with repeats into one summary each. */
enum outcome outbox_take(struct store *store, int64_t now, int64_t lease_s, struct arena *arena,
                         struct outbox_mail *out_mail) MUST_CHECK;
/* ABSENT when the mail does not wait any more. */
enum outcome outbox_sent(struct store *store, struct str id, int64_t now) MUST_CHECK;
/* Retried after 1, 5, 15, 60 minutes, then hourly for a day, then given up. */
enum outcome outbox_failed(struct store *store, struct str id, int64_t now) MUST_CHECK;
/* Deletes mails that were sent or given up before `before`, and windows without repeats since then, at most
 * `limit` of each. `before` lies two days back at least: caps and windows look that far. */
enum outcome outbox_purge(struct store *store, int64_t before, int limit, int64_t *out_deleted) MUST_CHECK;

#endif
