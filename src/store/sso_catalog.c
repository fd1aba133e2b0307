#include "store/sso_catalog.h"

#include "base/rand.h"
#include "store/catalog_diff.h"
#include "store/sso_catalog_row.h"

#define CONTEXT_KEY_BYTES 32

/* ---- the kinds of objects, each told once ---- */

enum kind { KIND_HOST, KIND_CEILING, KIND_GROUP, KIND_VIEW, KIND_CONNECTION, KIND_APPLICATION, KIND_COUNT };

static size_t count_of(const struct sso_data *data, enum kind kind)
{
    switch (kind) {
    case KIND_HOST:
        return data->host_count;
    case KIND_CEILING:
        return data->ceiling_count;
    case KIND_GROUP:
        return data->group_count;
    case KIND_VIEW:
        return data->view_count;
    case KIND_CONNECTION:
        return data->connection_count;
    case KIND_APPLICATION:
        return data->application_count;
    case KIND_COUNT:
        break;
    }
    return 0;
}

static const void *object_at(const struct sso_data *data, enum kind kind, size_t index)
{
    switch (kind) {
    case KIND_HOST:
        return &data->hosts[index];
    case KIND_CEILING:
        return &data->ceilings[index];
    case KIND_GROUP:
        return &data->groups[index];
    case KIND_VIEW:
        return &data->views[index];
    case KIND_CONNECTION:
        return &data->connections[index];
    case KIND_APPLICATION:
        return &data->applications[index];
    case KIND_COUNT:
        break;
    }
    return NULL;
}

/* The key's parts, for people. */
static const char *object_name(struct arena *arena, enum kind kind, const void *object)
{
    switch (kind) {
    case KIND_HOST:
        return arena_printf(arena, "host %.*s", STR_ARG(((const struct sso_host *)object)->name));
    case KIND_CEILING: {
        const struct sso_ceiling *item = object;
        return arena_printf(arena, "ceiling %.*s of %.*s", STR_ARG(item->name), STR_ARG(item->customer_key));
    }
    case KIND_GROUP: {
        const struct sso_group *item = object;
        return arena_printf(arena, "group %.*s of %.*s", STR_ARG(item->name), STR_ARG(item->customer_key));
    }
    case KIND_VIEW:
        return arena_printf(arena, "view %.*s", STR_ARG(((const struct sso_view *)object)->name));
    case KIND_CONNECTION: {
        const struct sso_connection *item = object;
        return arena_printf(arena, "connection %.*s (%.*s, %.*s)", STR_ARG(sso_slug(arena, item)),
                            STR_ARG(item->platform), STR_ARG(item->environment));
    }
    case KIND_APPLICATION: {
        const struct sso_application *item = object;
        return arena_printf(arena, "application %.*s (%.*s, %.*s)", STR_ARG(item->client_id),
                            STR_ARG(item->platform), STR_ARG(item->environment));
    }
    case KIND_COUNT:
        break;
    }
    return "";
}

static struct str key_of_parts(struct arena *arena, struct str a, struct str b, struct str c)
{
    struct buf key = buf_new(arena, CATALOG_FORM_MAX);
    catalog_form_text(&key, a);
    catalog_form_text(&key, b);
    catalog_form_text(&key, c);
    return buf_str(&key);
}

static struct str key_of(struct arena *arena, enum kind kind, const void *object)
{
    switch (kind) {
    case KIND_HOST:
        return ((const struct sso_host *)object)->name;
    case KIND_CEILING: {
        const struct sso_ceiling *item = object;
        return key_of_parts(arena, item->customer_key, item->name, STR_NONE);
    }
    case KIND_GROUP: {
        const struct sso_group *item = object;
        return key_of_parts(arena, item->customer_key, item->name, STR_NONE);
    }
    case KIND_VIEW:
        return ((const struct sso_view *)object)->name;
    case KIND_CONNECTION: {
        const struct sso_connection *item = object;
        return key_of_parts(arena, item->platform, item->environment, sso_slug(arena, item));
    }
    case KIND_APPLICATION: {
        const struct sso_application *item = object;
        return key_of_parts(arena, item->platform, item->environment, item->client_id);
    }
    case KIND_COUNT:
        break;
    }
    return STR_NONE;
}

static void form_pairs(struct buf *form, const struct sso_permission_pair *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        catalog_form_text(form, pairs[i].permission);
        catalog_form_text(form, pairs[i].department);
    }
}

