#include "http/server.h"

#include "base/clock.h"
#include "base/log.h"
#include "http/exchange.h"
#include "http/listen.h"
#include "http/worker.h"

#include <fcntl.h>
#include <gnutls/abstract.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define BODY_MAX_DEFAULT ((size_t)8192) /* spec 8.5 */
#define TARGET_MAX_DEFAULT ((size_t)8192)
#define CONNECTION_MAX_DEFAULT 1024u
#define IDLE_TIMEOUT_DEFAULT_S 60u
/* Room for headers and the read buffer in a connection's memory, beside the target. Together with the default
 * target it stays within the 32 KiB that libmicrohttpd takes from the heap; above it maps pages each time. */
#define CONNECTION_MEMORY ((size_t)24576)
/* A client may take this many times the idle timeout for one request or answer, however busy it looks. */
#define PATIENCE 2
#define STEP_MS 5
/* After the time of a drain: for handlers that run to end, and for their answers to leave. */
#define GRACE_JOBS_MS 1000
#define GRACE_ANSWERS_MS 200

struct tls *server_tls(struct http_server *server)
{
    pthread_mutex_lock(&server->tls_lock);
    struct tls *tls = tls_keep(server->tls);
    pthread_mutex_unlock(&server->tls_lock);
    return tls;
}

static const char *copy_text(struct arena *arena, const char *text)
{
    return text ? arena_strdup(arena, text) : NULL;
}

static void copy_settings(struct http_server *server, const struct http_listener_settings *given)
{
    struct http_listener_settings *own = &server->settings;
    *own = *given;
    own->name = copy_text(server->arena, given->name ? given->name : given->address);
    own->address = copy_text(server->arena, given->address);
    own->certificate_file = copy_text(server->arena, given->certificate_file);
    own->key_file = copy_text(server->arena, given->key_file);
    own->client_ca_file = copy_text(server->arena, given->client_ca_file);
    own->client_certificate_header = copy_text(server->arena, given->client_certificate_header);
    own->trusted_proxies = NULL; /* read into `proxies` */
    own->trusted_proxy_count = 0;
    if (own->body_max == 0)
        own->body_max = BODY_MAX_DEFAULT;
    if (own->target_max == 0)
        own->target_max = TARGET_MAX_DEFAULT;
    if (own->connection_max == 0)
        own->connection_max = CONNECTION_MAX_DEFAULT;
    if (own->idle_timeout_s == 0)
        own->idle_timeout_s = IDLE_TIMEOUT_DEFAULT_S;
    if (own->io_threads == 0) {
        long cores = sysconf(_SC_NPROCESSORS_ONLN);
        own->io_threads = cores > 0 ? (unsigned)cores : 1;
    }
    if (own->connection_max < own->io_threads)
        own->connection_max = own->io_threads;
}

static enum outcome check_table(const struct http_server *server, struct failure *failure)
{
    if (server->table->not_found == NULL || server->table->too_large == NULL)
        return failure_set(failure, "the route table has no error handlers");
    for (const struct route_table *table = server->table; table != NULL; table = table->next)
        for (size_t i = 0; i < table->count; i++)
            if ((table->routes[i].flags & ROUTE_BLOCKING) != 0 && server->workers == NULL)
                return failure_set(failure, "%s blocks, and there are no workers", table->routes[i].pattern);
    return OK;
}

/* Raw targets are ours to decode (http/form); libmicrohttpd is to leave them alone. */
static size_t leave_escaped(void *context, struct MHD_Connection *mhd, char *text)
{
    (void)context, (void)mhd;
    return strlen(text);
}

/* The format without its arguments: those can hold what a client sent. */
static void log_library(void *context, const char *format, va_list arguments)
{
    (void)arguments;
    const struct http_server *server = context;
    struct str text = str_from_c(format);
    while (text.length > 0 && text.data[text.length - 1] == '\n')
        text.length--;
    log_debug("http_library", LOG_C("listener", server->settings.name), LOG_STR("text", text));
}

