/*
 * What is configured about one identity provider. Filled by a door from its own tables (medmij/catalog, later
 * sso/connections); plain data, owned by whoever filled it, read-only here.
 */
#ifndef IDP_CONNECTION_H
#define IDP_CONNECTION_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum idp_client_auth {
    IDP_AUTH_AUTO,
    IDP_AUTH_BASIC,
    IDP_AUTH_BASIC_RAW,
    IDP_AUTH_POST,
    IDP_AUTH_PRIVATE_KEY_JWT,
    IDP_AUTH_NONE,
};
enum idp_userinfo { IDP_USERINFO_OFF, IDP_USERINFO_IF_NEEDED, IDP_USERINFO_ALWAYS };
enum idp_response_mode { IDP_RESPONSE_QUERY, IDP_RESPONSE_FORM_POST };

/* Signs the claims of a client assertion (RFC 7523) with a key of the door, whose public half the door
 * publishes. Called on the thread of idp_finish. */
struct idp_signer {
    enum outcome (*sign)(void *context, const json_t *claims, struct arena *arena, struct str *out_token,
                         struct failure *failure);
    void *context;
};

struct idp_connection {
    const char *id; /* stable key of caches: same id and issuer = same metadata */
    const char *issuer;
    const char *tenants; /* words; where the issuer is a template, and nowhere else (idp/issuer.h); or NULL */
    const char *metadata_url; /* NULL = issuer + /.well-known/openid-configuration (MET-1) */
    /* Overrides win over metadata (MET-4); NULL = from metadata. All that are needed given: no
     * discovery at all (userinfo_endpoint is not needed when userinfo is off). */
    const char *authorization_endpoint;
    const char *token_endpoint;
    const char *jwks_uri;
    const char *userinfo_endpoint;
    const char *end_session_endpoint; /* never a reason for discovery by itself */
    const char *client_id;
    struct str client_secret;
    /* A second one that the provider may have been given; tried when it refuses the first. Which of them
     * works is remembered for this id and version. */
    struct str second_secret;
    int64_t version;
    enum idp_client_auth client_auth;
    struct idp_signer signer; /* for IDP_AUTH_PRIVATE_KEY_JWT */
    const char *scope;        /* "openid" is added when missing; NULL = "openid profile email" (REQ-10) */
    const char *acr_values;   /* NULL = not sent, not required */
    bool is_acr_required;     /* the acr claim must be one of acr_values (IDT-18) */
    const char *required_amr; /* one of these words must be in the amr claim (IDT-18); NULL = any */
    const char *const *signing_algs; /* allow-list; count 0 = RS256 only (IDT-2) */
    size_t signing_alg_count;
    const char *trusted_audiences; /* words; may stand in aud besides our client id (IDT-7); NULL = none */
    bool is_pkce_off;              /* REQ-4; the nonce is checked in any case */
    enum idp_userinfo userinfo;
    bool is_userinfo_post;  /* UIN-1 */
    bool is_userinfo_first; /* where both have a claim, userinfo's counts (UIN-6); its failure too (UIN-5) */
    const char
        *userinfo_claim; /* for IDP_USERINFO_IF_NEEDED: fetched when this claim is not in the ID token */
    enum idp_response_mode response_mode;
    const char *ca_file;
    bool is_private_allowed; /* MET-9 */
    int64_t skew_s;          /* 60; 0..300 (IDT-12) */
    int64_t max_age_s;       /* -1 = not sent */
    const char *prompt;      /* NULL = not sent (REQ-12) */
    /* clock_monotonic_ms() until which metadata and keys are waited for; who comes too early leaves their
     * fetch to the background. 0 = as long as a fetch may take (OUT-6). */
    int64_t answer_by_ms;
};

/* The words that the doors' tables use; an unknown client_auth is "auto", an unknown userinfo is "off". */
enum idp_client_auth idp_client_auth_from_name(struct str name);
/* As OpenID Connect calls it ("client_secret_basic"); static. */
const char *idp_client_auth_standard_name(enum idp_client_auth auth);
enum idp_userinfo idp_userinfo_from_name(struct str name);
#define IDP_ALGS_MAX 8
/* REQ-9: parameters of the authentication request that this client decides about, whether or not it sends
 * them. */
bool idp_is_own_parameter(struct str name);
/* True when `word` is one of space separated `words`, which may be NULL. */
bool idp_has_word(const char *words, struct str word);
/* The allow-list out of space separated names; none = RS256 only. */
void idp_connection_set_algs(struct idp_connection *connection, struct arena *arena, struct str names);

#endif
