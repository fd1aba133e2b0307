/*
 * One PostgreSQL connection and its prepared statements (postgres.c), under the engine that shares
 * connections out (postgres_engine.c). Private to these two. A connection belongs to one thread at a time.
 *
 * The connection is always in pipeline mode: BEGIN travels with the first statement, statements that are run
 * later travel with the next one or with COMMIT, so that a verb of one condition and several inserts takes
 * two round trips. Every wait has a deadline; a connection that missed it is lost.
 */
#ifndef STORE_POSTGRES_H
#define STORE_POSTGRES_H

#include "store/driver.h"

#include <libpq-fe.h>

#define POSTGRES_CACHE_SLOTS 256 /* a power of two, well above the number of statements in the program */
#define POSTGRES_QUEUE_MAX 16

struct postgres_statement;

struct postgres_query {
    struct db_query base;
    struct postgres_statement *statement;
    int parameter_count;
    const char *values[DB_PARAMETERS_MAX];
    int lengths[DB_PARAMETERS_MAX];
    int formats[DB_PARAMETERS_MAX];
    char numbers[DB_PARAMETERS_MAX][24];
    PGresult *result;
    int row; /* the current one; -1 before the first step */
    bool is_in_use;
    bool is_own; /* allocated for one use, as the statement's own was running */
};

struct postgres_statement {
    const char *sql;
    char name[24];
    bool is_prepared;
    struct postgres_query query;
};

/* What was sent and not answered yet. */
struct postgres_sent {
    enum { SENT_PREPARE, SENT_LATER, SENT_QUERY, SENT_COMMAND } kind;
    struct postgres_statement *statement;
    struct postgres_query *query; /* SENT_QUERY */
    const char *command;          /* SENT_COMMAND: also the tag that its answer must carry */
};

struct postgres_db {
    struct db base;
    PGconn *handle;
    struct postgres_statement *cache[POSTGRES_CACHE_SLOTS];
    unsigned statement_count;
    struct postgres_sent queue[POSTGRES_QUEUE_MAX];
    int queued;
    const char *begin_sql; /* to be sent ahead of the first statement */
    bool is_begun;
    bool is_committing; /* COMMIT was sent: when its answer is lost nobody knows */
    bool is_retryable;  /* the fault goes away by running the work again */
    bool is_lost;       /* the connection is of no use any more */
    bool is_late;       /* lost because the answer did not come in time */
    bool is_patient;    /* migrations may take their time */
    uint64_t generation;
    struct postgres_db *next; /* in the engine's list of free connections */
};

enum outcome postgres_connect(const char *url, struct postgres_db **out_db,
                              struct failure *failure) MUST_CHECK;
void postgres_disconnect(struct postgres_db **db);
/* False when an idle connection has news: the server went away, or said something out of turn. */
bool postgres_is_quiet(const struct postgres_db *db);

void postgres_begin(struct postgres_db *db, const char *begin_sql);
/* COMMIT and whatever was put off. OK only when the server said COMMIT. */
enum outcome postgres_commit(struct postgres_db *db) MUST_CHECK;
void postgres_rollback(struct postgres_db *db);

struct db_query *postgres_query(struct db *db, const char *sql);
void postgres_bind_text(struct db_query *query, int index, struct str value);
void postgres_bind_int(struct db_query *query, int index, int64_t value);
void postgres_bind_null(struct db_query *query, int index);
enum db_step postgres_step(struct db_query *query);
struct str postgres_text(struct db_query *query, int column, struct arena *arena);
struct str postgres_blob(struct db_query *query, int column, struct arena *arena);
int64_t postgres_integer(struct db_query *query, int column);
bool postgres_is_null(struct db_query *query, int column);
void postgres_finish(struct db_query *query);
void postgres_run_later(struct db_query *query);
enum outcome postgres_script(struct db *db, const char *text);
enum outcome postgres_lock_schema(struct db *db);

#endif
