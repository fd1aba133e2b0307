/*
 * The numbered exchange log (spec sso.md 5): one entry per login attempt, its steps as JSON (5.4), and an
 * index of the location ids in step 6. Redaction happens before an entry gets here (4.11).
 */
#ifndef STORE_EXCHANGE_LOG_H
#define STORE_EXCHANGE_LOG_H

#include "base/arena.h"
#include "base/str.h"
#include "store/customer_scope.h"
#include "store/store.h"

struct exchange_entry {
    struct str reference;  /* SSO-yyyymmdd-8 base32 */
    struct str connection; /* id; empty when none was found */
    struct str slug;
    struct str customer_key; /* who may read it; empty = helpdesk only */
    struct str environment;
    int64_t started_at_ms, ended_at_ms; /* 0 = not ended: a partial entry */
    struct str result; /* "", geslaagd, geslaagd met waarschuwing, geweigerd, afgebroken, test */
    int64_t code;      /* 0 = none */
    struct str cause;  /* "a".."e" or empty */
    struct str user_id, user_name;
    struct str steps;               /* JSON array of 5.4 */
    const struct str *location_ids; /* distinct, at most 2000 */
    size_t location_count;
};

/* That `later` replaces what `earlier` wrote. */
bool exchange_entry_is_same(const struct exchange_entry *earlier, const struct exchange_entry *later);

struct exchange_list {
    struct exchange_entry *items; /* newest first; without steps */
    size_t count, capacity;
};

/* Inserts, or replaces what the same login wrote before: same reference, start and connection. ABSENT, and
 * nothing changed: the reference is that of another login (references are random and may meet). A partial
 * entry never replaces one that has ended: two nodes write when they come to it. Cheap to repeat:
 * the index of location ids is written when they change. */
enum outcome exchange_log_write(struct store *store, const struct exchange_entry *entry) MUST_CHECK;
/* Several in one transaction, in their order: FAILED when one fails, and then none is written. out_foreign[i]
 * tells what ABSENT tells of one. */
enum outcome exchange_log_write_all(struct store *store, const struct exchange_entry *const *entries,
                                    size_t count, bool *out_foreign) MUST_CHECK;
/* What became known after the end: result, code and steps of an entry that has ended with `old_steps`. ABSENT
 * when that is not how it stands (any more): not ended, amended by somebody else, or its details purged. */
enum outcome exchange_log_amend(struct store *store, const struct exchange_entry *entry,
                                struct str old_steps) MUST_CHECK;
/* With steps and location ids, in the order received; both are empty once details are purged. */
enum outcome exchange_log_find(struct store *store, struct customer_scope scope, struct str reference,
                               struct arena *arena, struct exchange_entry *out_entry) MUST_CHECK;

struct exchange_filter { /* empty or 0 = any, but for the scope */
    struct customer_scope scope;
    struct str connection, location_id;
    struct str user_name; /* part of it, in any case */
    int64_t code;
    struct str cause;            /* its letter */
    int64_t from_ms, to_ms;      /* of the start: from <= start < to */
    struct str before_reference; /* paging by (started_at, reference) */
    int limit;
};
enum outcome exchange_log_list(struct store *store, const struct exchange_filter *filter, struct arena *arena,
                               struct exchange_list *out_list) MUST_CHECK;
/* Steps and location index older than details_before_ms; whole entries older than summary_before_ms (5.6);
 * at most `limit` of each. Audited when there were any. */
enum outcome exchange_log_purge(struct store *store, int64_t details_before_ms, int64_t summary_before_ms,
                                int limit, int64_t *out_purged) MUST_CHECK;

#endif
