/* The lists at work: fetching, refusing rollback, ageing, keeping, and snapshots under concurrent
 * replacement. */
#include "medmij/lists.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"
#include "list_vectors.h"
#include "local_server.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/mman.h>

#include <cmocka.h>

static struct arena *arena;
static struct failure failure;
static char folder[64];
static int64_t *clock_offset;
static struct lists *lists;
static struct lists_settings settings;

/* ---- a keeper in memory ---- */

struct kept {
    char *xml;
    size_t length;
    int64_t volgnummer;
    int64_t fetched_at;
    unsigned saves;
};
static struct kept kept[LIST_KINDS];
static bool is_keeper_broken;

static enum outcome keeper_load(void *context, struct arena *to, enum list_kind kind, struct str *out_xml,
                                int64_t *out_fetched_at, struct failure *reason)
{
    const struct kept *copies = context;
    if (is_keeper_broken)
        return failure_set(reason, "the store is away");
    if (copies[kind].xml == NULL)
        return ABSENT;
    *out_xml = str_copy(to, str_of(copies[kind].xml, copies[kind].length));
    *out_fetched_at = copies[kind].fetched_at;
    return OK;
}

static enum outcome keeper_save(void *context, enum list_kind kind, int64_t volgnummer, struct str xml,
                                int64_t fetched_at, struct failure *reason)
{
    struct kept *copy = (struct kept *)context + kind;
    if (is_keeper_broken)
        return failure_set(reason, "the store is away");
    copy->saves++;
    copy->fetched_at = fetched_at;
    if (copy->xml != NULL && copy->volgnummer >= volgnummer)
        return OK;
    free(copy->xml);
    copy->xml = malloc(xml.length);
    memcpy(copy->xml, xml.data, xml.length);
    copy->length = xml.length;
    copy->volgnummer = volgnummer;
    return OK;
}

static const struct lists_keeper keeper = {kept, keeper_load, keeper_save};

/* ---- sources in a temporary folder ---- */

static const char *source_path(enum list_kind kind)
{
    return arena_printf(arena, "%s/%s.xml", folder, list_kind_name(kind));
}

static void write_source(enum list_kind kind, struct str xml)
{
    const char *path = source_path(kind);
    const char *fresh = arena_printf(arena, "%s.new", path);
    FILE *file = fopen(fresh, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(xml.data, 1, xml.length, file), xml.length);
    fclose(file);
    assert_int_equal(rename(fresh, path), 0);
}

static struct str whitelist(int64_t number, const char *stamp, const char *host)
{
    return str_from_c(arena_printf(
        arena,
        "<Whitelist "
        "xmlns='xmlns://afsprakenstelsel.medmij.nl/whitelist/release2/'><Tijdstempel>%s</Tijdstempel>"
        "<Volgnummer>%lld</Volgnummer><MedMijNodes><MedMijNode><Hostname>%s</Hostname></MedMijNode></"
        "MedMijNodes>"
        "</Whitelist>",
        stamp, (long long)number, host));
}

static void start(void)
{
    lists = NULL;
    if (lists_start(&settings, &keeper, &lists, &failure) != OK)
        fail_msg("%s", failure.text);
}

static void wait_ms(long milliseconds)
{
    nanosleep(&(struct timespec){milliseconds / 1000, milliseconds % 1000 * 1000000}, NULL);
}

static struct list_status status_of(enum list_kind kind)
{
    struct list_status status;
    lists_status(lists, kind, &status);
    return status;
}

/* Asks for a refresh and waits until `kind` was tried once more, by its failures or by its age. */
static void refresh_until_number(enum list_kind kind, int64_t number)
{
    lists_refresh_soon(lists);
    for (int i = 0; i < 6000 && status_of(kind).volgnummer != number; i++)
        wait_ms(10);
    assert_int_equal(status_of(kind).volgnummer, number);
}

static void refresh_until_failures(enum list_kind kind, unsigned failures)
{
    lists_refresh_soon(lists);
    for (int i = 0; i < 6000 && status_of(kind).failures_in_a_row != failures; i++)
        wait_ms(10);
    assert_int_equal(status_of(kind).failures_in_a_row, failures);
}

