/*
 * One SQLite connection and its prepared statements (sqlite.c), under the engine that shares connections out
 * (sqlite_engine.c). Private to these two. A connection belongs to one thread at a time.
 */
#ifndef STORE_SQLITE_H
#define STORE_SQLITE_H

#include "store/driver.h"

#include <sqlite3.h>

#define SQLITE_CACHE_SLOTS 256 /* a power of two, well above the number of statements in the program */

struct sqlite_query {
    struct db_query base;
    sqlite3_stmt *statement;
    int position[DB_PARAMETERS_MAX + 1]; /* of $1, $2 ... in SQLite's own numbering */
    bool is_cached;
    bool is_in_use;
    bool has_row;
    bool is_done;
};

struct sqlite_db {
    struct db base;
    sqlite3 *handle;
    struct sqlite_query *cache[SQLITE_CACHE_SLOTS];
    struct sqlite_db *next; /* in the engine's list of free readers */
};

enum outcome sqlite_connect(const char *path, bool is_writer, struct sqlite_db **out_db,
                            struct failure *failure) MUST_CHECK;
void sqlite_disconnect(struct sqlite_db **db);
/* A statement without parameters and rows (BEGIN, COMMIT, SAVEPOINT ...). */
enum outcome sqlite_command(struct sqlite_db *db, const char *sql) MUST_CHECK;
/* A transaction is open; false after SQLite rolled everything back by itself (disk full, I/O error). */
bool sqlite_is_in_transaction(const struct sqlite_db *db);

struct db_query *sqlite_query(struct db *db, const char *sql);
void sqlite_bind_text(struct db_query *query, int index, struct str value);
void sqlite_bind_blob(struct db_query *query, int index, struct str value);
void sqlite_bind_int(struct db_query *query, int index, int64_t value);
void sqlite_bind_null(struct db_query *query, int index);
enum db_step sqlite_step(struct db_query *query);
struct str sqlite_text(struct db_query *query, int column, struct arena *arena);
struct str sqlite_blob(struct db_query *query, int column, struct arena *arena);
int64_t sqlite_integer(struct db_query *query, int column);
bool sqlite_is_null(struct db_query *query, int column);
void sqlite_finish(struct db_query *query);
void sqlite_run_later(struct db_query *query);
enum outcome sqlite_script(struct db *db, const char *text);

#endif
