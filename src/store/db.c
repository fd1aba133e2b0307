#include "store/db.h"

#include "base/log.h"
#include "store/driver.h"

#include <assert.h>
#include <stdio.h>

void db_begin_work(struct db *db, enum db_access access)
{
    db->access = access;
    db->has_changed = false;
    db->changes = 0;
    db->has_fault = false;
    db->fault.text[0] = '\0';
    db->fault_sql = NULL;
}

PRINTF_LIKE(3, 0)
static void note_fault(struct db *db, const char *sql, const char *format, va_list arguments)
{
    if (db->has_fault)
        return;
    db->has_fault = true;
    db->fault_sql = sql;
    vsnprintf(db->fault.text, sizeof db->fault.text, format, arguments);
}

void db_fault(struct db *db, const char *sql, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    note_fault(db, sql, format, arguments);
    va_end(arguments);
}

void db_query_fault(struct db_query *query, const char *format, ...)
{
    query->has_failed = true;
    va_list arguments;
    va_start(arguments, format);
    note_fault(query->db, query->sql, format, arguments);
    va_end(arguments);
}

enum outcome db_settle(struct db *db, enum outcome outcome)
{
    return db->has_fault ? FAILED : outcome;
}

void store_log_fault(struct store_tally *tally, const char *verb, const char *reason, const char *sql)
{
    atomic_fetch_add_explicit(&tally->failures, 1, memory_order_relaxed);
    log_error("store_failed", LOG_C("verb", verb), LOG_C("reason", reason), LOG_C("sql", sql));
}

void db_log_fault(struct db *db, struct store_tally *tally, const char *verb)
{
    store_log_fault(tally, verb, db->has_fault ? db->fault.text : "the verb gave up", db->fault_sql);
}

struct db_query *db_query(struct db *db, const char *sql)
{
    struct db_query *query = db->driver->query(db, sql);
    if (db->access == DB_WRITE_ONE && db->has_changed)
        db_query_fault(query, "a statement after the one change of a single-statement work");
    return query;
}

static bool is_bindable(struct db_query *query, int index)
{
    if (index < 1 || index > DB_PARAMETERS_MAX)
        db_query_fault(query, "no parameter %d", index);
    return !query->has_failed;
}

void db_bind_text(struct db_query *query, int index, struct str value)
{
    if (is_bindable(query, index))
        query->db->driver->bind_text(query, index, value);
}

void db_bind_c(struct db_query *query, int index, const char *value)
{
    if (value == NULL)
        db_bind_null(query, index);
    else
        db_bind_text(query, index, str_from_c(value));
}

void db_bind_blob(struct db_query *query, int index, struct str value)
{
    if (is_bindable(query, index))
        query->db->driver->bind_blob(query, index, value);
}

void db_bind_blob_or_null(struct db_query *query, int index, struct str value)
{
    if (value.length > 0)
        db_bind_blob(query, index, value);
    else
        db_bind_null(query, index);
}

void db_bind_int(struct db_query *query, int index, int64_t value)
{
    if (is_bindable(query, index))
        query->db->driver->bind_int(query, index, value);
}

void db_bind_null(struct db_query *query, int index)
{
    if (is_bindable(query, index))
        query->db->driver->bind_null(query, index);
}

enum db_step db_step(struct db_query *query)
{
    if (query->has_failed)
        return DB_FAILED;
    enum db_step step = query->db->driver->step(query);
    if (step == DB_DONE && query->db->changes > 0)
        query->db->has_changed = true;
    return step;
}

struct str db_text(struct db_query *query, int column, struct arena *arena)
{
    return query->has_failed ? STR_NONE : query->db->driver->text(query, column, arena);
}

struct str db_blob(struct db_query *query, int column, struct arena *arena)
{
    return query->has_failed ? STR_NONE : query->db->driver->blob(query, column, arena);
}

int64_t db_int(struct db_query *query, int column)
{
    return query->has_failed ? 0 : query->db->driver->integer(query, column);
}

bool db_is_null(struct db_query *query, int column)
{
    return query->has_failed || query->db->driver->is_null(query, column);
}

enum outcome db_finish(struct db_query *query)
{
    bool has_failed = query->has_failed;
    struct db *db = query->db;
    db->driver->finish(query); /* the query is gone now */
    return has_failed || db->has_fault ? FAILED : OK;
}

enum outcome db_run(struct db_query *query)
{
    while (db_step(query) == DB_ROW) /* a RETURNING nobody reads */
        ;
    return db_finish(query);
}

enum outcome db_finish_lookup(struct db_query *query, enum db_step step)
{
    if (db_finish(query) != OK)
        return FAILED;
    return step == DB_ROW ? OK : ABSENT;
}

enum outcome db_run_change(struct db_query *query)
{
    struct db *db = query->db;
    if (db_run(query) != OK)
        return FAILED;
    return db->changes > 0 ? OK : ABSENT;
}

enum outcome db_run_lookup(struct db_query *query)
{
    enum db_step step = db_step(query);
    return db_finish_lookup(query, step);
}

void db_run_later(struct db_query *query)
{
    if (query->has_failed || query->db->access != DB_WRITE) {
        if (db_run(query) != OK)
            return; /* noted on the connection */
    } else {
        query->db->driver->run_later(query);
    }
}

int64_t db_changes(struct db *db)
{
    return db->changes;
}
