/*
 * Notices to the operator that the store did not take, which is what 911 is about: kept in memory, the newest
 * of each code, until the store is there again. Any thread; flush is the housekeeper's.
 */
#ifndef SSO_NOTIFY_BACKLOG_H
#define SSO_NOTIFY_BACKLOG_H

#include "sso/notify.h"

struct notify_backlog *notify_backlog_new(void);
void notify_backlog_free(struct notify_backlog **backlog);

/* Copies the mail; false when there is no place. NULL is fine. */
bool notify_backlog_put(struct notify_backlog *backlog, const struct outbox_mail *mail, int64_t now);
/* Offers to the outbox what is kept, as of the moment it happened. FAILED at the first that the store does
 * not take: it is kept, unless a newer one of its code came meanwhile, and so are those behind it. */
enum outcome notify_backlog_flush(const struct notify_desk *desk) MUST_CHECK;

#endif
