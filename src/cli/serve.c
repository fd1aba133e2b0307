/*
 * sluis serve: builds the house from its configuration, opens the listeners, and keeps house until it is told
 * to stop.
 *
 * SIGHUP reloads configuration, certificates, added keys and log files without dropping a request; SIGTERM
 * and SIGINT drain and exit 0.
 */
#include "cli/cli.h"
#include "cli/mail_client.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"
#include "conf/conf_table.h"
#include "http/server.h"
#include "medmij/assets.h"
#include "medmij/door.h"
#include "ops/housekeeping.h"
#include "ops/ops.h"
#include "sso/directory.h"
#include "sso/notify_backlog.h"
#include "sso/notify_queue.h"
#include "sso/notify_turn.h"
#include "sso/professional.h"
#include "store/list_copy.h"

#include <curl/curl.h>
#include <libxml/parser.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define CONFS_KEPT_MAX 64
#define CONF_GRACE_MS 600000 /* far longer than any request may take */
#define STOP_MAX_S 30
#define PURGE_INTERVAL_S 60
#define PURGE_PAUSE_S 1
#define NOTIFY_INTERVAL_S 5
#define CIRCUIT_FAILURES 5
#define MALLOC_ARENAS 4
#define CIRCUIT_COOL_DOWN_MS 30000

struct house {
    const char *conf_path;
    /* The first is the one that the listeners, the store and the lists were built from; the last is the one
     * that counts. Those between were replaced of late: requests in flight may hold them. */
    struct conf *confs[CONFS_KEPT_MAX];
    int64_t replaced_at_ms[CONFS_KEPT_MAX];
    size_t conf_count;
    struct vault *vault;
    struct template_set *templates;
    struct assets *assets;
    struct store *store;
    struct lists *lists;
    struct door door;
    struct professional professional;
    struct notify_turn notify_turn;
    struct secret *mail_password;
    struct ops ops;
    struct http_workers *workers;
    struct route_table front_routes, back_routes, internal_routes, ops_routes;
    struct route_table professional_front_routes, professional_internal_routes;
    struct http_server *front, *back, *internal;
};

static const struct conf *conf_of(const struct house *house)
{
    return house->confs[house->conf_count - 1];
}

/* ---- the lists' last good copies live in the store ---- */

static enum outcome load_list_copy(void *context, struct arena *arena, enum list_kind kind,
                                   struct str *out_xml, int64_t *out_fetched_at, struct failure *failure)
{
    enum outcome outcome = list_copy_load(context, list_kind_name(kind), arena, out_xml, out_fetched_at);
    return outcome == FAILED ? failure_set(failure, "the store did not give the kept copy") : outcome;
}

static enum outcome save_list_copy(void *context, enum list_kind kind, int64_t volgnummer, struct str xml,
                                   int64_t fetched_at, struct failure *failure)
{
    if (list_copy_save(context, list_kind_name(kind), volgnummer, xml, fetched_at) != OK)
        return failure_set(failure, "the store did not keep the copy");
    return OK;
}

static enum outcome start_lists(struct house *house, struct failure *failure)
{
    const struct lists_settings settings = cli_lists_settings(conf_of(house));
    const struct lists_keeper keeper = {house->store, load_list_copy, save_list_copy};
    return lists_start(&settings, &keeper, &house->lists, failure);
}

/* ---- building ---- */

static enum outcome load_templates(struct house *house, struct failure *failure)
{
    const char *web = conf_of(house)->web_directory;
    struct arena *arena = arena_new();
    const char *const directories[] = {arena_printf(arena, "%s/templates", web),
                                       arena_printf(arena, "%s/texts", web)};
    enum outcome outcome = template_set_load(directories, 2, &house->templates, failure);
    if (outcome == OK && template_unescaped_count(house->templates) > 0)
        outcome = failure_set(failure, "%s: a template shows text unescaped ({{{...}}} or {{&...}})", web);
    if (outcome == OK)
        outcome = assets_load(arena_printf(arena, "%s/static", web), conf_of(house)->medmij_logo,
                              &house->assets, failure);
    arena_free(&arena);
    return outcome;
}

static enum outcome open_store(struct house *house, struct failure *failure)
{
    const struct conf *conf = conf_of(house);
    const struct store_settings settings = {
        .url = conf->store_url,
        .connection_max = (unsigned)conf->store_connections,
        .vault = house->vault,
        .node = conf->node,
        .must_exist = true,
    };
    int version, newest;
    if (store_open(&settings, &house->store, failure) != OK)
        return FAILED;
    if (store_schema_version(house->store, &version, &newest) != OK)
        return failure_set(failure, "the store does not tell the version of its schema");
    if (version > newest)
        return failure_set(
            failure, "the store has schema %d, newer than this program knows (%d); use the newer program",
            version, newest);
    if (version != newest)
        return failure_set(
            failure, "the store's schema is at version %d and this program needs %d; run `sluis migrate`",
            version, newest);
    return OK;
}

