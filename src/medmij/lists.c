#include "medmij/lists.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/rand.h"
#include "http/client.h"
#include "medmij/lists_fetch.h"
#include "medmij/lists_snapshot.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define BACK_OFF_FIRST_S 30
#define ALARM_FAILURES 3
#define TICK_S 1
#define CLOCK_BACK_S 5

/* How one list's refreshing goes. Written by the refresher, under the lock. */
struct feed {
    unsigned failures_in_a_row;
    char last_error[FAILURE_TEXT_MAX];
    int64_t due_monotonic_ms;
    int64_t due_at;
    int64_t tried_at;
    bool is_asked; /* by lists_refresh_soon; a fetch that already runs may have missed the change */
};

/*
 * Two locks, never held together. `current_lock` covers the current pointer for the few instructions of an
 * acquire or a swap; `feed_lock` covers everything else that changes.
 *
 * Why a lock at all: between loading the pointer and raising the count the snapshot could lose its last
 * reference and be freed. The lock makes the two one step: whoever swaps holds it too, and drops the
 * reference of `current` only after the swap, so a count seen under the lock is at least one. A request takes
 * it once.
 */
struct shared {
    pthread_mutex_t current_lock;
    struct lists_snapshot *current;

    pthread_mutex_t feed_lock;
    pthread_cond_t changed;
    struct feed feeds[LIST_KINDS];
    bool is_first_round_done;
    bool is_stopping;
};

struct lists {
    struct lists_settings settings; /* strings in the arena */
    struct lists_keeper keeper;
    struct list_schema *schemas[LIST_KINDS];
    struct shared *shared; /* apart, so that a const lists can be locked */
    pthread_t refresher;
    struct arena *arena;
};

static struct lists_snapshot *acquire(struct shared *shared)
{
    pthread_mutex_lock(&shared->current_lock);
    struct lists_snapshot *snapshot = shared->current;
    atomic_fetch_add_explicit(&snapshot->references, 1, memory_order_relaxed);
    pthread_mutex_unlock(&shared->current_lock);
    return snapshot;
}

struct lists_snapshot *lists_acquire(struct lists *lists)
{
    return acquire(lists->shared);
}

/* The refresher (or lists_start before it) is the only writer, so reading `current` here needs no lock. Takes
 * over the reference to `document`. */
static void publish(struct lists *lists, enum list_kind kind, struct list_document *document,
                    int64_t fetched_at)
{
    struct shared *shared = lists->shared;
    struct lists_snapshot *next = lists_snapshot_copy(shared->current, lists->settings.max_age_s);
    lists_snapshot_put(next, kind, document, fetched_at);
    pthread_mutex_lock(&shared->current_lock);
    struct lists_snapshot *previous = shared->current;
    shared->current = next;
    pthread_mutex_unlock(&shared->current_lock);
    lists_release(&previous);
}

/* ---- taking in one document ---- */

static enum outcome refuse_rollback(enum list_kind kind, const struct list_document *current,
                                    const struct list_document *offered, struct failure *failure)
{
    log_error("list_rollback_refused", LOG_C("list", list_kind_name(kind)),
              LOG_INT("current", current->volgnummer), LOG_INT("offered", offered->volgnummer));
    return failure_set(failure, "%s: Volgnummer %lld is lower than the current %lld", list_kind_name(kind),
                       (long long)offered->volgnummer, (long long)current->volgnummer);
}

/* Against what we have: OK to replace it, ABSENT when there is nothing new, FAILED. */
static enum outcome compare_with_current(enum list_kind kind, const struct list_document *current,
                                         const struct list_document *offered, struct failure *failure)
{
    if (current == NULL)
        return OK;
    if (offered->volgnummer < current->volgnummer)
        return refuse_rollback(kind, current, offered, failure);
    if (offered->stamped_at < current->stamped_at)
        return failure_set(failure, "%s: the Tijdstempel is older than the current one",
                           list_kind_name(kind));
    if (offered->volgnummer > current->volgnummer)
        return OK;
    /* Same number: the copy we have stays (spec 7.5), also when the publisher forgot to raise it. */
    if (!str_equal(offered->digest, current->digest))
        log_warning("list_changed_under_same_number", LOG_C("list", list_kind_name(kind)),
                    LOG_INT("volgnummer", offered->volgnummer));
    return ABSENT;
}

/* Checks the bytes and publishes them, or renews the age of the same list. OK or FAILED; *out_current is the
 * document that now counts, borrowed from the current snapshot. */
