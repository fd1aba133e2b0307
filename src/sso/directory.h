/*
 * The business data of this door as its handlers look things up in it, out of a snapshot of store/cached.h. Pure.
 */
#ifndef SSO_DIRECTORY_H
#define SSO_DIRECTORY_H

#include "idp/connection.h"
#include "store/cached.h"
#include "store/sso_catalog.h"

/* For cached_open. */
cached_load directory_load;

/* Each NULL when there is none; valid as long as the snapshot. Names compare whole. */
const struct sso_host *directory_find_host(const struct cached_snapshot *snapshot, struct str host);
const struct sso_connection *directory_find_connection(const struct cached_snapshot *snapshot,
                                                       const struct sso_host *host, struct str customer_key,
                                                       struct str provider_key);
const struct sso_connection *directory_find_connection_by_id(const struct cached_snapshot *snapshot, struct str id);
const struct sso_data *directory_data(const struct cached_snapshot *snapshot);

/* The slug: customer key, underscore, provider key. */
struct str directory_slug(struct arena *arena, const struct sso_connection *connection);
/* As the Authentication Client wants it, with secret number `secret` (0 or 1). */
struct idp_connection directory_idp_connection(struct arena *arena, const struct sso_connection *connection,
                                               size_t secret);
/* The URL registered at the identity provider, built from configuration only (ADR-6, ADR-8). */
const char *directory_redirect_uri(struct arena *arena, const struct sso_host *host,
                                   const struct sso_connection *connection);

#endif
