#include "conf/conf.h"

#include "conf/conf_table.h"
#include "conf/file.h"
#include "conf/yaml_load.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_BYTES_MAX (256u * 1024u)
#define VALUES_MAX 2000
#define TYPE_FAULTS_MAX 50

/* What a struct conf * points to the first member of. */
struct conf_owner {
    struct conf conf;
    struct arena *arena;
    const char *file;
    struct yaml_entries entries;
    bool *skipped; /* one per row: its value could not be read */
};

static const struct conf_owner *owner_of(const struct conf *conf)
{
    return (const struct conf_owner *)conf;
}

const char *conf_file(const struct conf *conf)
{
    return owner_of(conf)->file;
}

const struct yaml_entry *conf_find(const struct conf *conf, const char *key)
{
    return yaml_index_find(&owner_of(conf)->entries, key);
}

void conf_free(struct conf **conf)
{
    if (*conf == NULL)
        return;
    struct arena *arena = owner_of(*conf)->arena; /* a copy: the owner lies in it */
    arena_free(&arena);
    *conf = NULL;
}

/* ---- unknown keys ---- */

static const char *remedy_for_unknown(struct arena *arena, const char *path)
{
    const char *nearest = NULL;
    size_t nearest_distance = 3;
    const char *dot = strrchr(path, '.');
    const char *name = dot != NULL ? dot + 1 : path;
    for (size_t i = 0; i < conf_row_count; i++) {
        const char *key = conf_rows[i].key;
        const char *key_dot = strrchr(key, '.');
        size_t distance = yaml_key_distance(path, key);
        /* The right name in the wrong section is the commonest slip. */
        if (distance >= nearest_distance && nearest == NULL &&
            strcmp(key_dot != NULL ? key_dot + 1 : key, name) == 0)
            nearest = key;
        if (distance < nearest_distance) {
            nearest = key;
            nearest_distance = distance;
        }
    }
    if (nearest == NULL)
        return "see sluis.yaml(5) for the keys there are";
    return arena_printf(arena, "did you mean %s?", nearest);
}

static bool is_known(const char *path)
{
    size_t length = strcspn(path, "[");
    for (size_t i = 0; i < conf_row_count; i++) {
        const char *key = conf_rows[i].key;
        if (strncmp(key, path, length) == 0 && (key[length] == '\0' || key[length] == '.'))
            return true;
    }
    return length == 0;
}

static void find_unknown_keys(const struct yaml_entries *entries, struct arena *arena,
                              struct yaml_faults *faults)
{
    const char *unknown = NULL; /* its children are not told apart */
    for (size_t i = 0; i < entries->count; i++) {
        const struct yaml_entry *entry = &entries->items[i];
        size_t length = unknown != NULL ? strlen(unknown) : 0;
        bool is_below = unknown != NULL && strncmp(entry->path, unknown, length) == 0 &&
                        (entry->path[length] == '.' || entry->path[length] == '[');
        if (is_below || is_known(entry->path))
            continue;
        unknown = entry->path;
        struct yaml_entry place = {.line = entry->key_line, .column = entry->key_column};
        yaml_fault_add(arena, faults, &place, entry->path, "there is no such key",
                       remedy_for_unknown(arena, entry->path));
    }
}

/* ---- loading by the schema ---- */

static const struct conf_row *row_of(const char *path)
{
    size_t length = strcspn(path, "[");
    for (size_t i = 0; i < conf_row_count; i++)
        if (strlen(conf_rows[i].key) == length && memcmp(conf_rows[i].key, path, length) == 0)
            return &conf_rows[i];
    return NULL;
}

static void report_type(struct conf_owner *owner, const struct yaml_load_fault *fault,
                        struct yaml_faults *faults)
{
    const struct yaml_entry *entry = &fault->entry;
    const struct conf_row *row = row_of(entry->path);
    const char *shown = "this value";
    if (entry->kind == YAML_KIND_SCALAR && entry->text.length > 0 && entry->text.length <= 40 &&
        str_is_printable_utf8(entry->text))
        shown = arena_printf(owner->arena, "'%.*s'", STR_ARG(entry->text));
    yaml_fault_add(
        owner->arena, faults, entry, entry->path, arena_printf(owner->arena, "%s does not fit", shown),
        row != NULL ? arena_printf(owner->arena, "write %s", conf_row_expectation(owner->arena, row))
                    : "write the keys of this section below it, indented by two spaces; see sluis.yaml(5)");
}

