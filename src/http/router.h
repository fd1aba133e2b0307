/*
 * Routes: a table per door, and a listener with one table or a chain of them. A pattern is a literal path, or
 * one that ends in "*", which matches any rest (given to the handler as path_tail). The first row in the
 * chain that matches path and method wins; a path that matches with another method only is answered 405 with
 * Allow; HEAD is served by GET rows. No match: the `not_found` handler of the first table.
 */
#ifndef HTTP_ROUTER_H
#define HTTP_ROUTER_H

#include "http/request.h"
#include "http/response.h"

/* `door` is the context given with the table. Handlers are straight-line: parse, check, act, reply. */
typedef void http_handler(void *door, const struct http_request *request, struct http_response *response);

enum route_flags {
    ROUTE_PLAIN = 0,
    ROUTE_BLOCKING = 1, /* touches the store, the network or a password hash: runs on a worker thread */
};

struct route {
    enum http_method method;
    const char *pattern;
    http_handler *handler;
    enum route_flags flags;
};

struct route_table {
    const struct route *routes;
    size_t count;
    void *door;
    http_handler *not_found;        /* also for 405 (status preset to 404 or 405); runs on an I/O thread */
    http_handler *too_large;        /* body or URL over the cap; status preset to 413 or 414 */
    const struct route_table *next; /* the next door on the same listener; NULL = last. Its error handlers are
                                       not used and may be NULL */
};

enum route_match { ROUTE_FOUND, ROUTE_NO_PATH, ROUTE_NO_METHOD };

/* Sets out_door to the context of the table that the route stands in, and out_tail for a "*" pattern;
 * *out_allow lists the methods of the path for ROUTE_NO_METHOD ("GET, HEAD"). */
enum route_match router_match(const struct route_table *table, enum http_method method, struct str path,
                              const struct route **out_route, void **out_door, struct str *out_tail,
                              const char **out_allow);

#endif
