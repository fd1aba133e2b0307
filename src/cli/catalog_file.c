#include "cli/catalog_file.h"

#include "base/codec.h"
#include "base/vec.h"
#include "cli/catalog_table.h"
#include "cli/image.h"
#include "conf/file.h"
#include "conf/yaml_load.h"
#include "medmij/scope.h"

#include <string.h>
#include <unistd.h>

#define VALUES_MAX 500000
#define OBJECTS_MAX 10000
#define SERVICES_MAX 100
#define LOGINS_MAX 20
#define TEXT_MAX 2000
#define SECRET_MAX 1000
#define DATA_URL_MAX (IMAGE_BYTES_MAX / 3 * 4 + 100)
#define FAULTS_MAX 100

/* An object as libcyaml leaves it: one pointer per row of its table (NULL = not given) and the lists below
 * it. */
struct raw {
    void *slots[FIELDS_MAX];
    struct raw *services;
    unsigned service_count;
    char **logins;
    unsigned login_count;
};

struct raw_file {
    struct raw *identity_providers;
    unsigned identity_provider_count;
    struct raw *providers;
    unsigned provider_count;
};

struct reader {
    struct arena *arena;
    const struct catalog_file_settings *settings;
    struct yaml_entries entries;
    struct yaml_faults *faults;
};

/* ---- schema ---- */

static void build_value(struct cyaml_schema_value *value, enum field_kind kind)
{
    const unsigned flags = CYAML_FLAG_OPTIONAL | CYAML_FLAG_POINTER;
    uint32_t length_max = kind == FIELD_IMAGE ? DATA_URL_MAX : TEXT_MAX;
    if (kind == FIELD_BOOL)
        *value =
            (struct cyaml_schema_value){CYAML_VALUE_ENUM(flags | CYAML_FLAG_STRICT, bool, yaml_booleans, 2)};
    else if (kind == FIELD_INT)
        *value = (struct cyaml_schema_value){CYAML_VALUE_INT(flags, int64_t)};
    else
        *value = (struct cyaml_schema_value){CYAML_VALUE_STRING(flags, char *, 0, length_max)};
}

/* `prefix` is "" or "availability."; room for the lists of a provider behind the rows. */
static struct cyaml_schema_field *build_fields(struct arena *arena, const struct field_table *table,
                                               const char *prefix, size_t *out_count)
{
    struct cyaml_schema_field *fields = arena_array_of(arena, FIELDS_MAX + 4, struct cyaml_schema_field);
    size_t prefix_length = strlen(prefix);
    size_t count = 0;
    for (size_t i = 0; i < table->count; i++) {
        const char *key = table->rows[i].key;
        if (strncmp(key, prefix, prefix_length) != 0)
            continue;
        key += prefix_length;
        size_t length = strcspn(key, ".");
        bool is_section = key[length] == '.';
        const char *name = arena_strndup(arena, key, length);
        if (is_section && count > 0 && strcmp(fields[count - 1].key, name) == 0)
            continue;
        struct cyaml_schema_field *field = &fields[count++];
        field->key = name;
        if (is_section) {
            size_t inner_count;
            const char *inner_prefix = arena_printf(arena, "%s%s.", prefix, name);
            const struct cyaml_schema_field *inner = build_fields(arena, table, inner_prefix, &inner_count);
            field->value =
                (struct cyaml_schema_value){CYAML_VALUE_MAPPING(CYAML_FLAG_OPTIONAL, struct raw, inner)};
        } else {
            build_value(&field->value, table->rows[i].kind);
            field->data_offset = (uint32_t)(offsetof(struct raw, slots) + i * sizeof(void *));
        }
    }
    *out_count = count;
    return fields;
}

static struct cyaml_schema_value *entry_schema(struct arena *arena, const struct cyaml_schema_field *fields)
{
    struct cyaml_schema_value *entry = arena_new_of(arena, struct cyaml_schema_value);
    *entry = (struct cyaml_schema_value){CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw, fields)};
    return entry;
}

