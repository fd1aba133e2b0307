/*
 * Professionals as the identity providers name them (USR-1 to -6). Key: issuer and subject value. A user may
 * have several of those (USR-2): the first is the user's own row, each other one a row that leads to it, and
 * whose id nobody sees. What is known of a user is in the user's row alone; identities never lead further.
 */
#ifndef STORE_SSO_USER_H
#define STORE_SSO_USER_H

#include "base/arena.h"
#include "base/str.h"
#include "store/customer_scope.h"
#include "store/session.h"
#include "store/store.h"

struct sso_user {
    struct str id; /* UUIDv7 */
    struct str issuer, subject, sub_raw;
    struct str display_name, email, employee_number;
    bool is_blocked;
    int64_t created_at, last_login_at;
};

/* What may link somebody who comes in for the first time to a user that is there (store/sso_link.h). */
struct sso_user_link {
    struct str connection;
    struct str value; /* of the claim that the connection names; empty, or no number (sso_link_is_number):
                         nobody is linked */
};

struct sso_user_change {
    bool is_created;
    bool is_linked;            /* a new identity of a user that was there; audited */
    struct str changed_fields; /* names, space separated: values never go to a log */
    struct str rivals[2];      /* with ABSENT: the users that it could have been */
    size_t rival_count;
};

/* Creates or updates by (issuer, subject); out_user is the user's row as it now stands, with the issuer,
 * subject and sub_raw of this login. A field that is empty in `seen` did not come along and stays. A blocked
 * user's row stays as it is, and nobody is linked to it: the caller refuses the login. `link` (NULL = the
 * connection names no claim) is looked at for an unknown issuer and subject only, and remembered.
 * ABSENT (USR-5), and nothing changed: the link fits several users, or one who has another subject at this
 * issuer. */
enum outcome sso_user_upsert(struct store *store, const struct sso_user *seen,
                             const struct sso_user_link *link, int64_t now, struct arena *arena,
                             struct sso_user *out_user, struct sso_user_change *out_change) MUST_CHECK;
/* By our own id, for a session that the user has; administrators look people up by store/sso_person.h. */
enum outcome sso_user_find(struct store *store, struct str id, struct arena *arena,
                           struct sso_user *out_user) MUST_CHECK;
/* Blocking ends the user's sessions too, and lists them; audited. ABSENT: unknown, or out of scope: whoever
 * never came through a connection of that customer (the exchange log tells). */
enum outcome sso_user_block(struct store *store, struct customer_scope scope, struct str id, bool is_blocked,
                            const char *actor, int64_t now, struct arena *arena,
                            struct session_ended_list *out_ended) MUST_CHECK;
/* Undoes linking: each identity is a user of its own again, as blocked as this one, nobody is linked to any
 * of them until a login tells the value anew, and the sessions end. Audited. ABSENT as above. */
enum outcome sso_user_unlink(struct store *store, struct customer_scope scope, struct str id,
                             const char *actor, int64_t now, struct arena *arena, int64_t *out_identities,
                             struct session_ended_list *out_ended) MUST_CHECK;

#endif
