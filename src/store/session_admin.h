/*
 * Sessions that an administrator ends (OUT-9, PRM-8): of one user, or of everybody whose permissions come
 * from a group or from a location. Those that have ended by themselves are neither counted nor told: the
 * purge takes them.
 */
#ifndef STORE_SESSION_ADMIN_H
#define STORE_SESSION_ADMIN_H

#include "store/customer_scope.h"
#include "store/db.h"
#include "store/session.h"

/* One of the three; the rest stays empty. */
struct session_choice {
    struct str user_id;
    struct str customer_key, group;  /* a session as it was at its login; limited ones hold no group */
    struct str connection, location; /* that was linked at its login */
};

/* ABSENT: there is no such user in scope. */
enum outcome session_admin_count(struct store *store, struct customer_scope scope,
                                 const struct session_choice *choice, int64_t now,
                                 int64_t *out_count) MUST_CHECK;
/* Ends at most `limit` of them in one transaction with its audit event, and lists them: as many as that means
 * that there may be more; session_admin_count tells. The event is written with 0 sessions as well: that it
 * was tried is part of the trail. ABSENT: there is no such user in scope. */
enum outcome session_admin_end(struct store *store, struct customer_scope scope,
                               const struct session_choice *choice, int limit, const char *actor, int64_t now,
                               struct arena *arena, struct session_ended_list *out_ended) MUST_CHECK;

/* For verbs that end all of a user's sessions with something else; they call session_admin_told when the
 * transaction is done. */
enum outcome session_admin_end_user_in(struct db *db, struct str user_id, int64_t now, struct arena *arena,
                                       struct session_ended_list *out_ended) MUST_CHECK;
void session_admin_told(struct store *store, enum outcome outcome, struct session_ended_list *ended);

#endif
