#include "medmij/catalog.h"

#include <stdlib.h>

static int compare_providers(const void *a, const void *b)
{
    return str_compare(((const struct catalog_provider *)a)->name,
                       ((const struct catalog_provider *)b)->name);
}

static int compare_identity_providers(const void *a, const void *b)
{
    return str_compare(((const struct catalog_identity_provider *)a)->id,
                       ((const struct catalog_identity_provider *)b)->id);
}

enum outcome catalog_load(struct store *store, struct arena *arena, const void **out_data)
{
    struct catalog_data *data = arena_new_of(arena, struct catalog_data);
    if (catalog_read(store, arena, data) != OK)
        return FAILED;
    if (data->provider_count > 0)
        qsort(data->providers, data->provider_count, sizeof *data->providers, compare_providers);
    if (data->identity_provider_count > 0)
        qsort(data->identity_providers, data->identity_provider_count, sizeof *data->identity_providers,
              compare_identity_providers);
    *out_data = data;
    return OK;
}

const struct catalog_provider *catalog_find_provider(const struct cached_snapshot *snapshot, struct str name)
{
    const struct catalog_data *data = cached_data(snapshot);
    const struct catalog_provider key = {.name = name};
    return data->provider_count == 0
               ? NULL
               : bsearch(&key, data->providers, data->provider_count, sizeof key, compare_providers);
}

const struct catalog_identity_provider *catalog_find_identity_provider(const struct cached_snapshot *snapshot,
                                                                       struct str id)
{
    const struct catalog_data *data = cached_data(snapshot);
    const struct catalog_identity_provider key = {.id = id};
    return data->identity_provider_count == 0
               ? NULL
               : bsearch(&key, data->identity_providers, data->identity_provider_count, sizeof key,
                         compare_identity_providers);
}
