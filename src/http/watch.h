/*
 * Closes connections whose client takes too long. libmicrohttpd's own timeout only sees silence: a client
 * that sends or reads one byte now and then stays for ever. Here the whole wait counts: from the first byte
 * awaited until the request is in, and from the answer until it is read.
 *
 * One thread per listener. An entry belongs to its connection, which puts it in before its first byte and
 * takes it out before its socket is closed; watch_wait and watch_rest may be called by whichever thread has
 * the connection.
 */
#ifndef HTTP_WATCH_H
#define HTTP_WATCH_H

#include "base/err.h"

#include <stdatomic.h>
#include <stdint.h>

struct watch;

struct watch_entry {
    struct watch_entry *next, *previous;
    int socket;
    atomic_llong waiting_since_ms; /* 0 = the client owes us nothing */
};

enum outcome watch_start(int64_t limit_ms, struct watch **out_watch, struct failure *failure) MUST_CHECK;
/* When no connection is left. NULL is fine. */
void watch_stop(struct watch **watch);

void watch_add(struct watch *watch, struct watch_entry *entry, int socket);
void watch_remove(struct watch *watch, struct watch_entry *entry);
void watch_wait(struct watch_entry *entry); /* it is the client's turn, from now */
void watch_rest(struct watch_entry *entry); /* it is ours */

#endif
