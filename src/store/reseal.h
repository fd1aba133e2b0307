/*
 * Sealed columns and the keys they were sealed with (base/vault.h): after a rotation everything that lasts is
 * sealed anew with the newest key, so that old keys may leave the key file one day. Except what the audit
 * trail holds (AUDIT_SEALED_MEMBER): its chain of hashes cannot be rewritten, so a key that sealed any of
 * that stays as long as the trail.
 *
 * Safe beside servers and beside itself: rows are taken some dozens at a time, a row that changed meanwhile
 * is left to whoever changed it, and what was done stays done when it is stopped half-way. Every server must
 * know the newest key by then: it could not open what was sealed anew.
 */
#ifndef STORE_RESEAL_H
#define STORE_RESEAL_H

#include "base/arena.h"
#include "base/str.h"
#include "store/store.h"

/* The columns that last, counted from 0. What ends by itself within hours (open logins, sessions) is not
 * sealed anew. */
size_t reseal_column_count(void);

struct reseal_tally {
    const char *column; /* "consent.person_sealed" */
    int64_t sealed;     /* anew, by this call */
    int64_t unreadable; /* its key is gone, or it was altered; left as it is */
};

/* Seals anew what an older key sealed. FAILED when the store failed; what the tally says was done by then. */
enum outcome reseal_column(struct store *store, size_t index, struct reseal_tally *out_tally) MUST_CHECK;

struct key_use {
    int64_t key;
    int64_t lasting; /* values */
    int64_t passing; /* ... that end by themselves */
    int64_t audited; /* ... in the audit trail, which keep this key */
};

struct key_use_list {
    struct key_use *items;
    size_t count, capacity;
};

/* Of every key that sealed anything that is stored, by number; 0 is what cannot be told of a damaged value.
 * Reads each sealed column and the audit trail once, at different moments. */
enum outcome reseal_read_use(struct store *store, struct arena *arena,
                             struct key_use_list *out_list) MUST_CHECK;

#endif
