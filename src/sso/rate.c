#include "sso/rate.h"

#include "base/rand.h"
#include "http/address.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>

#define WAYS 8
#define ADDRESS_SETS 1024
#define CONNECTION_SETS 256
#define BROWSER_SETS 1024
#define FAILURE_SETS 256 /* for each kind: limits differ, and a set has one */
#define START 60000      /* what a start weighs, so that each millisecond pays off `per_minute` of it */
#define REPORT_MS 60000
#define REPORTS_PER_MINUTE 60 /* of all counters together */

/* A counter as a debt that each start adds to and time pays off (a leaky bucket). Zeroed = unused. */
struct counter {
    uint64_t key;
    int64_t debt;
    int64_t counted_at_ms;
    int64_t reported_at_ms; /* 0 = never */
};

/* The times of the last starts; `next` is the place of the one to come, and of the oldest. */
struct history {
    uint64_t key;
    int64_t started_ms[RATE_LOOP_STARTS_MAX];
    unsigned next;
    int64_t reported_at_ms;
};

struct rate {
    unsigned char hash_key[crypto_shorthash_KEYBYTES];
    pthread_mutex_t lock; /* guards everything below */
    struct counter addresses[ADDRESS_SETS][WAYS];
    struct counter connections[CONNECTION_SETS][WAYS];
    struct counter failed_addresses[FAILURE_SETS][WAYS];
    struct counter failed_clients[FAILURE_SETS][WAYS];
    struct counter failed_sessions[FAILURE_SETS][WAYS];
    struct history browsers[BROWSER_SETS][WAYS];
    int64_t report_window_ms; /* when the minute of `reports` began */
    int reports;
    int64_t unlogged;
};

struct rate *rate_new(void)
{
    struct rate *rate = calloc(1, sizeof *rate);
    if (rate == NULL)
        abort();
    rand_bytes(rate->hash_key, sizeof rate->hash_key);
    pthread_mutex_init(&rate->lock, NULL);
    return rate;
}

void rate_free(struct rate **rate)
{
    if (*rate == NULL)
        return;
    pthread_mutex_destroy(&(*rate)->lock);
    free(*rate);
    *rate = NULL;
}

/* Never 0, which marks an unused place. Nobody outside can aim at a set: the hash is keyed. */
static uint64_t hash(const struct rate *rate, const void *bytes, size_t length)
{
    unsigned char digest[crypto_shorthash_BYTES];
    uint64_t key;
    crypto_shorthash(digest, bytes, length, rate->hash_key);
    memcpy(&key, digest, sizeof key);
    return key != 0 ? key : 1;
}

/* ---- refusals ---- */

static struct rate_verdict refuse(struct rate *rate, enum rate_refusal refusal, int64_t wait_ms,
                                  int64_t *reported_at_ms, int64_t now_ms)
{
    struct rate_verdict verdict = {.refusal = refusal, .retry_after_s = (int)((wait_ms + 999) / 1000)};
    if (verdict.retry_after_s < 1)
        verdict.retry_after_s = 1;
    if (rate->report_window_ms == 0 || now_ms - rate->report_window_ms >= REPORT_MS) {
        rate->report_window_ms = now_ms;
        rate->reports = 0;
    }
    bool is_due = *reported_at_ms == 0 || now_ms - *reported_at_ms >= REPORT_MS;
    verdict.is_logged = is_due && rate->reports < REPORTS_PER_MINUTE;
    if (verdict.is_logged) {
        *reported_at_ms = now_ms;
        rate->reports++;
        verdict.unlogged = rate->unlogged;
        rate->unlogged = 0;
    } else {
        rate->unlogged++;
    }
    return verdict;
}

/* ---- per address and per connection ---- */

