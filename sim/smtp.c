#include "smtp.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define THREADS 4
#define BACKLOG 64
#define LINE_BYTES_MAX 2000
#define RECIPIENTS_MAX 100
#define MESSAGE_BYTES_MAX ((size_t)1024 * 1024)
#define ADDRESS_BYTES_MAX ((size_t)320)
#define COMMANDS_MAX 10000 /* of one connection */
#define SILENCE_MS 60000
#define HANDSHAKE_MS 5000
#define TICK_S 1 /* how often a waiting thread looks whether it must stop */

struct smtp_server {
    struct smtp_settings settings;
    int socket;
    atomic_bool is_stopping;
    bool has_tls;
    gnutls_certificate_credentials_t credentials;
    pthread_t threads[THREADS];
    size_t thread_count;
};

/* One connection; belongs to its thread. */
struct conversation {
    struct smtp_server *server;
    int fd;
    gnutls_session_t tls; /* NULL = in the clear */
    char input[4096];
    size_t used, length;
    struct arena *arena; /* of the mail under way */
    bool is_greeted, has_sender;
    struct str from;
    struct str recipients[RECIPIENTS_MAX];
    size_t recipient_count;
};

/* ---- bytes ---- */

static bool fill_input(struct conversation *conversation)
{
    int64_t deadline = clock_monotonic_ms() + SILENCE_MS;
    while (!atomic_load(&conversation->server->is_stopping) && clock_monotonic_ms() < deadline) {
        ssize_t count;
        if (conversation->tls) {
            count = gnutls_record_recv(conversation->tls, conversation->input, sizeof conversation->input);
            if (count == GNUTLS_E_AGAIN || count == GNUTLS_E_INTERRUPTED)
                continue;
        } else {
            count = recv(conversation->fd, conversation->input, sizeof conversation->input, 0);
            if (count < 0 && (errno == EAGAIN || errno == EINTR))
                continue;
        }
        if (count <= 0)
            return false;
        conversation->used = 0;
        conversation->length = (size_t)count;
        return true;
    }
    return false;
}

/* A line without its end. False: closed, silent for too long, or a line over the cap. */
static bool read_line(struct conversation *conversation, char *line, size_t cap, size_t *out_length)
{
    size_t length = 0;
    for (;;) {
        if (conversation->used == conversation->length && !fill_input(conversation))
            return false;
        char c = conversation->input[conversation->used++];
        if (c == '\n') {
            if (length > 0 && line[length - 1] == '\r')
                length--;
            *out_length = length;
            return true;
        }
        if (length == cap)
            return false;
        line[length++] = c;
    }
}

static bool say(struct conversation *conversation, const char *text)
{
    size_t length = strlen(text);
    size_t sent = 0;
    while (sent < length) {
        ssize_t count = conversation->tls ? gnutls_record_send(conversation->tls, text + sent, length - sent)
                                          : send(conversation->fd, text + sent, length - sent, MSG_NOSIGNAL);
        if (count <= 0)
            return false;
        sent += (size_t)count;
    }
    return true;
}

static bool start_tls(struct conversation *conversation)
{
    /* RFC 3207 5: what a client sent in the clear behind STARTTLS must not count as sent under TLS. */
    if (conversation->used != conversation->length)
        return false;
    if (!say(conversation, "220 Ready to start TLS\r\n"))
        return false;
    gnutls_session_t tls;
    if (gnutls_init(&tls, GNUTLS_SERVER) != 0)
        return false;
    gnutls_set_default_priority(tls);
    gnutls_credentials_set(tls, GNUTLS_CRD_CERTIFICATE, conversation->server->credentials);
    gnutls_transport_set_int(tls, conversation->fd);
    gnutls_handshake_set_timeout(tls, HANDSHAKE_MS);
    int result;
    do
        result = gnutls_handshake(tls);
    while (result < 0 && !gnutls_error_is_fatal(result) && !atomic_load(&conversation->server->is_stopping));
    if (result < 0) {
        gnutls_deinit(tls);
        return false;
    }
    conversation->tls = tls;
    return true;
}

/* ---- commands ---- */

static void forget_mail(struct conversation *conversation)
{
    arena_reset(conversation->arena);
    conversation->has_sender = false;
    conversation->recipient_count = 0;
}

