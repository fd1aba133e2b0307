/* The store itself on the engine of STORE_URL: opening, migrating, transactions, group commit. */
#include "store_fixture.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <sys/wait.h>

/* ---- opening ---- */

static void assert_refused(const char *url, const char *text)
{
    struct store_settings settings = {url, 2, fx.vault, "one"};
    struct store *store = NULL;
    struct failure failure = {""};
    assert_failed(store_open(&settings, &store, &failure));
    assert_null(store);
    if (strstr(failure.text, text) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", failure.text, text);
    assert_null(strstr(failure.text, "hunter2"));
}

static void a_store_that_cannot_be_opened_says_why(void **state)
{
    (void)state;
    assert_refused("mysql://localhost/x", "sqlite: or postgresql:");
    assert_refused("", "sqlite: or postgresql:");
    assert_refused("sqlite:", "names no file");
    assert_refused("sqlite:/nonexistent/folder/file.db", "cannot open the store");
    assert_refused(arena_printf(fx.arena, "sqlite:%s", fx.directory), "not a regular file");
    assert_refused("postgresql://user:hunter2@localhost:no-port/db?bad=hunter2", "not a well-formed");
    assert_refused("postgresql://user:hunter2@127.0.0.1:1/db", "cannot connect");
    struct store_settings settings = {fx.url, 0, fx.vault, "one"};
    struct store *store = NULL;
    struct failure failure = {""};
    assert_failed(store_open(&settings, &store, &failure));
}

static void a_file_that_is_no_database_is_refused(void **state)
{
    (void)state;
    const char *path = arena_printf(fx.arena, "%s/garbage.db", fx.directory);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (int i = 0; i < 4096; i++)
        fputs("garbage ", file);
    fclose(file);
    assert_refused(arena_printf(fx.arena, "sqlite:%s", path), "not a database");
}

/* SQLite's shared lock on the file (bytes from 2^30 + 2) as another process sees it. Whoever holds none lets
 * any other process checkpoint and remove the log under it. */
static bool is_locked_for_others(const char *path)
{
    pid_t child = fork();
    if (child == 0) {
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0x40000002, .l_len = 510};
        int file = open(path, O_RDWR | O_CLOEXEC);
        _exit(file >= 0 && fcntl(file, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void a_further_connection_keeps_the_locks(void **state)
{
    (void)state;
    const char *path = fx.url + strlen("sqlite:");
    assert_true(is_locked_for_others(path));
    assert_ok(store_ping(fx.store)); /* a reader opens */
    struct store_settings settings = {fx.url, TEST_CONNECTIONS, fx.vault, "two"};
    struct store *second = NULL;
    struct failure failure = {""};
    assert_ok(store_open(&settings, &second, &failure));
    assert_ok(store_ping(second));
    assert_true(is_locked_for_others(path));
    store_close(&second);
    assert_true(is_locked_for_others(path));
}

static unsigned mode_of(const char *path)
{
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    return (unsigned)(status.st_mode & 07777);
}

static void the_file_is_for_its_owner_alone(void **state)
{
    (void)state;
    const char *path = arena_printf(fx.arena, "%s/mode.db", fx.directory);
    int file = open(path, O_CREAT | O_WRONLY, 0644);
    assert_int_equal(fchmod(file, 0644), 0);
    close(file);
    struct store_settings settings = {arena_printf(fx.arena, "sqlite:%s", path), 2, fx.vault, "one"};
    struct store *store = NULL;
    struct failure failure = {""};
    int applied;
    assert_ok(store_open(&settings, &store, &failure));
    assert_ok(store_migrate(store, &applied, &failure));
    assert_int_equal(mode_of(path), 0600);
    assert_int_equal(mode_of(arena_printf(fx.arena, "%s-wal", path)), 0600);
    store_close(&store);
    store_close(&store);
}

static void the_store_tells_what_it_is(void **state)
{
    (void)state;
    assert_str(str_from_c(store_node(fx.store)), "one");
    assert_ptr_equal(store_vault(fx.store), fx.vault);
    assert_int_equal(store_is_sqlite(fx.store), !fixture_is_postgres());
    assert_ok(store_ping(fx.store));
}

/* ---- migrating ---- */

static void migrating_twice_changes_nothing(void **state)
{
    (void)state;
    int version, newest, applied;
    struct failure failure = {""};
    assert_ok(store_schema_version(fx.store, &version, &newest));
    assert_int_equal(version, 0);
    assert_true(newest >= 1);
    assert_ok(store_migrate(fx.store, &applied, &failure));
    assert_int_equal(applied, newest);
    assert_ok(store_schema_version(fx.store, &version, &newest));
    assert_int_equal(version, newest);
    assert_ok(store_migrate(fx.store, &applied, &failure));
    assert_int_equal(applied, 0);
}

struct migration_call {
    struct store *store;
    enum outcome outcome;
    int applied;
};

static void *migrate_thread(void *context)
{
    struct migration_call *call = context;
    struct failure failure = {""};
    call->outcome = store_migrate(call->store, &call->applied, &failure);
    return NULL;
}

static void nodes_that_migrate_at_once_do_it_once(void **state)
{
    (void)state;
    enum { NODES = 4 };
    struct migration_call calls[NODES];
    pthread_t threads[NODES];
    for (int i = 0; i < NODES; i++)
        calls[i] = (struct migration_call){.store = fixture_open_store("node"), .outcome = FAILED};
    for (int i = 0; i < NODES; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, migrate_thread, &calls[i]), 0);
    int applied = 0, version, newest;
    for (int i = 0; i < NODES; i++) {
        pthread_join(threads[i], NULL);
        assert_ok(calls[i].outcome);
        applied += calls[i].applied;
        store_close(&calls[i].store);
    }
    assert_ok(store_schema_version(fx.store, &version, &newest));
    assert_int_equal(version, newest);
    assert_int_equal(applied, newest);
}

static void a_newer_schema_is_refused(void **state)
{
    (void)state;
    int version, newest, applied;
    struct failure failure = {""};
    fixture_sql("INSERT INTO schema_migration (version, name, applied_at) VALUES (9999, '9999_later', 0)");
    assert_ok(store_schema_version(fx.store, &version, &newest));
    assert_int_equal(version, 9999);
    assert_failed(store_migrate(fx.store, &applied, &failure));
    assert_int_equal(applied, 0);
    assert_non_null(strstr(failure.text, "run a newer program"));
}

static void a_migration_that_fails_leaves_nothing_behind(void **state)
{
    (void)state;
    int version, newest, applied;
    struct failure failure = {""};
    fixture_sql("CREATE TABLE audit_head (x INTEGER)"); /* the last table of the first migration */
    assert_failed(store_migrate(fx.store, &applied, &failure));
    assert_non_null(strstr(failure.text, "001_initial"));
    assert_ok(store_schema_version(fx.store, &version, &newest));
    assert_int_equal(version, 0);
    fixture_sql("CREATE TABLE flow (x INTEGER); DROP TABLE flow; DROP TABLE audit_head");
    assert_ok(store_migrate(fx.store, &applied, &failure));
    assert_int_equal(applied, newest);
}

/* ---- works ---- */

static enum outcome insert_and(struct db *db, int64_t id)
{
    struct db_query *query = db_query(db, "INSERT INTO thing (id) VALUES ($1)");
    db_bind_int(query, 1, id);
    return db_run(query);
}

static enum outcome absent_work(struct db *db, void *context)
{
    (void)context;
    return insert_and(db, 1) == OK ? ABSENT : FAILED;
}

static enum outcome failing_work(struct db *db, void *context)
{
    (void)context;
    return insert_and(db, 2) == OK ? FAILED : OK;
}

static enum outcome careless_work(struct db *db, void *context)
{
    (void)context;
    if (insert_and(db, 3) != OK || insert_and(db, 3) == OK)
        return FAILED;
    return OK; /* although the second insert failed */
}

static enum outcome late_twin_work(struct db *db, void *context)
{
    (void)context;
    for (int i = 0; i < 2; i++) {
        struct db_query *query = db_query(db, "INSERT INTO thing (id) VALUES (4)");
        db_run_later(query);
    }
    return OK;
}

static enum outcome two_changes_work(struct db *db, void *context)
{
    (void)context;
    return insert_and(db, 5) == OK && insert_and(db, 6) == OK ? OK : FAILED;
}

static enum outcome wrong_column_work(struct db *db, void *context)
{
    (void)context;
    struct db_query *query = db_query(db, "SELECT node, number FROM audit_head");
    if (db_step(query) == DB_ROW)
        db_int(query, 0);                        /* a text */
    return db_finish(query) == OK ? ABSENT : OK; /* a fault outweighs what the work says */
}

static enum outcome no_row_work(struct db *db, void *context)
{
    (void)context;
    struct db_query *query = db_query(db, "SELECT id FROM thing WHERE id = 999");
    if (db_step(query) == DB_DONE)
        db_int(query, 0);
    return db_finish(query) == OK ? ABSENT : OK; /* a fault outweighs what the work says */
}

static enum outcome nested_work(struct db *db, void *context)
{
    int64_t *sum = context;
    static const char sql[] = "SELECT id FROM thing ORDER BY id";
    *sum = 0;
    struct db_query *outer = db_query(db, sql);
    while (db_step(outer) == DB_ROW) {
        struct db_query *inner = db_query(db, sql);
        while (db_step(inner) == DB_ROW)
            *sum += db_int(outer, 0) * db_int(inner, 0);
        if (db_finish(inner) != OK)
            break;
    }
    return db_finish(outer);
}

static void a_work_counts_as_a_whole(void **state)
{
    (void)state;
    fixture_sql("CREATE TABLE thing (id INTEGER PRIMARY KEY)");
    assert_absent(store_write(fx.store, "test", absent_work, NULL));
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM thing"), 1); /* ABSENT commits */
    assert_failed(store_write(fx.store, "test", failing_work, NULL));
    assert_failed(store_write(fx.store, "test", careless_work, NULL));
    assert_failed(store_write(fx.store, "test", late_twin_work, NULL));
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM thing"), 1);
    assert_failed(store_write_one(fx.store, "test", two_changes_work, NULL));
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM thing WHERE id = 6"), 0);
    assert_failed(store_read(fx.store, "test", no_row_work, NULL));
    fixture_sql("INSERT INTO audit_head (node, number, hash) VALUES ('x', 1, 'y')");
    assert_failed(store_read(fx.store, "test", wrong_column_work, NULL));
}

static void a_statement_may_run_inside_itself(void **state)
{
    (void)state;
    int64_t sum = 0;
    fixture_sql("CREATE TABLE thing (id INTEGER PRIMARY KEY); INSERT INTO thing (id) VALUES (1), (2), (3)");
    assert_ok(store_snapshot(fx.store, "test", nested_work, &sum));
    assert_int_equal(sum, 36);
    assert_ok(store_snapshot(fx.store, "test", nested_work, &sum));
    assert_int_equal(sum, 36);
}

static enum outcome orphan_work(struct db *db, void *context)
{
    (void)context;
    return db_run(db_query(db, "INSERT INTO child (parent) VALUES (1)"));
}

static void a_commit_that_fails_is_a_failure(void **state)
{
    (void)state;
    fixture_sql("CREATE TABLE parent (id INTEGER PRIMARY KEY);"
                "CREATE TABLE child (parent INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)");
    assert_failed(store_write(fx.store, "test", orphan_work, NULL));
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM child"), 0);
    fixture_sql("INSERT INTO parent (id) VALUES (1)");
    assert_ok(store_write(fx.store, "test", orphan_work, NULL));
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM child"), 1);
}

/* ---- group commit ---- */

/* Holds up the writer until the others stand in the queue. */
static _Atomic bool is_gate_open, is_gate_reached;

static enum outcome gate_work(struct db *db, void *context)
{
    (void)context;
    atomic_store(&is_gate_reached, true);
    while (!atomic_load(&is_gate_open))
        usleep(1000);
    return insert_and(db, 1000);
}

struct member {
    store_work *work;
    enum outcome outcome;
    int64_t id;
};

static enum outcome member_work(struct db *db, void *context)
{
    return insert_and(db, ((struct member *)context)->id);
}

static enum outcome half_work(struct db *db, void *context)
{
    int64_t id = ((struct member *)context)->id;
    if (insert_and(db, id) != OK || insert_and(db, id + 1000) != OK)
        return OK;
    return FAILED;
}

static void *member_thread(void *context)
{
    struct member *member = context;
    member->outcome = store_write(fx.store, "test", member->work, member);
    return NULL;
}

static uint64_t writes(void)
{
    struct store_counters counters;
    store_read_counters(fx.store, &counters);
    return counters.writes;
}

/* Runs the gate and then all members, which queue up behind it: on SQLite they become one batch. */
static void run_behind_gate(struct member *members, int count)
{
    pthread_t gate, threads[32];
    struct member first = {.work = gate_work};
    atomic_store(&is_gate_open, false);
    atomic_store(&is_gate_reached, false);
    assert_int_equal(pthread_create(&gate, NULL, member_thread, &first), 0);
    while (!atomic_load(&is_gate_reached))
        usleep(1000);
    uint64_t before = writes();
    for (int i = 0; i < count; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, member_thread, &members[i]), 0);
    while (writes() < before + (uint64_t)count)
        usleep(1000);
    usleep(50000); /* from counted to queued */
    atomic_store(&is_gate_open, true);
    pthread_join(gate, NULL);
    assert_ok(first.outcome);
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
}

static void waiting_writers_share_a_transaction(void **state)
{
    (void)state;
    struct store_counters before, after;
    struct member members[16];
    fixture_sql("CREATE TABLE thing (id INTEGER PRIMARY KEY)");
    for (int i = 0; i < 16; i++)
        members[i] = (struct member){.work = member_work, .id = i};
    store_read_counters(fx.store, &before);
    run_behind_gate(members, 16);
    store_read_counters(fx.store, &after);
    for (int i = 0; i < 16; i++)
        assert_ok(members[i].outcome);
    assert_int_equal(after.writes - before.writes, 17);
    assert_int_equal(after.batches - before.batches, 2); /* the gate, and everybody else */
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM thing"), 17);
}

static void a_failing_writer_rolls_back_itself_alone(void **state)
{
    (void)state;
    struct member members[8];
    fixture_sql("CREATE TABLE thing (id INTEGER PRIMARY KEY)");
    /* On PostgreSQL the eight run beside each other, with as many connections less the gate's. */
    for (int i = 0; i < 8; i++)
        members[i] = (struct member){.work = i % 4 == 3 ? half_work : member_work, .id = i};
    members[5].id = 4; /* a twin: one of 4 and 5 fails */
    run_behind_gate(members, 8);
    assert_int_equal((members[4].outcome == OK) + (members[5].outcome == OK), 1);
    assert_failed(members[3].outcome);
    assert_failed(members[7].outcome);
    for (int i = 0; i < 8; i++) {
        if (i != 3 && i != 4 && i != 5 && i != 7)
            assert_ok(members[i].outcome);
    }
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM thing"), 6); /* 0 1 2 4 6 and the gate's */
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM thing WHERE id IN (3, 7, 1003, 1007)"), 0);
}

static void a_commit_that_fails_fails_the_whole_batch(void **state)
{
    (void)state;
    fixture_sql("CREATE TABLE thing (id INTEGER PRIMARY KEY); CREATE TABLE parent (id INTEGER PRIMARY KEY);"
                "CREATE TABLE child (parent INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)");
    struct member members[4];
    for (int i = 0; i < 4; i++)
        members[i] = (struct member){.work = i == 2 ? orphan_work : member_work, .id = i};
    run_behind_gate(members, 4);
    for (int i = 0; i < 4; i++)
        assert_failed(members[i].outcome);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM thing"), 1); /* the gate's */
    members[0].work = member_work;
    assert_ok(store_write(fx.store, "test", member_work, &members[0]));
}

static enum outcome large_work(struct db *db, void *context)
{
    struct db_query *query = db_query(db, "INSERT INTO large (data) VALUES ($1)");
    db_bind_blob(query, 1, *(const struct str *)context);
    return db_run(query);
}

static void a_full_disk_fails_and_heals(void **state)
{
    (void)state;
    struct str data = str_of(arena_alloc(fx.arena, 1 << 20), 1 << 20);
    int64_t before = fixture_count("PRAGMA page_count");
    fixture_sql("CREATE TABLE large (data BLOB)");
    fixture_sql(arena_printf(fx.arena, "PRAGMA max_page_count = %d", (int)before + 50));
    assert_failed(store_write(fx.store, "test", large_work, &data));
    assert_failed(store_write_one(fx.store, "test", large_work, &data));
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM large"), 0);
    fixture_sql("PRAGMA max_page_count = 100000");
    assert_ok(store_write(fx.store, "test", large_work, &data));
}

static void counters_count(void **state)
{
    (void)state;
    struct store_counters before, after;
    struct flow flow = fixture_flow("s1"), found;
    store_read_counters(fx.store, &before);
    assert_ok(flow_create(fx.store, &flow));
    assert_ok(flow_find(fx.store, flow.id, TEST_NOW, fx.arena, &found));
    assert_failed(flow_create(fx.store, &flow));
    store_read_counters(fx.store, &after);
    assert_int_equal(after.reads - before.reads, 1);
    assert_int_equal(after.writes - before.writes, 2);
    assert_int_equal(after.failures - before.failures, 1);
}

static const struct CMUnitTest tests[] = {
    STORE_TEST_EMPTY(a_store_that_cannot_be_opened_says_why),
    STORE_TEST_EMPTY(a_file_that_is_no_database_is_refused),
    STORE_TEST_EMPTY(the_file_is_for_its_owner_alone),
    STORE_TEST(the_store_tells_what_it_is),
    STORE_TEST_EMPTY(migrating_twice_changes_nothing),
    STORE_TEST_EMPTY(nodes_that_migrate_at_once_do_it_once),
    STORE_TEST(a_newer_schema_is_refused),
    STORE_TEST_EMPTY(a_migration_that_fails_leaves_nothing_behind),
    STORE_TEST(a_work_counts_as_a_whole),
    STORE_TEST(a_statement_may_run_inside_itself),
    STORE_TEST(a_commit_that_fails_is_a_failure),
    STORE_TEST_SQLITE(waiting_writers_share_a_transaction),
    STORE_TEST(a_failing_writer_rolls_back_itself_alone),
    STORE_TEST_SQLITE(a_commit_that_fails_fails_the_whole_batch),
    STORE_TEST_SQLITE(a_full_disk_fails_and_heals),
    STORE_TEST_SQLITE(a_further_connection_keeps_the_locks),
    STORE_TEST(counters_count),
};

STORE_TEST_MAIN("store", tests)
