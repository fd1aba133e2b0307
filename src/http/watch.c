#include "http/watch.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define ROUNDS_PER_LIMIT 8

struct watch {
    pthread_mutex_t lock;
    pthread_cond_t has_ended;
    pthread_t thread;
    struct watch_entry *first;
    int64_t limit_ms;
    bool is_stopping;
};

/* A shut-down socket reads as closed to libmicrohttpd, which then ends the connection its own way. */
static void close_late_ones(struct watch *watch)
{
    int64_t now_ms = clock_monotonic_ms();
    for (struct watch_entry *entry = watch->first; entry != NULL; entry = entry->next) {
        int64_t since_ms = atomic_load_explicit(&entry->waiting_since_ms, memory_order_relaxed);
        if (since_ms != 0 && now_ms - since_ms > watch->limit_ms)
            shutdown(entry->socket, SHUT_RDWR);
    }
}

static void *patrol(void *context)
{
    struct watch *watch = context;
    pthread_mutex_lock(&watch->lock);
    while (!watch->is_stopping) {
        struct timespec next;
        clock_gettime(CLOCK_MONOTONIC, &next);
        int64_t nanoseconds = next.tv_nsec + watch->limit_ms * 1000000 / ROUNDS_PER_LIMIT;
        next.tv_sec += (time_t)(nanoseconds / 1000000000);
        next.tv_nsec = (long)(nanoseconds % 1000000000);
        pthread_cond_timedwait(&watch->has_ended, &watch->lock, &next);
        close_late_ones(watch);
    }
    pthread_mutex_unlock(&watch->lock);
    return NULL;
}

enum outcome watch_start(int64_t limit_ms, struct watch **out_watch, struct failure *failure)
{
    *out_watch = NULL;
    struct watch *watch = calloc(1, sizeof *watch);
    if (watch == NULL)
        return failure_set(failure, "out of memory");
    watch->limit_ms = limit_ms;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&watch->lock, NULL);
    pthread_cond_init(&watch->has_ended, &attributes);
    pthread_condattr_destroy(&attributes);
    int code = pthread_create(&watch->thread, NULL, patrol, watch);
    if (code != 0) {
        pthread_cond_destroy(&watch->has_ended);
        pthread_mutex_destroy(&watch->lock);
        free(watch);
        return failure_set(failure, "cannot start a thread: %s", strerror(code));
    }
    *out_watch = watch;
    return OK;
}

void watch_stop(struct watch **watch)
{
    struct watch *mine = *watch;
    *watch = NULL;
    if (mine == NULL)
        return;
    pthread_mutex_lock(&mine->lock);
    mine->is_stopping = true;
    pthread_cond_signal(&mine->has_ended);
    pthread_mutex_unlock(&mine->lock);
    pthread_join(mine->thread, NULL);
    pthread_cond_destroy(&mine->has_ended);
    pthread_mutex_destroy(&mine->lock);
    free(mine);
}

void watch_add(struct watch *watch, struct watch_entry *entry, int socket)
{
    entry->socket = socket;
    entry->previous = NULL;
    watch_wait(entry);
    pthread_mutex_lock(&watch->lock);
    entry->next = watch->first;
    if (entry->next != NULL)
        entry->next->previous = entry;
    watch->first = entry;
    pthread_mutex_unlock(&watch->lock);
}

void watch_remove(struct watch *watch, struct watch_entry *entry)
{
    pthread_mutex_lock(&watch->lock);
    if (entry->next != NULL)
        entry->next->previous = entry->previous;
    if (entry->previous != NULL)
        entry->previous->next = entry->next;
    else
        watch->first = entry->next;
    pthread_mutex_unlock(&watch->lock);
}

void watch_wait(struct watch_entry *entry)
{
    atomic_store_explicit(&entry->waiting_since_ms, clock_monotonic_ms(), memory_order_relaxed);
}

void watch_rest(struct watch_entry *entry)
{
    atomic_store_explicit(&entry->waiting_since_ms, 0, memory_order_relaxed);
}