static void pay_off(struct counter *counter, struct rate_limit limit, int64_t now_ms)
{
    int64_t elapsed = now_ms - counter->counted_at_ms, full = limit.burst * START;
    counter->counted_at_ms = now_ms;
    if (elapsed > full / limit.per_minute) /* pays off any debt; more could overflow */
        counter->debt = 0;
    else if (elapsed > 0)
        counter->debt -= elapsed * limit.per_minute;
    if (counter->debt < 0)
        counter->debt = 0;
    if (counter->debt > full)
        counter->debt = full;
}

/* The counter of a key. A newcomer to a full set takes the place of the smallest debt there, and the debt
 * with it: so nobody gets rid of a debt by pushing it out with other keys. */
static struct counter *find_counter(struct counter *set, uint64_t key, struct rate_limit limit,
                                    int64_t now_ms)
{
    struct counter *least = NULL;
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].key != 0)
            pay_off(&set[i], limit, now_ms);
        if (set[i].key == key)
            return &set[i];
        if (least == NULL || (least->key != 0 && (set[i].key == 0 || set[i].debt < least->debt)))
            least = &set[i];
    }
    *least = (struct counter){.key = key, .debt = least->debt, .counted_at_ms = now_ms};
    return least;
}

/* Whether there is room for one more. Under the lock. */
static struct rate_verdict judge(struct rate *rate, struct counter *counter, struct rate_limit limit,
                                 enum rate_refusal refusal, int64_t now_ms)
{
    int64_t excess = counter->debt + START - limit.burst * START;
    return excess > 0 ? refuse(rate, refusal, excess / limit.per_minute, &counter->reported_at_ms, now_ms)
                      : (struct rate_verdict){.refusal = RATE_ALLOWED};
}

static struct rate_verdict take(struct rate *rate, struct counter *set, uint64_t key, struct rate_limit limit,
                                enum rate_refusal refusal, int64_t now_ms)
{
    pthread_mutex_lock(&rate->lock);
    struct counter *counter = find_counter(set, key, limit, now_ms);
    struct rate_verdict verdict = judge(rate, counter, limit, refusal, now_ms);
    if (verdict.refusal == RATE_ALLOWED)
        counter->debt += START;
    pthread_mutex_unlock(&rate->lock);
    return verdict;
}

static uint64_t address_key(const struct rate *rate, struct str address)
{
    static const uint8_t mapped[12] = {[10] = 0xFF, [11] = 0xFF};
    struct address parsed = {{0}};
    if (address_parse(address, &parsed) != OK)
        parsed = (struct address){{0}};
    /* Who has an IPv6 address has all of its /64. */
    if (memcmp(parsed.bytes, mapped, sizeof mapped) != 0)
        memset(parsed.bytes + 8, 0, 8);
    return hash(rate, parsed.bytes, sizeof parsed.bytes);
}

struct rate_verdict rate_take_address(struct rate *rate, struct str address, struct rate_limit limit,
                                      int64_t now_ms)
{
    uint64_t key = address_key(rate, address);
    return take(rate, rate->addresses[key % ADDRESS_SETS], key, limit, RATE_ADDRESS, now_ms);
}

struct rate_verdict rate_take_connection(struct rate *rate, struct str connection, struct rate_limit limit,
                                         int64_t now_ms)
{
    uint64_t key = hash(rate, connection.data, connection.length);
    return take(rate, rate->connections[key % CONNECTION_SETS], key, limit, RATE_CONNECTION, now_ms);
}

/* ---- failures ---- */

static struct counter *counters_of(struct rate *rate, const struct rate_failures *failures, uint64_t *out_key)
{
    *out_key = failures->of == RATE_FAILED_ADDRESS ? address_key(rate, failures->key)
                                                   : hash(rate, failures->key.data, failures->key.length);
    size_t set = *out_key % FAILURE_SETS;
    switch (failures->of) {
    case RATE_FAILED_CLIENT:
        return rate->failed_clients[set];
    case RATE_FAILED_SESSION:
        return rate->failed_sessions[set];
    case RATE_FAILED_ADDRESS:
    case RATE_ALLOWED:
    case RATE_ADDRESS:
    case RATE_CONNECTION:
    case RATE_LOOP:
        break;
    }
    return rate->failed_addresses[set];
}

