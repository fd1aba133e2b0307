/*
 * Tells administrators of logins that failed (spec sso.md 4.10). Here, and nowhere else, it is decided what
 * the "Mail" column of the catalogue means: who is told, when, and what makes two failures the same (MAIL-6).
 * Counting over nodes is the outbox's, the texts are notify_text's.
 */
#ifndef SSO_NOTIFY_H
#define SSO_NOTIFY_H

#include "sso/sso_error.h"
#include "sso/trail.h"
#include "store/outage.h"
#include "store/outbox.h"
#include "store/sso_catalog.h"

struct mailer;
struct notify_backlog;
struct notify_queue;

/* In the outbox the operator's own mails are those of a connection by this name. */
#define NOTIFY_OPERATOR "operator"

struct notice {
    const struct sso_connection *connection; /* NULL = not found: nobody but the operator to tell */
    const struct trail *trail;
    const struct sso_error *error;
    char cause;                   /* 0 or 'a'..'e' */
    bool is_consent_required;     /* 311: what the identity provider asked for */
    struct str user_shown;        /* display name or masked subject; empty = not known yet */
    const char *operator_address; /* NULL = none */
    int64_t now;
};

struct notify_plan {
    bool is_outage; /* MAIL-8: outage_report instead of outbox_offer */
    struct outage_report report;
    struct outbox_rule rule;
};

/* ABSENT when this failure is not mailed: by its rule, because there is no address (MAIL-2), or because it
 * has a mail of its own (digest, reminders: sso/notify_turn.h). Pure. */
enum outcome notify_compose(struct arena *arena, const struct notice *notice,
                            struct notify_plan *out_plan) MUST_CHECK;

enum notify_verdict {
    NOTIFY_NONE,       /* nobody is told: by the rule, too few so far, or it could not be written */
    NOTIFY_SENT,       /* in the outbox */
    NOTIFY_HANDED,     /* on its way to the outbox, which has yet to judge it */
    NOTIFY_SUPPRESSED, /* whoever would get it was told of the same before */
    NOTIFY_CAPPED      /* MAIL-7: told later */
};
/* For step 12: "verstuurd", "aangeboden", "onderdrukt", "geen". */
const char *notify_verdict_word(enum notify_verdict verdict);

/* Where notices go. Without a mailer nothing is queued. */
struct notify_desk {
    struct store *store;
    struct mailer *mailer;
    struct notify_backlog *backlog;
    struct notify_queue *queue; /* NULL without a mailer */
};

/* Puts it in the outbox, in one write; a failure is logged and otherwise nothing, but for a notice to the
 * operator: that is kept in memory until the store takes it. One about the store itself (911) does not try
 * first.
 *
 * The request of a login that failed waits for this write, on purpose: only the outbox, which counts over
 * nodes, knows whether a mail of the window was really queued, and both the page ("heeft bericht gekregen",
 * MAIL-6) and step 12 of the log (sent, suppressed, none) say so. What it costs, measured on two busy cores
 * with refusals that write nothing else: with SQLite 3 ms for one alone, and 2600 a second with 32 at once,
 * since they share the transaction and fsync of whoever writes at that moment; with PostgreSQL 10 to 20 ms
 * alone, and 200 a second of one and the same fault, whose failures wait for each other's row (650 where
 * fsync costs nothing). A flood of them holds workers for that long and is bounded by the limits on starts
 * (sso/rate.h). */
enum notify_verdict notify_send(const struct notify_desk *desk, struct arena *arena,
                                const struct notice *notice);
/* The same in the background, for what nobody waits for: NOTIFY_HANDED instead of a verdict. Never waits for
 * the store. */
enum notify_verdict notify_later(const struct notify_desk *desk, struct arena *arena,
                                 const struct notice *notice);
/* Puts what was composed in the outbox, and wakes the mailer for it. */
enum outcome notify_deliver(const struct notify_desk *desk, const struct notify_plan *plan, int64_t now,
                            enum outbox_verdict *out_verdict) MUST_CHECK;

/* A name as a mail may show it: what looks like an address or a number is masked as a subject is. */
struct str notify_user(struct arena *arena, struct str display_name, struct str subject);

#endif
