#include "store/catalog.h"

#include "store/catalog_row.h"

#define IMAGE_MAX ((size_t)256 * 1024)

/* ---- writing ---- */

enum kind { KIND_IDENTITY_PROVIDER, KIND_PROVIDER, KIND_COUNT };

static const struct catalog_kind *const kinds[KIND_COUNT] = {
    [KIND_IDENTITY_PROVIDER] = &catalog_identity_provider_kind,
    [KIND_PROVIDER] = &catalog_provider_kind,
};

static enum outcome check_provider(const struct catalog_change *change, const struct catalog_provider *item)
{
    struct catalog_id id = {{item->name}, 1};
    if (item->logo.bytes.length > IMAGE_MAX)
        return catalog_change_refuse(change, KIND_PROVIDER, id, "has a logo larger than 256 KiB");
    for (size_t i = 0; i < item->identity_provider_count; i++) {
        struct str named = item->identity_providers[i];
        if (!catalog_change_leaves(change, KIND_IDENTITY_PROVIDER, named))
            return catalog_change_refuse(change, KIND_PROVIDER, id,
                                         arena_printf(change->arena,
                                                      "names identity provider %.*s, which is not there",
                                                      STR_ARG(named)));
    }
    return OK;
}

static enum outcome check(struct db *db, const struct catalog_change *change)
{
    (void)db;
    const struct catalog_data *data = change->data;
    for (size_t i = 0; i < data->identity_provider_count; i++) {
        const struct catalog_identity_provider *item = &data->identity_providers[i];
        if (item->picture.bytes.length > IMAGE_MAX)
            return catalog_change_refuse(change, KIND_IDENTITY_PROVIDER, (struct catalog_id){{item->id}, 1},
                                         "has a picture larger than 256 KiB");
    }
    enum outcome outcome = OK;
    for (size_t i = 0; outcome == OK && i < data->provider_count; i++)
        outcome = check_provider(change, &data->providers[i]);
    return outcome;
}

static enum outcome read_all(struct db *db, const struct vault *vault, struct arena *arena, void *out_data)
{
    return catalog_read_rows(db, vault, arena, out_data);
}

const struct catalog_door catalog_patient_door = {
    .kinds = kinds,
    .kind_count = KIND_COUNT,
    .data_size = sizeof(struct catalog_data),
    .read_verb = "catalog_read",
    .read = read_all,
    .check = check,
};

/* ---- reading ---- */

enum outcome catalog_read(struct store *store, struct arena *arena, struct catalog_data *out_data)
{
    return catalog_door_read(store, &catalog_patient_door, arena, out_data);
}

static enum outcome version_work(struct db *db, void *context)
{
    int64_t *out_version = context;
    struct db_query *query = db_query(db, "SELECT version FROM catalog_version WHERE one = 1");
    enum db_step step = db_step(query);
    if (step == DB_ROW)
        *out_version = db_int(query, 0);
    if (db_finish(query) != OK)
        return FAILED;
    return step == DB_ROW ? OK : FAILED;
}

enum outcome catalog_version(struct store *store, int64_t *out_version)
{
    return store_read(store, "catalog_version", version_work, out_version);
}
