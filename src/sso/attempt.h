/*
 * An attempt: one HTTP request of a login at the professional's door with everything its handler reads, and
 * the trail it leaves. Lives on the handler's stack from attempt_begin to attempt_end. A handler ends it in
 * exactly one way: attempt_fail, attempt_succeed, or an answer of its own while nothing is logged yet.
 */
#ifndef SSO_ATTEMPT_H
#define SSO_ATTEMPT_H

#include "html/value.h"
#include "http/request.h"
#include "http/response.h"
#include "sso/directory.h"
#include "sso/notify.h"
#include "sso/professional.h"
#include "sso/trail.h"
#include "store/flow.h"
#include "store/session.h"

struct attempt {
    struct professional *door;
    const struct conf *conf;
    const struct http_request *request;
    struct http_response *response;
    struct arena *arena;
    struct cached_snapshot *snapshot;
    const struct sso_host *host;
    const struct sso_connection *connection; /* NULL before it is found */
    int64_t now;
    struct trail trail;
    struct flow flow;
    bool is_consent_required;  /* 311: the identity provider said consent_required */
    bool is_flow_ours;         /* the browser of `flow` is the one at hand */
    const char *retry_prompt;  /* what the identity provider wants before it lets them in; NULL = nothing */
    struct str session_before; /* digest of the session that the browser had at the start; empty = none */
    struct str view;           /* as asked for; empty = none */
    struct str onward;     /* request of our own OpenID provider that waits for this sign-on; empty = none */
    bool is_login_forced;  /* that request wants the person to log in anew, and proof of it */
    struct str user_shown; /* who it is, as a mail may show it; empty = not known (yet) */
};

/* A new reference and entry, for the connection if there is one. */
void attempt_begin_trail(struct attempt *attempt, struct str slug);

struct attempt attempt_begin(void *door, const struct http_request *request, struct http_response *response);
void attempt_end(struct attempt *attempt);

/* What the template sso_error shows: a text, in which the reference (NUL-terminated, may be empty) is kept in
 * one piece. */
void attempt_put_text(struct arena *arena, struct value *context, const char *text, const char *reference);

/* Tells whom the mail rule of the code says. `cause` is 0 or 'a'..'e'. */
enum notify_verdict attempt_notify(struct attempt *attempt, int code, char cause);
/* Ends the trail with the error of the catalogue, logs, notifies and shows its page with the reference.
 * `cause` is 0 or 'a'..'e'; `detail` is English for the process log. */
void attempt_fail(struct attempt *attempt, int code, char cause, const char *detail);
/* The same for an attempt that was started too often (106), with Retry-After; a flood of them leaves only now
 * and then an entry in the log. */
void attempt_fail_busy(struct attempt *attempt, const struct rate_verdict *verdict);
/* Asks the counter of the source address (INI-5). False when the attempt has been refused, and answered. */
bool attempt_is_within_rate(struct attempt *attempt);
/* The same counter, for what is answered anyway and only takes room in the log: whether it may have an entry.
 */
bool attempt_is_worth_an_entry(struct attempt *attempt);
/* Ends the trail as succeeded, with the warnings that it collected, and logs it. The answer is the caller's.
 */
void attempt_succeed(struct attempt *attempt);

/* The connection as the Authentication Client wants it, with our key for client assertions. For a login that
 * is forced its max_age is 0, at the request and at the callback: the identity provider must say that the
 * person logged in just now (IDT-17). */
struct idp_connection attempt_idp_connection(struct attempt *attempt);

/* Ends the trail as "afgebroken", with a code or 0: no failure, another attempt takes over. */
void attempt_abandon(struct attempt *attempt, int code);

/* The digest of the browser-binding cookie (REQ-6, REQ-7), made when there is none. */
struct str attempt_browser_digest(struct attempt *attempt, bool *out_is_new);
/* False when the browser has none. */
bool attempt_find_browser(const struct attempt *attempt, struct str *out_digest);
/* Whether it is the one that the flow began in (RSP-6). */
bool attempt_is_browser_of_flow(const struct attempt *attempt);
/* The digest of the session cookie; empty when there is none. */
struct str attempt_session_digest(const struct attempt *attempt);

#define SSO_FLOW_DOOR "sso"
#define SSO_SESSION_COOKIE "sluis_s"

#endif
