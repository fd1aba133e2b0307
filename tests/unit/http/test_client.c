/* The outgoing client against a scripted peer: what it refuses, what it reports, and what it never says. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"
#include "http/client.h"

#include "fixture.h"

#include <pthread.h>

static struct arena *arena;

/* A peer that answers the n-th connection with the n-th text and closes it. NULL: it closes without a word;
 * "...": it keeps silent until it is stopped. */
struct peer {
    int port;
    int listening;
    const char *const *script;
    size_t length;
    char request[8192]; /* the last one */
    unsigned connections, gets, posts;
    pthread_t thread;
};

/* Reads one request; what there is of it when no more comes. */
static size_t peer_read(struct peer *peer, int raw)
{
    size_t length = 0;
    while (length < sizeof peer->request - 1) {
        ssize_t got = recv(raw, peer->request + length, sizeof peer->request - 1 - length, 0);
        if (got <= 0)
            break;
        length += (size_t)got;
        peer->request[length] = '\0';
        const char *end = strstr(peer->request, "\r\n\r\n");
        const char *announced = strstr(peer->request, "Content-Length: ");
        if (end != NULL && strlen(end + 4) >= (announced ? strtoul(announced + 16, NULL, 10) : 0))
            break;
    }
    return length;
}

static void peer_answer(struct peer *peer, int raw, const char *answer)
{
    (void)peer_read(peer, raw);
    if (answer == NULL)
        return;
    if (strcmp(answer, "...") == 0)
        raw_is_closed(raw, 5000);
    else
        (void)!send(raw, answer, strlen(answer), MSG_NOSIGNAL);
}

static void *peer_run(void *context)
{
    struct peer *peer = context;
    for (size_t i = 0; i < peer->length; i++) {
        int raw = accept(peer->listening, NULL, NULL);
        if (raw < 0)
            break;
        peer->connections++;
        peer_answer(peer, raw, peer->script[i]);
        shutdown(raw, SHUT_WR);
        raw_is_closed(raw, 50);
        close(raw);
    }
    return NULL;
}

