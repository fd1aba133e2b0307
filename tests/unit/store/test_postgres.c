/*
 * What only PostgreSQL can do to a store: a server that goes away, hangs, kills a session, loses an answer,
 * or has unsafe defaults. Needs a server: without a postgresql: URL in STORE_URL the program starts itself
 * again under script/with-postgres.
 *
 * The program's own PQpipelineSync stands before the library's, to cut the line before or after a request.
 */
#include "store_fixture.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/socket.h>

/* ---- cutting the line ---- */

static int cut_at, trips; /* 0 = never */
static bool is_cut_after;

typedef int sync_function(PGconn *connection);

int PQpipelineSync(PGconn *connection)
{
    static sync_function *real;
    if (real == NULL) {
        void *symbol = dlsym(RTLD_NEXT, "PQpipelineSync");
        memcpy(&real, &symbol, sizeof real);
    }
    bool is_cut = cut_at > 0 && ++trips == cut_at;
    if (is_cut && !is_cut_after)
        shutdown(PQsocket(connection), SHUT_RDWR);
    int result = real(connection);
    if (is_cut && is_cut_after) {
        usleep(300000); /* the server does its work and answers to nobody */
        shutdown(PQsocket(connection), SHUT_RDWR);
    }
    return result;
}

static const char *named(const char *kind, int round)
{
    return arena_printf(fx.arena, "%s%d", kind, round);
}

static void cut(int trip, bool is_after)
{
    trips = 0;
    cut_at = trip;
    is_cut_after = is_after;
}

/* Retrying after a lost answer would see its own first attempt: a rotation that was "not first", a code that
 * was "reused". It must be OK, or FAILED because nobody knows. */
static void a_lost_answer_is_never_taken_for_a_second_use(void **state)
{
    (void)state;
    for (int round = 0; round < 6; round++) {
        struct grant grant;
        enum code_state code_state;
        struct str grant_id;
        fixture_given(named("c", round), true, &grant_id);
        cut(1 + round / 2, round % 2);
        enum outcome outcome =
            grant_offer_code(fx.store, digest_of(named("c", round)), TEST_NOW, fx.arena, &grant, &code_state);
        cut(0, false);
        assert_int_not_equal(outcome, ABSENT);
        if (outcome == OK)
            assert_int_equal(code_state, CODE_FRESH);
        assert_false(outcome == OK && grant.is_revoked);
    }
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM token_grant WHERE revoked_at > 0"), 0);
    int ok_count = 0;
    for (int round = 10; round < 16; round++) {
        fixture_issued(named("c", round), named("a", round), named("r", round), NULL);
        struct token_issue issue = fixture_tokens(named("new a", round), named("new r", round));
        cut(1 + (round - 10) / 2, round % 2);
        enum outcome outcome =
            grant_rotate(fx.store, digest_of(named("r", round)), &issue, STR_NONE, TEST_NOW);
        cut(0, false);
        assert_int_not_equal(outcome, ABSENT);
        ok_count += outcome == OK;
        struct refresh_lookup old, new;
        assert_ok(grant_find_refresh(fx.store, digest_of(named("r", round)), TEST_NOW, fx.arena, &old));
        enum outcome found =
            grant_find_refresh(fx.store, digest_of(named("new r", round)), TEST_NOW, fx.arena, &new);
        assert_int_equal(found == OK, old.state == REFRESH_ROTATED); /* all or nothing */
        if (outcome == OK)
            assert_ok(found);
    }
    assert_true(ok_count >= 2); /* what was cut before the commit was run again */
}

/* ---- sessions ---- */

/* Those of this test alone: others may share the cluster. */
static void kill_sessions(void)
{
    fixture_postgres(arena_printf(fx.arena,
                                  "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                                  "WHERE application_name = '%s'",
                                  fx.schema));
}

static void wait_until_they_are_gone(void)
{
    fixture_postgres(arena_printf(
        fx.arena,
        "DO $$ BEGIN WHILE EXISTS (SELECT FROM pg_stat_activity WHERE application_name = '%s') LOOP "
        "PERFORM pg_sleep(0.01); PERFORM pg_stat_clear_snapshot(); END LOOP; END $$",
        fx.schema));
}

