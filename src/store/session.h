/*
 * Sessions of professionals (SES-1 to -8): found by the digest of the cookie; permissions frozen at login.
 */
#ifndef STORE_SESSION_H
#define STORE_SESSION_H

#include "base/arena.h"
#include "base/str.h"
#include "store/audit.h"
#include "store/store.h"

struct session {
    struct str digest; /* SHA-256 of the cookie */
    struct str user_id, connection, issuer, subject, sid;
    struct str identity; /* sso_user.subject, for session_create alone: `subject` is the `sub` of messages */
    struct str display_name;
    struct str groups;         /* names, newline separated */
    struct str permissions;    /* "code" or "code@department", space separated, sorted */
    struct str locations;      /* linked location ids, newline separated */
    struct str landing;        /* path */
    struct str patient;        /* "reference kind value", sealed at rest; empty = none */
    struct str patient_digest; /* SHA-256 of the reference */
    bool is_patient_opened;    /* session_open_patient's own */
    struct str warnings;       /* codes of the login, space separated */
    bool is_limited;
    struct str id_token; /* sealed at rest */
    struct str acr;
    struct str log_reference;
    int64_t auth_at; /* when the person logged in, as the identity provider says; 0 = it does not */
    int64_t login_at, seen_at, idle_s, expires_at;
};

/* SES-3: ends the browser's previous session (digest; empty = none) and creates the new one, in one
 * transaction. *out_replaced_user is the user id of the session that was ended; empty when there was none.
 * ABSENT, and nothing changed: while the login was under way the user was blocked (USR-4), or unlinked from
 * the issuer and identity that this login came by (USR-2). */
enum outcome session_create(struct store *store, const struct session *session, struct str previous_digest,
                            struct arena *arena, struct str *out_replaced_user) MUST_CHECK;
/* ABSENT when unknown, idle for too long or past its end. Notes the activity, at most once a minute. */
enum outcome session_find(struct store *store, struct str digest, int64_t now, struct arena *arena,
                          struct session *out_session) MUST_CHECK;
enum outcome session_end(struct store *store, struct str digest) MUST_CHECK; /* ABSENT when there was none */

/* A session that ended without a word of its browser, for the log. */
struct session_ended {
    struct str digest, user_id, display_name, connection, log_reference;
    int64_t ended_at;
    bool is_absolute; /* it was over in any case (SES-5) */
};
struct session_ended_list {
    struct session_ended *items;
    size_t count, capacity;
};
/* Which login is over, as its identity provider calls it. */
struct session_login {
    struct str connection; /* that was told: sessions of another platform or environment stay; empty = any */
    struct str issuer, subject, sid;
    struct str jti; /* of the logout token; empty = none */
    int64_t jti_expires_at;
};
/* OUT-5: by sid when it is given, otherwise all of the subject at the issuer; none is OK too. A jti is used
 * up in the same transaction, so that a token whose sessions could not be ended may come again: ABSENT when
 * it was seen before, and then nothing ends. */
enum outcome session_end_by_login(struct store *store, const struct session_login *login, int64_t now,
                                  struct arena *arena, struct session_ended_list *out_ended) MUST_CHECK;
/* The session that a login attempt (log reference) led to, for the browser's Back button (RSP-8). */
enum outcome session_find_by_log(struct store *store, struct str log_reference, int64_t now,
                                 struct arena *arena, struct session *out_session) MUST_CHECK;
/* The session whose patient goes by that reference (its digest). Notes no activity: it is the application
 * that asks, not the browser. */
enum outcome session_find_by_patient(struct store *store, struct str patient_digest, int64_t now,
                                     struct arena *arena, struct session *out_session) MUST_CHECK;
/* VIEW-9: notes that the patient of a session is handed over. `event` goes to the audit trail with it, in one
 * transaction, the first time that a session gets here; later ones find it there. OK only when the trail has
 * the event. ABSENT: the session is gone, or has no patient. */
enum outcome session_open_patient(struct store *store, struct str digest,
                                  const struct audit_entry *event) MUST_CHECK;
/* Deletes sessions that ended before `now`, which it lists, and one-time values that expired, at most `limit`
 * of each. With FAILED the list holds those that are gone all the same. */
enum outcome session_purge(struct store *store, int64_t now, int limit, struct arena *arena,
                           struct session_ended_list *out_ended, int64_t *out_deleted) MUST_CHECK;

/* One-time values (jti of logout tokens and patient contexts): OK the first time, ABSENT when seen before, or
 * when expires_at has come: what is purged by then cannot be vouched for. */
enum outcome replay_take(struct store *store, const char *kind, struct str value, int64_t expires_at,
                         int64_t now) MUST_CHECK;
/* What is taken stays this long beyond its time: the clocks of two nodes differ, and what one has purged the
 * other must not take for new. */
#define REPLAY_KEPT_S 300
/* OK when it was taken and is not purged yet. */
enum outcome replay_find(struct store *store, const char *kind, struct str value) MUST_CHECK;

#endif