static struct cyaml_schema_value *build_schema(struct arena *arena)
{
    static const struct cyaml_schema_value login = {
        CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 0, TEXT_MAX)};
    const unsigned flags = CYAML_FLAG_OPTIONAL | CYAML_FLAG_POINTER;
    size_t count;
    const struct cyaml_schema_value *service =
        entry_schema(arena, build_fields(arena, &service_fields, "", &count));
    struct cyaml_schema_field *of_provider = build_fields(arena, &provider_fields, "", &count);
    of_provider[count++] = (struct cyaml_schema_field)CYAML_FIELD_SEQUENCE_COUNT(
        "services", flags, struct raw, services, service_count, service, 0, SERVICES_MAX);
    of_provider[count] = (struct cyaml_schema_field)CYAML_FIELD_SEQUENCE_COUNT(
        "identity_providers", flags, struct raw, logins, login_count, &login, 0, LOGINS_MAX);
    const struct cyaml_schema_value *provider = entry_schema(arena, of_provider);
    const struct cyaml_schema_value *identity_provider =
        entry_schema(arena, build_fields(arena, &identity_provider_fields, "", &count));
    struct cyaml_schema_field *top = arena_array_of(arena, 3, struct cyaml_schema_field);
    top[0] = (struct cyaml_schema_field)CYAML_FIELD_SEQUENCE_COUNT(
        "identity_providers", flags, struct raw_file, identity_providers, identity_provider_count,
        identity_provider, 0, OBJECTS_MAX);
    top[1] = (struct cyaml_schema_field)CYAML_FIELD_SEQUENCE_COUNT(
        "providers", flags, struct raw_file, providers, provider_count, provider, 0, OBJECTS_MAX);
    struct cyaml_schema_value *schema = arena_new_of(arena, struct cyaml_schema_value);
    *schema = (struct cyaml_schema_value){CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw_file, top)};
    return schema;
}

/* ---- faults ---- */

static void report(const struct reader *reader, const char *path, const char *text, const char *remedy)
{
    if (reader->faults->count >= FAULTS_MAX)
        return;
    const struct yaml_entry *entry = yaml_index_find(&reader->entries, path);
    const char *dot = strrchr(path, '.');
    if (entry == NULL && dot != NULL) /* a key that is missing: told at the object that should have it */
        entry = yaml_index_find(&reader->entries, arena_strndup(reader->arena, path, (size_t)(dot - path)));
    yaml_fault_add(reader->arena, reader->faults, entry, path, text, remedy);
}

static void report_row(const struct reader *reader, const char *path, const struct field_row *row,
                       const char *text)
{
    report(reader, path, text,
           arena_printf(reader->arena, "write %s", field_expectation(reader->arena, row)));
}

static const struct field_row *find_row(const struct field_table *table, const char *key)
{
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->rows[i].key, key) == 0)
            return &table->rows[i];
    return NULL;
}

/* Path without its indexes: "providers[3].services[0].id" becomes "providers.services.id". */
static const char *without_indexes(struct arena *arena, const char *path)
{
    char *plain = arena_strdup(arena, path);
    char *end = plain;
    for (const char *at = path; *at != '\0'; at++) {
        if (*at == '[')
            at += strcspn(at, "]");
        else
            *end++ = *at;
    }
    *end = '\0';
    return plain;
}

static const struct field_table *table_of(const char *plain, const char **out_key)
{
    static const struct {
        const char *prefix;
        const struct field_table *table;
    } places[] = {
        {"providers.services.", &service_fields},
        {"providers.", &provider_fields},
        {"identity_providers.", &identity_provider_fields},
    };
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        size_t length = strlen(places[i].prefix);
        if (strncmp(plain, places[i].prefix, length) == 0) {
            *out_key = plain + length;
            return places[i].table;
        }
    }
    return NULL;
}

static bool is_known(const char *plain)
{
    static const char *const lists[] = {"",
                                        "identity_providers",
                                        "providers",
                                        "providers.services",
                                        "providers.identity_providers",
                                        "providers.availability"};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        if (strcmp(plain, lists[i]) == 0)
            return true;
    const char *key;
    const struct field_table *table = table_of(plain, &key);
    return table != NULL && find_row(table, key) != NULL;
}

