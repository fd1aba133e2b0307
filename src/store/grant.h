/*
 * Grants and tokens (spec 3.6-3.12): a grant is what one authorization code leads to: access tokens, and with
 * long-lived consent a family of refresh tokens of which exactly one is current. Codes and tokens are stored
 * as SHA-256 digests only.
 */
#ifndef STORE_GRANT_H
#define STORE_GRANT_H

#include "base/arena.h"
#include "base/str.h"
#include "store/consent.h"
#include "store/store.h"

struct grant {
    struct str id;
    struct str client_host;
    struct str redirect_uri;
    struct str correlation_id;
    struct str code_challenge;
    int64_t code_expires_at;
    bool is_revoked;
    struct consent consent; /* the statement it rests on, person included */
};

enum code_state { CODE_FRESH, CODE_REUSED };

/* Retires the code, whatever comes after (core.tknint.204). OK with CODE_FRESH: this caller alone may go on.
 * OK with CODE_REUSED: it was offered before; the grant and all its tokens have been revoked in the same
 * transaction (RFC 6749 4.1.2). ABSENT: unknown code. Expiry and the other checks are the caller's. */
enum outcome grant_offer_code(struct store *store, struct str code_digest, int64_t now, struct arena *arena,
                              struct grant *out_grant, enum code_state *out_state) MUST_CHECK;

struct token_issue {
    struct str access_digest;
    struct str services; /* granted ids, space separated */
    int64_t access_expires_at;
    struct str refresh_digest; /* empty = no refresh token */
    int64_t refresh_expires_at;
};

/* First tokens of a grant; also notes the use of the consent. ABSENT: the grant was revoked or the consent
 * withdrawn meanwhile. */
enum outcome grant_issue(struct store *store, struct str grant_id, const struct token_issue *issue,
                         int64_t now) MUST_CHECK;

enum refresh_state {
    REFRESH_CURRENT,
    REFRESH_ROTATED, /* used before: theft, unless repeated within the idempotent window */
    REFRESH_EXPIRED,
    REFRESH_REVOKED,
};

struct refresh_lookup {
    enum refresh_state state;
    struct grant grant;
    int64_t rotated_at; /* REFRESH_ROTATED */
    struct str
        sealed_answer; /* REFRESH_ROTATED: what was answered, sealed under the old token; may be empty */
};

/* Reads only. ABSENT: unknown. */
enum outcome grant_find_refresh(struct store *store, struct str refresh_digest, int64_t now,
                                struct arena *arena, struct refresh_lookup *out_lookup) MUST_CHECK;

/* Old dies, new lives, in one transaction, only when the old one is still current: OK. ABSENT: another call
 * was first, or it was revoked; nothing was written. `sealed_answer` (empty = none) is kept for the
 * idempotent window. */
enum outcome grant_rotate(struct store *store, struct str old_digest, const struct token_issue *issue,
                          struct str sealed_answer, int64_t now) MUST_CHECK;

/* Ends the grant, its refresh family and its access tokens; the consent stays. Written to the audit trail. */
enum outcome grant_revoke(struct store *store, struct str grant_id, const char *why, int64_t now) MUST_CHECK;

/* RFC 7009: finds the token (either kind) and, when it is this client's, ends it: a refresh token takes its
 * grant and the long-lived consent along, an access token only itself. ABSENT: unknown, or another client's:
 * the answer is the same. */
enum outcome token_revoke(struct store *store, struct str token_digest, struct str client_host,
                          int64_t now) MUST_CHECK;

struct token_facts {
    struct str consent_id;
    struct str client_host;
    struct str provider;
    struct str function;
    struct str services;
    struct str person; /* BSN in the clear, for the resource server */
    int64_t days;
    int64_t issued_at;
    int64_t expires_at;
};

/* RFC 7662: OK only for an access token that is alive now: not expired, not revoked, grant and consent
 * standing. */
enum outcome token_introspect(struct store *store, struct str access_digest, int64_t now, struct arena *arena,
                              struct token_facts *out_facts) MUST_CHECK;

/* Deletes access and refresh tokens and sealed answers past their time and codes never offered, at most
 * `limit` each. */
enum outcome grant_purge(struct store *store, int64_t now, int64_t answer_window_s, int limit,
                         int64_t *out_deleted) MUST_CHECK;

#endif