static const char *host_of(struct arena *arena, const char *url)
{
    struct str text = str_from_c(url);
    for (size_t i = 0; i + 3 <= text.length; i++)
        if (str_starts_with(str_slice(text, i, text.length), STR("://"))) {
            struct str host = str_slice(text, i + 3, text.length);
            host = str_slice(host, 0, str_find(host, '/'));
            return arena_strndup(arena, host.data, str_find(host, ':'));
        }
    return url;
}

static enum outcome build_door(struct house *house, struct failure *failure)
{
    const struct conf *conf = conf_of(house);
    struct door *door = &house->door;
    atomic_store(&door->conf, conf);
    door->store = house->store;
    door->vault = house->vault;
    door->lists = house->lists;
    door->templates = house->templates;
    door->assets = house->assets;
    const struct idp_settings idp_settings = {.is_http_allowed = conf->is_development};
    struct arena *arena = arena_new();
    enum outcome outcome =
        events_open(conf->event_log_file, host_of(arena, conf->base_url), &door->events, failure);
    arena_free(&arena);
    if (outcome != OK)
        return FAILED;
    if (cached_open(house->store, "catalogue", catalog_load, &door->catalog) != OK)
        return failure_set(failure, "the catalogue of providers cannot be read from the store");
    if (idp_new(&idp_settings, &door->idp) != OK)
        return failure_set(failure, "the authentication client did not start");
    door->availability = availability_new(&(struct availability_settings){
        .failures_to_open = CIRCUIT_FAILURES, .cool_down_ms = CIRCUIT_COOL_DOWN_MS});
    return OK;
}

static enum outcome start_mailer(struct house *house, struct failure *failure)
{
    struct smtp_client client;
    switch (mail_client_open(conf_of(house), &house->mail_password, &client, failure)) {
    case OK:
        break;
    case ABSENT:
        log_warning("mail_is_off", LOG_C("cause", "mail.server is not set: nobody is told of failed logins"));
        return OK;
    case FAILED:
        return FAILED;
    }
    house->professional.mailer = mailer_start(house->store, &client);
    log_info("mail_is_on", LOG_C("server", client.server));
    return OK;
}

static enum outcome build_professional_door(struct house *house, struct failure *failure)
{
    struct professional *door = &house->professional;
    door->conf = &house->door.conf;
    door->store = house->store;
    door->vault = house->vault;
    door->idp = house->door.idp;
    door->templates = house->templates;
    if (cached_open(house->store, "connections", directory_load, &door->data) != OK)
        return failure_set(failure, "the connections cannot be read from the store");
    door->log = log_writer_start(house->store);
    door->signing = signing_new(house->store);
    door->rate = rate_new();
    if (start_mailer(house, failure) != OK)
        return FAILED;
    door->backlog = notify_backlog_new();
    if (door->mailer != NULL)
        door->notices = notify_queue_start(house->store, door->mailer);
    house->notify_turn = (struct notify_turn){
        .desk = {house->store, door->mailer, door->backlog, door->notices}, .data = door->data};
    return OK;
}

static enum outcome start_listener(struct house *house, const char *name,
                                   const struct conf_listener *listener, bool is_https,
                                   const struct route_table *table, struct http_server **out_server,
                                   struct failure *failure)
{
    const struct conf *conf = conf_of(house);
    if (!listener->is_enabled)
        return OK;
    const struct http_listener_settings settings = {
        .name = name,
        .address = listener->address,
        .is_https = is_https,
        .certificate_file = listener->certificate,
        .key_file = listener->key,
        .client_ca_file = listener->client_ca,
        .trusted_proxies = conf->trusted_proxies,
        .trusted_proxy_count = conf->trusted_proxies_count,
        .client_certificate_header = conf->client_certificate_header,
        .body_max = (size_t)conf->body_max,
        .target_max = (size_t)conf->target_max,
        .io_threads = (unsigned)conf->io_threads,
        .connection_max = (unsigned)conf->connection_max,
        .idle_timeout_s = (unsigned)conf->idle_timeout_s,
    };
    if (http_server_start(&settings, table, house->workers, out_server, failure) != OK)
        return FAILED;
    log_info("listening", LOG_C("listener", name), LOG_C("address", listener->address));
    house->ops.servers[house->ops.server_count].name = name;
    house->ops.servers[house->ops.server_count++].server = *out_server;
    return OK;
}

