#include "store/postgres.h"

#include "base/clock.h"
#include "base/log.h"

#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#define ANSWER_TIMEOUT_MS 8000 /* above the server's own statement timeout, for a server that hangs */
#define PATIENT_TIMEOUT_MS 3600000

/* Type ids of the server's catalogue (pg_type); they never change. */
enum { TYPE_BYTEA = 17, TYPE_INT8 = 20, TYPE_INT2 = 21, TYPE_INT4 = 23, TYPE_TEXT = 25, TYPE_VARCHAR = 1043 };

static struct postgres_db *db_of(struct db *db)
{
    return (struct postgres_db *)db;
}

static struct postgres_query *query_of(struct db_query *query)
{
    return (struct postgres_query *)query;
}

/* ---- faults ---- */

/* Nobody knows what became of a COMMIT, or of a statement that commits by itself, whose answer did not come;
 * everything else is undone by the server and may be run again. Not after a time-out: the caller has waited
 * long enough. */
static bool is_surely_undone(const struct postgres_db *db)
{
    return !db->is_committing && db->base.access != DB_WRITE_ONE;
}

static void lose(struct postgres_db *db, const char *sql, const char *why)
{
    db->is_lost = true;
    if (!db->base.has_fault) /* else the first fault decides */
        db->is_retryable = is_surely_undone(db) && !db->is_late;
    db_fault(&db->base, sql, "postgresql: %s", db->is_late ? "no answer in time" : why);
}

static bool is_state(const char *state, const char *const *list)
{
    for (; *list != NULL; list++) {
        if (strncmp(state, *list, strlen(*list)) == 0)
            return true;
    }
    return false;
}

static void note_error(struct postgres_db *db, const char *sql, const PGresult *result)
{
    /* Refused by the server: serialization failure, deadlock. */
    static const char *const again[] = {"40001", "40P01", NULL};
    /* Refused, as the session is stale: fail-over left a standby, a pooler dropped what was prepared. */
    static const char *const stale[] = {"25006", "26000", "0A000", NULL};
    /* Shut down in the middle. */
    static const char *const gone[] = {"57P01", "57P02", "57P03", "08", NULL};
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (state == NULL) {
        lose(db, sql, "the connection was lost");
        return;
    }
    if (!db->base.has_fault)
        db->is_retryable = is_state(state, again) || is_state(state, stale) ||
                           (is_state(state, gone) && is_surely_undone(db));
    if (is_state(state, stale) || is_state(state, gone))
        db->is_lost = true;
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (text == NULL || strncmp(state, "22", 2) == 0)
        text = "bad data"; /* the message of a data fault quotes the value */
    db_fault(&db->base, sql, "postgresql %s: %s", state, text);
}

/* ---- sending and waiting ---- */

/* Sends what is left and waits until a result can be read. */
static bool pump(struct postgres_db *db, int64_t deadline_ms)
{
    for (;;) {
        int unsent = PQflush(db->handle);
        if (unsent >= 0 && !PQisBusy(db->handle))
            return true;
        struct pollfd wait = {.fd = PQsocket(db->handle),
                              .events = (short)(unsent > 0 ? POLLIN | POLLOUT : POLLIN)};
        int64_t left = deadline_ms - clock_monotonic_ms();
        if (unsent < 0 || wait.fd < 0)
            return false;
        db->is_late = left <= 0 || poll(&wait, 1, (int)left) == 0;
        if (db->is_late)
            return false;
        if ((wait.revents & (POLLIN | POLLERR | POLLHUP)) && !PQconsumeInput(db->handle))
            return false;
    }
}

static int64_t deadline(const struct postgres_db *db)
{
    return clock_monotonic_ms() + (db->is_patient ? PATIENT_TIMEOUT_MS : ANSWER_TIMEOUT_MS);
}

static const char *sql_of(const struct postgres_sent *sent)
{
    return sent->command != NULL ? sent->command : sent->statement->sql;
}

