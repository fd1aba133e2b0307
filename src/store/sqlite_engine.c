/*
 * The SQLite engine: one writer connection with group commit, and a pool of readers.
 *
 * Group commit: a writer joins the queue. Nobody leading: it leads, takes the whole queue, runs each work
 * under a savepoint in one transaction, commits (one fsync), hands out the outcomes and passes the lead to
 * the head of what queued up meanwhile. Leadership is the only thing held across the fsync. An outcome is
 * handed out after COMMIT returned, never before: durable before acknowledged.
 */
#include "base/log.h"
#include "store/sqlite.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BATCH_MAX 128 /* bounds how long the first of a batch waits for the last */

struct waiter {
    const char *verb;
    enum db_access access;
    store_work *work;
    void *context;
    enum outcome outcome;
    bool is_logged; /* its fault */
    bool is_leader;
    sem_t wake; /* posted once: done, or to lead */
    struct waiter *next;
};

struct engine {
    struct store_tally *tally;

    pthread_mutex_t write_lock; /* guards the queue and is_led; never held while SQLite runs */
    struct waiter *queue_head, **queue_tail;
    bool is_led;
    struct sqlite_db *writer; /* the leader's */

    pthread_mutex_t read_lock;
    pthread_cond_t reader_free;
    struct sqlite_db *free_readers;
    unsigned readers_left; /* not yet opened */
    const char *path;
    char path_storage[];
};

static void configure_library(void)
{
    /* Before the first connection: counting every allocation under a global lock serves nobody here. */
    sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static void engine_close(void *memory)
{
    struct engine *engine = memory;
    for (struct sqlite_db *reader = engine->free_readers, *next; reader != NULL; reader = next) {
        next = reader->next;
        sqlite_disconnect(&reader);
    }
    sqlite_disconnect(&engine->writer); /* the last connection out checkpoints the log */
    pthread_mutex_destroy(&engine->write_lock);
    pthread_mutex_destroy(&engine->read_lock);
    pthread_cond_destroy(&engine->reader_free);
    free(engine);
}

static enum outcome engine_open(const struct store_settings *settings, struct store_tally *tally,
                                void **out_engine, struct failure *failure)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, configure_library);
    const char *path = settings->url + strlen(sqlite_driver.scheme);
    if (path[0] == '\0')
        return failure_set(failure, "the store URL names no file");
    if (settings->must_exist && access(path, F_OK) != 0 && errno == ENOENT)
        return failure_set(failure,
                           "%s: there is no store; make it with `sluis migrate`, or correct the name", path);
    size_t size = strlen(path) + 1;
    struct engine *engine = calloc(1, sizeof *engine + size);
    if (engine == NULL)
        abort();
    memcpy(engine->path_storage, path, size);
    engine->path = engine->path_storage;
    engine->tally = tally;
    engine->queue_tail = &engine->queue_head;
    engine->readers_left = settings->connection_max;
    pthread_mutex_init(&engine->write_lock, NULL);
    pthread_mutex_init(&engine->read_lock, NULL);
    pthread_cond_init(&engine->reader_free, NULL);
    if (sqlite_connect(engine->path, true, &engine->writer, failure) != OK) {
        engine_close(engine);
        return FAILED;
    }
    *out_engine = engine;
    return OK;
}

/* ---- readers ---- */

static struct sqlite_db *take_reader(struct engine *engine, const char *verb)
{
    pthread_mutex_lock(&engine->read_lock);
    while (engine->free_readers == NULL && engine->readers_left == 0)
        pthread_cond_wait(&engine->reader_free, &engine->read_lock);
    struct sqlite_db *reader = engine->free_readers;
    if (reader != NULL)
        engine->free_readers = reader->next; /* last in, first out: its cache is the warmest */
    else
        engine->readers_left--;
    pthread_mutex_unlock(&engine->read_lock);
    struct failure failure = {""};
    if (reader == NULL && sqlite_connect(engine->path, false, &reader, &failure) != OK) {
        store_log_fault(engine->tally, verb, failure.text, NULL);
        pthread_mutex_lock(&engine->read_lock);
        engine->readers_left++;
        pthread_cond_signal(&engine->reader_free);
        pthread_mutex_unlock(&engine->read_lock);
    }
    return reader;
}

