/*
 * Outages of a connection's identity provider (MAIL-8): a mail after 3 failures within 2 minutes, or when 10
 * minutes after a failure nobody has got through; one mail at the start, one at the recovery.
 *
 * A login that succeeds writes nothing here. The watch looks for one in the exchange log, and only while an
 * outage is suspected or open. Any node may watch; each mail is made once.
 */
#ifndef STORE_OUTAGE_H
#define STORE_OUTAGE_H

#include "store/outbox.h"

struct outage_report {
    struct outbox_mail mail; /* of the start */
    struct str recovery_subject, recovery_body;
};

/* A failure happened. OUTBOX_QUEUED when the outage is told of with it, OUTBOX_SUPPRESSED once it has been,
 * OUTBOX_CAPPED while it is open and could not be, OUTBOX_COUNTED while it is suspected. One write. */
enum outcome outage_report(struct store *store, const struct outage_report *report, int64_t now,
                           enum outbox_verdict *out_verdict) MUST_CHECK;
/* Starts what was suspected for 10 minutes, ends what is over: a login that began after the last failure
 * succeeded, and 2 minutes were without failure. Forgets outages of connections that were removed. Only a
 * read while there is nothing to do; ends at the first thing that fails. */
enum outcome outage_watch(struct store *store, int64_t now, int64_t *out_mails) MUST_CHECK;

#endif
