#include "store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUSY_TIMEOUT_MS 5000

static struct sqlite_db *db_of(struct db *db)
{
    return (struct sqlite_db *)db;
}

static struct sqlite_query *query_of(struct db_query *query)
{
    return (struct sqlite_query *)query;
}

/* SQLite's message names tables, columns and constraints, never a bound value. */
static void fault(struct sqlite_query *query)
{
    sqlite3 *handle = db_of(query->base.db)->handle;
    db_query_fault(&query->base, "sqlite %d: %s", sqlite3_extended_errcode(handle), sqlite3_errmsg(handle));
}

/* ---- connections ---- */

/* The file holds sealed values and digests, still nobody else's business; the -wal and -shm files take over
 * its mode. A file that exists is never opened here: closing it again would drop every lock that SQLite holds
 * on it in this process (POSIX advisory locks, fcntl(2)), and another process could then take the log away
 * from under our connections. */
static enum outcome secure_file(const char *path, struct failure *failure)
{
    int file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file >= 0)
        close(file);
    else if (errno != EEXIST)
        return failure_set(failure, "%s: cannot open the store: %s", path, strerror(errno));
    struct stat status;
    if (stat(path, &status) != 0)
        return failure_set(failure, "%s: cannot open the store: %s", path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return failure_set(failure, "%s: the store is not a regular file", path);
    if ((status.st_mode & (S_IRWXG | S_IRWXO)) && chmod(path, 0600) != 0)
        return failure_set(failure, "%s: the store is open to others and its mode cannot be set: %s", path,
                           strerror(errno));
    return OK;
}