static void take_changes(struct postgres_db *db, PGresult *result)
{
    const char *tag = PQcmdStatus(result);
    bool is_change =
        strncmp(tag, "INSERT", 6) == 0 || strncmp(tag, "UPDATE", 6) == 0 || strncmp(tag, "DELETE", 6) == 0;
    db->base.changes = is_change ? strtoll(PQcmdTuples(result), NULL, 10) : 0;
    if (db->base.changes > 0)
        db->base.has_changed = true;
}

static void take_answer(struct postgres_db *db, const struct postgres_sent *sent, PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_PIPELINE_ABORTED) {
        db_fault(&db->base, sql_of(sent), "skipped after a fault");
    } else if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        note_error(db, sql_of(sent), result);
    } else if (sent->kind == SENT_PREPARE) {
        sent->statement->is_prepared = true;
    } else if (sent->kind == SENT_COMMAND &&
               strncmp(PQcmdStatus(result), sent->command, strcspn(sent->command, " ")) != 0) {
        /* COMMIT of a transaction that had failed answers ROLLBACK, without an error. */
        db_fault(&db->base, sent->command, "postgresql answered %s", PQcmdStatus(result));
    } else if (sent->kind == SENT_QUERY) {
        take_changes(db, result);
        sent->query->result = result;
        return;
    }
    PQclear(result);
}

/* One result, or NULL at the end of those of one statement; false when the connection is lost. */
static bool next_result(struct postgres_db *db, int64_t deadline_ms, PGresult **out_result)
{
    *out_result = NULL;
    if (!pump(db, deadline_ms))
        return false;
    *out_result = PQgetResult(db->handle);
    return true;
}

/* Reads one answer to everything that was sent, up to the synchronisation point. */
static bool read_answers(struct postgres_db *db)
{
    int64_t limit = deadline(db);
    PGresult *result;
    for (int i = 0; i < db->queued; i++) {
        if (!next_result(db, limit, &result) || result == NULL)
            return false;
        take_answer(db, &db->queue[i], result);
        if (!next_result(db, limit, &result) || result != NULL) {
            PQclear(result);
            return false;
        }
    }
    if (!next_result(db, limit, &result))
        return false;
    bool is_sync = result != NULL && PQresultStatus(result) == PGRES_PIPELINE_SYNC;
    PQclear(result);
    return is_sync;
}

/* A round trip. Faults are noted on the connection. */
static void round_trip(struct postgres_db *db)
{
    if (db->is_lost || db->queued == 0)
        return;
    if (!PQpipelineSync(db->handle) || !read_answers(db))
        lose(db, sql_of(&db->queue[0]), "the connection was lost");
    db->queued = 0;
}

static void queue_up(struct postgres_db *db, struct postgres_sent sent, int is_sent)
{
    if (!is_sent) {
        lose(db, sql_of(&sent), "cannot send");
        return;
    }
    db->queue[db->queued++] = sent;
}

static void send_command(struct postgres_db *db, const char *command)
{
    if (db->is_lost)
        return;
    if (db->queued == POSTGRES_QUEUE_MAX)
        round_trip(db);
    queue_up(db, (struct postgres_sent){.kind = SENT_COMMAND, .command = command},
             PQsendQueryParams(db->handle, command, 0, NULL, NULL, NULL, NULL, 1));
}

static void send_begin(struct postgres_db *db)
{
    if (db->begin_sql == NULL)
        return;
    const char *begin = db->begin_sql;
    db->begin_sql = NULL;
    db->is_begun = true;
    send_command(db, begin);
}

/* Prepared, or on its way to be by what was sent and not yet answered. */
static bool is_prepared(const struct postgres_db *db, const struct postgres_statement *statement)
{
    bool is_found = statement->is_prepared;
    for (int i = 0; i < db->queued && !is_found; i++)
        is_found = db->queue[i].kind == SENT_PREPARE && db->queue[i].statement == statement;
    return is_found;
}