/* What is not in the key. */
static void form_object(struct buf *form, enum kind kind, const void *object)
{
    switch (kind) {
    case KIND_HOST: {
        const struct sso_host *item = object;
        catalog_form_text(form, item->platform);
        catalog_form_text(form, item->environment);
        catalog_form_text(form, item->base_url);
        break;
    }
    case KIND_CEILING: {
        const struct sso_ceiling *item = object;
        form_pairs(form, item->pairs, item->pair_count);
        break;
    }
    case KIND_GROUP: {
        const struct sso_group *item = object;
        catalog_form_text(form, item->description);
        catalog_form_int(form, item->is_active);
        form_pairs(form, item->pairs, item->pair_count);
        break;
    }
    case KIND_VIEW: {
        const struct sso_view *item = object;
        catalog_form_int(form, item->needs_patient);
        catalog_form_int(form, item->needs_department);
        catalog_form_text(form, item->path);
        catalog_form_text(form, item->permission);
        catalog_form_int(form, item->is_limited);
        break;
    }
    case KIND_CONNECTION:
        sso_connection_form(form, object);
        break;
    case KIND_APPLICATION:
        sso_application_form(form, object);
        break;
    case KIND_COUNT:
        break;
    }
}

static bool is_same(struct arena *scratch, enum kind kind, const void *a, const void *b)
{
    arena_reset(scratch);
    struct buf form_a = buf_new(scratch, CATALOG_FORM_MAX), form_b = buf_new(scratch, CATALOG_FORM_MAX);
    form_object(&form_a, kind, a);
    form_object(&form_b, kind, b);
    return catalog_form_is_same(&form_a, &form_b);
}

static struct catalog_keys keys_of(struct arena *arena, const struct sso_data *data, enum kind kind)
{
    size_t count = count_of(data, kind);
    struct catalog_key *items = arena_array_of(arena, count, struct catalog_key);
    for (size_t i = 0; i < count; i++)
        items[i] = (struct catalog_key){key_of(arena, kind, object_at(data, kind, i)), i};
    return catalog_keys_sort(items, count);
}

/* ---- checking ---- */

struct write_call {
    const struct vault *vault;
    const char *node;
    const struct sso_data *data;
    bool is_pruning, is_dry_run;
    const char *actor;
    int64_t now;
    struct arena *arena;
    struct arena *scratch; /* emptied for each comparison */
    int64_t changed;
    struct failure *failure;
    struct sso_data current;
    struct catalog_keys new_keys[KIND_COUNT], old_keys[KIND_COUNT];
};

static enum outcome refuse(const struct write_call *call, enum kind kind, const void *object, const char *why)
{
    failure_set(call->failure, "%s %s", object_name(call->arena, kind, object), why);
    return ABSENT;
}

/* Will this object be there once the data are written? */
static bool will_be_there(const struct write_call *call, enum kind kind, struct str key)
{
    return catalog_keys_find(call->new_keys[kind], key) != NULL ||
           (!call->is_pruning && catalog_keys_find(call->old_keys[kind], key) != NULL);
}

static enum outcome check_connection(const struct write_call *call, const struct sso_connection *item)
{
    if (item->secret_count > sizeof item->secrets / sizeof *item->secrets ||
        item->context_key_count > sizeof item->context_keys / sizeof *item->context_keys)
        return refuse(call, KIND_CONNECTION, item, "has more than two secrets or context keys");
    for (size_t i = 0; i < item->context_key_count; i++) {
        if (item->context_keys[i].key.length != CONTEXT_KEY_BYTES)
            return refuse(call, KIND_CONNECTION, item, "has a context key that is not 32 bytes long");
    }
    if (item->ceiling.length > 0 &&
        !will_be_there(call, KIND_CEILING,
                       key_of_parts(call->arena, item->customer_key, item->ceiling, STR_NONE)))
        return refuse(call, KIND_CONNECTION, item, "names a ceiling that is not there");
    if (item->default_view.length > 0 && !will_be_there(call, KIND_VIEW, item->default_view))
        return refuse(call, KIND_CONNECTION, item, "names a default view that is not there");
    return OK;
}

