#include "conf/yaml_index.h"

#include "base/vec.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define DEPTH_MAX 8
#define KEYS_MAX 128
#define KEY_LENGTH_MAX 64

/* One open mapping or sequence. */
struct level {
    bool is_sequence;
    const char *path;
    size_t next; /* index of the next entry of a sequence */
    VEC(const char *) keys;
    const char *key; /* read, its value not yet */
    yaml_mark_t key_mark;
};

struct walk {
    struct arena *arena;
    struct level *levels[DEPTH_MAX];
    size_t depth;
    size_t value_max;
    unsigned documents;
    struct yaml_entries *entries;
    struct yaml_faults *faults;
};

void yaml_fault_add(struct arena *arena, struct yaml_faults *faults, const struct yaml_entry *entry,
                    const char *path, const char *text, const char *remedy)
{
    struct yaml_fault fault = {
        .path = arena_strdup(arena, path),
        .text = arena_strdup(arena, text),
        .remedy = remedy != NULL ? arena_strdup(arena, remedy) : NULL,
    };
    if (entry != NULL) {
        fault.line = entry->line;
        fault.column = entry->column;
    }
    vec_push(arena, faults, fault);
}

const char *yaml_fault_format(struct arena *arena, const char *file, const struct yaml_fault *fault)
{
    const char *place =
        fault->line > 0 ? arena_printf(arena, "%s:%zu:%zu", file, fault->line, fault->column) : file;
    return arena_printf(arena, "%s: %s%s%s%s%s", place, fault->path, fault->path[0] != '\0' ? ": " : "",
                        fault->text, fault->remedy != NULL ? "; " : "",
                        fault->remedy != NULL ? fault->remedy : "");
}

static bool is_before(const struct yaml_fault *a, const struct yaml_fault *b)
{
    if (a->line != b->line)
        return a->line != 0 && (b->line == 0 || a->line < b->line);
    return a->column < b->column;
}

void yaml_faults_sort(struct yaml_faults *faults)
{
    for (size_t i = 1; i < faults->count; i++) {
        struct yaml_fault fault = faults->items[i];
        size_t at = i;
        for (; at > 0 && is_before(&fault, &faults->items[at - 1]); at--)
            faults->items[at] = faults->items[at - 1];
        faults->items[at] = fault;
    }
}

static enum outcome refuse(struct walk *walk, yaml_mark_t mark, const char *path, const char *text,
                           const char *remedy)
{
    struct yaml_entry here = {.line = mark.line + 1, .column = mark.column + 1};
    yaml_fault_add(walk->arena, walk->faults, &here, path, text, remedy);
    return FAILED;
}

static bool is_key(const char *text, size_t length)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    return length > 0 && length <= KEY_LENGTH_MAX && strlen(text) == length &&
           strspn(text, allowed) == length;
}

/* A dot or bracket in a key would make two different places read as one path. */
static enum outcome take_key(struct walk *walk, struct level *level, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    if (!is_key(text, event->data.scalar.length))
        return refuse(walk, event->start_mark, level->path, "a key here has characters that no key has",
                      "use the keys of the manual page");
    if (level->keys.count == KEYS_MAX)
        return refuse(walk, event->start_mark, level->path, "too many keys in one mapping", "remove some");
    const char *path = level->path[0] != '\0' ? arena_printf(walk->arena, "%s.%s", level->path, text)
                                              : arena_strdup(walk->arena, text);
    for (size_t i = 0; i < level->keys.count; i++)
        if (strcmp(level->keys.items[i], path) == 0)
            (void)refuse(walk, event->start_mark, path, "this key is given twice", "keep one of them");
    vec_push(walk->arena, &level->keys, path);
    level->key = path;
    level->key_mark = event->start_mark;
    return OK;
}

/* The path of the value that starts now; takes it off the level's expectations. */
static const char *next_path(struct walk *walk, yaml_mark_t *out_key_mark)
{
    if (walk->depth == 0)
        return "";
    struct level *level = walk->levels[walk->depth - 1];
    if (level->is_sequence)
        return arena_printf(walk->arena, "%s[%zu]", level->path, level->next++);
    const char *path = level->key;
    *out_key_mark = level->key_mark;
    level->key = NULL;
    return path;
}

static enum outcome take_value(struct walk *walk, const yaml_event_t *event, enum yaml_kind kind)
{
    struct level *level = walk->depth > 0 ? walk->levels[walk->depth - 1] : NULL;
    bool is_key_due = level != NULL && !level->is_sequence && level->key == NULL;
    if (is_key_due && kind != YAML_KIND_SCALAR)
        return refuse(walk, event->start_mark, level->path, "a key must be a plain word",
                      "write `key: value`");
    if (is_key_due)
        return take_key(walk, level, event);

