#include "store/sso_catalog.h"

#include "base/vec.h"
#include "idp/issuer.h"
#include "store/sso_catalog_row.h"

#include <stdlib.h>

#define CONTEXT_KEY_BYTES 32

/* ---- writing ---- */

enum kind { KIND_HOST, KIND_CEILING, KIND_GROUP, KIND_VIEW, KIND_CONNECTION, KIND_APPLICATION, KIND_COUNT };

static const struct catalog_kind *const kinds[KIND_COUNT] = {
    [KIND_HOST] = &sso_host_kind,
    [KIND_CEILING] = &sso_ceiling_kind,
    [KIND_GROUP] = &sso_group_kind,
    [KIND_VIEW] = &sso_view_kind,
    [KIND_CONNECTION] = &sso_connection_kind,
    [KIND_APPLICATION] = &sso_application_kind,
};

static enum outcome refuse(const struct catalog_change *change, enum kind kind, const void *object,
                           const char *why)
{
    return catalog_change_refuse(change, kind, catalog_id_of(change->arena, kinds[kind], object), why);
}

/* Will an object with this id be there once the data are written? */
static bool leaves(const struct catalog_change *change, enum kind kind, struct catalog_id id)
{
    return catalog_change_leaves(change, kind, catalog_key_of(change->arena, id));
}

static enum outcome check_connection(const struct catalog_change *change, const struct sso_connection *item)
{
    if (item->secret_count > sizeof item->secrets / sizeof *item->secrets ||
        item->context_key_count > sizeof item->context_keys / sizeof *item->context_keys)
        return refuse(change, KIND_CONNECTION, item, "has more than two secrets or context keys");
    for (size_t i = 0; i < item->context_key_count; i++) {
        if (item->context_keys[i].key.length != CONTEXT_KEY_BYTES)
            return refuse(change, KIND_CONNECTION, item, "has a context key that is not 32 bytes long");
    }
    if (item->ceiling.length > 0 &&
        !leaves(change, KIND_CEILING, (struct catalog_id){{item->customer_key, item->ceiling}, 2}))
        return refuse(change, KIND_CONNECTION, item, "names a ceiling that is not there");
    if (item->default_view.length > 0 &&
        !leaves(change, KIND_VIEW, (struct catalog_id){{item->default_view}, 1}))
        return refuse(change, KIND_CONNECTION, item, "names a default view that is not there");
    return OK;
}

/* The groups that locations are linked to, of connections that stay, must stay. */
static enum outcome check_links(struct db *db, const struct catalog_change *change)
{
    struct arena *arena = change->arena;
    enum outcome outcome = OK;
    struct db_query *query =
        db_query(db, "SELECT DISTINCT c.platform, c.environment, c.slug, c.customer_key, m.group_name "
                     "FROM sso_mapping m JOIN sso_connection c ON c.id = m.connection WHERE m.status = 2");
    while (outcome == OK && db_step(query) == DB_ROW) {
        struct catalog_id connection = {
            {db_text(query, 0, arena), db_text(query, 1, arena), db_text(query, 2, arena)}, 3};
        struct catalog_id group = {{db_text(query, 3, arena), db_text(query, 4, arena)}, 2};
        struct catalog_keys stored = change->old_keys[KIND_GROUP];
        if (leaves(change, KIND_CONNECTION, connection) && !leaves(change, KIND_GROUP, group) &&
            catalog_keys_find(stored, catalog_key_of(arena, group)) != NULL)
            outcome = catalog_change_refuse(change, KIND_GROUP, group,
                                            "has linked locations and cannot be removed");
    }
    return db_finish(query) == OK ? outcome : FAILED;
}

/* ---- links stay within one customer (USR-2) ---- */

struct issued {
    struct str iss; /* as tokens have it */
    const struct sso_connection *connection;
};

struct issued_list {
    struct issued *items;
    size_t count, capacity;
};

static void add_issued(struct arena *arena, const struct sso_connection *item, struct issued_list *list)
{
    struct issuer_rest rest = {.tenants = item->tenants};
    struct issued issued = {.connection = item};
    while (issuer_next(arena, item->issuer, &rest, &issued.iss))
        vec_push(arena, list, issued);
}

