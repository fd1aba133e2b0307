/*
 * Which connection a request is for (ADR-1 to -9): the host selects platform and environment, the path
 * "/sso/openidconnect/{customer_key}_{provider_key}" customer and provider. Pure functions; any thread.
 */
#ifndef SSO_SLUG_H
#define SSO_SLUG_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "http/request.h"
#include "store/sso_catalog.h"

#define SLUG_PATH "/sso/openidconnect/"

enum slug_tail {
    SLUG_START, /* nothing behind the slug: start, and with callback mode same_url callback too */
    SLUG_CALLBACK,
    SLUG_BACKCHANNEL_LOGOUT,
    SLUG_FRONTCHANNEL_LOGOUT,
    SLUG_LOGGED_OUT,
    SLUG_JWKS, /* the keys behind private_key_jwt, for the identity provider */
};

struct slug {
    struct str text; /* lower case */
    struct str customer_key, provider_key;
    enum slug_tail tail;
};

/* `path_tail` is what stands behind SLUG_PATH, as received. FAILED (101) for anything that is not exactly the
 * grammar of ADR-5, without asking any table. */
enum outcome slug_parse(struct arena *arena, struct str path_tail, struct slug *out_slug) MUST_CHECK;

/* ADR-2: the row that equals the Host header but for case. NULL without exactly one such header, or a row. */
const struct sso_host *slug_find_host(const struct sso_data *data, const struct http_request *request);
/* Of that host's platform and environment only. NULL when there is none; its status is the caller's to check
 * (ADR-7). */
const struct sso_connection *slug_find_connection(const struct sso_data *data, const struct sso_host *host,
                                                  const struct slug *slug);

/* ADR-6, ADR-8: from the configured base URL, never from the request. */
struct str slug_start_url(struct arena *arena, const struct sso_host *host,
                          const struct sso_connection *connection);
struct str slug_redirect_uri(struct arena *arena, const struct sso_host *host,
                             const struct sso_connection *connection);

#endif
