/*
 * Notices that nobody waits for: what a login goes on with (108, 706, 912) is offered to the outbox by a
 * thread of its own, so that a mail never holds up a login. Bounded; what finds no place is dropped with a
 * line in the process log.
 *
 * A notice that is mailed once per period is offered once per period by each process: a provider whose clock
 * is off has a warning with every login, and the outbox need not hear of each.
 */
#ifndef SSO_NOTIFY_QUEUE_H
#define SSO_NOTIFY_QUEUE_H

#include "sso/notify.h"

struct notify_queue;

struct notify_queue *notify_queue_start(struct store *store, struct mailer *mailer);
/* Offers what waits (for at most 5 seconds, and the write that is under way) and stops. */
void notify_queue_stop(struct notify_queue **queue);

/* Copies the plan; any thread, and it never waits for the store. NOTIFY_HANDED; NOTIFY_SUPPRESSED when this
 * process offered the same within its period; NOTIFY_NONE when it was dropped. */
enum notify_verdict notify_queue_put(struct notify_queue *queue, const struct notify_plan *plan, int64_t now);

#endif
