/*
 * Professionals as an administrator looks them up: those whom logins made (store/sso_user.h), and how many
 * sessions they have now.
 */
#ifndef STORE_SSO_PERSON_H
#define STORE_SSO_PERSON_H

#include "store/sso_user.h"

struct sso_person {
    struct sso_user user;      /* with the first issuer and subject */
    struct str other_subjects; /* of linked identities, oldest first; newline separated */
    struct str other_issuers;  /* of the same */
    int64_t session_count;     /* that have not ended at `now` */
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

#endif