/* journal_mode answers with the mode that it reached; everything else here cannot fall short silently. */
static enum outcome enter_wal(struct sqlite_db *db)
{
    sqlite3_stmt *statement = NULL;
    enum outcome outcome = FAILED;
    if (sqlite3_prepare_v2(db->handle, "PRAGMA journal_mode=WAL", -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW &&
        sqlite3_stricmp((const char *)sqlite3_column_text(statement, 0), "wal") == 0)
        outcome = OK;
    sqlite3_finalize(statement);
    return outcome;
}

static enum outcome configure(struct sqlite_db *db, bool is_writer)
{
    sqlite3_busy_timeout(db->handle, BUSY_TIMEOUT_MS);
    sqlite3_extended_result_codes(db->handle, 1);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    /* Readers lean on the page cache of the operating system and keep little of their own: there are as many
     * as workers. The writer alone profits from a cache. The file is not mapped: resident memory would grow
     * with the store, and a disk that fails would be a signal instead of an error. */
    const char *pragmas = is_writer
                              ? "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY;"
                                "PRAGMA cache_size=-4096; PRAGMA wal_autocheckpoint=2000;"
                                "PRAGMA journal_size_limit=67108864;"
                              : "PRAGMA query_only=ON; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-512;"
                                "PRAGMA mmap_size=0;";
    if (is_writer && enter_wal(db) != OK)
        return FAILED;
    return sqlite3_exec(db->handle, pragmas, NULL, NULL, NULL) == SQLITE_OK ? OK : FAILED;
}

enum outcome sqlite_connect(const char *path, bool is_writer, struct sqlite_db **out_db,
                            struct failure *failure)
{
    *out_db = NULL;
    if (secure_file(path, failure) != OK)
        return FAILED;
    struct sqlite_db *db = calloc(1, sizeof *db);
    if (db == NULL)
        abort();
    db->base.driver = &sqlite_driver;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    if (sqlite3_open_v2(path, &db->handle, flags, NULL) != SQLITE_OK || configure(db, is_writer) != OK) {
        failure_set(failure, "%s: cannot open the store: %s", path, sqlite3_errmsg(db->handle));
        sqlite_disconnect(&db);
        return FAILED;
    }
    *out_db = db;
    return OK;
}

void sqlite_disconnect(struct sqlite_db **db)
{
    if (*db == NULL)
        return;
    for (size_t i = 0; i < SQLITE_CACHE_SLOTS; i++) {
        if ((*db)->cache[i] != NULL)
            sqlite3_finalize((*db)->cache[i]->statement);
        free((*db)->cache[i]);
    }
    sqlite3_close((*db)->handle);
    free(*db);
    *db = NULL;
}

bool sqlite_is_in_transaction(const struct sqlite_db *db)
{
    return !sqlite3_get_autocommit(db->handle);
}

enum outcome sqlite_command(struct sqlite_db *db, const char *sql)
{
    struct sqlite_query *query = query_of(sqlite_query(&db->base, sql));
    bool is_done = !query->base.has_failed && sqlite3_step(query->statement) == SQLITE_DONE;
    if (!is_done && !query->base.has_failed)
        fault(query);
    sqlite_finish(&query->base);
    return is_done ? OK : FAILED;
}

enum outcome sqlite_script(struct db *db, const char *text)
{
    sqlite3 *handle = db_of(db)->handle;
    if (sqlite3_exec(handle, text, NULL, NULL, NULL) == SQLITE_OK)
        return OK;
    db_fault(db, NULL, "sqlite %d: %s", sqlite3_extended_errcode(handle), sqlite3_errmsg(handle));
    return FAILED;
}

/* ---- statements ---- */

static size_t slot_of(const char *sql)
{
    uint64_t hash = (uint64_t)(uintptr_t)sql * UINT64_C(0x9E3779B97F4A7C15);
    return (size_t)(hash >> 32) & (SQLITE_CACHE_SLOTS - 1);
}

/* The cached statement of this literal, or an empty one: a new member of the cache, or, when the cached one
 * is running or the cache is full, one for once only. */
static struct sqlite_query *take_query(struct sqlite_db *db, const char *sql)
{
    size_t slot = slot_of(sql);
    size_t tried = 0;
    while (tried < SQLITE_CACHE_SLOTS && db->cache[slot] != NULL && db->cache[slot]->base.sql != sql) {
        slot = (slot + 1) & (SQLITE_CACHE_SLOTS - 1);
        tried++;
    }
    if (tried < SQLITE_CACHE_SLOTS && db->cache[slot] != NULL && !db->cache[slot]->is_in_use)
        return db->cache[slot];
    struct sqlite_query *query = calloc(1, sizeof *query);
    if (query == NULL)
        abort();
    query->base.db = &db->base;
    query->base.sql = sql;
    if (tried < SQLITE_CACHE_SLOTS && db->cache[slot] == NULL) {
        db->cache[slot] = query;
        query->is_cached = true;
    }
    return query;
}

static void prepare(struct sqlite_query *query)
{
    sqlite3 *handle = db_of(query->base.db)->handle;
    if (sqlite3_prepare_v3(handle, query->base.sql, -1, SQLITE_PREPARE_PERSISTENT, &query->statement, NULL) !=
        SQLITE_OK) {
        fault(query);
        return;
    }
    /* SQLite sees "$1" as a name and numbers names by first appearance. */
    for (int i = 1; i <= sqlite3_bind_parameter_count(query->statement); i++) {
        const char *name = sqlite3_bind_parameter_name(query->statement, i);
        long number = name != NULL && name[0] == '$' ? strtol(name + 1, NULL, 10) : 0;
        if (number >= 1 && number <= DB_PARAMETERS_MAX)
            query->position[number] = i;
        else
            db_query_fault(&query->base, "a placeholder that is not $1..$%d", DB_PARAMETERS_MAX);
    }
}

struct db_query *sqlite_query(struct db *db, const char *sql)
{
    struct sqlite_query *query = take_query(db_of(db), sql);
    query->is_in_use = true;
    query->has_row = false;
    query->is_done = false;
    query->base.has_failed = false;
    if (query->statement == NULL)
        prepare(query);
    return &query->base;
}

static void check_bind(struct sqlite_query *query, int index, int code)
{
    if (code != SQLITE_OK)
        db_query_fault(&query->base, "parameter $%d cannot be bound: sqlite %d", index, code);
}

/* The caller's bytes stay where they are until db_finish, which unbinds them: no copy. An empty value needs
 * an address, as NULL would bind SQL NULL. */
void sqlite_bind_text(struct db_query *base, int index, struct str value)
{
    struct sqlite_query *query = query_of(base);
    check_bind(query, index,
               sqlite3_bind_text64(query->statement, query->position[index], value.length ? value.data : "",
                                   value.length, SQLITE_STATIC, SQLITE_UTF8));
}

void sqlite_bind_blob(struct db_query *base, int index, struct str value)
{
    struct sqlite_query *query = query_of(base);
    check_bind(query, index,
               sqlite3_bind_blob64(query->statement, query->position[index], value.length ? value.data : "",
                                   value.length, SQLITE_STATIC));
}

void sqlite_bind_int(struct db_query *base, int index, int64_t value)
{
    struct sqlite_query *query = query_of(base);
    check_bind(query, index, sqlite3_bind_int64(query->statement, query->position[index], value));
}

void sqlite_bind_null(struct db_query *base, int index)
{
    struct sqlite_query *query = query_of(base);
    check_bind(query, index, sqlite3_bind_null(query->statement, query->position[index]));
}

enum db_step sqlite_step(struct db_query *base)
{
    struct sqlite_query *query = query_of(base);
    query->has_row = false;
    if (query->is_done)
        return DB_DONE; /* stepping again would run the statement again */
    switch (sqlite3_step(query->statement)) {
    case SQLITE_ROW:
        query->has_row = true;
        return DB_ROW;
    case SQLITE_DONE:
        query->is_done = true;
        base->db->changes =
            sqlite3_stmt_readonly(query->statement) ? 0 : (int64_t)sqlite3_changes64(db_of(base->db)->handle);
        return DB_DONE;
    default:
        fault(query);
        return DB_FAILED;
    }
}

/* True when the column can be read as `type`; NULL is for each function below to see. */
static bool is_column(struct sqlite_query *query, int column, int type)
{
    if (!query->has_row || column < 0 || column >= sqlite3_column_count(query->statement)) {
        db_query_fault(&query->base, "column %d read where there is none", column);
        return false;
    }
    int actual = sqlite3_column_type(query->statement, column);
    if (actual != type && actual != SQLITE_NULL) {
        db_query_fault(&query->base, "column %d has type %d, expected %d", column, actual, type);
        return false;
    }
    return actual == type;
}

struct str sqlite_text(struct db_query *base, int column, struct arena *arena)
{
    struct sqlite_query *query = query_of(base);
    if (!is_column(query, column, SQLITE_TEXT))
        return STR_NONE;
    const void *text = sqlite3_column_text(query->statement, column);
    size_t length = (size_t)sqlite3_column_bytes(query->statement, column);
    if (text == NULL) {
        db_query_fault(base, "out of memory");
        return STR_NONE;
    }
    return str_copy(arena, str_of(text, length));
}

struct str sqlite_blob(struct db_query *base, int column, struct arena *arena)
{
    struct sqlite_query *query = query_of(base);
    if (!is_column(query, column, SQLITE_BLOB))
        return STR_NONE;
    const void *blob = sqlite3_column_blob(query->statement, column); /* NULL when empty */
    size_t length = (size_t)sqlite3_column_bytes(query->statement, column);
    return blob == NULL ? STR_NONE : str_copy(arena, str_of(blob, length));
}

int64_t sqlite_integer(struct db_query *base, int column)
{
    struct sqlite_query *query = query_of(base);
    return is_column(query, column, SQLITE_INTEGER) ? sqlite3_column_int64(query->statement, column) : 0;
}

bool sqlite_is_null(struct db_query *base, int column)
{
    struct sqlite_query *query = query_of(base);
    return !query->has_row || sqlite3_column_type(query->statement, column) == SQLITE_NULL;
}

void sqlite_finish(struct db_query *base)
{
    struct sqlite_query *query = query_of(base);
    if (query->has_row && !base->has_failed && !sqlite3_stmt_readonly(query->statement)) {
        while (db_step(base) == DB_ROW) /* a change with RETURNING counts once it ran to its end */
            ;
    }
    if (query->is_cached) {
        if (query->statement != NULL) { /* else it could not be prepared, and is tried again next time */
            sqlite3_reset(query->statement);
            sqlite3_clear_bindings(query->statement);
        }
        query->is_in_use = false;
        return;
    }
    sqlite3_finalize(query->statement);
    free(query);
}

void sqlite_run_later(struct db_query *query)
{
    if (db_run(query) != OK)
        return; /* noted on the connection; nothing is saved by waiting here */
}
