/*
 * Where things stand in a YAML file: every value with its path ("front.address", "providers[2].name"), line,
 * column and text. libcyaml fills structs but forgets positions; this index gives them back to checks that
 * run after it.
 *
 * The file is hostile until proven otherwise: size is the caller's to cap, depth, values and keys per mapping
 * are capped here; aliases, anchors, explicit tags, merge keys, more than one document and keys outside
 * [A-Za-z0-9_-]{1,64} are refused. Pure; any thread; all in the arena. Fuzz target: tests/fuzz/fuzz_conf.c.
 */
#ifndef CONF_YAML_INDEX_H
#define CONF_YAML_INDEX_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#include <stddef.h>

enum yaml_kind { YAML_KIND_SCALAR, YAML_KIND_MAPPING, YAML_KIND_SEQUENCE };

struct yaml_entry {
    const char *path;
    enum yaml_kind kind;
    struct str text;     /* scalars */
    size_t line, column; /* of the value, from 1 */
    size_t key_line, key_column;
};

struct yaml_entries {
    struct yaml_entry *items; /* in the order of the file */
    size_t count;
    size_t capacity;
    const struct yaml_entry **by_path; /* the same, sorted; after a parse without fault */
};

/* One thing wrong with a file, told to a person: `text` says what, `remedy` what to do. */
struct yaml_fault {
    const char *path;    /* "" when it concerns the file as a whole */
    size_t line, column; /* 0 when there is none */
    const char *text;
    const char *remedy;
};

struct yaml_faults {
    struct yaml_fault *items;
    size_t count;
    size_t capacity;
};

/* Copies the texts. */
void yaml_fault_add(struct arena *arena, struct yaml_faults *faults, const struct yaml_entry *entry,
                    const char *path, const char *text, const char *remedy);
/* In the order of the file; those without a place last. */
void yaml_faults_sort(struct yaml_faults *faults);
/* "file:3:7: front.address: text; remedy" */
const char *yaml_fault_format(struct arena *arena, const char *file, const struct yaml_fault *fault);

/* OK; FAILED when anything was added to `faults`: all repeated keys, and the first fault of any other kind.
 */
enum outcome yaml_index_parse(struct arena *arena, struct str bytes, size_t value_max,
                              struct yaml_entries *out_entries, struct yaml_faults *faults) MUST_CHECK;
/* NULL when the path is not in the file, or the parse failed. */
const struct yaml_entry *yaml_index_find(const struct yaml_entries *entries, const char *path);

/* How many letters must change to make one key of the other; for "did you mean". */
size_t yaml_key_distance(const char *a, const char *b);

#endif
