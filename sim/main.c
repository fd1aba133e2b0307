/*
 * sluis-sim: options, one listener, the choice of a part by host, orderly stop.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"
#include "http/client.h"
#include "http/server.h"
#include "page.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PORT_DEFAULT 8090
#define SMTP_PORT_DEFAULT 2525
#define PORT_OFFSET_MAX 50000
#define WORKERS 32
#define ASSET_BYTES_MAX ((size_t)64 * 1024)
#define DRAIN_SECONDS 5
#define PART_TABLES_MAX 4

static const struct sim_part *const parts[] = {&portal_part, &registry_part, &pgo_part, &digid_part,
                                               &fhir_part,   &epd_part,      &app_part, &mail_part};

/* ---- requests ---- */

static const struct sim_part *find_part(const struct http_request *request)
{
    struct str host = page_header(request, "Host");
    host = str_slice(host, 0, str_find(host, ':'));
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (str_equal_ignoring_case(host, str_from_c(parts[i]->host)))
            return parts[i];
    }
    return NULL;
}

static void not_found(void *door, const struct http_request *request, struct http_response *response)
{
    page_message(door, request, response, response->status ? response->status : 404, "Startpagina",
                 "Deze pagina bestaat niet", "Ga terug naar de startpagina van de simulator.");
}

static void answer_asset(struct http_response *response, const char *content_type, struct str body)
{
    response->status = 200;
    response->kind = RESPONSE_ASSET;
    response->content_type = content_type;
    response->body = body;
}

static void stylesheet_get(void *door, const struct http_request *request, struct http_response *response)
{
    (void)request;
    answer_asset(response, "text/css; charset=utf-8", ((const struct sim *)door)->stylesheet);
}

static void icon_get(void *door, const struct http_request *request, struct http_response *response)
{
    (void)request;
    answer_asset(response, "image/svg+xml", ((const struct sim *)door)->icon);
}

static void dispatch(void *door, const struct http_request *request, struct http_response *response)
{
    const struct sim_part *part = find_part(request);
    /* The registry is also there under plain localhost, where sluis.yaml of the demo looks for it. */
    if (part == &portal_part && str_starts_with(request->path, STR("/registry/")))
        part = &registry_part;
    if (!part) {
        response->status = 404;
        not_found(door, request, response);
        return;
    }
    struct route_table tables[PART_TABLES_MAX];
    size_t count = 0;
    for (const struct sim_part *more = part; more && count < PART_TABLES_MAX; more = more->more) {
        tables[count] =
            (struct route_table){more->routes, more->route_count, door, not_found, not_found, NULL};
        if (count > 0)
            tables[count - 1].next = &tables[count];
        count++;
    }
    const struct route *route;
    void *context;
    struct http_request inner = *request;
    const char *allow;
    switch (
        router_match(tables, request->method, request->path, &route, &context, &inner.path_tail, &allow)) {
    case ROUTE_FOUND:
        route->handler(context, &inner, response);
        return;
    case ROUTE_NO_PATH:
        response->status = 404;
        not_found(door, request, response);
        return;
    case ROUTE_NO_METHOD:
        response->status = 405;
        http_response_header(response, "Allow", allow);
        not_found(door, request, response);
        return;
    }
}

/* What makes network calls runs on workers; everything else answers at once, so that a PGO that waits for
 * Sluis can never keep Sluis waiting for the identity provider, the registry or the availability check. */
static const struct route listener_routes[] = {
    {HTTP_GET, "/sim.css", stylesheet_get, ROUTE_PLAIN},
    {HTTP_GET, "/sim.svg", icon_get, ROUTE_PLAIN},
    {HTTP_GET, "/callback", dispatch, ROUTE_BLOCKING},
    {HTTP_POST, "/refresh", dispatch, ROUTE_BLOCKING},
    {HTTP_POST, "/fetch", dispatch, ROUTE_BLOCKING},
    {HTTP_POST, "/revoke", dispatch, ROUTE_BLOCKING},
    {HTTP_GET, "/fhir/*", dispatch, ROUTE_BLOCKING},
    {HTTP_POST, "/fhir/*", dispatch, ROUTE_BLOCKING},
    {HTTP_POST, "/subscription/*", dispatch, ROUTE_BLOCKING},
    {HTTP_GET, "/sso", dispatch, ROUTE_BLOCKING},
    {HTTP_POST, "/uitlogbericht", dispatch, ROUTE_BLOCKING},
    {HTTP_POST, "/cas/oidc/oidcAccessToken", dispatch, ROUTE_BLOCKING},
    {HTTP_GET, "*", dispatch, ROUTE_PLAIN},
    {HTTP_POST, "*", dispatch, ROUTE_PLAIN},
};

