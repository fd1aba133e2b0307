#include "store/sso_catalog_row.h"

#include "base/vec.h"
#include "store/driver.h"

/* ---- hosts and views ---- */

typedef VEC(struct sso_host) host_vec;
typedef VEC(struct sso_view) view_vec;

static enum outcome read_hosts(struct db *db, struct arena *arena, struct sso_data *out_data)
{
    host_vec items = {0};
    struct db_query *query =
        db_query(db, "SELECT name, platform, environment, base_url FROM sso_host ORDER BY name");
    while (db_step(query) == DB_ROW) {
        struct sso_host item = {
            .name = db_text(query, 0, arena),
            .platform = db_text(query, 1, arena),
            .environment = db_text(query, 2, arena),
            .base_url = db_text(query, 3, arena),
        };
        vec_push(arena, &items, item);
    }
    out_data->hosts = items.items;
    out_data->host_count = items.count;
    return db_finish(query);
}

static enum outcome put_host(struct db *db, const struct vault *vault, struct arena *arena,
                             const void *object)
{
    (void)vault, (void)arena;
    const struct sso_host *item = object;
    struct db_query *query =
        db_query(db, "INSERT INTO sso_host (name, platform, environment, base_url) VALUES ($1, $2, $3, $4) "
                     "ON CONFLICT (name) DO UPDATE SET platform = excluded.platform, "
                     "environment = excluded.environment, base_url = excluded.base_url");
    db_bind_text(query, 1, item->name);
    db_bind_text(query, 2, item->platform);
    db_bind_text(query, 3, item->environment);
    db_bind_text(query, 4, item->base_url);
    return db_run(query);
}

static enum outcome read_views(struct db *db, struct arena *arena, struct sso_data *out_data)
{
    view_vec items = {0};
    struct db_query *query =
        db_query(db, "SELECT name, needs_patient, needs_department, path, permission, is_limited "
                     "FROM sso_view ORDER BY name");
    while (db_step(query) == DB_ROW) {
        struct sso_view item = {
            .name = db_text(query, 0, arena),
            .needs_patient = db_int(query, 1) == 1,
            .needs_department = db_int(query, 2) == 1,
            .path = db_text(query, 3, arena),
            .permission = db_text(query, 4, arena),
            .is_limited = db_int(query, 5) == 1,
        };
        vec_push(arena, &items, item);
    }
    out_data->views = items.items;
    out_data->view_count = items.count;
    return db_finish(query);
}

static enum outcome put_view(struct db *db, const struct vault *vault, struct arena *arena,
                             const void *object)
{
    (void)vault, (void)arena;
    const struct sso_view *item = object;
    struct db_query *query = db_query(
        db, "INSERT INTO sso_view (name, needs_patient, needs_department, path, permission, is_limited) "
            "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (name) DO UPDATE SET "
            "needs_patient = excluded.needs_patient, needs_department = excluded.needs_department, "
            "path = excluded.path, permission = excluded.permission, is_limited = excluded.is_limited");
    db_bind_text(query, 1, item->name);
    db_bind_int(query, 2, item->needs_patient);
    db_bind_int(query, 3, item->needs_department);
    db_bind_text(query, 4, item->path);
    db_bind_text(query, 5, item->permission);
    db_bind_int(query, 6, item->is_limited);
    return db_run(query);
}

static void form_host(struct buf *form, const void *object)
{
    const struct sso_host *item = object;
    catalog_form_text(form, item->platform);
    catalog_form_text(form, item->environment);
    catalog_form_text(form, item->base_url);
}

const struct catalog_kind sso_host_kind = {
    .noun = "host",
    CATALOG_OBJECTS(struct sso_data, hosts, host_count),
    CATALOG_ID_1(struct sso_host, name),
    .form = form_host,
    .put = put_host,
    .removal = {"DELETE FROM sso_host WHERE name = $1"},
};

static void form_view(struct buf *form, const void *object)
{
    const struct sso_view *item = object;
    catalog_form_int(form, item->needs_patient);
    catalog_form_int(form, item->needs_department);
    catalog_form_text(form, item->path);
    catalog_form_text(form, item->permission);
    catalog_form_int(form, item->is_limited);
}

const struct catalog_kind sso_view_kind = {
    .noun = "view",
    CATALOG_OBJECTS(struct sso_data, views, view_count),
    CATALOG_ID_1(struct sso_view, name),
    .form = form_view,
    .put = put_view,
    .removal = {"DELETE FROM sso_view WHERE name = $1"},
};

