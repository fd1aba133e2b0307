#include "idp/document.h"

#include "base/clock.h"
#include "base/log.h"
#include "http/client.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#define DOCUMENT_BYTES_MAX ((size_t)262144) /* MET-10 */
#define CONNECT_MS 3000                     /* MET-8 */
#define TOTAL_MS 5000
#define REDIRECTS_MAX 2 /* MET-9 */
#define FORCED_GAP_S 60 /* MET-7 */
#define WAIT_MS (TOTAL_MS + 1000)

struct document {
    atomic_int references;
    void *value;
    void (*free_value)(void *value);
    int64_t fetched_at;
};

struct entry {
    struct entry *next;
    const struct document_kind *kind;
    char *id, *url, *issuer;
    struct document *document; /* NULL = none yet, or none any more */
    int users;                 /* threads that hold a pointer to this entry */
    bool is_fetching;
    bool is_queued; /* for the background; then ca_file and is_private_allowed are its copies */
    char *ca_file;
    bool is_private_allowed;
    int64_t used_at;
    int64_t forced_at; /* 0 = never */
    /* The last fetch, when it failed: */
    int failures;
    int64_t retry_at;
    bool is_outage; /* out of reach, rather than answering wrongly */
    enum idp_result result;
    struct failure failure;
    /* The last fetch, whatever came of it: */
    struct idp_call call;
    char detail[IDP_DETAIL_MAX];
};

struct document_cache {
    bool is_http_allowed;
    pthread_mutex_t lock; /* of everything below; never held across a fetch */
    pthread_cond_t fetched;
    pthread_cond_t queued;
    struct entry *entries;
    bool is_stopping;
    pthread_t background;
};

static char *copy_text(const char *text)
{
    char *copy = text ? strdup(text) : NULL;
    if (text != NULL && copy == NULL)
        abort(); /* as base/arena does */
    return copy;
}

static struct document *document_hold(struct document *document)
{
    atomic_fetch_add_explicit(&document->references, 1, memory_order_relaxed);
    return document;
}

void document_release(struct document **document)
{
    if (*document == NULL)
        return;
    if (atomic_fetch_sub_explicit(&(*document)->references, 1, memory_order_acq_rel) == 1) {
        (*document)->free_value((*document)->value);
        free(*document);
    }
    *document = NULL;
}

const void *document_value(const struct document *document)
{
    return document->value;
}

static void entry_free(struct entry *entry)
{
    document_release(&entry->document);
    free(entry->id);
    free(entry->url);
    free(entry->issuer);
    free(entry->ca_file);
    free(entry);
}

/* Entries of connections that were changed or removed since. */
static void drop_unused(struct document_cache *cache, int64_t now)
{
    for (struct entry **link = &cache->entries; *link != NULL;) {
        struct entry *entry = *link;
        if (entry->users == 0 && !entry->is_queued && now - entry->used_at > entry->kind->stale_s) {
            *link = entry->next;
            entry_free(entry);
        } else {
            link = &entry->next;
        }
    }
}

static struct entry *entry_enter(struct document_cache *cache, const struct document_kind *kind,
                                 const struct document_source *source, int64_t now)
{
    struct entry *entry = cache->entries;
    while (entry != NULL &&
           (entry->kind != kind || strcmp(entry->id, source->id) != 0 ||
            strcmp(entry->url, source->url) != 0 || strcmp(entry->issuer, source->issuer) != 0))
        entry = entry->next;
    if (entry == NULL) {
        drop_unused(cache, now);
        entry = calloc(1, sizeof *entry);
        if (entry == NULL)
            abort();
        entry->kind = kind;
        entry->id = copy_text(source->id);
        entry->url = copy_text(source->url);
        entry->issuer = copy_text(source->issuer);
        entry->next = cache->entries;
        cache->entries = entry;
    }
    entry->users++;
    entry->used_at = now;
    return entry;
}

struct fetch {
    enum idp_result result;
    bool is_outage;
    struct document *document;
    struct failure failure;
    struct idp_call call;
    char detail[IDP_DETAIL_MAX];
};

static void check_drift(const struct document_source *source, const struct idp_call *call)
{
    if (call->has_drift && idp_is_drift_large(call->drift_s))
        log_warning("idp_clock_drift", LOG_C("connection", source->id), LOG_INT("seconds", call->drift_s));
}

