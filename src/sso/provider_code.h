/*
 * What our OpenID provider hands out besides tokens that are signed: authorization codes (one minute, once)
 * and access tokens (five minutes, as long as the session lives). Both carry what they stand for, sealed
 * (sso/one_time_code.h): no node keeps anything, and a restart loses nothing. Any thread.
 */
#ifndef SSO_PROVIDER_CODE_H
#define SSO_PROVIDER_CODE_H

#include "sso/one_time_code.h"
#include "sso/provider_client.h"
#include "store/session.h"

#define PROVIDER_CODE_LIFETIME_S 60
#define PROVIDER_TOKEN_LIFETIME_S 300

struct provider_grant {
    struct str platform, environment, client_id;    /* the application */
    struct str session;                             /* digest */
    bool has_profile, has_email;                    /* scope */
    struct str redirect_uri, code_challenge, nonce; /* of a code only */
    struct str code;                                /* of an access token only: digest of its code */
};

struct str provider_code_make(const struct professional *door, struct arena *arena,
                              const struct provider_grant *grant, int64_t now);
struct str provider_token_make(const struct professional *door, struct arena *arena,
                               const struct provider_grant *grant, const struct one_time_code *code,
                               int64_t now);

/* ABSENT for one that we did not make: a guess. It opens whatever its age. */
enum outcome provider_code_open(const struct professional *door, struct arena *arena, struct str code,
                                struct provider_grant *out_grant, struct one_time_code *out_code) MUST_CHECK;

enum provider_code_verdict {
    PROVIDER_CODE_GOOD, /* this once */
    PROVIDER_CODE_EXPIRED,
    PROVIDER_CODE_REPLAYED, /* used before; the access token of that time is taken back (RFC 6749 4.1.2) */
    PROVIDER_CODE_UNKNOWN,  /* the store does not tell, or did not take the token back */
};
/* For who has proven everything else that the code asks for, so that nobody else can take a token back. */
enum provider_code_verdict provider_code_use(const struct professional *door,
                                             const struct one_time_code *code, int64_t now) MUST_CHECK;

/* As provider_code_open. */
enum outcome provider_token_open(const struct professional *door, struct arena *arena, struct str token,
                                 struct provider_grant *out_grant, int64_t *out_expires_at) MUST_CHECK;
/* ABSENT when the token was taken back. */
enum outcome provider_token_check(const struct professional *door,
                                  const struct provider_grant *grant) MUST_CHECK;

/* The session behind a grant, while it lives and its connection is one that the application serves; with the
 * application, which is active. ABSENT when any of that is over. */
struct provider_session {
    struct session session;
    const struct sso_connection *connection;
    const struct sso_application *application;
};
enum outcome provider_session_find(const struct professional *door, struct arena *arena,
                                   const struct sso_data *data, const struct sso_host *host,
                                   const struct provider_grant *grant, int64_t now,
                                   struct provider_session *out_session) MUST_CHECK;
/* Whether a session is for an application: it came by an active connection that the application serves. */
const struct sso_connection *provider_connection_of(const struct sso_data *data,
                                                    const struct sso_application *application,
                                                    const struct session *session);

#endif