static void give_reader(struct engine *engine, struct sqlite_db *reader)
{
    pthread_mutex_lock(&engine->read_lock);
    reader->next = engine->free_readers;
    engine->free_readers = reader;
    pthread_mutex_unlock(&engine->read_lock);
    pthread_cond_signal(&engine->reader_free); /* after the lock, which who wakes up takes first */
}

static enum outcome run_read(struct engine *engine, enum db_access access, const char *verb, store_work *work,
                             void *context)
{
    struct sqlite_db *reader = take_reader(engine, verb);
    if (reader == NULL)
        return FAILED;
    db_begin_work(&reader->base, access);
    enum outcome outcome = FAILED;
    if (access == DB_READ)
        outcome = work(&reader->base, context);
    else if (sqlite_command(reader, "BEGIN") == OK)
        outcome = work(&reader->base, context);
    outcome = db_settle(&reader->base, outcome);
    if (sqlite_is_in_transaction(reader) && sqlite_command(reader, "ROLLBACK") != OK)
        outcome = FAILED;
    /* A query that was not finished would keep the write-ahead log from ever starting over. */
    assert(sqlite3_txn_state(reader->handle, NULL) == SQLITE_TXN_NONE);
    if (outcome == FAILED)
        db_log_fault(&reader->base, engine->tally, verb);
    give_reader(engine, reader);
    return outcome;
}

/* ---- the writer ---- */

static void log_member(struct engine *engine, struct waiter *member, const char *sql)
{
    struct sqlite_db *writer = engine->writer;
    if (!member->is_logged && sql == NULL)
        db_log_fault(&writer->base, engine->tally, member->verb);
    else if (!member->is_logged)
        store_log_fault(engine->tally, member->verb, writer->base.fault.text, sql);
    member->is_logged = true;
}

/* Runs one work. `is_alone`: the transaction is its own. A single statement is atomic by itself, so it needs
 * no savepoint. False when SQLite rolled back the whole transaction by itself. */
static bool run_member(struct engine *engine, struct waiter *member, bool is_alone)
{
    struct sqlite_db *writer = engine->writer;
    bool has_savepoint = !is_alone && member->access == DB_WRITE;
    db_begin_work(&writer->base, member->access);
    member->outcome = FAILED;
    if (!has_savepoint || sqlite_command(writer, "SAVEPOINT work") == OK)
        member->outcome = member->work(&writer->base, member->context);
    member->outcome = db_settle(&writer->base, member->outcome);
    if (!sqlite_is_in_transaction(writer)) {
        member->outcome = FAILED;
        log_member(engine, member, NULL);
        return false;
    }
    bool is_sound = true;
    if (member->outcome == FAILED) {
        log_member(engine, member, NULL);
        if (has_savepoint)
            is_sound = sqlite_command(writer, "ROLLBACK TO work") == OK;
        else
            is_sound = !writer->base.has_changed; /* else half a work is in the transaction */
    }
    if (is_sound && has_savepoint)
        is_sound = sqlite_command(writer, "RELEASE work") == OK;
    return is_sound;
}

/* Everybody of the batch shares its fate, those included that had not run yet. */
static void fail_batch(struct engine *engine, struct waiter *batch, const char *what)
{
    struct sqlite_db *writer = engine->writer;
    for (struct waiter *member = batch; member != NULL; member = member->next) {
        member->outcome = FAILED;
        log_member(engine, member, what);
    }
    db_begin_work(&writer->base, DB_WRITE);
    if (sqlite_is_in_transaction(writer) && sqlite_command(writer, "ROLLBACK") != OK)
        log_error("store_rollback_failed", LOG_C("reason", writer->base.fault.text));
}

