#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define ANSWER_MAX ((size_t)131072)
#define TIMEOUT_S 20

struct wire {
    const char *host;
    unsigned port;
    SSL_CTX *tls;
    SSL *session;
    int socket; /* -1 = closed */
    char *bytes;
    size_t length;
};

struct wire *wire_new(const char *host, unsigned port, SSL_CTX *tls)
{
    struct wire *wire = calloc(1, sizeof *wire);
    if (wire == NULL || (wire->bytes = malloc(ANSWER_MAX)) == NULL)
        abort();
    wire->host = host;
    wire->port = port;
    wire->tls = tls;
    wire->socket = -1;
    return wire;
}

static void hang_up(struct wire *wire)
{
    if (wire->session != NULL)
        SSL_free(wire->session);
    wire->session = NULL;
    if (wire->socket >= 0)
        close(wire->socket);
    wire->socket = -1;
}

void wire_free(struct wire **wire)
{
    hang_up(*wire);
    free((*wire)->bytes);
    free(*wire);
    *wire = NULL;
}

enum outcome wire_tls(const char *ca_file, const char *certificate_file, const char *key_file,
                      SSL_CTX **out_tls, struct failure *failure)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
    if (tls == NULL || SSL_CTX_load_verify_file(tls, ca_file) != 1 ||
        SSL_CTX_use_certificate_chain_file(tls, certificate_file) != 1 ||
        SSL_CTX_use_PrivateKey_file(tls, key_file, SSL_FILETYPE_PEM) != 1) {
        SSL_CTX_free(tls);
        return failure_set(failure, "%s, %s: cannot be used", ca_file, certificate_file);
    }
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
    *out_tls = tls;
    return OK;
}

static enum outcome open_connection(struct wire *wire, struct failure *failure)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)wire->port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    const struct timeval patience = {.tv_sec = TIMEOUT_S};
    const int on = 1;
    wire->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (wire->socket < 0 || connect(wire->socket, (const struct sockaddr *)&address, sizeof address) != 0)
        return failure_set(failure, "port %u: %s", wire->port, strerror(errno));
    setsockopt(wire->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(wire->socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (wire->tls == NULL)
        return OK;
    wire->session = SSL_new(wire->tls);
    if (wire->session == NULL || SSL_set1_host(wire->session, wire->host) != 1 ||
        SSL_set_fd(wire->session, wire->socket) != 1 || SSL_connect(wire->session) != 1)
        return failure_set(failure, "port %u: TLS: %s", wire->port,
                           ERR_reason_error_string(ERR_peek_last_error()));
    return OK;
}

static bool send_all(struct wire *wire, struct str text)
{
    if (wire->session != NULL)
        return SSL_write(wire->session, text.data, (int)text.length) == (int)text.length;
    while (text.length > 0) {
        ssize_t sent = send(wire->socket, text.data, text.length, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        text = str_slice(text, (size_t)sent, text.length);
    }
    return true;
}

static bool receive_more(struct wire *wire)
{
    size_t room = ANSWER_MAX - wire->length;
    if (room == 0)
        return false;
    ssize_t got = wire->session != NULL ? SSL_read(wire->session, wire->bytes + wire->length, (int)room)
                                        : recv(wire->socket, wire->bytes + wire->length, room, 0);
    if (got <= 0)
        return false;
    wire->length += (size_t)got;
    return true;
}

bool wire_header(const struct wire_answer *answer, const char *name, unsigned nth, struct str *out_value)
{
    struct str rest = answer->headers, line;
    size_t name_length = strlen(name);
    while (str_split_next(&rest, '\n', &line)) {
        if (line.length <= name_length || line.data[name_length] != ':' ||
            strncasecmp(line.data, name, name_length) != 0 || nth-- > 0)
            continue;
        if (line.data[line.length - 1] == '\r')
            line.length--;
        *out_value = str_trim(str_slice(line, name_length + 1, line.length));
        return true;
    }
    return false;
}

bool wire_between(struct str text, const char *before, const char *after, struct str *out_part)
{
    size_t before_length = strlen(before), after_length = strlen(after);
    const char *start = text.length ? memmem(text.data, text.length, before, before_length) : NULL;
    if (start == NULL)
        return false;
    start += before_length;
    size_t left = text.length - (size_t)(start - text.data);
    const char *end = memmem(start, left, after, after_length);
    *out_part = str_of(start, end ? (size_t)(end - start) : left);
    return true;
}

static enum outcome read_answer(struct wire *wire, struct wire_answer *out_answer, struct failure *failure)
{
    const char *end = NULL;
    struct str value;
    int64_t body_length = 0;
    wire->length = 0;
    while (end == NULL) {
        if (!receive_more(wire))
            return ABSENT;
        end = memmem(wire->bytes, wire->length, "\r\n\r\n", 4);
    }
    size_t head = (size_t)(end - wire->bytes) + 4;
    out_answer->headers = str_of(wire->bytes, head);
    if (head < 16 || strncmp(wire->bytes, "HTTP/1.1 ", 9) != 0)
        return failure_set(failure, "port %u: not HTTP/1.1", wire->port);
    out_answer->status = atoi(wire->bytes + 9);
    if (!wire_header(out_answer, "content-length", 0, &value) || str_to_int64(value, &body_length) != OK ||
        body_length > (int64_t)(ANSWER_MAX - head))
        return failure_set(failure, "port %u: an answer without a length, or too long", wire->port);
    while (wire->length < head + (size_t)body_length)
        if (!receive_more(wire))
            return failure_set(failure, "port %u: the answer broke off", wire->port);
    out_answer->body = str_of(wire->bytes + head, (size_t)body_length);
    return OK;
}

enum outcome wire_call(struct wire *wire, struct arena *arena, const char *target, const char *headers,
                       const struct str *form, struct wire_answer *out_answer, struct failure *failure)
{
    const char *request =
        form == NULL ? arena_printf(arena, "GET %s HTTP/1.1\r\nHost: %s:%u\r\n%s\r\n", target, wire->host,
                                    wire->port, headers)
                     : arena_printf(arena,
                                    "POST %s HTTP/1.1\r\nHost: %s:%u\r\n%sContent-Type: "
                                    "application/x-www-form-urlencoded\r\nContent-Length: %zu\r\n\r\n%.*s",
                                    target, wire->host, wire->port, headers, form->length, STR_ARG(*form));
    /* A kept connection may have been closed by the server meanwhile; a fresh one may not. */
    bool is_fresh = wire->socket < 0;
    if (is_fresh && open_connection(wire, failure) != OK) {
        hang_up(wire);
        return FAILED;
    }
    enum outcome outcome =
        send_all(wire, str_from_c(request)) ? read_answer(wire, out_answer, failure) : ABSENT;
    if (outcome == OK) {
        struct str value;
        if (wire_header(out_answer, "connection", 0, &value) && str_equal_ignoring_case(value, STR("close")))
            hang_up(wire);
        return OK;
    }
    hang_up(wire);
    if (outcome == ABSENT && is_fresh)
        return failure_set(failure, "port %u: no answer", wire->port);
    return outcome == ABSENT ? wire_call(wire, arena, target, headers, form, out_answer, failure) : FAILED;
}
