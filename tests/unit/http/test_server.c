/* A live listener on loopback: what libmicrohttpd lets through, and what we make of it. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"
#include "http/client.h"
#include "http/server.h"

#include "fixture.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>

static struct arena *arena;
static struct http_workers *workers;
static struct http_server *server;
static int port;
#define SLOW_US 300000

static atomic_uint slow_runs, slow_us = SLOW_US;

/* The door of the tests. */

static void say_hello(void *door, const struct http_request *request, struct http_response *response)
{
    (void)door, (void)request;
    http_response_text(response, 200, "hello\n");
}

/* Method, path, tail, query, body and peer, one per line. */
static void echo(void *door, const struct http_request *request, struct http_response *response)
{
    (void)door;
    struct buf text = buf_new(request->arena, 100000);
    const struct str parts[] = {request->method_text, request->path, request->path_tail,
                                request->query,       request->body, request->peer_address};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        buf_append(&text, parts[i]);
        buf_append_char(&text, '\n');
    }
    struct str header;
    if (http_request_header(request, "X-Forwarded-For", &header) != FORM_MISSING)
        buf_append_c(&text, "forwarded header seen\n");
    http_response_text(response, 200, buf_c(&text));
}

static void slow(void *door, const struct http_request *request, struct http_response *response)
{
    (void)door, (void)request;
    atomic_fetch_add(&slow_runs, 1);
    usleep(atomic_load(&slow_us));
    http_response_text(response, 200, "slept\n");
}

static void page(void *door, const struct http_request *request, struct http_response *response)
{
    (void)door;
    http_response_page(response, 200, STR("<!doctype html>"));
    if (str_equal_c(request->path_tail, "targets"))
        response->form_targets = "https://pgo.example http://pgo.localhost:8090";
    if (str_equal_c(request->path_tail, "evil-targets"))
        response->form_targets = "https://pgo.example; script-src *";
}

static void asset(void *door, const struct http_request *request, struct http_response *response)
{
    (void)door, (void)request;
    response->status = 200;
    response->kind = RESPONSE_ASSET;
    response->content_type = "text/css; charset=utf-8";
    response->body = STR("p{}");
}

static void redirect(void *door, const struct http_request *request, struct http_response *response)
{
    (void)door, (void)request;
    http_response_redirect(response, "https://pgo.example/cb?code=x");
}

static void split(void *door, const struct http_request *request, struct http_response *response)
{
    (void)door, (void)request;
    http_response_redirect(response, "https://pgo.example/\r\nSet-Cookie: a=b");
}

static void silent(void *door, const struct http_request *request, struct http_response *response)
{
    (void)door, (void)request, (void)response;
}

static void not_found(void *door, const struct http_request *request, struct http_response *response)
{
    (void)door, (void)request;
    http_response_text(response, response->status, "no such thing\n");
}

static void too_large(void *door, const struct http_request *request, struct http_response *response)
{
    (void)door, (void)request;
    http_response_text(response, response->status, "too large\n");
}

static const struct route routes[] = {
    {HTTP_GET, "/plain", say_hello, ROUTE_PLAIN},     {HTTP_GET, "/echo/*", echo, ROUTE_PLAIN},
    {HTTP_POST, "/echo/*", echo, ROUTE_PLAIN},        {HTTP_GET, "/blocking/*", echo, ROUTE_BLOCKING},
    {HTTP_POST, "/blocking/*", echo, ROUTE_BLOCKING}, {HTTP_GET, "/slow", slow, ROUTE_BLOCKING},
    {HTTP_GET, "/page/*", page, ROUTE_PLAIN},         {HTTP_GET, "/asset", asset, ROUTE_PLAIN},
    {HTTP_GET, "/redirect", redirect, ROUTE_PLAIN},   {HTTP_GET, "/split", split, ROUTE_BLOCKING},
    {HTTP_GET, "/silent", silent, ROUTE_PLAIN},
};
static const struct route_table table = {routes, sizeof routes / sizeof routes[0], NULL, not_found,
                                         too_large};

