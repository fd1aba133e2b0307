#include "sso/log_writer.h"

#include "base/clock.h"
#include "base/log.h"

#include <pthread.h>
#include <stdlib.h>

#define STOP_WAIT_MS 5000
#define BATCH_MAX 64 /* entries in one transaction: one commit, which is most of what a write costs */

struct queued {
    struct arena *arena;
    struct exchange_entry entry;
};

struct log_writer {
    struct store *store;
    pthread_t thread;
    pthread_mutex_t lock; /* guards everything below; never held while the store is called */
    pthread_cond_t changed;
    struct queued *queue[LOG_WRITER_QUEUE_MAX];
    size_t first, count;
    bool is_stopping;
    int64_t stop_by_ms;
    uint64_t written, lost;
};

static struct queued *copy_entry(const struct exchange_entry *entry)
{
    struct queued *copy = calloc(1, sizeof *copy);
    if (copy == NULL)
        abort();
    copy->arena = arena_new();
    copy->entry = *entry;
    struct str *texts[] = {
        &copy->entry.reference,   &copy->entry.connection, &copy->entry.slug,  &copy->entry.customer_key,
        &copy->entry.environment, &copy->entry.result,     &copy->entry.cause, &copy->entry.user_id,
        &copy->entry.user_name,   &copy->entry.steps,
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = str_copy(copy->arena, *texts[i]);
    struct str *ids = arena_array_of(copy->arena, entry->location_count, struct str);
    for (size_t i = 0; i < entry->location_count; i++)
        ids[i] = str_copy(copy->arena, entry->location_ids[i]);
    copy->entry.location_ids = ids;
    return copy;
}

static void queued_free(struct queued *queued)
{
    arena_free(&queued->arena);
    free(queued);
}

static void tell_loss(const struct exchange_entry *entry, const char *cause)
{
    log_error("sso_log_lost", LOG_STR("reference", entry->reference), LOG_INT("code", entry->code),
              LOG_C("cause", cause));
}

/* The whole batch at once; false when the store did not take it. A login that ended soon has its first,
 * partial entry in the same batch as the last: only the last is worth writing. */
static bool write_together(struct log_writer *writer, struct queued *const *batch, size_t count,
                           bool *out_written)
{
    const struct exchange_entry *entries[BATCH_MAX];
    size_t places[BATCH_MAX], kept = 0;
    bool is_foreign[BATCH_MAX];
    for (size_t i = 0; i < count; i++) {
        bool is_superseded = false;
        for (size_t j = i + 1; j < count && !is_superseded; j++)
            is_superseded = exchange_entry_is_same(&batch[i]->entry, &batch[j]->entry);
        out_written[i] = true;
        if (is_superseded)
            continue;
        places[kept] = i;
        entries[kept++] = &batch[i]->entry;
    }
    if (exchange_log_write_all(writer->store, entries, kept, is_foreign) != OK)
        return false;
    for (size_t i = 0; i < kept; i++)
        out_written[places[i]] = !is_foreign[i];
    return true;
}

static bool is_too_late(struct log_writer *writer)
{
    pthread_mutex_lock(&writer->lock);
    bool is_late = writer->is_stopping && clock_monotonic_ms() > writer->stop_by_ms;
    pthread_mutex_unlock(&writer->lock);
    return is_late;
}

/* One by one when they do not go together, so that one that the store refuses takes no other with it. */
static size_t write_batch(struct log_writer *writer, struct queued *const *batch, size_t count)
{
    bool is_written[BATCH_MAX];
    size_t written = 0;
    bool is_done = count > 1 && write_together(writer, batch, count, is_written);
    for (size_t i = 0; i < count; i++) {
        bool is_late = !is_done && is_too_late(writer);
        if (!is_done)
            is_written[i] = !is_late && exchange_log_write(writer->store, &batch[i]->entry) == OK;
        if (!is_written[i])
            tell_loss(&batch[i]->entry, is_late ? "the server stopped" : "the store refused");
        written += is_written[i];
    }
    return written;
}

static void *run(void *context)
{
    struct log_writer *writer = context;
    pthread_mutex_lock(&writer->lock);
    for (;;) {
        while (writer->count == 0 && !writer->is_stopping)
            pthread_cond_wait(&writer->changed, &writer->lock);
        if (writer->count == 0)
            break;
        struct queued *batch[BATCH_MAX];
        size_t count = writer->count < BATCH_MAX ? writer->count : BATCH_MAX;
        for (size_t i = 0; i < count; i++)
            batch[i] = writer->queue[(writer->first + i) % LOG_WRITER_QUEUE_MAX];
        pthread_mutex_unlock(&writer->lock);
        size_t written = write_batch(writer, batch, count);
        for (size_t i = 0; i < count; i++)
            queued_free(batch[i]);
        pthread_mutex_lock(&writer->lock);
        writer->first = (writer->first + count) % LOG_WRITER_QUEUE_MAX;
        writer->count -= count;
        writer->written += written;
        writer->lost += count - written;
    }
    pthread_mutex_unlock(&writer->lock);
    return NULL;
}

struct log_writer *log_writer_start(struct store *store)
{
    struct log_writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL)
        abort();
    writer->store = store;
    pthread_mutex_init(&writer->lock, NULL);
    pthread_cond_init(&writer->changed, NULL);
    if (pthread_create(&writer->thread, NULL, run, writer) != 0)
        abort();
    return writer;
}

void log_writer_stop(struct log_writer **writer)
{
    if (writer == NULL || *writer == NULL)
        return;
    pthread_mutex_lock(&(*writer)->lock);
    (*writer)->is_stopping = true;
    (*writer)->stop_by_ms = clock_monotonic_ms() + STOP_WAIT_MS;
    pthread_cond_signal(&(*writer)->changed);
    pthread_mutex_unlock(&(*writer)->lock);
    pthread_join((*writer)->thread, NULL);
    pthread_mutex_destroy(&(*writer)->lock);
    pthread_cond_destroy(&(*writer)->changed);
    free(*writer);
    *writer = NULL;
}

void log_writer_put(struct log_writer *writer, const struct exchange_entry *entry)
{
    struct queued *copy = copy_entry(entry);
    pthread_mutex_lock(&writer->lock);
    bool is_taken = writer->count < LOG_WRITER_QUEUE_MAX && !writer->is_stopping;
    if (is_taken) {
        writer->queue[(writer->first + writer->count) % LOG_WRITER_QUEUE_MAX] = copy;
        writer->count++;
        pthread_cond_signal(&writer->changed);
    } else {
        writer->lost++;
    }
    pthread_mutex_unlock(&writer->lock);
    if (!is_taken) {
        tell_loss(entry, "the queue is full");
        queued_free(copy);
    }
}

void log_writer_read_counters(struct log_writer *writer, struct log_writer_counters *out_counters)
{
    pthread_mutex_lock(&writer->lock);
    *out_counters = (struct log_writer_counters){writer->written, writer->lost, writer->count};
    pthread_mutex_unlock(&writer->lock);
}
