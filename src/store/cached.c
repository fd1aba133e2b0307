#include "store/cached.h"

#include "base/clock.h"
#include "base/log.h"
#include "store/catalog.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define PAUSE_MIN_MS 5000 /* doubled with each failure */
#define PAUSE_MAX_MS 60000

struct cached_snapshot {
    atomic_int references;
    struct arena *arena;
    int64_t version;
    const void *data;
};

struct cached {
    struct store *store;
    const char *name;
    cached_load *load;
    pthread_mutex_t lock; /* guards the pointer only; held for an increment */
    struct cached_snapshot *current;
    int64_t failed_version;               /* the housekeeper's, like the next: what could not be read */
    int64_t pause_ms, retry_at_ms;        /* 0 = it could */
    atomic_int_least64_t behind_since_ms; /* 0 = not */
};

/* The version is read before the data, so that a change in between is seen again at the next refresh. */
static enum outcome read_snapshot(struct cached *cached, struct cached_snapshot **out_snapshot)
{
    struct cached_snapshot *snapshot = calloc(1, sizeof *snapshot);
    if (snapshot == NULL)
        abort();
    snapshot->references = 1;
    snapshot->arena = arena_new();
    if (catalog_version(cached->store, &snapshot->version) != OK ||
        cached->load(cached->store, snapshot->arena, &snapshot->data) != OK) {
        cached_release(&snapshot);
        return FAILED;
    }
    *out_snapshot = snapshot;
    return OK;
}

static void tell(const struct cached *cached)
{
    log_info("business_data_loaded", LOG_C("what", cached->name),
             LOG_INT("version", cached->current->version));
}

enum outcome cached_open(struct store *store, const char *name, cached_load *load, struct cached **out_cached)
{
    struct cached *cached = calloc(1, sizeof *cached);
    if (cached == NULL)
        abort();
    cached->store = store;
    cached->name = name;
    cached->load = load;
    pthread_mutex_init(&cached->lock, NULL);
    if (read_snapshot(cached, &cached->current) != OK) {
        cached_close(&cached);
        return FAILED;
    }
    tell(cached);
    *out_cached = cached;
    return OK;
}

void cached_close(struct cached **cached)
{
    if (cached == NULL || *cached == NULL)
        return;
    cached_release(&(*cached)->current);
    pthread_mutex_destroy(&(*cached)->lock);
    free(*cached);
    *cached = NULL;
}

static enum outcome fall_behind(struct cached *cached, int64_t now_ms)
{
    int_least64_t not_yet = 0;
    atomic_compare_exchange_strong(&cached->behind_since_ms, &not_yet, now_ms);
    return FAILED;
}

enum outcome cached_refresh(struct cached *cached)
{
    int64_t version, now_ms = clock_monotonic_ms();
    struct cached_snapshot *fresh;
    if (catalog_version(cached->store, &version) != OK)
        return fall_behind(cached, now_ms);
    if (version == cached->current->version) {
        cached->behind_since_ms = 0;
        return OK;
    }
    if (version == cached->failed_version && now_ms < cached->retry_at_ms)
        return ABSENT;
    if (read_snapshot(cached, &fresh) != OK) {
        int64_t longer_ms = 2 * cached->pause_ms;
        cached->pause_ms = longer_ms < PAUSE_MIN_MS   ? PAUSE_MIN_MS
                           : longer_ms > PAUSE_MAX_MS ? PAUSE_MAX_MS
                                                      : longer_ms;
        cached->failed_version = version;
        cached->retry_at_ms = now_ms + cached->pause_ms;
        return fall_behind(cached, now_ms);
    }
    cached->behind_since_ms = 0;
    cached->pause_ms = 0;
    pthread_mutex_lock(&cached->lock);
    struct cached_snapshot *old = cached->current;
    cached->current = fresh;
    pthread_mutex_unlock(&cached->lock);
    cached_release(&old);
    tell(cached);
    return OK;
}

void cached_retry_soon(struct cached *cached)
{
    cached->retry_at_ms = 0;
}

int64_t cached_behind_s(const struct cached *cached)
{
    int64_t since_ms = cached->behind_since_ms;
    return since_ms == 0 ? 0 : 1 + (clock_monotonic_ms() - since_ms) / 1000;
}

const char *cached_name(const struct cached *cached)
{
    return cached->name;
}

struct cached_snapshot *cached_acquire(struct cached *cached)
{
    pthread_mutex_lock(&cached->lock);
    struct cached_snapshot *snapshot = cached->current;
    atomic_fetch_add(&snapshot->references, 1);
    pthread_mutex_unlock(&cached->lock);
    return snapshot;
}

void cached_release(struct cached_snapshot **snapshot)
{
    if (*snapshot != NULL && atomic_fetch_sub(&(*snapshot)->references, 1) == 1) {
        arena_free(&(*snapshot)->arena);
        free(*snapshot);
    }
    *snapshot = NULL;
}

const void *cached_data(const struct cached_snapshot *snapshot)
{
    return snapshot->data;
}
