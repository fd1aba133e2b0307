#include "sso/notify_queue.h"

#include "base/clock.h"
#include "base/log.h"
#include "mail/mailer.h"

#include <pthread.h>
#include <stdlib.h>

#define QUEUE_MAX 256
#define STOP_WAIT_MS 5000
#define FINGERPRINT_SIZE 64
#define OFFERED_MAX 1021 /* a prime; whoever finds another in its place is offered once more */

struct queued {
    struct arena *arena; /* holds the strings of `plan` */
    struct notify_plan plan;
    int64_t at;
};

struct offered {
    char fingerprint[FINGERPRINT_SIZE];
    int64_t at;
};

struct notify_queue {
    struct notify_desk desk;
    pthread_t thread;
    pthread_mutex_t lock; /* guards everything below; never held while the store is called */
    pthread_cond_t changed;
    struct queued queue[QUEUE_MAX];
    size_t first, count;
    struct offered offered[OFFERED_MAX];
    bool is_stopping;
    int64_t stop_by_ms;
};

/* ---- once per period ---- */

/* NULL for what has no period. */
static struct offered *place_of(struct notify_queue *queue, const struct notify_plan *plan)
{
    struct str fingerprint = plan->report.mail.fingerprint;
    uint64_t number;
    if (plan->is_outage || plan->rule.window_s <= 0 || fingerprint.length != FINGERPRINT_SIZE)
        return NULL;
    memcpy(&number, fingerprint.data, sizeof number);
    return &queue->offered[number % OFFERED_MAX];
}

static bool is_same(const struct offered *offered, const struct notify_plan *plan)
{
    return memcmp(offered->fingerprint, plan->report.mail.fingerprint.data, FINGERPRINT_SIZE) == 0;
}

static bool was_offered(const struct offered *offered, const struct notify_plan *plan, int64_t now)
{
    return offered != NULL && is_same(offered, plan) && now >= offered->at &&
           now - offered->at < plan->rule.window_s;
}

static void remember(struct offered *offered, const struct notify_plan *plan, int64_t now)
{
    if (offered == NULL)
        return;
    memcpy(offered->fingerprint, plan->report.mail.fingerprint.data, FINGERPRINT_SIZE);
    offered->at = now;
}

static void forget(struct notify_queue *queue, const struct notify_plan *plan)
{
    pthread_mutex_lock(&queue->lock);
    struct offered *offered = place_of(queue, plan);
    if (offered != NULL && is_same(offered, plan))
        *offered = (struct offered){0};
    pthread_mutex_unlock(&queue->lock);
}

/* ---- the thread ---- */

static void tell_loss(const struct notify_plan *plan, const char *cause)
{
    log_error("notice_lost", LOG_STR("reference", plan->report.mail.reference),
              LOG_INT("code", plan->report.mail.code), LOG_C("cause", cause));
}

static void offer(struct notify_queue *queue, const struct queued *queued, bool is_late)
{
    enum outbox_verdict verdict;
    if (is_late) {
        tell_loss(&queued->plan, "the server stopped");
    } else if (notify_deliver(&queue->desk, &queued->plan, queued->at, &verdict) != OK) {
        forget(queue, &queued->plan);
        tell_loss(&queued->plan, "the store refused");
    }
}

static void *run(void *context)
{
    struct notify_queue *queue = context;
    pthread_mutex_lock(&queue->lock);
    for (;;) {
        while (queue->count == 0 && !queue->is_stopping)
            pthread_cond_wait(&queue->changed, &queue->lock);
        if (queue->count == 0)
            break;
        struct queued queued = queue->queue[queue->first];
        queue->first = (queue->first + 1) % QUEUE_MAX;
        queue->count--;
        bool is_late = queue->is_stopping && clock_monotonic_ms() > queue->stop_by_ms;
        pthread_mutex_unlock(&queue->lock);
        offer(queue, &queued, is_late);
        arena_free(&queued.arena);
        pthread_mutex_lock(&queue->lock);
    }
    pthread_mutex_unlock(&queue->lock);
    return NULL;
}

struct notify_queue *notify_queue_start(struct store *store, struct mailer *mailer)
{
    struct notify_queue *queue = calloc(1, sizeof *queue);
    if (queue == NULL)
        abort();
    queue->desk = (struct notify_desk){.store = store, .mailer = mailer};
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->changed, NULL);
    if (pthread_create(&queue->thread, NULL, run, queue) != 0)
        abort();
    return queue;
}

void notify_queue_stop(struct notify_queue **queue)
{
    if (queue == NULL || *queue == NULL)
        return;
    pthread_mutex_lock(&(*queue)->lock);
    (*queue)->is_stopping = true;
    (*queue)->stop_by_ms = clock_monotonic_ms() + STOP_WAIT_MS;
    pthread_cond_signal(&(*queue)->changed);
    pthread_mutex_unlock(&(*queue)->lock);
    pthread_join((*queue)->thread, NULL);
    pthread_mutex_destroy(&(*queue)->lock);
    pthread_cond_destroy(&(*queue)->changed);
    free(*queue);
    *queue = NULL;
}

/* ---- putting ---- */

static struct queued copy_of(const struct notify_plan *plan, int64_t now)
{
    struct queued copy = {.arena = arena_new(), .plan = *plan, .at = now};
    struct outbox_mail *mail = &copy.plan.report.mail;
    struct str *texts[] = {
        &mail->id,
        &mail->connection,
        &mail->fingerprint,
        &mail->recipients,
        &mail->subject,
        &mail->body,
        &mail->cause,
        &mail->reference,
        &copy.plan.report.recovery_subject,
        &copy.plan.report.recovery_body,
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = str_copy(copy.arena, *texts[i]);
    return copy;
}

enum notify_verdict notify_queue_put(struct notify_queue *queue, const struct notify_plan *plan, int64_t now)
{
    enum notify_verdict verdict = NOTIFY_NONE;
    pthread_mutex_lock(&queue->lock);
    struct offered *offered = place_of(queue, plan);
    if (was_offered(offered, plan, now)) {
        verdict = NOTIFY_SUPPRESSED;
    } else if (queue->count < QUEUE_MAX && !queue->is_stopping) {
        queue->queue[(queue->first + queue->count) % QUEUE_MAX] = copy_of(plan, now);
        queue->count++;
        remember(offered, plan, now);
        pthread_cond_signal(&queue->changed);
        verdict = NOTIFY_HANDED;
    }
    pthread_mutex_unlock(&queue->lock);
    if (verdict == NOTIFY_NONE)
        tell_loss(plan, "the queue is full");
    return verdict;
}
