/*
 * The load generator: runs the jobs named on the command line one after the other, each with its own number
 * of threads, and prints one JSON object per job. See bench/README.md.
 *
 *     load --front 24080 --back 24443 --internal 24090 --idp 24091 --certificates DIR --server PID
 *          [--store PID] [--peer PORT] [--seconds N] [--count N] [--label TEXT] JOB[:THREADS]...
 *
 * Jobs: authorize, redeem, refresh, introspect, sso, sso-paced; of the peers peer, apache, apache-paced.
 * redeem first collects codes, unmeasured; refresh and introspect go on with the tokens of the jobs before
 * them. A paced job starts PACE operations a second, and a sample counts from when its operation was due: one
 * that has to wait for its turn is as slow as its person would say. With --count a job is N operations,
 * without warming up and for as long as they take: to count instructions or system calls per operation.
 */
#include "base/log.h"
#include "journey.h"
#include "peer.h"
#include "process.h"
#include "provider.h"
#include "sign_on.h"

#include <getopt.h>
#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define THREADS_MAX 512
#define WARM_UP_MS 1000
#define FAILURES_SHOWN 5
#define COUNTED_MS 3600000 /* a bound on --count, where a server may be slowed down a hundredfold */
#define PACE 200           /* logins a second that a node has to sustain */

struct options {
    struct scene scene;
    unsigned idp_port, seconds, count;
    const char *certificates, *label;
    pid_t server, store;
    struct provider_server *provider; /* NULL = none in this process */
};

struct samples {
    uint32_t *microseconds;
    size_t count, capacity;
};

enum phase { WARMING_UP, MEASURING, STOPPING };

struct run {
    operation *operation;
    unsigned pace; /* operations a second; 0 = as many as go */
    int64_t began_us;
    atomic_uint turns;
    unsigned limit; /* operations to begin; 0 = as many as go */
    atomic_uint begun;
    _Atomic enum phase phase;
    atomic_uint failures, active;
};

struct runner {
    pthread_t thread;
    struct run *run;
    struct traveller traveller;
    struct samples samples;
};

static struct runner runners[THREADS_MAX];

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void sleep_ms(unsigned milliseconds)
{
    const struct timespec pause = {.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000L};
    nanosleep(&pause, NULL);
}

static void add_sample(struct samples *samples, int64_t microseconds)
{
    if (samples->count == samples->capacity) {
        samples->capacity = samples->capacity ? samples->capacity * 2 : 4096;
        samples->microseconds = reallocarray(samples->microseconds, samples->capacity, sizeof(uint32_t));
        if (samples->microseconds == NULL)
            abort();
    }
    samples->microseconds[samples->count++] = (uint32_t)microseconds;
}

/* When the next operation is due: now, or when a paced run has come to it. */
static int64_t wait_for_turn(struct run *run)
{
    if (run->pace == 0)
        return now_us();
    int64_t due = run->began_us + (int64_t)atomic_fetch_add(&run->turns, 1) * 1000000 / run->pace;
    int64_t early = due - now_us();
    if (early > 0)
        usleep((useconds_t)early);
    return due;
}

/* An operation counts when it ends while measuring. */
static void *run_thread(void *context)
{
    struct runner *runner = context;
    struct run *run = runner->run;
    while (run->phase != STOPPING) {
        struct failure failure = {""};
        if (run->limit > 0 && atomic_fetch_add(&run->begun, 1) >= run->limit)
            break;
        arena_reset(runner->traveller.arena);
        int64_t began = wait_for_turn(run);
        enum outcome outcome = run->operation(&runner->traveller, &failure);
        if (outcome == ABSENT)
            break;
        if (outcome == FAILED && atomic_fetch_add(&run->failures, 1) < FAILURES_SHOWN)
            fprintf(stderr, "load: %s\n", failure.text);
        if (outcome == FAILED)
            sleep_ms(10);
        else if (run->phase == MEASURING)
            add_sample(&runner->samples, now_us() - began);
    }
    atomic_fetch_sub(&run->active, 1);
    return NULL;
}

