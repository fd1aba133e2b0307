/*
 * One HTTP exchange on one connection: the only file that knows how libmicrohttpd calls back. It calls three
 * times or more per request (headers seen, body pieces, body complete) and once more after a suspended
 * connection is resumed; here that becomes one straight run: prepare, collect, handle, reply.
 *
 * Private to the room: http/server makes the listener and owns the counters below. A connection belongs to
 * its I/O thread, except while a worker runs its handler; the hand-over goes through the worker queue and
 * MHD_resume_connection.
 */
#ifndef HTTP_EXCHANGE_H
#define HTTP_EXCHANGE_H

#include "http/proxy.h"
#include "http/server.h"
#include "http/tls.h"
#include "http/watch.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

struct http_server {
    struct http_listener_settings settings; /* every pointer in it is a copy of our own, in `arena` */
    struct arena *arena;
    const struct route_table *table;
    struct http_workers *workers;
    struct MHD_Daemon *daemon;
    int listen_socket; /* the daemon's */
    int silence[2];    /* a pipe in which nothing is ever written, see http_server_drain; -1 = not there */
    struct proxy_list proxies;
    struct watch *watch;
    pthread_mutex_t tls_lock; /* guards the pointer, not what it points to */
    struct tls *tls;          /* current snapshot; NULL without certificate and client CA */

    /* Draining: answers carry "Connection: close". Closed: a request that begins now is not taken on. Cut:
     * jobs that have not begun are answered 503. */
    atomic_bool is_draining, is_closed, is_cut;
    atomic_uint exchanges_now; /* from the request line until the answer is out */
    atomic_uint jobs_now;      /* suspended connections */

    atomic_ullong requests;
    atomic_ullong responses_by_class[6];
    atomic_ullong connections_now;
};

/* The current snapshot, counted for the caller; NULL when there is none. */
struct tls *server_tls(struct http_server *server);

/* The callbacks for MHD_start_daemon; the context of each is the server. */
void *exchange_on_target(void *server, const char *target, struct MHD_Connection *mhd);
enum MHD_Result exchange_on_request(void *server, struct MHD_Connection *mhd, const char *url,
                                    const char *method, const char *version, const char *upload,
                                    size_t *upload_size, void **context);
void exchange_on_completed(void *server, struct MHD_Connection *mhd, void **context,
                           enum MHD_RequestTerminationCode code);
void exchange_on_connection(void *server, struct MHD_Connection *mhd, void **context,
                            enum MHD_ConnectionNotificationCode code);

#endif
