/*
 * For who runs the server: liveness, readiness and counters, on the internal listener.
 *
 *   GET /healthz  200 while the process answers
 *   GET /readyz   200 when every part that a request needs is there, 503 with the names of those that are not
 *   GET /metrics  OpenMetrics text
 */
#ifndef OPS_OPS_H
#define OPS_OPS_H

#include "http/router.h"
#include "http/server.h"
#include "medmij/events.h"
#include "medmij/lists.h"
#include "sso/log_writer.h"
#include "sso/tally.h"
#include "store/cached.h"
#include "store/store.h"

#define OPS_SERVERS_MAX 4
#define OPS_DATA 2

struct ops {
    struct store *store;
    struct lists *lists;
    const struct cached *data[OPS_DATA];
    struct events *events;
    struct log_writer *log_writer;
    const struct tally *tally;
    struct {
        const char *name;
        const struct http_server *server;
    } servers[OPS_SERVERS_MAX];
    size_t server_count;
    int64_t started_at;
};

struct route_table ops_routes(struct ops *ops);

#endif