static void remove_source(enum list_kind kind)
{
    assert_int_equal(unlink(source_path(kind)), 0);
}

static int setup(void **state)
{
    (void)state;
    arena = arena_new();
    *clock_offset = 0;
    is_keeper_broken = false;
    lists = NULL;
    strcpy(folder, "/tmp/sluis-lists-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    settings = (struct lists_settings){.interval_s = 900, .max_age_s = 86400, .size_max = (size_t)1 << 20};
    for (size_t i = 0; i < LIST_KINDS; i++) { /* the first four vectors are one of each kind */
        write_source(vectors[i].kind, read_vector(arena, vectors[i].file));
        settings.sources[vectors[i].kind].location = source_path(vectors[i].kind);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    lists_stop(&lists);
    for (int kind = 0; kind < LIST_KINDS; kind++) {
        unlink(source_path((enum list_kind)kind));
        free(kept[kind].xml);
    }
    memset(kept, 0, sizeof kept);
    rmdir(folder);
    arena_free(&arena);
    return 0;
}

/* ---- the tests ---- */

static void four_files_make_a_ready_house(void **state)
{
    (void)state;
    start();
    assert_true(lists_is_ready(lists));
    struct list_status status = status_of(LIST_PROVIDERS);
    assert_true(status.is_loaded && status.is_fresh);
    assert_int_equal(status.volgnummer, 412);
    assert_int_equal(status.stamped_at, 1740817800);
    assert_int_equal(status.entries, 2);
    assert_int_equal(status.failures_in_a_row, 0);
    assert_string_equal(status.last_error, "");
}

static void look_ups_tell_found_from_absent(void **state)
{
    (void)state;
    start();
    struct lists_snapshot *snapshot = lists_acquire(lists);
    const struct list_client *client;
    assert_int_equal(lists_find_client(snapshot, STR("medmij.mijnpgo.nl"), &client), OK);
    assert_true(str_equal(client->organisation_name, STR("Mijn PGO Voorbeeld")));
    assert_int_equal(lists_find_client(snapshot, STR("medmij.mijnpgo.n"), &client), ABSENT);
    assert_null(client);
    assert_int_equal(lists_find_client(snapshot, STR("Medmij.mijnpgo.nl"), &client), ABSENT);
    assert_int_equal(lists_find_client(snapshot, STR_NONE, &client), ABSENT);

    assert_int_equal(lists_find_whitelisted(snapshot, STR("token.sluiswachter.nl")), OK);
    assert_int_equal(lists_find_whitelisted(snapshot, STR("sluiswachter.nl")), ABSENT);
    assert_int_equal(lists_find_whitelisted(snapshot, STR("x.token.sluiswachter.nl")), ABSENT);
    assert_int_equal(lists_find_whitelisted(snapshot, STR_NONE), ABSENT);

    struct str name;
    assert_int_equal(lists_find_service_name(snapshot, STR("49"), &name), OK);
    assert_true(str_equal(name, STR("Huisartsgegevens")));
    assert_int_equal(lists_find_service_name(snapshot, STR("4"), &name), ABSENT);
    assert_int_equal(lists_find_service_name(snapshot, STR("490"), &name), ABSENT);

    const struct list_provider_service *service;
    assert_int_equal(
        lists_find_provider_service(snapshot, STR("huisartsdeduinen"), STR("2"), STR("49"), &service), OK);
    assert_int_equal(service->max_days, 365);
    assert_int_equal(
        lists_find_provider_service(snapshot, STR("huisartsdeduinen"), STR("1.4.0"), STR("49"), &service),
        OK);
    assert_int_equal(service->max_days, 0);
    assert_int_equal(
        lists_find_provider_service(snapshot, STR("huisartsdeduinen"), STR("1.4.0"), STR("53"), &service),
        ABSENT);
    assert_int_equal(
        lists_find_provider_service(snapshot, STR("huisartsdeduinen"), STR("3"), STR("49"), &service),
        ABSENT);
    assert_int_equal(lists_find_provider_service(snapshot, STR("onbekend"), STR("2"), STR("49"), &service),
                     ABSENT);
    lists_release(&snapshot);
    assert_null(snapshot);
    lists_release(&snapshot);
}

static void a_list_without_interface_versions_answers_for_all(void **state)
{
    (void)state;
    write_source(LIST_PROVIDERS, read_vector(arena, "MedMij_Zorgaanbiederslijst.release2.xml"));
    start();
    struct lists_snapshot *snapshot = lists_acquire(lists);
    const struct list_provider_service *service;
    assert_int_equal(
        lists_find_provider_service(snapshot, STR("huisartsdeduinen"), STR("1.1"), STR("4"), &service), OK);
    assert_int_equal(
        lists_find_provider_service(snapshot, STR("huisartsdeduinen"), STR_NONE, STR("4"), &service), OK);
    assert_int_equal(
        lists_find_provider_service(snapshot, STR("huisartsdeduinen"), STR("1.1"), STR("5"), &service),
        ABSENT);
    lists_release(&snapshot);
}

static void one_missing_list_leaves_the_others_alone(void **state)
{
    (void)state;
    remove_source(LIST_CLIENTS);
    start();
    assert_false(lists_is_ready(lists));
    assert_false(status_of(LIST_CLIENTS).is_loaded);
    assert_int_equal(status_of(LIST_CLIENTS).failures_in_a_row, 1);
    assert_non_null(strstr(status_of(LIST_CLIENTS).last_error, "No such file"));
    struct lists_snapshot *snapshot = lists_acquire(lists);
    const struct list_client *client;
    struct str name;
    assert_int_equal(lists_find_client(snapshot, STR("medmij.mijnpgo.nl"), &client), FAILED);
    assert_int_equal(lists_find_whitelisted(snapshot, STR("medmij.mijnpgo.nl")), OK);
    assert_int_equal(lists_find_service_name(snapshot, STR("49"), &name), OK);
    lists_release(&snapshot);
}

static void nothing_loaded_means_failed_and_never_absent(void **state)
{
    (void)state;
    for (int kind = 0; kind < LIST_KINDS; kind++)
        remove_source((enum list_kind)kind);
    start();
    struct lists_snapshot *snapshot = lists_acquire(lists);
    const struct list_client *client;
    const struct list_provider_service *service;
    struct str name;
    assert_int_equal(lists_find_client(snapshot, STR("a.nl"), &client), FAILED);
    assert_int_equal(lists_find_whitelisted(snapshot, STR("a.nl")), FAILED);
    assert_int_equal(lists_find_service_name(snapshot, STR("49"), &name), FAILED);
    assert_int_equal(lists_find_provider_service(snapshot, STR("a"), STR("2"), STR("49"), &service), FAILED);
    lists_release(&snapshot);
}

static void a_snapshot_stays_as_it_was(void **state)
{
    (void)state;
    write_source(LIST_WHITELIST, whitelist(1, "2025-01-01T00:00:00Z", "oud.nl"));
    start();
    struct lists_snapshot *before = lists_acquire(lists);
    write_source(LIST_WHITELIST, whitelist(2, "2025-01-02T00:00:00Z", "nieuw.nl"));
    refresh_until_number(LIST_WHITELIST, 2);
    struct lists_snapshot *after = lists_acquire(lists);
    assert_int_equal(lists_find_whitelisted(before, STR("oud.nl")), OK);
    assert_int_equal(lists_find_whitelisted(before, STR("nieuw.nl")), ABSENT);
    assert_int_equal(lists_find_whitelisted(after, STR("oud.nl")), ABSENT);
    assert_int_equal(lists_find_whitelisted(after, STR("nieuw.nl")), OK);
    lists_stop(&lists); /* snapshots outlive even the lists */
    assert_int_equal(lists_find_whitelisted(before, STR("oud.nl")), OK);
    lists_release(&before);
    lists_release(&after);
}

static void a_lower_number_is_refused_with_an_alarm(void **state)
{
    (void)state;
    FILE *log = tmpfile();
    log_init(fileno(log), LOG_LEVEL_INFO);
    write_source(LIST_WHITELIST, whitelist(5, "2025-01-01T00:00:00Z", "goed.nl"));
    start();
    write_source(LIST_WHITELIST, whitelist(4, "2025-01-02T00:00:00Z", "terug.nl"));
    refresh_until_failures(LIST_WHITELIST, 1);
    assert_non_null(strstr(status_of(LIST_WHITELIST).last_error, "Volgnummer 4 is lower than the current 5"));
    assert_int_equal(status_of(LIST_WHITELIST).volgnummer, 5);
    lists_stop(&lists);
    log_init(STDERR_FILENO, LOG_LEVEL_ERROR);
    char text[16384] = {0};
    rewind(log);
    assert_true(fread(text, 1, sizeof text - 1, log) > 0);
    fclose(log);
    assert_non_null(strstr(text, "\"level\":\"error\",\"event\":\"list_rollback_refused\""));
}

static void an_older_stamp_is_refused(void **state)
{
    (void)state;
    write_source(LIST_WHITELIST, whitelist(5, "2025-01-02T00:00:00Z", "goed.nl"));
    start();
    write_source(LIST_WHITELIST, whitelist(6, "2025-01-01T23:59:59Z", "ouder.nl"));
    refresh_until_failures(LIST_WHITELIST, 1);
    assert_int_equal(status_of(LIST_WHITELIST).volgnummer, 5);
    assert_non_null(strstr(status_of(LIST_WHITELIST).last_error, "Tijdstempel"));
}

static void the_same_number_keeps_the_copy_and_renews_its_age(void **state)
{
    (void)state;
    write_source(LIST_WHITELIST, whitelist(5, "2025-01-01T00:00:00Z", "goed.nl"));
    start();
    int64_t fetched_at = status_of(LIST_WHITELIST).fetched_at;
    write_source(LIST_WHITELIST, whitelist(5, "2025-01-02T00:00:00Z", "anders.nl"));
    *clock_offset = 3600;
    lists_refresh_soon(lists);
    for (int i = 0; i < 6000 && status_of(LIST_WHITELIST).fetched_at < fetched_at + 3600; i++)
        wait_ms(10);
    assert_true(status_of(LIST_WHITELIST).fetched_at >= fetched_at + 3600);
    struct lists_snapshot *snapshot = lists_acquire(lists);
    assert_int_equal(lists_find_whitelisted(snapshot, STR("goed.nl")), OK);
    assert_int_equal(lists_find_whitelisted(snapshot, STR("anders.nl")), ABSENT);
    lists_release(&snapshot);
}

static void a_bad_document_leaves_the_good_one(void **state)
{
    (void)state;
    start();
    write_source(LIST_WHITELIST, STR("<Whitelist>"));
    refresh_until_failures(LIST_WHITELIST, 1);
    struct lists_snapshot *snapshot = lists_acquire(lists);
    assert_int_equal(lists_find_whitelisted(snapshot, STR("token.sluiswachter.nl")), OK);
    lists_release(&snapshot);
    assert_true(lists_is_ready(lists));
}

static void past_the_maximum_age_every_look_up_fails(void **state)
{
    (void)state;
    start();
    remove_source(LIST_WHITELIST);
    struct lists_snapshot *snapshot = lists_acquire(lists);
    *clock_offset = settings.max_age_s - 60;
    assert_int_equal(lists_find_whitelisted(snapshot, STR("token.sluiswachter.nl")), OK);
    *clock_offset = settings.max_age_s + 5;
    assert_int_equal(lists_find_whitelisted(snapshot, STR("token.sluiswachter.nl")), FAILED);
    assert_int_equal(lists_find_whitelisted(snapshot, STR("onbekend.nl")), FAILED);
    lists_release(&snapshot);
    assert_false(lists_is_ready(lists));
    assert_true(status_of(LIST_WHITELIST).is_loaded);
    assert_false(status_of(LIST_WHITELIST).is_fresh);
    /* The source comes back. */
    write_source(LIST_WHITELIST, read_vector(arena, "MedMij_Whitelist.release2.xml"));
    lists_refresh_soon(lists);
    for (int i = 0; i < 6000 && !lists_is_ready(lists); i++)
        wait_ms(10);
    assert_true(lists_is_ready(lists));
}

static void a_jump_of_the_clock_brings_a_refresh_by_itself(void **state)
{
    (void)state;
    write_source(LIST_WHITELIST, whitelist(1, "2025-01-01T00:00:00Z", "oud.nl"));
    start();
    write_source(LIST_WHITELIST, whitelist(2, "2025-01-01T00:00:00Z", "nieuw.nl"));
    *clock_offset = settings.interval_s + 1;
    for (int i = 0; i < 6000 && status_of(LIST_WHITELIST).volgnummer != 2; i++)
        wait_ms(10);
    assert_int_equal(status_of(LIST_WHITELIST).volgnummer, 2);
}

static void a_clock_that_is_set_back_brings_a_refresh_too(void **state)
{
    (void)state;
    *clock_offset = 86400;
    start();
    assert_true(lists_is_ready(lists));
    *clock_offset = 0; /* fetched a day from now: an age that means nothing */
    assert_false(lists_is_ready(lists));
    for (int i = 0; i < 6000 && !lists_is_ready(lists); i++)
        wait_ms(10);
    assert_true(lists_is_ready(lists));
}

static void a_failure_is_retried_after_a_back_off_that_doubles(void **state)
{
    (void)state;
    remove_source(LIST_WHITELIST);
    start();
    assert_int_equal(status_of(LIST_WHITELIST).failures_in_a_row, 1);
    *clock_offset = 20;
    wait_ms(1300); /* a tick and some */
    assert_int_equal(status_of(LIST_WHITELIST).failures_in_a_row, 1);
    *clock_offset = 31;
    for (int i = 0; i < 6000 && status_of(LIST_WHITELIST).failures_in_a_row < 2; i++)
        wait_ms(10);
    assert_int_equal(status_of(LIST_WHITELIST).failures_in_a_row, 2);
    *clock_offset = 31 + 45;
    wait_ms(1300);
    assert_int_equal(status_of(LIST_WHITELIST).failures_in_a_row, 2);
    *clock_offset = 31 + 45 + 20;
    for (int i = 0; i < 6000 && status_of(LIST_WHITELIST).failures_in_a_row < 3; i++)
        wait_ms(10);
    assert_int_equal(status_of(LIST_WHITELIST).failures_in_a_row, 3);
    assert_int_equal(status_of(LIST_PROVIDERS).failures_in_a_row, 0);
}

static void three_failures_in_a_row_are_an_alarm(void **state)
{
    (void)state;
    FILE *log = tmpfile();
    log_init(fileno(log), LOG_LEVEL_INFO);
    remove_source(LIST_CLIENTS);
    start();
    refresh_until_failures(LIST_CLIENTS, 2);
    char text[32768] = {0};
    rewind(log);
    assert_true(fread(text, 1, sizeof text - 1, log) > 0);
    assert_null(strstr(text, "list_refresh_alarm"));
    refresh_until_failures(LIST_CLIENTS, 3);
    lists_stop(&lists);
    log_init(STDERR_FILENO, LOG_LEVEL_ERROR);
    memset(text, 0, sizeof text);
    rewind(log);
    assert_true(fread(text, 1, sizeof text - 1, log) > 0);
    fclose(log);
    assert_non_null(strstr(
        text, "\"level\":\"error\",\"event\":\"list_refresh_alarm\",\"list\":\"MedMij_OAuthclientlist\""));
    assert_null(strstr(text, "\"event\":\"list_refresh_alarm\",\"list\":\"MedMij_Whitelist\""));
}

static void kept_copies_serve_when_the_sources_are_away(void **state)
{
    (void)state;
    start();
    assert_int_equal(kept[LIST_WHITELIST].volgnummer, 2091);
    assert_int_equal(kept[LIST_PROVIDERS].saves, 1);
    lists_stop(&lists);
    for (int kind = 0; kind < LIST_KINDS; kind++)
        remove_source((enum list_kind)kind);
    *clock_offset = 3600;
    start();
    assert_true(lists_is_ready(lists));
    assert_int_equal(status_of(LIST_WHITELIST).failures_in_a_row, 1);
    lists_stop(&lists);
    /* The age of a kept copy counts from when it was fetched. */
    *clock_offset = settings.max_age_s + 60;
    start();
    assert_false(lists_is_ready(lists));
    assert_true(status_of(LIST_WHITELIST).is_loaded);
}

static void a_kept_copy_guards_against_rollback_at_start(void **state)
{
    (void)state;
    write_source(LIST_WHITELIST, whitelist(9, "2025-01-02T00:00:00Z", "goed.nl"));
    start();
    lists_stop(&lists);
    write_source(LIST_WHITELIST, whitelist(8, "2025-01-03T00:00:00Z", "terug.nl"));
    start();
    assert_int_equal(status_of(LIST_WHITELIST).volgnummer, 9);
    assert_int_equal(status_of(LIST_WHITELIST).failures_in_a_row, 1);
    assert_int_equal(kept[LIST_WHITELIST].volgnummer, 9);
}

static void a_bad_kept_copy_is_passed_over(void **state)
{
    (void)state;
    log_init(STDERR_FILENO, LOG_LEVEL_ERROR);
    kept[LIST_WHITELIST] = (struct kept){.xml = strdup("<Whitelist"), .length = 10, .volgnummer = 1};
    start();
    assert_true(lists_is_ready(lists));
    assert_int_equal(status_of(LIST_WHITELIST).volgnummer, 2091);
}

static void a_store_that_is_away_is_no_reason_to_refuse_lists(void **state)
{
    (void)state;
    is_keeper_broken = true;
    start();
    assert_true(lists_is_ready(lists));
    assert_int_equal(kept[LIST_WHITELIST].saves, 0);
}

static void a_list_larger_than_the_cap_is_refused(void **state)
{
    (void)state;
    settings.size_max = 1500; /* the provider list is larger; the others are not */
    start();
    assert_false(status_of(LIST_PROVIDERS).is_loaded);
    assert_non_null(strstr(status_of(LIST_PROVIDERS).last_error, "larger than 1500"));
    assert_true(status_of(LIST_WHITELIST).is_loaded);
}

static void file_urls_and_odd_files(void **state)
{
    (void)state;
    settings.sources[LIST_WHITELIST].location = arena_printf(arena, "file://%s", source_path(LIST_WHITELIST));
    settings.sources[LIST_CLIENTS].location = arena_printf(arena, "file:%s", source_path(LIST_CLIENTS));
    settings.sources[LIST_SERVICE_NAMES].location = "/dev/zero";
    settings.sources[LIST_PROVIDERS].location = folder;
    start();
    assert_true(status_of(LIST_WHITELIST).is_loaded && status_of(LIST_CLIENTS).is_loaded);
    assert_non_null(strstr(status_of(LIST_SERVICE_NAMES).last_error, "not a regular file"));
    assert_non_null(strstr(status_of(LIST_PROVIDERS).last_error, "not a regular file"));
}

static void settings_that_cannot_work_stop_the_start(void **state)
{
    (void)state;
    settings.sources[LIST_CLIENTS].location = NULL;
    assert_int_equal(lists_start(&settings, NULL, &lists, &failure), FAILED);
    assert_non_null(strstr(failure.text, "MedMij_OAuthclientlist"));
    settings.sources[LIST_CLIENTS].location = source_path(LIST_CLIENTS);
    settings.sources[LIST_CLIENTS].schema_file = "/nonexistent.xsd";
    assert_int_equal(lists_start(&settings, NULL, &lists, &failure), FAILED);
    assert_non_null(strstr(failure.text, "/nonexistent.xsd"));
    settings.sources[LIST_CLIENTS].schema_file = NULL;
    settings.interval_s = 0;
    assert_int_equal(lists_start(&settings, NULL, &lists, &failure), FAILED);
    assert_null(lists);
}

static void a_configured_schema_decides_too(void **state)
{
    (void)state;
    settings.sources[LIST_WHITELIST].schema_file = vector_path(arena, "whitelist-few-nodes.xsd");
    start();
    assert_true(lists_is_ready(lists));
    write_source(LIST_WHITELIST, whitelist(3000, "2025-06-01T00:00:00Z", "elders.example"));
    refresh_until_failures(LIST_WHITELIST, 1);
    assert_non_null(strstr(status_of(LIST_WHITELIST).last_error, "not valid by the schema"));
    assert_int_equal(status_of(LIST_WHITELIST).volgnummer, 2091);
}

static void a_list_comes_over_http(void **state)
{
    (void)state;
    struct local_server server;
    assert_true(local_server_start(&server));
    settings.is_http_allowed = true;
    settings.sources[LIST_WHITELIST].location =
        arena_printf(arena, "http://localhost:%d/registry/MedMij_Whitelist.xml?api=2", server.port);
    struct local_answer answer = {.status = 200, .content_type = "text/xml"};
    answer.body = whitelist(1, "2025-01-01T00:00:00Z", "een.nl").data;
    local_server_answer(&server, answer);
    start();
    assert_true(lists_is_ready(lists));
    assert_non_null(strstr(server.request, "GET /registry/MedMij_Whitelist.xml?api=2 HTTP/1.1"));

    answer.status = 503;
    local_server_answer(&server, answer);
    refresh_until_failures(LIST_WHITELIST, 1);
    assert_non_null(strstr(status_of(LIST_WHITELIST).last_error, "503"));
    answer = (struct local_answer){.status = 200, .content_type = "text/xml", .is_cut = true};
    answer.body = whitelist(2, "2025-01-01T00:00:00Z", "twee.nl").data;
    local_server_answer(&server, answer);
    refresh_until_failures(LIST_WHITELIST, 2);
    answer.is_cut = false;
    local_server_answer(&server, answer);
    refresh_until_number(LIST_WHITELIST, 2);
    assert_int_equal(status_of(LIST_WHITELIST).failures_in_a_row, 0);
    local_server_stop(&server);
    refresh_until_failures(LIST_WHITELIST, 1);
    assert_true(lists_is_ready(lists));
}

static void plain_http_is_for_development_only(void **state)
{
    (void)state;
    settings.sources[LIST_WHITELIST].location = "http://localhost:21499/x.xml";
    start();
    assert_false(status_of(LIST_WHITELIST).is_loaded);
    assert_int_equal(status_of(LIST_WHITELIST).failures_in_a_row, 1);
}

/* ---- readers against a writer ---- */

#define READERS 4
#define SWAPS 60

static atomic_bool is_reading;
static atomic_uint torn, looked;

/* In every version of the list each client's name ends in the version that its host starts with. */
static void *read_on(void *context)
{
    (void)context;
    while (atomic_load(&is_reading)) {
        struct lists_snapshot *snapshot = lists_acquire(lists);
        const struct list_client *mine;
        unsigned found = 0;
        for (unsigned version = 1; version <= SWAPS + 1; version++) {
            char host[32], name[32];
            int host_length = snprintf(host, sizeof host, "v%u.pgo.nl", version);
            int name_length = snprintf(name, sizeof name, "PGO v%u", version);
            enum outcome outcome = lists_find_client(snapshot, str_of(host, (size_t)host_length), &mine);
            if (outcome == FAILED ||
                (outcome == OK && !str_equal(mine->organisation_name, str_of(name, (size_t)name_length))))
                atomic_fetch_add(&torn, 1);
            found += outcome == OK;
        }
        if (found != 1)
            atomic_fetch_add(&torn, 1);
        atomic_fetch_add(&looked, 1);
        lists_release(&snapshot);
    }
    return NULL;
}

static struct str clients_version(unsigned version)
{
    return str_from_c(arena_printf(
        arena,
        "<OAuthclientlist xmlns='xmlns://afsprakenstelsel.medmij.nl/oauthclientlist/release2/'>"
        "<Tijdstempel>2025-01-01T00:00:00Z</Tijdstempel><Volgnummer>%u</"
        "Volgnummer><OAuthclients><OAuthclient>"
        "<Hostname>v%u.pgo.nl</Hostname><OAuthclientOrganisatienaam>PGO v%u</OAuthclientOrganisatienaam>"
        "</OAuthclient></OAuthclients></OAuthclientlist>",
        version, version, version));
}

static void readers_always_see_one_whole_version(void **state)
{
    (void)state;
    write_source(LIST_CLIENTS, clients_version(1));
    start();
    pthread_t readers[READERS];
    atomic_store(&is_reading, true);
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_on, NULL), 0);
    for (unsigned version = 2; version <= SWAPS + 1; version++) {
        write_source(LIST_CLIENTS, clients_version(version));
        lists_refresh_soon(lists);
        for (int i = 0; i < 60000 && status_of(LIST_CLIENTS).volgnummer != version; i++)
            wait_ms(1);
        assert_int_equal(status_of(LIST_CLIENTS).volgnummer, version);
    }
    atomic_store(&is_reading, false);
    for (int i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
    assert_int_equal(atomic_load(&torn), 0);
    assert_true(atomic_load(&looked) > SWAPS);
}

static void verify_judges_one_document(void **state)
{
    (void)state;
    struct list_status status;
    struct str xml = read_vector(arena, "MedMij_Whitelist.release2.xml");
    assert_int_equal(lists_verify_document(LIST_WHITELIST, xml, NULL, false, &status, &failure), OK);
    assert_int_equal(status.volgnummer, 2091);
    assert_int_equal(status.entries, 3);
    assert_int_equal(lists_verify_document(LIST_WHITELIST, xml, vector_path(arena, "whitelist-few-nodes.xsd"),
                                           false, &status, &failure),
                     OK);
    assert_int_equal(lists_verify_document(LIST_CLIENTS, xml, NULL, false, &status, &failure), FAILED);
    assert_false(status.is_loaded);
    assert_int_equal(lists_verify_document(LIST_WHITELIST, xml, "/nonexistent.xsd", false, &status, &failure),
                     FAILED);
}

static int group_setup(void **state)
{
    (void)state;
    char path[] = "/tmp/sluis-clock-XXXXXX";
    int file = mkstemp(path);
    struct failure reason;
    static const int64_t zero;
    if (file < 0 || write(file, &zero, sizeof zero) != sizeof zero ||
        clock_follow_offset_file(path, &reason) != OK)
        return -1;
    clock_offset = mmap(NULL, sizeof *clock_offset, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    unlink(path);
    log_init(STDERR_FILENO, LOG_LEVEL_ERROR);
    return clock_offset != MAP_FAILED && rand_init() == OK ? 0 : -1;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(four_files_make_a_ready_house),
        TEST(look_ups_tell_found_from_absent),
        TEST(a_list_without_interface_versions_answers_for_all),
        TEST(one_missing_list_leaves_the_others_alone),
        TEST(nothing_loaded_means_failed_and_never_absent),
        TEST(a_snapshot_stays_as_it_was),
        TEST(a_lower_number_is_refused_with_an_alarm),
        TEST(an_older_stamp_is_refused),
        TEST(the_same_number_keeps_the_copy_and_renews_its_age),
        TEST(a_bad_document_leaves_the_good_one),
        TEST(past_the_maximum_age_every_look_up_fails),
        TEST(a_jump_of_the_clock_brings_a_refresh_by_itself),
        TEST(a_clock_that_is_set_back_brings_a_refresh_too),
        TEST(a_failure_is_retried_after_a_back_off_that_doubles),
        TEST(three_failures_in_a_row_are_an_alarm),
        TEST(kept_copies_serve_when_the_sources_are_away),
        TEST(a_kept_copy_guards_against_rollback_at_start),
        TEST(a_bad_kept_copy_is_passed_over),
        TEST(a_store_that_is_away_is_no_reason_to_refuse_lists),
        TEST(a_list_larger_than_the_cap_is_refused),
        TEST(file_urls_and_odd_files),
        TEST(settings_that_cannot_work_stop_the_start),
        TEST(a_configured_schema_decides_too),
        TEST(a_list_comes_over_http),
        TEST(plain_http_is_for_development_only),
        TEST(readers_always_see_one_whole_version),
        TEST(verify_judges_one_document),
    };
    return cmocka_run_group_tests(tests, group_setup, NULL);
}