static enum outcome take_in(struct lists *lists, enum list_kind kind, struct str xml, int64_t fetched_at,
                            const struct list_document **out_current, struct failure *failure)
{
    struct list_document *current = lists->shared->current->documents[kind];
    struct list_document *offered = NULL;
    struct arena *arena = arena_new();
    bool is_same = current != NULL && str_equal(current->digest, codec_sha256(arena, xml));
    arena_free(&arena);
    enum outcome comparison = ABSENT;
    if (!is_same) {
        if (list_document_parse(kind, xml, lists->schemas[kind], lists->settings.is_http_allowed, clock_now(),
                                &offered, failure) != OK)
            return FAILED;
        comparison = compare_with_current(kind, current, offered, failure);
    }
    if (comparison == FAILED) {
        list_document_release(&offered);
        return FAILED;
    }
    if (comparison == OK) {
        log_info("list_loaded", LOG_C("list", list_kind_name(kind)),
                 LOG_INT("volgnummer", offered->volgnummer), LOG_INT("entries", (int64_t)offered->entries));
        *out_current = offered;
        publish(lists, kind, offered, fetched_at);
        return OK;
    }
    list_document_release(&offered);
    *out_current = current;
    list_document_hold(current);
    publish(lists, kind, current, fetched_at);
    return OK;
}

static void keep(const struct lists *lists, enum list_kind kind, const struct list_document *document,
                 struct str xml, int64_t fetched_at)
{
    struct failure failure = {{0}};
    if (lists->keeper.save == NULL)
        return;
    if (lists->keeper.save(lists->keeper.context, kind, document->volgnummer, xml, fetched_at, &failure) !=
        OK)
        log_warning("list_not_kept", LOG_C("list", list_kind_name(kind)), LOG_C("reason", failure.text));
}

/* A kept copy that cannot be had or is not right is a reason to fetch, not to stop. */
static void load_kept(struct lists *lists, enum list_kind kind)
{
    struct failure failure = {{0}};
    struct arena *arena = arena_new();
    struct str xml;
    int64_t fetched_at;
    const struct list_document *current;
    if (lists->keeper.load != NULL) {
        enum outcome outcome =
            lists->keeper.load(lists->keeper.context, arena, kind, &xml, &fetched_at, &failure);
        if (outcome == OK)
            outcome = take_in(lists, kind, xml, fetched_at, &current, &failure);
        if (outcome == FAILED)
            log_warning("list_copy_unusable", LOG_C("list", list_kind_name(kind)),
                        LOG_C("reason", failure.text));
    }
    arena_free(&arena);
}

/* ---- refreshing ---- */

/* Up to a tenth sooner, so that the members of the network do not all come at once; never later than
 * configured. */
static int64_t with_jitter(int64_t milliseconds)
{
    int64_t tenth = milliseconds / 10;
    uint32_t spread = tenth < UINT32_MAX ? (uint32_t)tenth : UINT32_MAX;
    return spread > 0 ? milliseconds - rand_below(spread) : milliseconds;
}

/* 30 s after a failure, doubled with each next one, never longer than the interval. */
static int64_t delay_ms(const struct lists *lists, unsigned failures)
{
    int64_t delay = lists->settings.interval_s;
    if (failures > 0 && failures < 32) {
        int64_t back_off = (int64_t)BACK_OFF_FIRST_S << (failures - 1);
        if (back_off < delay)
            delay = back_off;
    }
    return with_jitter(delay * 1000);
}

static void note_result(struct lists *lists, enum list_kind kind, enum outcome outcome,
                        const struct failure *failure)
{
    struct shared *shared = lists->shared;
    struct feed *feed = &shared->feeds[kind];
    pthread_mutex_lock(&shared->feed_lock);
    feed->failures_in_a_row = outcome == OK ? 0 : feed->failures_in_a_row + 1;
    if (outcome == OK)
        feed->last_error[0] = '\0';
    else
        memcpy(feed->last_error, failure->text, sizeof feed->last_error);
    unsigned failures = feed->failures_in_a_row;
    int64_t delay = delay_ms(lists, failures);
    feed->due_monotonic_ms = clock_monotonic_ms() + delay;
    feed->tried_at = clock_now();
    feed->due_at = feed->tried_at + delay / 1000;
    pthread_mutex_unlock(&shared->feed_lock);
    if (outcome == OK)
        return;
    log_warning("list_refresh_failed", LOG_C("list", list_kind_name(kind)), LOG_INT("failures", failures),
                LOG_C("reason", failure->text));
    if (failures >= ALARM_FAILURES)
        log_error("list_refresh_alarm", LOG_C("list", list_kind_name(kind)), LOG_INT("failures", failures));
}