static enum outcome start_listeners(struct house *house, struct failure *failure)
{
    const struct conf *conf = conf_of(house);
    house->ops.store = house->store;
    house->ops.lists = house->lists;
    house->ops.data[0] = house->door.catalog;
    house->ops.data[1] = house->professional.data;
    house->ops.events = house->door.events;
    house->ops.log_writer = house->professional.log;
    house->ops.tally = &house->professional.tally;
    house->ops.started_at = clock_now();
    house->professional_front_routes = professional_front_routes(&house->professional);
    house->professional_internal_routes = professional_internal_routes(&house->professional);
    house->front_routes = door_front_routes(&house->door);
    house->front_routes.next = &house->professional_front_routes;
    house->back_routes = door_back_routes(&house->door);
    house->ops_routes = ops_routes(&house->ops);
    house->internal_routes = door_internal_routes(&house->door);
    house->internal_routes.next = &house->ops_routes;
    house->ops_routes.next = &house->professional_internal_routes;
    bool is_https = strncmp(conf->base_url, "https:", 6) == 0;
    if (http_workers_start((unsigned)conf->workers, &house->workers, failure) != OK ||
        start_listener(house, "front", &conf->front, is_https, &house->front_routes, &house->front,
                       failure) != OK ||
        start_listener(house, "back", &conf->back, true, &house->back_routes, &house->back, failure) != OK)
        return FAILED;
    return start_listener(house, "internal", &conf->internal, is_https, &house->internal_routes,
                          &house->internal, failure);
}

static enum outcome build_house(struct house *house, struct failure *failure)
{
    const struct conf *conf = conf_of(house);
    if (vault_load(conf->key_file, &house->vault, failure) != OK || load_templates(house, failure) != OK ||
        open_store(house, failure) != OK || start_lists(house, failure) != OK ||
        build_door(house, failure) != OK || build_professional_door(house, failure) != OK)
        return FAILED;
    return start_listeners(house, failure);
}

/* The last word on how long stopping takes, whatever hangs: a request, a list that is being fetched, a disk.
 */
static void *end_in_time(void *unused)
{
    (void)unused;
    sleep(STOP_MAX_S);
    log_warning("stopped", LOG_BOOL("clean", false));
    _exit(CLI_OK);
}

/* Lets requests in flight finish; false when some had to be cut off. */
static bool drain_house(struct house *house)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, end_in_time, NULL) == 0)
        pthread_detach(thread);
    bool is_clean = http_server_drain(&house->front, 15);
    is_clean = http_server_drain(&house->back, 10) && is_clean;
    return http_server_drain(&house->internal, 5) && is_clean;
}

/* Takes down what stands, in reverse order; also after a start that failed half-way. */
static void close_house(struct house *house)
{
    (void)http_server_drain(&house->front, 0);
    (void)http_server_drain(&house->back, 0);
    (void)http_server_drain(&house->internal, 0);
    http_workers_stop(&house->workers);
    notify_queue_stop(&house->professional.notices);
    mailer_stop(&house->professional.mailer);
    notify_backlog_free(&house->professional.backlog);
    secret_free(&house->mail_password);
    log_writer_stop(&house->professional.log);
    signing_free(&house->professional.signing);
    rate_free(&house->professional.rate);
    cached_close(&house->professional.data);
    idp_free(&house->door.idp);
    availability_free(&house->door.availability);
    cached_close(&house->door.catalog);
    events_close(&house->door.events);
    lists_stop(&house->lists);
    store_close(&house->store);
    assets_free(&house->assets);
    template_set_free(&house->templates);
    vault_free(&house->vault);
    while (house->conf_count > 0)
        conf_free(&house->confs[--house->conf_count]);
}

/* ---- keeping house ---- */

static void reload_server(struct http_server *server, const char *name)
{
    struct failure failure = {""};
    if (server != NULL && http_server_reload(server, &failure) != OK)
        log_error("certificates_not_reloaded", LOG_C("listener", name), LOG_C("cause", failure.text));
}

/* What a reload takes up; every other key counts at the start only. A dot at the end stands for a section. */
static const char *const reloaded_keys[] = {
    "token_base_url",      "log_level",         "dva.",        "lifetimes.",         "mail.operator",
    "medmij.ids_required", "medmij.post_query", "medmij.pkce", "medmij.minimum_age",
};