static void send_query(struct postgres_query *query, bool is_later)
{
    struct postgres_db *db = db_of(query->base.db);
    struct postgres_statement *statement = query->statement;
    if (db->queued > POSTGRES_QUEUE_MAX - 3) /* BEGIN, prepare, the statement */
        round_trip(db);
    send_begin(db);
    if (!db->is_lost && !is_prepared(db, statement))
        queue_up(db, (struct postgres_sent){.kind = SENT_PREPARE, .statement = statement},
                 PQsendPrepare(db->handle, statement->name, statement->sql, 0, NULL));
    if (!db->is_lost)
        queue_up(db,
                 (struct postgres_sent){
                     .kind = is_later ? SENT_LATER : SENT_QUERY, .statement = statement, .query = query},
                 PQsendQueryPrepared(db->handle, statement->name, query->parameter_count, query->values,
                                     query->lengths, query->formats, 1));
    if (db->is_lost)
        query->base.has_failed = true;
}

/* ---- transactions ---- */

void postgres_begin(struct postgres_db *db, const char *begin_sql)
{
    db->begin_sql = begin_sql;
    db->is_begun = false;
    db->is_committing = false;
    db->is_retryable = false;
    db->is_patient = false;
    db->is_late = false;
}

enum outcome postgres_commit(struct postgres_db *db)
{
    db->begin_sql = NULL;
    if (!db->is_begun)
        return OK; /* the work asked nothing */
    db->is_committing = true;
    send_command(db, "COMMIT");
    round_trip(db);
    return db->base.has_fault ? FAILED : OK;
}

void postgres_rollback(struct postgres_db *db)
{
    db->begin_sql = NULL;
    if (!db->is_begun)
        return;
    send_command(db, "ROLLBACK");
    round_trip(db);
}

/* ---- statements ---- */

static struct postgres_statement *find_statement(struct postgres_db *db, const char *sql)
{
    size_t slot = (size_t)(((uint64_t)(uintptr_t)sql * UINT64_C(0x9E3779B97F4A7C15)) >> 32);
    for (size_t tried = 0; tried < POSTGRES_CACHE_SLOTS; tried++, slot++) {
        struct postgres_statement **place = &db->cache[slot & (POSTGRES_CACHE_SLOTS - 1)];
        if (*place != NULL && (*place)->sql == sql)
            return *place;
        if (*place != NULL)
            continue;
        *place = calloc(1, sizeof **place);
        if (*place == NULL)
            abort();
        (*place)->sql = sql;
        snprintf((*place)->name, sizeof(*place)->name, "s%u", ++db->statement_count);
        return *place;
    }
    abort(); /* more statements than slots: a fault of the program, seen by its first test */
}

struct db_query *postgres_query(struct db *db, const char *sql)
{
    struct postgres_statement *statement = find_statement(db_of(db), sql);
    struct postgres_query *query = &statement->query;
    if (query->is_in_use) {
        query = calloc(1, sizeof *query);
        if (query == NULL)
            abort();
        query->is_own = true;
    }
    query->base = (struct db_query){.db = db, .sql = sql, .has_failed = db_of(db)->is_lost};
    query->statement = statement;
    query->parameter_count = 0;
    query->result = NULL;
    query->row = -1;
    query->is_in_use = true;
    return &query->base;
}

static bool reserve(struct postgres_query *query, int index)
{
    for (; query->parameter_count < index; query->parameter_count++)
        query->values[query->parameter_count] = NULL;
    return index >= 1;
}

/* Text and bytes both go in the binary form, which is the bytes as they are: a length, no terminator. */
void postgres_bind_text(struct db_query *base, int index, struct str value)
{
    struct postgres_query *query = query_of(base);
    if (value.length > INT_MAX || !reserve(query, index)) {
        db_query_fault(base, "parameter $%d cannot be bound", index);
        return;
    }
    query->values[index - 1] = value.length > 0 ? value.data : "";
    query->lengths[index - 1] = (int)value.length;
    query->formats[index - 1] = 1;
}

/* A number goes as text, as its place in the statement decides whether it is 4 or 8 bytes wide. */
void postgres_bind_int(struct db_query *base, int index, int64_t value)
{
    struct postgres_query *query = query_of(base);
    if (!reserve(query, index))
        return;
    snprintf(query->numbers[index - 1], sizeof query->numbers[index - 1], "%" PRId64, value);
    query->values[index - 1] = query->numbers[index - 1];
    query->lengths[index - 1] = 0;
    query->formats[index - 1] = 0;
}

