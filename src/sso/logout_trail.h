/*
 * What logging out leaves in the numbered log (OUT-9; steps 21 to 23): an entry of its own, apart from that
 * of the login.
 */
#ifndef SSO_LOGOUT_TRAIL_H
#define SSO_LOGOUT_TRAIL_H

#include "sso/attempt.h"

/* Who was logged out, and by which login. */
void logout_trail_user(struct attempt *attempt, const struct session_ended *ended);

/* Ends the entry of the attempt with `code` (0 = none), writes it, and notifies as the mail rule of the code
 * says. `detail` is English for the process log. The answer is the caller's. */
void logout_trail_end(struct attempt *attempt, int code, const char *detail, int status);

/* Writes an entry with step 21 for each session that an administrator ended; `cause` says by what ("user
 * blocked"). FAILED when one of them was not written. */
enum outcome logout_trail_write_ended(struct store *store, const struct sso_data *data,
                                      const struct session_ended_list *ended, const char *cause,
                                      struct arena *arena) MUST_CHECK;

/* session_purge, with an entry for each session that was idle for too long or past its end. */
enum outcome logout_trail_purge(struct professional *door, int64_t now, int limit,
                                int64_t *out_deleted) MUST_CHECK;

#endif
