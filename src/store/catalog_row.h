/*
 * The rows of the catalog: whole objects in and out, within the caller's transaction. Private to src/store.
 */
#ifndef STORE_CATALOG_ROW_H
#define STORE_CATALOG_ROW_H

#include "store/catalog.h"
#include "store/catalog_writer.h"

/* The whole catalog, by id and by name. */
enum outcome catalog_read_rows(struct db *db, const struct vault *vault, struct arena *arena,
                               struct catalog_data *out_data) MUST_CHECK;

extern const struct catalog_kind catalog_identity_provider_kind, catalog_provider_kind;

#endif
