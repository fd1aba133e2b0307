#include "conf/conf_table.h"

#include "conf/yaml_load.h"

#include <string.h>

#define TEXT_MAX 200
#define FILE_MAX 1000
#define NETWORKS_MAX 64

static const struct cyaml_schema_value network = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 0, TEXT_MAX)};

static void build_leaf(struct cyaml_schema_field *field, const struct conf_row *row)
{
    struct cyaml_schema_value *value = &field->value;
    field->data_offset = (uint32_t)row->offset;
    switch (row->type) {
    case CONF_BOOL:
        *value = (struct cyaml_schema_value){
            CYAML_VALUE_ENUM(CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, bool, yaml_booleans, 2)};
        return;
    case CONF_INT:
        *value = (struct cyaml_schema_value){CYAML_VALUE_INT(CYAML_FLAG_OPTIONAL, int64_t)};
        return;
    case CONF_NETWORKS:
        *value = (struct cyaml_schema_value){CYAML_VALUE_SEQUENCE(CYAML_FLAG_OPTIONAL | CYAML_FLAG_POINTER,
                                                                  char *, &network, 0, NETWORKS_MAX)};
        field->count_offset = (uint32_t)row->count_offset;
        field->count_size = sizeof(unsigned);
        return;
    case CONF_TEXT:
    case CONF_CHOICE:
    case CONF_ADDRESS:
    case CONF_HEADER:
        *value = (struct cyaml_schema_value){
            CYAML_VALUE_STRING(CYAML_FLAG_OPTIONAL | CYAML_FLAG_POINTER, char *, 0, TEXT_MAX)};
        return;
    case CONF_ORIGIN:
    case CONF_FILE:
    case CONF_OUTPUT:
    case CONF_LOCATION:
    case CONF_STORE_URL:
        *value = (struct cyaml_schema_value){
            CYAML_VALUE_STRING(CYAML_FLAG_OPTIONAL | CYAML_FLAG_POINTER, char *, 0, FILE_MAX)};
        return;
    }
}

static bool is_empty_section(const struct yaml_entries *entries, const char *path)
{
    const struct yaml_entry *entry = yaml_index_find(entries, path);
    return entry != NULL && entry->kind == YAML_KIND_SCALAR && entry->text.length == 0;
}

static struct cyaml_schema_field *find_key(struct cyaml_schema_field *fields, const char *key, size_t length)
{
    for (; fields->key != NULL; fields++)
        if (strlen(fields->key) == length && memcmp(fields->key, key, length) == 0)
            return fields;
    return NULL;
}

/* Sections are no structs of their own: their mapping lies over the whole struct conf, at offset 0. */
static struct cyaml_schema_field *build(struct arena *arena, const struct yaml_entries *entries,
                                        const char *prefix)
{
    size_t prefix_length = strlen(prefix);
    struct cyaml_schema_field *fields = arena_array_of(arena, conf_row_count + 1, struct cyaml_schema_field);
    size_t count = 0;
    for (size_t i = 0; i < conf_row_count; i++) {
        const char *key = conf_rows[i].key + prefix_length;
        if (strncmp(conf_rows[i].key, prefix, prefix_length) != 0)
            continue;
        size_t length = strcspn(key, ".");
        if (find_key(fields, key, length) != NULL)
            continue;
        struct cyaml_schema_field *field = &fields[count++];
        field->key = arena_strndup(arena, key, length);
        if (key[length] == '\0') {
            build_leaf(field, &conf_rows[i]);
            continue;
        }
        const char *section = arena_printf(arena, "%s%s", prefix, field->key);
        const struct cyaml_schema_field *inner = build(arena, entries, arena_printf(arena, "%s.", section));
        field->value =
            (struct cyaml_schema_value){CYAML_VALUE_MAPPING(CYAML_FLAG_OPTIONAL, struct conf, inner)};
        if (is_empty_section(entries, section))
            field->value.type = CYAML_IGNORE;
    }
    return fields;
}

struct cyaml_schema_field *conf_schema_build(struct arena *arena, const struct yaml_entries *entries)
{
    return build(arena, entries, "");
}

struct cyaml_schema_field *conf_schema_find(struct cyaml_schema_field *fields, const char *path)
{
    for (;;) {
        size_t length = strcspn(path, ".[");
        struct cyaml_schema_field *field = find_key(fields, path, length);
        if (field == NULL || path[length] != '.')
            return field;
        if (field->value.type != CYAML_MAPPING)
            return NULL;
        /* Our own memory, made writable by conf_schema_build. */
        union {
            const struct cyaml_schema_field *constant;
            struct cyaml_schema_field *writable;
        } inner = {.constant = field->value.mapping.fields};
        fields = inner.writable;
        path += length + 1;
    }
}