static void refresh(struct lists *lists, enum list_kind kind)
{
    struct failure failure = {{0}};
    struct arena *arena = arena_new();
    struct str xml;
    const struct list_document *current;
    int64_t now = clock_now();
    enum outcome outcome = list_fetch(arena, &lists->settings, kind, &xml, &failure);
    if (outcome == OK)
        outcome = take_in(lists, kind, xml, now, &current, &failure);
    if (outcome == OK)
        keep(lists, kind, current, xml, now);
    note_result(lists, kind, outcome, &failure);
    arena_free(&arena);
}

/* By the steady clock, and also by the wall clock, which jumps when a machine sleeps or is set right. A jump
 * back counts too: the age of the lists cannot be told from a time of fetching that lies ahead. */
static bool is_due(const struct feed *feed)
{
    int64_t now = clock_now();
    return feed->is_asked || clock_monotonic_ms() >= feed->due_monotonic_ms || now >= feed->due_at ||
           now < feed->tried_at - CLOCK_BACK_S;
}

static void wait_a_tick(struct shared *shared)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += TICK_S;
    pthread_cond_timedwait(&shared->changed, &shared->feed_lock, &until);
}

static void *run_refresher(void *context)
{
    struct lists *lists = context;
    struct shared *shared = lists->shared;
    pthread_mutex_lock(&shared->feed_lock);
    while (!shared->is_stopping) {
        for (int kind = 0; kind < LIST_KINDS && !shared->is_stopping; kind++) {
            if (!is_due(&shared->feeds[kind]))
                continue;
            shared->feeds[kind].is_asked = false;
            pthread_mutex_unlock(&shared->feed_lock);
            refresh(lists, (enum list_kind)kind);
            pthread_mutex_lock(&shared->feed_lock);
        }
        if (!shared->is_first_round_done) {
            shared->is_first_round_done = true;
            pthread_cond_broadcast(&shared->changed);
        }
        if (!shared->is_stopping)
            wait_a_tick(shared);
    }
    pthread_mutex_unlock(&shared->feed_lock);
    http_client_thread_end();
    return NULL;
}

void lists_refresh_soon(struct lists *lists)
{
    struct shared *shared = lists->shared;
    pthread_mutex_lock(&shared->feed_lock);
    for (int kind = 0; kind < LIST_KINDS; kind++)
        shared->feeds[kind].is_asked = true;
    pthread_cond_broadcast(&shared->changed);
    pthread_mutex_unlock(&shared->feed_lock);
}

/* ---- life ---- */

static const char *copy_text(struct arena *arena, const char *text)
{
    return text != NULL ? arena_strdup(arena, text) : NULL;
}

static enum outcome copy_settings(struct lists *lists, const struct lists_settings *settings,
                                  struct failure *failure)
{
    if (settings->interval_s < 1 || settings->max_age_s < 1 || settings->size_max < 1 ||
        settings->size_max > LIST_BYTES_MAX)
        return failure_set(failure,
                           "lists: interval, maximum age and maximum size must be positive, and the "
                           "size at most %zu bytes",
                           LIST_BYTES_MAX);
    lists->settings = *settings;
    lists->settings.ca_file = copy_text(lists->arena, settings->ca_file);
    lists->settings.client_certificate_file = copy_text(lists->arena, settings->client_certificate_file);
    lists->settings.client_key_file = copy_text(lists->arena, settings->client_key_file);
    for (int kind = 0; kind < LIST_KINDS; kind++) {
        struct list_source *source = &lists->settings.sources[kind];
        if (source->location == NULL || source->location[0] == '\0')
            return failure_set(failure, "%s: no location configured", list_kind_name((enum list_kind)kind));
        source->location = copy_text(lists->arena, source->location);
        source->schema_file = copy_text(lists->arena, source->schema_file);
        if (source->schema_file != NULL &&
            list_schema_load(source->schema_file, &lists->schemas[kind], failure) != OK)
            return FAILED;
    }
    return OK;
}

static struct shared *shared_new(int64_t max_age_s)
{
    struct shared *shared = calloc(1, sizeof *shared);
    pthread_condattr_t attributes;
    if (shared == NULL || pthread_mutex_init(&shared->current_lock, NULL) != 0 ||
        pthread_mutex_init(&shared->feed_lock, NULL) != 0 || pthread_condattr_init(&attributes) != 0 ||
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) != 0 ||
        pthread_cond_init(&shared->changed, &attributes) != 0)
        abort();
    pthread_condattr_destroy(&attributes);
    shared->current = lists_snapshot_copy(NULL, max_age_s);
    return shared;
}