/* ---- groups and ceilings: lists of pairs under a name of a customer ---- */

typedef VEC(struct sso_group) group_vec;
typedef VEC(struct sso_ceiling) ceiling_vec;

struct owned_pair {
    struct str customer_key, name;
    struct sso_permission_pair pair;
};

struct pair_rows {
    struct owned_pair *items;
    size_t count, capacity;
    size_t next; /* of which no owner was found yet */
};

static enum outcome read_pairs(struct db_query *query, struct arena *arena, struct pair_rows *out_rows)
{
    while (db_step(query) == DB_ROW) {
        struct owned_pair row = {db_text(query, 0, arena),
                                 db_text(query, 1, arena),
                                 {db_text(query, 2, arena), db_text(query, 3, arena)}};
        vec_push(arena, out_rows, row);
    }
    return db_finish(query);
}

/* Owners and pairs come in the same order, sorted by the engine by the same rules, so that the pairs of the
 * next owner are the next pairs. */
static void take_pairs(struct pair_rows *rows, struct arena *arena, struct str customer_key, struct str name,
                       struct sso_permission_pair **out_pairs, size_t *out_count)
{
    size_t from = rows->next;
    while (rows->next < rows->count && str_equal(rows->items[rows->next].customer_key, customer_key) &&
           str_equal(rows->items[rows->next].name, name))
        rows->next++;
    *out_count = rows->next - from;
    *out_pairs = arena_array_of(arena, *out_count, struct sso_permission_pair);
    for (size_t i = 0; i < *out_count; i++)
        (*out_pairs)[i] = rows->items[from + i].pair;
}

static enum outcome read_groups(struct db *db, struct arena *arena, struct sso_data *out_data)
{
    struct pair_rows pairs = {0};
    if (read_pairs(db_query(db, "SELECT customer_key, name, permission, department "
                                "FROM sso_group_permission ORDER BY customer_key, name, ordinal"),
                   arena, &pairs) != OK)
        return FAILED;
    group_vec items = {0};
    struct db_query *query = db_query(
        db, "SELECT customer_key, name, description, is_active FROM sso_group ORDER BY customer_key, name");
    while (db_step(query) == DB_ROW) {
        struct sso_group item = {
            .customer_key = db_text(query, 0, arena),
            .name = db_text(query, 1, arena),
            .description = db_text(query, 2, arena),
            .is_active = db_int(query, 3) == 1,
        };
        take_pairs(&pairs, arena, item.customer_key, item.name, &item.pairs, &item.pair_count);
        vec_push(arena, &items, item);
    }
    if (pairs.next != pairs.count)
        db_query_fault(query, "permissions of a group that is not there");
    out_data->groups = items.items;
    out_data->group_count = items.count;
    return db_finish(query);
}

static enum outcome read_ceilings(struct db *db, struct arena *arena, struct sso_data *out_data)
{
    struct pair_rows pairs = {0};
    if (read_pairs(db_query(db, "SELECT customer_key, name, permission, department "
                                "FROM sso_ceiling_permission ORDER BY customer_key, name, ordinal"),
                   arena, &pairs) != OK)
        return FAILED;
    ceiling_vec items = {0};
    struct db_query *query =
        db_query(db, "SELECT customer_key, name FROM sso_ceiling ORDER BY customer_key, name");
    while (db_step(query) == DB_ROW) {
        struct sso_ceiling item = {
            .customer_key = db_text(query, 0, arena),
            .name = db_text(query, 1, arena),
        };
        take_pairs(&pairs, arena, item.customer_key, item.name, &item.pairs, &item.pair_count);
        vec_push(arena, &items, item);
    }
    if (pairs.next != pairs.count)
        db_query_fault(query, "permissions of a ceiling that is not there");
    out_data->ceilings = items.items;
    out_data->ceiling_count = items.count;
    return db_finish(query);
}

struct pair_sql {
    const char *delete_all, *insert;
};

static const struct pair_sql group_pairs = {
    "DELETE FROM sso_group_permission WHERE customer_key = $1 AND name = $2",
    "INSERT INTO sso_group_permission (customer_key, name, ordinal, permission, department) "
    "VALUES ($1, $2, $3, $4, $5)",
};
static const struct pair_sql ceiling_pairs = {
    "DELETE FROM sso_ceiling_permission WHERE customer_key = $1 AND name = $2",
    "INSERT INTO sso_ceiling_permission (customer_key, name, ordinal, permission, department) "
    "VALUES ($1, $2, $3, $4, $5)",
};

