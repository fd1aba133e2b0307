/*
 * A loopback HTTP server for unit tests: one thread, one connection at a time, one scripted answer. It can be
 * slow, cut an answer short, or hang up, which a real server would not do on demand.
 */
#ifndef TESTS_LOCAL_SERVER_H
#define TESTS_LOCAL_SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LOCAL_PORT_FIRST 21400
#define LOCAL_PORT_LAST 21499
#define LOCAL_REQUEST_MAX 16384

struct local_answer {
    int status; /* 0 = hang up without an answer */
    const char *content_type;
    const char *body;
    long delay_ms;
    bool is_cut; /* announces one byte more than it sends */
};

struct local_server {
    int listener;
    int port;
    pthread_t thread;
    pthread_mutex_t lock;
    struct local_answer answer;
    char request[LOCAL_REQUEST_MAX]; /* the last one, whole */
    atomic_uint hits;
};

static inline void local_read_request(int peer, char *request)
{
    size_t length = 0;
    for (;;) {
        request[length] = '\0';
        char *end = strstr(request, "\r\n\r\n");
        if (end != NULL) {
            char *header = strcasestr(request, "\r\nContent-Length:");
            size_t body = header != NULL ? strtoul(header + 17, NULL, 10) : 0;
            if (length >= (size_t)(end - request) + 4 + body)
                return;
        }
        ssize_t got = read(peer, request + length, LOCAL_REQUEST_MAX - 1 - length);
        if (got <= 0)
            return;
        length += (size_t)got;
    }
}

static inline void local_serve(struct local_server *server, int peer)
{
    static char request[LOCAL_REQUEST_MAX]; /* one thread per program */
    local_read_request(peer, request);
    if (request[0] == '\0')
        return; /* a connection that never spoke */
    pthread_mutex_lock(&server->lock);
    struct local_answer answer = server->answer;
    memcpy(server->request, request, sizeof request);
    pthread_mutex_unlock(&server->lock);
    atomic_fetch_add(&server->hits, 1);
    if (answer.delay_ms > 0)
        nanosleep(&(struct timespec){answer.delay_ms / 1000, answer.delay_ms % 1000 * 1000000}, NULL);
    if (answer.status == 0)
        return;
    size_t length = strlen(answer.body);
    char head[512];
    int head_length =
        snprintf(head, sizeof head,
                 "HTTP/1.1 %d X\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
                 answer.status, answer.content_type, length + (answer.is_cut ? 1 : 0));
    if (send(peer, head, (size_t)head_length, MSG_NOSIGNAL) == head_length) {
        for (size_t done = 0; done < length;) {
            ssize_t sent = send(peer, answer.body + done, length - done, MSG_NOSIGNAL);
            if (sent <= 0)
                break;
            done += (size_t)sent;
        }
    }
}

static inline void *local_run(void *context)
{
    struct local_server *server = context;
    int peer;
    while ((peer = accept(server->listener, NULL, NULL)) >= 0) {
        local_serve(server, peer);
        close(peer);
    }
    return NULL;
}

static inline bool local_server_start(struct local_server *server)
{
    memset(server, 0, sizeof *server);
    pthread_mutex_init(&server->lock, NULL);
    server->answer = (struct local_answer){.status = 500, .content_type = "text/plain", .body = ""};
    for (int port = LOCAL_PORT_FIRST; port <= LOCAL_PORT_LAST; port++) {
        int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int is_reused = 1; /* also a port on which connections of an earlier server linger */
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &is_reused, sizeof is_reused);
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 16) == 0) {
            server->listener = listener;
            server->port = port;
            return pthread_create(&server->thread, NULL, local_run, server) == 0;
        }
        close(listener);
    }
    return false;
}

static inline void local_server_answer(struct local_server *server, struct local_answer answer)
{
    pthread_mutex_lock(&server->lock);
    server->answer = answer;
    pthread_mutex_unlock(&server->lock);
}

static inline void local_server_stop(struct local_server *server)
{
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
    pthread_mutex_destroy(&server->lock);
}

#endif