static const char *remedy_for_unknown(struct arena *arena, const char *plain)
{
    const char *key;
    const struct field_table *table = table_of(plain, &key);
    for (size_t i = 0; table != NULL && i < table->count; i++)
        if (yaml_key_distance(key, table->rows[i].key) < 3)
            return arena_printf(arena, "did you mean %s?", table->rows[i].key);
    return "see sluis-import(5) for the keys there are";
}

static void find_unknown_keys(const struct reader *reader)
{
    const char *unknown = NULL; /* what lies below it is not told apart */
    for (size_t i = 0; i < reader->entries.count && reader->faults->count < FAULTS_MAX; i++) {
        const struct yaml_entry *entry = &reader->entries.items[i];
        size_t length = unknown != NULL ? strlen(unknown) : 0;
        bool is_below = unknown != NULL && strncmp(entry->path, unknown, length) == 0 &&
                        (entry->path[length] == '.' || entry->path[length] == '[');
        const char *plain = without_indexes(reader->arena, entry->path);
        if (is_below || is_known(plain))
            continue;
        unknown = entry->path;
        struct yaml_entry place = {.line = entry->key_line, .column = entry->key_column};
        yaml_fault_add(reader->arena, reader->faults, &place, entry->path, "there is no such key",
                       remedy_for_unknown(reader->arena, plain));
    }
}

static void report_load(const struct reader *reader, const struct yaml_load_fault *fault)
{
    const struct yaml_entry *entry = &fault->entry;
    const char *key = "";
    const struct field_table *table = table_of(without_indexes(reader->arena, entry->path), &key);
    const struct field_row *row = table != NULL ? find_row(table, key) : NULL;
    const char *text = "this value does not fit";
    if (fault->kind == YAML_LOAD_LENGTH)
        text = "this text is too long";
    if (fault->kind == YAML_LOAD_COUNT)
        text = "this list has too many entries";
    yaml_fault_add(reader->arena, reader->faults, entry, entry->path, text,
                   row != NULL
                       ? arena_printf(reader->arena, "write %s", field_expectation(reader->arena, row))
                       : "write it as sluis-import(5) says: a list has a line with a dash for each entry");
}

/* ---- values ---- */

static bool is_url(const struct reader *reader, struct str text)
{
    bool is_http = str_starts_with(text, STR("http://"));
    size_t scheme = is_http ? 7 : 8;
    if ((!is_http && !str_starts_with(text, STR("https://"))) || !str_is_printable_ascii(text))
        return false;
    struct str rest = str_slice(text, scheme, text.length);
    size_t end = 0;
    while (end < rest.length && strchr("/?#", rest.data[end]) == NULL)
        end++;
    struct str authority = str_slice(rest, 0, end);
    struct str host = str_slice(authority, 0, str_find(authority, ':'));
    int64_t port = 1;
    if (host.length < authority.length &&
        (str_to_int64(str_slice(authority, host.length + 1, authority.length), &port) != OK || port < 1 ||
         port > 65535))
        return false;
    for (size_t i = 0; i < host.length; i++)
        if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-", host.data[i]) == NULL)
            return false;
    for (size_t i = 0; i < text.length; i++)
        if (strchr(" \"<>\\^`{|}", text.data[i]) != NULL)
            return false;
    bool is_local = str_equal(host, STR("localhost")) || str_ends_with(host, STR(".localhost"));
    return host.length > 0 && (!is_http || (reader->settings->is_development && is_local));
}

static bool is_choice(const char *choices, struct str text)
{
    struct str rest = str_from_c(choices);
    struct str word;
    while (str_split_next(&rest, ' ', &word))
        if (str_equal(word, text))
            return true;
    return false;
}

static bool is_word_list(struct str text)
{
    struct str rest = text;
    struct str word;
    while (str_split_next(&rest, ' ', &word))
        if (word.length == 0)
            return false;
    return str_is_printable_ascii(text);
}

static bool is_made_of(struct str text, const char *allowed)
{
    for (size_t i = 0; i < text.length; i++)
        if (text.data[i] == '\0' || strchr(allowed, text.data[i]) == NULL)
            return false;
    return true;
}

static int64_t count_characters(struct str text)
{
    int64_t count = 0;
    for (size_t i = 0; i < text.length; i++)
        count += ((unsigned char)text.data[i] & 0xC0) != 0x80;
    return count;
}