    yaml_mark_t key_mark = event->start_mark;
    struct yaml_entry entry = {.path = next_path(walk, &key_mark), .kind = kind};
    entry.line = event->start_mark.line + 1;
    entry.column = event->start_mark.column + 1;
    entry.key_line = key_mark.line + 1;
    entry.key_column = key_mark.column + 1;
    if (walk->entries->count == walk->value_max)
        return refuse(walk, event->start_mark, entry.path, "the file has too many values", "split it");
    if (kind == YAML_KIND_SCALAR) {
        struct str text = str_of(event->data.scalar.value, event->data.scalar.length);
        if (memchr(text.data, 0, text.length) != NULL)
            return refuse(walk, event->start_mark, entry.path, "a NUL character in a value", "remove it");
        entry.text = str_copy(walk->arena, text);
    }
    vec_push(walk->arena, walk->entries, entry);
    if (kind == YAML_KIND_SCALAR)
        return OK;
    if (walk->depth == DEPTH_MAX)
        return refuse(walk, event->start_mark, entry.path, "nested too deep",
                      "use the keys of the manual page");
    level = arena_new_of(walk->arena, struct level);
    level->is_sequence = kind == YAML_KIND_SEQUENCE;
    level->path = entry.path;
    walk->levels[walk->depth++] = level;
    return OK;
}

static bool has_anchor_or_tag(const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return event->data.scalar.anchor != NULL || event->data.scalar.tag != NULL;
    case YAML_SEQUENCE_START_EVENT:
        return event->data.sequence_start.anchor != NULL || event->data.sequence_start.tag != NULL;
    case YAML_MAPPING_START_EVENT:
        return event->data.mapping_start.anchor != NULL || event->data.mapping_start.tag != NULL;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
    case YAML_ALIAS_EVENT:
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        break;
    }
    return false;
}

static enum outcome take_event(struct walk *walk, const yaml_event_t *event)
{
    if (has_anchor_or_tag(event))
        return refuse(walk, event->start_mark, "", "anchors (&) and tags (!) are not accepted",
                      "write the value out, in quotes when it starts with & or !");
    switch (event->type) {
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        return OK;
    case YAML_DOCUMENT_START_EVENT:
        if (walk->documents++ > 0)
            return refuse(walk, event->start_mark, "", "a second document starts here",
                          "remove the line `---`");
        return OK;
    case YAML_ALIAS_EVENT:
        return refuse(walk, event->start_mark, "", "aliases (*) are not accepted", "write the value out");
    case YAML_SCALAR_EVENT:
        return take_value(walk, event, YAML_KIND_SCALAR);
    case YAML_SEQUENCE_START_EVENT:
        return take_value(walk, event, YAML_KIND_SEQUENCE);
    case YAML_MAPPING_START_EVENT:
        return take_value(walk, event, YAML_KIND_MAPPING);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        walk->depth--;
        return OK;
    }
    return FAILED;
}

static enum outcome refuse_syntax(struct walk *walk, const yaml_parser_t *parser)
{
    bool has_mark = parser->error != YAML_READER_ERROR;
    struct yaml_entry here = {.line = parser->problem_mark.line + 1,
                              .column = parser->problem_mark.column + 1};
    yaml_fault_add(
        walk->arena, walk->faults, has_mark ? &here : NULL, "",
        arena_printf(walk->arena, "not YAML: %s", parser->problem != NULL ? parser->problem : "unreadable"),
        has_mark ? "look at the indentation, colons and quotes of this line and the one before it"
                 : "save the file as UTF-8");
    return FAILED;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp((*(const struct yaml_entry *const *)a)->path, (*(const struct yaml_entry *const *)b)->path);
}

static void sort_by_path(struct arena *arena, struct yaml_entries *entries)
{
    entries->by_path = arena_array_of(arena, entries->count, const struct yaml_entry *);
    for (size_t i = 0; i < entries->count; i++)
        entries->by_path[i] = &entries->items[i];
    if (entries->count > 0)
        qsort(entries->by_path, entries->count, sizeof *entries->by_path, compare_paths);
}

enum outcome yaml_index_parse(struct arena *arena, struct str bytes, size_t value_max,
                              struct yaml_entries *out_entries, struct yaml_faults *faults)
{
    size_t faults_before = faults->count;
    *out_entries = (struct yaml_entries){0};
    struct walk walk = {.arena = arena, .value_max = value_max, .entries = out_entries, .faults = faults};
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser)) {
        yaml_fault_add(arena, faults, NULL, "", "out of memory", NULL);
        return FAILED;
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)(bytes.data != NULL ? bytes.data : ""),
                                 bytes.length);
    bool is_done = false;
    while (!is_done) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            (void)refuse_syntax(&walk, &parser);
            break;
        }
        is_done = event.type == YAML_STREAM_END_EVENT || take_event(&walk, &event) != OK;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    if (faults->count != faults_before)
        return FAILED;
    sort_by_path(arena, out_entries);
    return OK;
}

const struct yaml_entry *yaml_index_find(const struct yaml_entries *entries, const char *path)
{
    const struct yaml_entry wanted = {.path = path};
    const struct yaml_entry *key = &wanted;
    if (entries->by_path == NULL || entries->count == 0)
        return NULL;
    const struct yaml_entry *const *found =
        bsearch(&key, entries->by_path, entries->count, sizeof *entries->by_path, compare_paths);
    return found != NULL ? *found : NULL;
}

size_t yaml_key_distance(const char *a, const char *b)
{
    size_t row[65];
    size_t b_length = strlen(b);
    if (b_length > 64 || strlen(a) > 64)
        return 64;
    for (size_t j = 0; j <= b_length; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t best = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[b_length];
}
