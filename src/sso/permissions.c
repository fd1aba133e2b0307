#include "sso/permissions.h"

#include "base/buf.h"
#include "base/vec.h"

#include <stdlib.h>

#define TEXT_BYTES_MAX ((size_t)1 << 20)

struct pair_list {
    struct sso_permission_pair *items;
    size_t count, capacity;
};

static int compare_pairs(const void *left, const void *right)
{
    const struct sso_permission_pair *a = left, *b = right;
    int order = str_compare(a->permission, b->permission);
    return order != 0 ? order : str_compare(a->department, b->department);
}

/* Sorted, without repeats; "all departments" sorts first and absorbs what follows of its permission (PRM-2).
 */
static void normalise(struct pair_list *list)
{
    if (list->count == 0)
        return;
    qsort(list->items, list->count, sizeof *list->items, compare_pairs);
    size_t kept = 1;
    for (size_t i = 1; i < list->count; i++) {
        const struct sso_permission_pair *last = &list->items[kept - 1], *pair = &list->items[i];
        bool is_same_permission = str_equal(pair->permission, last->permission);
        if (is_same_permission &&
            (last->department.length == 0 || str_equal(pair->department, last->department)))
            continue;
        list->items[kept++] = *pair;
    }
    list->count = kept;
}

static const struct sso_group *find_group(const struct sso_data *data, struct str customer_key,
                                          struct str name)
{
    for (size_t i = 0; i < data->group_count; i++)
        if (str_equal(data->groups[i].customer_key, customer_key) && str_equal(data->groups[i].name, name))
            return &data->groups[i];
    return NULL;
}

static const struct sso_ceiling *find_ceiling(const struct sso_data *data, struct str customer_key,
                                              struct str name)
{
    for (size_t i = 0; i < data->ceiling_count; i++)
        if (str_equal(data->ceilings[i].customer_key, customer_key) &&
            str_equal(data->ceilings[i].name, name))
            return &data->ceilings[i];
    return NULL;
}

/* The distinct active groups; several locations often point to one (MAP-4). */
static void collect_groups(struct arena *arena, const struct sso_data *data, struct str customer_key,
                           const struct str *names, size_t count, struct permissions *out)
{
    out->groups = arena_array_of(arena, count, const struct sso_group *);
    for (size_t i = 0; i < count; i++) {
        const struct sso_group *group = find_group(data, customer_key, names[i]);
        bool is_new = group != NULL && group->is_active;
        for (size_t j = 0; is_new && j < out->group_count; j++)
            is_new = out->groups[j] != group;
        if (is_new)
            out->groups[out->group_count++] = group;
    }
}

/* PRM-3: pair by pair; "all departments" on one side leaves the department of the other. */
static struct pair_list intersect(struct arena *arena, const struct pair_list *wanted,
                                  const struct sso_ceiling *ceiling, bool *out_is_code_shared)
{
    struct pair_list kept = {0};
    *out_is_code_shared = false;
    for (size_t i = 0; i < wanted->count; i++) {
        for (size_t j = 0; j < ceiling->pair_count; j++) {
            struct sso_permission_pair pair = wanted->items[i];
            struct str limit = ceiling->pairs[j].department;
            if (!str_equal(pair.permission, ceiling->pairs[j].permission))
                continue;
            *out_is_code_shared = true;
            if (limit.length > 0 && pair.department.length > 0 && !str_equal(limit, pair.department))
                continue;
            if (pair.department.length == 0)
                pair.department = limit;
            vec_push(arena, &kept, pair);
        }
    }
    normalise(&kept);
    return kept;
}

enum permissions_result permissions_compute(struct arena *arena, const struct sso_data *data,
                                            struct str customer_key, const struct str *group_names,
                                            size_t group_count, struct str ceiling,
                                            struct permissions *out_permissions)
{
    *out_permissions = (struct permissions){0};
    collect_groups(arena, data, customer_key, group_names, group_count, out_permissions);
    if (out_permissions->group_count == 0)
        return PERMISSIONS_GROUPS_INACTIVE;
    struct pair_list pairs = {0}; /* PRM-1 */
    for (size_t i = 0; i < out_permissions->group_count; i++)
        for (size_t j = 0; j < out_permissions->groups[i]->pair_count; j++)
            vec_push(arena, &pairs, out_permissions->groups[i]->pairs[j]);
    normalise(&pairs);
    if (pairs.count == 0)
        return PERMISSIONS_NONE_IN_GROUPS;
    if (ceiling.length > 0) {
        /* A ceiling that is not there lets nothing through. */
        const struct sso_ceiling *found = find_ceiling(data, customer_key, ceiling);
        bool is_code_shared = false;
        pairs = found != NULL ? intersect(arena, &pairs, found, &is_code_shared) : (struct pair_list){0};
        if (pairs.count == 0)
            return is_code_shared ? PERMISSIONS_SCOPES_EMPTY : PERMISSIONS_NONE_IN_CEILING;
    }
    out_permissions->pairs = pairs.items;
    out_permissions->count = pairs.count;
    return PERMISSIONS_OK;
}

struct str permissions_text(struct arena *arena, const struct permissions *permissions)
{
    struct buf text = buf_new(arena, TEXT_BYTES_MAX);
    for (size_t i = 0; i < permissions->count; i++) {
        if (i > 0)
            buf_append_char(&text, ' ');
        buf_append(&text, permissions->pairs[i].permission);
        if (permissions->pairs[i].department.length == 0)
            continue;
        buf_append_char(&text, '@');
        buf_append(&text, permissions->pairs[i].department);
    }
    return buf_str(&text);
}
