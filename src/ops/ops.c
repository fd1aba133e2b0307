#include "ops/ops.h"

#include "base/buf.h"
#include "base/clock.h"

#include <inttypes.h>

#define METRICS_CAP ((size_t)65536)

static void handle_health(void *context, const struct http_request *request, struct http_response *response)
{
    (void)context;
    (void)request;
    http_response_text(response, 200, "ok\n");
}

static void handle_ready(void *context, const struct http_request *request, struct http_response *response)
{
    struct ops *ops = context;
    struct buf missing = buf_new(request->arena, 1024);
    if (store_ping(ops->store) != OK)
        buf_append_c(&missing, "store: no answer\n");
    for (int kind = 0; kind < LIST_KINDS; kind++) {
        struct list_status status;
        lists_status(ops->lists, (enum list_kind)kind, &status);
        if (!status.is_loaded || !status.is_fresh)
            buf_printf(&missing, "%s: %s\n", list_kind_name((enum list_kind)kind),
                       status.is_loaded ? "too old" : "not loaded");
    }
    if (missing.length > 0)
        http_response_text(response, 503, buf_c(&missing));
    else
        http_response_text(response, 200, "ready\n");
}

static void render_store(const struct ops *ops, struct buf *buf)
{
    struct store_counters counters;
    store_read_counters(ops->store, &counters);
    const struct {
        const char *name;
        const char *help;
        uint64_t value;
    } rows[] = {
        {"sluis_store_reads", "Store verbs that only read.", counters.reads},
        {"sluis_store_writes", "Store verbs that write.", counters.writes},
        {"sluis_store_failures", "Store verbs that failed.", counters.failures},
        {"sluis_store_retries", "Store verbs run again after a serialization failure.", counters.retries},
        {"sluis_store_batches", "Group commits; writes per batch is how well they merge.", counters.batches},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        buf_printf(buf, "# TYPE %s counter\n# HELP %s %s\n%s_total %" PRIu64 "\n", rows[i].name, rows[i].name,
                   rows[i].help, rows[i].name, rows[i].value);
}

static void render_data(const struct ops *ops, struct buf *buf)
{
    buf_append_c(buf,
                 "# TYPE sluis_business_data_behind_seconds gauge\n# HELP "
                 "sluis_business_data_behind_seconds How long what was imported could not be taken up; 0 "
                 "= in use.\n");
    for (size_t i = 0; i < OPS_DATA; i++)
        buf_printf(buf, "sluis_business_data_behind_seconds{data=\"%s\"} %" PRId64 "\n",
                   cached_name(ops->data[i]), cached_behind_s(ops->data[i]));
}

static void render_lists(const struct ops *ops, struct buf *buf)
{
    struct list_status status[LIST_KINDS];
    for (int kind = 0; kind < LIST_KINDS; kind++)
        lists_status(ops->lists, (enum list_kind)kind, &status[kind]);
    int64_t now = clock_now();
    buf_append_c(
        buf, "# TYPE sluis_list_age_seconds gauge\n# HELP sluis_list_age_seconds Time since a list was last "
             "fetched; absent when never.\n");
    for (int kind = 0; kind < LIST_KINDS; kind++)
        if (status[kind].is_loaded)
            buf_printf(buf, "sluis_list_age_seconds{list=\"%s\"} %" PRId64 "\n",
                       list_kind_name((enum list_kind)kind), now - status[kind].fetched_at);
    buf_append_c(
        buf, "# TYPE sluis_list_failures gauge\n# HELP sluis_list_failures Failed fetches in a row; 3 is an "
             "alarm.\n");
    for (int kind = 0; kind < LIST_KINDS; kind++)
        buf_printf(buf, "sluis_list_failures{list=\"%s\"} %u\n", list_kind_name((enum list_kind)kind),
                   status[kind].failures_in_a_row);
}

static void render_sso(const struct ops *ops, struct buf *buf)
{
    static const char *const endings[STORE_SESSION_EVENTS] = {
        [STORE_SESSION_REPLACED] = "replaced",
        [STORE_SESSION_LOGGED_OUT] = "logged_out",
        [STORE_SESSION_EXPIRED] = "expired",
    };
    struct log_writer_counters log;
    struct store_counters store;
    log_writer_read_counters(ops->log_writer, &log);
    store_read_counters(ops->store, &store);
    tally_render(ops->tally, buf);
    buf_printf(buf,
               "# TYPE sluis_sso_sessions_opened counter\n# HELP sluis_sso_sessions_opened Sessions of "
               "professionals.\nsluis_sso_sessions_opened_total %" PRIu64 "\n",
               store.sessions[STORE_SESSION_OPENED]);
    buf_append_c(buf,
                 "# TYPE sluis_sso_sessions_ended counter\n# HELP sluis_sso_sessions_ended Ended by this "
                 "process, by what ended them.\n");
    for (int event = STORE_SESSION_OPENED + 1; event < STORE_SESSION_EVENTS; event++)
        buf_printf(buf, "sluis_sso_sessions_ended_total{by=\"%s\"} %" PRIu64 "\n", endings[event],
                   store.sessions[event]);
    buf_printf(
        buf,
        "# TYPE sluis_sso_log_written counter\n# HELP sluis_sso_log_written Entries given to the numbered "
        "log that it has.\nsluis_sso_log_written_total %" PRIu64 "\n"
        "# TYPE sluis_sso_log_lost counter\n# HELP sluis_sso_log_lost Entries that are only a line in the "
        "process log; any is an alarm.\nsluis_sso_log_lost_total %" PRIu64 "\n"
        "# TYPE sluis_sso_log_queued gauge\n# HELP sluis_sso_log_queued Entries that wait; 4096 at "
        "most.\nsluis_sso_log_queued %" PRIu64 "\n",
        log.written, log.lost, log.queued_now);
}

static void render_servers(const struct ops *ops, struct buf *buf)
{
    struct http_server_counters counters[OPS_SERVERS_MAX];
    for (size_t i = 0; i < ops->server_count; i++)
        http_server_read_counters(ops->servers[i].server, &counters[i]);
    buf_append_c(
        buf,
        "# TYPE sluis_http_responses counter\n# HELP sluis_http_responses Answers by listener and class.\n");
    for (size_t i = 0; i < ops->server_count; i++)
        for (int class = 1; class <= 5; class ++)
            buf_printf(buf, "sluis_http_responses_total{listener=\"%s\",class=\"%dxx\"} %" PRIu64 "\n",
                       ops->servers[i].name, class, counters[i].responses_by_class[class]);
    buf_append_c(buf,
                 "# TYPE sluis_http_connections gauge\n# HELP sluis_http_connections Open connections.\n");
    for (size_t i = 0; i < ops->server_count; i++)
        buf_printf(buf, "sluis_http_connections{listener=\"%s\"} %" PRIu64 "\n", ops->servers[i].name,
                   counters[i].connections_now);
    if (ops->server_count > 0)
        buf_printf(buf,
                   "# TYPE sluis_workers_busy gauge\n# HELP sluis_workers_busy Worker threads at work.\n"
                   "sluis_workers_busy %" PRIu64 "\n",
                   counters[0].busy_workers_now);
}

static void handle_metrics(void *context, const struct http_request *request, struct http_response *response)
{
    struct ops *ops = context;
    struct buf buf = buf_new(request->arena, METRICS_CAP);
    buf_printf(&buf,
               "# TYPE sluis_build info\nsluis_build_info{version=\"%s\"} 1\n"
               "# TYPE sluis_start_time_seconds gauge\nsluis_start_time_seconds %" PRId64 "\n",
               SLUIS_VERSION, ops->started_at);
    events_metrics(ops->events, &buf);
    render_store(ops, &buf);
    render_data(ops, &buf);
    render_lists(ops, &buf);
    render_sso(ops, &buf);
    render_servers(ops, &buf);
    buf_append_c(&buf, "# EOF\n");
    response->status = buf.overflowed ? 500 : 200;
    response->kind = RESPONSE_DATA;
    response->content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    response->body = buf_str(&buf);
}

static void handle_not_found(void *context, const struct http_request *request,
                             struct http_response *response)
{
    (void)context;
    (void)request;
    http_response_text(response, response->status, "not found\n");
}

static const struct route routes[] = {
    {HTTP_GET, "/healthz", handle_health, ROUTE_PLAIN},
    {HTTP_GET, "/readyz", handle_ready, ROUTE_BLOCKING},
    {HTTP_GET, "/metrics", handle_metrics, ROUTE_PLAIN},
};

struct route_table ops_routes(struct ops *ops)
{
    return (struct route_table){routes, sizeof routes / sizeof *routes, ops, handle_not_found,
                                handle_not_found};
}
