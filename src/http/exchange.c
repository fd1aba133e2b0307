#include "http/exchange.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"
#include "http/intake.h"
#include "http/reply.h"
#include "http/worker.h"

#include <stdlib.h>

/* A refused body up to this size is read and thrown away, so that the client gets to read the answer; beyond
 * it the connection closes after the answer. */
#define SWALLOW_MAX ((uint64_t)262144)
/* A client certificate on a long-lived connection is verified again after this time. */
#define CERTIFICATE_FRESH_MS 60000

enum stage {
    STAGE_IDLE,     /* between requests */
    STAGE_TARGET,   /* the request line is in */
    STAGE_BODY,     /* the headers are in */
    STAGE_WORKING,  /* suspended, or resumed and not yet replied */
    STAGE_ANSWERED, /* the reply is libmicrohttpd's */
};

struct connection {
    struct worker_job job; /* first, so that a job is its connection */
    struct http_server *server;
    struct MHD_Connection *mhd;
    struct watch_entry watched;
    char peer_text[ADDRESS_TEXT_SIZE];
    bool is_proxy; /* the peer is a trusted proxy */

    struct tls *tls;                 /* of the handshake: keeps its credentials alive */
    struct tls *judge;               /* the snapshot `certificate` was verified against */
    struct arena *certificate_arena; /* holds `certificate` */
    struct http_client_certificate certificate;
    int64_t judged_ms;

    /* The exchange in progress. */
    enum stage stage;
    struct arena *arena;  /* its memory, reset after the answer */
    uintptr_t raw_target; /* where it stood in libmicrohttpd's buffer; compared only */
    struct str target;
    int64_t begun_ms;
    int refusal;  /* status decided without a route's handler; 0 = none */
    bool is_lost; /* where this request ends in the stream is not certain: close after the answer */
    const char *allow;
    const struct route *route;
    void *door; /* of the table that the route stands in */
    struct http_request request;
    struct http_response response;
    struct buf body;
    uint64_t swallowed;
    struct MHD_Response *reply;
    atomic_bool is_handled;
};

static struct connection *connection_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

static gnutls_session_t session_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    return info ? info->tls_session : NULL;
}

static void connection_open(struct http_server *server, struct MHD_Connection *mhd, void **context)
{
    struct connection *connection = calloc(1, sizeof *connection);
    *context = connection;
    if (connection == NULL)
        return; /* its requests are then closed on */
    atomic_fetch_add_explicit(&server->connections_now, 1, memory_order_relaxed);
    connection->server = server;
    connection->mhd = mhd;
    connection->arena = arena_new();

    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    struct address address;
    if (info != NULL && address_from_socket(info->client_addr, &address) == OK) {
        connection->is_proxy = proxy_list_has(&server->proxies, &address);
        address_format(&address, connection->peer_text);
    }
    info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    watch_add(server->watch, &connection->watched, info ? info->connect_fd : -1);
    gnutls_session_t session = session_of(mhd);
    if (session != NULL) {
        connection->tls = server_tls(server);
        tls_attach(connection->tls, session);
    }
}

static void exchange_end(struct connection *connection)
{
    if (connection->stage == STAGE_IDLE)
        return;
    if (connection->reply != NULL)
        MHD_destroy_response(connection->reply);
    connection->reply = NULL;
    connection->stage = STAGE_IDLE;
    arena_reset(connection->arena);
    watch_wait(&connection->watched);
    atomic_fetch_sub(&connection->server->exchanges_now, 1);
}

static void connection_close(struct http_server *server, void **context)
{
    struct connection *connection = *context;
    *context = NULL;
    if (connection == NULL)
        return;
    watch_remove(server->watch, &connection->watched);
    exchange_end(connection);
    tls_release(&connection->tls);
    tls_release(&connection->judge);
    arena_free(&connection->certificate_arena);
    arena_free(&connection->arena);
    free(connection);
    atomic_fetch_sub_explicit(&server->connections_now, 1, memory_order_relaxed);
}

void exchange_on_connection(void *server, struct MHD_Connection *mhd, void **context,
                            enum MHD_ConnectionNotificationCode code)
{
    switch (code) {
    case MHD_CONNECTION_NOTIFY_STARTED:
        connection_open(server, mhd, context);
        return;
    case MHD_CONNECTION_NOTIFY_CLOSED:
        connection_close(server, context);
        return;
    }
}

/*
 * The query is ours to parse. libmicrohttpd 0.9.75 would parse it too, into the connection's own memory, and
 * when many parameters exhaust that it leaves the connection hanging without an answer. So it gets to see an
 * empty one: the text is its writable line buffer, in which it is itself about to write.
 */
static void hide_query(const char *target)
{
    char *question = target ? strchr((char *)(uintptr_t)target, '?') : NULL;
    if (question != NULL)
        question[1] = '\0';
}