static bool is_right_text(const struct reader *reader, const struct field_row *row, struct str text)
{
    switch (row->kind) {
    case FIELD_TEXT:
        return str_is_printable_utf8(text) && count_characters(text) >= row->min &&
               count_characters(text) <= row->max;
    case FIELD_ID:
        return text.length <= 40 && is_made_of(text, "abcdefghijklmnopqrstuvwxyz0123456789-");
    case FIELD_PROVIDER:
        return medmij_is_provider_name(text);
    case FIELD_SERVICE:
        return medmij_is_service_id(text);
    case FIELD_CHOICE:
        return is_choice(row->choices, text);
    case FIELD_WORDS:
        return is_word_list(text);
    case FIELD_URL:
        return is_url(reader, text);
    case FIELD_COLOR:
        return text.length == 7 && text.data[0] == '#' &&
               is_made_of(str_slice(text, 1, 7), "0123456789abcdefABCDEF");
    case FIELD_SECRET:
        return text.length <= SECRET_MAX && str_is_printable_utf8(text);
    case FIELD_FILE:
    case FIELD_SECRET_FILE:
    case FIELD_IMAGE:
        return str_is_printable_utf8(text);
    case FIELD_BOOL:
    case FIELD_INT:
        break;
    }
    return false;
}

static const char *absolute(const struct reader *reader, const char *name)
{
    const char *path = file_resolve(reader->arena, reader->settings->path, name);
    char directory[4096];
    if (path[0] == '/' || getcwd(directory, sizeof directory) == NULL)
        return path;
    return arena_printf(reader->arena, "%s/%s", directory, path);
}

static void read_secret_file(const struct reader *reader, const char *path, const char *name,
                             struct str *out_secret)
{
    struct failure failure;
    struct str bytes;
    if (file_read(reader->arena, absolute(reader, name), SECRET_MAX + 1, &bytes, &failure) != OK) {
        report(reader, path, failure.text, "name a file that holds the secret and nothing else");
        return;
    }
    if (str_ends_with(bytes, STR("\n")))
        bytes.length--;
    if (bytes.length == 0 || !str_is_printable_utf8(bytes))
        report(reader, path, "the file holds no secret on one line", "put the secret in it and nothing else");
    *out_secret = bytes;
}

static void read_image(const struct reader *reader, const char *path, const char *value,
                       struct catalog_image *out_image)
{
    static const char remedy[] =
        "save it anew as a PNG, or as a plain SVG drawing without scripts and references";
    struct failure failure = {"not a data: URL of a PNG or SVG in base64"};
    struct str text = str_from_c(value);
    struct str bytes = STR_NONE;
    enum outcome outcome;
    if (str_starts_with(text, STR("data:"))) {
        size_t comma = str_find(text, ',');
        struct str head = str_slice(text, 0, comma);
        bool is_ours = str_equal(head, STR("data:image/png;base64")) ||
                       str_equal(head, STR("data:image/svg+xml;base64"));
        outcome = is_ours && comma < text.length
                      ? codec_base64_decode(reader->arena, str_slice(text, comma + 1, text.length), &bytes)
                      : FAILED;
    } else {
        outcome = file_read(reader->arena, absolute(reader, value), IMAGE_BYTES_MAX, &bytes, &failure);
    }
    if (outcome == OK)
        outcome = image_check(bytes, &out_image->content_type, &failure);
    if (outcome != OK)
        report(reader, path, failure.text, remedy);
    out_image->bytes = bytes;
}

static void read_text(const struct reader *reader, const char *path, const struct field_row *row,
                      const char *value, void *member)
{
    struct str text = str_from_c(value);
    if (text.length > 0 && !is_right_text(reader, row, text)) {
        report_row(reader, path, row, "this value is not right");
        return;
    }
    if (row->kind == FIELD_IMAGE && text.length > 0)
        read_image(reader, path, value, member);
    else if (row->kind == FIELD_SECRET_FILE && text.length > 0)
        read_secret_file(reader, path, value, member);
    else if (row->kind == FIELD_FILE && text.length > 0)
        *(struct str *)member = str_from_c(absolute(reader, value));
    else if (row->kind != FIELD_IMAGE)
        *(struct str *)member = text;
}