/* A connection whose credentials could not be replaced by ours gets no certificate and so no handshake. */
static int refuse_certificate(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
                              gnutls_pcert_st **certificates, unsigned int *certificate_count,
                              gnutls_ocsp_data_st **ocsp, unsigned int *ocsp_count, gnutls_privkey_t *key,
                              unsigned int *flags)
{
    (void)session, (void)info, (void)certificates, (void)certificate_count;
    (void)ocsp, (void)ocsp_count, (void)key, (void)flags;
    return -1;
}

static struct MHD_Daemon *start_daemon(struct http_server *server, int listen_socket)
{
    const struct http_listener_settings *settings = &server->settings;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_TURBO |
                     MHD_USE_ERROR_LOG | (settings->certificate_file ? MHD_USE_TLS : 0u);
    struct MHD_OptionItem options[] = {
        {MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)log_library, server},
        {MHD_OPTION_LISTEN_SOCKET, listen_socket, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, settings->connection_max, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, settings->idle_timeout_s, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, (intptr_t)(CONNECTION_MEMORY + settings->target_max), NULL},
        /* Strict, version 0.9.75 checks two things more, and one of them closes without an answer;
         * http/intake checks both with a 400. */
        {MHD_OPTION_STRICT_FOR_CLIENT, 0, NULL},
        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)exchange_on_target, server},
        {MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)leave_escaped, NULL},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)exchange_on_completed, server},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)exchange_on_connection, server},
        {MHD_OPTION_END, 0, NULL},
        {MHD_OPTION_END, 0, NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    size_t last = sizeof options / sizeof options[0] - 3;
    if (settings->io_threads > 1)
        options[last++] = (struct MHD_OptionItem){MHD_OPTION_THREAD_POOL_SIZE, settings->io_threads, NULL};
    if (settings->certificate_file == NULL)
        return MHD_start_daemon(flags, 0, NULL, NULL, exchange_on_request, server, MHD_OPTION_ARRAY, options,
                                MHD_OPTION_END);
    return MHD_start_daemon(flags, 0, NULL, NULL, exchange_on_request, server, MHD_OPTION_ARRAY, options,
                            MHD_OPTION_HTTPS_PRIORITIES, TLS_PRIORITIES, MHD_OPTION_HTTPS_CERT_CALLBACK2,
                            refuse_certificate, MHD_OPTION_END);
}

static void server_free(struct http_server **server)
{
    struct http_server *mine = *server;
    *server = NULL;
    if (mine == NULL)
        return;
    for (size_t i = 0; i < 2; i++)
        if (mine->silence[i] >= 0)
            close(mine->silence[i]);
    tls_release(&mine->tls);
    watch_stop(&mine->watch);
    proxy_list_free(&mine->proxies);
    pthread_mutex_destroy(&mine->tls_lock);
    arena_free(&mine->arena);
    free(mine);
}

static enum outcome start_threads(struct http_server *server, int listen_socket, struct failure *failure)
{
    const struct http_listener_settings *settings = &server->settings;
    if (watch_start((int64_t)settings->idle_timeout_s * 1000 * PATIENCE, &server->watch, failure) != OK)
        return FAILED;
    server->daemon = start_daemon(server, listen_socket);
    if (server->daemon == NULL)
        return failure_set(failure, "%s: the listener cannot start", settings->address);
    return OK;
}

