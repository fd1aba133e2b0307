/*
 * The grant row and its writers as grant.c and token.c share them. Private to src/store.
 *
 * Statements call the tables `g` (token_grant) and `c` (consent) and select GRANT_COLUMNS, CONSENT_COLUMNS.
 */
#ifndef STORE_GRANT_ROW_H
#define STORE_GRANT_ROW_H

#include "store/db.h"
#include "store/grant.h"

#define GRANT_COLUMNS                                                                                        \
    "g.id, g.client_host, g.redirect_uri, g.correlation_id, g.code_challenge, g.code_expires_at, "           \
    "g.revoked_at"
#define GRANT_COLUMN_COUNT 7

/* The person of the consent is still sealed (consent_unseal). */
void grant_read_row(struct db_query *query, int first, struct arena *arena, struct grant *out_grant);

/* Within a transaction; run later, so that a failure is that of the transaction. */
void grant_insert_access(struct db *db, struct str grant_id, const struct token_issue *issue, int64_t now);
void grant_insert_refresh(struct db *db, struct str grant_id, const struct token_issue *issue, int64_t now);

/* Within a transaction; in the audit trail when it changed something. ABSENT: unknown. */
enum outcome grant_revoke_in(struct db *db, const char *node, struct str grant_id, struct str why,
                             struct str actor, int64_t now) MUST_CHECK;

#endif
