/*
 * YAML into structs by a libcyaml schema, with the fault told as a place and a kind instead of lines on
 * standard error. Takes the text together with its index (yaml_index_parse): that is where hostile shapes
 * were refused, and libcyaml's own backtrace names a line and column but miscounts sequence entries. Any
 * thread.
 */
#ifndef CONF_YAML_LOAD_H
#define CONF_YAML_LOAD_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "conf/yaml_index.h"

#include <cyaml/cyaml.h>
#include <stdbool.h>

enum yaml_load_fault_kind {
    YAML_LOAD_VALUE,    /* the value does not fit the type */
    YAML_LOAD_KEY,      /* unknown key */
    YAML_LOAD_MISSING,  /* a required key is not there: missing_key, in the mapping that `entry` is */
    YAML_LOAD_LENGTH,   /* a text too short or too long */
    YAML_LOAD_COUNT,    /* too few or too many entries */
    YAML_LOAD_INTERNAL, /* a schema of ours is wrong, or memory ran out */
};

struct yaml_load_fault {
    enum yaml_load_fault_kind kind;
    struct yaml_entry entry; /* where; the whole file when libcyaml does not tell */
    const char *missing_key;
};

/* `schema` is a mapping with CYAML_FLAG_POINTER. On OK everything lies in the arena; *out_data is NULL for a
 * file without any known key. FAILED: the first fault. */
enum outcome yaml_load(struct arena *arena, struct str bytes, const struct yaml_entries *entries,
                       const struct cyaml_schema_value *schema, bool is_unknown_ignored, void **out_data,
                       struct yaml_load_fault *out_fault) MUST_CHECK;

/* For CYAML_ENUM | STRICT: libcyaml's own boolean takes every unknown word for true. */
extern const struct cyaml_strval yaml_booleans[2];

#endif
