/*
 * How fast the store's verbs are, without HTTP around them:
 *
 *     store_bench [URL] [THREADS] [SECONDS]
 *
 * URL: sqlite:FILE (default: a file in the working folder, removed afterwards) or postgresql:... (tables are
 * made in a schema of the URL's choosing; use a throw-away database). Prints one line per job: operations per
 * second, the median and 99th percentile of their duration, and the CPU time of this process per operation.
 *
 *     authorize   flow_create, flow_take_callback, flow_identify, consent_state, grant_offer_code,
 * grant_issue rotate      grant_rotate, each thread its own family introspect  token_introspect of living
 * tokens
 */
#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/rand.h"
#include "base/vault.h"
#include "store/consent.h"
#include "store/flow.h"
#include "store/grant.h"
#include "store/store.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define THREADS_MAX 256
#define SAMPLES_MAX 2000000

struct worker {
    struct store *store;
    struct arena *arena;
    int64_t until_us;
    enum outcome (*job)(struct worker *worker);
    uint32_t *samples; /* microseconds */
    size_t count;
    bool has_failed;
    char access[TOKEN_TEXT_LENGTH + 1]; /* of the last authorization or rotation */
    char refresh[TOKEN_TEXT_LENGTH + 1];
};

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static struct str digest(struct arena *arena, struct str token)
{
    return codec_sha256(arena, token);
}

static void keep(char out_text[TOKEN_TEXT_LENGTH + 1], struct str token)
{
    memcpy(out_text, token.data, TOKEN_TEXT_LENGTH);
    out_text[TOKEN_TEXT_LENGTH] = '\0';
}

/* ---- jobs ---- */

static struct token_issue new_tokens(struct worker *worker, int64_t now)
{
    struct str access = rand_token(worker->arena), refresh = rand_token(worker->arena);
    keep(worker->access, access);
    keep(worker->refresh, refresh);
    return (struct token_issue){
        .access_digest = digest(worker->arena, access),
        .services = STR("48 49 51 63"),
        .access_expires_at = now + 900,
        .refresh_digest = digest(worker->arena, refresh),
        .refresh_expires_at = now + 15552000,
    };
}

static enum outcome log_in(struct worker *worker, struct flow *flow, int64_t now)
{
    struct arena *arena = worker->arena;
    struct flow taken;
    bool is_replay;
    *flow = (struct flow){
        .id = str_from_c(rand_uuid7_in(arena)),
        .door = STR("medmij"),
        .stage = FLOW_LOGIN,
        .state_digest = digest(arena, rand_token(arena)),
        .browser_digest = digest(arena, rand_token(arena)),
        .connection = STR("digid"),
        .issuer = STR("https://digid.example"),
        .nonce = rand_token(arena),
        .code_verifier = rand_token(arena),
        .payload =
            STR("{\"client_id\":\"pgo.example\",\"provider\":\"huisartsdeduinen\",\"scope\":\"48 49 51 "
                "63\",\"redirect_uri\":\"https://pgo.example/callback\"}"),
        .created_at = now,
        .expires_at = now + 900,
    };
    if (flow_create(worker->store, flow) != OK ||
        flow_take_callback(worker->store, flow->state_digest, now, arena, &taken, &is_replay) != OK ||
        is_replay)
        return FAILED;
    flow->identity = STR("999990019");
    flow->acr = STR("substantieel");
    flow->outcome = STR("48 49 51 63");
    flow->form_digest = digest(arena, rand_token(arena));
    return flow_identify(worker->store, flow);
}

