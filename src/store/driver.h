/*
 * What an engine must offer so that store.h and db.h work on it: one struct of functions per engine. Private
 * to src/store.
 *
 * A fault is noted once per work, on its connection (db_fault keeps the first); whoever ran the work asks
 * db_settle for the outcome that counts: a work that met a fault has FAILED, whatever it returned. The engine
 * logs it.
 */
#ifndef STORE_DRIVER_H
#define STORE_DRIVER_H

#include "store/db.h"
#include "store/store.h"

#include <stdatomic.h>

#define DB_PARAMETERS_MAX 32

enum db_access {
    DB_READ,      /* each statement sees its own moment */
    DB_SNAPSHOT,  /* all statements see one moment */
    DB_WRITE_ONE, /* at most one statement changes something, and nothing follows it */
    DB_WRITE,     /* a transaction */
};

/* The head of an engine's connection. */
struct db {
    const struct driver *driver;
    enum db_access access;
    bool has_changed; /* a statement of this work changed rows */
    int64_t changes;  /* of the last statement */
    bool has_fault;
    struct failure fault;
    const char *fault_sql;
};

/* The head of an engine's query. */
struct db_query {
    struct db *db;
    const char *sql;
    bool has_failed;
};

struct store_tally {
    _Atomic uint64_t reads, writes, failures, retries, batches;
    _Atomic uint64_t sessions[STORE_SESSION_EVENTS];
};

struct driver {
    const char *scheme;           /* start of the URL, with its colon */
    const char *blob_type;        /* what $BLOB in a migration becomes */
    const char *table_exists_sql; /* one parameter, the table's name; a row when it exists */

    enum outcome (*open)(const struct store_settings *settings, struct store_tally *tally, void **out_engine,
                         struct failure *failure);
    void (*close)(void *engine);
    enum outcome (*run)(void *engine, enum db_access access, const char *verb, store_work *work,
                        void *context);

    struct db_query *(*query)(struct db *db, const char *sql);
    void (*bind_text)(struct db_query *query, int index, struct str value);
    void (*bind_blob)(struct db_query *query, int index, struct str value);
    void (*bind_int)(struct db_query *query, int index, int64_t value);
    void (*bind_null)(struct db_query *query, int index);
    enum db_step (*step)(struct db_query *query);
    struct str (*text)(struct db_query *query, int column, struct arena *arena);
    struct str (*blob)(struct db_query *query, int column, struct arena *arena);
    int64_t (*integer)(struct db_query *query, int column);
    bool (*is_null)(struct db_query *query, int column);
    void (*finish)(struct db_query *query);
    void (*run_later)(struct db_query *query);

    /* Runs several statements from a text; inside a DB_WRITE work. */
    enum outcome (*script)(struct db *db, const char *text);
    /* Keeps every other node from migrating until the transaction ends. */
    enum outcome (*lock_schema)(struct db *db);
};

extern const struct driver sqlite_driver;
extern const struct driver postgres_driver;

/* A fresh start for the next work on this connection. */
void db_begin_work(struct db *db, enum db_access access);
/* Notes what went wrong (the first fault stays). Never a value of a parameter or a column in the text. */
void db_fault(struct db *db, const char *sql, const char *format, ...) PRINTF_LIKE(3, 4);
void db_query_fault(struct db_query *query, const char *format, ...) PRINTF_LIKE(2, 3);
/* The outcome that counts. */
enum outcome db_settle(struct db *db, enum outcome outcome);
/* Logs the fault of a work that FAILED, and counts it. */
void db_log_fault(struct db *db, struct store_tally *tally, const char *verb);
void store_log_fault(struct store_tally *tally, const char *verb, const char *reason, const char *sql);

#endif
