/*
 * The health record, and the OpenID Connect issuer that it is at the same time. Its
 * state is in epd.c; epd_pages.c, epd_start.c and epd_tests.c are what its users see, epd_idp.c and
 * epd_token.c its protocol, epd_logout.c the end of a session. Sessions, requests, codes and tokens are JSON
 * objects on shelves:
 *
 *   session   member, sid, auth_time, patient (external id), fault, shape, context (the last one sent),
 *             clients (ids of those that got a code)
 *   pending   redirect_uri, state, nonce, code_challenge, client (id): a request that waits for a login
 *   code      a pending request with member, sid, auth_time, fault and shape
 *   token     the same, for userinfo
 *
 * Any thread: the shelves and the keys lock themselves.
 */
#ifndef SIM_EPD_H
#define SIM_EPD_H

#include "fault.h"
#include "forge.h"
#include "page.h"
#include "shelf.h"
#include "staff.h"

#define EPD_PART "Dossiersimulator"
#define EPD_COOKIE "epd_s"

struct epd;

struct epd_shelves {
    struct shelf *sessions;
    struct shelf *pending;
    struct shelf *codes;
    struct shelf *tokens;
};
struct epd_shelves *epd_shelves(struct epd *epd);

/* A token signed with the key in use: `header` gets alg and kid where it has none. */
enum outcome epd_sign(struct epd *epd, json_t *header, const json_t *payload, struct arena *arena,
                      struct str *out_token) MUST_CHECK;
/* A new signing key; the one before stays in the key set, older ones go. */
enum outcome epd_rotate(struct epd *epd, struct failure *failure) MUST_CHECK;
/* {"keys": [...]}, new reference. */
json_t *epd_key_set(struct epd *epd);
/* The kid of the key in use. */
const char *epd_key_id(struct epd *epd, struct arena *arena);

/* Who has the SSO button, as an administrator chose. */
bool epd_has_button(struct epd *epd, const struct staff_member *member);
void epd_set_button(struct epd *epd, const struct staff_member *member, bool has_button);

const char *epd_issuer(const struct sim *sim, struct arena *arena);
/* Of Sluis, per environment: http://localhost:8080 or http://acceptance.localhost:8080. */
const char *epd_front_url(const struct sim *sim, const struct staff_client *client);
/* The URL that the SSO button opens, and the redirect URI (ADR-8, same_url). */
const char *epd_start_url(const struct sim *sim, struct arena *arena, const struct staff_client *client);

/* The browser's session, as a new reference to a copy; NULL when there is none. *out_key is its key. */
json_t *epd_session(const struct sim *sim, const struct http_request *request, struct str *out_key);

/* The request of somebody who is logged in to the record. */
struct epd_visit {
    const struct sim *sim;
    const struct http_request *request;
    struct http_response *response;
    json_t *session; /* a copy */
    struct str key;
    const struct staff_member *member;
};
/* False after an answer that sends the visitor to the login page; nothing to end then. */
bool epd_visit_begin(const struct sim *sim, const struct http_request *request,
                     struct http_response *response, struct epd_visit *out_visit);
/* Puts the session back on its shelf as it is now. */
void epd_visit_keep(const struct epd_visit *visit);
void epd_visit_end(struct epd_visit *visit);

/* epd_start.c: the SSO button. */
http_handler epd_start_get;

/* Where a form of this issuer may end up: Sluis and the target application. */
const char *epd_form_targets(const struct sim *sim, struct arena *arena);

/* Goes on with a request that waited for a login: the redirect back to Sluis. Takes the session's fault off
 * it. */
void epd_answer_request(const struct sim *sim, const struct http_request *request,
                        struct http_response *response, json_t *asked, struct str session_key);

/* epd_token.c: the ID token and the userinfo answer for a code, with its fault and shape. */
enum outcome epd_id_token(const struct sim *sim, struct arena *arena, const json_t *grant,
                          struct str access_token, struct str *out_token, struct failure *failure) MUST_CHECK;
json_t *epd_userinfo(const json_t *grant);
bool epd_has_fault(const json_t *object, const char *key);

/* epd_logout.c: what becomes of the applications when a session here ends. */
enum epd_channel { EPD_CHANNEL_NONE, EPD_CHANNEL_BACK, EPD_CHANNEL_FRONT };
enum epd_channel epd_channel(const struct epd *epd); /* as the tester chose */
void epd_set_channel(struct epd *epd, enum epd_channel channel);
/* Remembers in the session that this client got a code. */
void epd_logout_note_client(json_t *session, const char *client_id);
/* Takes the session away, if there is one, and tells the applications that it was used for, but not
 * `except` (NULL = all of them). With the front channel the answer is a page with a frame for each of them
 * and a link to `target`; otherwise it is a redirect there. */
void epd_logout_end(const struct sim *sim, const struct http_request *request, struct http_response *response,
                    const struct staff_client *except, const char *target);

extern const struct sim_part epd_tests_part;
extern const struct sim_part epd_idp_part; /* the routes of the protocol */
extern const struct sim_part epd_logout_part;

#endif
