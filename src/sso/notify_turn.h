/*
 * What is mailed without anybody logging in: the start and end of outages (MAIL-8), once a day the locations
 * that are new (MAP-9), reminders of client secrets that expire (913), and what the operator could not be
 * told while the store was away. Every node takes turns; the outbox sees to it that each mail goes out once.
 */
#ifndef SSO_NOTIFY_TURN_H
#define SSO_NOTIFY_TURN_H

#include "sso/notify.h"
#include "store/cached.h"

struct notify_turn {
    struct notify_desk desk;
    struct cached *data;
    /* The last look at digests and reminders: when, of what data, and the hour that it did all for. */
    int64_t looked_at, hour_done;
    const void *data_done;
};

/* The housekeeper's, every few seconds. Mostly a single read: digests and reminders are looked at once an
 * hour and after a change of the connections; again after a minute when a connection had no room for its
 * mail. Ends at the first thing that the store does not do: the housekeeper has more to see to. Without a
 * mailer nothing happens. */
void notify_turn_take(struct notify_turn *turn, int64_t now);

/* The reminder step of 913 that this secret is in: 60, 30, 14, 7 or 1; 0 = none, too far away or too late. */
int64_t notify_reminder_step(int64_t expires_at, int64_t now);
/* The day of a digest ends at 06:00 in Amsterdam; that moment, the last before or at `now`. */
int64_t notify_digest_end(int64_t now);

#endif
