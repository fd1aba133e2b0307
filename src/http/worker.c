#include "http/worker.h"

#include "base/log.h"
#include "http/client.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* How long a stop waits for a handler that was still running when its server was given up. */
#define STOP_GRACE_SECONDS 5

struct http_workers {
    pthread_mutex_t lock;
    pthread_cond_t has_work;
    pthread_cond_t has_ended;
    struct worker_job *first;
    struct worker_job **end; /* where the next job is linked in */
    pthread_t *threads;
    unsigned thread_count;
    unsigned alive;
    bool is_stopping;
    atomic_uint busy;
};

static struct worker_job *take(struct http_workers *workers)
{
    pthread_mutex_lock(&workers->lock);
    while (workers->first == NULL && !workers->is_stopping)
        pthread_cond_wait(&workers->has_work, &workers->lock);
    struct worker_job *job = workers->first;
    if (job != NULL) {
        workers->first = job->next;
        if (workers->first == NULL)
            workers->end = &workers->first;
    }
    pthread_mutex_unlock(&workers->lock);
    return job;
}

static void *work(void *context)
{
    struct http_workers *workers = context;
    struct worker_job *job;
    while ((job = take(workers)) != NULL) {
        atomic_fetch_add_explicit(&workers->busy, 1, memory_order_relaxed);
        job->run(job);
        atomic_fetch_sub_explicit(&workers->busy, 1, memory_order_relaxed);
    }
    http_client_thread_end();
    pthread_mutex_lock(&workers->lock);
    workers->alive--;
    pthread_cond_signal(&workers->has_ended);
    pthread_mutex_unlock(&workers->lock);
    return NULL;
}

static void workers_free(struct http_workers *workers)
{
    pthread_cond_destroy(&workers->has_work);
    pthread_cond_destroy(&workers->has_ended);
    pthread_mutex_destroy(&workers->lock);
    free(workers->threads);
    free(workers);
}

static struct http_workers *workers_new(unsigned count)
{
    struct http_workers *workers = calloc(1, sizeof *workers);
    if (workers == NULL)
        return NULL;
    workers->threads = calloc(count, sizeof *workers->threads);
    if (workers->threads == NULL) {
        free(workers);
        return NULL;
    }
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&workers->lock, NULL);
    pthread_cond_init(&workers->has_work, NULL);
    pthread_cond_init(&workers->has_ended, &attributes);
    pthread_condattr_destroy(&attributes);
    workers->end = &workers->first;
    return workers;
}

enum outcome http_workers_start(unsigned count, struct http_workers **out_workers, struct failure *failure)
{
    *out_workers = NULL;
    struct http_workers *workers = workers_new(count);
    if (workers == NULL)
        return failure_set(failure, "out of memory");
    /* Signals are for the main thread. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = 0;
    for (unsigned i = 0; i < count && code == 0; i++) {
        pthread_mutex_lock(&workers->lock);
        code = pthread_create(&workers->threads[i], NULL, work, workers);
        if (code == 0) {
            workers->thread_count++;
            workers->alive++;
        }
        pthread_mutex_unlock(&workers->lock);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (code != 0) {
        http_workers_stop(&workers);
        return failure_set(failure, "cannot start a worker thread: %s", strerror(code));
    }
    *out_workers = workers;
    return OK;
}

void http_workers_stop(struct http_workers **workers)
{
    struct http_workers *mine = *workers;
    *workers = NULL;
    if (mine == NULL)
        return;
    struct timespec limit;
    clock_gettime(CLOCK_MONOTONIC, &limit);
    limit.tv_sec += STOP_GRACE_SECONDS;
    pthread_mutex_lock(&mine->lock);
    mine->is_stopping = true;
    pthread_cond_broadcast(&mine->has_work);
    int code = 0;
    while (mine->alive > 0 && code != ETIMEDOUT)
        code = pthread_cond_timedwait(&mine->has_ended, &mine->lock, &limit);
    unsigned stuck = mine->alive;
    pthread_mutex_unlock(&mine->lock);
    if (stuck > 0) {
        /* Its memory is still in use, so it is left; the process is about to end. */
        log_error("workers_stuck", LOG_INT("threads", stuck));
        return;
    }
    for (unsigned i = 0; i < mine->thread_count; i++)
        pthread_join(mine->threads[i], NULL);
    workers_free(mine);
}

void worker_push(struct http_workers *workers, struct worker_job *job)
{
    job->next = NULL;
    pthread_mutex_lock(&workers->lock);
    *workers->end = job;
    workers->end = &job->next;
    pthread_mutex_unlock(&workers->lock);
    /* After the lock, so that who wakes up does not have to wait for it. */
    pthread_cond_signal(&workers->has_work);
}

uint64_t worker_busy_now(const struct http_workers *workers)
{
    return workers ? atomic_load_explicit(&workers->busy, memory_order_relaxed) : 0;
}