static enum outcome kill_once_work(struct db *db, void *context)
{
    int *attempts = context;
    struct db_query *query = db_query(db, "INSERT INTO thing (id) VALUES ($1)");
    db_bind_int(query, 1, ++*attempts);
    if (db_run(query) != OK)
        return FAILED;
    if (*attempts == 1)
        kill_sessions();
    query = db_query(db, "SELECT id FROM thing");
    enum db_step step = db_step(query);
    if (db_finish(query) != OK)
        return FAILED;
    return step == DB_ROW ? OK : FAILED;
}

static void a_killed_session_is_replaced_and_the_work_run_again(void **state)
{
    (void)state;
    struct store_counters before, after;
    int attempts = 0;
    fixture_sql("CREATE TABLE thing (id INTEGER PRIMARY KEY)");
    store_read_counters(fx.store, &before);
    assert_ok(store_write(fx.store, "test", kill_once_work, &attempts));
    store_read_counters(fx.store, &after);
    assert_int_equal(attempts, 2);
    assert_int_equal(after.retries - before.retries, 1);
    assert_int_equal(after.failures - before.failures, 0);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM thing"), 1);
    /* Idle ones that were killed are noticed before use. */
    kill_sessions();
    wait_until_they_are_gone();
    usleep(100000); /* and their last words are here */
    struct flow flow = fixture_flow("s1");
    assert_ok(flow_create(fx.store, &flow));
}

struct pair_call {
    pthread_barrier_t *barrier;
    int first, second, attempts;
    enum outcome outcome;
};

static enum outcome pair_work(struct db *db, void *context)
{
    struct pair_call *call = context;
    for (int i = 0; i < 2; i++) {
        struct db_query *query = db_query(db, "UPDATE thing SET touched = touched + 1 WHERE id = $1");
        db_bind_int(query, 1, i == 0 ? call->first : call->second);
        if (db_run(query) != OK)
            return FAILED;
        if (i == 0 && call->attempts++ == 0)
            pthread_barrier_wait(call->barrier);
    }
    return OK;
}

static void *pair_thread(void *context)
{
    struct pair_call *call = context;
    call->outcome = store_write(fx.store, "test", pair_work, call);
    return NULL;
}

static void a_deadlock_is_run_again(void **state)
{
    (void)state;
    struct store_counters counters;
    pthread_barrier_t barrier;
    pthread_t threads[2];
    fixture_sql("CREATE TABLE thing (id INTEGER PRIMARY KEY, touched INTEGER NOT NULL);"
                "INSERT INTO thing VALUES (1, 0), (2, 0)");
    pthread_barrier_init(&barrier, NULL, 2);
    struct pair_call calls[] = {{&barrier, 1, 2, 0, FAILED}, {&barrier, 2, 1, 0, FAILED}};
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, pair_thread, &calls[i]), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&barrier);
    assert_ok(calls[0].outcome);
    assert_ok(calls[1].outcome);
    /* One of the two was a victim at least once; on a busy machine its next attempt may be one again. */
    int attempts = calls[0].attempts + calls[1].attempts;
    assert_true(attempts >= 3);
    assert_int_equal(fixture_count("SELECT CAST(SUM(touched) AS INTEGER) FROM thing"), 4);
    store_read_counters(fx.store, &counters);
    assert_int_equal(counters.failures, 0);
    assert_int_equal(counters.retries, attempts - 2);
}

static enum outcome setting_work(struct db *db, void *context)
{
    struct db_query *query = db_query(db, "SELECT current_setting('synchronous_commit')");
    if (db_step(query) == DB_ROW)
        *(struct str *)context = db_text(query, 0, fx.arena);
    return db_finish(query);
}

static void assert_synchronous(const char *offered, const char *expected)
{
    struct store_settings settings = {
        arena_printf(fx.arena, "%s&options=-csearch_path%%3D%s%%20-csynchronous_commit%%3D%s", fx.url,
                     fx.schema, offered),
        2, fx.vault, "one"};
    struct store *store = NULL;
    struct failure failure = {""};
    struct str actual = STR_NONE;
    assert_ok(store_open(&settings, &store, &failure));
    assert_ok(store_read(store, "test", setting_work, &actual));
    assert_str(actual, expected);
    store_close(&store);
}

