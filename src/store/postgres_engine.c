/*
 * The PostgreSQL engine: a bounded pool of connections, retries, and back-off while the server is away.
 *
 * Several nodes share one database, so nothing is locked here but the pool. Verbs are free of races by
 * construction under READ COMMITTED: what must happen once is decided by a conditional UPDATE.
 */
#include "base/clock.h"
#include "base/rand.h"
#include "store/postgres.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ATTEMPTS_MAX 5
#define RETRY_STEP_MS 10
#define POOL_WAIT_MS 5000
#define BACKOFF_FIRST_MS 100
#define BACKOFF_MAX_MS 2000

struct engine {
    struct store_tally *tally;
    pthread_mutex_t lock; /* guards everything below; never held while the network is used */
    pthread_cond_t is_free;
    struct postgres_db *free_list;
    unsigned left;       /* connections that may yet be opened */
    uint64_t generation; /* raised when one is lost: the idle ones of before are suspect */
    int64_t backoff_ms;  /* 0 while the server is there */
    int64_t retry_at_ms; /* until then nobody tries to connect */
    char url[];
};

static void engine_close(void *memory)
{
    struct engine *engine = memory;
    for (struct postgres_db *db = engine->free_list, *next; db != NULL; db = next) {
        next = db->next;
        postgres_disconnect(&db);
    }
    pthread_mutex_destroy(&engine->lock);
    pthread_cond_destroy(&engine->is_free);
    free(engine);
}

static enum outcome engine_open(const struct store_settings *settings, struct store_tally *tally,
                                void **out_engine, struct failure *failure)
{
    PQconninfoOption *options = PQconninfoParse(settings->url, NULL);
    if (options == NULL) /* libpq's message could quote the password */
        return failure_set(failure, "the store URL is not a well-formed postgresql: URL");
    PQconninfoFree(options);
    size_t size = strlen(settings->url) + 1;
    struct engine *engine = calloc(1, sizeof *engine + size);
    if (engine == NULL)
        abort();
    memcpy(engine->url, settings->url, size);
    engine->tally = tally;
    engine->left = settings->connection_max;
    pthread_mutex_init(&engine->lock, NULL);
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&engine->is_free, &clock);
    pthread_condattr_destroy(&clock);
    struct postgres_db *db = NULL;
    if (postgres_connect(engine->url, &db, failure) != OK) {
        engine_close(engine);
        return FAILED;
    }
    engine->left--;
    engine->free_list = db;
    *out_engine = engine;
    return OK;
}

/* ---- the pool ---- */

/* Takes an idle connection, or the right to open one (NULL in *out_db). Says why it could not. */
static const char *claim(struct engine *engine, struct postgres_db **out_db)
{
    int64_t limit_ms = clock_monotonic_ms() + POOL_WAIT_MS;
    struct timespec limit = {.tv_sec = limit_ms / 1000, .tv_nsec = limit_ms % 1000 * 1000000};
    const char *why = NULL;
    *out_db = NULL;
    pthread_mutex_lock(&engine->lock);
    while (engine->free_list == NULL && engine->left == 0 && why == NULL) {
        if (pthread_cond_timedwait(&engine->is_free, &engine->lock, &limit) != 0)
            why = "no connection of the pool came free";
    }
    if (engine->free_list != NULL) {
        *out_db = engine->free_list;
        engine->free_list = (*out_db)->next;
        why = NULL;
    } else if (engine->left > 0) {
        int64_t now = clock_monotonic_ms();
        if (engine->backoff_ms > 0 && now < engine->retry_at_ms) {
            why = "the server is away";
        } else {
            why = NULL;
            engine->left--;
            engine->retry_at_ms = now + engine->backoff_ms; /* one tries while the server is away */
        }
    }
    pthread_mutex_unlock(&engine->lock);
    return why;
}

/* Puts back the right to open a connection. */
static void unclaim(struct engine *engine, bool has_failed)
{
    pthread_mutex_lock(&engine->lock);
    engine->left++;
    if (has_failed) {
        engine->backoff_ms = engine->backoff_ms == 0 ? BACKOFF_FIRST_MS : engine->backoff_ms * 2;
        if (engine->backoff_ms > BACKOFF_MAX_MS)
            engine->backoff_ms = BACKOFF_MAX_MS;
        engine->retry_at_ms = clock_monotonic_ms() + engine->backoff_ms;
    }
    pthread_cond_signal(&engine->is_free);
    pthread_mutex_unlock(&engine->lock);
}