void *exchange_on_target(void *server, const char *target, struct MHD_Connection *mhd)
{
    struct connection *connection = connection_of(mhd);
    (void)server;
    if (connection == NULL)
        return NULL;
    exchange_end(connection);
    atomic_fetch_add(&connection->server->exchanges_now, 1);
    atomic_fetch_add_explicit(&connection->server->requests, 1, memory_order_relaxed);
    connection->stage = STAGE_TARGET;
    connection->raw_target = (uintptr_t)target;
    connection->target = str_copy(connection->arena, str_from_c(target));
    hide_query(target);
    connection->begun_ms = clock_monotonic_ms();
    connection->refusal = 0;
    connection->is_lost = false;
    connection->allow = "";
    connection->route = NULL;
    connection->request = (struct http_request){.arena = connection->arena};
    connection->response = (struct http_response){.arena = connection->arena};
    connection->body = buf_new(connection->arena, connection->server->settings.body_max);
    connection->swallowed = 0;
    atomic_store(&connection->is_handled, false);
    return connection;
}

void exchange_on_completed(void *server, struct MHD_Connection *mhd, void **context,
                           enum MHD_RequestTerminationCode code)
{
    (void)server, (void)mhd, (void)code;
    struct connection *connection = *context;
    *context = NULL;
    if (connection != NULL)
        exchange_end(connection);
}

/* The certificate that the connection itself proved; verified once, and again when the client CA was reloaded
 * or the verdict is no longer fresh. */
static const struct http_client_certificate *connection_certificate(struct connection *connection,
                                                                    struct tls *current)
{
    if (connection->judge == current && connection->begun_ms - connection->judged_ms < CERTIFICATE_FRESH_MS)
        return &connection->certificate;
    if (connection->certificate_arena == NULL)
        connection->certificate_arena = arena_new();
    arena_reset(connection->certificate_arena);
    tls_read_peer(current, session_of(connection->mhd), connection->certificate_arena,
                  &connection->certificate);
    tls_release(&connection->judge);
    connection->judge = tls_keep(current);
    connection->judged_ms = connection->begun_ms;
    return &connection->certificate;
}

static void read_identity(struct connection *connection, const struct intake_trust *trust)
{
    struct http_server *server = connection->server;
    struct http_request *request = &connection->request;
    if (trust->is_proxy)
        request->peer_address = intake_forwarded_for(request, &server->proxies, request->peer_address);
    if (server->settings.client_ca_file == NULL)
        return;
    struct tls *tls = server_tls(server);
    /* A proxy that passes certificates on never lends its own to a client that has none. */
    if (trust->is_proxy && trust->certificate_header != NULL)
        intake_proxied_certificate(request, trust, tls);
    else if (connection->tls != NULL)
        request->client_certificate = *connection_certificate(connection, tls);
    tls_release(&tls);
}

static enum http_method method_of(const char *method)
{
    if (strcmp(method, MHD_HTTP_METHOD_GET) == 0)
        return HTTP_GET;
    if (strcmp(method, MHD_HTTP_METHOD_HEAD) == 0)
        return HTTP_HEAD;
    if (strcmp(method, MHD_HTTP_METHOD_POST) == 0)
        return HTTP_POST;
    return HTTP_OTHER;
}

/* The version string stands behind the target and one space; a NUL in the target makes it seem shorter than
 * that. */
static bool has_hidden_bytes(const struct connection *connection, const char *version)
{
    return connection->raw_target + connection->target.length + 1 != (uintptr_t)version;
}

static int find_route(struct connection *connection)
{
    struct http_request *request = &connection->request;
    enum route_match match =
        router_match(connection->server->table, request->method, request->path, &connection->route,
                     &connection->door, &request->path_tail, &connection->allow);
    switch (match) {
    case ROUTE_FOUND:
        return 0;
    case ROUTE_NO_PATH:
        return 404;
    case ROUTE_NO_METHOD:
        return 405;
    }
    return 404;
}

/* Everything that can be said before the body comes. Sets refusal; false when the answer must not wait for
 * the body: it is too long to swallow, or the client waits to be told to go on. */
static bool prepare(struct connection *connection, const char *method, const char *version)
{
    struct http_server *server = connection->server;
    struct http_request *request = &connection->request;
    struct intake_trust trust = {connection->is_proxy, server->settings.client_certificate_header};
    uint64_t body_length = 0;
    rand_uuid7(request->id);
    request->method = method_of(method);
    request->method_text = str_from_c(method);
    request->is_https = server->settings.is_https;
    request->peer_address = str_from_c(connection->peer_text);

    int refusal = has_hidden_bytes(connection, version) ? 400 : 0;
    if (refusal == 0)
        refusal = intake_target(connection->target, server->settings.target_max, request);
    int header_refusal = intake_headers(connection->mhd, version, &trust, request, &body_length);
    if (header_refusal != 0) {
        connection->refusal = header_refusal;
        connection->is_lost = true;
        return false;
    }
    read_identity(connection, &trust);
    if (refusal == 0)
        refusal = find_route(connection);
    if (refusal == 0 && body_length != INTAKE_BODY_CHUNKED && body_length > server->settings.body_max)
        refusal = 413;
    connection->refusal = refusal;
    struct str expectation;
    bool is_waiting = http_request_header(request, "Expect", &expectation) != FORM_MISSING;
    return refusal == 0 ||
           (!is_waiting && (body_length == INTAKE_BODY_CHUNKED || body_length <= SWALLOW_MAX));
}

