/*
 * Professionals as an administrator looks them up: those whom logins made (store/sso_user.h), and how many
 * sessions they have now.
 */
#ifndef STORE_SSO_PERSON_H
#define STORE_SSO_PERSON_H

#include "store/session.h"
#include "store/sso_user.h"

struct sso_person {
    struct sso_user user;
    int64_t session_count; /* that have not ended at `now` */
};

struct sso_person_list {
    struct sso_person *items; /* last login first */
    size_t count, capacity;
};

struct sso_person_filter {
    struct customer_scope scope; /* who came through a connection of that customer, and the sessions there */
    struct str search; /* in display name, subject, mail address or employee number; or an id. Empty = all */
    bool is_blocked_only;
    int limit; /* 1 to 1000 */
};

enum outcome sso_person_list(struct store *store, const struct sso_person_filter *filter, int64_t now,
                             struct arena *arena, struct sso_person_list *out_list) MUST_CHECK;
/* Ends every session of a user, by id, at the connections in scope, and lists them; audited. ABSENT: there is
 * no such user in scope. */
enum outcome sso_person_end_sessions(struct store *store, struct customer_scope scope, struct str user_id,
                                     const char *actor, int64_t now, struct arena *arena,
                                     struct session_ended_list *out_ended) MUST_CHECK;

#endif
