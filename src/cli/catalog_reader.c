#include "cli/catalog_reader.h"

#include "base/codec.h"
#include "base/vec.h"
#include "cli/catalog_value.h"
#include "cli/image.h"
#include "conf/file.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT_MAX 2000
#define DATA_URL_MAX (IMAGE_BYTES_MAX / 3 * 4 + 100)
#define FAULTS_MAX 100

/* ---- raw objects: as large as their table needs, for a file may have very many ---- */

static size_t list_offset(size_t list)
{
    return list * sizeof(struct raw_list);
}

static size_t slot_offset(const struct field_table *table, size_t slot)
{
    return list_offset(table->list_count) + slot * sizeof(void *);
}

static size_t raw_size(const struct field_table *table)
{
    return slot_offset(table, table->count);
}

static const void *const *raw_slot(const struct field_table *table, const struct raw *raw, size_t slot)
{
    return (const void *const *)(const void *)((const char *)raw + slot_offset(table, slot));
}

const struct raw_list *raw_list(const struct raw *raw, size_t list)
{
    return (const struct raw_list *)(const void *)((const char *)raw + list_offset(list));
}

const char *raw_text(const struct field_table *table, const struct raw *raw, const char *key)
{
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->rows[i].key, key) == 0)
            return *raw_slot(table, raw, i);
    return NULL;
}

const struct raw *raw_item(const struct field_table *table, const struct raw_list *list, size_t index)
{
    return (const struct raw *)(const void *)((const char *)list->items + index * raw_size(table));
}

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

static struct cyaml_schema_value mapping_value(const struct field_table *table, unsigned flags,
                                               const struct cyaml_schema_field *fields)
{
    struct cyaml_schema_value value = {CYAML_VALUE_MAPPING(flags, char, fields)};
    value.data_size = (uint32_t)raw_size(table);
    return value;
}

/* `prefix` is "" or "availability."; only an object itself has lists. */
static struct cyaml_schema_field *build_fields(struct arena *arena, const struct field_table *table,
                                               const char *prefix);

static struct cyaml_schema_value *entry_value(struct arena *arena, const struct field_table *table)
{
    struct cyaml_schema_value *entry = arena_new_of(arena, struct cyaml_schema_value);
    if (table == NULL)
        *entry = (struct cyaml_schema_value){CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 0, TEXT_MAX)};
    else
        *entry = mapping_value(table, CYAML_FLAG_DEFAULT, build_fields(arena, table, ""));
    return entry;
}

static struct cyaml_schema_field list_field(struct arena *arena, const struct list_row *list, size_t index)
{
    struct cyaml_schema_field field = {
        .key = list->key,
        .data_offset = (uint32_t)(list_offset(index) + offsetof(struct raw_list, items)),
        .count_offset = (uint32_t)(list_offset(index) + offsetof(struct raw_list, count)),
        .count_size = sizeof(unsigned),
        .value = {CYAML_VALUE_SEQUENCE(CYAML_FLAG_OPTIONAL | CYAML_FLAG_POINTER, char,
                                       entry_value(arena, list->table), 0, list->max)},
    };
    field.value.data_size = list->table != NULL ? (uint32_t)raw_size(list->table) : sizeof(char *);
    return field;
}

static struct cyaml_schema_field *build_fields(struct arena *arena, const struct field_table *table,
                                               const char *prefix)
{
    struct cyaml_schema_field *fields =
        arena_array_of(arena, table->count + table->list_count + 1, struct cyaml_schema_field);
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
            const char *inner = arena_printf(arena, "%s%s.", prefix, name);
            field->value = mapping_value(table, CYAML_FLAG_OPTIONAL, build_fields(arena, table, inner));
        } else {
            build_value(&field->value, table->rows[i].kind);
            field->data_offset = (uint32_t)slot_offset(table, i);
        }
    }
    for (size_t i = 0; prefix_length == 0 && i < table->list_count; i++)
        fields[count++] = list_field(arena, &table->lists[i], i);
    return fields;
}

struct cyaml_schema_value *reader_schema(struct arena *arena)
{
    struct cyaml_schema_value *schema = arena_new_of(arena, struct cyaml_schema_value);
    *schema = mapping_value(&file_fields, CYAML_FLAG_POINTER, build_fields(arena, &file_fields, ""));
    return schema;
}

