/*
 * The texts of the mails to administrators (MAIL-3, MAIL-4): Dutch, plain, nothing of MAIL-5, and control
 * characters out of every value. Pure; results live in the arena.
 */
#ifndef SSO_NOTIFY_TEXT_H
#define SSO_NOTIFY_TEXT_H

#include "sso/notify.h"
#include "sso/trail_findings.h"
#include "store/mapping.h"

/* "[SSO productie] zonnestraaltjes: Geen beveiligingsgroepen gevonden (701)"; `title` of the catalogue when
 * NULL. Without a connection it is the operator's own: "[SSO] Sluis: ...". */
struct str notify_subject(struct arena *arena, const struct sso_connection *connection,
                          const struct sso_error *error, const char *title);
struct str notify_body(struct arena *arena, const struct notice *notice,
                       const struct trail_findings *findings);

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
