/*
 * What the readers of an import file share: the schema made from the tables, objects read by their table, and
 * faults told with their place. For catalog_file.c and its parts only.
 */
#ifndef CLI_CATALOG_READER_H
#define CLI_CATALOG_READER_H

#include "cli/catalog_file.h"
#include "conf/yaml_load.h"

struct reader {
    struct arena *arena;
    const struct catalog_file_settings *settings;
    struct yaml_entries entries;
    struct yaml_faults *faults;
};

/* An object as libcyaml leaves it: its lists, and then one pointer per row of its table (NULL = not given).
 */
struct raw;
struct raw_list {
    void *items; /* struct raw of the list's table, or char * */
    unsigned count;
};
const struct raw_list *raw_list(const struct raw *raw, size_t list);
/* The text given for a key; NULL when there is none. */
const char *raw_text(const struct field_table *table, const struct raw *raw, const char *key);
const struct raw *raw_item(const struct field_table *table, const struct raw_list *list, size_t index);

struct cyaml_schema_value *reader_schema(struct arena *arena);

/* At the value with this path; or, for a key that is missing, at the object that should have it. */
void reader_report(const struct reader *reader, const char *path, const char *text, const char *remedy);
void reader_report_load(const struct reader *reader, const struct yaml_load_fault *fault);
void reader_find_unknown_keys(const struct reader *reader);

/* Fills the rows of an object; `preset` is that of a connection, otherwise STR_NONE. */
void reader_read_object(const struct reader *reader, const char *path, const struct field_table *table,
                        const struct raw *raw, struct str preset, void *object);

/* Names with the place where they stand, to find those that are there twice. */
struct named {
    struct str name; /* empty ones are not looked at */
    const char *path;
};
void reader_report_repeats(const struct reader *reader, struct named *items, size_t count, const char *text,
                           const char *remedy);

/* A sorted set of names, to look references up in. */
struct name_set {
    struct str *items;
    size_t count, capacity;
};
void name_set_add(struct arena *arena, struct name_set *set, struct str name);
void name_set_sort(struct name_set *set); /* after the last one was added */
bool name_set_has(const struct name_set *set, struct str name);

/* catalog_file_sso.c: the sections of the professional's door; `lists` by enum section. */
void reader_read_sso(const struct reader *reader, const struct raw *file, struct business_data *data);

#endif
