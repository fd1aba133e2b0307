/*
 * The pool of threads on which ROUTE_BLOCKING handlers run. A job is memory of its owner and stays valid
 * until run() has been called; jobs are taken in order. Any thread may push.
 */
#ifndef HTTP_WORKER_H
#define HTTP_WORKER_H

#include "http/server.h"

struct worker_job {
    struct worker_job *next;
    void (*run)(struct worker_job *job);
};

void worker_push(struct http_workers *workers, struct worker_job *job);
uint64_t worker_busy_now(const struct http_workers *workers);

#endif