/* libcyaml stops at its first fault; leaving that field out and loading again brings out the next one. */
static void load_values(struct conf_owner *owner, struct str bytes, struct yaml_faults *faults)
{
    struct cyaml_schema_field *fields = conf_schema_build(owner->arena, &owner->entries);
    const struct cyaml_schema_value schema = {CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct conf, fields)};
    for (unsigned i = 0; i < TYPE_FAULTS_MAX; i++) {
        void *data;
        struct yaml_load_fault fault;
        if (yaml_load(owner->arena, bytes, &owner->entries, &schema, true, &data, &fault) == OK) {
            if (data != NULL)
                owner->conf = *(const struct conf *)data;
            return;
        }
        report_type(owner, &fault, faults);
        struct cyaml_schema_field *field = conf_schema_find(fields, fault.entry.path);
        if (field == NULL || field->value.type == CYAML_IGNORE)
            return;
        field->value.type = CYAML_IGNORE;
        size_t length = strcspn(fault.entry.path, "[");
        for (size_t row = 0; row < conf_row_count; row++)
            if (strncmp(conf_rows[row].key, fault.entry.path, length) == 0)
                owner->skipped[row] = true;
    }
}

/* ---- defaults and file names ---- */

static void *member_of(struct conf_owner *owner, const struct conf_row *row)
{
    return (char *)&owner->conf + row->offset;
}

static void set_standard(struct conf_owner *owner, const struct conf_row *row)
{
    switch (row->type) {
    case CONF_BOOL:
        *(bool *)member_of(owner, row) = strcmp(row->standard, "true") == 0;
        return;
    case CONF_INT:
        *(int64_t *)member_of(owner, row) = strtoll(row->standard, NULL, 10);
        return;
    case CONF_TEXT:
    case CONF_CHOICE:
    case CONF_ADDRESS:
    case CONF_ORIGIN:
    case CONF_FILE:
    case CONF_OUTPUT:
    case CONF_LOCATION:
    case CONF_STORE_URL:
    case CONF_HEADER:
        *(const char **)member_of(owner, row) = row->standard;
        return;
    case CONF_NETWORKS:
        return;
    }
}

static void set_standards(struct conf_owner *owner)
{
    for (size_t i = 0; i < conf_row_count; i++) {
        const struct conf_row *row = &conf_rows[i];
        const struct yaml_entry *entry = yaml_index_find(&owner->entries, row->key);
        bool is_given = entry != NULL && !owner->skipped[i] &&
                        (entry->kind != YAML_KIND_SCALAR || entry->text.length > 0);
        if (is_given)
            continue;
        bool is_text = row->type != CONF_BOOL && row->type != CONF_INT && row->type != CONF_NETWORKS;
        if (is_text)
            *(const char **)member_of(owner, row) = NULL;
        if (row->standard != NULL)
            set_standard(owner, row);
    }
    if (owner->conf.node == NULL) {
        char name[256] = "";
        (void)gethostname(name, sizeof name - 1);
        owner->conf.node = arena_strdup(owner->arena, name[0] != '\0' ? name : "sluis");
    }
}

