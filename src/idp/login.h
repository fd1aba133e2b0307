/*
 * The Authentication Client: OpenID Connect code flow with PKCE (S256), used by both doors. It knows nothing
 * of MedMij or of sign-on: (connection, extra parameters) becomes an authentication request, and a callback
 * becomes a validated set of claims or a typed failure. What must be remembered between the two (struct
 * idp_attempt) is kept by the door in its flow row. Facts: spec/sso.md 2.3-2.8 (MET, REQ, RSP, TOK, IDT,
 * UIN), which hold for both doors.
 *
 * Threads: an idp object is shared by all workers; functions block on the network, so worker threads only. No
 * lock is held across I/O.
 */
#ifndef IDP_LOGIN_H
#define IDP_LOGIN_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "http/form.h"
#include "idp/connection.h"
#include "idp/report.h"

#include <jansson.h>

struct idp; /* metadata and key caches */
struct document_cache;

struct idp_settings {
    bool is_http_allowed; /* development mode: http for hosts ending in .localhost */
};

enum outcome idp_new(const struct idp_settings *settings, struct idp **out_idp) MUST_CHECK;
void idp_free(struct idp **idp);

/* One login attempt, from request to callback. state and code_verifier are secrets: the door stores the
 * digest of the first and seals the second. */
struct idp_attempt {
    struct str
        state; /* only set by idp_start; not needed by idp_finish, the door found the flow by its digest */
    struct str nonce;
    struct str code_verifier;
    struct str issuer; /* as it was when the request was made (REQ-1); may be a template */
    struct str redirect_uri;
    int64_t asked_at; /* when the person was sent to the provider (IDT-17); 0 = not known, taken for now */
};

enum idp_result {
    IDP_OK,
    IDP_CANCELLED, /* the person broke it off: access_denied and kin */
    /* identity provider not usable (sso 4.2, 2xx) */
    IDP_UNREACHABLE,
    IDP_CERTIFICATE_INVALID, /* its TLS certificate: chain, name or dates */
    IDP_METADATA_INVALID,
    IDP_ISSUER_DIFFERS,
    IDP_ENDPOINT_MISSING,
    IDP_KEYS_UNREACHABLE,
    IDP_KEYS_UNUSABLE,
    IDP_CONNECTION_INVALID, /* our own configuration: no client id, unsafe URL, forbidden extra parameter */
    /* authorization response (4.3, 3xx) */
    IDP_RESPONSE_INVALID, /* repeated or malformed parameters, neither code nor error, tokens in the front
                             channel */
    IDP_RESPONSE_ISSUER_MISSING, /* RFC 9207: announced, and not there */
    IDP_RESPONSE_ISSUER,         /* RFC 9207 iss differs, or is missing though announced */
    IDP_ERROR_RESPONSE,          /* any other error code of the identity provider */
    IDP_TEMPORARILY_UNAVAILABLE,
    /* token call (4.4, 4xx) */
    IDP_TOKEN_UNREACHABLE,
    IDP_TOKEN_REFUSED, /* OAuth error answer */
    IDP_TOKEN_INVALID, /* not the expected JSON */
    IDP_TOKEN_ID_TOKEN_MISSING,
    IDP_TOKEN_TYPE, /* not Bearer */
    /* ID token (4.5, 5xx), one per rule */
    IDP_ID_TOKEN_MALFORMED,
    IDP_ID_TOKEN_CLAIM_MISSING, /* exp or iat */
    IDP_ID_TOKEN_ENCRYPTED,
    IDP_ID_TOKEN_ALG,
    IDP_ID_TOKEN_KEY,
    IDP_ID_TOKEN_SIGNATURE,
    IDP_ID_TOKEN_ISS,
    IDP_ID_TOKEN_AUD,
    IDP_ID_TOKEN_AZP,
    IDP_ID_TOKEN_EXP,
    IDP_ID_TOKEN_IAT,
    IDP_ID_TOKEN_NBF,
    IDP_ID_TOKEN_NONCE,
    IDP_ID_TOKEN_AT_HASH,
    IDP_ID_TOKEN_SUB,
    IDP_ID_TOKEN_ACR,
    IDP_ID_TOKEN_AUTH_TIME,
    /* userinfo (4.6, 6xx) */
    IDP_USERINFO_UNREACHABLE,
    IDP_USERINFO_REFUSED,
    IDP_USERINFO_INVALID,
    IDP_USERINFO_SUB,
    /* logout token (2.15, 901): what it has beside the rules of an ID token */
    IDP_LOGOUT_JTI,
    IDP_LOGOUT_SUBJECT, /* neither sub nor sid */
    IDP_LOGOUT_EVENT,
    IDP_LOGOUT_NONCE, /* there is one: it is an ID token in disguise */
};
const char *idp_result_name(enum idp_result result); /* stable snake-case word for logs */

/* What the modules of this room share. */
struct document_cache *idp_documents(const struct idp *idp);
bool idp_is_http_allowed(const struct idp *idp);
/* What every use of a connection rests on: issuer and client id. */
enum idp_result idp_check_connection(const struct idp *idp, const struct idp_connection *connection,
                                     struct failure *failure) MUST_CHECK;

/* Makes the attempt and the URL to send the browser to. `extra` are additional parameters (names that the
 * client sets itself are refused, REQ-9). Discovery runs here when it has not before (MET-5). `report` is
 * zeroed by the caller, filled whatever the result is, and ended with idp_report_free; NULL = not wanted. */
enum idp_result idp_start(struct idp *idp, const struct idp_connection *connection, const char *redirect_uri,
                          const struct form_field *extra, size_t extra_count, struct arena *arena,
                          struct idp_attempt *out_attempt, const char **out_url, struct idp_report *report,
                          struct failure *failure) MUST_CHECK;

struct idp_identity {
    json_t *claims;    /* ID token claims, completed from userinfo (UIN-6); released by idp_identity_free */
    struct str issuer; /* whose person it is: `iss` of the ID token, never a template */
    struct str subject;
    struct str acr;      /* empty when there is none */
    struct str id_token; /* raw, for id_token_hint */
    /* With IDP_TOKEN_REFUSED: the provider's error code, then a space and its description; may be empty.
     * Anything may stand in it: to be compared, never to be shown. */
    struct str oauth_error;
};
void idp_identity_free(struct idp_identity *identity);

/* Checks the callback's parameters (state excepted: the door found the flow by it), redeems the code,
 * validates the ID token by every IDT rule and fetches userinfo as configured. `report` as with idp_start. */
enum idp_result idp_finish(struct idp *idp, const struct idp_connection *connection,
                           const struct idp_attempt *attempt, const struct form *callback,
                           struct arena *arena, struct idp_identity *out_identity, struct idp_report *report,
                           struct failure *failure) MUST_CHECK;

#endif
