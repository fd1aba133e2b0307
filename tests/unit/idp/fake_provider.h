/*
 * An identity provider for tests: a thread that answers each path with what the test has put there, counts
 * the calls and keeps the last request of a path. One connection at a time, closed after the answer.
 */
#ifndef TEST_FAKE_PROVIDER_H
#define TEST_FAKE_PROVIDER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FAKE_PORT_FIRST 21300
#define FAKE_PORT_LAST 21397
#define FAKE_PATHS 8

struct fake_path {
    const char *path;
    int status; /* 0 = hang up without an answer */
    char *headers;
    char *body;
    size_t body_length;
    int delay_ms;
    int calls;
    const char *needle; /* a request without it is answered with 401 invalid_client; NULL = none is needed */
    char request[16384];
};

struct fake_provider {
    int listener;
    int port;
    pthread_t thread;
    pthread_mutex_t lock;
    struct fake_path paths[FAKE_PATHS];
    bool is_down; /* hangs up on everybody before reading, and does not count */
};

static inline struct fake_path *fake_find(struct fake_provider *fake, const char *path)
{
    for (int i = 0; i < FAKE_PATHS; i++) {
        if (fake->paths[i].path == NULL)
            fake->paths[i].path = strdup(path);
        if (strcmp(fake->paths[i].path, path) == 0)
            return &fake->paths[i];
    }
    abort();
}

/* `headers` are whole lines, each with its CRLF; may be "". */
static inline void fake_answer(struct fake_provider *fake, const char *path, int status, const char *headers,
                               const void *body, size_t length)
{
    pthread_mutex_lock(&fake->lock);
    struct fake_path *found = fake_find(fake, path);
    free(found->headers);
    free(found->body);
    found->status = status;
    found->headers = strdup(headers);
    found->body = malloc(length + 1);
    memcpy(found->body, body, length);
    found->body[length] = '\0';
    found->body_length = length;
    pthread_mutex_unlock(&fake->lock);
}

static inline void fake_json(struct fake_provider *fake, const char *path, const char *body)
{
    fake_answer(fake, path, 200, "Content-Type: application/json\r\n", body, strlen(body));
}

static inline void fake_status(struct fake_provider *fake, const char *path, int status)
{
    fake_answer(fake, path, status, "", "", 0);
}

static inline void fake_delay(struct fake_provider *fake, const char *path, int milliseconds)
{
    pthread_mutex_lock(&fake->lock);
    fake_find(fake, path)->delay_ms = milliseconds;
    pthread_mutex_unlock(&fake->lock);
}

static inline void fake_set_down(struct fake_provider *fake, bool is_down)
{
    pthread_mutex_lock(&fake->lock);
    fake->is_down = is_down;
    pthread_mutex_unlock(&fake->lock);
}

static inline int fake_calls(struct fake_provider *fake, const char *path)
{
    pthread_mutex_lock(&fake->lock);
    int calls = fake_find(fake, path)->calls;
    pthread_mutex_unlock(&fake->lock);
    return calls;
}

/* `needle` must live as long as the provider. */
static inline void fake_insist(struct fake_provider *fake, const char *path, const char *needle)
{
    pthread_mutex_lock(&fake->lock);
    fake_find(fake, path)->needle = needle;
    pthread_mutex_unlock(&fake->lock);
}

/* The last request on that path; valid until the next one. */
static inline const char *fake_request(struct fake_provider *fake, const char *path)
{
    return fake_find(fake, path)->request;
}

/* True when the head and the body that it announces are there. */
static inline bool fake_is_complete(const char *request)
{
    const char *end = strstr(request, "\r\n\r\n");
    if (end == NULL)
        return false;
    const char *length = strcasestr(request, "\r\nContent-Length:");
    size_t body = length != NULL && length < end ? strtoul(length + 17, NULL, 10) : 0;
    return strlen(end + 4) >= body;
}

