/*
 * Rows of the mapping table (store/mapping.h) as an administrator brings them in (MAP-10): some dozens in a
 * transaction, so that no login waits for the whole of a large file. A failure half-way leaves what was
 * brought in until then; doing it again completes it.
 */
#ifndef STORE_MAPPING_IMPORT_H
#define STORE_MAPPING_IMPORT_H

#include "store/mapping.h"

enum mapping_import_result { MAPPING_IMPORT_UNCHANGED, MAPPING_IMPORT_ADDED, MAPPING_IMPORT_CHANGED };

struct mapping_import {
    struct str connection; /* id */
    struct str code;
    struct str name, remark; /* empty: what is there stays */
    enum mapping_status status;
    struct str group;                  /* for MAPPING_LINKED, and only then */
    enum mapping_import_result result; /* set by the verb */
};

/* Adds what is not there and changes what differs; each row that it touches is audited with it. OK or FAILED;
 * *out_done is how many rows, from the first, were gone through: with FAILED none after those was touched. A
 * row that cannot be (a group without a link) is found before the first. A dry run is one snapshot. */
enum outcome mapping_import(struct store *store, struct mapping_import *rows, size_t count, bool is_dry_run,
                            const char *actor, int64_t now, size_t *out_done) MUST_CHECK;

#endif
