/*
 * The table of everything an import file can say: one row per key, from which the schema, the checks, the
 * export and the manual page sluis-import(5) come. Adding a key is adding a row, and a member in
 * store/catalog.h or store/sso_catalog.h.
 */
#ifndef CLI_CATALOG_TABLE_H
#define CLI_CATALOG_TABLE_H

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum field_kind {
    FIELD_TEXT,        /* struct str, as are all but the last four */
    FIELD_ID,          /* [a-z0-9-]{1,40} */
    FIELD_PROVIDER,    /* provider name of the MedMij lists */
    FIELD_SERVICE,     /* GegevensdienstId */
    FIELD_CHOICE,      /* one of `choices` */
    FIELD_WORDS,       /* printable ASCII, words with one space between */
    FIELD_URL,         /* https; http for localhost in development mode */
    FIELD_ISSUER,      /* such a URL, with at most one {tenantid} in it (idp/issuer.h) */
    FIELD_URLS,        /* such URLs without a fragment, with one space between */
    FIELD_COLOR,       /* #rrggbb */
    FIELD_FILE,        /* made absolute */
    FIELD_SECRET,      /* given in the file itself */
    FIELD_SECRET_FILE, /* the same member, from a file */
    FIELD_HOST,        /* host name as it is in requests: lower case, with the port when it is not standard */
    FIELD_ORIGIN,      /* URL of a host and nothing behind it */
    FIELD_CUSTOMER,    /* first half of a slug, ADR-5 */
    FIELD_SSO_PROVIDER, /* second half */
    FIELD_SLUG,         /* both, with the underscore */
    FIELD_VIEW,         /* view name */
    FIELD_VIEW_PATH,    /* path with {patient} and {department} */
    FIELD_PERMISSION,   /* permission code */
    FIELD_CLAIM_PATH,   /* CLM-1 */
    FIELD_QUERY,        /* a=b&c=d, nothing that we set ourselves (REQ-9) */
    FIELD_ADDRESSES,    /* up to five mail addresses with commas between */
    FIELD_CODE,         /* location id as it is received, CLM-4 */
    FIELD_KEY,          /* 32 bytes as base64url or hex, given in the file itself */
    FIELD_KEY_FILE,     /* the same member, from a file */
    FIELD_IMAGE,        /* struct catalog_image: a file, or a data: URL */
    FIELD_DATE,         /* int64_t, start of the day in UTC; 0 = none */
    FIELD_BOOL,         /* bool */
    FIELD_INT,          /* int64_t, min..max */
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

#define FIELDS_MAX 80
#define LISTS_MAX 12

struct field_table;

struct list_row {
    const char *key;
    const struct field_table *table; /* of its entries; NULL = texts */
    unsigned max;                    /* entries */
};

struct field_table {
    const struct field_row *rows;
    size_t count;
    const struct list_row *lists; /* below the object, apart from its rows */
    size_t list_count;
};

/* The lists at the top of the file, in the order in which they are written. */
enum section {
    SECTION_IDENTITY_PROVIDERS,
    SECTION_PROVIDERS,
    SECTION_HOSTS,
    SECTION_VIEWS,
    SECTION_CEILINGS,
    SECTION_GROUPS,
    SECTION_CONNECTIONS,
    SECTION_APPLICATIONS,
    SECTION_MAPPINGS,
    SECTION_COUNT
};

extern const struct field_table file_fields;
extern const struct field_table identity_provider_fields;
extern const struct field_table provider_fields;
extern const struct field_table service_fields;
/* catalog_sso_table.c */
extern const struct field_table host_fields;
extern const struct field_table view_fields;
extern const struct field_table ceiling_fields;
extern const struct field_table group_fields;
extern const struct field_table connection_fields;
extern const struct field_table patient_key_fields;
extern const struct field_table application_fields;
extern const struct field_table mapping_fields;
extern const struct field_table mapping_code_fields;

/* What a key of a connection with this preset (may be empty) has when it is left out; NULL = empty. Other
 * tables have no presets. */
const char *field_standard(const struct field_row *row, struct str preset);
/* One line per preset for the manual: which keys it fills with what. */
const char *field_preset_text(struct arena *arena, const char *preset);

/* Completes "write ...". */
const char *field_expectation(struct arena *arena, const struct field_row *row);

#endif