/* The address between < and > behind `prefix` ("FROM:"). An empty one is fine for a sender. */
static enum outcome read_path(struct conversation *conversation, struct str argument, const char *prefix,
                              struct str *out_address)
{
    struct str head = str_slice(argument, 0, strlen(prefix));
    if (!str_equal_ignoring_case(head, str_from_c(prefix)))
        return FAILED;
    struct str path = str_trim(str_slice(argument, head.length, argument.length));
    size_t end = str_find(path, '>');
    if (path.length == 0 || path.data[0] != '<' || end == path.length || end > ADDRESS_BYTES_MAX)
        return FAILED;
    struct str address = str_slice(path, 1, end);
    if (!str_is_printable_utf8(address))
        return FAILED;
    *out_address = str_copy(conversation->arena, address);
    return OK;
}

static bool greet(struct conversation *conversation, bool is_extended)
{
    forget_mail(conversation);
    conversation->is_greeted = true;
    if (!is_extended)
        return say(conversation, "250 mail.localhost\r\n");
    bool offers_tls = conversation->server->has_tls && !conversation->tls;
    return say(conversation, offers_tls ? "250-mail.localhost\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n"
                                          "250-SIZE 1048576\r\n250 STARTTLS\r\n"
                                        : "250-mail.localhost\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n"
                                          "250 SIZE 1048576\r\n");
}

static bool take_sender(struct conversation *conversation, struct str argument)
{
    if (!conversation->is_greeted || conversation->has_sender)
        return say(conversation, "503 Bad sequence of commands\r\n");
    if (conversation->server->settings.mode(conversation->server->settings.context) == SMTP_DEFER)
        return say(conversation, "451 Try again later (simulated)\r\n");
    if (read_path(conversation, argument, "FROM:", &conversation->from) != OK)
        return say(conversation, "501 Syntax: MAIL FROM:<address>\r\n");
    conversation->has_sender = true;
    return say(conversation, "250 OK\r\n");
}

static bool take_recipient(struct conversation *conversation, struct str argument)
{
    struct str address;
    if (!conversation->has_sender)
        return say(conversation, "503 Bad sequence of commands\r\n");
    if (conversation->server->settings.mode(conversation->server->settings.context) == SMTP_REFUSE)
        return say(conversation, "550 No such mailbox (simulated)\r\n");
    if (conversation->recipient_count == RECIPIENTS_MAX)
        return say(conversation, "452 Too many recipients\r\n");
    if (read_path(conversation, argument, "TO:", &address) != OK || address.length == 0)
        return say(conversation, "501 Syntax: RCPT TO:<address>\r\n");
    conversation->recipients[conversation->recipient_count++] = address;
    return say(conversation, "250 OK\r\n");
}

static bool take_data(struct conversation *conversation)
{
    char line[LINE_BYTES_MAX];
    size_t length;
    if (conversation->recipient_count == 0)
        return say(conversation, "503 Bad sequence of commands\r\n");
    if (!say(conversation, "354 End with a dot on a line by itself\r\n"))
        return false;
    struct buf data = buf_new(conversation->arena, MESSAGE_BYTES_MAX);
    for (;;) {
        if (!read_line(conversation, line, sizeof line, &length))
            return false;
        if (length == 1 && line[0] == '.')
            break;
        size_t from = length > 0 && line[0] == '.' ? 1 : 0; /* RFC 5321 4.5.2 */
        buf_append(&data, str_of(line + from, length - from));
        buf_append_c(&data, "\r\n");
    }
    if (data.overflowed) {
        forget_mail(conversation);
        return say(conversation, "552 Message is larger than 1 MiB\r\n");
    }
    const struct smtp_mail mail = {
        .from = conversation->from,
        .recipients = conversation->recipients,
        .recipient_count = conversation->recipient_count,
        .data = buf_str(&data),
        .is_tls = conversation->tls != NULL,
    };
    conversation->server->settings.sink(conversation->server->settings.context, &mail);
    forget_mail(conversation);
    return say(conversation, "250 OK\r\n");
}

/* False ends the connection. */
static bool obey(struct conversation *conversation, struct str line)
{
    size_t space = str_find(line, ' ');
    struct str verb = str_slice(line, 0, space);
    struct str argument = str_trim(str_slice(line, space, line.length));
    if (str_equal_ignoring_case(verb, STR("EHLO")))
        return greet(conversation, true);
    if (str_equal_ignoring_case(verb, STR("HELO")))
        return greet(conversation, false);
    if (str_equal_ignoring_case(verb, STR("MAIL")))
        return take_sender(conversation, argument);
    if (str_equal_ignoring_case(verb, STR("RCPT")))
        return take_recipient(conversation, argument);
    if (str_equal_ignoring_case(verb, STR("DATA")))
        return take_data(conversation);
    if (str_equal_ignoring_case(verb, STR("RSET"))) {
        forget_mail(conversation);
        return say(conversation, "250 OK\r\n");
    }
    if (str_equal_ignoring_case(verb, STR("NOOP")))
        return say(conversation, "250 OK\r\n");
    if (str_equal_ignoring_case(verb, STR("QUIT"))) {
        (void)say(conversation, "221 Bye\r\n");
        return false;
    }
    if (str_equal_ignoring_case(verb, STR("STARTTLS")) && conversation->server->has_tls &&
        !conversation->tls) {
        forget_mail(conversation);
        conversation->is_greeted = false;
        return start_tls(conversation);
    }
    return say(conversation, "502 Command not implemented\r\n");
}