static enum outcome start(struct http_server *server, const struct http_listener_settings *given,
                          struct failure *failure)
{
    const struct http_listener_settings *settings = &server->settings;
    if (check_table(server, failure) != OK ||
        proxy_list_parse(given->trusted_proxies, given->trusted_proxy_count, &server->proxies, failure) != OK)
        return FAILED;
    if ((settings->certificate_file != NULL || settings->client_ca_file != NULL) &&
        tls_load(settings->certificate_file, settings->key_file, settings->client_ca_file, &server->tls,
                 failure) != OK)
        return FAILED;
    if (pipe2(server->silence, O_CLOEXEC) != 0)
        return failure_set(failure, "%s: no file descriptors are left", settings->address);
    if (listen_open(settings->address, &server->listen_socket, failure) != OK)
        return FAILED;
    /* The threads inherit this mask: signals are for the main thread. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    enum outcome outcome = start_threads(server, server->listen_socket, failure);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (outcome != OK)
        close(server->listen_socket);
    return outcome;
}

enum outcome http_server_start(const struct http_listener_settings *settings, const struct route_table *table,
                               struct http_workers *workers, struct http_server **out_server,
                               struct failure *failure)
{
    *out_server = NULL;
    struct http_server *server = calloc(1, sizeof *server);
    if (server == NULL)
        return failure_set(failure, "out of memory");
    pthread_mutex_init(&server->tls_lock, NULL);
    server->silence[0] = server->silence[1] = -1;
    server->arena = arena_new();
    server->table = table;
    server->workers = workers;
    copy_settings(server, settings);
    if (start(server, settings, failure) != OK) {
        server_free(&server);
        return failure_prefix(failure, "listener %s", settings->name ? settings->name : "-");
    }
    *out_server = server;
    return OK;
}

enum outcome http_server_reload(struct http_server *server, struct failure *failure)
{
    const struct http_listener_settings *settings = &server->settings;
    struct tls *fresh;
    if (settings->certificate_file == NULL && settings->client_ca_file == NULL)
        return OK;
    if (tls_load(settings->certificate_file, settings->key_file, settings->client_ca_file, &fresh, failure) !=
        OK)
        return failure_prefix(failure, "listener %s", settings->name);
    pthread_mutex_lock(&server->tls_lock);
    struct tls *old = server->tls;
    server->tls = fresh;
    pthread_mutex_unlock(&server->tls_lock);
    tls_release(&old);
    return OK;
}

static void step(void)
{
    struct timespec pause = {.tv_nsec = STEP_MS * 1000000L};
    nanosleep(&pause, NULL);
}

static bool wait_for_zero(atomic_uint *count, int64_t until_ms)
{
    while (atomic_load(count) > 0) {
        if (clock_monotonic_ms() >= until_ms)
            return atomic_load(count) == 0;
        step();
    }
    return true;
}

/* Nobody is let in any more. MHD_quiesce_daemon would do, were it not that version 0.9.75 takes the socket
 * out of the epoll sets in two threads at once, and aborts in the one that comes second. So the socket is
 * closed under the library's number, which takes it out of every set, and the number stands for something
 * that is never ready; MHD_stop_daemon closes that. */
static void stop_listening(struct http_server *server)
{
    if (dup3(server->silence[0], server->listen_socket, O_CLOEXEC) < 0)
        log_error("listener_not_closed", LOG_C("listener", server->settings.name));
}

bool http_server_drain(struct http_server **server, unsigned seconds)
{
    struct http_server *mine = *server;
    *server = NULL;
    if (mine == NULL)
        return true;
    int64_t until_ms = clock_monotonic_ms() + (int64_t)seconds * 1000;
    atomic_store(&mine->is_draining, true);
    stop_listening(mine);
    bool is_clean = wait_for_zero(&mine->exchanges_now, until_ms);
    /* From here a request on a kept connection is closed on, unread; its client knows to send it again. The
     * counter is raised before `is_closed` is read, so none slips between. */
    atomic_store(&mine->is_closed, true);
    is_clean = wait_for_zero(&mine->exchanges_now, until_ms) && is_clean;
    atomic_store(&mine->is_cut, !is_clean);
    /* Handlers cannot be stopped half-way, and a suspended connection cannot be closed. */
    if (!wait_for_zero(&mine->jobs_now, clock_monotonic_ms() + GRACE_JOBS_MS)) {
        log_error("drain_gave_up", LOG_C("listener", mine->settings.name),
                  LOG_INT("running", atomic_load(&mine->jobs_now)));
        return false; /* its memory is in use; the process is about to end */
    }
    if (!is_clean)
        (void)wait_for_zero(&mine->exchanges_now, clock_monotonic_ms() + GRACE_ANSWERS_MS);
    MHD_stop_daemon(mine->daemon);
    server_free(&mine);
    return is_clean;
}

void http_server_read_counters(const struct http_server *server, struct http_server_counters *out_counters)
{
    *out_counters = (struct http_server_counters){
        .requests = atomic_load_explicit(&server->requests, memory_order_relaxed),
        .connections_now = atomic_load_explicit(&server->connections_now, memory_order_relaxed),
        .busy_workers_now = worker_busy_now(server->workers),
    };
    for (size_t i = 1; i < 6; i++)
        out_counters->responses_by_class[i] =
            atomic_load_explicit(&server->responses_by_class[i], memory_order_relaxed);
}
