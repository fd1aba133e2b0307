#include "cli/catalog_reader.h"

#include "base/codec.h"
#include "cli/catalog_value.h"
#include "idp/issuer.h"
#include "sso/views.h"

#include <string.h>

#define METADATA_TAIL "/.well-known/openid-configuration"

/* Everything that may be referred to: what the file holds, and what the store does. */
struct known {
    struct name_set places;      /* platform, environment */
    struct name_set views;       /* name */
    struct name_set ceilings;    /* customer, name */
    struct name_set groups;      /* customer, name */
    struct name_set connections; /* platform, environment, slug */
    struct name_set slugs;       /* environment, slug: once per platform */
};

/* No part can hold a newline. */
static struct str joined(struct arena *arena, struct str a, struct str b)
{
    if (a.length == 0 || b.length == 0)
        return STR_NONE;
    return str_from_c(arena_printf(arena, "%.*s\n%.*s", STR_ARG(a), STR_ARG(b)));
}

static struct str slug_of(struct arena *arena, const struct sso_connection *connection)
{
    bool has_both = connection->customer_key.length > 0 && connection->provider_key.length > 0;
    return has_both ? sso_slug(arena, connection) : STR_NONE;
}

static struct str connection_key(struct arena *arena, struct str platform, struct str environment,
                                 struct str slug)
{
    return joined(arena, joined(arena, platform, environment), slug);
}

static void know(struct arena *arena, struct known *known, const struct sso_data *data)
{
    for (size_t i = 0; i < data->host_count; i++)
        name_set_add(arena, &known->places,
                     joined(arena, data->hosts[i].platform, data->hosts[i].environment));
    for (size_t i = 0; i < data->view_count; i++)
        name_set_add(arena, &known->views, data->views[i].name);
    for (size_t i = 0; i < data->ceiling_count; i++)
        name_set_add(arena, &known->ceilings,
                     joined(arena, data->ceilings[i].customer_key, data->ceilings[i].name));
    for (size_t i = 0; i < data->group_count; i++)
        name_set_add(arena, &known->groups,
                     joined(arena, data->groups[i].customer_key, data->groups[i].name));
    for (size_t i = 0; i < data->connection_count; i++) {
        const struct sso_connection *item = &data->connections[i];
        name_set_add(arena, &known->connections,
                     connection_key(arena, item->platform, item->environment, slug_of(arena, item)));
    }
}

static void sort_known(struct arena *arena, struct known *known)
{
    size_t seed_count;
    const struct sso_view *seed = views_seed(&seed_count);
    bool has_views = known->views.count > 0;
    for (size_t i = 0; i < seed_count && !has_views; i++)
        name_set_add(arena, &known->views, seed[i].name);
    name_set_sort(&known->places);
    name_set_sort(&known->views);
    name_set_sort(&known->ceilings);
    name_set_sort(&known->groups);
    name_set_sort(&known->connections);
    for (size_t i = 0; i < known->connections.count; i++) {
        struct str key = known->connections.items[i];
        bool is_same = i > 0 && str_equal(known->connections.items[i - 1], key); /* in the store too */
        if (!is_same && key.length > 0)
            name_set_add(arena, &known->slugs, str_slice(key, str_find(key, '\n') + 1, key.length));
    }
    name_set_sort(&known->slugs);
}

/* ---- objects ---- */

static void read_hosts(const struct reader *reader, const struct raw_list *list, struct sso_data *data)
{
    data->host_count = list->count;
    data->hosts = arena_array_of(reader->arena, list->count, struct sso_host);
    struct named *names = arena_array_of(reader->arena, list->count, struct named);
    for (size_t i = 0; i < list->count; i++) {
        const char *path = arena_printf(reader->arena, "hosts[%zu]", i);
        reader_read_object(reader, path, &host_fields, raw_item(&host_fields, list, i), STR_NONE,
                           &data->hosts[i]);
        names[i] = (struct named){data->hosts[i].name, arena_printf(reader->arena, "%s.name", path)};
    }
    reader_report_repeats(reader, names, list->count, "this host is there twice", "keep one of them");
}