/* Answers each GET with script[0] and keeps the connection for a while; hangs up on each POST. */
static void *peer_keep(void *context)
{
    struct peer *peer = context;
    const struct timeval patience = {.tv_usec = 300000};
    for (;;) {
        int raw = accept(peer->listening, NULL, NULL);
        if (raw < 0)
            return NULL;
        peer->connections++;
        setsockopt(raw, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        while (peer_read(peer, raw) > 0) {
            bool is_post = strncmp(peer->request, "POST ", 5) == 0;
            peer->posts += is_post;
            peer->gets += !is_post;
            if (is_post || send(raw, peer->script[0], strlen(peer->script[0]), MSG_NOSIGNAL) < 0)
                break;
        }
        close(raw);
    }
}

static void peer_start_as(struct peer *peer, const char *const *script, size_t length, void *(*run)(void *))
{
    *peer = (struct peer){.port = free_port(), .script = script, .length = length};
    struct sockaddr_in address = loopback(peer->port);
    peer->listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(peer->listening, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(peer->listening, 8), 0);
    assert_int_equal(pthread_create(&peer->thread, NULL, run, peer), 0);
}

static void peer_start(struct peer *peer, const char *const *script, size_t length)
{
    peer_start_as(peer, script, length, peer_run);
}

static void peer_stop(struct peer *peer)
{
    shutdown(peer->listening, SHUT_RDWR);
    pthread_join(peer->thread, NULL);
    close(peer->listening);
}

static int setup(void **state)
{
    (void)state;
    arena = arena_new();
    return rand_init() == OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    http_client_thread_end();
    arena_free(&arena);
    return 0;
}

static struct http_answer answer;
static struct failure failure;

static struct http_call local_call(const struct peer *peer, const char *path)
{
    return (struct http_call){.method = "GET",
                              .url = arena_printf(arena, "http://peer.localhost:%d%s", peer->port, path),
                              .total_timeout_ms = WAIT_MS,
                              .body_max = 1000,
                              .is_http_allowed = true};
}

static enum http_call_result perform(const struct http_call *call)
{
    failure.text[0] = '\0';
    return http_client_call(arena, call, &answer, &failure);
}

/* One call with one scripted answer. */
static enum http_call_result perform_against(const char *script, struct peer *out_peer,
                                             struct http_call *call)
{
    const char *const scripts[] = {script};
    peer_start(out_peer, scripts, 1);
    const char *path = call->url;
    struct http_call local = local_call(out_peer, path ? path : "/");
    call->url = local.url;
    call->is_http_allowed = true;
    call->body_max = call->body_max ? call->body_max : 1000;
    call->total_timeout_ms = call->total_timeout_ms ? call->total_timeout_ms : WAIT_MS;
    enum http_call_result result = perform(call);
    peer_stop(out_peer);
    return result;
}

static void an_answer_is_read(void **state)
{
    (void)state;
    struct peer peer;
    static const char *const headers[] = {"Accept: application/json", "X-One: 1"};
    struct http_call call = {.method = "POST",
                             .url = "/token?x=1",
                             .headers = headers,
                             .header_count = 2,
                             .body = STR("a=1&b=2"),
                             .basic_user = "me%3A",
                             .basic_password = "p:w"};
    assert_int_equal(
        perform_against("HTTP/1.1 400 Bad\r\nContent-Type: application/json; charset=utf-8\r\nDate: Sun, "
                        "06 Nov 1994 08:49:37 GMT\r\nContent-Length: 2\r\n\r\n{}",
                        &peer, &call),
        HTTP_CALL_OK);
    assert_int_equal(answer.status, 400);
    assert_true(str_equal_c(answer.body, "{}"));
    assert_string_equal(answer.content_type, "application/json; charset=utf-8");
    assert_int_equal(answer.date, 784111777);
    assert_memory_equal(peer.request, "POST /token?x=1 HTTP/1.1\r\n", 26);
    assert_non_null(strstr(peer.request, "\r\nAccept: application/json\r\n"));
    assert_non_null(strstr(peer.request, "\r\nX-One: 1\r\n"));
    assert_non_null(strstr(peer.request, "\r\nAuthorization: Basic bWUlM0E6cDp3\r\n"));
    assert_null(strstr(peer.request, "Expect:"));
    assert_non_null(strstr(peer.request, "\r\n\r\na=1&b=2"));
}

static void a_bare_answer_has_no_date_and_type(void **state)
{
    (void)state;
    struct peer peer;
    struct http_call call = {.method = "GET"};
    assert_int_equal(perform_against("HTTP/1.1 204 No Content\r\n\r\n", &peer, &call), HTTP_CALL_OK);
    assert_int_equal(answer.status, 204);
    assert_int_equal(answer.date, 0);
    assert_string_equal(answer.content_type, "");
    assert_null(strstr(peer.request, "Authorization"));
}

static void refused_urls_are_not_sent(void **state)
{
    (void)state;
    static const char *const urls[] = {"http://example.com/",
                                       "http://127.0.0.1/",
                                       "http://localhost.example.com/",
                                       "http://evillocalhost/",
                                       "http://.localhost./",
                                       "ftp://peer.localhost/",
                                       "file:///etc/passwd",
                                       "gopher://peer.localhost/",
                                       "https://user@peer.localhost/",
                                       "https://user:word@peer.localhost/",
                                       "https://peer.localhost\n/",
                                       "https://",
                                       "/path",
                                       "peer.localhost",
                                       ""};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct http_call call = {.method = "GET", .url = urls[i], .is_http_allowed = true, .body_max = 10};
        if (perform(&call) != HTTP_CALL_NOT_SENT || strstr(failure.text, "not allowed") == NULL)
            fail_msg("%s: %s", urls[i], failure.text);
    }
    struct http_call call = {.method = "GET", .url = "http://peer.localhost:1/", .is_private_allowed = true};
    assert_int_equal(perform(&call), HTTP_CALL_NOT_SENT); /* http needs development mode */
    assert_non_null(strstr(failure.text, "not allowed"));
    call = (struct http_call){.method = "PUT", .url = "https://example.com/"};
    assert_int_equal(perform(&call), HTTP_CALL_NOT_SENT);
}