static void set_standard(const struct field_row *row, void *member)
{
    struct str text = str_from_c(row->standard);
    if (row->kind == FIELD_BOOL)
        *(bool *)member = str_equal(text, STR("true"));
    else if (row->kind != FIELD_INT)
        *(struct str *)member = text;
    else if (str_to_int64(text, member) != OK)
        *(int64_t *)member = 0;
}

static void read_int(const struct reader *reader, const char *path, const struct field_row *row,
                     int64_t value, int64_t *out_value)
{
    const struct yaml_entry *entry = yaml_index_find(&reader->entries, path);
    int64_t written;
    /* The text too: libcyaml reads 010 as eight and 0x10 as sixteen. */
    bool is_decimal = entry != NULL && str_to_int64(entry->text, &written) == OK && written == value;
    if (!is_decimal || value < row->min || value > row->max)
        report_row(reader, path, row, "this number is not right");
    *out_value = value;
}

static void read_object(const struct reader *reader, const char *path, const struct field_table *table,
                        const struct raw *raw, void *object)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct field_row *row = &table->rows[i];
        void *member = (char *)object + row->offset;
        const void *value = raw->slots[i];
        bool is_text = row->kind != FIELD_BOOL && row->kind != FIELD_INT;
        const char *place = arena_printf(reader->arena, "%s.%s", path, row->key);
        bool is_given =
            value != NULL && (!is_text || row->kind == FIELD_SECRET || *(const char *)value != '\0');
        /* color: #0b6e4f without quotes is a comment, and would be gone without a word. */
        if (value != NULL && !is_given && row->kind == FIELD_COLOR)
            report_row(reader, place, row, "is empty");
        if (!is_given && row->is_required)
            report_row(reader, place, row, "is missing");
        if (!is_given && row->standard != NULL)
            set_standard(row, member);
        if (!is_given)
            continue;
        if (row->kind == FIELD_SECRET_FILE && ((struct str *)member)->data != NULL)
            report(reader, place, "the secret is given twice",
                   "keep the file, and take the secret out of this one");
        else if (row->kind == FIELD_BOOL)
            *(bool *)member = *(const bool *)value;
        else if (row->kind == FIELD_INT)
            read_int(reader, place, row, *(const int64_t *)value, member);
        else
            read_text(reader, place, row, value, member);
    }
}

/* ---- objects ---- */

static bool has_identity_provider(const struct catalog_data *data, struct str id)
{
    for (size_t i = 0; data != NULL && i < data->identity_provider_count; i++)
        if (str_equal(data->identity_providers[i].id, id))
            return true;
    return false;
}

static void read_services(const struct reader *reader, const char *path, const struct raw *raw,
                          struct catalog_provider *provider)
{
    provider->services = arena_array_of(reader->arena, raw->service_count, struct catalog_service);
    provider->service_count = raw->service_count;
    if (raw->service_count == 0)
        report(reader, path, "has no services", "list at least one below services");
    for (size_t i = 0; i < raw->service_count; i++) {
        struct catalog_service *service = &provider->services[i];
        const char *place = arena_printf(reader->arena, "%s.services[%zu]", path, i);
        read_object(reader, place, &service_fields, &raw->services[i], service);
        bool is_subscribe = str_equal(service->function, STR("subscribe"));
        if (is_subscribe != (service->max_days > 0))
            report(reader, place, is_subscribe ? "has no max_days" : "has max_days without being subscribe",
                   is_subscribe ? "write max_days, the longest subscription" : "remove max_days");
        for (size_t j = 0; j < i; j++)
            if (str_equal(provider->services[j].id, service->id) &&
                str_equal(provider->services[j].function, service->function))
                report(reader, place, "is listed twice with the same function", "keep one of them");
    }
}