static const char *resolve(struct conf_owner *owner, const struct conf_row *row, const char *text)
{
    struct str value = str_from_c(text);
    switch (row->type) {
    case CONF_FILE:
        return file_resolve(owner->arena, owner->file, text);
    case CONF_OUTPUT:
        return strcmp(text, "-") == 0 ? text : file_resolve(owner->arena, owner->file, text);
    case CONF_LOCATION:
        if (str_starts_with(value, STR("http://")) || str_starts_with(value, STR("https://")) ||
            str_starts_with(value, STR("file:")))
            return text;
        return file_resolve(owner->arena, owner->file, text);
    case CONF_STORE_URL:
        if (!str_starts_with(value, STR("sqlite:")))
            return text;
        return arena_printf(owner->arena, "sqlite:%s",
                            file_resolve(owner->arena, owner->file, text + STR("sqlite:").length));
    case CONF_BOOL:
    case CONF_INT:
    case CONF_TEXT:
    case CONF_CHOICE:
    case CONF_ADDRESS:
    case CONF_ORIGIN:
    case CONF_HEADER:
    case CONF_NETWORKS:
        break;
    }
    return text;
}

static void resolve_files(struct conf_owner *owner)
{
    for (size_t i = 0; i < conf_row_count; i++) {
        const struct conf_row *row = &conf_rows[i];
        if (row->type != CONF_FILE && row->type != CONF_OUTPUT && row->type != CONF_LOCATION &&
            row->type != CONF_STORE_URL)
            continue;
        const char **text = member_of(owner, row);
        if (*text != NULL)
            *text = resolve(owner, row, *text);
    }
}

/* ---- the whole ---- */

static void load(struct conf_owner *owner, struct yaml_faults *faults)
{
    struct str bytes;
    struct failure failure;
    if (file_read(owner->arena, owner->file, FILE_BYTES_MAX, &bytes, &failure) != OK) {
        const char *text = failure.text;
        size_t length = strlen(owner->file);
        if (strncmp(text, owner->file, length) == 0 && strncmp(text + length, ": ", 2) == 0)
            text += length + 2;
        yaml_fault_add(
            owner->arena, faults, NULL, "", arena_strdup(owner->arena, text),
            "name the configuration file with --config; `sluis check --sample` prints one to start from");
        return;
    }
    if (yaml_index_parse(owner->arena, bytes, VALUES_MAX, &owner->entries, faults) != OK)
        return;
    if (owner->entries.count > 0 && owner->entries.items[0].kind != YAML_KIND_MAPPING) {
        yaml_fault_add(owner->arena, faults, &owner->entries.items[0], "",
                       "this is not a mapping of keys to values",
                       "write `key: value` lines; `sluis check --sample` prints an example");
        return;
    }
    find_unknown_keys(&owner->entries, owner->arena, faults);
    load_values(owner, bytes, faults);
    set_standards(owner);
    conf_check_values(&owner->conf, &owner->entries, owner->skipped, owner->arena, faults);
    resolve_files(owner);
}

enum outcome conf_load_all(const char *path, struct arena *arena, struct conf **out_conf,
                           struct yaml_faults *out_faults)
{
    *out_conf = NULL;
    *out_faults = (struct yaml_faults){0};
    struct arena *own = arena_new();
    struct conf_owner *owner = arena_new_of(own, struct conf_owner);
    owner->arena = own;
    owner->file = arena_strdup(own, path);
    owner->skipped = arena_array_of(own, conf_row_count, bool);
    struct yaml_faults faults = {0};
    load(owner, &faults);
    if (faults.count == 0) {
        *out_conf = &owner->conf;
        return OK;
    }
    yaml_faults_sort(&faults);
    for (size_t i = 0; i < faults.count; i++) {
        const struct yaml_fault *fault = &faults.items[i];
        struct yaml_entry place = {.line = fault->line, .column = fault->column};
        yaml_fault_add(arena, out_faults, &place, fault->path, fault->text, fault->remedy);
    }
    arena_free(&own);
    return FAILED;
}

enum outcome conf_load(const char *path, struct conf **out_conf, struct failure *failure)
{
    struct arena *arena = arena_new();
    struct yaml_faults faults;
    enum outcome outcome = conf_load_all(path, arena, out_conf, &faults);
    if (outcome != OK) {
        const char *first = yaml_fault_format(arena, path, &faults.items[0]);
        if (faults.count > 1)
            (void)failure_set(failure, "%s (and %zu more: see `sluis check`)", first, faults.count - 1);
        else
            (void)failure_set(failure, "%s", first);
    }
    arena_free(&arena);
    return outcome;
}