static void private_addresses_are_not_called(void **state)
{
    (void)state;
    struct peer peer;
    const char *const script[] = {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"};
    peer_start(&peer, script, 1);
    const char *const urls[] = {arena_printf(arena, "https://127.0.0.1:%d/", peer.port),
                                arena_printf(arena, "https://localhost:%d/", peer.port),
                                arena_printf(arena, "https://peer.localhost:%d/", peer.port),
                                arena_printf(arena, "https://0x7f.1:%d/", peer.port),
                                arena_printf(arena, "https://2130706433:%d/", peer.port),
                                arena_printf(arena, "https://[::ffff:127.0.0.1]:%d/", peer.port),
                                arena_printf(arena, "https://0.0.0.0:%d/", peer.port),
                                "https://[::1]/",
                                "https://169.254.169.254/",
                                "https://10.0.0.1/"};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct http_call call = {.method = "GET", .url = urls[i], .body_max = 10, .total_timeout_ms = 2000};
        if (perform(&call) != HTTP_CALL_NOT_SENT || strstr(failure.text, "not a public one") == NULL)
            fail_msg("%s: %s", urls[i], failure.text);
    }
    peer_stop(&peer);
    assert_int_equal(peer.connections, 0);
}

static void no_answer_is_not_sent_or_broken(void **state)
{
    (void)state;
    struct peer peer;
    /* Nobody listens. */
    struct peer nobody = {.port = free_port()};
    struct http_call call = local_call(&nobody, "/secret-path?code=secret");
    assert_int_equal(perform(&call), HTTP_CALL_NOT_SENT);
    assert_non_null(strstr(failure.text, "peer.localhost: "));
    assert_null(strstr(failure.text, "secret"));
    /* No such name. */
    call = (struct http_call){.method = "GET", .url = "https://no-such-host.invalid/", .body_max = 10};
    assert_int_equal(perform(&call), HTTP_CALL_NOT_SENT);
    assert_non_null(strstr(failure.text, "no-such-host.invalid: "));
    /* Closed after the request. */
    call = (struct http_call){.method = "POST", .url = "/secret?code=secret", .body = STR("secret")};
    assert_int_equal(perform_against(NULL, &peer, &call), HTTP_CALL_BROKEN);
    assert_non_null(strstr(peer.request, "secret"));
    assert_null(strstr(failure.text, "secret"));
    /* Not HTTP. */
    call = (struct http_call){.method = "GET"};
    assert_int_equal(perform_against("hello\r\n", &peer, &call), HTTP_CALL_BROKEN);
    /* Cut off. */
    call = (struct http_call){.method = "GET"};
    assert_int_equal(perform_against("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", &peer, &call),
                     HTTP_CALL_BROKEN);
    assert_int_equal(answer.status, 0);
    assert_int_equal(answer.body.length, 0);
}

static void silence_is_timed_out(void **state)
{
    (void)state;
    struct peer peer;
    struct http_call call = {.method = "GET", .total_timeout_ms = 300};
    int64_t begun = clock_monotonic_ms();
    assert_int_equal(perform_against("...", &peer, &call), HTTP_CALL_TIMED_OUT);
    assert_in_range(clock_monotonic_ms() - begun, 250, WAIT_MS - 1);
    call = (struct http_call){.method = "GET"};
    assert_int_equal(perform_against("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", &peer, &call),
                     HTTP_CALL_BROKEN);
}

static void answers_are_capped(void **state)
{
    (void)state;
    struct peer peer;
    struct http_call call = {.method = "GET", .body_max = 5};
    assert_int_equal(perform_against("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n12345", &peer, &call),
                     HTTP_CALL_OK);
    assert_true(str_equal_c(answer.body, "12345"));
    call = (struct http_call){.method = "GET", .body_max = 5};
    assert_int_equal(perform_against("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n123456", &peer, &call),
                     HTTP_CALL_TOO_LARGE);
    call = (struct http_call){.method = "GET", .body_max = 5};
    assert_int_equal(
        perform_against("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n123456\r\n0\r\n\r\n",
                        &peer, &call),
        HTTP_CALL_TOO_LARGE);
    assert_int_equal(answer.body.length, 0);
}

#define GO_ON "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: "
#define DONE "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone"

