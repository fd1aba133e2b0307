/*
 * Rows of the mapping table (store/mapping.h) as an administrator brings them in (MAP-10). They are written
 * by an import (catalog_import.h), in its transaction.
 */
#ifndef STORE_MAPPING_IMPORT_H
#define STORE_MAPPING_IMPORT_H

#include "store/mapping.h"

enum mapping_import_result { MAPPING_IMPORT_UNCHANGED, MAPPING_IMPORT_ADDED, MAPPING_IMPORT_CHANGED };

struct mapping_import_row {
    struct str code;
    struct str name, remark; /* empty: what is there stays */
    enum mapping_status status;
    struct str group;                  /* for MAPPING_LINKED, and only then */
    enum mapping_import_result result; /* set by the import */
};

/* Of one connection: each code once. */
struct mapping_import_set {
    struct str platform, environment, slug;
    struct mapping_import_row *rows;
    size_t count;
};

struct mapping_import {
    struct mapping_import_set *sets;
    size_t count;
    bool is_dry_run;
    const char *actor;
    int64_t now;
};

/* Within a transaction (private to src/store): adds what is not there and changes what differs; each row that
 * is touched is audited. OK or FAILED, with the reason when it is not the store's. A connection that is not
 * there is a fault; on a dry run it is one that an import would make, and all its rows are added. */
enum outcome mapping_import_in(struct db *db, const char *node, const struct mapping_import *import,
                               struct arena *arena, struct failure *failure) MUST_CHECK;

#endif
