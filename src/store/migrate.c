#include "store/migrate.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "store/driver.h"

#define MIGRATION_TEXT_MAX ((size_t)1 << 20)

/* ABSENT when nothing was migrated ever. */
static enum outcome read_version(struct db *db, int *out_version)
{
    *out_version = 0;
    struct db_query *query = db_query(db, db->driver->table_exists_sql);
    db_bind_c(query, 1, "schema_migration");
    enum db_step step = db_step(query);
    if (db_finish(query) != OK)
        return FAILED;
    if (step == DB_DONE)
        return ABSENT;
    query = db_query(db, "SELECT MAX(version) FROM schema_migration");
    if (db_step(query) == DB_ROW)
        *out_version = (int)db_int(query, 0);
    return db_finish(query);
}

static enum outcome version_work(struct db *db, void *context)
{
    return read_version(db, context) == FAILED ? FAILED : OK;
}

enum outcome store_schema_version(struct store *store, int *out_version, int *out_newest)
{
    *out_version = 0;
    *out_newest = migration_count;
    return store_snapshot(store, "store_schema_version", version_work, out_version);
}

struct next_step {
    struct arena *arena;
    int version; /* before, and after when applied */
    bool is_applied;
    struct failure failure;
};

static const char *with_types(struct arena *arena, const char *sql, const char *blob_type)
{
    struct buf text = buf_new(arena, MIGRATION_TEXT_MAX);
    for (const char *mark; (mark = strstr(sql, "$BLOB")) != NULL; sql = mark + strlen("$BLOB")) {
        buf_append(&text, str_of(sql, (size_t)(mark - sql)));
        buf_append_c(&text, blob_type);
    }
    buf_append_c(&text, sql);
    return text.overflowed ? NULL : buf_c(&text);
}

static enum outcome apply(struct db *db, struct next_step *step, const struct migration *migration)
{
    const char *sql = with_types(step->arena, migration->sql, db->driver->blob_type);
    if (sql == NULL)
        return failure_set(&step->failure, "%s is too large", migration->name);
    if (db->driver->script(db, sql) != OK)
        return failure_set(&step->failure, "%s: %s", migration->name, db->fault.text);
    struct db_query *query =
        db_query(db, "INSERT INTO schema_migration (version, name, applied_at) VALUES ($1, $2, $3)");
    db_bind_int(query, 1, migration->version);
    db_bind_c(query, 2, migration->name);
    db_bind_int(query, 3, clock_now());
    return db_run(query);
}

/* One migration, when one is due. Another node may have been first: the version is read under the lock. */
static enum outcome step_work(struct db *db, void *context)
{
    struct next_step *step = context;
    step->is_applied = false;
    if (db->driver->lock_schema(db) != OK ||
        db->driver->script(db, "CREATE TABLE IF NOT EXISTS schema_migration (version INTEGER PRIMARY KEY, "
                               "name TEXT NOT NULL, applied_at BIGINT NOT NULL)") != OK)
        return FAILED;
    if (read_version(db, &step->version) != OK)
        return FAILED;
    if (step->version > migration_count)
        return failure_set(&step->failure,
                           "the store has schema %d, this program knows up to %d: run a newer program",
                           step->version, migration_count);
    if (step->version == migration_count)
        return OK;
    if (apply(db, step, &migrations[step->version]) != OK)
        return FAILED;
    step->version++;
    step->is_applied = true;
    return OK;
}

enum outcome store_migrate(struct store *store, int *out_applied, struct failure *failure)
{
    *out_applied = 0;
    struct next_step step = {.arena = arena_new()};
    enum outcome outcome;
    do {
        outcome = store_write(store, "store_migrate", step_work, &step);
        if (outcome == OK && step.is_applied) {
            ++*out_applied;
            log_info("schema_migrated", LOG_INT("version", step.version));
        }
    } while (outcome == OK && step.is_applied);
    arena_free(&step.arena);
    if (outcome != OK)
        return failure_set(failure, "cannot migrate the store: %s",
                           step.failure.text[0] != '\0' ? step.failure.text : "see the log");
    return OK;
}
