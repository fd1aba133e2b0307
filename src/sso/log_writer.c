#include "sso/log_writer.h"

#include "base/clock.h"
#include "base/log.h"

#include <pthread.h>
#include <stdlib.h>

#define QUEUE_MAX 4096
#define STOP_WAIT_MS 5000

struct queued {
    struct arena *arena;
    struct exchange_entry entry;
};

struct log_writer {
    struct store *store;
    pthread_t thread;
    pthread_mutex_t lock; /* guards everything below; never held while the store is called */
    pthread_cond_t changed;
    struct queued *queue[QUEUE_MAX];
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

static void *run(void *context)
{
    struct log_writer *writer = context;
    pthread_mutex_lock(&writer->lock);
    for (;;) {
        while (writer->count == 0 && !writer->is_stopping)
            pthread_cond_wait(&writer->changed, &writer->lock);
        if (writer->count == 0)
            break;
        struct queued *next = writer->queue[writer->first];
        bool is_late = writer->is_stopping && clock_monotonic_ms() > writer->stop_by_ms;
        pthread_mutex_unlock(&writer->lock);
        bool is_written = !is_late && exchange_log_write(writer->store, &next->entry) == OK;
        if (!is_written)
            tell_loss(&next->entry, is_late ? "the server stopped" : "the store refused");
        queued_free(next);
        pthread_mutex_lock(&writer->lock);
        writer->first = (writer->first + 1) % QUEUE_MAX;
        writer->count--;
        if (is_written)
            writer->written++;
        else
            writer->lost++;
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
    bool is_taken = writer->count < QUEUE_MAX && !writer->is_stopping;
    if (is_taken) {
        writer->queue[(writer->first + writer->count) % QUEUE_MAX] = copy;
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
