/*
 * Business data as an administrator brings them in: of both doors and of the mapping table, all of it or
 * nothing, in one transaction with what the audit trail says of it.
 *
 * Objects named in the data are added or replaced; those not named stay, unless that door is pruned. The
 * version that servers poll (catalog_version) rises when anything of the two doors changed.
 */
#ifndef STORE_CATALOG_IMPORT_H
#define STORE_CATALOG_IMPORT_H

#include "store/catalog.h"
#include "store/mapping_import.h"
#include "store/sso_catalog.h"

struct catalog_import {
    const struct catalog_data *catalog; /* the patient's door; NULL = nothing of it */
    const struct sso_data *sso;         /* the professional's door; NULL = nothing of it */
    bool is_catalog_pruned, is_sso_pruned;
    struct mapping_import_set *mappings; /* of connections that are stored, or come along */
    size_t mapping_count;
    bool is_dry_run; /* finds out and writes nothing, in one snapshot */
    const char *actor;
    int64_t now;

    int64_t changed; /* set: how many objects of the two doors differ; each mapping tells its own result */
};

/* FAILED also when the data do not fit together or with what is stored: `failure` says why. */
enum outcome catalog_import(struct store *store, struct catalog_import *import,
                            struct failure *failure) MUST_CHECK;

#endif