/* ---- start and stop ---- */

static void print_help(FILE *out)
{
    fputs("usage: sluis-sim [options]\n"
          "Simulates what surrounds Sluis: MedMij registry, PGO, identity provider, resource server,\n"
          "health record, target application and mailbox.\n"
          "\n"
          "  --port-offset N     add N to every port (default 0)\n"
          "  --address A         address to listen on (default 127.0.0.1)\n"
          "  --home DIR          directory with templates/ and static/ (default sim)\n"
          "  --certificates DIR  directory with ca.crt, pgo.crt, pgo.key, back.crt and back.key\n"
          "                      (default var/demo/certs)\n"
          "  --state FILE        keep the PGO's connections in FILE between runs\n"
          "  --front-url URL     of Sluis (default http://localhost:8080 plus offset)\n"
          "  --acceptance-url URL  of its acceptance environment (default http://acceptance.localhost:8080\n"
          "                      plus offset)\n"
          "  --back-url URL      of Sluis (default https://localhost:8443 plus offset)\n"
          "  --internal-url URL  of Sluis (default http://localhost:9090 plus offset)\n"
          "  --clock-offset FILE follow the clock offset in FILE (tests)\n"
          "  --help              this text\n",
          out);
}

struct command {
    struct sim_settings settings;
    const char *clock_offset;
    bool is_help;
};

static enum outcome read_number(const char *text, unsigned maximum, unsigned *out_number)
{
    int64_t number;
    if (str_to_int64(str_from_c(text), &number) != OK || number < 0 || number > (int64_t)maximum)
        return FAILED;
    *out_number = (unsigned)number;
    return OK;
}

/* What was not told stands where a demo with the same offset has it. */
static void fill_in(struct arena *arena, unsigned offset, struct sim_settings *settings)
{
    settings->port = PORT_DEFAULT + offset;
    settings->smtp_port = SMTP_PORT_DEFAULT + offset;
    if (!settings->front_url)
        settings->front_url = arena_printf(arena, "http://localhost:%u", 8080 + offset);
    if (!settings->acceptance_url)
        settings->acceptance_url = arena_printf(arena, "http://acceptance.localhost:%u", 8080 + offset);
    if (!settings->back_url)
        settings->back_url = arena_printf(arena, "https://localhost:%u", 8443 + offset);
    if (!settings->internal_url)
        settings->internal_url = arena_printf(arena, "http://localhost:%u", 9090 + offset);
}

static enum outcome read_command(int argc, char **argv, struct arena *arena, struct command *out)
{
    enum { ADDRESS, HOME, CERTIFICATES, STATE, FRONT, ACCEPTANCE, BACK, INTERNAL, CLOCK, OFFSET, HELP };
    static const struct option options[] = {
        {"port-offset", required_argument, NULL, OFFSET},
        {"address", required_argument, NULL, ADDRESS},
        {"home", required_argument, NULL, HOME},
        {"certificates", required_argument, NULL, CERTIFICATES},
        {"state", required_argument, NULL, STATE},
        {"front-url", required_argument, NULL, FRONT},
        {"acceptance-url", required_argument, NULL, ACCEPTANCE},
        {"back-url", required_argument, NULL, BACK},
        {"internal-url", required_argument, NULL, INTERNAL},
        {"clock-offset", required_argument, NULL, CLOCK},
        {"help", no_argument, NULL, HELP},
        {NULL, 0, NULL, 0},
    };
    struct sim_settings *settings = &out->settings;
    const char **const texts[] = {
        [ADDRESS] = &settings->address,
        [HOME] = &settings->home,
        [CERTIFICATES] = &settings->certificates,
        [STATE] = &settings->state_file,
        [FRONT] = &settings->front_url,
        [ACCEPTANCE] = &settings->acceptance_url,
        [BACK] = &settings->back_url,
        [INTERNAL] = &settings->internal_url,
        [CLOCK] = &out->clock_offset,
    };
    unsigned offset = 0;
    *out = (struct command){
        .settings = {.address = "127.0.0.1", .home = "sim", .certificates = "var/demo/certs"},
    };
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == HELP) {
            out->is_help = true;
            return OK;
        }
        if (option >= ADDRESS && option <= CLOCK) {
            *texts[option] = optarg;
        } else if (option != OFFSET) {
            print_help(stderr);
            return FAILED;
        } else if (read_number(optarg, PORT_OFFSET_MAX, &offset) != OK) {
            fprintf(stderr, "sluis-sim: --port-offset takes a number of 0 to %d\n", PORT_OFFSET_MAX);
            return FAILED;
        }
    }
    if (optind != argc) {
        print_help(stderr);
        return FAILED;
    }
    fill_in(arena, offset, settings);
    return OK;
}