/* The groups that locations are linked to, of connections that stay, must stay. */
static enum outcome check_links(struct db *db, const struct write_call *call)
{
    enum outcome outcome = OK;
    struct db_query *query =
        db_query(db, "SELECT DISTINCT c.platform, c.environment, c.slug, c.customer_key, m.group_name "
                     "FROM sso_mapping m JOIN sso_connection c ON c.id = m.connection WHERE m.status = 2");
    while (outcome == OK && db_step(query) == DB_ROW) {
        struct str connection = key_of_parts(call->arena, db_text(query, 0, call->arena),
                                             db_text(query, 1, call->arena), db_text(query, 2, call->arena));
        struct sso_group group = {.customer_key = db_text(query, 3, call->arena),
                                  .name = db_text(query, 4, call->arena)};
        struct str key = key_of(call->arena, KIND_GROUP, &group);
        if (will_be_there(call, KIND_CONNECTION, connection) && !will_be_there(call, KIND_GROUP, key) &&
            catalog_keys_find(call->old_keys[KIND_GROUP], key) != NULL)
            outcome = refuse(call, KIND_GROUP, &group, "has linked locations and cannot be removed");
    }
    return db_finish(query) == OK ? outcome : FAILED;
}

/* ABSENT with the failure's text when the data do not fit together. */
static enum outcome check(struct db *db, const struct write_call *call)
{
    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
        const struct catalog_key *twin = catalog_keys_twin(call->new_keys[kind]);
        if (twin != NULL)
            return refuse(call, kind, object_at(call->data, kind, twin->index), "is given twice");
    }
    for (size_t i = 0; i < call->data->connection_count; i++) {
        enum outcome outcome = check_connection(call, &call->data->connections[i]);
        if (outcome != OK)
            return outcome;
    }
    for (size_t i = 0; i < call->data->application_count; i++) {
        const struct sso_application *item = &call->data->applications[i];
        if (str_equal(item->client_auth, STR("none")) != (item->secret.length == 0))
            return refuse(call, KIND_APPLICATION, item, "needs a secret, or client_auth none and no secret");
    }
    return call->is_pruning ? check_links(db, call) : OK;
}

/* ---- writing ---- */

/* By a connection of the store, or one that comes earlier in the data. */
static bool is_id_taken(const struct write_call *call, const struct sso_connection *item)
{
    for (size_t i = 0; i < call->current.connection_count; i++) {
        if (str_equal(call->current.connections[i].id, item->id))
            return true;
    }
    for (const struct sso_connection *other = call->data->connections; other != item; other++) {
        if (str_equal(other->id, item->id))
            return true;
    }
    return false;
}

/* What the store knows and the data need not say: id, version, and since when a secret is set. */
static struct sso_connection complete(const struct write_call *call, const struct sso_connection *item,
                                      const struct sso_connection *old)
{
    struct sso_connection whole = *item;
    whole.version = old != NULL ? old->version + 1 : 1;
    if (old != NULL)
        whole.id = old->id;
    else if (item->id.length == 0 || is_id_taken(call, item))
        whole.id = str_from_c(rand_uuid7_in(call->arena));
    for (size_t i = 0; i < whole.secret_count; i++) {
        struct sso_secret *secret = &whole.secrets[i];
        if (secret->set_at != 0)
            continue;
        secret->set_at = call->now;
        for (size_t k = 0; old != NULL && k < old->secret_count; k++) {
            if (str_equal(old->secrets[k].value, secret->value))
                secret->set_at = old->secrets[k].set_at;
        }
    }
    return whole;
}

static enum outcome put_object(struct db *db, const struct write_call *call, enum kind kind,
                               const void *object)
{
    switch (kind) {
    case KIND_HOST:
        return sso_put_host(db, object);
    case KIND_CEILING:
        return sso_put_ceiling(db, object);
    case KIND_GROUP:
        return sso_put_group(db, object);
    case KIND_VIEW:
        return sso_put_view(db, object);
    case KIND_CONNECTION:
        return sso_put_connection(db, call->vault, call->arena, object);
    case KIND_APPLICATION:
        return sso_put_application(db, call->vault, call->arena, object);
    case KIND_COUNT:
        break;
    }
    return FAILED;
}

static enum outcome remove_object(struct db *db, enum kind kind, const void *object)
{
    switch (kind) {
    case KIND_HOST:
        return sso_delete_host(db, object);
    case KIND_CEILING:
        return sso_delete_ceiling(db, object);
    case KIND_GROUP:
        return sso_delete_group(db, object);
    case KIND_VIEW:
        return sso_delete_view(db, object);
    case KIND_CONNECTION:
        return sso_delete_connection(db, object);
    case KIND_APPLICATION:
        return sso_delete_application(db, object);
    case KIND_COUNT:
        break;
    }
    return FAILED;
}