static void converse(struct smtp_server *server, int fd)
{
    struct conversation *conversation = calloc(1, sizeof *conversation);
    if (!conversation)
        abort();
    char line[LINE_BYTES_MAX];
    size_t length;
    conversation->server = server;
    conversation->fd = fd;
    conversation->arena = arena_new();
    if (server->settings.mode(server->settings.context) == SMTP_CLOSED) {
        (void)say(conversation, "421 Closed for now (simulated)\r\n");
    } else if (say(conversation, "220 mail.localhost simulator\r\n")) {
        for (int commands = 0; commands < COMMANDS_MAX; commands++) {
            if (!read_line(conversation, line, sizeof line, &length) ||
                !obey(conversation, str_of(line, length)))
                break;
        }
    }
    if (conversation->tls) {
        gnutls_bye(conversation->tls, GNUTLS_SHUT_WR);
        gnutls_deinit(conversation->tls);
    }
    arena_free(&conversation->arena);
    free(conversation);
}

/* ---- threads ---- */

static void *serve(void *context)
{
    struct smtp_server *server = context;
    const struct timeval tick = {.tv_sec = TICK_S};
    while (!atomic_load(&server->is_stopping)) {
        int fd = accept4(server->socket, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            continue; /* the socket's own timeout, or a client that left */
        if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof tick) == 0 &&
            setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tick, sizeof tick) == 0)
            converse(server, fd);
        close(fd);
    }
    return NULL;
}

static enum outcome open_socket(struct smtp_server *server, struct failure *failure)
{
    const struct timeval tick = {.tv_sec = TICK_S};
    const int on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)server->settings.port)};
    if (inet_pton(AF_INET, server->settings.address, &address.sin_addr) != 1)
        return failure_set(failure, "%s: not an IPv4 address", server->settings.address);
    server->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server->socket < 0 || setsockopt(server->socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        setsockopt(server->socket, SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof tick) != 0 ||
        bind(server->socket, (const struct sockaddr *)&address, sizeof address) != 0 ||
        listen(server->socket, BACKLOG) != 0)
        return failure_set(failure, "SMTP on %s port %u: %s", server->settings.address, server->settings.port,
                           strerror(errno));
    return OK;
}

static enum outcome load_certificate(struct smtp_server *server, struct failure *failure)
{
    const struct smtp_settings *settings = &server->settings;
    if (access(settings->certificate, R_OK) != 0) {
        log_warning("smtp_without_tls", LOG_C("file", settings->certificate));
        return OK;
    }
    if (gnutls_certificate_allocate_credentials(&server->credentials) != 0)
        return failure_set(failure, "no memory");
    int result = gnutls_certificate_set_x509_key_file(server->credentials, settings->certificate,
                                                      settings->key, GNUTLS_X509_FMT_PEM);
    if (result != 0)
        return failure_set(failure, "%s: %s", settings->certificate, gnutls_strerror(result));
    server->has_tls = true;
    return OK;
}

enum outcome smtp_start(const struct smtp_settings *settings, struct smtp_server **out_server,
                        struct failure *failure)
{
    struct smtp_server *server = calloc(1, sizeof *server);
    if (!server)
        return failure_set(failure, "no memory");
    server->settings = *settings;
    server->socket = -1;
    atomic_init(&server->is_stopping, false);
    if (open_socket(server, failure) != OK || load_certificate(server, failure) != OK)
        goto fail;
    while (server->thread_count < THREADS) {
        if (pthread_create(&server->threads[server->thread_count], NULL, serve, server) != 0) {
            failure_set(failure, "cannot start a thread");
            goto fail;
        }
        server->thread_count++;
    }
    *out_server = server;
    return OK;
fail:
    smtp_stop(&server);
    return FAILED;
}

void smtp_stop(struct smtp_server **server)
{
    if (!*server)
        return;
    atomic_store(&(*server)->is_stopping, true);
    for (size_t i = 0; i < (*server)->thread_count; i++)
        pthread_join((*server)->threads[i], NULL);
    if ((*server)->socket >= 0)
        close((*server)->socket);
    if ((*server)->credentials)
        gnutls_certificate_free_credentials((*server)->credentials);
    free(*server);
    *server = NULL;
}
