/*
 * Business data as a YAML file, sluis-import(5): to and from the structs of the store. The file comes from an
 * administrator but is treated as hostile: capped, strict, every fault with its line. Any thread; all in the
 * arena. Fuzz target: tests/fuzz/fuzz_import.c.
 */
#ifndef CLI_CATALOG_FILE_H
#define CLI_CATALOG_FILE_H

#include "base/buf.h"
#include "cli/catalog_table.h"
#include "conf/yaml_index.h"
#include "store/catalog.h"
#include "store/sso_catalog.h"

#define CATALOG_FILE_BYTES_MAX (64u * 1024u * 1024u)

struct mapping_code { /* a row of the mapping table, as far as it travels */
    struct str code, name;
    struct str status; /* new, linked, ignored, inactive */
    struct str group;
    struct str remark;
};

/* The mapping table of one connection, or a part of it. */
struct mapping_set {
    struct str slug, platform, environment;
    struct mapping_code *codes;
    size_t count;
};

/* Everything that a file can hold. */
struct business_data {
    struct catalog_data catalog;
    struct sso_data sso;
    struct mapping_set *mappings;
    size_t mapping_count;
};

struct catalog_file_settings {
    const char *path;                   /* relative file names in it start at its directory */
    bool is_pruning;                    /* the file is all there will be of a door that it describes */
    bool is_development;                /* http for localhost */
    const struct business_data *stored; /* objects that it may refer to besides its own; NULL = none */
};

/* OK, or FAILED with every fault there is (at most 100). A secret that the file does not give has data NULL;
 * an empty one has not: the caller keeps what is stored for the first (catalog_keep_secrets). */
enum outcome catalog_file_parse(struct arena *arena, const struct catalog_file_settings *settings,
                                struct str bytes, struct business_data *out_data,
                                struct yaml_faults *out_faults) MUST_CHECK;

/* Whether the file describes anything of a door: --prune leaves the other one alone. */
bool catalog_has_patient_door(const struct business_data *data);
bool catalog_has_sso_door(const struct business_data *data); /* mappings apart */

/* A file without a secret leaves the one in the store alone: that is how an export comes back. FAILED when a
 * patient key is named that is neither given nor stored. `now` dates the secrets that are new. */
enum outcome catalog_keep_secrets(struct business_data *data, const struct business_data *stored, int64_t now,
                                  struct failure *failure) MUST_CHECK;

/* The same form back, pictures as data: URLs, defaults left out; reading it again gives the same data. */
void catalog_file_write(struct buf *buf, const struct business_data *data, bool with_secrets);

/* The objects of a section one by one, for those who compare or count them. */
size_t catalog_section_count(const struct business_data *data, enum section section);
const void *catalog_section_object(const struct business_data *data, enum section section, size_t index);
/* What tells it from the others of its section, for people: "Verpleging of zonnestraaltjes". */
const char *catalog_object_name(struct arena *arena, enum section section, const void *object);
const char *catalog_section_noun(enum section section);
void catalog_object_write(struct buf *buf, enum section section, const void *object, bool with_secrets);

/* sluis-import(5) in Markdown. */
void catalog_file_write_manual(struct buf *buf);

#endif
