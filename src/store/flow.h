/*
 * A flow: what the server remembers of one person's visit between pressing "log in" and the end of it. Both
 * doors keep their flows here; what a door needs besides is its opaque payload. Rows are short-lived; the one
 * column that holds a BSN (identity) is sealed, and emptied when the flow ends.
 *
 * A flow is found by the digest of its state (callback) or by its id (pages), and is bound to one browser by
 * the digest of its cookie, which the caller compares. Parallel tabs are parallel flows.
 */
#ifndef STORE_FLOW_H
#define STORE_FLOW_H

#include "base/arena.h"
#include "base/str.h"
#include "store/store.h"

enum flow_stage {
    FLOW_LOGIN = 1,     /* the browser is at the identity provider */
    FLOW_CALLBACK = 2,  /* came back; the state is used up, the login is being checked */
    FLOW_CANCELLED = 3, /* broke off the login; may start it again in the same flow */
    FLOW_CHOICE = 4,    /* identified; the consent page is open */
    FLOW_ENDED = 5,     /* chosen, refused, failed or stopped; identity is gone */
};

struct flow {
    struct str id;   /* UUIDv7 */
    struct str door; /* "medmij" or "sso" */
    enum flow_stage stage;
    struct str state_digest;   /* SHA-256 of the current state */
    struct str browser_digest; /* SHA-256 of the browser-binding cookie */
    struct str connection;     /* identity provider or connection id */
    struct str issuer;
    struct str nonce;
    struct str code_verifier; /* sealed at rest by the verbs */
    struct str payload;       /* the door's own, sealed at rest by the verbs */
    struct str
        identity; /* the person (BSN) once known; sealed at rest by the verbs; empty before and after */
    struct str acr;
    struct str form_digest; /* SHA-256 of the one-time token in the open page's form */
    struct str outcome;     /* what the door found before the choice (services available); door's own text */
    int64_t created_at;
    int64_t expires_at;
};

enum outcome flow_create(struct store *store, const struct flow *flow) MUST_CHECK;

/* Deletes what a browser has at a door in FLOW_LOGIN beyond the newest `keep` (REQ-8). ABSENT when there was
 * nothing to delete. */
enum outcome flow_trim(struct store *store, struct str door, struct str browser_digest, int keep) MUST_CHECK;

/* Uses up the state: FLOW_LOGIN -> FLOW_CALLBACK, atomically. OK: this caller owns the callback. ABSENT: no
 * such state or expired. When the state was used before: OK with *out_is_replay true and the flow as it is.
 */
enum outcome flow_take_callback(struct store *store, struct str state_digest, int64_t now,
                                struct arena *arena, struct flow *out_flow, bool *out_is_replay) MUST_CHECK;

/* FLOW_CALLBACK -> FLOW_CANCELLED, with the digest of the new page's form token. ABSENT when in another
 * stage. */
enum outcome flow_cancel_login(struct store *store, struct str id, struct str form_digest) MUST_CHECK;
/* FLOW_CANCELLED -> FLOW_LOGIN with new attempt values (state, nonce, verifier, connection, issuer from
 * `flow`), when form_digest fits. ABSENT otherwise. */
enum outcome flow_restart_login(struct store *store, const struct flow *flow,
                                struct str form_digest) MUST_CHECK;
/* FLOW_CALLBACK -> FLOW_CHOICE with identity, acr, outcome, form_digest and expires_at from `flow`. ABSENT
 * when in another stage. */
enum outcome flow_identify(struct store *store, const struct flow *flow) MUST_CHECK;

/* Any stage; ABSENT when unknown or expired at `now`. */
enum outcome flow_find(struct store *store, struct str id, int64_t now, struct arena *arena,
                       struct flow *out_flow) MUST_CHECK;
/* Any stage -> FLOW_ENDED; identity, verifier and form token are emptied. ABSENT when it had ended already.
 */
enum outcome flow_end(struct store *store, struct str id) MUST_CHECK;
/* Deletes flows that expired before `now`, at most `limit`. */
enum outcome flow_purge(struct store *store, int64_t now, int limit, int64_t *out_deleted) MUST_CHECK;

#endif
