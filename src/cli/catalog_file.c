#include "cli/catalog_file.h"

#include "cli/catalog_reader.h"

#define VALUES_MAX 500000

static bool has_identity_provider(const struct catalog_data *data, struct str id)
{
    for (size_t i = 0; data != NULL && i < data->identity_provider_count; i++)
        if (str_equal(data->identity_providers[i].id, id))
            return true;
    return false;
}

static void read_services(const struct reader *reader, const char *path, const struct raw_list *list,
                          struct catalog_provider *provider)
{
    provider->services = arena_array_of(reader->arena, list->count, struct catalog_service);
    provider->service_count = list->count;
    if (list->count == 0)
        reader_report(reader, path, "has no services", "list at least one below services");
    for (size_t i = 0; i < list->count; i++) {
        struct catalog_service *service = &provider->services[i];
        const char *place = arena_printf(reader->arena, "%s.services[%zu]", path, i);
        reader_read_object(reader, place, &service_fields, raw_item(&service_fields, list, i), STR_NONE,
                           service);
        bool is_subscribe = str_equal(service->function, STR("subscribe"));
        if (is_subscribe != (service->max_days > 0))
            reader_report(reader, place,
                          is_subscribe ? "has no max_days" : "has max_days without being subscribe",
                          is_subscribe ? "write max_days, the longest subscription" : "remove max_days");
        for (size_t j = 0; j < i; j++)
            if (str_equal(provider->services[j].id, service->id) &&
                str_equal(provider->services[j].function, service->function))
                reader_report(reader, place, "is listed twice with the same function", "keep one of them");
    }
}

static void read_logins(const struct reader *reader, const char *path, const struct raw_list *list,
                        const struct catalog_data *data, struct catalog_provider *provider)
{
    const struct catalog_data *stored = reader->settings->stored != NULL && !reader->settings->is_pruning
                                            ? &reader->settings->stored->catalog
                                            : NULL;
    provider->identity_providers = arena_array_of(reader->arena, list->count, struct str);
    provider->identity_provider_count = list->count;
    if (list->count == 0)
        reader_report(reader, path, "has no identity providers",
                      "list at least one id below identity_providers");
    for (size_t i = 0; i < list->count; i++) {
        struct str id = str_from_c(((char *const *)list->items)[i]);
        const char *place = arena_printf(reader->arena, "%s.identity_providers[%zu]", path, i);
        provider->identity_providers[i] = id;
        if (!has_identity_provider(data, id) && !has_identity_provider(stored, id))
            reader_report(reader, place, "there is no identity provider with this id, here or in the store",
                          "describe it under identity_providers at the top");
        for (size_t j = 0; j < i; j++)
            if (str_equal(provider->identity_providers[j], id))
                reader_report(reader, place, "is listed twice", "keep one of them");
    }
}

static void read_provider(const struct reader *reader, const char *path, const struct raw *raw,
                          const struct catalog_data *data, struct catalog_provider *provider)
{
    reader_read_object(reader, path, &provider_fields, raw, STR_NONE, provider);
    read_services(reader, path, raw_list(raw, 0), provider);
    read_logins(reader, path, raw_list(raw, 1), data, provider);
    bool is_asked = !str_equal(provider->availability, STR("always"));
    if (is_asked && provider->availability_url.length == 0)
        reader_report(reader, arena_printf(reader->arena, "%s.availability", path), "has no url",
                      "write where to ask, or type: always");
    if (is_asked && !provider->is_checked_at_token && !provider->is_checked_before_consent)
        reader_report(reader, arena_printf(reader->arena, "%s.availability", path), "is never asked",
                      "set before_consent or at_token, or type: always");
}

static void read_catalog(const struct reader *reader, const struct raw *file, struct catalog_data *data)
{
    struct arena *arena = reader->arena;
    const struct raw_list *list = raw_list(file, SECTION_IDENTITY_PROVIDERS);
    data->identity_provider_count = list->count;
    data->identity_providers = arena_array_of(arena, list->count, struct catalog_identity_provider);
    for (size_t i = 0; i < list->count; i++) {
        const char *path = arena_printf(arena, "identity_providers[%zu]", i);
        struct catalog_identity_provider *object = &data->identity_providers[i];
        reader_read_object(reader, path, &identity_provider_fields,
                           raw_item(&identity_provider_fields, list, i), STR_NONE, object);
        for (size_t j = 0; j < i; j++)
            if (object->id.length > 0 && str_equal(data->identity_providers[j].id, object->id))
                reader_report(reader, arena_printf(arena, "%s.id", path), "this id is used twice",
                              "give each its own");
        if (object->is_acr_required && object->acr_values.length == 0)
            reader_report(reader, arena_printf(arena, "%s.acr_required", path),
                          "there are no acr_values to require",
                          "write acr_values, or leave acr_required out");
    }
    list = raw_list(file, SECTION_PROVIDERS);
    data->provider_count = list->count;
    data->providers = arena_array_of(arena, list->count, struct catalog_provider);
    for (size_t i = 0; i < list->count; i++) {
        const char *path = arena_printf(arena, "providers[%zu]", i);
        read_provider(reader, path, raw_item(&provider_fields, list, i), data, &data->providers[i]);
        for (size_t j = 0; j < i; j++)
            if (data->providers[i].name.length > 0 &&
                str_equal(data->providers[j].name, data->providers[i].name))
                reader_report(reader, arena_printf(arena, "%s.name", path), "this provider is there twice",
                              "put all its services in one");
    }
}

enum outcome catalog_file_parse(struct arena *arena, const struct catalog_file_settings *settings,
                                struct str bytes, struct business_data *out_data,
                                struct yaml_faults *out_faults)
{
    *out_data = (struct business_data){0};
    *out_faults = (struct yaml_faults){0};
    struct reader reader = {.arena = arena, .settings = settings, .faults = out_faults};
    if (yaml_index_parse(arena, bytes, VALUES_MAX, &reader.entries, out_faults) != OK)
        return FAILED;
    if (reader.entries.count > 0 && reader.entries.items[0].kind != YAML_KIND_MAPPING) {
        reader_report(&reader, "", "this is not a mapping of keys to values",
                      "start with one of the lists of sluis-import(5)");
        return FAILED;
    }
    reader_find_unknown_keys(&reader);
    void *raw;
    struct yaml_load_fault fault;
    if (yaml_load(arena, bytes, &reader.entries, reader_schema(arena), true, &raw, &fault) != OK)
        reader_report_load(&reader, &fault);
    else if (raw != NULL) {
        read_catalog(&reader, raw, &out_data->catalog);
        reader_read_sso(&reader, raw, out_data);
    }
    yaml_faults_sort(out_faults);
    return out_faults->count == 0 ? OK : FAILED;
}
