/*
 * The table of everything an import file can say: one row per key, from which the schema, the checks, the
 * export and the manual page sluis-import(5) come. Adding a key is adding a row and a member in
 * store/catalog.h.
 */
#ifndef CLI_CATALOG_TABLE_H
#define CLI_CATALOG_TABLE_H

#include "store/catalog.h"

enum field_kind {
    FIELD_TEXT,        /* struct str, as are all but the last two */
    FIELD_ID,          /* [a-z0-9-]{1,40} */
    FIELD_PROVIDER,    /* provider name of the MedMij lists */
    FIELD_SERVICE,     /* GegevensdienstId */
    FIELD_CHOICE,      /* one of `choices` */
    FIELD_WORDS,       /* printable ASCII, words with one space between */
    FIELD_URL,         /* https; http for localhost in development mode */
    FIELD_COLOR,       /* #rrggbb */
    FIELD_FILE,        /* made absolute */
    FIELD_SECRET,      /* given in the file itself */
    FIELD_SECRET_FILE, /* the same member, from a file */
    FIELD_IMAGE,       /* struct catalog_image: a file, or a data: URL */
    FIELD_BOOL,        /* bool */
    FIELD_INT,         /* int64_t, min..max */
};

struct field_row {
    const char *key; /* one dot at most: a mapping below the object */
    enum field_kind kind;
    size_t offset;
    const char *standard; /* NULL = none: empty */
    const char *choices;  /* words with a space between */
    int64_t min, max;     /* FIELD_INT; FIELD_TEXT: characters */
    bool is_required;
    const char *example; /* of keys without a default, for the manual */
    const char *text;
};

#define FIELDS_MAX 24

struct field_table {
    const struct field_row *rows;
    size_t count;
};

extern const struct field_table identity_provider_fields;
extern const struct field_table provider_fields;
extern const struct field_table service_fields;

/* Completes "write ...". */
const char *field_expectation(struct arena *arena, const struct field_row *row);

#endif
