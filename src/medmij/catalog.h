/*
 * The catalogue as the door reads it: an immutable snapshot of the store's business data (store/catalog.h),
 * taken anew when its version has risen. A request acquires the snapshot once and sees one state of affairs
 * throughout.
 *
 * Threads: acquire, release and the find functions are for any thread; refresh is for the housekeeper alone.
 */
#ifndef MEDMIJ_CATALOG_H
#define MEDMIJ_CATALOG_H

#include "base/err.h"
#include "base/str.h"
#include "store/catalog.h"

struct catalog;
struct catalog_snapshot;

/* Reads the store once; FAILED when that fails (there is nothing to serve without a catalogue). */
enum outcome catalog_open(struct store *store, struct catalog **out_catalog) MUST_CHECK;
void catalog_close(struct catalog **catalog);
/* Reads again when the version rose; a failure keeps the snapshot that is there. */
enum outcome catalog_refresh(struct catalog *catalog) MUST_CHECK;

struct catalog_snapshot *catalog_acquire(struct catalog *catalog);
void catalog_release(struct catalog_snapshot **snapshot);

/* NULL when there is none; valid as long as the snapshot. */
const struct catalog_provider *catalog_find_provider(const struct catalog_snapshot *snapshot,
                                                     struct str name);
const struct catalog_identity_provider *
catalog_find_identity_provider(const struct catalog_snapshot *snapshot, struct str id);
size_t catalog_provider_count(const struct catalog_snapshot *snapshot);

#endif