static void fetch_parse(const struct document_cache *cache, const struct document_kind *kind,
                        const struct document_source *source, const struct http_answer *answer,
                        struct fetch *fetch)
{
    if (answer->status != 200) {
        fetch->is_outage = answer->status >= 500 || answer->status == 429;
        fetch->result = fetch->is_outage ? kind->unreachable : kind->refused;
        failure_set(&fetch->failure, "status %d", answer->status);
        return;
    }
    void *value = NULL;
    fetch->result =
        kind->parse(source, cache->is_http_allowed, answer->body, &value, fetch->detail, &fetch->failure);
    if (fetch->result != IDP_OK)
        return;
    struct document *document = calloc(1, sizeof *document);
    if (document == NULL)
        abort();
    atomic_init(&document->references, 1);
    document->value = value;
    document->free_value = kind->free_value;
    document->fetched_at = clock_now();
    fetch->document = document;
}

static struct fetch fetch_document(const struct document_cache *cache, const struct document_kind *kind,
                                   const struct document_source *source)
{
    static const char *const headers[] = {"Accept: application/json"};
    struct fetch fetch = {.result = kind->unreachable};
    struct arena *arena = arena_new();
    struct http_answer answer;
    const struct http_call call = {
        .method = "GET",
        .url = source->url,
        .headers = headers,
        .header_count = 1,
        .ca_file = source->ca_file,
        .connect_timeout_ms = CONNECT_MS,
        .total_timeout_ms = TOTAL_MS,
        .body_max = DOCUMENT_BYTES_MAX,
        .redirects_max = REDIRECTS_MAX,
        .is_http_allowed = cache->is_http_allowed,
        .is_private_allowed = source->is_private_allowed,
    };
    enum http_call_result called = http_client_call(arena, &call, &answer, &fetch.failure);
    idp_call_note(&fetch.call, &answer, clock_now());
    switch (called) {
    case HTTP_CALL_OK:
        check_drift(source, &fetch.call);
        fetch_parse(cache, kind, source, &answer, &fetch);
        break;
    case HTTP_CALL_TOO_LARGE:
        fetch.result = kind->refused;
        break;
    case HTTP_CALL_NOT_SENT:
    case HTTP_CALL_TIMED_OUT:
    case HTTP_CALL_BROKEN:
        fetch.is_outage = true;
        if (answer.trouble.is_certificate_refused)
            fetch.result = IDP_CERTIFICATE_INVALID;
        break;
    }
    arena_free(&arena);
    if (fetch.result != IDP_OK) {
        /* Here and not where it is asked for: what is stale may be served for days without anyone failing. */
        log_warning("idp_fetch_failed", LOG_C("connection", source->id), LOG_C("document", kind->name),
                    LOG_C("reason", fetch.failure.text));
        failure_prefix(&fetch.failure, "%s of %s", kind->name, source->id);
    }
    return fetch;
}

/* Under the lock. */
static void entry_publish(struct document_cache *cache, struct entry *entry, struct fetch *fetch)
{
    static const int64_t delays_s[] = {3, 30, 300}; /* MET-5 */
    entry->is_fetching = false;
    if (!fetch->call.has_drift) { /* what was known of its clock stays known */
        fetch->call.has_drift = entry->call.has_drift;
        fetch->call.drift_s = entry->call.drift_s;
    }
    entry->call = fetch->call;
    memcpy(entry->detail, fetch->detail, sizeof entry->detail);
    if (fetch->result == IDP_OK) {
        document_release(&entry->document);
        entry->document = fetch->document;
        entry->failures = 0;
        entry->retry_at = 0;
    } else {
        entry->retry_at = clock_now() + delays_s[entry->failures];
        if (entry->failures < 2)
            entry->failures++;
        entry->is_outage = fetch->is_outage;
        entry->result = fetch->result;
        entry->failure = fetch->failure;
    }
    pthread_cond_broadcast(&cache->fetched);
}

static void *refresh_in_background(void *context)
{
    struct document_cache *cache = context;
    pthread_mutex_lock(&cache->lock);
    while (!cache->is_stopping) {
        struct entry *entry = cache->entries;
        while (entry != NULL && (!entry->is_queued || entry->is_fetching))
            entry = entry->next;
        if (entry == NULL) {
            pthread_cond_wait(&cache->queued, &cache->lock);
            continue;
        }
        entry->is_fetching = true;
        pthread_mutex_unlock(&cache->lock);
        /* is_queued keeps the entry and its copies in place. */
        const struct document_source source = {
            entry->id, entry->url, entry->issuer, entry->ca_file, entry->is_private_allowed, 0};
        struct fetch fetch = fetch_document(cache, entry->kind, &source);
        pthread_mutex_lock(&cache->lock);
        entry->is_queued = false;
        entry_publish(cache, entry, &fetch);
    }
    pthread_mutex_unlock(&cache->lock);
    http_client_thread_end();
    return NULL;
}

