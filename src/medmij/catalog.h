/*
 * The catalogue as the patient's door reads it (store/catalog.h), out of a snapshot of store/cached.h.
 */
#ifndef MEDMIJ_CATALOG_H
#define MEDMIJ_CATALOG_H

#include "base/err.h"
#include "base/str.h"
#include "store/cached.h"
#include "store/catalog.h"

/* For cached_open: reads the catalogue with both its arrays sorted by key. */
cached_load catalog_load;

/* NULL when there is none; valid as long as the snapshot. */
const struct catalog_provider *catalog_find_provider(const struct cached_snapshot *snapshot, struct str name);
const struct catalog_identity_provider *catalog_find_identity_provider(const struct cached_snapshot *snapshot,
                                                                       struct str id);

#endif
