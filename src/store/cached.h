/*
 * cached: business data as a door reads it, an immutable snapshot of what the store holds, taken anew when
 * the catalogue's version (store/catalog.h) has risen. A request acquires the snapshot once and sees one
 * state of affairs throughout.
 *
 * Threads: acquire and release are for any thread; refresh is for the housekeeper alone.
 */
#ifndef STORE_CACHED_H
#define STORE_CACHED_H

#include "base/arena.h"
#include "base/err.h"
#include "store/store.h"

struct cached;
struct cached_snapshot;

/* Reads everything into the arena, sorted as its readers want it. */
typedef enum outcome cached_load(struct store *store, struct arena *arena, const void **out_data);

/* Loads once; FAILED when that fails (there is nothing to serve without it). `name` is for the log. */
enum outcome cached_open(struct store *store, const char *name, cached_load *load,
                         struct cached **out_cached) MUST_CHECK;
void cached_close(struct cached **cached);
/* Loads again when the version rose; a failure keeps the snapshot that is there. What cannot be read is tried
 * again after a pause that grows to a minute, or when the version rises: ABSENT until then. */
enum outcome cached_refresh(struct cached *cached) MUST_CHECK;
/* The next refresh tries again what could not be read. For the housekeeper. */
void cached_retry_soon(struct cached *cached);
/* How long it has known that the snapshot is not the newest, or could not tell; 0 while it is. Any thread. */
int64_t cached_behind_s(const struct cached *cached);
const char *cached_name(const struct cached *cached);

struct cached_snapshot *cached_acquire(struct cached *cached);
void cached_release(struct cached_snapshot **snapshot);
/* What `load` gave; lives as long as the snapshot. */
const void *cached_data(const struct cached_snapshot *snapshot);

#endif