static enum outcome read_asset(const char *home, const char *name, struct arena *arena, struct str *out_text,
                               struct failure *failure)
{
    const char *path = arena_printf(arena, "%s/static/%s", home, name);
    FILE *file = fopen(path, "re");
    if (!file)
        return failure_set(failure, "%s: %s", path, strerror(errno));
    char *text = arena_alloc(arena, ASSET_BYTES_MAX);
    size_t length = fread(text, 1, ASSET_BYTES_MAX, file);
    bool is_whole = !ferror(file) && length < ASSET_BYTES_MAX;
    fclose(file);
    if (!is_whole)
        return failure_set(failure, "%s: cannot be read, or too large", path);
    *out_text = str_of(text, length);
    return OK;
}

static enum outcome sim_open(struct sim *sim, struct arena *arena, struct failure *failure)
{
    sim->started_at = clock_now();
    const char *home = sim->settings.home;
    if (read_asset(home, "sim.css", arena, &sim->stylesheet, failure) != OK ||
        read_asset(home, "sim.svg", arena, &sim->icon, failure) != OK)
        return FAILED;
    const char *templates = arena_printf(arena, "%s/templates", home);
    if (template_set_load(&templates, 1, &sim->templates, failure) != OK)
        return FAILED;
    if (digid_new(&sim->digid, failure) != OK)
        return FAILED;
    if (epd_new(&sim->epd, failure) != OK || app_new(&sim->app, failure) != OK ||
        mailbox_new(&sim->settings, &sim->mailbox, failure) != OK)
        return FAILED;
    return pgo_new(sim->settings.state_file, &sim->pgo, failure);
}

static void sim_close(struct sim *sim)
{
    pgo_free(&sim->pgo);
    mailbox_free(&sim->mailbox);
    app_free(&sim->app);
    epd_free(&sim->epd);
    digid_free(&sim->digid);
    template_set_free(&sim->templates);
}

/* Serves until SIGINT or SIGTERM, which `signals` holds back from every thread. */
static enum outcome serve(struct sim *sim, struct arena *arena, const sigset_t *signals,
                          struct failure *failure)
{
    const struct route_table table = {listener_routes, sizeof listener_routes / sizeof listener_routes[0],
                                      sim, not_found, not_found};
    const struct http_listener_settings listener = {
        .name = "sim",
        .address = arena_printf(arena, "%s:%u", sim->settings.address, sim->settings.port),
        .body_max = 64 * 1024,
        .target_max = 16 * 1024,
        .connection_max = 1024,
        .idle_timeout_s = 30,
    };
    struct http_workers *workers = NULL;
    struct http_server *server = NULL;
    if (http_workers_start(WORKERS, &workers, failure) != OK)
        return FAILED;
    enum outcome outcome = http_server_start(&listener, &table, workers, &server, failure);
    if (outcome == OK) {
        log_info("sim_started", LOG_C("address", listener.address));
        int signal_number;
        sigwait(signals, &signal_number);
        log_info("sim_stopping", LOG_INT("signal", signal_number));
        http_server_drain(&server, DRAIN_SECONDS);
    }
    http_workers_stop(&workers);
    return outcome;
}

int main(int argc, char **argv)
{
    struct arena *arena = arena_new();
    struct command command;
    struct sim sim = {0};
    struct failure failure = {0};
    int status = 1;

    if (read_command(argc, argv, arena, &command) != OK) {
        status = 2;
        goto out;
    }
    if (command.is_help) {
        print_help(stdout);
        status = 0;
        goto out;
    }
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);

    log_init(STDERR_FILENO, LOG_LEVEL_INFO);
    sim.settings = command.settings;
    if (rand_init() != OK)
        failure_set(&failure, "no randomness");
    else if (command.clock_offset && clock_follow_offset_file(command.clock_offset, &failure) != OK)
        failure_prefix(&failure, "--clock-offset");
    else if (sim_open(&sim, arena, &failure) == OK && serve(&sim, arena, &signals, &failure) == OK)
        status = 0;
    if (status != 0)
        fprintf(stderr, "sluis-sim: %s\n", failure.text);
out:
    sim_close(&sim);
    arena_free(&arena);
    return status;
}
