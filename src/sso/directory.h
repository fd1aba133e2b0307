/*
 * The business data of this door as its handlers look things up in it, out of a snapshot of store/cached.h.
 * Pure.
 */
#ifndef SSO_DIRECTORY_H
#define SSO_DIRECTORY_H

#include "idp/connection.h"
#include "store/cached.h"
#include "store/sso_catalog.h"

/* For cached_open. */
cached_load directory_load;

/* NULL when there is none; valid as long as the snapshot. */
const struct sso_connection *directory_find_connection_by_id(const struct cached_snapshot *snapshot,
                                                             struct str id);
/* The same, unless it was taken out of use: what a session opened there may still do is nothing. */
const struct sso_connection *directory_find_active_connection(const struct cached_snapshot *snapshot,
                                                              struct str id);
const struct sso_data *directory_data(const struct cached_snapshot *snapshot);

/* As the Authentication Client wants it, with secret number `secret` (0 or 1). */
struct idp_connection directory_idp_connection(struct arena *arena, const struct sso_connection *connection,
                                               size_t secret);
#endif
