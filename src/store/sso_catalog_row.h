/*
 * The rows of the professional's business data: whole objects in and out, within the caller's transaction.
 * Private to src/store.
 */
#ifndef STORE_SSO_CATALOG_ROW_H
#define STORE_SSO_CATALOG_ROW_H

#include "base/buf.h"
#include "store/db.h"
#include "store/sso_catalog.h"

/* Everything, each kind by its key. */
enum outcome sso_read_rows(struct db *db, const struct vault *vault, struct arena *arena,
                           struct sso_data *out_data) MUST_CHECK;
enum outcome sso_read_connections(struct db *db, const struct vault *vault, struct arena *arena,
                                  struct sso_data *out_data) MUST_CHECK;
enum outcome sso_read_applications(struct db *db, const struct vault *vault, struct arena *arena,
                                   struct sso_data *out_data) MUST_CHECK;

/* Add or replace. */
enum outcome sso_put_host(struct db *db, const struct sso_host *item) MUST_CHECK;
enum outcome sso_put_connection(struct db *db, const struct vault *vault, struct arena *arena,
                                const struct sso_connection *item) MUST_CHECK; /* by id */
enum outcome sso_put_application(struct db *db, const struct vault *vault, struct arena *arena,
                                 const struct sso_application *item) MUST_CHECK;
enum outcome sso_put_group(struct db *db, const struct sso_group *item) MUST_CHECK;
enum outcome sso_put_ceiling(struct db *db, const struct sso_ceiling *item) MUST_CHECK;
enum outcome sso_put_view(struct db *db, const struct sso_view *item) MUST_CHECK;

enum outcome sso_delete_host(struct db *db, const struct sso_host *item) MUST_CHECK;
/* With its mapping table and its sessions. */
enum outcome sso_delete_connection(struct db *db, const struct sso_connection *item) MUST_CHECK;
enum outcome sso_delete_application(struct db *db, const struct sso_application *item) MUST_CHECK;
enum outcome sso_delete_group(struct db *db, const struct sso_group *item) MUST_CHECK;
enum outcome sso_delete_ceiling(struct db *db, const struct sso_ceiling *item) MUST_CHECK;
enum outcome sso_delete_view(struct db *db, const struct sso_view *item) MUST_CHECK;

/* Every field but id and version (see catalog_diff.h). */
void sso_connection_form(struct buf *form, const struct sso_connection *item);
/* Every field that is not in its key. */
void sso_application_form(struct buf *form, const struct sso_application *item);

#endif
