/*
 * Writes the numbered log without ever blocking a login (LOG-6): entries are copied into a bounded queue and
 * written by a thread of its own, those that wait together in one transaction. When the queue is full or the
 * store refuses, the login goes on; a minimal line goes to the process log and the loss is counted.
 */
#ifndef SSO_LOG_WRITER_H
#define SSO_LOG_WRITER_H

#include "store/exchange_log.h"

#include <stdint.h>

#define LOG_WRITER_QUEUE_MAX 4096 /* entries */

struct log_writer;

struct log_writer *log_writer_start(struct store *store);
/* Writes what is queued (for at most 5 seconds) and stops. */
void log_writer_stop(struct log_writer **writer);

/* Copies the entry; any thread. */
void log_writer_put(struct log_writer *writer, const struct exchange_entry *entry);

struct log_writer_counters {
    uint64_t written, lost;
    uint64_t queued_now;
};
void log_writer_read_counters(struct log_writer *writer, struct log_writer_counters *out_counters);

#endif
