/*
 * What links somebody who comes in for the first time to a user that is there (USR-2): the value of the claim
 * that a connection names for it. It counts among the connections of one customer, platform and environment
 * that name such a claim, and no longer than they do. For store/sso_user.c, inside its transactions.
 */
#ifndef STORE_SSO_LINK_H
#define STORE_SSO_LINK_H

#include "store/db.h"

struct sso_link {
    struct str connection;
    struct str value_hash; /* empty = the claim is absent */
};

/* Whether a value can be one person's alone. What fills an empty field is not ("0", "-", "n.v.t.", "0000"): a
 * number has three letters or digits, not all the same, and a digit among them. Nor is a mail address, or a
 * sentence: '@', white space and what is not ASCII do not occur. */
bool sso_link_is_number(struct str value);

/* From here to the end of the transaction nobody else of that customer comes in for the first time. */
enum outcome sso_link_lock(struct db *db, const struct sso_link *link) MUST_CHECK;
/* The users of whom the value was told, at most two: with more than one it says nothing. */
enum outcome sso_link_find(struct db *db, const struct sso_link *link, struct arena *arena,
                           struct str out_users[2], size_t *out_count) MUST_CHECK;
/* Keeps the value for a user, instead of any other that was told of them at that customer. */
enum outcome sso_link_note(struct db *db, const struct sso_link *link, struct str user_id) MUST_CHECK;

#endif