static enum outcome run_by_key(struct db_query *query, struct str customer_key, struct str name)
{
    db_bind_text(query, 1, customer_key);
    db_bind_text(query, 2, name);
    return db_run(query);
}

static enum outcome put_pairs(struct db *db, const struct pair_sql *sql, struct str customer_key,
                              struct str name, const struct sso_permission_pair *pairs, size_t count)
{
    if (run_by_key(db_query(db, sql->delete_all), customer_key, name) != OK)
        return FAILED;
    for (size_t i = 0; i < count; i++) {
        struct db_query *query = db_query(db, sql->insert);
        db_bind_text(query, 1, customer_key);
        db_bind_text(query, 2, name);
        db_bind_int(query, 3, (int64_t)i);
        db_bind_text(query, 4, pairs[i].permission);
        db_bind_text(query, 5, pairs[i].department);
        db_run_later(query);
    }
    return OK;
}

static enum outcome put_group(struct db *db, const struct vault *vault, struct arena *arena,
                              const void *object)
{
    (void)vault, (void)arena;
    const struct sso_group *item = object;
    struct db_query *query =
        db_query(db, "INSERT INTO sso_group (customer_key, name, description, is_active) "
                     "VALUES ($1, $2, $3, $4) ON CONFLICT (customer_key, name) DO UPDATE SET "
                     "description = excluded.description, is_active = excluded.is_active");
    db_bind_text(query, 1, item->customer_key);
    db_bind_text(query, 2, item->name);
    db_bind_text(query, 3, item->description);
    db_bind_int(query, 4, item->is_active);
    if (db_run(query) != OK)
        return FAILED;
    return put_pairs(db, &group_pairs, item->customer_key, item->name, item->pairs, item->pair_count);
}

static enum outcome put_ceiling(struct db *db, const struct vault *vault, struct arena *arena,
                                const void *object)
{
    (void)vault, (void)arena;
    const struct sso_ceiling *item = object;
    struct db_query *query = db_query(db, "INSERT INTO sso_ceiling (customer_key, name) VALUES ($1, $2) "
                                          "ON CONFLICT (customer_key, name) DO NOTHING");
    if (run_by_key(query, item->customer_key, item->name) != OK)
        return FAILED;
    return put_pairs(db, &ceiling_pairs, item->customer_key, item->name, item->pairs, item->pair_count);
}

static void form_pairs(struct buf *form, const struct sso_permission_pair *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        catalog_form_text(form, pairs[i].permission);
        catalog_form_text(form, pairs[i].department);
    }
}

static void form_group(struct buf *form, const void *object)
{
    const struct sso_group *item = object;
    catalog_form_text(form, item->description);
    catalog_form_int(form, item->is_active);
    form_pairs(form, item->pairs, item->pair_count);
}

const struct catalog_kind sso_group_kind = {
    .noun = "group",
    CATALOG_OBJECTS(struct sso_data, groups, group_count),
    CATALOG_ID_2(struct sso_group, customer_key, name),
    .form = form_group,
    .put = put_group,
    .removal = {"DELETE FROM sso_group WHERE customer_key = $1 AND name = $2"},
};

static void form_ceiling(struct buf *form, const void *object)
{
    const struct sso_ceiling *item = object;
    form_pairs(form, item->pairs, item->pair_count);
}

const struct catalog_kind sso_ceiling_kind = {
    .noun = "ceiling",
    CATALOG_OBJECTS(struct sso_data, ceilings, ceiling_count),
    CATALOG_ID_2(struct sso_ceiling, customer_key, name),
    .form = form_ceiling,
    .put = put_ceiling,
    .removal = {"DELETE FROM sso_ceiling WHERE customer_key = $1 AND name = $2"},
};

/* ---- everything ---- */

enum outcome sso_read_rows(struct db *db, const struct vault *vault, struct arena *arena,
                           struct sso_data *out_data)
{
    *out_data = (struct sso_data){0};
    if (read_hosts(db, arena, out_data) != OK || sso_read_connections(db, vault, arena, out_data) != OK ||
        read_groups(db, arena, out_data) != OK || read_ceilings(db, arena, out_data) != OK ||
        sso_read_applications(db, vault, arena, out_data) != OK)
        return FAILED;
    return read_views(db, arena, out_data);
}