static bool is_reloaded(struct str key)
{
    for (size_t i = 0; i < sizeof reloaded_keys / sizeof *reloaded_keys; i++) {
        struct str known = str_from_c(reloaded_keys[i]);
        if (str_equal(key, known) || (str_ends_with(known, STR(".")) && str_starts_with(key, known)))
            return true;
    }
    return false;
}

static bool text_differs(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") != 0;
}

static bool networks_differ(const char *const *a, unsigned a_count, const char *const *b, unsigned b_count)
{
    bool are_different = a_count != b_count;
    for (unsigned i = 0; !are_different && i < a_count; i++)
        are_different = text_differs(a[i], b[i]);
    return are_different;
}

static bool row_differs(const struct conf_row *row, const struct conf *a, const struct conf *b)
{
    const char *in_a = (const char *)a + row->offset, *in_b = (const char *)b + row->offset;
    const char *text_a, *text_b;
    switch (row->type) {
    case CONF_BOOL:
        return memcmp(in_a, in_b, sizeof(bool)) != 0;
    case CONF_INT:
        return memcmp(in_a, in_b, sizeof(int64_t)) != 0;
    case CONF_NETWORKS: {
        const char *const *list_a, *const *list_b;
        unsigned count_a, count_b;
        memcpy(&list_a, in_a, sizeof list_a);
        memcpy(&list_b, in_b, sizeof list_b);
        memcpy(&count_a, (const char *)a + row->count_offset, sizeof count_a);
        memcpy(&count_b, (const char *)b + row->count_offset, sizeof count_b);
        return networks_differ(list_a, count_a, list_b, count_b);
    }
    case CONF_TEXT:
    case CONF_CHOICE:
    case CONF_ADDRESS:
    case CONF_ORIGIN:
    case CONF_FILE:
    case CONF_OUTPUT:
    case CONF_LOCATION:
    case CONF_STORE_URL:
    case CONF_HEADER:
        break;
    }
    memcpy(&text_a, in_a, sizeof text_a);
    memcpy(&text_b, in_b, sizeof text_b);
    return text_differs(text_a, text_b);
}

/* What a reload cannot change is said, at each one until the restart, not silently ignored. */
static void warn_of_restart(const struct conf *started_with, const struct conf *fresh)
{
    for (size_t i = 0; i < conf_row_count; i++)
        if (!is_reloaded(str_from_c(conf_rows[i].key)) && row_differs(&conf_rows[i], started_with, fresh))
            log_warning("reload_needs_restart", LOG_C("key", conf_rows[i].key));
}

/* Without this a server that is told to reload each night would be full one day. */
static void forget_old_confs(struct house *house)
{
    int64_t now_ms = clock_monotonic_ms();
    size_t kept = 1;
    for (size_t i = 1; i < house->conf_count; i++) {
        if (i + 1 < house->conf_count && now_ms - house->replaced_at_ms[i] >= CONF_GRACE_MS) {
            conf_free(&house->confs[i]);
            continue;
        }
        house->confs[kept] = house->confs[i];
        house->replaced_at_ms[kept++] = house->replaced_at_ms[i];
    }
    house->conf_count = kept;
}

static void reload(struct house *house)
{
    struct failure failure = {""};
    struct conf *fresh;
    enum log_level level;
    /* First, and whatever comes of the configuration: others seal with these keys by now. */
    if (vault_reload(house->vault, house->confs[0]->key_file, &failure) != OK)
        log_error("keys_not_reloaded", LOG_C("cause", failure.text));
    cached_retry_soon(house->door.catalog);
    cached_retry_soon(house->professional.data);
    forget_old_confs(house);
    if (house->conf_count == CONFS_KEPT_MAX) {
        log_error("reload_refused", LOG_C("cause", "reloaded too often within ten minutes"));
        return;
    }
    if (conf_load(house->conf_path, &fresh, &failure) != OK) {
        log_error("reload_failed", LOG_C("cause", failure.text));
        return;
    }
    warn_of_restart(house->confs[0], fresh);
    house->replaced_at_ms[house->conf_count - 1] = clock_monotonic_ms();
    house->confs[house->conf_count++] = fresh;
    atomic_store(&house->door.conf, fresh);
    if (log_level_from_name(str_from_c(fresh->log_level), &level))
        log_init(STDERR_FILENO, level);
    reload_server(house->front, "front");
    reload_server(house->back, "back");
    reload_server(house->internal, "internal");
    if (events_reopen(house->door.events, &failure) != OK)
        log_error("event_log_not_reopened", LOG_C("cause", failure.text));
    lists_refresh_soon(house->lists);
    log_info("reloaded", LOG_C("file", house->conf_path));
}