static int compare(const void *a, const void *b)
{
    uint32_t left, right;
    memcpy(&left, a, sizeof left);
    memcpy(&right, b, sizeof right);
    return (left > right) - (left < right);
}

static struct samples gather(unsigned threads)
{
    struct samples all = {NULL, 0, 0};
    for (unsigned i = 0; i < threads; i++) {
        for (size_t s = 0; s < runners[i].samples.count; s++)
            add_sample(&all, runners[i].samples.microseconds[s]);
        free(runners[i].samples.microseconds);
        runners[i].samples = (struct samples){NULL, 0, 0};
    }
    if (all.count > 0)
        qsort(all.microseconds, all.count, sizeof(uint32_t), compare);
    return all;
}

static double percentile_ms(const struct samples *sorted, double part)
{
    if (sorted->count == 0)
        return 0;
    return sorted->microseconds[(size_t)(part * (double)(sorted->count - 1))] / 1000.0;
}

/* ---- what the server says and uses ---- */

struct reading {
    int64_t at_us;
    double server_cpu, store_cpu, own_cpu, machine_cpu;
    int64_t reads, writes, batches, log_lost;
    struct provider_counters provider;
};

static int64_t metric(struct str text, const char *name)
{
    struct str value;
    int64_t number;
    return wire_between(text, name, "\n", &value) && str_to_int64(value, &number) == OK ? number : 0;
}

/* A peer has no metrics of ours, and may be several processes. */
static struct reading read_all(const struct options *options, bool is_peer)
{
    struct rusage own;
    struct reading reading = {.at_us = 0};
    if (!is_peer) {
        struct arena *arena = arena_new();
        struct wire *wire = wire_new("localhost", options->scene.internal_port, NULL);
        struct wire_answer answer;
        struct failure failure;
        if (wire_call(wire, arena, "/metrics", "", NULL, &answer, &failure) == OK) {
            reading.reads = metric(answer.body, "\nsluis_store_reads_total ");
            reading.writes = metric(answer.body, "\nsluis_store_writes_total ");
            reading.batches = metric(answer.body, "\nsluis_store_batches_total ");
            reading.log_lost = metric(answer.body, "\nsluis_sso_log_lost_total ");
        }
        wire_free(&wire);
        arena_free(&arena);
    }
    getrusage(RUSAGE_SELF, &own);
    reading.own_cpu = (double)(own.ru_utime.tv_sec + own.ru_stime.tv_sec) +
                      (double)(own.ru_utime.tv_usec + own.ru_stime.tv_usec) / 1e6;
    reading.server_cpu = process_cpu(options->server, is_peer);
    reading.provider = provider_read(options->provider);
    reading.store_cpu = process_cpu(options->store, true);
    reading.machine_cpu = machine_cpu();
    reading.at_us = now_us();
    return reading;
}

/* The part of the machine that neither server, store nor load generator used, but somebody else did. */
static double share_of_others(const struct reading *before, const struct reading *after, double seconds)
{
    double known = after->server_cpu - before->server_cpu + after->store_cpu - before->store_cpu +
                   after->own_cpu - before->own_cpu;
    double others = after->machine_cpu - before->machine_cpu - known;
    return others > 0 ? others / seconds / (double)sysconf(_SC_NPROCESSORS_ONLN) : 0;
}

/* The identity provider's own time in one operation. */
static double provider_share(const struct provider_counters *before, const struct provider_counters *after)
{
    int64_t calls = after->token_calls - before->token_calls;
    return calls > 0 ? (after->busy_ms - before->busy_ms) / (double)calls : 0;
}

