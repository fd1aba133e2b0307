/*
 * The rows of the catalog: whole objects in and out, within the caller's transaction. Private to src/store.
 */
#ifndef STORE_CATALOG_ROW_H
#define STORE_CATALOG_ROW_H

#include "store/catalog.h"
#include "store/db.h"

/* The whole catalog, by id and by name. */
enum outcome catalog_read_rows(struct db *db, const struct vault *vault, struct arena *arena,
                               struct catalog_data *out_data) MUST_CHECK;

/* Add or replace. The identity providers that a provider names must be there. */
enum outcome catalog_put_identity_provider(struct db *db, const struct vault *vault, struct arena *arena,
                                           const struct catalog_identity_provider *item) MUST_CHECK;
enum outcome catalog_put_provider(struct db *db, const struct vault *vault, struct arena *arena,
                                  const struct catalog_provider *item) MUST_CHECK;
enum outcome catalog_delete_identity_provider(struct db *db, struct str id) MUST_CHECK;
enum outcome catalog_delete_provider(struct db *db, struct str name) MUST_CHECK;

#endif
