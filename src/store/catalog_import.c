#include "store/catalog_import.h"

#include "store/audit.h"
#include "store/catalog_writer.h"

#include <inttypes.h>

#define STORE_FAILED "the store failed; see the log"

struct import_call {
    struct store *store;
    struct catalog_import *import;
    struct arena *arena, *scratch;
    struct failure *failure;
};

static struct catalog_change change_of(const struct import_call *call, const struct catalog_door *door,
                                       const void *data, bool is_pruning)
{
    return (struct catalog_change){
        .door = door,
        .data = data,
        .is_pruning = is_pruning,
        .is_dry_run = call->import->is_dry_run,
        .now = call->import->now,
        .vault = store_vault(call->store),
        .arena = call->arena,
        .scratch = call->scratch,
        .failure = call->failure,
    };
}

/* What cannot be is found in either door before anything of the first is written. */
static enum outcome write_doors(struct db *db, const struct import_call *call)
{
    struct catalog_import *import = call->import;
    struct catalog_change changes[2];
    size_t count = 0;
    if (import->catalog != NULL)
        changes[count++] = change_of(call, &catalog_patient_door, import->catalog, import->is_catalog_pruned);
    if (import->sso != NULL)
        changes[count++] = change_of(call, &catalog_sso_door, import->sso, import->is_sso_pruned);
    enum outcome outcome = OK;
    for (size_t i = 0; outcome == OK && i < count; i++)
        outcome = catalog_change_prepare(db, &changes[i]);
    for (size_t i = 0; outcome == OK && i < count; i++) {
        outcome = catalog_change_write(db, &changes[i]);
        import->changed += changes[i].changed;
    }
    return outcome;
}

/* The version rises and the audit trail says so. */
static enum outcome raise_version(struct db *db, const struct import_call *call)
{
    if (db_run(db_query(db, "UPDATE catalog_version SET version = version + 1 WHERE one = 1")) != OK)
        return FAILED;
    const struct catalog_import *import = call->import;
    const char *details = arena_printf(call->arena, "%" PRId64 " objects changed", import->changed);
    const struct audit_entry entry = {.at = import->now,
                                      .actor = str_from_c(import->actor),
                                      .action = STR("import"),
                                      .subject = STR("catalog"),
                                      .details = str_from_c(details)};
    return audit_append_in(db, store_node(call->store), &entry);
}

static enum outcome import_work(struct db *db, void *context)
{
    const struct import_call *call = context;
    struct catalog_import *import = call->import;
    import->changed = 0;
    failure_set(call->failure, STORE_FAILED); /* unless it turns out to be something else */
    if (!import->is_dry_run && catalog_lock(db) != OK)
        return FAILED;
    enum outcome outcome = write_doors(db, call);
    if (outcome != OK)
        return outcome;
    struct mapping_import mapping = {.sets = import->mappings,
                                     .count = import->mapping_count,
                                     .is_dry_run = import->is_dry_run,
                                     .actor = import->actor,
                                     .now = import->now};
    if (mapping_import_in(db, store_node(call->store), &mapping, call->arena, call->failure) != OK)
        return FAILED;
    return import->changed > 0 && !import->is_dry_run ? raise_version(db, call) : OK;
}

enum outcome catalog_import(struct store *store, struct catalog_import *import, struct failure *failure)
{
    struct import_call call = {
        .store = store,
        .import = import,
        .arena = arena_new(),
        .scratch = arena_new(),
        .failure = failure,
    };
    failure_set(failure, STORE_FAILED);
    enum outcome outcome = import->is_dry_run ? store_snapshot(store, "catalog_import", import_work, &call)
                                              : store_write(store, "catalog_import", import_work, &call);
    if (outcome != OK)
        import->changed = 0;
    arena_free(&call.scratch);
    arena_free(&call.arena);
    return outcome == OK ? OK : FAILED;
}