static void redirects_stay_at_home(void **state)
{
    (void)state;
    struct peer peer;
    const char *const script[] = {GO_ON "/two\r\nConnection: close\r\n\r\n", DONE};
    peer_start(&peer, script, 2);
    struct http_call call = local_call(&peer, "/one");
    call.redirects_max = 1;
    assert_int_equal(perform(&call), HTTP_CALL_OK);
    peer_stop(&peer);
    assert_int_equal(answer.status, 200);
    assert_memory_equal(peer.request, "GET /two ", 9);
    assert_int_equal(peer.connections, 2);

    struct http_call none = {.method = "GET"};
    assert_int_equal(perform_against(GO_ON "/two\r\n\r\n", &peer, &none), HTTP_CALL_OK);
    assert_int_equal(answer.status, 302);

    static const char *const away[] = {
        GO_ON "http://other.localhost/\r\n\r\n", GO_ON "https://peer.localhost/\r\n\r\n",
        GO_ON "http://peer.localhost:1/\r\n\r\n", GO_ON "//other.localhost/\r\n\r\n",
        GO_ON "file:///etc/passwd\r\n\r\n"};
    for (size_t i = 0; i < sizeof away / sizeof away[0]; i++) {
        struct http_call once = {.method = "GET", .redirects_max = 5};
        assert_int_equal(perform_against(away[i], &peer, &once), HTTP_CALL_OK);
        assert_int_equal(answer.status, 302);
        assert_int_equal(peer.connections, 1);
    }
    struct http_call post = {.method = "POST", .redirects_max = 5, .body = STR("a=1")};
    assert_int_equal(perform_against(GO_ON "/two\r\n\r\n", &peer, &post), HTTP_CALL_OK);
    assert_int_equal(answer.status, 302);
}

static void redirects_end(void **state)
{
    (void)state;
    struct peer peer;
    const char *again = GO_ON "/again\r\nConnection: close\r\n\r\n";
    const char *const script[] = {again, again, again};
    peer_start(&peer, script, 3);
    struct http_call call = local_call(&peer, "/");
    call.redirects_max = 2;
    assert_int_equal(perform(&call), HTTP_CALL_OK);
    peer_stop(&peer);
    assert_int_equal(answer.status, 302);
    assert_int_equal(peer.connections, 3);
}

static void credentials_do_not_linger(void **state)
{
    (void)state;
    struct peer peer;
    struct http_call call = {
        .method = "POST", .basic_user = "me", .basic_password = "word", .body = STR("a=1")};
    assert_int_equal(perform_against(DONE, &peer, &call), HTTP_CALL_OK);
    assert_non_null(strstr(peer.request, "Authorization"));
    call = (struct http_call){.method = "GET"};
    assert_int_equal(perform_against(DONE, &peer, &call), HTTP_CALL_OK);
    assert_null(strstr(peer.request, "Authorization"));
    assert_memory_equal(peer.request, "GET ", 4);
}

static void TOK4_a_post_goes_out_once_whatever_was_kept(void **state)
{
    (void)state;
    struct peer peer;
    const char *const script[] = {DONE};
    peer_start_as(&peer, script, 1, peer_keep);
    struct http_call get = local_call(&peer, "/jwks");
    assert_int_equal(perform(&get), HTTP_CALL_OK);
    assert_int_equal(perform(&get), HTTP_CALL_OK);
    assert_int_equal(peer.connections, 1); /* kept */
    struct http_call post = local_call(&peer, "/token");
    post.method = "POST";
    post.body = STR("code=once");
    assert_int_equal(perform(&post), HTTP_CALL_BROKEN);
    assert_int_equal(perform(&get), HTTP_CALL_OK);
    peer_stop(&peer);
    assert_int_equal(peer.posts, 1);
    assert_int_equal(peer.gets, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_read),
        cmocka_unit_test(a_bare_answer_has_no_date_and_type),
        cmocka_unit_test(refused_urls_are_not_sent),
        cmocka_unit_test(private_addresses_are_not_called),
        cmocka_unit_test(no_answer_is_not_sent_or_broken),
        cmocka_unit_test(silence_is_timed_out),
        cmocka_unit_test(answers_are_capped),
        cmocka_unit_test(redirects_stay_at_home),
        cmocka_unit_test(redirects_end),
        cmocka_unit_test(credentials_do_not_linger),
        cmocka_unit_test(TOK4_a_post_goes_out_once_whatever_was_kept),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
