/*
 * The thin typed layer under every store verb: prepared statements with $1 placeholders, typed parameters, a
 * row cursor. Two drivers (sqlite.c, postgres.c) behind one struct of functions; the SQL text is written
 * once, in the portable subset (ON CONFLICT, RETURNING, no engine-specific functions). Times are INTEGER
 * seconds, booleans INTEGER 0/1, ids TEXT.
 *
 * Only files in src/store include this header. A db belongs to the thread that runs the verb.
 *
 *     struct db_query *query = db_query(db, "SELECT expires_at FROM access_token WHERE digest = $1");
 *     db_bind_blob(query, 1, digest);
 *     switch (db_step(query)) { case DB_ROW: ... case DB_DONE: ... case DB_FAILED: ... }
 *     db_finish(query);
 *
 * Any bind or column fault makes the next db_step, or db_finish, report DB_FAILED: no result is ever used
 * half.
 */
#ifndef STORE_DB_H
#define STORE_DB_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct db;
struct db_query;

enum db_step { DB_ROW, DB_DONE, DB_FAILED };

/* `sql` must be a literal: its address is the key of the prepared-statement cache. Never NULL. */
struct db_query *db_query(struct db *db, const char *sql);
void db_bind_text(struct db_query *query, int index, struct str value);
void db_bind_c(struct db_query *query, int index, const char *value); /* NULL binds SQL NULL */
void db_bind_blob(struct db_query *query, int index, struct str value);
/* Empty binds SQL NULL. */
void db_bind_blob_or_null(struct db_query *query, int index, struct str value);
void db_bind_int(struct db_query *query, int index, int64_t value);
void db_bind_null(struct db_query *query, int index);
enum db_step db_step(struct db_query *query) MUST_CHECK;

/* Columns count from 0; copies go to the arena; NULL reads as empty text, 0, and is told by db_is_null. */
struct str db_text(struct db_query *query, int column, struct arena *arena);
struct str db_blob(struct db_query *query, int column, struct arena *arena);
int64_t db_int(struct db_query *query, int column);
bool db_is_null(struct db_query *query, int column);

/* Ends the query; FAILED when anything in it failed. */
enum outcome db_finish(struct db_query *query) MUST_CHECK;
/* The same for a look-up whose first step was `step`: OK when that gave a row, ABSENT when there was none. */
enum outcome db_finish_lookup(struct db_query *query, enum db_step step) MUST_CHECK;
/* Runs a query without rows and finishes it. */
enum outcome db_run(struct db_query *query) MUST_CHECK;
/* The same for a write with a condition: OK when it changed a row, ABSENT when none fitted. */
enum outcome db_run_change(struct db_query *query) MUST_CHECK;
/* Runs and finishes a look-up of which only counts whether there is a row: OK or ABSENT. */
enum outcome db_run_lookup(struct db_query *query) MUST_CHECK;
/* Runs a query whose only news could be failure, and finishes it. The engine may put it off until the next
 * step or the commit, to save a round trip; a failure then makes that one fail, and with it the work. */
void db_run_later(struct db_query *query);
/* Rows changed by the last statement that ran (not by one run later). */
int64_t db_changes(struct db *db);

#endif