static void read_logins(const struct reader *reader, const char *path, const struct raw *raw,
                        const struct catalog_data *data, struct catalog_provider *provider)
{
    provider->identity_providers = arena_array_of(reader->arena, raw->login_count, struct str);
    provider->identity_provider_count = raw->login_count;
    if (raw->login_count == 0)
        report(reader, path, "has no identity providers", "list at least one id below identity_providers");
    for (size_t i = 0; i < raw->login_count; i++) {
        struct str id = str_from_c(raw->logins[i]);
        const char *place = arena_printf(reader->arena, "%s.identity_providers[%zu]", path, i);
        provider->identity_providers[i] = id;
        if (!has_identity_provider(data, id) && !has_identity_provider(reader->settings->stored, id))
            report(reader, place, "there is no identity provider with this id, here or in the store",
                   "describe it under identity_providers at the top");
        for (size_t j = 0; j < i; j++)
            if (str_equal(provider->identity_providers[j], id))
                report(reader, place, "is listed twice", "keep one of them");
    }
}

static void read_provider(const struct reader *reader, const char *path, const struct raw *raw,
                          const struct catalog_data *data, struct catalog_provider *provider)
{
    read_object(reader, path, &provider_fields, raw, provider);
    read_services(reader, path, raw, provider);
    read_logins(reader, path, raw, data, provider);
    bool is_asked = !str_equal(provider->availability, STR("always"));
    if (is_asked && provider->availability_url.length == 0)
        report(reader, arena_printf(reader->arena, "%s.availability", path), "has no url",
               "write where to ask, or type: always");
    if (is_asked && !provider->is_checked_at_token && !provider->is_checked_before_consent)
        report(reader, arena_printf(reader->arena, "%s.availability", path), "is never asked",
               "set before_consent or at_token, or type: always");
}

static void read_file(const struct reader *reader, const struct raw_file *raw, struct catalog_data *data)
{
    struct arena *arena = reader->arena;
    data->identity_provider_count = raw->identity_provider_count;
    data->identity_providers =
        arena_array_of(arena, raw->identity_provider_count, struct catalog_identity_provider);
    for (size_t i = 0; i < raw->identity_provider_count; i++) {
        const char *path = arena_printf(arena, "identity_providers[%zu]", i);
        struct catalog_identity_provider *object = &data->identity_providers[i];
        read_object(reader, path, &identity_provider_fields, &raw->identity_providers[i], object);
        for (size_t j = 0; j < i; j++)
            if (object->id.length > 0 && str_equal(data->identity_providers[j].id, object->id))
                report(reader, arena_printf(arena, "%s.id", path), "this id is used twice",
                       "give each its own");
        if (object->is_acr_required && object->acr_values.length == 0)
            report(reader, arena_printf(arena, "%s.acr_required", path), "there are no acr_values to require",
                   "write acr_values, or leave acr_required out");
    }
    data->provider_count = raw->provider_count;
    data->providers = arena_array_of(arena, raw->provider_count, struct catalog_provider);
    for (size_t i = 0; i < raw->provider_count; i++) {
        const char *path = arena_printf(arena, "providers[%zu]", i);
        read_provider(reader, path, &raw->providers[i], data, &data->providers[i]);
        for (size_t j = 0; j < i; j++)
            if (data->providers[i].name.length > 0 &&
                str_equal(data->providers[j].name, data->providers[i].name))
                report(reader, arena_printf(arena, "%s.name", path), "this provider is there twice",
                       "put all its services in one");
    }
}

enum outcome catalog_file_parse(struct arena *arena, const struct catalog_file_settings *settings,
                                struct str bytes, struct catalog_data *out_data,
                                struct yaml_faults *out_faults)
{
    *out_data = (struct catalog_data){0};
    *out_faults = (struct yaml_faults){0};
    struct reader reader = {.arena = arena, .settings = settings, .faults = out_faults};
    if (yaml_index_parse(arena, bytes, VALUES_MAX, &reader.entries, out_faults) != OK)
        return FAILED;
    if (reader.entries.count > 0 && reader.entries.items[0].kind != YAML_KIND_MAPPING) {
        report(&reader, "", "this is not a mapping of keys to values",
               "write identity_providers: and providers:");
        return FAILED;
    }
    find_unknown_keys(&reader);
    void *raw;
    struct yaml_load_fault fault;
    if (yaml_load(arena, bytes, &reader.entries, build_schema(arena), true, &raw, &fault) != OK)
        report_load(&reader, &fault);
    else if (raw != NULL)
        read_file(&reader, raw, out_data);
    yaml_faults_sort(out_faults);
    return out_faults->count == 0 ? OK : FAILED;
}