/* Of each connection that is there once the data are written. */
static struct issued_list all_issued(const struct catalog_change *change)
{
    const struct sso_data *data = change->data, *stored = change->current;
    struct issued_list list = {0};
    for (size_t i = 0; i < data->connection_count; i++)
        add_issued(change->arena, &data->connections[i], &list);
    for (size_t i = 0; i < stored->connection_count && !change->is_pruning; i++) {
        const struct sso_connection *item = &stored->connections[i];
        struct str key =
            catalog_key_of(change->arena, catalog_id_of(change->arena, &sso_connection_kind, item));
        if (catalog_keys_find(change->new_keys[KIND_CONNECTION], key) == NULL)
            add_issued(change->arena, item, &list);
    }
    return list;
}

static int compare_issued(const void *a, const void *b)
{
    const struct issued *one = a, *other = b;
    int order = str_compare(one->iss, other->iss);
    if (order == 0) /* those that link come first of their issuer */
        order = (one->connection->link_claim.length == 0) - (other->connection->link_claim.length == 0);
    return order;
}

static enum outcome refuse_shared(const struct catalog_change *change, const struct issued *links,
                                  const struct sso_connection *other)
{
    struct arena *arena = change->arena;
    return refuse(
        change, KIND_CONNECTION, links->connection,
        arena_printf(arena,
                     "has a link_claim, and shares the issuer %.*s with connection %.*s (%.*s, %.*s): "
                     "whom it links would be one user there too, and that is another %s",
                     STR_ARG(links->iss), STR_ARG(sso_slug(arena, other)), STR_ARG(other->platform),
                     STR_ARG(other->environment),
                     str_equal(links->connection->customer_key, other->customer_key) ? "platform"
                                                                                     : "customer"));
}

/* A user is found by issuer and subject alone: where two customers share an issuer, a link that one of them
 * makes holds at the other. Environments of one customer may share it. */
static enum outcome check_shared_issuers(const struct catalog_change *change)
{
    struct issued_list list = all_issued(change);
    if (list.count > 0)
        qsort(list.items, list.count, sizeof *list.items, compare_issued);
    for (size_t i = 0, first = 0; i < list.count; i++) {
        const struct issued *links = &list.items[first], *item = &list.items[i];
        if (!str_equal(links->iss, item->iss)) {
            first = i;
            continue;
        }
        bool is_same = str_equal(links->connection->customer_key, item->connection->customer_key) &&
                       str_equal(links->connection->platform, item->connection->platform);
        if (links->connection->link_claim.length > 0 && !is_same)
            return refuse_shared(change, links, item->connection);
    }
    return OK;
}

static enum outcome check(struct db *db, const struct catalog_change *change)
{
    const struct sso_data *data = change->data;
    for (size_t i = 0; i < data->connection_count; i++) {
        enum outcome outcome = check_connection(change, &data->connections[i]);
        if (outcome != OK)
            return outcome;
    }
    enum outcome sharing = check_shared_issuers(change);
    if (sharing != OK)
        return sharing;
    for (size_t i = 0; i < data->application_count; i++) {
        const struct sso_application *item = &data->applications[i];
        if (str_equal(item->client_auth, STR("none")) != (item->secret.length == 0))
            return refuse(change, KIND_APPLICATION, item,
                          "needs a secret, or client_auth none and no secret");
    }
    return change->is_pruning ? check_links(db, change) : OK;
}

static enum outcome read_all(struct db *db, const struct vault *vault, struct arena *arena, void *out_data)
{
    return sso_read_rows(db, vault, arena, out_data);
}

const struct catalog_door catalog_sso_door = {
    .kinds = kinds,
    .kind_count = KIND_COUNT,
    .data_size = sizeof(struct sso_data),
    .read_verb = "sso_data_read",
    .read = read_all,
    .check = check,
};

/* ---- reading ---- */

enum outcome sso_data_read(struct store *store, struct arena *arena, struct sso_data *out_data)
{
    return catalog_door_read(store, &catalog_sso_door, arena, out_data);
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
