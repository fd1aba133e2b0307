/*
 * The HTTP client: libcurl, one handle per calling thread (kept for connection reuse). Blocking; worker
 * threads only. Limits are part of the call; redirects are followed only when asked for, to the same host and
 * scheme.
 */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

struct http_call {
    const char *method; /* "GET" or "POST" */
    const char *url;
    const char *const *headers; /* "Name: value" */
    size_t header_count;
    struct str body;
    const char
        *basic_user; /* with basic_password: HTTP Basic, already form-encoded by the caller; NULL = none */
    const char *basic_password;
    const char *ca_file;                 /* NULL = the system's */
    const char *client_certificate_file; /* NULL = none */
    const char *client_key_file;
    long connect_timeout_ms;
    long total_timeout_ms;
    size_t body_max;
    int redirects_max;       /* 0 = a redirect is an answer like any other */
    bool is_http_allowed;    /* development mode: http to hosts ending in .localhost */
    bool is_private_allowed; /* false: refuse loopback, link-local and private addresses (MET-9) */
};

enum http_call_result {
    HTTP_CALL_OK,       /* an HTTP answer came, whatever its status */
    HTTP_CALL_NOT_SENT, /* refused URL, name, connection or TLS failure: surely nothing was processed; may be
                           retried */
    HTTP_CALL_TIMED_OUT,
    HTTP_CALL_TOO_LARGE,
    HTTP_CALL_BROKEN, /* anything after the request was written */
};

/* How far a call came. */
enum http_phase {
    HTTP_PHASE_NONE, /* the URL or the address it stands for is not allowed, or no memory */
    HTTP_PHASE_NAME, /* looking up the host (DNS) */
    HTTP_PHASE_CONNECT,
    HTTP_PHASE_TLS,
    HTTP_PHASE_ANSWER, /* connected: the request, and waiting for all of its answer */
};
const char *http_phase_name(enum http_phase phase); /* "dns", "connect", "tls" ...; for logs */

#define HTTP_TROUBLE_NAME_MAX 256

/* What is known of a call that failed, for logs. Plain data: a copy is complete. */
struct http_trouble {
    enum http_phase phase;
    bool is_timeout;
    /* The server's certificate was refused: its chain, its name or its dates. Then the one at fault, as far
     * as it was shown; printable. */
    bool is_certificate_refused;
    char subject[HTTP_TROUBLE_NAME_MAX];
    char issuer[HTTP_TROUBLE_NAME_MAX];
    char not_after[32];
};

/* All of it in the arena. host, ms and trouble are there whatever became of the call. */
struct http_answer {
    int status;
    struct str body;
    const char *content_type;   /* "" when there was none */
    const char *authentication; /* the WWW-Authenticate header, "" when there was none */
    int64_t date;               /* the Date header in seconds, 0 when there was none */
    const char *host;           /* that was called; "" when the URL has none */
    int64_t ms;
    struct http_trouble trouble;
};

/* A POST goes out once at most (TOK-4): it gets a connection of its own, as curl sends again, unasked, what a
 * kept connection did not answer. The price is a TCP and TLS handshake for each. A GET may take a kept
 * connection, also one that a POST has opened, and may so go out twice.
 *
 * The failure text names the host, never the query, body or a header. */
enum http_call_result http_client_call(struct arena *arena, const struct http_call *call,
                                       struct http_answer *out_answer, struct failure *failure) MUST_CHECK;

/* Frees this thread's handle; worker threads call it when they end. */
void http_client_thread_end(void);

#endif