static void run_refusal(struct connection *connection)
{
    const struct route_table *table = connection->server->table;
    struct http_response *response = &connection->response;
    response->status = connection->refusal;
    switch (connection->refusal) {
    case 405:
        http_response_header(response, "Allow", connection->allow);
        table->not_found(table->door, &connection->request, response);
        return;
    case 404:
        table->not_found(table->door, &connection->request, response);
        return;
    case 413:
    case 414:
        table->too_large(table->door, &connection->request, response);
        return;
    case 431:
        http_response_text(response, 431, "Request Header Fields Too Large\n");
        return;
    case 503:
        http_response_text(response, 503, "Service Unavailable\n");
        return;
    default:
        http_response_text(response, connection->refusal, "Bad Request\n");
        return;
    }
}

static void build_reply(struct connection *connection)
{
    struct http_response *response = &connection->response;
    struct reply_context context = {.is_https = connection->server->settings.is_https,
                                    .is_last =
                                        connection->is_lost || atomic_load(&connection->server->is_draining)};
    connection->reply =
        response->status >= 200 && response->status <= 599 ? reply_build(response, &context) : NULL;
    if (connection->reply != NULL)
        return;
    log_error("handler_gave_no_answer", LOG_C("listener", connection->server->settings.name),
              LOG_STR("path", connection->request.path), LOG_C("request_id", connection->request.id),
              LOG_INT("status", response->status));
    *response = (struct http_response){.arena = connection->arena};
    http_response_text(response, 500, "Internal Server Error\n");
    connection->reply = reply_build(response, &context);
}

static enum MHD_Result send_reply(struct connection *connection)
{
    if (connection->reply == NULL)
        return MHD_NO;
    int status = connection->response.status;
    atomic_fetch_add_explicit(&connection->server->responses_by_class[status / 100], 1, memory_order_relaxed);
    connection->stage = STAGE_ANSWERED;
    watch_wait(&connection->watched);
    return MHD_queue_response(connection->mhd, (unsigned)status, connection->reply);
}

static enum MHD_Result answer_refusal(struct connection *connection)
{
    run_refusal(connection);
    build_reply(connection);
    return send_reply(connection);
}

static void run_handler(struct connection *connection)
{
    connection->route->handler(connection->door, &connection->request, &connection->response);
    build_reply(connection);
}

/* On a worker. Nothing may touch the connection after the resume. */
static void run_job(struct worker_job *job)
{
    struct connection *connection = (struct connection *)job;
    struct http_server *server = connection->server;
    if (atomic_load(&server->is_cut)) {
        connection->refusal = 503;
        run_refusal(connection);
        build_reply(connection);
    } else {
        run_handler(connection);
    }
    atomic_store_explicit(&connection->is_handled, true, memory_order_release);
    MHD_resume_connection(connection->mhd);
    atomic_fetch_sub(&server->jobs_now, 1);
}

static enum MHD_Result dispatch(struct connection *connection)
{
    connection->request.body = buf_str(&connection->body);
    if ((connection->route->flags & ROUTE_BLOCKING) == 0) {
        run_handler(connection);
        return send_reply(connection);
    }
    struct http_server *server = connection->server;
    atomic_fetch_add(&server->jobs_now, 1);
    connection->stage = STAGE_WORKING;
    connection->job.run = run_job;
    watch_rest(&connection->watched);
    MHD_suspend_connection(connection->mhd);
    worker_push(server->workers, &connection->job);
    return MHD_YES;
}

static enum MHD_Result take_upload(struct connection *connection, const char *upload, size_t *upload_size)
{
    size_t size = *upload_size;
    *upload_size = 0;
    if (connection->refusal == 0) {
        buf_append(&connection->body, str_of(upload, size));
        if (!connection->body.overflowed)
            return MHD_YES;
        connection->refusal = 413;
    }
    connection->swallowed += size;
    return connection->swallowed <= SWALLOW_MAX ? MHD_YES : MHD_NO;
}

enum MHD_Result exchange_on_request(void *context_of_server, struct MHD_Connection *mhd, const char *url,
                                    const char *method, const char *version, const char *upload,
                                    size_t *upload_size, void **context)
{
    (void)mhd, (void)url;
    struct http_server *server = context_of_server;
    struct connection *connection = *context;
    if (connection == NULL)
        return MHD_NO;
    switch (connection->stage) {
    case STAGE_IDLE:
        return MHD_NO;
    case STAGE_TARGET:
        if (atomic_load(&server->is_closed))
            return MHD_NO;
        connection->stage = STAGE_BODY;
        return prepare(connection, method, version) ? MHD_YES : answer_refusal(connection);
    case STAGE_BODY:
        if (*upload_size > 0)
            return take_upload(connection, upload, upload_size);
        return connection->refusal != 0 ? answer_refusal(connection) : dispatch(connection);
    case STAGE_WORKING:
        if (!atomic_load_explicit(&connection->is_handled, memory_order_acquire))
            return MHD_YES;
        return send_reply(connection);
    case STAGE_ANSWERED:
        return MHD_YES;
    }
    return MHD_NO;
}