/* When the next turn is due: soon while there is more to do than fits in one. */
static int64_t purge(struct house *house)
{
    const struct housekeeping keeping = {
        .store = house->store,
        .door = &house->professional,
        .answer_window_s = conf_of(house)->refresh_window_s,
    };
    bool is_done = housekeeping_purge(&keeping, clock_now());
    return clock_monotonic_ms() + (is_done ? PURGE_INTERVAL_S : PURGE_PAUSE_S) * 1000;
}

/* What failed is a line of the store's just before it. */
static void refresh_data(struct cached *data)
{
    if (cached_refresh(data) == FAILED)
        log_warning("catalog_not_refreshed", LOG_C("what", cached_name(data)));
}

/* Until a signal says stop: once a second the catalogue's version, every five what is to be mailed unasked,
 * once a minute what has expired. */
static void keep_house(struct house *house, const sigset_t *signals)
{
    int64_t next_purge = clock_monotonic_ms() + PURGE_INTERVAL_S * 1000;
    int64_t next_notices = 0;
    for (;;) {
        const struct timespec second = {.tv_sec = 1};
        int signal_number = sigtimedwait(signals, NULL, &second);
        if (signal_number == SIGTERM || signal_number == SIGINT)
            return;
        if (signal_number == SIGHUP)
            reload(house);
        refresh_data(house->door.catalog);
        refresh_data(house->professional.data);
        signing_refresh(house->professional.signing);
        if (clock_monotonic_ms() >= next_notices) {
            notify_turn_take(&house->notify_turn, clock_now());
            next_notices = clock_monotonic_ms() + NOTIFY_INTERVAL_S * 1000;
        }
        if (clock_monotonic_ms() >= next_purge)
            next_purge = purge(house);
    }
}

static enum outcome init_process(const struct conf *conf, struct failure *failure)
{
    enum log_level level = LOG_LEVEL_INFO;
    /* Before the first thread. Left alone, malloc gives nearly every worker a heap of its own, and each keeps
     * what its busiest moment needed. */
    mallopt(M_ARENA_MAX, MALLOC_ARENAS);
    if (rand_init() != OK)
        return failure_set(failure, "the random generator did not start");
    (void)log_level_from_name(str_from_c(conf->log_level), &level); /* conf_load checked it */
    log_init(STDERR_FILENO, level);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    xmlInitParser();
    /* Memory holds keys and claims: no core file of it. */
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    if (conf->clock_offset_file != NULL)
        return clock_follow_offset_file(conf->clock_offset_file, failure);
    return OK;
}

static int run(struct house *house)
{
    struct failure failure = {""};
    /* Every thread that is started from here inherits the mask, so that signals reach keep_house only. */
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    if (init_process(conf_of(house), &failure) != OK || build_house(house, &failure) != OK) {
        log_error("start_failed", LOG_C("cause", failure.text));
        close_house(house);
        return cli_fail("%s", failure.text);
    }
    log_info("started", LOG_C("version", SLUIS_VERSION), LOG_C("node", conf_of(house)->node),
             LOG_BOOL("development", conf_of(house)->is_development));
    keep_house(house, &signals);
    log_info("stopping");
    if (!drain_house(house)) {
        /* A handler that was cut off may still use what the house is made of, so nothing is taken down; what
         * was acknowledged is on disk. */
        log_warning("stopped", LOG_BOOL("clean", false));
        _exit(CLI_OK);
    }
    close_house(house);
    log_info("stopped", LOG_BOOL("clean", true));
    return CLI_OK;
}

int cli_serve(int argc, char **argv)
{
    struct house house = {.conf_path = CLI_DEFAULT_CONFIG};
    struct failure failure = {""};
    const struct cli_option options[] = {CLI_CONFIG_OPTION(house.conf_path)};
    const struct cli_usage usage = {
        .command = "sluis serve",
        .arguments = "",
        .summary =
            "Opens the listeners and serves until SIGTERM or SIGINT, which let requests in flight finish (30 "
            "seconds at most). SIGHUP reloads configuration, certificates, added keys and log files without "
            "dropping a "
            "request. The process log goes to standard error, one JSON object per line.",
        .options = options,
        .option_count = sizeof options / sizeof *options,
    };
    char **arguments;
    int count, status = cli_parse(&usage, argc, argv, &arguments, &count);
    if (status != CLI_GO_ON)
        return status;
    if (conf_load(house.conf_path, &house.confs[0], &failure) != OK)
        return cli_fail("%s", failure.text);
    house.conf_count = 1;
    return run(&house);
}
