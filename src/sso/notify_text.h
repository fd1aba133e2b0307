/*
 * The texts of the mails to administrators (MAIL-3, MAIL-4): Dutch, plain, nothing of MAIL-5, and control
 * characters out of every value. Pure; results live in the arena.
 */
#ifndef SSO_NOTIFY_TEXT_H
#define SSO_NOTIFY_TEXT_H

#include "sso/notify.h"
#include "store/mapping.h"

struct notify_ids {
    struct str *items;
    size_t count, capacity;
};

/* What steps 6 to 8 of a trail have that a mail is about; the strings are the trail's. */
struct notify_findings {
    const char *claim_path;
    size_t received, added;
    struct notify_ids unlinked;
    struct notify_ids groups;
};

struct notify_findings notify_findings(struct arena *arena, const struct trail *trail);

/* "[SSO productie] zonnestraaltjes: Geen beveiligingsgroepen gevonden (701)"; `title` of the catalogue when
 * NULL. Without a connection it is the operator's own: "[SSO] Sluis: ...". */
struct str notify_subject(struct arena *arena, const struct sso_connection *connection,
                          const struct sso_error *error, const char *title);
struct str notify_body(struct arena *arena, const struct notice *notice,
                       const struct notify_findings *findings);

/* MAIL-8, the second mail. */
struct str notify_recovery_subject(struct arena *arena, const struct notice *notice);
struct str notify_recovery_body(struct arena *arena, const struct notice *notice);

/* MAP-9: the rows that logins added from `from` up to `until`; `total` of them, of which `rows` are shown. */
struct notify_digest {
    const struct mapping_list *rows;
    int64_t total, from, until;
};
struct str notify_digest_body(struct arena *arena, const struct sso_connection *connection,
                              const struct notify_digest *digest);
/* 913 */
struct str notify_reminder_body(struct arena *arena, const struct sso_connection *connection,
                                int64_t expires_at, int64_t days);

#endif