static void lists_free(struct lists *lists)
{
    for (int kind = 0; kind < LIST_KINDS; kind++)
        list_schema_free(&lists->schemas[kind]);
    if (lists->shared != NULL) {
        lists_release(&lists->shared->current);
        pthread_cond_destroy(&lists->shared->changed);
        pthread_mutex_destroy(&lists->shared->feed_lock);
        pthread_mutex_destroy(&lists->shared->current_lock);
        free(lists->shared);
    }
    struct arena *arena = lists->arena;
    arena_free(&arena);
}

enum outcome lists_start(const struct lists_settings *settings, const struct lists_keeper *keeper,
                         struct lists **out_lists, struct failure *failure)
{
    *out_lists = NULL;
    struct arena *arena = arena_new();
    struct lists *lists = arena_new_of(arena, struct lists);
    lists->arena = arena;
    if (keeper != NULL)
        lists->keeper = *keeper;
    if (copy_settings(lists, settings, failure) != OK) {
        lists_free(lists);
        return FAILED;
    }
    lists->shared = shared_new(settings->max_age_s);
    for (int kind = 0; kind < LIST_KINDS; kind++)
        load_kept(lists, (enum list_kind)kind);
    if (pthread_create(&lists->refresher, NULL, run_refresher, lists) != 0) {
        lists_free(lists);
        return failure_set(failure, "lists: cannot start the refresher thread");
    }
    pthread_mutex_lock(&lists->shared->feed_lock);
    while (!lists->shared->is_first_round_done)
        pthread_cond_wait(&lists->shared->changed, &lists->shared->feed_lock);
    pthread_mutex_unlock(&lists->shared->feed_lock);
    *out_lists = lists;
    return OK;
}

void lists_stop(struct lists **lists)
{
    if (lists == NULL || *lists == NULL)
        return;
    struct shared *shared = (*lists)->shared;
    pthread_mutex_lock(&shared->feed_lock);
    shared->is_stopping = true;
    pthread_cond_broadcast(&shared->changed);
    pthread_mutex_unlock(&shared->feed_lock);
    pthread_join((*lists)->refresher, NULL);
    lists_free(*lists);
    *lists = NULL;
}

/* ---- status ---- */

static void fill_status(struct list_status *status, const struct list_document *document)
{
    status->is_loaded = true;
    status->volgnummer = document->volgnummer;
    status->stamped_at = document->stamped_at;
    status->entries = document->entries;
}

void lists_status(const struct lists *lists, enum list_kind kind, struct list_status *out_status)
{
    struct shared *shared = lists->shared;
    memset(out_status, 0, sizeof *out_status);
    out_status->kind = kind;
    struct lists_snapshot *snapshot = acquire(shared);
    if (snapshot->documents[kind] != NULL) {
        fill_status(out_status, snapshot->documents[kind]);
        out_status->fetched_at = snapshot->fetched_at[kind];
        out_status->is_fresh = lists_snapshot_is_fresh(snapshot, kind, clock_now());
    }
    lists_release(&snapshot);
    pthread_mutex_lock(&shared->feed_lock);
    out_status->failures_in_a_row = shared->feeds[kind].failures_in_a_row;
    memcpy(out_status->last_error, shared->feeds[kind].last_error, sizeof out_status->last_error);
    pthread_mutex_unlock(&shared->feed_lock);
}

bool lists_is_ready(const struct lists *lists)
{
    struct lists_snapshot *snapshot = acquire(lists->shared);
    bool is_ready = true;
    for (int kind = 0; kind < LIST_KINDS; kind++)
        is_ready = is_ready && lists_snapshot_is_fresh(snapshot, (enum list_kind)kind, clock_now());
    lists_release(&snapshot);
    return is_ready;
}

enum outcome lists_verify_document(enum list_kind kind, struct str xml, const char *schema_file,
                                   bool is_http_allowed, struct list_status *out_status,
                                   struct failure *failure)
{
    memset(out_status, 0, sizeof *out_status);
    out_status->kind = kind;
    struct list_schema *schema = NULL;
    if (schema_file != NULL && list_schema_load(schema_file, &schema, failure) != OK)
        return FAILED;
    struct list_document *document = NULL;
    enum outcome outcome =
        list_document_parse(kind, xml, schema, is_http_allowed, clock_now(), &document, failure);
    if (outcome == OK)
        fill_status(out_status, document);
    list_document_release(&document);
    list_schema_free(&schema);
    return outcome;
}
