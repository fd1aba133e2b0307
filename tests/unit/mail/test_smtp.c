/* The line to the mail server: MAIL-9, no mail without TLS, and no waiting for a server that hangs. */
#include "base/clock.h"
#include "mail/smtp.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

/* A mail server without TLS, for one conversation; silent when it `hangs`. */
struct server {
    int socket;
    unsigned port;
    bool hangs;
    bool has_sender; /* it got as far as MAIL */
    bool has_text;   /* it got as far as DATA */
    bool refuses_all;
    atomic_bool is_stopping;
    pthread_t thread;
};

/* Knows nobody whose name begins with "weg". */
static bool is_refused(const struct server *server, const char *line, size_t length)
{
    return length > 13 && memcmp(line, "RCPT TO:<", 9) == 0 &&
           (server->refuses_all || memcmp(line + 9, "weg", 3) == 0);
}

static void *serve(void *context)
{
    struct server *server = context;
    char line[512];
    ssize_t length;
    int fd = accept(server->socket, NULL, NULL);
    const struct timeval patience = {.tv_sec = 10};
    if (fd < 0)
        return NULL;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (server->hangs)
        atomic_store(&server->is_stopping, true); /* while the mailer waits for the greeting */
    else
        (void)!write(fd, "220 test\r\n", 10);
    while ((length = read(fd, line, sizeof line)) > 0) {
        if (length >= 4 && memcmp(line, "MAIL", 4) == 0)
            server->has_sender = true;
        if (is_refused(server, line, (size_t)length))
            (void)!write(fd, "550-no such\r\n550 person\r\n", 25);
        else if (length >= 4 && memcmp(line, "DATA", 4) == 0)
            (void)!write(fd, "354 x\r\n", 7);
        else if (!server->has_text || (length >= 3 && memcmp(line + length - 3, ".\r\n", 3) == 0) ||
                 memcmp(line, "QUIT", 4) == 0) /* the text itself gets no answer */
            (void)!write(fd, "250 x\r\n", 7);
        server->has_text = server->has_text || memcmp(line, "DATA", 4) == 0;
    }
    close(fd);
    return NULL;
}

static struct server *start(bool hangs)
{
    static struct server server;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    server = (struct server){.socket = socket(AF_INET, SOCK_STREAM, 0), .hangs = hangs};
    assert_int_equal(bind(server.socket, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(server.socket, 1), 0);
    assert_int_equal(getsockname(server.socket, (struct sockaddr *)&address, &length), 0);
    server.port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&server.thread, NULL, serve, &server), 0);
    return &server;
}

static enum outcome send_to(struct server *server, bool is_development)
{
    struct arena *arena = arena_new();
    struct failure failure;
    const char *const recipients[] = {"fab@zorg.example"};
    size_t refused;
    const struct smtp_client client = {
        .server = arena_printf(arena, "smtp://127.0.0.1:%u", server->port),
        .sender = "sluis@sluis.example",
        .is_development = is_development,
    };
    enum outcome outcome = smtp_send(&client, recipients, 1, STR("Subject: x\r\n\r\nx\r\n"),
                                     &server->is_stopping, &refused, &failure);
    pthread_join(server->thread, NULL);
    close(server->socket);
    arena_free(&arena);
    return outcome;
}

static void MAIL9_no_mail_to_a_server_without_tls(void **state)
{
    (void)state;
    struct server *server = start(false);
    assert_int_equal(send_to(server, false), FAILED);
    assert_false(server->has_sender);
}

static void in_development_a_server_on_this_machine_may_be_without(void **state)
{
    (void)state;
    struct server *server = start(false);
    (void)!send_to(server, true);
    assert_true(server->has_sender);
}

static void a_server_that_hangs_does_not_hold_up_the_end(void **state)
{
    (void)state;
    int64_t began = clock_monotonic_ms();
    assert_int_equal(send_to(start(true), true), FAILED);
    assert_true(clock_monotonic_ms() - began < 7000);
}

static enum outcome send_to_many(bool refuses_all, const char *const *recipients, size_t count,
                                 size_t *out_refused)
{
    struct arena *arena = arena_new();
    struct failure failure;
    struct server *server = start(false);
    server->refuses_all = refuses_all;
    const struct smtp_client client = {
        .server = arena_printf(arena, "smtp://127.0.0.1:%u", server->port),
        .sender = "sluis@sluis.example",
        .is_development = true,
    };
    enum outcome outcome = smtp_send(&client, recipients, count, STR("Subject: x\r\n\r\nx\r\n"),
                                     &server->is_stopping, out_refused, &failure);
    pthread_join(server->thread, NULL);
    close(server->socket);
    assert_int_equal(server->has_text, outcome == OK);
    arena_free(&arena);
    return outcome;
}

static void an_address_that_is_no_more_keeps_the_mail_from_nobody_else(void **state)
{
    (void)state;
    const char *const recipients[] = {"fab@zorg.example", "weg@zorg.example", "tweede@zorg.example"};
    size_t refused;
    assert_int_equal(send_to_many(false, recipients, 3, &refused), OK);
    assert_int_equal(refused, 1);
    assert_int_equal(send_to_many(false, recipients + 1, 2, &refused), OK);
    assert_int_equal(refused, 1);
    assert_int_equal(send_to_many(false, recipients, 1, &refused), OK);
    assert_int_equal(refused, 0);
}

static void a_mail_that_nobody_may_have_has_failed(void **state)
{
    (void)state;
    const char *const recipients[] = {"fab@zorg.example", "weg@zorg.example"};
    size_t refused;
    assert_int_equal(send_to_many(true, recipients, 2, &refused), FAILED);
    assert_int_equal(refused, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(MAIL9_no_mail_to_a_server_without_tls),
        cmocka_unit_test(in_development_a_server_on_this_machine_may_be_without),
        cmocka_unit_test(a_server_that_hangs_does_not_hold_up_the_end),
        cmocka_unit_test(an_address_that_is_no_more_keeps_the_mail_from_nobody_else),
        cmocka_unit_test(a_mail_that_nobody_may_have_has_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