static void a_session_that_would_not_wait_for_the_disk_is_put_right(void **state)
{
    (void)state;
    assert_synchronous("off", "on");
    assert_synchronous("local", "on");
    assert_synchronous("remote_apply", "remote_apply");
}

static enum outcome slow_work(struct db *db, void *context)
{
    (void)context;
    return db_run(db_query(db, "SELECT pg_sleep(30)"));
}

static void a_statement_that_takes_too_long_fails(void **state)
{
    (void)state;
    int64_t start = clock_monotonic_ms();
    assert_failed(store_write(fx.store, "test", slow_work, NULL));
    assert_true(clock_monotonic_ms() - start < 25000);
    assert_ok(store_ping(fx.store));
}

/* ---- a server that goes away: a line that the test can shut ---- */

struct line {
    int listener;
    unsigned port;
    struct sockaddr_storage server;
    socklen_t server_size;
    _Atomic bool is_shut, is_hung_up, is_stuck, is_ended;
    pthread_t thread;
};

#define LINE_ENDS 32

static int dial(const struct line *line)
{
    int end = socket(line->server.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (end >= 0 && connect(end, (const struct sockaddr *)&line->server, line->server_size) != 0) {
        close(end);
        return -1;
    }
    return end;
}

static bool forward(int from, int to)
{
    char bytes[16384];
    ssize_t length = recv(from, bytes, sizeof bytes, 0);
    return length > 0 && send(to, bytes, (size_t)length, MSG_NOSIGNAL) == length;
}

static void hang_up(struct pollfd *ends, int *count)
{
    for (int i = 0; i < *count; i++)
        close(ends[i].fd);
    *count = 0;
}

/* Pairs of ends: 2i towards the store, 2i+1 towards the server. */
static void *run_line(void *context)
{
    struct line *line = context;
    struct pollfd ends[LINE_ENDS];
    int count = 0;
    while (!atomic_load(&line->is_ended)) {
        if (atomic_load(&line->is_shut)) {
            hang_up(ends, &count);
            atomic_store(&line->is_hung_up, true);
        }
        struct pollfd knock = {.fd = line->listener, .events = POLLIN};
        if (poll(&knock, 1, 0) > 0) {
            int near = accept(line->listener, NULL, NULL);
            int far = atomic_load(&line->is_shut) || count + 2 > LINE_ENDS ? -1 : dial(line);
            if (far < 0) {
                close(near);
            } else {
                ends[count++] = (struct pollfd){.fd = near, .events = POLLIN};
                ends[count++] = (struct pollfd){.fd = far, .events = POLLIN};
            }
        }
        if (atomic_load(&line->is_stuck) || poll(ends, (nfds_t)count, 5) <= 0) {
            usleep(1000);
            continue;
        }
        for (int i = 0; i < count; i++) {
            if (ends[i].revents != 0 && !forward(ends[i].fd, ends[i ^ 1].fd)) {
                shutdown(ends[i].fd, SHUT_RDWR);
                shutdown(ends[i ^ 1].fd, SHUT_RDWR);
                ends[i].events = ends[i ^ 1].events = 0;
                ends[i].revents = ends[i ^ 1].revents = 0;
            }
        }
    }
    hang_up(ends, &count);
    return NULL;
}

static const char *option(PQconninfoOption *options, const char *name)
{
    for (; options->keyword != NULL; options++) {
        if (strcmp(options->keyword, name) == 0 && options->val != NULL)
            return options->val;
    }
    return "";
}

/* Opens a store whose connections go through the line. */
static struct store *open_through(struct line *line)
{
    PQconninfoOption *options = PQconninfoParse(fx.url, NULL);
    assert_non_null(options);
    struct addrinfo *address = NULL, hints = {.ai_socktype = SOCK_STREAM};
    assert_int_equal(getaddrinfo(option(options, "host"), option(options, "port"), &hints, &address), 0);
    memcpy(&line->server, address->ai_addr, address->ai_addrlen);
    line->server_size = address->ai_addrlen;
    freeaddrinfo(address);
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof own;
    line->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(line->listener, (struct sockaddr *)&own, size), 0);
    assert_int_equal(listen(line->listener, 16), 0);
    assert_int_equal(getsockname(line->listener, (struct sockaddr *)&own, &size), 0);
    assert_int_equal(pthread_create(&line->thread, NULL, run_line, line), 0);
    struct store_settings settings = {
        arena_printf(fx.arena,
                     "postgresql://%s:%s@127.0.0.1:%d/"
                     "%s?sslmode=disable&connect_timeout=60&options=-csearch_path%%3D%s",
                     option(options, "user"), option(options, "password"), ntohs(own.sin_port),
                     option(options, "dbname"), fx.schema),
        4, fx.vault, "far"};
    PQconninfoFree(options);
    struct store *store = NULL;
    struct failure failure = {""};
    if (store_open(&settings, &store, &failure) != OK)
        fail_msg("%s", failure.text);
    return store;
}