static enum outcome give_consent(struct worker *worker, const struct flow *flow, int64_t now,
                                 struct consent_code *out_code)
{
    struct arena *arena = worker->arena;
    struct consent consent = {
        .id = str_from_c(rand_uuid7_in(arena)),
        .person = STR("999990019"),
        .provider = STR("huisartsdeduinen"),
        .provider_name = STR("Huisartsenpraktijk De Duinen"),
        .client_host = STR("pgo.example"),
        .client_name = STR("Mijn PGO"),
        .function = STR("collect"),
        .services_shown = STR("48 49 51 63"),
        .service_names = STR("Huisartsgegevens\nDocumenten\nBasisgegevens zorg\nVaccinaties"),
        .services_granted = STR("48 49 51 63"),
        .text_version = STR("je-2.2/consent_collect"),
        .text_hash = STR("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
        .is_given = true,
        .is_indefinite = true,
        .login_level = STR("substantieel"),
        .identity_provider = STR("digid"),
        .stated_at = now,
        .trace_id = str_from_c(rand_uuid4_in(arena)),
        .session_id = str_from_c(rand_uuid4_in(arena)),
    };
    *out_code = (struct consent_code){
        .grant_id = str_from_c(rand_uuid7_in(arena)),
        .code_digest = digest(arena, rand_token(arena)),
        .redirect_uri = STR("https://pgo.example/callback"),
        .correlation_id = consent.session_id,
        .expires_at = now + 900,
    };
    return consent_state(worker->store, flow->id, flow->form_digest, now, &consent, out_code);
}

static enum outcome authorize(struct worker *worker)
{
    int64_t now = clock_now();
    struct flow flow;
    struct consent_code code;
    struct grant grant;
    enum code_state state;
    if (log_in(worker, &flow, now) != OK || give_consent(worker, &flow, now, &code) != OK)
        return FAILED;
    if (grant_offer_code(worker->store, code.code_digest, now, worker->arena, &grant, &state) != OK ||
        state != CODE_FRESH)
        return FAILED;
    struct token_issue issue = new_tokens(worker, now);
    return grant_issue(worker->store, grant.id, &issue, now);
}

static enum outcome rotate(struct worker *worker)
{
    int64_t now = clock_now();
    struct str old = digest(worker->arena, str_from_c(worker->refresh));
    struct token_issue issue = new_tokens(worker, now);
    return grant_rotate(worker->store, old, &issue, STR_NONE, now);
}

static enum outcome introspect(struct worker *worker)
{
    struct token_facts facts;
    struct str access = digest(worker->arena, str_from_c(worker->access));
    return token_introspect(worker->store, access, clock_now(), worker->arena, &facts);
}

/* ---- running and measuring ---- */

static void *work(void *context)
{
    struct worker *worker = context;
    for (;;) {
        int64_t start = now_us();
        if (start >= worker->until_us || worker->count == SAMPLES_MAX / THREADS_MAX * 16)
            return NULL;
        if (worker->job(worker) != OK) {
            worker->has_failed = true;
            return NULL;
        }
        arena_reset(worker->arena);
        worker->samples[worker->count++] = (uint32_t)(now_us() - start);
    }
}

static int compare_samples(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6 +
           (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec / 1e6;
}

static bool report(const char *name, struct worker *workers, int threads, double seconds, double cpu)
{
    size_t total = 0;
    for (int i = 0; i < threads; i++) {
        if (workers[i].has_failed) {
            printf("%-10s FAILED\n", name);
            return false;
        }
        total += workers[i].count;
    }
    uint32_t *all = malloc((total + 1) * sizeof *all);
    if (all == NULL || total == 0)
        return false;
    size_t filled = 0;
    for (int i = 0; i < threads; i++) {
        memcpy(all + filled, workers[i].samples, workers[i].count * sizeof *all);
        filled += workers[i].count;
    }
    qsort(all, total, sizeof *all, compare_samples);
    printf("%-10s %3d threads %9.0f ops/s  p50 %7.3f ms  p99 %7.3f ms  cpu %6.1f us/op\n", name, threads,
           (double)total / seconds, all[total / 2] / 1e3, all[total * 99 / 100] / 1e3,
           cpu * 1e6 / (double)total);
    fflush(stdout);
    free(all);
    return true;
}

static bool run(const char *name, enum outcome (*job)(struct worker *), struct worker *workers, int threads,
                int seconds)
{
    pthread_t ids[THREADS_MAX];
    int64_t start = now_us();
    double cpu = cpu_seconds();
    for (int i = 0; i < threads; i++) {
        workers[i].job = job;
        workers[i].count = 0;
        workers[i].until_us = start + (int64_t)seconds * 1000000;
        if (pthread_create(&ids[i], NULL, work, &workers[i]) != 0)
            abort();
    }
    for (int i = 0; i < threads; i++)
        pthread_join(ids[i], NULL);
    return report(name, workers, threads, (double)(now_us() - start) / 1e6, cpu_seconds() - cpu);
}

static void print_counters(struct store *store)
{
    struct store_counters counters;
    store_read_counters(store, &counters);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("reads %" PRIu64 ", writes %" PRIu64 ", batches %" PRIu64 ", retries %" PRIu64
           ", failures %" PRIu64 ", resident at most %ld MB\n",
           counters.reads, counters.writes, counters.batches, counters.retries, counters.failures,
           usage.ru_maxrss / 1024);
}

static bool run_all(struct store *store, int threads, int seconds)
{
    static struct worker workers[THREADS_MAX];
    for (int i = 0; i < threads; i++) {
        workers[i].store = store;
        workers[i].arena = arena_new();
        workers[i].samples = malloc(SAMPLES_MAX / THREADS_MAX * 16 * sizeof(uint32_t));
        if (workers[i].samples == NULL)
            abort();
    }
    bool is_ok = run("authorize", authorize, workers, threads, seconds) &&
                 run("rotate", rotate, workers, threads, seconds) &&
                 run("introspect", introspect, workers, threads, seconds);
    print_counters(store);
    for (int i = 0; i < threads; i++) {
        arena_free(&workers[i].arena);
        free(workers[i].samples);
    }
    return is_ok;
}

int main(int argc, char **argv)
{
    const char *own_file = "store_bench.db", *key_file = "store_bench.keys";
    const char *url = argc > 1 ? argv[1] : "sqlite:store_bench.db";
    int threads = argc > 2 ? atoi(argv[2]) : 32, seconds = argc > 3 ? atoi(argv[3]) : 5;
    if (threads < 1 || threads > THREADS_MAX || seconds < 1) {
        fprintf(stderr, "usage: store_bench [URL] [THREADS 1..%d] [SECONDS]\n", THREADS_MAX);
        return 2;
    }
    log_init(2, LOG_LEVEL_WARNING);
    struct failure failure = {""};
    struct vault *vault = NULL;
    struct store *store = NULL;
    int applied;
    unlink(key_file);
    if (rand_init() != OK || vault_create_file(key_file, &failure) != OK ||
        vault_load(key_file, &vault, &failure) != OK) {
        fprintf(stderr, "%s\n", failure.text);
        return 1;
    }
    struct store_settings settings = {url, 32, vault, "bench"};
    if (store_open(&settings, &store, &failure) != OK || store_migrate(store, &applied, &failure) != OK) {
        fprintf(stderr, "%s\n", failure.text);
        return 1;
    }
    bool is_ok = run_all(store, threads, seconds);
    store_close(&store);
    vault_free(&vault);
    unlink(key_file);
    if (argc <= 1)
        unlink(own_file);
    return is_ok ? 0 : 1;
}
