/*
 * The outbox (MAIL-1 to -9): mails that wait, with the fingerprint windows that keep one fault from becoming
 * a flood. Delivery is the mail room's; these verbs decide what is due and remember what was done, and of
 * every failure that was not mailed why not. Counting is in the store, so it holds over nodes and restarts.
 */
#ifndef STORE_OUTBOX_H
#define STORE_OUTBOX_H

#include "base/arena.h"
#include "base/str.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

#define OUTBOX_AFTER_MAX 20

/* When a fingerprint mails; all zero is MAIL-6: at once, then windows of 15 minutes that double to a day. */
struct outbox_rule {
    int after; /* the first mail is about this many failures within within_s; 0 and 1: at once */
    int64_t within_s;
    int64_t window_s; /* of one length instead of doubling; 0 = doubling */
};

struct outbox_mail {
    struct str id; /* made by outbox_offer when empty */
    struct str connection;
    struct str fingerprint; /* hex digest, MAIL-6 */
    struct str recipients;  /* comma separated */
    struct str subject,
        body;             /* body without the count of suppressed repeats: "{repeats}" is filled when sent */
    int code;             /* of the error catalogue, for the list of notifications */
    struct str cause;     /* "a".."e", or empty */
    struct str reference; /* of the exchange log; empty for digests and reminders */
    int64_t repeats;      /* suppressed since the last one went out */
    int64_t first_at, last_at; /* of the repeats and the failure itself */
    int attempts;              /* that failed */
    bool is_last; /* the cap of MAIL-7 is reached with this one: when it is sent, its text says so */
};

enum outbox_verdict {
    OUTBOX_QUEUED,
    OUTBOX_SUPPRESSED, /* told of before: inside a window, or in an outage, that has been mailed */
    OUTBOX_COUNTED,    /* too few so far to mail */
    OUTBOX_CAPPED      /* MAIL-7; also inside a window or outage that has no mail because of it */
};

/* A failure happened: queued at once the first time, or once the rule's count is reached; suppressed inside
 * the window; within the caps of MAIL-7. What is suppressed or capped is counted, with the newest text; the
 * next mail of the fingerprint tells how many. first_at, last_at, repeats, attempts and is_last are the
 * verbs' own. One write. */
enum outcome outbox_offer(struct store *store, const struct outbox_mail *mail, const struct outbox_rule *rule,
                          int64_t now, enum outbox_verdict *out_verdict) MUST_CHECK;
/* A mail that goes out once for this connection, topic and step, whichever node asks first: OUTBOX_SUPPRESSED
 * when it has. With OUTBOX_CAPPED nothing is noted: ask again later. Only a read when it was done before. */
enum outcome outbox_offer_once(struct store *store, const struct outbox_mail *mail, struct str topic,
                               int64_t step, int64_t now, enum outbox_verdict *out_verdict) MUST_CHECK;
/* The highest step that went out; ABSENT when none did. */
enum outcome outbox_last_step(struct store *store, struct str connection, struct str topic,
                              int64_t *out_step) MUST_CHECK;
/* Takes one mail that is due, leased to this caller until now + lease_s so that two nodes do not send it
 * twice; ABSENT when there is none. Also turns windows that closed with repeats into one summary each. */
enum outcome outbox_take(struct store *store, int64_t now, int64_t lease_s, struct arena *arena,
                         struct outbox_mail *out_mail) MUST_CHECK;
/* ABSENT when the mail does not wait any more. */
enum outcome outbox_sent(struct store *store, struct str id, int64_t now) MUST_CHECK;
/* Retried after 1, 5, 15, 60 minutes, then hourly for a day, then given up. */
enum outcome outbox_failed(struct store *store, struct str id, int64_t now) MUST_CHECK;
/* Deletes mails that were sent or given up and failures that were not mailed before `before`, windows without
 * repeats since then, and steps of 90 days earlier, at most `limit` of each. `before` lies two days back at
 * least: caps and windows look that far. */
enum outcome outbox_purge(struct store *store, int64_t before, int limit, int64_t *out_deleted) MUST_CHECK;

#endif
