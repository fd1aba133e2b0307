/*
 * The rows of the professional's business data: whole objects in and out, within the caller's transaction.
 * Private to src/store.
 */
#ifndef STORE_SSO_CATALOG_ROW_H
#define STORE_SSO_CATALOG_ROW_H

#include "store/catalog_writer.h"
#include "store/sso_catalog.h"

/* Everything, each kind by its key. */
enum outcome sso_read_rows(struct db *db, const struct vault *vault, struct arena *arena,
                           struct sso_data *out_data) MUST_CHECK;
enum outcome sso_read_connections(struct db *db, const struct vault *vault, struct arena *arena,
                                  struct sso_data *out_data) MUST_CHECK;
enum outcome sso_read_applications(struct db *db, const struct vault *vault, struct arena *arena,
                                   struct sso_data *out_data) MUST_CHECK;

extern const struct catalog_kind sso_host_kind, sso_ceiling_kind, sso_group_kind, sso_view_kind,
    sso_connection_kind, sso_application_kind;

#endif
