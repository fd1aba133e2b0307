#include "store/catalog.h"

#include "base/buf.h"
#include "store/catalog_diff.h"
#include "store/catalog_row.h"

#define IMAGE_MAX ((size_t)256 * 1024)

/* ---- equality: two objects are the same when their forms are ---- */

static void put_image(struct buf *form, struct catalog_image image)
{
    catalog_form_text(form, image.bytes);
    catalog_form_text(form, image.content_type);
}

static void form_identity_provider(struct buf *form, const struct catalog_identity_provider *item)
{
    const struct str fields[] = {
        item->id,        item->label,       item->level_name,    item->issuer,       item->metadata_url,
        item->client_id, item->client_auth, item->client_secret, item->scope,        item->acr_values,
        item->userinfo,  item->bsn_claim,   item->ca_file,       item->signing_algs,
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        catalog_form_text(form, fields[i]);
    put_image(form, item->picture);
    catalog_form_int(form, item->level);
    catalog_form_int(form, item->is_acr_required);
    catalog_form_int(form, item->is_private_allowed);
}

static void form_provider(struct buf *form, const struct catalog_provider *item)
{
    const struct str fields[] = {
        item->name,
        item->display_name,
        item->interface_version,
        item->text_set,
        item->privacy_url,
        item->color,
        item->announcement,
        item->availability,
        item->availability_url,
        item->availability_secret,
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        catalog_form_text(form, fields[i]);
    put_image(form, item->logo);
    catalog_form_int(form, item->is_legacy_scope);
    catalog_form_int(form, item->availability_timeout_ms);
    catalog_form_int(form, item->is_checked_before_consent);
    catalog_form_int(form, item->is_checked_at_token);
    for (size_t i = 0; i < item->service_count; i++) {
        catalog_form_text(form, item->services[i].id);
        catalog_form_text(form, item->services[i].function);
        catalog_form_int(form, item->services[i].max_days);
    }
    catalog_form_int(form, -1); /* between the two lists */
    for (size_t i = 0; i < item->identity_provider_count; i++)
        catalog_form_text(form, item->identity_providers[i]);
}

static bool is_same_identity_provider(struct arena *scratch, const struct catalog_identity_provider *a,
                                      const struct catalog_identity_provider *b)
{
    arena_reset(scratch);
    struct buf form_a = buf_new(scratch, CATALOG_FORM_MAX), form_b = buf_new(scratch, CATALOG_FORM_MAX);
    form_identity_provider(&form_a, a);
    form_identity_provider(&form_b, b);
    return catalog_form_is_same(&form_a, &form_b);
}

static bool is_same_provider(struct arena *scratch, const struct catalog_provider *a,
                             const struct catalog_provider *b)
{
    arena_reset(scratch);
    struct buf form_a = buf_new(scratch, CATALOG_FORM_MAX), form_b = buf_new(scratch, CATALOG_FORM_MAX);
    form_provider(&form_a, a);
    form_provider(&form_b, b);
    return catalog_form_is_same(&form_a, &form_b);
}

/* ---- finding objects by their key ---- */

static struct catalog_keys identity_provider_keys(struct arena *arena, const struct catalog_data *data)
{
    struct catalog_key *items = arena_array_of(arena, data->identity_provider_count, struct catalog_key);
    for (size_t i = 0; i < data->identity_provider_count; i++)
        items[i] = (struct catalog_key){data->identity_providers[i].id, i};
    return catalog_keys_sort(items, data->identity_provider_count);
}

static struct catalog_keys provider_keys(struct arena *arena, const struct catalog_data *data)
{
    struct catalog_key *items = arena_array_of(arena, data->provider_count, struct catalog_key);
    for (size_t i = 0; i < data->provider_count; i++)
        items[i] = (struct catalog_key){data->providers[i].name, i};
    return catalog_keys_sort(items, data->provider_count);
}

/* ---- writing ---- */

struct write_call {
    const struct vault *vault;
    const char *node;
    const struct catalog_data *data;
    bool is_pruning, is_dry_run;
    const char *actor;
    int64_t now;
    struct arena *arena;
    struct arena *scratch; /* emptied for each comparison: logos add up */
    int64_t changed;
    struct failure *failure;
    struct catalog_data current;
    struct catalog_keys new_identity_providers, new_providers, old_identity_providers, old_providers;
};

/* ABSENT with the failure's text when the data do not fit together. */
static enum outcome check(const struct write_call *call)
{
    const struct catalog_key *twin = catalog_keys_twin(call->new_identity_providers);
    if (twin == NULL)
        twin = catalog_keys_twin(call->new_providers);
    if (twin != NULL) {
        failure_set(call->failure, "%.*s is given twice", STR_ARG(twin->name));
        return ABSENT;
    }
    for (size_t i = 0; i < call->data->identity_provider_count; i++) {
        const struct catalog_identity_provider *item = &call->data->identity_providers[i];
        if (item->picture.bytes.length > IMAGE_MAX) {
            failure_set(call->failure, "the picture of %.*s is larger than 256 KiB", STR_ARG(item->id));
            return ABSENT;
        }
    }
    for (size_t i = 0; i < call->data->provider_count; i++) {
        const struct catalog_provider *item = &call->data->providers[i];
        if (item->logo.bytes.length > IMAGE_MAX) {
            failure_set(call->failure, "the logo of %.*s is larger than 256 KiB", STR_ARG(item->name));
            return ABSENT;
        }
        for (size_t k = 0; k < item->identity_provider_count; k++) {
            struct str id = item->identity_providers[k];
            if (catalog_keys_find(call->new_identity_providers, id) == NULL &&
                (call->is_pruning || catalog_keys_find(call->old_identity_providers, id) == NULL)) {
                failure_set(call->failure, "provider %.*s names identity provider %.*s, which is not there",
                            STR_ARG(item->name), STR_ARG(id));
                return ABSENT;
            }
        }
    }
    return OK;
}

static enum outcome write_identity_providers(struct db *db, struct write_call *call)
{
    for (size_t i = 0; i < call->data->identity_provider_count; i++) {
        const struct catalog_identity_provider *item = &call->data->identity_providers[i];
        const struct catalog_key *old = catalog_keys_find(call->old_identity_providers, item->id);
        if (old != NULL &&
            is_same_identity_provider(call->scratch, item, &call->current.identity_providers[old->index]))
            continue;
        call->changed++;
        if (!call->is_dry_run && catalog_put_identity_provider(db, call->vault, call->arena, item) != OK)
            return FAILED;
    }
    return OK;
}

static enum outcome write_providers(struct db *db, struct write_call *call)
{
    for (size_t i = 0; i < call->data->provider_count; i++) {
        const struct catalog_provider *item = &call->data->providers[i];
        const struct catalog_key *old = catalog_keys_find(call->old_providers, item->name);
        if (old != NULL && is_same_provider(call->scratch, item, &call->current.providers[old->index]))
            continue;
        call->changed++;
        if (!call->is_dry_run && catalog_put_provider(db, call->vault, call->arena, item) != OK)
            return FAILED;
    }
    return OK;
}

/* Providers first: they hold on to their identity providers. */
static enum outcome prune(struct db *db, struct write_call *call)
{
    for (size_t i = 0; i < call->current.provider_count; i++) {
        struct str name = call->current.providers[i].name;
        if (catalog_keys_find(call->new_providers, name) != NULL)
            continue;
        call->changed++;
        if (!call->is_dry_run && catalog_delete_provider(db, name) != OK)
            return FAILED;
    }
    for (size_t i = 0; i < call->current.identity_provider_count; i++) {
        struct str id = call->current.identity_providers[i].id;
        if (catalog_keys_find(call->new_identity_providers, id) != NULL)
            continue;
        call->changed++;
        if (!call->is_dry_run && catalog_delete_identity_provider(db, id) != OK)
            return FAILED;
    }
    return OK;
}

static enum outcome write_work(struct db *db, void *context)
{
    struct write_call *call = context;
    call->changed = 0;
    if (!call->is_dry_run && catalog_lock(db) != OK)
        return FAILED;
    if (catalog_read_rows(db, call->vault, call->arena, &call->current) != OK)
        return FAILED;
    call->old_identity_providers = identity_provider_keys(call->arena, &call->current);
    call->old_providers = provider_keys(call->arena, &call->current);
    enum outcome outcome = check(call);
    if (outcome != OK)
        return outcome;
    if (write_identity_providers(db, call) != OK || write_providers(db, call) != OK)
        return FAILED;
    if (call->is_pruning && prune(db, call) != OK)
        return FAILED;
    if (call->changed == 0 || call->is_dry_run)
        return OK;
    return catalog_raise(db, call->arena, call->node, call->actor, call->changed, call->now);
}

enum outcome catalog_write(struct store *store, const struct catalog_data *data, bool prune, bool dry_run,
                           const char *actor, int64_t now, int64_t *out_changed, struct failure *failure)
{
    *out_changed = 0;
    struct arena *arena = arena_new();
    struct write_call call = {
        .vault = store_vault(store),
        .node = store_node(store),
        .data = data,
        .is_pruning = prune,
        .is_dry_run = dry_run,
        .actor = actor,
        .now = now,
        .arena = arena,
        .scratch = arena_new(),
        .failure = failure,
        .new_identity_providers = identity_provider_keys(arena, data),
        .new_providers = provider_keys(arena, data),
    };
    enum outcome outcome = dry_run ? store_snapshot(store, "catalog_write", write_work, &call)
                                   : store_write(store, "catalog_write", write_work, &call);
    if (outcome == OK)
        *out_changed = call.changed;
    else if (outcome == FAILED)
        failure_set(failure, "the store failed; see the log");
    arena_free(&call.scratch);
    arena_free(&arena);
    return outcome == OK ? OK : FAILED;
}

/* ---- reading ---- */

struct read_call {
    const struct vault *vault;
    struct arena *arena;
    struct catalog_data *out_data;
};

static enum outcome read_work(struct db *db, void *context)
{
    const struct read_call *call = context;
    return catalog_read_rows(db, call->vault, call->arena, call->out_data);
}

enum outcome catalog_read(struct store *store, struct arena *arena, struct catalog_data *out_data)
{
    struct read_call call = {store_vault(store), arena, out_data};
    return store_snapshot(store, "catalog_read", read_work, &call);
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