static void queue_refresh(struct document_cache *cache, struct entry *entry,
                          const struct document_source *source)
{
    if (entry->is_queued || entry->is_fetching)
        return;
    free(entry->ca_file);
    entry->ca_file = copy_text(source->ca_file);
    entry->is_private_allowed = source->is_private_allowed;
    entry->is_queued = true;
    pthread_cond_signal(&cache->queued);
}

static bool is_backing_off(const struct entry *entry, int64_t now)
{
    /* A clock that was set back must not turn 5 minutes into hours. */
    return now < entry->retry_at && entry->retry_at - now <= 300;
}

static bool is_younger(const struct entry *entry, int64_t now, int64_t limit)
{
    return entry->document != NULL && entry->document->fetched_at <= now &&
           now - entry->document->fetched_at < limit;
}

/* A provider that answers, but wrongly, is no reason to go on with what it said before. */
static bool may_serve_stale(const struct entry *entry, int64_t now)
{
    return is_younger(entry, now, entry->kind->stale_s) && (entry->retry_at == 0 || entry->is_outage);
}

static struct timespec wait_deadline(const struct document_source *source)
{
    struct timespec deadline;
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += WAIT_MS / 1000;
    if (source->answer_by_ms != 0) {
        deadline.tv_sec = source->answer_by_ms / 1000;
        deadline.tv_nsec = source->answer_by_ms % 1000 * 1000000;
    }
    return deadline;
}

/* Under the lock, which is given up meanwhile; false when the fetch is not done. Who cannot wait for a whole
 * fetch has it done in the background, so that giving up does not count as a failure of the provider. */
static bool fetch_now(struct document_cache *cache, struct entry *entry, const struct document_source *source,
                      const struct timespec *deadline)
{
    if (source->answer_by_ms != 0) {
        queue_refresh(cache, entry, source);
        while (entry->is_queued)
            if (pthread_cond_timedwait(&cache->fetched, &cache->lock, deadline) != 0)
                return !entry->is_queued;
        return true;
    }
    entry->is_fetching = true;
    pthread_mutex_unlock(&cache->lock);
    struct fetch fetch = fetch_document(cache, entry->kind, source);
    pthread_mutex_lock(&cache->lock);
    entry_publish(cache, entry, &fetch);
    return true;
}

static enum idp_result waited_in_vain(const struct entry *entry, struct failure *failure)
{
    failure_set(failure, "%s of %s: still being fetched", entry->kind->name, entry->id);
    return entry->kind->unreachable;
}

/* Under the lock; with no document when there is none to serve. */
static void entry_tell(const struct entry *entry, const struct document *document, bool is_fetched,
                       struct idp_document *out_facts)
{
    int64_t age = document ? clock_now() - document->fetched_at : 0;
    *out_facts = (struct idp_document){.age_s = age > 0 ? age : 0, .call = entry->call};
    memcpy(out_facts->detail, entry->detail, sizeof out_facts->detail);
    if (document == NULL)
        out_facts->origin = IDP_ORIGIN_NONE;
    else if (is_fetched)
        out_facts->origin = IDP_ORIGIN_FETCHED;
    else
        out_facts->origin = age < entry->kind->fresh_s ? IDP_ORIGIN_CACHED : IDP_ORIGIN_STALE;
}

static enum idp_result entry_get(struct document_cache *cache, struct entry *entry,
                                 const struct document_source *source, struct document **out_document,
                                 struct idp_document *out_facts, struct failure *failure)
{
    const struct document_kind *kind = entry->kind;
    bool is_fetched = false;
    entry_tell(entry, NULL, false, out_facts);
    const struct timespec deadline = wait_deadline(source);
    for (;;) {
        int64_t now = clock_now();
        if (is_younger(entry, now, kind->fresh_s)) {
            if (!is_younger(entry, now, kind->refresh_after_s) && !is_backing_off(entry, now))
                queue_refresh(cache, entry, source);
            break;
        }
        if (entry->is_fetching) {
            if (may_serve_stale(entry, now))
                break;
            if (pthread_cond_timedwait(&cache->fetched, &cache->lock, &deadline) != 0 && entry->is_fetching)
                return waited_in_vain(entry, failure);
            continue;
        }
        bool is_done = true;
        if (!is_backing_off(entry, now)) {
            is_done = fetch_now(cache, entry, source, &deadline);
            is_fetched = is_done && entry->failures == 0;
            if (is_fetched)
                break;
        }
        if (may_serve_stale(entry, clock_now()))
            break;
        if (!is_done)
            return waited_in_vain(entry, failure);
        entry_tell(entry, NULL, false, out_facts);
        if (failure != NULL)
            *failure = entry->failure;
        return entry->result;
    }
    *out_document = document_hold(entry->document);
    entry_tell(entry, entry->document, is_fetched, out_facts);
    return IDP_OK;
}

