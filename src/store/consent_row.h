/*
 * The consent row as other verbs of this directory need it. Private to src/store.
 *
 * Statements that read a consent call its table `c` and end in CONSENT_COLUMNS; consent_read_row reads them
 * from column `first` on, the person still sealed; consent_unseal opens it, after the transaction.
 */
#ifndef STORE_CONSENT_ROW_H
#define STORE_CONSENT_ROW_H

#include "store/consent.h"
#include "store/db.h"

#define CONSENT_COLUMNS                                                                                      \
    "c.id, c.person_sealed, c.provider, c.provider_name, c.client_host, c.client_name, c.function, "         \
    "c.services_shown, c.service_names, c.services_granted, c.days, c.text_version, c.text_hash, "           \
    "c.is_given, c.is_indefinite, c.login_level, c.identity_provider, c.stated_at, c.trace_id, "             \
    "c.session_id, c.last_used_at, c.withdrawn_at, c.withdrawn_by"

/* The vault context of the sealed person. */
extern const char consent_person_context[];

void consent_read_row(struct db_query *query, int first, struct arena *arena, struct consent *out_consent);
enum outcome consent_unseal(struct store *store, const char *verb, struct arena *arena,
                            struct consent *consent) MUST_CHECK;

/* Within a transaction: ends the consent with its grants, and says so in the audit trail. ABSENT: unknown. */
enum outcome consent_withdraw_in(struct db *db, const char *node, struct str id, struct str by,
                                 struct str actor, int64_t now) MUST_CHECK;

#endif
