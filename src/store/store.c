#include "store/store.h"

#include "base/log.h"
#include "store/driver.h"

#include <stdlib.h>
#include <string.h>

struct store {
    const struct driver *driver;
    void *engine;
    const struct vault *vault;
    char *node;
    struct store_tally tally;
};

static const struct driver *const drivers[] = {&sqlite_driver, &postgres_driver};

static const struct driver *driver_for(const char *url)
{
    for (size_t i = 0; i < sizeof drivers / sizeof *drivers; i++) {
        if (strncmp(url, drivers[i]->scheme, strlen(drivers[i]->scheme)) == 0)
            return drivers[i];
    }
    return NULL;
}

enum outcome store_open(const struct store_settings *settings, struct store **out_store,
                        struct failure *failure)
{
    *out_store = NULL;
    const struct driver *driver = settings->url != NULL ? driver_for(settings->url) : NULL;
    if (driver == NULL)
        return failure_set(failure, "the store URL must begin with sqlite: or postgresql:");
    if (settings->connection_max < 1 || settings->node == NULL || settings->vault == NULL)
        return failure_set(failure, "the store needs at least one connection, a vault and a node name");
    struct store *store = calloc(1, sizeof *store);
    if (store == NULL || (store->node = strdup(settings->node)) == NULL)
        abort();
    store->driver = driver;
    store->vault = settings->vault;
    if (driver->open(settings, &store->tally, &store->engine, failure) != OK) {
        store_close(&store);
        return FAILED;
    }
    *out_store = store;
    return OK;
}

void store_close(struct store **store)
{
    if (store == NULL || *store == NULL)
        return;
    if ((*store)->engine != NULL)
        (*store)->driver->close((*store)->engine);
    free((*store)->node);
    free(*store);
    *store = NULL;
}

const struct vault *store_vault(const struct store *store)
{
    return store->vault;
}

const char *store_node(const struct store *store)
{
    return store->node;
}

bool store_is_sqlite(const struct store *store)
{
    return store->driver == &sqlite_driver;
}

void store_read_counters(const struct store *store, struct store_counters *out_counters)
{
    const struct store_tally *tally = &store->tally;
    *out_counters = (struct store_counters){
        .reads = atomic_load_explicit(&tally->reads, memory_order_relaxed),
        .writes = atomic_load_explicit(&tally->writes, memory_order_relaxed),
        .failures = atomic_load_explicit(&tally->failures, memory_order_relaxed),
        .retries = atomic_load_explicit(&tally->retries, memory_order_relaxed),
        .batches = atomic_load_explicit(&tally->batches, memory_order_relaxed),
    };
    for (int event = 0; event < STORE_SESSION_EVENTS; event++)
        out_counters->sessions[event] = atomic_load_explicit(&tally->sessions[event], memory_order_relaxed);
}

void store_count_sessions(struct store *store, enum store_session_event event, int64_t count)
{
    atomic_fetch_add_explicit(&store->tally.sessions[event], (uint64_t)count, memory_order_relaxed);
}

static enum outcome run(struct store *store, enum db_access access, const char *verb, store_work *work,
                        void *context)
{
    bool is_read = access == DB_READ || access == DB_SNAPSHOT;
    atomic_fetch_add_explicit(is_read ? &store->tally.reads : &store->tally.writes, 1, memory_order_relaxed);
    return store->driver->run(store->engine, access, verb, work, context);
}

enum outcome store_read(struct store *store, const char *verb, store_work *work, void *context)
{
    return run(store, DB_READ, verb, work, context);
}

enum outcome store_snapshot(struct store *store, const char *verb, store_work *work, void *context)
{
    return run(store, DB_SNAPSHOT, verb, work, context);
}

enum outcome store_write(struct store *store, const char *verb, store_work *work, void *context)
{
    return run(store, DB_WRITE, verb, work, context);
}

enum outcome store_write_one(struct store *store, const char *verb, store_work *work, void *context)
{
    return run(store, DB_WRITE_ONE, verb, work, context);
}

enum outcome store_fault(struct store *store, const char *verb, const char *reason)
{
    store_log_fault(&store->tally, verb, reason, NULL);
    return FAILED;
}

static enum outcome ping_work(struct db *db, void *context)
{
    (void)context;
    struct db_query *query = db_query(db, "SELECT 1");
    bool is_there = db_step(query) == DB_ROW && db_int(query, 0) == 1;
    return db_finish(query) == OK && is_there ? OK : FAILED;
}

enum outcome store_ping(struct store *store)
{
    return store_read(store, "store_ping", ping_work, NULL);
}