static enum outcome write_kind(struct db *db, struct write_call *call, enum kind kind)
{
    struct catalog_keys new_keys = call->new_keys[kind];
    for (size_t i = 0; i < new_keys.count; i++) {
        const void *object = object_at(call->data, kind, new_keys.items[i].index);
        const struct catalog_key *key = catalog_keys_find(call->old_keys[kind], new_keys.items[i].name);
        const void *old = key != NULL ? object_at(&call->current, kind, key->index) : NULL;
        struct sso_connection whole;
        if (kind == KIND_CONNECTION) {
            whole = complete(call, object, old);
            object = &whole;
        }
        if (old != NULL && is_same(call->scratch, kind, object, old))
            continue;
        call->changed++;
        if (!call->is_dry_run && put_object(db, call, kind, object) != OK)
            return FAILED;
    }
    return OK;
}

static enum outcome prune_kind(struct db *db, struct write_call *call, enum kind kind)
{
    struct catalog_keys old_keys = call->old_keys[kind];
    for (size_t i = 0; i < old_keys.count; i++) {
        if (catalog_keys_find(call->new_keys[kind], old_keys.items[i].name) != NULL)
            continue;
        call->changed++;
        if (!call->is_dry_run &&
            remove_object(db, kind, object_at(&call->current, kind, old_keys.items[i].index)) != OK)
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
    if (sso_read_rows(db, call->vault, call->arena, &call->current) != OK)
        return FAILED;
    for (enum kind kind = 0; kind < KIND_COUNT; kind++)
        call->old_keys[kind] = keys_of(call->arena, &call->current, kind);
    enum outcome outcome = check(db, call);
    if (outcome != OK)
        return outcome;
    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
        if (write_kind(db, call, kind) != OK || (call->is_pruning && prune_kind(db, call, kind) != OK))
            return FAILED;
    }
    if (call->changed == 0 || call->is_dry_run)
        return OK;
    return catalog_raise(db, call->arena, call->node, call->actor, call->changed, call->now);
}

enum outcome sso_data_write(struct store *store, const struct sso_data *data, bool prune, bool dry_run,
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
    };
    for (enum kind kind = 0; kind < KIND_COUNT; kind++)
        call.new_keys[kind] = keys_of(arena, data, kind);
    enum outcome outcome = dry_run ? store_snapshot(store, "sso_data_write", write_work, &call)
                                   : store_write(store, "sso_data_write", write_work, &call);
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
    struct sso_data *out_data;
};

static enum outcome read_work(struct db *db, void *context)
{
    const struct read_call *call = context;
    return sso_read_rows(db, call->vault, call->arena, call->out_data);
}

enum outcome sso_data_read(struct store *store, struct arena *arena, struct sso_data *out_data)
{
    struct read_call call = {store_vault(store), arena, out_data};
    return store_snapshot(store, "sso_data_read", read_work, &call);
}

/* ---- what a customer may see ---- */

struct sso_data sso_data_in_scope(struct arena *arena, const struct sso_data *data,
                                  struct customer_scope scope)
{
    if (scope.is_all)
        return *data;
    struct str key = customer_scope_key(scope);
    struct sso_data seen = {
        .hosts = data->hosts,
        .host_count = data->host_count,
        .connections = arena_array_of(arena, data->connection_count, struct sso_connection),
        .groups = arena_array_of(arena, data->group_count, struct sso_group),
        .ceilings = arena_array_of(arena, data->ceiling_count, struct sso_ceiling),
        .views = data->views,
        .view_count = data->view_count,
        .applications = arena_array_of(arena, data->application_count, struct sso_application),
    };
    for (size_t i = 0; i < data->connection_count; i++)
        if (str_equal(data->connections[i].customer_key, key))
            seen.connections[seen.connection_count++] = data->connections[i];
    for (size_t i = 0; i < data->group_count; i++)
        if (str_equal(data->groups[i].customer_key, key))
            seen.groups[seen.group_count++] = data->groups[i];
    for (size_t i = 0; i < data->ceiling_count; i++)
        if (str_equal(data->ceilings[i].customer_key, key))
            seen.ceilings[seen.ceiling_count++] = data->ceilings[i];
    for (size_t i = 0; i < data->application_count; i++)
        if (str_equal(data->applications[i].customer_key, key))
            seen.applications[seen.application_count++] = data->applications[i];
    return seen;
}