static bool has_part(struct str text, struct str part)
{
    for (size_t i = 0; i + part.length <= text.length; i++)
        if (str_equal(str_slice(text, i, i + part.length), part))
            return true;
    return false;
}

static void read_views(const struct reader *reader, const struct raw_list *list, struct sso_data *data)
{
    data->view_count = list->count;
    data->views = arena_array_of(reader->arena, list->count, struct sso_view);
    struct named *names = arena_array_of(reader->arena, list->count, struct named);
    for (size_t i = 0; i < list->count; i++) {
        struct sso_view *view = &data->views[i];
        const char *path = arena_printf(reader->arena, "views[%zu]", i);
        const char *place = arena_printf(reader->arena, "%s.path", path);
        reader_read_object(reader, path, &view_fields, raw_item(&view_fields, list, i), STR_NONE, view);
        names[i] = (struct named){view->name, arena_printf(reader->arena, "%s.name", path)};
        if (!view->needs_patient && has_part(view->path, STR("{patient}")))
            reader_report(reader, place, "names {patient} in a view that has none",
                          "write needs_patient: true, or take it out of the path");
        if (!view->needs_department && has_part(view->path, STR("{department}")))
            reader_report(reader, place, "names {department} in a view that has none",
                          "write needs_department: true, or take it out of the path");
    }
    reader_report_repeats(reader, names, list->count, "this view is there twice", "keep one of them");
}

/* "code" or "code@department". */
static void read_permissions(const struct reader *reader, const char *path, const struct raw_list *list,
                             struct sso_permission_pair **out_pairs, size_t *out_count)
{
    *out_count = list->count;
    *out_pairs = arena_array_of(reader->arena, list->count, struct sso_permission_pair);
    struct named *names = arena_array_of(reader->arena, list->count, struct named);
    for (size_t i = 0; i < list->count; i++) {
        struct str text = str_from_c(((char *const *)list->items)[i]);
        size_t at = str_find(text, '@');
        struct sso_permission_pair *pair = &(*out_pairs)[i];
        *pair = (struct sso_permission_pair){
            .permission = str_slice(text, 0, at),
            .department = at < text.length ? str_slice(text, at + 1, text.length) : STR_NONE,
        };
        names[i] = (struct named){text, arena_printf(reader->arena, "%s.permissions[%zu]", path, i)};
        if (!field_is_permission(pair->permission) ||
            (at < text.length && !field_is_permission(pair->department)))
            reader_report(
                reader, names[i].path, "this is not a permission",
                "write code, or code@department, each of 1 to 64 characters out of A-Z, a-z, 0-9 and "
                ". _ : / -");
    }
    reader_report_repeats(reader, names, list->count, "is listed twice", "keep one of them");
}

static void read_ceilings(const struct reader *reader, const struct raw_list *list, struct sso_data *data)
{
    data->ceiling_count = list->count;
    data->ceilings = arena_array_of(reader->arena, list->count, struct sso_ceiling);
    struct named *names = arena_array_of(reader->arena, list->count, struct named);
    for (size_t i = 0; i < list->count; i++) {
        struct sso_ceiling *ceiling = &data->ceilings[i];
        const struct raw *raw = raw_item(&ceiling_fields, list, i);
        const char *path = arena_printf(reader->arena, "ceilings[%zu]", i);
        reader_read_object(reader, path, &ceiling_fields, raw, STR_NONE, ceiling);
        read_permissions(reader, path, raw_list(raw, 0), &ceiling->pairs, &ceiling->pair_count);
        names[i] = (struct named){joined(reader->arena, ceiling->customer_key, ceiling->name),
                                  arena_printf(reader->arena, "%s.name", path)};
    }
    reader_report_repeats(reader, names, list->count, "this customer has it twice",
                          "put them together in one");
}