static void print_result(const struct options *options, const char *job, unsigned threads,
                         const struct run *run, const struct samples *samples, const struct reading *before,
                         const struct reading *after)
{
    double seconds = (double)(after->at_us - before->at_us) / 1e6;
    double count = samples->count > 0 ? (double)samples->count : 1;
    double writes = (double)(after->writes - before->writes);
    json_t *result = json_pack(
        "{s:s, s:s, s:i, s:I, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:I, "
        "s:i}",
        "label", options->label, "job", job, "threads", (int)threads, "operations",
        (json_int_t)samples->count, "seconds", seconds, "per_second", (double)samples->count / seconds,
        "p50_ms", percentile_ms(samples, 0.5), "p95_ms", percentile_ms(samples, 0.95), "p99_ms",
        percentile_ms(samples, 0.99), "idp_ms", provider_share(&before->provider, &after->provider),
        "server_cpu_ms", (after->server_cpu - before->server_cpu) * 1000 / count, "store_cpu_ms",
        (after->store_cpu - before->store_cpu) * 1000 / count, "load_cpu_ms",
        (after->own_cpu - before->own_cpu) * 1000 / count, "memory_mb", process_memory(options->server),
        "reads_per_operation", (double)(after->reads - before->reads) / count, "writes_per_operation",
        writes / count, "batches_per_write",
        writes > 0 ? (double)(after->batches - before->batches) / writes : 0.0, "others_share",
        share_of_others(before, after, seconds), "log_lost", (json_int_t)(after->log_lost - before->log_lost),
        "failures", (int)run->failures);
    char *text = json_dumps(result, JSON_COMPACT | JSON_REAL_PRECISION(6));
    if (text != NULL)
        puts(text);
    fflush(stdout);
    free(text);
    json_decref(result);
}

/* ---- jobs ---- */

static void start_threads(struct run *run, unsigned threads)
{
    run->active = threads;
    for (unsigned i = 0; i < threads; i++) {
        runners[i].run = run;
        if (pthread_create(&runners[i].thread, NULL, run_thread, &runners[i]) != 0)
            abort();
    }
}

static void wait_at_most(struct run *run, unsigned milliseconds)
{
    int64_t until = now_us() + (int64_t)milliseconds * 1000;
    while (run->active > 0 && now_us() < until)
        sleep_ms(5);
}

static const struct job {
    const char *name;
    operation *operation, *preparation;
    unsigned threads, pace;
    bool is_peer;
} jobs[] = {
    {"authorize", journey_authorize, NULL, 48, 0, false},
    {"redeem", journey_redeem, journey_get_ticket, 32, 0, false},
    {"refresh", journey_refresh, NULL, 32, 0, false},
    {"introspect", journey_introspect, NULL, 16, 0, false},
    {"sso", sign_on_sluis, NULL, 32, 0, false},
    {"sso-paced", sign_on_sluis, NULL, 64, PACE, false},
    {"peer", peer_authorize, NULL, 8, 0, true},
    {"apache", sign_on_apache, NULL, 32, 0, true},
    {"apache-paced", sign_on_apache, NULL, 64, PACE, true},
};

/* The job itself, or its preparation, which is not reported and has no warming up. */
static bool measure(const struct options *options, const struct job *job, unsigned threads,
                    bool is_preparation)
{
    bool has_warm_up = !is_preparation && job->preparation == NULL && options->count == 0;
    struct run run = {
        .operation = is_preparation ? job->preparation : job->operation,
        .pace = job->pace,
        .limit = options->count,
        .phase = has_warm_up ? WARMING_UP : MEASURING,
        .began_us = now_us(),
    };
    struct reading before = read_all(options, job->is_peer);
    start_threads(&run, threads);
    if (has_warm_up) {
        wait_at_most(&run, WARM_UP_MS);
        before = read_all(options, job->is_peer);
        run.phase = MEASURING;
    }
    wait_at_most(&run, options->count > 0 ? COUNTED_MS : options->seconds * 1000);
    run.phase = STOPPING;
    struct reading after = read_all(options, job->is_peer);
    for (unsigned i = 0; i < threads; i++)
        pthread_join(runners[i].thread, NULL);
    struct samples samples = gather(threads);
    if (!is_preparation)
        print_result(options, job->name, threads, &run, &samples, &before, &after);
    bool is_sound = samples.count > 0 && run.failures == 0;
    free(samples.microseconds);
    return is_sound;
}