static bool is_current(struct engine *engine, const struct postgres_db *db)
{
    pthread_mutex_lock(&engine->lock);
    bool is_same = db->generation == engine->generation;
    pthread_mutex_unlock(&engine->lock);
    return is_same && postgres_is_quiet(db);
}

static struct postgres_db *take(struct engine *engine, struct failure *failure)
{
    for (;;) {
        struct postgres_db *db;
        const char *why = claim(engine, &db);
        if (why != NULL) {
            failure_set(failure, "postgresql: %s", why);
            return NULL;
        }
        if (db != NULL && is_current(engine, db))
            return db;
        if (db != NULL) {
            postgres_disconnect(&db);
            unclaim(engine, false);
            continue;
        }
        if (postgres_connect(engine->url, &db, failure) != OK) {
            unclaim(engine, true);
            return NULL;
        }
        pthread_mutex_lock(&engine->lock);
        engine->backoff_ms = 0;
        db->generation = engine->generation;
        pthread_mutex_unlock(&engine->lock);
        return db;
    }
}

static void give(struct engine *engine, struct postgres_db *db)
{
    if (db->is_lost) {
        pthread_mutex_lock(&engine->lock);
        engine->generation++;
        pthread_mutex_unlock(&engine->lock);
        postgres_disconnect(&db);
        unclaim(engine, false);
        return;
    }
    pthread_mutex_lock(&engine->lock);
    db->next = engine->free_list;
    engine->free_list = db;
    pthread_mutex_unlock(&engine->lock);
    pthread_cond_signal(&engine->is_free); /* after the lock, which who wakes up takes first */
}

/* ---- running works ---- */

static const char *begin_for(enum db_access access)
{
    switch (access) {
    case DB_READ:
    case DB_WRITE_ONE:
        return NULL; /* one statement is a transaction by itself */
    case DB_SNAPSHOT:
        return "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    case DB_WRITE:
        return "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";
    }
    return NULL;
}

static enum outcome run_once(struct postgres_db *db, enum db_access access, store_work *work, void *context)
{
    db_begin_work(&db->base, access);
    postgres_begin(db, begin_for(access));
    enum outcome outcome = db_settle(&db->base, work(&db->base, context));
    if (outcome != FAILED && access == DB_WRITE)
        return postgres_commit(db) == OK ? outcome : FAILED;
    postgres_rollback(db);
    return db_settle(&db->base, outcome);
}

/* Two transactions that collided try again after pauses of different lengths. */
static void pause_before(int attempt)
{
    int64_t pause_ms = (int64_t)rand_below((uint32_t)(attempt * RETRY_STEP_MS));
    struct timespec pause = {.tv_nsec = pause_ms * 1000000};
    nanosleep(&pause, NULL);
}

static enum outcome engine_run(void *memory, enum db_access access, const char *verb, store_work *work,
                               void *context)
{
    struct engine *engine = memory;
    for (int attempt = 1;; attempt++) {
        struct failure failure = {""};
        struct postgres_db *db = take(engine, &failure);
        if (db == NULL) {
            store_log_fault(engine->tally, verb, failure.text, NULL);
            return FAILED;
        }
        enum outcome outcome = run_once(db, access, work, context);
        bool is_last = outcome != FAILED || !db->is_retryable || attempt == ATTEMPTS_MAX;
        /* A failed COMMIT has rolled back, unless it was the answer that got lost. */
        if (is_last && outcome == FAILED)
            db_log_fault(&db->base, engine->tally, verb);
        if (db->is_begun && PQtransactionStatus(db->handle) != PQTRANS_IDLE)
            db->is_lost = true; /* never hand on a connection with something open */
        give(engine, db);
        if (is_last)
            return outcome;
        atomic_fetch_add_explicit(&engine->tally->retries, 1, memory_order_relaxed);
        pause_before(attempt);
    }
}

const struct driver postgres_driver = {
    .scheme = "postgresql:",
    .blob_type = "BYTEA",
    .table_exists_sql = "SELECT 1 FROM information_schema.tables "
                        "WHERE table_schema = current_schema() AND table_name = $1",
    .open = engine_open,
    .close = engine_close,
    .run = engine_run,
    .query = postgres_query,
    .bind_text = postgres_bind_text,
    .bind_blob = postgres_bind_text,
    .bind_int = postgres_bind_int,
    .bind_null = postgres_bind_null,
    .step = postgres_step,
    .text = postgres_text,
    .blob = postgres_blob,
    .integer = postgres_integer,
    .is_null = postgres_is_null,
    .finish = postgres_finish,
    .run_later = postgres_run_later,
    .script = postgres_script,
    .lock_schema = postgres_lock_schema,
};