static inline void fake_write(int connection, const char *data, size_t length)
{
    while (length > 0) {
        ssize_t written = send(connection, data, length, MSG_NOSIGNAL);
        if (written <= 0)
            return;
        data += written;
        length -= (size_t)written;
    }
}

static inline void fake_serve(struct fake_provider *fake, int connection)
{
    char request[16384] = "", path[256] = "", head[2048];
    size_t have = 0;
    pthread_mutex_lock(&fake->lock);
    bool is_down = fake->is_down;
    pthread_mutex_unlock(&fake->lock);
    while (!is_down && !fake_is_complete(request) && have < sizeof request - 1) {
        ssize_t got = recv(connection, request + have, sizeof request - 1 - have, 0);
        if (got <= 0)
            return;
        have += (size_t)got;
        request[have] = '\0';
    }
    if (is_down || sscanf(request, "%*s %255[^? ]", path) != 1)
        return;
    pthread_mutex_lock(&fake->lock);
    struct fake_path *found = fake_find(fake, path);
    found->calls++;
    memcpy(found->request, request, sizeof request);
    int delay = found->delay_ms;
    pthread_mutex_unlock(&fake->lock);
    if (delay > 0)
        nanosleep(&(struct timespec){delay / 1000, (long)(delay % 1000) * 1000000}, NULL);
    pthread_mutex_lock(&fake->lock);
    static const char refusal[] = "{\"error\":\"invalid_client\"}";
    bool is_refused = found->needle != NULL && strstr(request, found->needle) == NULL;
    size_t length = is_refused ? sizeof refusal - 1 : found->body_length;
    char *body = malloc(length + 1);
    memcpy(body, is_refused ? refusal : found->body ? found->body : "", length);
    int status = is_refused ? 401 : found->headers ? found->status : 404;
    snprintf(head, sizeof head, "HTTP/1.1 %d X\r\n%sContent-Length: %zu\r\nConnection: close\r\n\r\n", status,
             found->headers ? found->headers : "", length);
    pthread_mutex_unlock(&fake->lock);
    if (status != 0) {
        fake_write(connection, head, strlen(head));
        fake_write(connection, body, length);
    }
    free(body);
}

static void *fake_run(void *context)
{
    struct fake_provider *fake = context;
    for (;;) {
        int connection = accept(fake->listener, NULL, NULL);
        if (connection < 0)
            return NULL; /* shut down */
        fake_serve(fake, connection);
        shutdown(connection, SHUT_WR);
        char rest[256]; /* let the peer read everything before a reset can drop it */
        struct timeval patience = {0, 200000};
        setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        while (recv(connection, rest, sizeof rest, 0) > 0)
            continue;
        close(connection);
    }
}

/* Other test programs may be looking for a port at the same moment: a bind can succeed and the listen fail.
 */
static inline int fake_listen(int port)
{
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((in_port_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 64) == 0)
        return listener;
    close(listener);
    return -1;
}

static inline bool fake_start(struct fake_provider *fake)
{
    *fake = (struct fake_provider){.listener = -1};
    pthread_mutex_init(&fake->lock, NULL);
    for (int port = FAKE_PORT_FIRST; fake->listener < 0 && port <= FAKE_PORT_LAST; port++) {
        fake->listener = fake_listen(port);
        fake->port = port;
    }
    return fake->listener >= 0 && pthread_create(&fake->thread, NULL, fake_run, fake) == 0;
}

static inline void fake_stop(struct fake_provider *fake)
{
    shutdown(fake->listener, SHUT_RDWR);
    pthread_join(fake->thread, NULL);
    close(fake->listener);
    for (int i = 0; i < FAKE_PATHS; i++) {
        free((void *)(uintptr_t)fake->paths[i].path);
        free(fake->paths[i].headers);
        free(fake->paths[i].body);
    }
    pthread_mutex_destroy(&fake->lock);
}

#endif
