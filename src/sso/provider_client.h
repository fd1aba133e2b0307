/*
 * The registered applications of our OpenID provider, as its endpoints look them up and hear them prove who
 * they are (RFC 6749 2.3). Pure functions over a snapshot and a request; any thread.
 */
#ifndef SSO_PROVIDER_CLIENT_H
#define SSO_PROVIDER_CLIENT_H

#include "base/arena.h"
#include "base/str.h"
#include "http/request.h"
#include "store/sso_catalog.h"

/* base URL + "/sso/oidc": from the host table, never from the request. */
struct str provider_issuer(struct arena *arena, const struct sso_host *host);
/* A host of this platform and environment, for who has no request of a browser at hand. NULL: none. */
const struct sso_host *provider_find_host(const struct sso_data *data, struct str platform,
                                          struct str environment);

/* An active application of the host's platform and environment; NULL when there is none. */
const struct sso_application *provider_find_application(const struct sso_data *data,
                                                        const struct sso_host *host, struct str client_id);
/* Whether sessions of this connection are for this application. */
bool provider_serves(const struct sso_application *application, const struct sso_connection *connection);
/* Whether `uri` is one of a space separated list, letter for letter (RFC 9700 2.1). */
bool provider_has_uri(struct str uris, struct str uri);

enum provider_client_result {
    PROVIDER_CLIENT_OK,
    PROVIDER_CLIENT_INVALID_REQUEST, /* two ways at once, or a parameter that is repeated */
    PROVIDER_CLIENT_INVALID,         /* unknown, disabled, no or a wrong secret */
};

/* Who calls the token endpoint: client_secret_basic (form-decoded, 2.3.1), client_secret_post or none. The
 * client_id is given back for the log also when it proved nothing; empty when it is not fit for one. */
enum provider_client_result provider_authenticate(const struct http_request *request, const struct form *form,
                                                  const struct sso_data *data, const struct sso_host *host,
                                                  const struct sso_application **out_application,
                                                  struct str *out_client_id) MUST_CHECK;

#endif