/* ---- faults ---- */

void reader_report(const struct reader *reader, const char *path, const char *text, const char *remedy)
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
    reader_report(reader, path, text,
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

/* The table that a path without indexes ends in, with what is left of the path: the name of one of its keys,
 * or nothing for the object or list itself. NULL when it leads nowhere. */
static const struct field_table *table_of(const char *plain, const char **out_key)
{
    const struct field_table *table = &file_fields;
    *out_key = plain;
    for (size_t i = 0; table != NULL && i < table->list_count; i++) {
        const struct list_row *list = &table->lists[i];
        size_t length = strlen(list->key);
        if (strncmp(*out_key, list->key, length) != 0 ||
            ((*out_key)[length] != '.' && (*out_key)[length] != '\0'))
            continue;
        bool is_end = (*out_key)[length] == '\0';
        *out_key += is_end ? length : length + 1;
        if (is_end)
            return table;
        table = list->table;
        i = (size_t)-1; /* from the first list of that table */
    }
    return table;
}

static bool is_known(const char *plain)
{
    const char *key;
    const struct field_table *table = table_of(plain, &key);
    if (table == NULL || key[0] == '\0' || find_row(table, key) != NULL)
        return table != NULL;
    size_t length = strlen(key);
    for (size_t i = 0; i < table->count; i++) /* a mapping with rows below it */
        if (strncmp(table->rows[i].key, key, length) == 0 && table->rows[i].key[length] == '.')
            return true;
    return false;
}

static const char *remedy_for_unknown(struct arena *arena, const char *plain)
{
    const char *key;
    const struct field_table *table = table_of(plain, &key);
    for (size_t i = 0; table != NULL && i < table->count; i++)
        if (yaml_key_distance(key, table->rows[i].key) < 3)
            return arena_printf(arena, "did you mean %s?", table->rows[i].key);
    for (size_t i = 0; table != NULL && i < table->list_count; i++)
        if (yaml_key_distance(key, table->lists[i].key) < 3)
            return arena_printf(arena, "did you mean %s?", table->lists[i].key);
    return "see sluis-import(5) for the keys there are";
}

void reader_find_unknown_keys(const struct reader *reader)
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

void reader_report_load(const struct reader *reader, const struct yaml_load_fault *fault)
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

static const char *absolute(const struct reader *reader, const char *name)
{
    const char *path = file_resolve(reader->arena, reader->settings->path, name);
    char directory[4096];
    if (path[0] == '/' || getcwd(directory, sizeof directory) == NULL)
        return path;
    return arena_printf(reader->arena, "%s/%s", directory, path);
}

static void read_secret_file(const struct reader *reader, const char *path, const struct field_row *row,
                             const char *name, struct str *out_secret)
{
    struct failure failure;
    struct str bytes;
    if (file_read(reader->arena, absolute(reader, name), SECRET_MAX + 1, &bytes, &failure) != OK) {
        reader_report(reader, path, failure.text, "name a file that holds the secret and nothing else");
        return;
    }
    if (str_ends_with(bytes, STR("\n")))
        bytes.length--;
    static const struct field_row key = {.kind = FIELD_KEY};
    if (bytes.length == 0 || !str_is_printable_utf8(bytes))
        reader_report(reader, path, "the file holds no secret on one line",
                      "put the secret in it and nothing else");
    else if (row->kind == FIELD_KEY_FILE && !field_is_right(&key, bytes, false))
        reader_report(reader, path, "the file holds no key",
                      arena_printf(reader->arena, "put %s in it and nothing else",
                                   field_expectation(reader->arena, &key)));
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
        reader_report(reader, path, failure.text, remedy);
    out_image->bytes = bytes;
}

static struct str without_spaces(struct arena *arena, struct str text)
{
    char *copy = arena_alloc(arena, text.length + 1);
    size_t length = 0;
    for (size_t i = 0; i < text.length; i++)
        if (text.data[i] != ' ' && text.data[i] != '\t')
            copy[length++] = text.data[i];
    return str_of(copy, length);
}

static void read_text(const struct reader *reader, const char *path, const struct field_row *row,
                      const char *value, void *member)
{
    struct str text = str_from_c(value);
    if (text.length > 0 && !field_is_right(row, text, reader->settings->is_development)) {
        report_row(reader, path, row, "this value is not right");
        return;
    }
    bool is_plain = row->kind != FIELD_IMAGE && row->kind != FIELD_SECRET_FILE &&
                    row->kind != FIELD_KEY_FILE && row->kind != FIELD_FILE && row->kind != FIELD_ADDRESSES &&
                    row->kind != FIELD_DATE;
    if (is_plain)
        *(struct str *)member = text;
    if (is_plain || text.length == 0)
        return;
    if (row->kind == FIELD_IMAGE)
        read_image(reader, path, value, member);
    else if (row->kind == FIELD_FILE)
        *(struct str *)member = str_from_c(absolute(reader, value));
    else if (row->kind == FIELD_ADDRESSES)
        *(struct str *)member = without_spaces(reader->arena, text);
    else if (row->kind != FIELD_DATE)
        read_secret_file(reader, path, row, value, member);
    else if (!field_read_date(text, member))
        *(int64_t *)member = 0;
}

static void set_standard(const struct field_row *row, const char *standard, void *member)
{
    if (row->kind == FIELD_BOOL)
        *(bool *)member = strcmp(standard, "true") == 0;
    else if (row->kind == FIELD_INT)
        *(int64_t *)member = strtoll(standard, NULL, 10); /* of our own table */
    else
        *(struct str *)member = str_from_c(standard);
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

void reader_read_object(const struct reader *reader, const char *path, const struct field_table *table,
                        const struct raw *raw, struct str preset, void *object)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct field_row *row = &table->rows[i];
        void *member = (char *)object + row->offset;
        const void *value = *raw_slot(table, raw, i);
        bool is_text = row->kind != FIELD_BOOL && row->kind != FIELD_INT;
        const char *place = arena_printf(reader->arena, "%s.%s", path, row->key);
        const char *standard = field_standard(row, preset);
        bool is_empty = value != NULL && is_text && *(const char *)value == '\0';
        /* Where only the preset has a value, an empty text is one of its own. */
        bool is_given = value != NULL && (!is_empty || row->kind == FIELD_SECRET || row->standard == NULL);
        /* color: #0b6e4f without quotes is a comment, and would be gone without a word. */
        if (is_empty && row->kind == FIELD_COLOR)
            report_row(reader, place, row, "is empty");
        if ((value == NULL || is_empty) && row->is_required)
            report_row(reader, place, row, "is missing");
        if (!is_given && standard != NULL)
            set_standard(row, standard, member);
        if (!is_given)
            continue;
        if ((row->kind == FIELD_SECRET_FILE || row->kind == FIELD_KEY_FILE) && !is_empty &&
            ((struct str *)member)->data != NULL)
            reader_report(reader, place, "the secret is given twice",
                          "keep the file, and take the secret out of this one");
        else if (row->kind == FIELD_BOOL)
            *(bool *)member = *(const bool *)value;
        else if (row->kind == FIELD_INT)
            read_int(reader, place, row, *(const int64_t *)value, member);
        else if (row->kind != FIELD_KEY || !is_empty)
            read_text(reader, place, row, value, member);
    }
}

/* ---- names ---- */

static int compare_named(const void *a, const void *b)
{
    const struct named *one = a;
    const struct named *other = b;
    return str_compare(one->name, other->name);
}

void reader_report_repeats(const struct reader *reader, struct named *items, size_t count, const char *text,
                           const char *remedy)
{
    if (count > 1)
        qsort(items, count, sizeof *items, compare_named);
    for (size_t i = 1; i < count; i++)
        if (items[i].name.length > 0 && str_equal(items[i - 1].name, items[i].name))
            reader_report(reader, items[i].path, text, remedy);
}

void name_set_add(struct arena *arena, struct name_set *set, struct str name)
{
    vec_push(arena, set, name);
}

void name_set_sort(struct name_set *set)
{
    if (set->count > 1)
        qsort(set->items, set->count, sizeof *set->items, str_compare_items);
}

bool name_set_has(const struct name_set *set, struct str name)
{
    return set->count > 0 &&
           bsearch(&name, set->items, set->count, sizeof *set->items, str_compare_items) != NULL;
}