void postgres_bind_null(struct db_query *base, int index)
{
    struct postgres_query *query = query_of(base);
    if (reserve(query, index))
        query->values[index - 1] = NULL;
}

enum db_step postgres_step(struct db_query *base)
{
    struct postgres_query *query = query_of(base);
    if (query->row < 0) {
        send_query(query, false);
        round_trip(db_of(base->db));
        if (query->result == NULL) {
            base->has_failed = true;
            return DB_FAILED; /* noted when the answers were read */
        }
    }
    query->row++;
    return query->row < PQntuples(query->result) ? DB_ROW : DB_DONE;
}

static bool is_row(struct postgres_query *query, int column)
{
    if (query->result != NULL && query->row >= 0 && query->row < PQntuples(query->result) && column >= 0 &&
        column < PQnfields(query->result))
        return true;
    db_query_fault(&query->base, "column %d read where there is none", column);
    return false;
}

static bool is_column(struct postgres_query *query, int column, Oid type, Oid other_type)
{
    if (!is_row(query, column) || PQgetisnull(query->result, query->row, column))
        return false;
    Oid actual = PQftype(query->result, column);
    if (actual == type || actual == other_type)
        return true;
    db_query_fault(&query->base, "column %d has type %u, expected %u", column, actual, type);
    return false;
}

static struct str bytes_at(struct postgres_query *query, int column, struct arena *arena)
{
    return str_copy(arena, str_of(PQgetvalue(query->result, query->row, column),
                                  (size_t)PQgetlength(query->result, query->row, column)));
}

struct str postgres_text(struct db_query *base, int column, struct arena *arena)
{
    struct postgres_query *query = query_of(base);
    return is_column(query, column, TYPE_TEXT, TYPE_VARCHAR) ? bytes_at(query, column, arena) : STR_NONE;
}

struct str postgres_blob(struct db_query *base, int column, struct arena *arena)
{
    struct postgres_query *query = query_of(base);
    return is_column(query, column, TYPE_BYTEA, TYPE_BYTEA) ? bytes_at(query, column, arena) : STR_NONE;
}

int64_t postgres_integer(struct db_query *base, int column)
{
    struct postgres_query *query = query_of(base);
    if (!is_row(query, column) || PQgetisnull(query->result, query->row, column))
        return 0;
    Oid type = PQftype(query->result, column);
    int width = type == TYPE_INT8 ? 8 : type == TYPE_INT4 ? 4 : type == TYPE_INT2 ? 2 : 0;
    if (width == 0 || PQgetlength(query->result, query->row, column) != width) {
        db_query_fault(base, "column %d has type %u, expected an integer", column, type);
        return 0;
    }
    const char *bytes = PQgetvalue(query->result, query->row, column);
    uint64_t number = bytes[0] < 0 ? UINT64_MAX : 0; /* the sign goes all the way up */
    for (int i = 0; i < width; i++)
        number = number << 8 | (unsigned char)bytes[i];
    return (int64_t)number;
}

bool postgres_is_null(struct db_query *base, int column)
{
    struct postgres_query *query = query_of(base);
    return !is_row(query, column) || PQgetisnull(query->result, query->row, column);
}

static void release(struct postgres_query *query)
{
    PQclear(query->result);
    query->result = NULL;
    query->is_in_use = false;
    if (query->is_own)
        free(query);
}

void postgres_finish(struct db_query *base)
{
    release(query_of(base));
}

/* libpq copies the parameters as it sends, so the caller's bytes are free afterwards. */
void postgres_run_later(struct db_query *base)
{
    struct postgres_query *query = query_of(base);
    send_query(query, true);
    release(query);
}

/* ---- migrations ---- */

/* Several statements in one text need the simple protocol, which the pipeline does not speak. */
enum outcome postgres_script(struct db *base, const char *text)
{
    struct postgres_db *db = db_of(base);
    send_begin(db);
    round_trip(db);
    if (base->has_fault)
        return FAILED;
    if (!PQexitPipelineMode(db->handle) || !PQsendQuery(db->handle, text)) {
        lose(db, NULL, "cannot send");
        return FAILED;
    }
    int64_t limit = deadline(db);
    PGresult *result;
    bool is_answered;
    while ((is_answered = next_result(db, limit, &result)) && result != NULL) {
        if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
            note_error(db, NULL, result);
        PQclear(result);
    }
    if (!is_answered || !PQenterPipelineMode(db->handle))
        lose(db, NULL, "the connection was lost");
    return base->has_fault ? FAILED : OK;
}

