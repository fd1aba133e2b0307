/*
 * Listeners and their threads, on libmicrohttpd. One server object per listener (own address, own TLS, own
 * route table); all share one pool of workers for ROUTE_BLOCKING routes, on which a connection is suspended
 * meanwhile.
 *
 * Ownership: the server owns connections, requests and arenas; route tables and doors are the caller's and
 * outlive it.
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "base/err.h"
#include "http/router.h"

#include <stdbool.h>
#include <stdint.h>

struct http_workers;
struct http_server;

struct http_listener_settings {
    const char *name;    /* "front", "back", "internal", "console": for the log */
    const char *address; /* "127.0.0.1:8080", "[::1]:8080" or "*:8080" */
    bool is_https; /* scheme of the public base URL (cookies, HSTS); a TLS-terminating proxy may speak http to
                      us */
    const char *certificate_file; /* PEM chain; NULL = plain HTTP */
    const char *key_file;
    const char *client_ca_file; /* PEM; not NULL = ask every client for a certificate and verify it */
    /* Proxies (addresses or CIDR blocks) whose X-Forwarded-For and client-certificate header are believed;
     * from anyone else these headers are dropped before a handler sees them. */
    const char *const *trusted_proxies;
    size_t trusted_proxy_count;
    const char *client_certificate_header; /* RFC 9440 Client-Cert, or a URL-encoded PEM; NULL = none */
    size_t body_max;                       /* bytes; 8 KiB by default (spec 8.5) */
    size_t target_max;                     /* path and query */
    unsigned io_threads;                   /* 0 = one per core */
    unsigned connection_max;
    unsigned idle_timeout_s; /* of silence; a trickling request or answer gets twice that in all */
};

enum outcome http_workers_start(unsigned count, struct http_workers **out_workers,
                                struct failure *failure) MUST_CHECK;
void http_workers_stop(struct http_workers **workers); /* after every server is stopped */

enum outcome http_server_start(const struct http_listener_settings *settings, const struct route_table *table,
                               struct http_workers *workers, struct http_server **out_server,
                               struct failure *failure) MUST_CHECK;
/* Certificates and client CA anew from the same files; established connections go on. FAILED keeps the old
 * ones. */
enum outcome http_server_reload(struct http_server *server, struct failure *failure) MUST_CHECK;
/* Stops accepting, lets requests in flight finish (at most `seconds`), closes. True when nothing was cut off.
 */
bool http_server_drain(struct http_server **server, unsigned seconds);

struct http_server_counters {
    uint64_t requests;
    uint64_t responses_by_class[6]; /* index 1..5 */
    uint64_t connections_now;
    uint64_t busy_workers_now;
};
void http_server_read_counters(const struct http_server *server, struct http_server_counters *out_counters);

#endif