static void start_with(struct http_listener_settings settings)
{
    struct failure failure = {""};
    port = free_port();
    settings.name = "test";
    settings.address = arena_printf(arena, "127.0.0.1:%d", port);
    settings.target_max = 2000;
    settings.body_max = 1000;
    if (http_server_start(&settings, &table, workers, &server, &failure) != OK)
        fail_msg("%s", failure.text);
}

static int setup(void **state)
{
    (void)state;
    struct failure failure;
    log_init(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_LEVEL_DEBUG);
    arena = arena_new();
    return rand_init() == OK && http_workers_start(2, &workers, &failure) == OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    http_workers_stop(&workers);
    http_client_thread_end();
    arena_free(&arena);
    return 0;
}

static int listen_up(void **state)
{
    (void)state;
    start_with((struct http_listener_settings){0});
    return 0;
}

static int listen_down(void **state)
{
    (void)state;
    http_server_drain(&server, 1);
    return 0;
}

static struct http_answer call(const char *method, const char *path, struct str body)
{
    struct http_answer answer;
    struct failure failure = {""};
    struct http_call request = {.method = method,
                                .url = arena_printf(arena, "http://test.localhost:%d%s", port, path),
                                .body = body,
                                .connect_timeout_ms = 20000, /* a busy machine, sanitizers on */
                                .total_timeout_ms = 20000,
                                .body_max = 100000,
                                .is_http_allowed = true};
    if (http_client_call(arena, &request, &answer, &failure) != HTTP_CALL_OK)
        fail_msg("%s: %s", path, failure.text);
    return answer;
}

#define assert_answer(answer, expected_status, expected_body)                                                \
    do {                                                                                                     \
        struct http_answer got_answer = (answer);                                                            \
        assert_int_equal(got_answer.status, (expected_status));                                              \
        assert_true(str_equal_c(got_answer.body, (expected_body)));                                          \
    } while (0)

/* The first line of the answer to raw bytes starts with this status. */
#define assert_status(request, status)                                                                       \
    assert_memory_equal(raw_exchange(arena, port, STR(request)), "HTTP/1.1 " status, 12)
#define assert_has(text, piece) assert_non_null(strstr((text), (piece)))
#define assert_lacks(text, piece) assert_null(strstr((text), (piece)))

static void plain_and_blocking_routes(void **state)
{
    (void)state;
    assert_answer(call("GET", "/plain", STR_NONE), 200, "hello\n");
    assert_answer(call("GET", "/echo/a%20b/c?x=%41&y", STR_NONE), 200,
                  "GET\n/echo/a%20b/c\na%20b/c\nx=%41&y\n\n127.0.0.1\n");
    assert_answer(call("GET", "/blocking/tail", STR_NONE), 200, "GET\n/blocking/tail\ntail\n\n\n127.0.0.1\n");
    assert_answer(call("POST", "/echo/x", STR("a=1")), 200, "POST\n/echo/x\nx\n\na=1\n127.0.0.1\n");
    assert_answer(call("POST", "/blocking/x?q", STR("a=1")), 200,
                  "POST\n/blocking/x\nx\nq\na=1\n127.0.0.1\n");
    assert_answer(call("GET", "/plain", STR_NONE), 200, "hello\n");
}