enum outcome postgres_lock_schema(struct db *base)
{
    db_of(base)->is_patient = true;
    /* The number is "sluis" in ASCII; it only has to be the same in every node. */
    return postgres_script(base, "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0;"
                                 "SELECT pg_advisory_xact_lock(495758142835)");
}

/* ---- connections ---- */

/* Durable before acknowledged: a session that would answer before the log is on disk is put right. Other
 * values than these two wait for the disk, here or on the standby as well. */
static enum outcome configure(struct postgres_db *db)
{
    struct db_query *query =
        db_query(&db->base,
                 "SELECT set_config('synchronous_commit', CASE WHEN current_setting('synchronous_commit') "
                 "IN ('off', 'local') THEN 'on' ELSE current_setting('synchronous_commit') END, false), "
                 "set_config('statement_timeout', '5000', false), set_config('lock_timeout', '3000', false), "
                 "set_config('idle_in_transaction_session_timeout', '10000', false), "
                 "current_setting('fsync')");
    struct arena *arena = arena_new();
    bool is_synced = db_step(query) == DB_ROW && str_equal(db_text(query, 4, arena), STR("on"));
    arena_free(&arena);
    enum outcome outcome = db_finish(query);
    static atomic_flag has_warned = ATOMIC_FLAG_INIT;
    if (outcome == OK && !is_synced && !atomic_flag_test_and_set(&has_warned))
        log_warning("store_not_durable",
                    LOG_C("reason", "the PostgreSQL server runs with fsync off: a power cut loses data"));
    return outcome;
}

static PGconn *open_connection(const char *url)
{
    /* What stands before dbname (the URL) is a default that the URL may override. */
    const char *const keywords[] = {
        "connect_timeout",      "tcp_user_timeout", "keepalives_idle", "application_name",
        "target_session_attrs", "dbname",           "client_encoding", NULL};
    const char *const values[] = {"3", "8000", "10", "sluis", "read-write", url, "UTF8", NULL};
    return PQconnectdbParams(keywords, values, 1);
}

static void ignore_notice(void *context, const PGresult *result)
{
    (void)context, (void)result; /* the default writes to standard error, which is the log */
}

enum outcome postgres_connect(const char *url, struct postgres_db **out_db, struct failure *failure)
{
    struct postgres_db *db = calloc(1, sizeof *db);
    if (db == NULL)
        abort();
    db->base.driver = &postgres_driver;
    db->handle = open_connection(url);
    if (PQstatus(db->handle) != CONNECTION_OK) {
        const char *text = PQerrorMessage(db->handle);
        failure_set(failure, "cannot connect to PostgreSQL: %.*s", (int)strcspn(text, "\n"), text);
        postgres_disconnect(&db);
        return FAILED;
    }
    PQsetNoticeReceiver(db->handle, ignore_notice, NULL);
    db_begin_work(&db->base, DB_READ);
    postgres_begin(db, NULL);
    if (PQsetnonblocking(db->handle, 1) != 0 || !PQenterPipelineMode(db->handle) || configure(db) != OK) {
        failure_set(failure, "cannot set up the PostgreSQL session: %s", db->base.fault.text);
        postgres_disconnect(&db);
        return FAILED;
    }
    *out_db = db;
    return OK;
}

void postgres_disconnect(struct postgres_db **db)
{
    for (size_t i = 0; i < POSTGRES_CACHE_SLOTS; i++)
        free((*db)->cache[i]);
    PQfinish((*db)->handle);
    free(*db);
    *db = NULL;
}

bool postgres_is_quiet(const struct postgres_db *db)
{
    struct pollfd wait = {.fd = PQsocket(db->handle), .events = POLLIN};
    return wait.fd >= 0 && poll(&wait, 1, 0) == 0;
}