static void run_batch(struct engine *engine, struct waiter *batch)
{
    struct sqlite_db *writer = engine->writer;
    bool is_alone = batch->next == NULL;
    db_begin_work(&writer->base, DB_WRITE);
    if (sqlite_command(writer, "BEGIN IMMEDIATE") != OK) {
        fail_batch(engine, batch, "BEGIN IMMEDIATE");
        return;
    }
    for (struct waiter *member = batch; member != NULL; member = member->next) {
        if (!run_member(engine, member, is_alone)) {
            fail_batch(engine, batch, "another writer of the same batch");
            return;
        }
        if (is_alone && member->outcome == FAILED) {
            fail_batch(engine, batch, NULL);
            return;
        }
    }
    db_begin_work(&writer->base, DB_WRITE);
    if (sqlite_command(writer, "COMMIT") != OK) {
        fail_batch(engine, batch, "COMMIT");
        return;
    }
    atomic_fetch_add_explicit(&engine->tally->batches, 1, memory_order_relaxed);
}

/* Takes at most BATCH_MAX off the head of the queue. Under the lock. */
static struct waiter *take_batch(struct engine *engine)
{
    struct waiter *batch = engine->queue_head, *last = batch;
    for (int count = 1; last->next != NULL && count < BATCH_MAX; count++)
        last = last->next;
    engine->queue_head = last->next;
    if (engine->queue_head == NULL)
        engine->queue_tail = &engine->queue_head;
    last->next = NULL;
    return batch;
}

/* Each waiter sleeps on a semaphore of its own and takes no lock when it wakes, so that the many of a batch
 * do not queue up a second time. A member is gone as soon as it is told; the leader's own needs no telling.
 */
static void hand_out(struct waiter *members)
{
    for (struct waiter *member = members, *next; member != NULL; member = next) {
        next = member->next;
        sem_post(&member->wake);
    }
}

static void pass_lead(struct engine *engine)
{
    pthread_mutex_lock(&engine->write_lock);
    struct waiter *next = engine->queue_head;
    if (next == NULL)
        engine->is_led = false;
    else
        next->is_leader = true;
    pthread_mutex_unlock(&engine->write_lock);
    /* It cannot be gone: nobody but itself can take it out of the queue now. */
    if (next != NULL)
        sem_post(&next->wake);
}

static enum outcome run_write(struct engine *engine, struct waiter *self)
{
    sem_init(&self->wake, 0, 0);
    pthread_mutex_lock(&engine->write_lock);
    *engine->queue_tail = self;
    engine->queue_tail = &self->next;
    bool is_first = !engine->is_led;
    engine->is_led = true;
    pthread_mutex_unlock(&engine->write_lock);
    if (!is_first)
        while (sem_wait(&self->wake) != 0 && errno == EINTR)
            ;
    if (is_first || self->is_leader) {
        pthread_mutex_lock(&engine->write_lock);
        struct waiter *batch = take_batch(engine); /* its head is this waiter */
        pthread_mutex_unlock(&engine->write_lock);
        run_batch(engine, batch);
        hand_out(batch->next);
        pass_lead(engine); /* after the rest, who then have a chance to join the next batch */
    }
    sem_destroy(&self->wake);
    return self->outcome;
}

static enum outcome engine_run(void *memory, enum db_access access, const char *verb, store_work *work,
                               void *context)
{
    struct engine *engine = memory;
    if (access == DB_READ || access == DB_SNAPSHOT)
        return run_read(engine, access, verb, work, context);
    struct waiter self = {
        .verb = verb, .access = access, .work = work, .context = context, .outcome = FAILED};
    return run_write(engine, &self);
}

/* BEGIN IMMEDIATE holds other writers, and so other migrations, off already. */
static enum outcome lock_schema(struct db *db)
{
    (void)db;
    return OK;
}

const struct driver sqlite_driver = {
    .scheme = "sqlite:",
    .blob_type = "BLOB",
    .table_exists_sql = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = $1",
    .open = engine_open,
    .close = engine_close,
    .run = engine_run,
    .query = sqlite_query,
    .bind_text = sqlite_bind_text,
    .bind_blob = sqlite_bind_blob,
    .bind_int = sqlite_bind_int,
    .bind_null = sqlite_bind_null,
    .step = sqlite_step,
    .text = sqlite_text,
    .blob = sqlite_blob,
    .integer = sqlite_integer,
    .is_null = sqlite_is_null,
    .finish = sqlite_finish,
    .run_later = sqlite_run_later,
    .script = sqlite_script,
    .lock_schema = lock_schema,
};