static void end_line(struct line *line)
{
    atomic_store(&line->is_ended, true);
    pthread_join(line->thread, NULL);
    close(line->listener);
}

static enum outcome introspect_far(struct store *store)
{
    struct token_facts facts;
    return token_introspect(store, digest_of("a1"), TEST_NOW, fx.arena, &facts);
}

static void while_the_server_is_away_verbs_fail_quickly(void **state)
{
    (void)state;
    static struct line line;
    struct store *store = open_through(&line);
    fixture_issued("c1", "a1", "r1", NULL);
    assert_ok(introspect_far(store));
    atomic_store(&line.is_shut, true);
    while (!atomic_load(&line.is_hung_up))
        usleep(1000);
    int64_t start = clock_monotonic_ms();
    for (int i = 0; i < 20; i++)
        assert_failed(introspect_far(store)); /* never ABSENT: the token may be alive */
    assert_true(clock_monotonic_ms() - start < 20000);
    atomic_store(&line.is_shut, false);
    usleep(2100000); /* the longest back-off */
    assert_ok(introspect_far(store));
    assert_ok(introspect_far(store));
    store_close(&store);
    end_line(&line);
}

static void a_server_that_hangs_fails_within_the_time_limit(void **state)
{
    (void)state;
    static struct line line;
    struct store *store = open_through(&line);
    fixture_issued("c1", "a1", "r1", NULL);
    assert_ok(introspect_far(store));
    atomic_store(&line.is_stuck, true);
    int64_t start = clock_monotonic_ms();
    assert_failed(introspect_far(store));
    int64_t took = clock_monotonic_ms() - start;
    assert_true(took >= 7000 && took < 25000);
    atomic_store(&line.is_stuck, false);
    assert_ok(introspect_far(store));
    store_close(&store);
    end_line(&line);
}

static const struct CMUnitTest tests[] = {
    STORE_TEST(a_lost_answer_is_never_taken_for_a_second_use),
    STORE_TEST(a_killed_session_is_replaced_and_the_work_run_again),
    STORE_TEST(a_deadlock_is_run_again),
    STORE_TEST(a_session_that_would_not_wait_for_the_disk_is_put_right),
    STORE_TEST(a_statement_that_takes_too_long_fails),
    STORE_TEST(while_the_server_is_away_verbs_fail_quickly),
    STORE_TEST(a_server_that_hangs_fails_within_the_time_limit),
};

int main(int argc, char **argv)
{
    (void)argc;
    const char *url = getenv("STORE_URL"), *folder = getenv("TEST_DIR");
    if (url == NULL || strncmp(url, "postgresql:", 11) != 0) {
        static char script[4096];
        snprintf(script, sizeof script, "%s/../script/with-postgres", folder != NULL ? folder : "tests");
        char *const arguments[] = {script, argv[0], NULL};
        execv(script, arguments);
        perror(script);
        return 1;
    }
    if (rand_init() != OK)
        return 1;
    return cmocka_run_group_tests_name("postgres", tests, NULL, NULL);
}
