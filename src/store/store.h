/*
 * The store: one object per process, two engines behind it.
 *
 * The rest of the program sees the domain verbs in this directory (flow.h, consent.h, grant.h, ...). Each
 * verb is atomic and durable when it returns OK. Each look-up has three outcomes: OK, ABSENT, FAILED; FAILED
 * has been logged here, once, with the statement and never with a value.
 *
 * SQLite ("sqlite:/path/file.db"): WAL, synchronous=FULL, one writer. Waiting writers are merged by a leader
 * into one transaction, a savepoint each, so that durability costs one fsync per batch; a writer whose work
 * fails rolls back its savepoint only. Readers have their own connections. PostgreSQL ("postgresql://..."): a
 * connection per calling thread out of a bounded pool, prepared statements, retry on serialization failure,
 * reconnect with back-off; while it is away verbs return FAILED quickly.
 *
 * Any thread may call any verb. Several processes on several machines may share one PostgreSQL.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/vault.h"

#include <stdbool.h>
#include <stdint.h>

struct store;
struct db;

struct store_settings {
    const char *url;
    unsigned connection_max;   /* PostgreSQL pool, SQLite readers */
    const struct vault *vault; /* borrowed; outlives the store */
    const char *node;          /* name of this process in the audit chain */
    bool must_exist;           /* SQLite: a file that is not there is a fault, instead of made */
};

/* Opens and tries the store; does not migrate. */
enum outcome store_open(const struct store_settings *settings, struct store **out_store,
                        struct failure *failure) MUST_CHECK;
void store_close(struct store **store);

/* Brings the schema to the newest migration, all or nothing per file; several nodes may call it at once. */
enum outcome store_migrate(struct store *store, int *out_applied, struct failure *failure) MUST_CHECK;
/* The schema's version and the newest this program knows; a program refuses a store that is newer than
 * itself. */
enum outcome store_schema_version(struct store *store, int *out_version, int *out_newest) MUST_CHECK;
/* A round trip, for /readyz. */
enum outcome store_ping(struct store *store) MUST_CHECK;

const struct vault *store_vault(const struct store *store);
const char *store_node(const struct store *store);
bool store_is_sqlite(const struct store *store);

/* What becomes of sessions of professionals; each but the first ends one. */
enum store_session_event {
    STORE_SESSION_OPENED,
    STORE_SESSION_REPLACED, /* by the browser's next login */
    STORE_SESSION_LOGGED_OUT,
    STORE_SESSION_EXPIRED, /* counted when it is purged, by the node that does */
};
#define STORE_SESSION_EVENTS 4

struct store_counters {
    uint64_t reads, writes, failures, retries;
    uint64_t batches; /* SQLite: transactions; writes / batches = how well group commit merges */
    uint64_t sessions[STORE_SESSION_EVENTS];
};
void store_read_counters(const struct store *store, struct store_counters *out_counters);

/* ---- for the verbs in this directory only ---- */

/* Runs on a connection inside a transaction. May be run again after a serialization failure, so it must set
 * its outputs anew each time and touch nothing but them and the db. OK and ABSENT commit; FAILED rolls back.
 * In group commit it may run on another thread while its caller waits. */
typedef enum outcome store_work(struct db *db, void *context);
/* For one statement that reads; a work of several, which must see one moment, takes store_snapshot. */
enum outcome store_read(struct store *store, const char *verb, store_work *work, void *context) MUST_CHECK;
enum outcome store_snapshot(struct store *store, const char *verb, store_work *work,
                            void *context) MUST_CHECK;
enum outcome store_write(struct store *store, const char *verb, store_work *work, void *context) MUST_CHECK;
/* The cheaper way for a work of which at most one statement changes anything, with none after it (enforced).
 */
enum outcome store_write_one(struct store *store, const char *verb, store_work *work,
                             void *context) MUST_CHECK;
/* A fault found after the work was done (a sealed value that does not open): logs it, returns FAILED. */
enum outcome store_fault(struct store *store, const char *verb, const char *reason);
/* For the counters; after the work was done. */
void store_count_sessions(struct store *store, enum store_session_event event, int64_t count);

#endif