enum idp_result document_get(struct document_cache *cache, const struct document_kind *kind,
                             const struct document_source *source, struct document **out_document,
                             struct idp_document *out_facts, struct failure *failure)
{
    pthread_mutex_lock(&cache->lock);
    struct entry *entry = entry_enter(cache, kind, source, clock_now());
    enum idp_result result = entry_get(cache, entry, source, out_document, out_facts, failure);
    entry->users--;
    pthread_mutex_unlock(&cache->lock);
    return result;
}

/* At most one forced fetch per minute. A time in the future tells nothing, so it counts as a forced fetch
 * now. */
static bool is_throttled(struct entry *entry, int64_t now)
{
    if (entry->forced_at > now)
        entry->forced_at = now;
    return entry->forced_at != 0 && now - entry->forced_at < FORCED_GAP_S;
}

static enum outcome entry_renew(struct document_cache *cache, struct entry *entry,
                                const struct document_source *source, const struct document *seen,
                                struct document **out_document, struct idp_document *out_facts,
                                struct failure *failure)
{
    const struct timespec deadline = wait_deadline(source);
    int64_t now = clock_now();
    bool is_fetched = false;
    while (entry->is_fetching)
        if (pthread_cond_timedwait(&cache->fetched, &cache->lock, &deadline) != 0)
            break;
    if (entry->document == NULL || entry->document == seen) {
        if (entry->is_fetching || is_backing_off(entry, now) || is_throttled(entry, now)) {
            failure_set(failure, "%s of %s: not fetched again so soon", entry->kind->name, entry->id);
            return ABSENT;
        }
        entry->forced_at = now;
        if (!fetch_now(cache, entry, source, &deadline)) {
            waited_in_vain(entry, failure);
            return FAILED;
        }
        is_fetched = true;
        if (entry->document == NULL || entry->document == seen)
            return failure_set(failure, "%s", entry->failure.text);
    }
    *out_document = document_hold(entry->document);
    entry_tell(entry, entry->document, is_fetched, out_facts);
    return OK;
}

enum outcome document_renew(struct document_cache *cache, const struct document_kind *kind,
                            const struct document_source *source, const struct document *seen,
                            struct document **out_document, struct idp_document *out_facts,
                            struct failure *failure)
{
    pthread_mutex_lock(&cache->lock);
    struct entry *entry = entry_enter(cache, kind, source, clock_now());
    enum outcome outcome = entry_renew(cache, entry, source, seen, out_document, out_facts, failure);
    entry->users--;
    pthread_mutex_unlock(&cache->lock);
    return outcome;
}

enum outcome document_cache_new(bool is_http_allowed, struct document_cache **out_cache)
{
    struct document_cache *cache = calloc(1, sizeof *cache);
    if (cache == NULL)
        return FAILED;
    cache->is_http_allowed = is_http_allowed;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&cache->lock, NULL);
    pthread_cond_init(&cache->fetched, &monotonic);
    pthread_cond_init(&cache->queued, NULL);
    pthread_condattr_destroy(&monotonic);
    if (pthread_create(&cache->background, NULL, refresh_in_background, cache) != 0) {
        free(cache);
        return FAILED;
    }
    *out_cache = cache;
    return OK;
}

void document_cache_free(struct document_cache **cache)
{
    if (*cache == NULL)
        return;
    pthread_mutex_lock(&(*cache)->lock);
    (*cache)->is_stopping = true;
    pthread_cond_signal(&(*cache)->queued);
    pthread_mutex_unlock(&(*cache)->lock);
    pthread_join((*cache)->background, NULL);
    while ((*cache)->entries != NULL) {
        struct entry *entry = (*cache)->entries;
        (*cache)->entries = entry->next;
        entry_free(entry);
    }
    pthread_cond_destroy(&(*cache)->queued);
    pthread_cond_destroy(&(*cache)->fetched);
    pthread_mutex_destroy(&(*cache)->lock);
    free(*cache);
    *cache = NULL;
}