struct rate_verdict rate_check_failures(struct rate *rate, const struct rate_failures *failures,
                                        int64_t now_ms)
{
    uint64_t key;
    struct counter *set = counters_of(rate, failures, &key);
    pthread_mutex_lock(&rate->lock);
    struct counter *counter = find_counter(set, key, failures->limit, now_ms);
    struct rate_verdict verdict = judge(rate, counter, failures->limit, failures->of, now_ms);
    pthread_mutex_unlock(&rate->lock);
    return verdict;
}

void rate_add_failure(struct rate *rate, const struct rate_failures *failures, int64_t now_ms)
{
    uint64_t key;
    struct counter *set = counters_of(rate, failures, &key);
    pthread_mutex_lock(&rate->lock);
    find_counter(set, key, failures->limit, now_ms)->debt += START; /* pay_off keeps it within the burst */
    pthread_mutex_unlock(&rate->lock);
}

/* ---- per browser ---- */

static uint64_t browser_key(const struct rate *rate, struct str browser, struct str connection)
{
    uint64_t halves[2] = {hash(rate, browser.data, browser.length),
                          hash(rate, connection.data, connection.length)};
    return hash(rate, halves, sizeof halves);
}

/* The time of the start `back` starts ago; 1 = the last. */
static int64_t started(const struct history *history, unsigned back)
{
    return history->started_ms[(history->next + RATE_LOOP_STARTS_MAX - back) % RATE_LOOP_STARTS_MAX];
}

/* NULL when it is not there. */
static struct history *find_history(struct history *set, uint64_t key)
{
    for (size_t i = 0; i < WAYS; i++)
        if (set[i].key == key)
            return &set[i];
    return NULL;
}

/* The place of who has been silent for longest: this counter spots a fault, it keeps nobody out. */
static struct history *add_history(struct history *set, uint64_t key)
{
    struct history *oldest = &set[0];
    for (size_t i = 1; i < WAYS; i++)
        if (oldest->key != 0 && (set[i].key == 0 || started(&set[i], 1) < started(oldest, 1)))
            oldest = &set[i];
    *oldest = (struct history){.key = key};
    for (size_t i = 0; i < RATE_LOOP_STARTS_MAX; i++)
        oldest->started_ms[i] = INT64_MIN / 2;
    return oldest;
}

struct rate_verdict rate_take_browser(struct rate *rate, struct str browser, struct str connection,
                                      int starts, int64_t now_ms)
{
    struct rate_verdict verdict = {.refusal = RATE_ALLOWED};
    uint64_t key = browser_key(rate, browser, connection);
    struct history *set = rate->browsers[key % BROWSER_SETS];
    pthread_mutex_lock(&rate->lock);
    struct history *history = find_history(set, key);
    if (history == NULL)
        history = add_history(set, key);
    int64_t elapsed = now_ms - started(history, (unsigned)starts);
    if (elapsed < RATE_LOOP_MS) {
        verdict = refuse(rate, RATE_LOOP, RATE_LOOP_MS - elapsed, &history->reported_at_ms, now_ms);
    } else {
        history->started_ms[history->next] = now_ms;
        history->next = (history->next + 1) % RATE_LOOP_STARTS_MAX;
    }
    pthread_mutex_unlock(&rate->lock);
    return verdict;
}

void rate_forget_browser(struct rate *rate, struct str browser, struct str connection)
{
    uint64_t key = browser_key(rate, browser, connection);
    pthread_mutex_lock(&rate->lock);
    struct history *history = find_history(rate->browsers[key % BROWSER_SETS], key);
    if (history != NULL)
        *history = (struct history){0};
    pthread_mutex_unlock(&rate->lock);
}