static void unknown_paths_and_methods(void **state)
{
    (void)state;
    assert_answer(call("GET", "/nothing", STR_NONE), 404, "no such thing\n");
    assert_answer(call("POST", "/nothing", STR("body=here")), 404, "no such thing\n");
    const char *answer =
        raw_exchange(arena, port, STR("POST /plain HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"));
    assert_memory_equal(answer, "HTTP/1.1 405", 12);
    assert_has(answer, "Allow: GET, HEAD\r\n");
    assert_status("DELETE /echo/x HTTP/1.1\r\nHost: x\r\n\r\n", "405");
    assert_status("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "404");
}

static void bodies_are_capped(void **state)
{
    (void)state;
    char *body = arena_alloc(arena, 70000);
    memset(body, 'b', 70000);
    assert_int_equal(call("POST", "/echo/x", str_of(body, 1000)).status, 200);
    assert_answer(call("POST", "/echo/x", str_of(body, 1001)), 413, "too large\n");
    assert_answer(call("POST", "/blocking/x", str_of(body, 70000)), 413, "too large\n");
    /* Announced far too long: answered at once, without waiting for it. */
    assert_status("POST /echo/x HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n", "413");
    int raw = raw_connect(port);
    raw_send(raw, STR("POST /echo/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"));
    for (int i = 0; i < 11; i++) {
        raw_send(raw, STR("64\r\n"));
        raw_send(raw, str_of(body, 100));
        raw_send(raw, STR("\r\n"));
    }
    raw_send(raw, STR("0\r\n\r\n"));
    assert_memory_equal(raw_read(arena, raw, "\r\n\r\n", WAIT_MS), "HTTP/1.1 413", 12);
    close(raw);
}

static void chunked_bodies_are_whole(void **state)
{
    (void)state;
    assert_has(
        raw_exchange(arena, port,
                     STR("POST /blocking/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: "
                         "chunked\r\n\r\n3\r\na=1\r\n4;x=y\r\n&b=2\r\n0\r\n\r\n")),
        "HTTP/1.1 200");
    int raw = raw_connect(port);
    raw_send(raw, STR("POST /echo/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: "
                      "chunked\r\n\r\n3\r\na=1\r\n4;x=y\r\n&b=2\r\n0\r\n\r\n"));
    assert_has(raw_read(arena, raw, NULL, WAIT_MS), "\na=1&b=2\n");
    close(raw);
}

static void targets_are_capped_and_clean(void **state)
{
    (void)state;
    char path[2100] = "/echo/";
    memset(path + 6, 'a', 1994);
    assert_int_equal(call("GET", path, STR_NONE).status, 200);
    path[2000] = 'a';
    assert_answer(call("GET", path, STR_NONE), 414, "too large\n");
    assert_status("GET /pl\0ain HTTP/1.1\r\nHost: x\r\n\r\n", "400");
    assert_status("GET /plain\0 HTTP/1.1\r\nHost: x\r\n\r\n", "400");
    assert_status("GET /plain?a=\0 HTTP/1.1\r\nHost: x\r\n\r\n", "400");
    assert_status("GET /plain\x01 HTTP/1.1\r\nHost: x\r\n\r\n", "400");
    assert_status("GET /plain\x7F HTTP/1.1\r\nHost: x\r\n\r\n", "400");
    assert_status("GET /plain\t HTTP/1.1\r\nHost: x\r\n\r\n", "400");
    assert_status("GET http://other.example/plain HTTP/1.1\r\nHost: x\r\n\r\n", "200");
    assert_status("GET http://other.example HTTP/1.1\r\nHost: x\r\n\r\n", "404");
    assert_status("GET /pl ain HTTP/1.1\r\nHost: x\r\n\r\n", "400");
    assert_status("GET /plain  HTTP/1.1\r\nHost: x\r\n\r\n", "400");
}

static void many_parameters_are_answered(void **state)
{
    (void)state;
    struct buf request = buf_new(arena, 10000);
    buf_append_c(&request, "GET /echo/x?");
    for (int i = 0; i < 1900; i++)
        buf_append_char(&request, '&');
    buf_append_c(&request, " HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_memory_equal(raw_exchange(arena, port, buf_str(&request)), "HTTP/1.1 200", 12);
}

static void hostile_headers_are_refused(void **state)
{
    (void)state;
    assert_status("GET /plain HTTP/1.1\r\n\r\n", "400");
    assert_status("GET /plain HTTP/1.0\r\n\r\n", "200");
    assert_status("GET /plain HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", "400");
    assert_status("GET /plain HTTP/1.1\r\nHost: x\r\nX-Foo : a\r\n\r\n", "400");
    assert_status("GET /plain HTTP/1.1\r\nHost: x\r\nX Foo: a\r\n\r\n", "400");
    assert_status("GET /plain HTTP/1.1\r\nHost: x\r\nX-Foo: a\x01\r\n\r\n", "400");
    assert_status("GET /plain HTTP/1.1\r\nHost: x\r\nX-Forwarded: 192.0.2.1\r\n -For\r\n\r\n", "400");
    assert_status("GET /plain HTTP/1.1\r\nHost: x\r\nX-Forwarded: 192.0.2.1\r\n\t-For: a\r\nZ: a\r\n\r\n",
                  "400");
    assert_status("GET /plain HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n", "400");
    struct buf request = buf_new(arena, 10000);
    buf_append_c(&request, "GET /plain HTTP/1.1\r\nHost: x\r\n");
    for (int i = 0; i < 101; i++)
        buf_append_c(&request, "A: b\r\n");
    buf_append_c(&request, "\r\n");
    assert_memory_equal(raw_exchange(arena, port, buf_str(&request)), "HTTP/1.1 431", 12);
}

static void framing_is_unambiguous(void **state)
{
    (void)state;
    assert_status("POST /echo/x HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: "
                  "chunked\r\n\r\n0\r\n\r\n",
                  "400");
    assert_status("POST /echo/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "400");
    assert_status("POST /echo/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: "
                  "identity\r\n\r\n0\r\n\r\n",
                  "400");
    assert_status("POST /echo/x HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\na=1",
                  "400");
    assert_status("POST /echo/x HTTP/1.1\r\nHost: x\r\nContent-Length: 3, 3\r\n\r\na=1", "400");
    assert_status("POST /echo/x HTTP/1.1\r\nHost: x\r\nContent-Length: +3\r\n\r\na=1", "400");
    assert_status("POST /echo/x HTTP/1.1\r\nHost: x\r\nContent-Length: 0x3\r\n\r\na=1", "400");
}

/* After a request whose end is uncertain nothing more is read from that connection. */
static void uncertain_framing_ends_the_connection(void **state)
{
    (void)state;
    static const struct str uncertain[] = {
        STR("POST /echo/x HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 36\r\n\r\n"),
        STR("GET /plain HTTP/1.1\r\nHost: x\r\nX-Foo : a\r\n\r\n")};
    for (size_t i = 0; i < 2; i++) {
        int raw = raw_connect(port);
        struct buf request = buf_new(arena, 1000);
        buf_append(&request, uncertain[i]);
        buf_append_c(&request, "GET /plain HTTP/1.1\r\nHost: x\r\n\r\n");
        raw_send(raw, buf_str(&request));
        const char *answer = raw_read(arena, raw, NULL, WAIT_MS);
        assert_memory_equal(answer, "HTTP/1.1 400", 12);
        assert_has(answer, "Connection: close\r\n");
        assert_lacks(answer, "hello");
        close(raw);
    }
}

static void head_has_no_body(void **state)
{
    (void)state;
    int raw = raw_connect(port);
    raw_send(raw, STR("HEAD /plain HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
    const char *answer = raw_read(arena, raw, NULL, WAIT_MS);
    close(raw);
    assert_memory_equal(answer, "HTTP/1.1 200", 12);
    assert_has(answer, "Content-Length: 6\r\n");
    assert_lacks(answer, "hello");
}

static void continue_is_offered_only_to_welcome_bodies(void **state)
{
    (void)state;
    int raw = raw_connect(port);
    raw_send(raw,
             STR("POST /echo/x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"));
    assert_memory_equal(raw_read(arena, raw, "\r\n\r\n", WAIT_MS), "HTTP/1.1 100", 12);
    raw_send(raw, STR("a=1"));
    assert_memory_equal(raw_read(arena, raw, "\na=1\n", WAIT_MS), "HTTP/1.1 200", 12);
    close(raw);
    assert_status("POST /echo/x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1001\r\n\r\n",
                  "413");
    assert_status("POST /nothing HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n",
                  "404");
}

static void connections_are_kept(void **state)
{
    (void)state;
    struct http_server_counters before, after;
    http_server_read_counters(server, &before);
    int raw = raw_connect(port);
    for (int i = 0; i < 3; i++) {
        raw_send(raw, STR("GET /plain HTTP/1.1\r\nHost: x\r\n\r\n"));
        assert_has(raw_read(arena, raw, "hello\n", WAIT_MS), "HTTP/1.1 200");
        raw_send(raw, STR("POST /blocking/x HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na=1"));
        assert_has(raw_read(arena, raw, "127.0.0.1\n", WAIT_MS), "\na=1\n");
    }
    /* Two requests in one write are answered in order. */
    raw_send(raw, STR("GET /blocking/first HTTP/1.1\r\nHost: x\r\n\r\nGET /echo/second HTTP/1.1\r\nHost: "
                      "x\r\nConnection: close\r\n\r\n"));
    const char *both = raw_read(arena, raw, NULL, WAIT_MS);
    assert_has(both, "/blocking/first");
    assert_has(strstr(both, "/blocking/first"), "/echo/second");
    close(raw);
    http_server_read_counters(server, &after);
    assert_int_equal(after.requests - before.requests, 8);
    assert_int_equal(after.responses_by_class[2] - before.responses_by_class[2], 8);
}

static void answers_carry_the_headers_of_their_kind(void **state)
{
    (void)state;
    const char *answer = raw_exchange(arena, port, STR("GET /page/x HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_has(answer,
               "Content-Security-Policy: default-src 'none'; style-src 'self'; img-src 'self'; font-src "
               "'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'\r\n");
    assert_has(answer, "X-Frame-Options: DENY\r\n");
    assert_has(answer, "Referrer-Policy: no-referrer\r\n");
    assert_has(answer, "Cache-Control: no-store\r\n");
    assert_has(answer, "X-Content-Type-Options: nosniff\r\n");
    assert_lacks(answer, "Strict-Transport-Security");
    answer = raw_exchange(arena, port, STR("GET /page/targets HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_has(answer, "form-action 'self' https://pgo.example http://pgo.localhost:8090\r\n");
    answer = raw_exchange(arena, port, STR("GET /page/evil-targets HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_has(answer, "form-action 'self'\r\n");
    assert_lacks(answer, "script-src");
    answer = raw_exchange(arena, port, STR("GET /plain HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_has(answer, "Cache-Control: no-store\r\n");
    assert_has(answer, "Pragma: no-cache\r\n");
    assert_has(answer, "X-Content-Type-Options: nosniff\r\n");
    answer = raw_exchange(arena, port, STR("GET /asset HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_has(answer, "Cache-Control: public, max-age=");
    assert_has(answer, "X-Content-Type-Options: nosniff\r\n");
    assert_lacks(answer, "no-store");
    answer = raw_exchange(arena, port, STR("GET /redirect HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_memory_equal(answer, "HTTP/1.1 303", 12);
    assert_has(answer, "Location: https://pgo.example/cb?code=x\r\n");
    assert_has(answer, "Cache-Control: no-store\r\n");
    assert_has(answer, "Referrer-Policy: no-referrer\r\n");
}

static void faulty_handlers_end_in_500(void **state)
{
    (void)state;
    const char *answer = raw_exchange(arena, port, STR("GET /split HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_memory_equal(answer, "HTTP/1.1 500", 12);
    assert_lacks(answer, "Set-Cookie");
    assert_status("GET /silent HTTP/1.1\r\nHost: x\r\n\r\n", "500");
}

static void forwarded_headers_of_strangers_are_dropped(void **state)
{
    (void)state;
    int raw = raw_connect(port);
    raw_send(raw, STR("GET /echo/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Forwarded-For: "
                      "192.0.2.1\r\n\r\n"));
    const char *answer = raw_read(arena, raw, NULL, WAIT_MS);
    close(raw);
    assert_has(answer, "\n127.0.0.1\n");
    assert_lacks(answer, "192.0.2.1");
    assert_lacks(answer, "forwarded header seen");
}

static void forwarded_headers_of_proxies_are_believed(void **state)
{
    (void)state;
    static const char *const proxies[] = {"10.0.0.0/8", "127.0.0.1"};
    start_with((struct http_listener_settings){
        .trusted_proxies = proxies, .trusted_proxy_count = 2, .is_https = true});
    int raw = raw_connect(port);
    raw_send(raw, STR("GET /echo/x HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 198.51.100.66, "
                      "192.0.2.1\r\nX-Forwarded-For: 10.1.1.1\r\n\r\n"));
    assert_has(raw_read(arena, raw, "seen\n", WAIT_MS), "\n192.0.2.1\n");
    raw_send(raw, STR("GET /echo/x HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.1, unknown\r\n\r\n"));
    assert_has(raw_read(arena, raw, "seen\n", WAIT_MS), "\n127.0.0.1\n");
    close(raw);
    assert_has(raw_exchange(arena, port, STR("GET /page/x HTTP/1.1\r\nHost: x\r\n\r\n")),
               "Strict-Transport-Security: max-age=31536000\r\n");
    assert_true(http_server_drain(&server, 2));
}

struct caller {
    pthread_t thread;
    unsigned number;
    unsigned good;
};

static void *call_often(void *context)
{
    struct caller *caller = context;
    struct arena *own = arena_new();
    for (unsigned i = 0; i < 100; i++) {
        struct failure failure;
        struct http_answer answer;
        const char *kind = i % 2 ? "blocking" : "echo";
        struct http_call request = {
            .method = "POST",
            .url = arena_printf(own, "http://localhost:%d/%s/%u-%u", port, kind, caller->number, i),
            .body = str_from_c(arena_printf(own, "body-%u-%u", caller->number, i)),
            .total_timeout_ms = 20000,
            .body_max = 1000,
            .is_http_allowed = true};
        const char *expected = arena_printf(own, "POST\n/%s/%u-%u\n%u-%u\n\nbody-%u-%u\n127.0.0.1\n", kind,
                                            caller->number, i, caller->number, i, caller->number, i);
        if (http_client_call(own, &request, &answer, &failure) == HTTP_CALL_OK && answer.status == 200 &&
            str_equal_c(answer.body, expected))
            caller->good++;
        arena_reset(own);
    }
    arena_free(&own);
    return NULL;
}

static void concurrent_requests_do_not_mix(void **state)
{
    (void)state;
    struct caller callers[8];
    for (unsigned i = 0; i < 8; i++) {
        callers[i] = (struct caller){.number = i};
        assert_int_equal(pthread_create(&callers[i].thread, NULL, call_often, &callers[i]), 0);
    }
    for (unsigned i = 0; i < 8; i++) {
        pthread_join(callers[i].thread, NULL);
        assert_int_equal(callers[i].good, 100);
    }
}

static void wait_for_connections(uint64_t count)
{
    struct http_server_counters counters;
    do {
        usleep(1000);
        http_server_read_counters(server, &counters);
    } while (counters.connections_now < count);
}

static void slow_senders_hold_no_worker(void **state)
{
    (void)state;
    int senders[8]; /* more than there are workers */
    for (size_t i = 0; i < 8; i++) {
        senders[i] = raw_connect(port);
        raw_send(senders[i], STR("POST /blocking/x HTTP/1.1\r\nHost: x\r\nContent-Length: 30\r\n\r\na="));
    }
    wait_for_connections(8);
    usleep(50000);
    struct http_server_counters counters;
    http_server_read_counters(server, &counters);
    assert_int_equal(counters.busy_workers_now, 0);
    assert_int_equal(call("GET", "/blocking/quick", STR_NONE).status, 200);
    for (size_t i = 0; i < 8; i++)
        close(senders[i]);
}

static void *call_slow(void *context)
{
    const char **out_answer = context;
    int raw = raw_connect(port);
    raw_send(raw, STR("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"));
    *out_answer = raw_read(arena, raw, NULL, WAIT_MS);
    close(raw);
    return NULL;
}

static void drain_lets_work_in_flight_finish(void **state)
{
    (void)state;
    start_with((struct http_listener_settings){0});
    unsigned before = atomic_load(&slow_runs);
    int idle = raw_connect(port);
    raw_send(idle, STR("GET /plain HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_has(raw_read(arena, idle, "hello\n", WAIT_MS), "200");
    const char *answer = NULL;
    pthread_t caller;
    assert_int_equal(pthread_create(&caller, NULL, call_slow, &answer), 0);
    while (atomic_load(&slow_runs) == before)
        usleep(1000);
    assert_true(http_server_drain(&server, 30));
    assert_null(server);
    pthread_join(caller, NULL);
    assert_memory_equal(answer, "HTTP/1.1 200", 12);
    assert_has(answer, "Connection: close\r\n");
    assert_has(answer, "slept\n");
    assert_true(raw_is_closed(idle, WAIT_MS));
    close(idle);
    assert_int_equal(raw_connect(port), -1);
}

/* Three slow requests on two workers: what runs is let finish, what has not begun is told so. */
static void drain_without_time_turns_waiting_work_away(void **state)
{
    (void)state;
    start_with((struct http_listener_settings){0});
    atomic_store(&slow_us, 2000000); /* longer than the third is under way */
    unsigned before = atomic_load(&slow_runs);
    int raws[3];
    unsigned good = 0, turned_away = 0;
    for (size_t i = 0; i < 3; i++) {
        raws[i] = raw_connect(port);
        raw_send(raws[i], STR("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"));
    }
    while (atomic_load(&slow_runs) < before + 2)
        usleep(1000);
    wait_for_connections(3);
    usleep(300000);
    assert_false(http_server_drain(&server, 0));
    atomic_store(&slow_us, SLOW_US);
    for (size_t i = 0; i < 3; i++) {
        const char *answer = raw_read(arena, raws[i], NULL, WAIT_MS);
        good += strncmp(answer, "HTTP/1.1 200", 12) == 0;
        turned_away += strncmp(answer, "HTTP/1.1 503", 12) == 0;
        close(raws[i]);
    }
    assert_int_equal(good, 2);
    assert_int_equal(turned_away, 1);
    assert_int_equal(atomic_load(&slow_runs), before + 2);
}

static void drain_cuts_off_who_never_finishes(void **state)
{
    (void)state;
    start_with((struct http_listener_settings){0});
    int stuck = raw_connect(port);
    raw_send(stuck, STR("POST /blocking/x HTTP/1.1\r\nHost: x\r\nContent-Length: 30\r\n\r\na="));
    wait_for_connections(1);
    usleep(300000);
    int64_t begun = clock_monotonic_ms();
    assert_false(http_server_drain(&server, 1));
    assert_in_range(clock_monotonic_ms() - begun, 900, WAIT_MS);
    assert_true(raw_is_closed(stuck, WAIT_MS));
    close(stuck);
}

static void idle_connections_are_closed(void **state)
{
    (void)state;
    start_with((struct http_listener_settings){.idle_timeout_s = 1});
    int idle = raw_connect(port), half = raw_connect(port);
    raw_send(half, STR("GET /plain HTT"));
    assert_true(raw_is_closed(idle, WAIT_MS));
    assert_true(raw_is_closed(half, WAIT_MS));
    close(idle);
    close(half);
    assert_true(http_server_drain(&server, 1));
}

/* A byte now and then is not silence, but the whole wait has an end. */
static void trickling_connections_are_closed(void **state)
{
    (void)state;
    start_with((struct http_listener_settings){.idle_timeout_s = 1});
    int64_t begun = clock_monotonic_ms();
    int head = raw_connect(port), body = raw_connect(port);
    raw_send(head, STR("GET /plain HTTP/1.1\r\nX: "));
    raw_send(body, STR("POST /echo/x HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n\r\n"));
    bool is_head_closed = false, is_body_closed = false;
    while (!(is_head_closed && is_body_closed) && clock_monotonic_ms() - begun < WAIT_MS) {
        (void)!send(head, "a", 1, MSG_NOSIGNAL);
        (void)!send(body, "a", 1, MSG_NOSIGNAL);
        is_head_closed = is_head_closed || raw_is_closed(head, 100);
        is_body_closed = is_body_closed || raw_is_closed(body, 100);
    }
    assert_true(is_head_closed && is_body_closed);
    assert_in_range(clock_monotonic_ms() - begun, 1800, WAIT_MS);
    close(head);
    close(body);
    assert_true(http_server_drain(&server, 1));
}

static void assert_refused(struct http_listener_settings settings, const struct route_table *routing,
                           struct http_workers *pool, const char *reason)
{
    struct failure failure = {""};
    struct http_server *none = NULL;
    settings.name = "test";
    assert_int_equal(http_server_start(&settings, routing, pool, &none, &failure), FAILED);
    assert_null(none);
    if (strstr(failure.text, reason) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", failure.text, reason);
}

static void faulty_settings_are_refused(void **state)
{
    (void)state;
    static const char *const wrong_proxy[] = {"proxy.example"};
    static const char *const addresses[] = {"8080",          "localhost:8080",  "127.0.0.1",
                                            "127.0.0.1:0",   "127.0.0.1:65536", "::1:8080",
                                            "[127.0.0.1:80", "127.0.0.1:8080x", ""};
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++)
        assert_refused((struct http_listener_settings){.address = addresses[i]}, &table, workers,
                       "must look like");
    const char *taken = arena_printf(arena, "127.0.0.1:%d", port);
    assert_refused((struct http_listener_settings){.address = taken}, &table, workers,
                   "Address already in use");
    const char *free_address = arena_printf(arena, "127.0.0.1:%d", free_port());
    assert_refused((struct http_listener_settings){.address = free_address}, &table, NULL, "no workers");
    assert_refused((struct http_listener_settings){.address = free_address,
                                                   .trusted_proxies = wrong_proxy,
                                                   .trusted_proxy_count = 1},
                   &table, workers, "proxy.example");
    assert_refused(
        (struct http_listener_settings){.address = free_address, .certificate_file = "/nonexistent.crt"},
        &table, workers, "/nonexistent.crt");
    assert_refused(
        (struct http_listener_settings){.address = free_address, .client_ca_file = "/nonexistent.crt"},
        &table, workers, "/nonexistent.crt");
    struct route_table bare = table;
    bare.too_large = NULL;
    assert_refused((struct http_listener_settings){.address = free_address}, &bare, workers,
                   "error handlers");
}

#define LIVE(test) cmocka_unit_test_setup_teardown(test, listen_up, listen_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LIVE(plain_and_blocking_routes),
        LIVE(unknown_paths_and_methods),
        LIVE(bodies_are_capped),
        LIVE(chunked_bodies_are_whole),
        LIVE(targets_are_capped_and_clean),
        LIVE(many_parameters_are_answered),
        LIVE(hostile_headers_are_refused),
        LIVE(framing_is_unambiguous),
        LIVE(uncertain_framing_ends_the_connection),
        LIVE(head_has_no_body),
        LIVE(continue_is_offered_only_to_welcome_bodies),
        LIVE(connections_are_kept),
        LIVE(answers_carry_the_headers_of_their_kind),
        LIVE(faulty_handlers_end_in_500),
        LIVE(forwarded_headers_of_strangers_are_dropped),
        cmocka_unit_test(forwarded_headers_of_proxies_are_believed),
        LIVE(concurrent_requests_do_not_mix),
        LIVE(slow_senders_hold_no_worker),
        cmocka_unit_test(drain_lets_work_in_flight_finish),
        cmocka_unit_test(drain_without_time_turns_waiting_work_away),
        cmocka_unit_test(drain_cuts_off_who_never_finishes),
        cmocka_unit_test(idle_connections_are_closed),
        cmocka_unit_test(trickling_connections_are_closed),
        LIVE(faulty_settings_are_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
