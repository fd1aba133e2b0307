#include "medmij/catalog.h"

#include "base/log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct catalog_snapshot {
    atomic_int references;
    struct arena *arena;
    int64_t version;
    struct catalog_data data; /* both arrays sorted by key */
};

struct catalog {
    struct store *store;
    pthread_mutex_t lock; /* guards the pointer only; held for an increment */
    struct catalog_snapshot *current;
};

static int compare_str(struct str a, struct str b)
{
    size_t shorter = a.length < b.length ? a.length : b.length;
    int order = shorter > 0 ? memcmp(a.data, b.data, shorter) : 0;
    return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

static int compare_providers(const void *a, const void *b)
{
    return compare_str(((const struct catalog_provider *)a)->name,
                       ((const struct catalog_provider *)b)->name);
}

static int compare_identity_providers(const void *a, const void *b)
{
    return compare_str(((const struct catalog_identity_provider *)a)->id,
                       ((const struct catalog_identity_provider *)b)->id);
}

/* The version is read before the data, so that a change in between is seen again at the next refresh. */
static enum outcome read_snapshot(struct store *store, struct catalog_snapshot **out_snapshot)
{
    struct catalog_snapshot *snapshot = calloc(1, sizeof *snapshot);
    if (snapshot == NULL)
        abort();
    snapshot->references = 1;
    snapshot->arena = arena_new();
    if (catalog_version(store, &snapshot->version) != OK ||
        catalog_read(store, snapshot->arena, &snapshot->data) != OK) {
        catalog_release(&snapshot);
        return FAILED;
    }
    if (snapshot->data.provider_count > 0)
        qsort(snapshot->data.providers, snapshot->data.provider_count, sizeof *snapshot->data.providers,
              compare_providers);
    if (snapshot->data.identity_provider_count > 0)
        qsort(snapshot->data.identity_providers, snapshot->data.identity_provider_count,
              sizeof *snapshot->data.identity_providers, compare_identity_providers);
    *out_snapshot = snapshot;
    return OK;
}

enum outcome catalog_open(struct store *store, struct catalog **out_catalog)
{
    struct catalog_snapshot *snapshot;
    if (read_snapshot(store, &snapshot) != OK)
        return FAILED;
    struct catalog *catalog = calloc(1, sizeof *catalog);
    if (catalog == NULL)
        abort();
    catalog->store = store;
    pthread_mutex_init(&catalog->lock, NULL);
    catalog->current = snapshot;
    *out_catalog = catalog;
    return OK;
}

void catalog_close(struct catalog **catalog)
{
    if (catalog == NULL || *catalog == NULL)
        return;
    catalog_release(&(*catalog)->current);
    pthread_mutex_destroy(&(*catalog)->lock);
    free(*catalog);
    *catalog = NULL;
}

enum outcome catalog_refresh(struct catalog *catalog)
{
    int64_t version;
    if (catalog_version(catalog->store, &version) != OK)
        return FAILED;
    if (version == catalog->current->version)
        return OK;
    struct catalog_snapshot *fresh;
    if (read_snapshot(catalog->store, &fresh) != OK)
        return FAILED;
    pthread_mutex_lock(&catalog->lock);
    struct catalog_snapshot *old = catalog->current;
    catalog->current = fresh;
    pthread_mutex_unlock(&catalog->lock);
    catalog_release(&old);
    log_info("catalog_loaded", LOG_INT("version", fresh->version),
             LOG_INT("providers", (int64_t)fresh->data.provider_count));
    return OK;
}

struct catalog_snapshot *catalog_acquire(struct catalog *catalog)
{
    pthread_mutex_lock(&catalog->lock);
    struct catalog_snapshot *snapshot = catalog->current;
    atomic_fetch_add(&snapshot->references, 1);
    pthread_mutex_unlock(&catalog->lock);
    return snapshot;
}

void catalog_release(struct catalog_snapshot **snapshot)
{
    if (*snapshot != NULL && atomic_fetch_sub(&(*snapshot)->references, 1) == 1) {
        arena_free(&(*snapshot)->arena);
        free(*snapshot);
    }
    *snapshot = NULL;
}

const struct catalog_provider *catalog_find_provider(const struct catalog_snapshot *snapshot, struct str name)
{
    struct catalog_provider key = {.name = name};
    return snapshot->data.provider_count == 0
               ? NULL
               : bsearch(&key, snapshot->data.providers, snapshot->data.provider_count, sizeof key,
                         compare_providers);
}

const struct catalog_identity_provider *
catalog_find_identity_provider(const struct catalog_snapshot *snapshot, struct str id)
{
    struct catalog_identity_provider key = {.id = id};
    return snapshot->data.identity_provider_count == 0
               ? NULL
               : bsearch(&key, snapshot->data.identity_providers, snapshot->data.identity_provider_count,
                         sizeof key, compare_identity_providers);
}

size_t catalog_provider_count(const struct catalog_snapshot *snapshot)
{
    return snapshot->data.provider_count;
}
