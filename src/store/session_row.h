/*
 * The rows of a DELETE that ends sessions, for the verbs that do (store/session, store/session_admin).
 */
#ifndef STORE_SESSION_ROW_H
#define STORE_SESSION_ROW_H

#include "store/db.h"
#include "store/session.h"

#define SESSION_ENDED_COLUMNS "digest, user_id, display_name, connection, log_reference, ends_at, expires_at"

/* Finishes the query, which returns SESSION_ENDED_COLUMNS. `now` is when they ended; 0 = by themselves, at
 * ends_at. */
enum outcome session_row_read_ended(struct db_query *query, int64_t now, struct arena *arena,
                                    struct session_ended_list *list) MUST_CHECK;

#endif
