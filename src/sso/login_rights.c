#include "sso/login_rights.h"

#include "jose/claims.h"
#include "sso/views.h"

#define ADDED_PER_DAY_MAX 500 /* MAP-8 */

/* PRM-7: without permissions there is no session, unless the connection says that there is one with nothing
 * in it. Where it does, the failure is a warning and the login goes on, to the main menu and without a
 * patient. */
static bool goes_on_without(struct attempt *attempt, struct login *login, int code)
{
    if (!attempt->connection->is_session_without_permissions)
        return false;
    trail_warn(&attempt->trail, code);
    login->patient = STR_NONE;
    attempt->view = STR(VIEW_MAIN_MENU);
    return true;
}

static bool fail_locations(struct attempt *attempt, struct login *login, enum locations_result result)
{
    switch (result) {
    case LOCATIONS_OK:
        return false;
    case LOCATIONS_ABSENT:
        attempt_fail(attempt, 701, 'a', "the location claim is absent");
        break;
    case LOCATIONS_EMPTY:
        if (goes_on_without(attempt, login, 701))
            return false;
        attempt_fail(attempt, 701, 'b', "the location claim is empty");
        break;
    case LOCATIONS_OVERAGE:
        attempt_fail(attempt, 704, 0, "the provider left the list out (overage)");
        break;
    case LOCATIONS_WRONG_FORMAT:
        attempt_fail(attempt, 705, 0, "the location claim has an unknown format");
        break;
    }
    return true;
}

static bool read_locations(struct attempt *attempt, struct login *login)
{
    struct locations *locations = &login->locations;
    enum locations_result result =
        locations_read(attempt->arena, login->identity.claims, attempt->connection, locations);
    json_t *ids = json_array();
    struct str *index = arena_array_of(attempt->arena, locations->count, struct str);
    for (size_t i = 0; result == LOCATIONS_OK && i < locations->count; i++) {
        index[i] = locations->items[i].code;
        json_array_append_new(ids, json_text(index[i]));
    }
    attempt->trail.entry.location_ids = index;
    attempt->trail.entry.location_count = result == LOCATIONS_OK ? locations->count : 0;
    trail_step_ids(&attempt->trail, TRAIL_LOCATIONS, result == LOCATIONS_OK,
                   json_pack("{s:o, s:s, s:s, s:I, s:I, s:I}", "claim",
                             json_text(attempt->connection->location_claim), "source",
                             login->location_source ? login->location_source : "", "type",
                             locations->json_type ? locations->json_type : "absent", "received",
                             (json_int_t)locations->received, "dropped", (json_int_t)locations->dropped,
                             "duplicates", (json_int_t)locations->duplicates),
                   ids);
    return !fail_locations(attempt, login, result);
}

static const char *state_name(const struct mapping_found *found)
{
    if (found->is_added)
        return "nieuw toegevoegd";
    if (found->is_withheld)
        return "niet toegevoegd (daglimiet)";
    switch (found->status) {
    case MAPPING_NEW:
        break;
    case MAPPING_LINKED:
        return "gekoppeld";
    case MAPPING_IGNORED:
        return "genegeerd";
    case MAPPING_INACTIVE:
        return "inactief";
    }
    return "niet gekoppeld";
}

static void log_mapping(struct attempt *attempt, const struct login *login, size_t linked)
{
    json_t *ids = json_array();
    for (size_t i = 0; i < login->locations.count; i++) {
        json_t *id = json_pack("{s:o, s:s}", "id", json_text(login->locations.items[i].code), "state",
                               state_name(&login->found[i]));
        if (login->found[i].status == MAPPING_LINKED)
            json_object_set_new(id, "group", json_text(login->found[i].group));
        json_array_append_new(ids, id);
    }
    trail_step_ids(
        &attempt->trail, TRAIL_MAPPING, linked > 0,
        json_pack("{s:I, s:I}", "received", (json_int_t)login->locations.count, "linked", (json_int_t)linked),
        ids);
}

