/*
 * Professionals as the identity providers name them (USR-1 to -6). Key: issuer and subject value.
 */
#ifndef STORE_SSO_USER_H
#define STORE_SSO_USER_H

#include "base/arena.h"
#include "base/str.h"
#include "store/customer_scope.h"
#include "store/store.h"

struct sso_user {
    struct str id; /* UUIDv7 */
    struct str issuer, subject, sub_raw;
    struct str display_name, email, employee_number;
    bool is_blocked;
    int64_t created_at, last_login_at;
};

struct sso_user_change {
    bool is_created;
    struct str changed_fields; /* names, space separated: values never go to a log */
};

/* Creates or updates by (issuer, subject); out_user is the row as it now stands. A field that is empty in
 * `seen` did not come along and stays. A blocked user's row stays as it is: the caller refuses the login. */
enum outcome sso_user_upsert(struct store *store, const struct sso_user *seen, int64_t now,
                             struct arena *arena, struct sso_user *out_user,
                             struct sso_user_change *out_change) MUST_CHECK;
/* By our own id, for a session that the user has; administrators look people up by store/sso_person.h. */
enum outcome sso_user_find(struct store *store, struct str id, struct arena *arena,
                           struct sso_user *out_user) MUST_CHECK;
/* Blocking ends the user's sessions too; audited. ABSENT: unknown, or out of scope: whoever never came
 * through a connection of that customer (the exchange log tells). */
enum outcome sso_user_block(struct store *store, struct customer_scope scope, struct str id, bool is_blocked,
                            const char *actor, int64_t now) MUST_CHECK;

#endif
