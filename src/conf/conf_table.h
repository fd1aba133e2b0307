/*
 * The table of all configuration keys. Adding a key is adding a row in conf_table.c and a member in struct
 * conf: schema, default, checks, sample file and manual page follow.
 */
#ifndef CONF_CONF_TABLE_H
#define CONF_CONF_TABLE_H

#include "base/buf.h"
#include "conf/conf.h"

#include <stddef.h>

enum conf_type {
    CONF_BOOL,      /* bool */
    CONF_INT,       /* int64_t within min..max */
    CONF_TEXT,      /* const char *, as are all that follow */
    CONF_CHOICE,    /* one of the words in `choices` */
    CONF_ADDRESS,   /* listening address */
    CONF_ORIGIN,    /* public URL without path */
    CONF_FILE,      /* file or directory; relative to the configuration file */
    CONF_OUTPUT,    /* file to write, or "-" */
    CONF_LOCATION,  /* https URL or file */
    CONF_STORE_URL, /* sqlite:FILE or postgresql://... */
    CONF_HEADER,    /* HTTP header name */
    CONF_NETWORKS,  /* list of addresses and CIDR blocks: const char ** with its count */
};

struct conf_row {
    const char *key; /* path with dots */
    enum conf_type type;
    size_t offset;
    size_t count_offset;        /* CONF_NETWORKS */
    const char *standard;       /* the default as it would be written; NULL = none */
    const char *standard_shown; /* in the manual, when the default differs from build to build */
    const char *example;        /* for the sample when there is no default */
    const char *unit;
    const char *choices; /* CONF_CHOICE: words with a space between */
    int64_t min, max;    /* CONF_INT */
    bool is_required;
    bool is_development_only;
    bool is_port_allowed; /* CONF_ORIGIN, outside development mode too */
    const char *text;
};

struct conf_section {
    const char *key;
    const char *text;
};

extern const struct conf_row conf_rows[];
extern const size_t conf_row_count;
/* Text of a mapping that holds rows ("front"); NULL when there is none. */
const char *conf_section_text(const char *key);

/* "a whole number from 1 to 256", "true or false": completes "write ...". */
const char *conf_row_expectation(struct arena *arena, const struct conf_row *row);

/* The schema in libcyaml's terms, built from the rows: one mapping per section, all of them over struct conf.
 * Empty sections (`front:` and nothing below) are left out. Change `type` of a field to CYAML_IGNORE to load
 * without it. */
struct cyaml_schema_field;
struct cyaml_schema_field *conf_schema_build(struct arena *arena, const struct yaml_entries *entries);
/* NULL when no field has this path; "proxies.trusted[1]" finds proxies.trusted. */
struct cyaml_schema_field *conf_schema_find(struct cyaml_schema_field *fields, const char *path);

/* Checks of values, after loading: each row's own, then those between rows. `skipped` has one flag per row:
 * its value could not be read and has been reported. */
void conf_check_values(struct conf *conf, const struct yaml_entries *entries, const bool *skipped,
                       struct arena *arena, struct yaml_faults *faults);

/* The commented sample file, and sluis.yaml(5) in Markdown. */
void conf_write_sample(struct buf *buf);
void conf_write_manual(struct buf *buf);

#endif
