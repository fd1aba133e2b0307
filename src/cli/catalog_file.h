/*
 * Business data as a YAML file, sluis-import(5): to and from struct catalog_data. The file comes from an
 * administrator but is treated as hostile: capped, strict, every fault with its line. Any thread; all in the
 * arena. Fuzz target: tests/fuzz/fuzz_import.c.
 */
#ifndef CLI_CATALOG_FILE_H
#define CLI_CATALOG_FILE_H

#include "base/buf.h"
#include "conf/yaml_index.h"
#include "store/catalog.h"

#define CATALOG_FILE_BYTES_MAX (64u * 1024u * 1024u)

struct catalog_file_settings {
    const char *path;    /* relative file names in it start at its directory */
    bool is_development; /* http for localhost */
    const struct catalog_data
        *stored; /* identity providers that it may refer to besides its own; NULL = none */
};

/* OK, or FAILED with every fault there is (at most 100). A secret that the file does not give has data NULL;
 * an empty one has not: the caller keeps what is stored for the first. */
enum outcome catalog_file_parse(struct arena *arena, const struct catalog_file_settings *settings,
                                struct str bytes, struct catalog_data *out_data,
                                struct yaml_faults *out_faults) MUST_CHECK;

/* The same form back, pictures as data: URLs, defaults left out; reading it again gives the same data. */
void catalog_file_write(struct buf *buf, const struct catalog_data *data, bool with_secrets);
void catalog_file_write_identity_provider(struct buf *buf, const struct catalog_identity_provider *object,
                                          bool with_secrets);
void catalog_file_write_provider(struct buf *buf, const struct catalog_provider *object, bool with_secrets);

/* sluis-import(5) in Markdown. */
void catalog_file_write_manual(struct buf *buf);

#endif
