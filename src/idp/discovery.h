/*
 * What is in force for one connection: its overrides, else the identity provider's metadata (OpenID Connect
 * Discovery; MET-1 to MET-4, MET-11). Fuzz target: tests/fuzz/fuzz_metadata.c.
 */
#ifndef IDP_DISCOVERY_H
#define IDP_DISCOVERY_H

#include "idp/connection.h"
#include "idp/document.h"

/* In the caller's arena. */
struct provider {
    const char *authorization_endpoint;
    const char *token_endpoint;
    const char *jwks_uri;             /* NULL when no key is needed: only HS* is allowed */
    const char *userinfo_endpoint;    /* NULL when userinfo is off */
    const char *end_session_endpoint; /* NULL when there is none, or none that is safe to send a browser to */
    bool is_iss_promised;             /* authorization_response_iss_parameter_supported (RFC 9207) */
    enum idp_client_auth client_auth; /* never IDP_AUTH_AUTO */
    struct idp_document facts;        /* of the metadata; also when they could not be had */
    struct idp_features features;
};

enum idp_result discovery_resolve(struct document_cache *cache, const struct idp_connection *connection,
                                  bool is_http_allowed, struct arena *arena, struct provider *out_provider,
                                  struct failure *failure) MUST_CHECK;

/* Absolute https URL (in development also http to a *.localhost host), no user, no fragment, at most 2048
 * printable characters that need no escaping in a header or an attribute. */
bool discovery_is_url_safe(const char *url, bool is_http_allowed);

/* True when some algorithm of the connection needs the provider's keys. */
bool discovery_needs_keys(const struct idp_connection *connection);

extern const struct document_kind discovery_metadata_kind; /* for its fuzz target */

#endif
