/*
 * The keys that Sluis signs with, sealed at rest and shared by all nodes. A key's state follows from the time
 * alone, so that nodes agree without telling each other: announced (published, not used yet), then active
 * from active_at until its successor's active_at, then retired (published for what it signed) until ends_at.
 * One key is active, and at most one is announced.
 */
#ifndef STORE_SIGNING_KEY_H
#define STORE_SIGNING_KEY_H

#include "base/arena.h"
#include "base/str.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

/* A retired key stays published for as long as an ID token may come back as a hint at logout. */
#define SIGNING_KEY_KEPT_S ((int64_t)2 * 86400)

struct signing_key {
    struct str kid, alg;
    struct str private_jwk; /* JSON (RFC 7517); empty when it was not asked for */
    int64_t announced_at, active_at;
    int64_t ends_at; /* published until; 0 = until a successor comes */
};

struct signing_key_list {
    struct signing_key *items; /* by active_at, oldest first */
    size_t count, capacity;
};

enum signing_key_state { SIGNING_KEY_ANNOUNCED, SIGNING_KEY_ACTIVE, SIGNING_KEY_RETIRED, SIGNING_KEY_ENDED };

/* Those that have not ended at `now`. */
enum outcome signing_key_list(struct store *store, int64_t now, bool with_private, struct arena *arena,
                              struct signing_key_list *out_list) MUST_CHECK;
/* Of the list's item at `index`. */
enum signing_key_state signing_key_state(const struct signing_key_list *list, size_t index, int64_t now);

/* Makes `key` the active one when none is; ABSENT when another was first. */
enum outcome signing_key_first(struct store *store, const struct signing_key *key, int64_t now) MUST_CHECK;

struct signing_key_turn {
    struct str kid; /* the key that signs from active_at */
    int64_t active_at;
    bool is_new; /* false: it had been announced before */
};

/* Announces `key` as the one that signs from its active_at, and sets when the others end. When one is
 * announced already: with active_at at or before `now` that one becomes active at once and `key` is not used;
 * later is ABSENT. Without any active key, `key` is active at once. Audited. */
enum outcome signing_key_rotate(struct store *store, const struct signing_key *key, const char *actor,
                                int64_t now, struct arena *arena,
                                struct signing_key_turn *out_turn) MUST_CHECK;
/* Deletes those that ended before `now`. */
enum outcome signing_key_purge(struct store *store, int64_t now, int limit, int64_t *out_deleted) MUST_CHECK;

#endif