static void read_groups(const struct reader *reader, const struct raw_list *list, struct sso_data *data)
{
    data->group_count = list->count;
    data->groups = arena_array_of(reader->arena, list->count, struct sso_group);
    struct named *names = arena_array_of(reader->arena, list->count, struct named);
    for (size_t i = 0; i < list->count; i++) {
        struct sso_group *group = &data->groups[i];
        const struct raw *raw = raw_item(&group_fields, list, i);
        const char *path = arena_printf(reader->arena, "security_groups[%zu]", i);
        reader_read_object(reader, path, &group_fields, raw, STR_NONE, group);
        read_permissions(reader, path, raw_list(raw, 0), &group->pairs, &group->pair_count);
        names[i] = (struct named){joined(reader->arena, group->customer_key, group->name),
                                  arena_printf(reader->arena, "%s.name", path)};
    }
    reader_report_repeats(reader, names, list->count, "this customer has it twice",
                          "put them together in one");
}

static int digit_of(char c)
{
    return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* Of text that field_is_right has seen, but for the last bits of base64url. */
static enum outcome decode_key(struct arena *arena, struct str text, struct str *out_key)
{
    if (text.length != 64)
        return codec_base64url_decode(arena, text, out_key);
    char *key = arena_alloc(arena, 32);
    for (size_t i = 0; i < 32; i++)
        key[i] = (char)(digit_of(text.data[2 * i]) << 4 | digit_of(text.data[2 * i + 1]));
    *out_key = str_of(key, 32);
    return OK;
}

static void read_patient_keys(const struct reader *reader, const char *path, const struct raw_list *list,
                              struct sso_connection *connection)
{
    struct named names[2] = {{STR_NONE, NULL}};
    connection->context_key_count = list->count;
    for (size_t i = 0; i < list->count; i++) {
        struct sso_context_key *key = &connection->context_keys[i];
        const char *place = arena_printf(reader->arena, "%s.patient_keys[%zu]", path, i);
        size_t fault_count = reader->faults->count;
        reader_read_object(reader, place, &patient_key_fields, raw_item(&patient_key_fields, list, i),
                           STR_NONE, key);
        names[i] = (struct named){key->kid, arena_printf(reader->arena, "%s.id", place)};
        struct str text = key->key;
        if (text.data != NULL && reader->faults->count == fault_count &&
            decode_key(reader->arena, text, &key->key) != OK)
            reader_report(reader, arena_printf(reader->arena, "%s.key", place), "this value is not right",
                          "write the key as its owner gave it");
    }
    reader_report_repeats(reader, names, list->count, "is listed twice", "keep one of them");
}

static void check_references(const struct reader *reader, const struct known *known, const char *path,
                             const struct sso_connection *connection)
{
    struct arena *arena = reader->arena;
    struct str place = joined(arena, connection->platform, connection->environment);
    if (place.length > 0 && !name_set_has(&known->places, place))
        reader_report(reader, arena_printf(arena, "%s.environment", path),
                      "there is no host with this platform and environment, here or in the store",
                      "describe it under hosts at the top");
    if (connection->default_view.length > 0 && !name_set_has(&known->views, connection->default_view))
        reader_report(reader, arena_printf(arena, "%s.default_view", path),
                      arena_printf(arena, "there is no view %.*s, here or in the store",
                                   STR_ARG(connection->default_view)),
                      "describe it under views at the top");
    struct str ceiling = joined(arena, connection->customer_key, connection->ceiling);
    if (ceiling.length > 0 && !name_set_has(&known->ceilings, ceiling))
        reader_report(reader, arena_printf(arena, "%s.ceiling", path),
                      "this customer has no ceiling with this name, here or in the store",
                      "describe it under ceilings at the top");
}

/* MET-2, and UIN-6: what contradicts itself would fail at each login, or do something else than it says. */
static void check_provider(const struct reader *reader, const char *path,
                           const struct sso_connection *connection)
{
    struct arena *arena = reader->arena;
    const char *fault = issuer_fault(connection->issuer, connection->tenants);
    bool has_endpoints = connection->authorization_endpoint.length > 0 &&
                         connection->token_endpoint.length > 0 && connection->jwks_uri.length > 0;
    if (fault != NULL)
        reader_report(
            reader, arena_printf(arena, "%s.tenants", path), fault,
            "write {tenantid} once in the path of issuer, and in tenants the ids of 1 to 100 tenants "
            "in small letters, with one space between; or neither of the two");
    if (issuer_is_template(connection->issuer) && connection->metadata_url.length == 0 && !has_endpoints)
        reader_report(
            reader, arena_printf(arena, "%s.metadata_url", path),
            "is needed, because the issuer holds {tenantid}",
            "for Entra ID write https://login.microsoftonline.com/organizations/v2.0" METADATA_TAIL);
    if (str_equal(connection->claims_first, STR("userinfo")) && str_equal(connection->userinfo, STR("off")))
        reader_report(reader, arena_printf(arena, "%s.claims_first", path),
                      "userinfo cannot count first, because it is never fetched",
                      "write userinfo: if_needed or always, or leave claims_first out");
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* The last name of a path or of a claim that is a URI, in small letters: samAccountName, .../claims/upn. */
static struct str last_name(struct arena *arena, struct str claim)
{
    size_t from = claim.length;
    while (from > 0 && memchr("./:", claim.data[from - 1], 3) == NULL)
        from--;
    struct str name = str_slice(claim, from, claim.length);
    char *text = arena_alloc(arena, name.length + 1);
    for (size_t i = 0; i < name.length; i++)
        text[i] = lower(name.data[i]);
    return str_of(text, name.length);
}

/* USR-2: names and mail addresses change hands, and their owners may choose them; with what people log in by
 * it is no better. */
static bool is_name_or_mail(struct arena *arena, const struct sso_connection *connection, struct str claim)
{
    static const char *const parts[] = {"mail", "login", "logon"};
    static const char *const ends[] = {"name", "naam", "upn", "alias"};
    struct str name = last_name(arena, claim);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (has_part(name, str_from_c(parts[i])))
            return true;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (str_ends_with(name, str_from_c(ends[i])))
            return true;
    return str_equal(claim, connection->name_claim) || str_equal(claim, connection->email_claim);
}

static void read_connections(const struct reader *reader, const struct raw_list *list,
                             const struct known *known, struct sso_data *data)
{
    struct arena *arena = reader->arena;
    struct named *names = arena_array_of(arena, list->count, struct named);
    for (size_t i = 0; i < list->count; i++) {
        struct sso_connection *connection = &data->connections[i];
        const struct raw *raw = raw_item(&connection_fields, list, i);
        const char *path = arena_printf(arena, "connections[%zu]", i);
        check_references(reader, known, path, connection);
        read_patient_keys(reader, path, raw_list(raw, 0), connection);
        names[i] = (struct named){
            connection_key(arena, connection->platform, connection->environment, slug_of(arena, connection)),
            arena_printf(arena, "%s.customer_key", path)};
        if (connection->is_acr_required && connection->acr_values.length == 0)
            reader_report(reader, arena_printf(arena, "%s.acr_required", path),
                          "there are no acr_values to require",
                          "write acr_values, or leave acr_required out");
        if (connection->idle_s > connection->absolute_s)
            reader_report(reader, arena_printf(arena, "%s.idle", path), "is longer than absolute",
                          "write fewer seconds");
        check_provider(reader, path, connection);
        if (connection->link_claim.length > 0 && is_name_or_mail(arena, connection, connection->link_claim))
            reader_report(reader, arena_printf(arena, "%s.link_claim", path),
                          "nobody is linked by name, login name or mail address",
                          "write a claim with a number that is one person's alone, or leave link_claim out");
        /* MET-1: either of the two may be entered. */
        if (str_ends_with(connection->issuer, STR(METADATA_TAIL)) && connection->metadata_url.length == 0) {
            connection->metadata_url = connection->issuer;
            connection->issuer.length -= sizeof METADATA_TAIL - 1;
        }
    }
    reader_report_repeats(reader, names, list->count,
                          "this platform and environment have a connection with this slug already",
                          "give each its own customer_key or provider_key");
}

/* ---- applications ---- */

static void check_application(const struct reader *reader, const struct known *known, const char *path,
                              const struct sso_application *application)
{
    struct arena *arena = reader->arena;
    struct str place = joined(arena, application->platform, application->environment);
    if (place.length > 0 && !name_set_has(&known->places, place))
        reader_report(reader, arena_printf(arena, "%s.environment", path),
                      "there is no host with this platform and environment, here or in the store",
                      "describe it under hosts at the top");
    struct str rest = application->connections.length > 0 ? application->connections : STR_NONE, slug;
    while (str_split_next(&rest, ' ', &slug)) {
        struct str key = connection_key(arena, application->platform, application->environment, slug);
        if (!str_equal(str_slice(slug, 0, str_find(slug, '_')), application->customer_key) ||
            (key.length > 0 && !name_set_has(&known->connections, key)))
            reader_report(reader, arena_printf(arena, "%s.connections", path),
                          arena_printf(arena, "this customer has no connection %.*s, here or in the store",
                                       STR_ARG(slug)),
                          "write slugs of connections of the same customer, platform and environment");
    }
}

static void read_applications(const struct reader *reader, const struct raw_list *list,
                              const struct known *known, struct sso_data *data)
{
    struct arena *arena = reader->arena;
    data->application_count = list->count;
    data->applications = arena_array_of(arena, list->count, struct sso_application);
    struct named *names = arena_array_of(arena, list->count, struct named);
    for (size_t i = 0; i < list->count; i++) {
        struct sso_application *application = &data->applications[i];
        const char *path = arena_printf(arena, "applications[%zu]", i);
        reader_read_object(reader, path, &application_fields, raw_item(&application_fields, list, i),
                           STR_NONE, application);
        check_application(reader, known, path, application);
        names[i] = (struct named){
            connection_key(arena, application->platform, application->environment, application->client_id),
            arena_printf(arena, "%s.client_id", path)};
    }
    reader_report_repeats(reader, names, list->count,
                          "this platform and environment have an application with this client_id already",
                          "give each its own client_id");
}

/* ---- mappings ---- */

static struct str customer_of(struct str slug)
{
    return str_slice(slug, 0, str_find(slug, '_'));
}

static void read_code(const struct reader *reader, const struct known *known, const char *path,
                      const struct mapping_set *set, struct mapping_code *code)
{
    bool has_group = code->group.length > 0;
    if (code->status.length == 0)
        code->status = has_group ? STR("linked") : STR("new");
    bool is_linked = str_equal(code->status, STR("linked"));
    struct str group = joined(reader->arena, customer_of(set->slug), code->group);
    if (is_linked != has_group)
        reader_report(reader, path,
                      is_linked ? "is linked without a group" : "has a group without being linked",
                      is_linked ? "write group, or another status" : "remove group, or write status: linked");
    else if (group.length > 0 && !name_set_has(&known->groups, group))
        reader_report(
            reader, arena_printf(reader->arena, "%s.group", path),
            "the customer of this connection has no security group with this name, here or in the store",
            "describe it under security_groups at the top");
}

static bool is_there_once(const struct known *known, struct str slug_key)
{
    size_t count = 0;
    for (size_t i = 0; i < known->slugs.count; i++)
        count += str_equal(known->slugs.items[i], slug_key);
    return count == 1;
}

/* Fills in the platform when it was left out and can only be one. */
static void find_connection(const struct reader *reader, const struct known *known, const char *path,
                            struct mapping_set *set)
{
    struct arena *arena = reader->arena;
    const char *place = arena_printf(arena, "%s.connection", path);
    struct str slug_key = joined(arena, set->environment, set->slug);
    if (slug_key.length == 0)
        return; /* told already */
    if (set->platform.length == 0 && name_set_has(&known->slugs, slug_key) &&
        !is_there_once(known, slug_key)) {
        reader_report(reader, place, "several platforms have this connection", "write platform too");
        return;
    }
    for (size_t i = 0; set->platform.length == 0 && i < known->connections.count; i++) {
        struct str rest = known->connections.items[i];
        struct str platform;
        if (str_split_next(&rest, '\n', &platform) && str_equal(rest, slug_key))
            set->platform = platform;
    }
    struct str key = connection_key(arena, set->platform, set->environment, set->slug);
    if (!name_set_has(&known->connections, key))
        reader_report(reader, place,
                      "there is no connection with this slug and environment, here or in the store",
                      "describe it under connections at the top");
}

static void read_mappings(const struct reader *reader, const struct raw_list *list, const struct known *known,
                          struct business_data *data)
{
    struct arena *arena = reader->arena;
    data->mapping_count = list->count;
    data->mappings = arena_array_of(arena, list->count, struct mapping_set);
    struct named *sets = arena_array_of(arena, list->count, struct named);
    for (size_t i = 0; i < list->count; i++) {
        struct mapping_set *set = &data->mappings[i];
        const struct raw *raw = raw_item(&mapping_fields, list, i);
        const struct raw_list *codes = raw_list(raw, 0);
        const char *path = arena_printf(arena, "mappings[%zu]", i);
        reader_read_object(reader, path, &mapping_fields, raw, STR_NONE, set);
        find_connection(reader, known, path, set);
        sets[i] = (struct named){connection_key(arena, set->platform, set->environment, set->slug),
                                 arena_printf(arena, "%s.connection", path)};
        set->count = codes->count;
        set->codes = arena_array_of(arena, codes->count, struct mapping_code);
        struct named *names = arena_array_of(arena, codes->count, struct named);
        for (size_t k = 0; k < codes->count; k++) {
            const char *place = arena_printf(arena, "%s.codes[%zu]", path, k);
            reader_read_object(reader, place, &mapping_code_fields, raw_item(&mapping_code_fields, codes, k),
                               STR_NONE, &set->codes[k]);
            read_code(reader, known, place, set, &set->codes[k]);
            names[k] = (struct named){set->codes[k].code, arena_printf(arena, "%s.code", place)};
        }
        reader_report_repeats(reader, names, codes->count, "this code is listed twice", "keep one of them");
    }
    reader_report_repeats(reader, sets, list->count, "this connection is listed twice",
                          "put all its codes in one");
}

void reader_read_sso(const struct reader *reader, const struct raw *file, struct business_data *data)
{
    struct arena *arena = reader->arena;
    struct sso_data *sso = &data->sso;
    read_hosts(reader, raw_list(file, SECTION_HOSTS), sso);
    read_views(reader, raw_list(file, SECTION_VIEWS), sso);
    read_ceilings(reader, raw_list(file, SECTION_CEILINGS), sso);
    read_groups(reader, raw_list(file, SECTION_GROUPS), sso);
    const struct raw_list *list = raw_list(file, SECTION_CONNECTIONS);
    sso->connection_count = list->count;
    sso->connections = arena_array_of(arena, list->count, struct sso_connection);
    for (size_t i = 0; i < list->count; i++) {
        const struct raw *raw = raw_item(&connection_fields, list, i);
        reader_read_object(reader, arena_printf(arena, "connections[%zu]", i), &connection_fields, raw,
                           str_from_c(raw_text(&connection_fields, raw, "preset")), &sso->connections[i]);
    }
    struct known known = {{0}};
    know(arena, &known, sso);
    bool is_all = reader->settings->is_pruning && catalog_has_sso_door(data);
    if (reader->settings->stored != NULL && !is_all)
        know(arena, &known, &reader->settings->stored->sso);
    sort_known(arena, &known);
    read_connections(reader, list, &known, sso);
    read_applications(reader, raw_list(file, SECTION_APPLICATIONS), &known, sso);
    read_mappings(reader, raw_list(file, SECTION_MAPPINGS), &known, data);
}