static bool run_job(const struct options *options, const char *text)
{
    struct str rest = str_from_c(text), name, number;
    int64_t threads;
    (void)str_split_next(&rest, ':', &name);
    for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++) {
        const struct job *job = &jobs[i];
        if (!str_equal_c(name, job->name))
            continue;
        if (!str_split_next(&rest, ':', &number) || str_to_int64(number, &threads) != OK || threads < 1 ||
            threads > THREADS_MAX)
            threads = job->threads;
        bool is_sound = job->preparation == NULL || measure(options, job, (unsigned)threads, true);
        return measure(options, job, (unsigned)threads, false) && is_sound;
    }
    fprintf(stderr, "load: %s: no such job\n", text);
    return false;
}

/* ---- command line ---- */

static bool read_options(int argc, char **argv, struct options *out)
{
    enum { FRONT = 1, BACK, INTERNAL, IDP, PEER, SERVER, STORE, SECONDS, COUNT, CERTIFICATES, LABEL };
    static const struct option known[] = {
        {"front", required_argument, NULL, FRONT},
        {"back", required_argument, NULL, BACK},
        {"internal", required_argument, NULL, INTERNAL},
        {"idp", required_argument, NULL, IDP},
        {"peer", required_argument, NULL, PEER},
        {"server", required_argument, NULL, SERVER},
        {"store", required_argument, NULL, STORE},
        {"seconds", required_argument, NULL, SECONDS},
        {"label", required_argument, NULL, LABEL},
        {"count", required_argument, NULL, COUNT},
        {"certificates", required_argument, NULL, CERTIFICATES},
        {NULL, 0, NULL, 0},
    };
    *out = (struct options){.seconds = 10, .label = ""};
    unsigned server = 0, store = 0;
    unsigned *const numbers[] = {
        [FRONT] = &out->scene.front_port,
        [BACK] = &out->scene.back_port,
        [INTERNAL] = &out->scene.internal_port,
        [IDP] = &out->idp_port,
        [PEER] = &out->scene.peer_port,
        [SERVER] = &server,
        [STORE] = &store,
        [SECONDS] = &out->seconds,
        [COUNT] = &out->count,
    };
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        int64_t number;
        if (option == CERTIFICATES)
            out->certificates = optarg;
        else if (option == LABEL)
            out->label = optarg;
        else if (option < FRONT || option > COUNT || str_to_int64(str_from_c(optarg), &number) != OK)
            return false;
        else
            *numbers[option] = (unsigned)number;
    }
    out->server = (pid_t)server;
    out->store = (pid_t)store;
    return out->server > 0 && optind < argc;
}

static enum outcome open_scene(struct options *options, struct arena *arena, struct failure *failure)
{
    if (options->certificates != NULL && wire_tls(arena_printf(arena, "%s/ca.crt", options->certificates),
                                                  arena_printf(arena, "%s/pgo.crt", options->certificates),
                                                  arena_printf(arena, "%s/pgo.key", options->certificates),
                                                  &options->scene.tls, failure) != OK)
        return FAILED;
    if (options->idp_port > 0 && provider_start(options->idp_port, &options->provider, failure) != OK)
        return FAILED;
    for (size_t i = 0; i < THREADS_MAX; i++)
        traveller_open(&runners[i].traveller, &options->scene);
    return OK;
}

int main(int argc, char **argv)
{
    struct options options;
    struct failure failure = {""};
    bool is_sound = true;
    if (!read_options(argc, argv, &options)) {
        fputs("usage: see bench/README.md\n", stderr);
        return 2;
    }
    if (rand_init() != OK)
        return 1;
    log_init(STDERR_FILENO, LOG_LEVEL_WARNING);
    struct arena *arena = arena_new();
    if (open_scene(&options, arena, &failure) != OK) {
        fprintf(stderr, "load: %s\n", failure.text);
        return 1;
    }
    for (int i = optind; i < argc; i++)
        is_sound = run_job(&options, argv[i]) && is_sound;
    for (size_t i = 0; i < THREADS_MAX; i++)
        traveller_close(&runners[i].traveller);
    provider_stop(&options.provider);
    SSL_CTX_free(options.scene.tls);
    arena_free(&arena);
    return is_sound ? 0 : 1;
}