static bool map_locations(struct attempt *attempt, struct login *login)
{
    size_t count = login->locations.count, linked = 0, inactive = 0;
    login->found = arena_array_of(attempt->arena, count, struct mapping_found);
    if (mapping_resolve(attempt->door->store, attempt->connection->id, login->locations.items, count,
                        attempt->trail.entry.reference, ADDED_PER_DAY_MAX, attempt->now, attempt->arena,
                        login->found) != OK) {
        attempt_fail(attempt, 911, 0, "the mapping table could not be read");
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        linked += login->found[i].status == MAPPING_LINKED;
        inactive += login->found[i].status == MAPPING_INACTIVE;
        if (login->found[i].is_withheld)
            trail_warn(&attempt->trail, 706);
        if (login->found[i].is_added)
            trail_note(&attempt->trail, 707);
    }
    log_mapping(attempt, login, linked);
    if (linked > 0 || goes_on_without(attempt, login, 701))
        return true;
    attempt_fail(attempt, 701, inactive > 0 ? 'd' : 'c', "no received location is linked");
    return false;
}

/* ---- step 8: permissions ---- */

/* Permissions per group, their union, the ceiling and what it leaves (5.2). */
static void log_permissions(struct attempt *attempt, const struct login *login, const struct str *names,
                            size_t count, bool is_ok)
{
    const struct permissions *permissions = &login->permissions;
    struct permissions together = {0};
    json_t *groups = json_array(), *lines = json_array();
    for (size_t i = 0; i < permissions->group_count; i++) {
        const struct sso_group *group = permissions->groups[i];
        const struct permissions own = {.pairs = group->pairs, .count = group->pair_count};
        json_array_append_new(groups, json_text(group->name));
        json_array_append_new(lines, json_pack("{s:o, s:o}", "group", json_text(group->name), "permissions",
                                               json_text(permissions_text(attempt->arena, &own))));
    }
    if (permissions_compute(attempt->arena, directory_data(attempt->snapshot),
                            attempt->connection->customer_key, names, count, STR_NONE,
                            &together) != PERMISSIONS_OK)
        together.count = 0;
    trail_step_ids(&attempt->trail, TRAIL_PERMISSIONS, is_ok,
                   json_pack("{s:o, s:I, s:o, s:I, s:o}", "groups", groups, "union",
                             (json_int_t)together.count, "ceiling", json_text(attempt->connection->ceiling),
                             "permissions", (json_int_t)permissions->count, "result",
                             json_text(permissions_text(attempt->arena, permissions))),
                   lines);
}

static bool grant_permissions(struct attempt *attempt, struct login *login)
{
    struct str *names = arena_array_of(attempt->arena, login->locations.count, struct str);
    size_t count = 0;
    for (size_t i = 0; i < login->locations.count; i++)
        if (login->found[i].status == MAPPING_LINKED)
            names[count++] = login->found[i].group;
    enum permissions_result result = permissions_compute(attempt->arena, directory_data(attempt->snapshot),
                                                         attempt->connection->customer_key, names, count,
                                                         attempt->connection->ceiling, &login->permissions);
    log_permissions(attempt, login, names, count, result == PERMISSIONS_OK);
    if (result != PERMISSIONS_OK &&
        goes_on_without(attempt, login, result == PERMISSIONS_GROUPS_INACTIVE ? 701 : 702))
        return true;
    switch (result) {
    case PERMISSIONS_OK:
        return true;
    case PERMISSIONS_GROUPS_INACTIVE:
        attempt_fail(attempt, 701, 'e', "every linked group is inactive");
        return false;
    case PERMISSIONS_NONE_IN_GROUPS:
        attempt_fail(attempt, 702, 'a', "the groups have no permissions");
        return false;
    case PERMISSIONS_NONE_IN_CEILING:
        attempt_fail(attempt, 702, 'b', "the ceiling leaves no permission");
        return false;
    case PERMISSIONS_SCOPES_EMPTY:
        attempt_fail(attempt, 702, 'c', "groups and ceiling share permissions, but for no department");
        return false;
    }
    return false;
}

bool login_rights_find(struct attempt *attempt, struct login *login)
{
    return read_locations(attempt, login) && map_locations(attempt, login) &&
           grant_permissions(attempt, login);
}
