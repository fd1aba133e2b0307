#include "medmij/events.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#define LINE_CAP 8192
#define GROUP_FIELDS_MAX 8

static const char *const event_names[EVENT_COUNT] = {
    [EVENT_RECEIVE_AUTHORIZATION_REQUEST] = "receive_authorization_request",
    [EVENT_SHOW_LANDING_PAGE] = "show_landing_page",
    [EVENT_AUTHORIZATION_REQUEST_ERROR] = "authorization_request_error",
    [EVENT_SHOW_AUTHORIZATION_REQUEST_ERROR_PAGE] = "show_authorization_request_error_page",
    [EVENT_SEND_AUTHORIZATION_REQUEST_ERROR] = "send_authorization_request_error",
    [EVENT_SEND_AUTHENTICATION_REQUEST] = "send_authentication_request",
    [EVENT_SEND_AUTHORIZATION_CANCELLATION] = "send_authorization_cancellation",
    [EVENT_RECEIVE_AUTHENTICATION_RESPONSE] = "receive_authentication_response",
    [EVENT_RECEIVE_AUTHORIZATION_CANCELLATION] = "receive_authorization_cancellation",
    [EVENT_RECEIVE_AUTHENTICATION_ERROR] = "receive_authentication_error",
    [EVENT_CHECK_AVAILABILITY] = "check_availability",
    [EVENT_SHOW_NO_DATA_PAGE] = "show_no_data_page",
    [EVENT_SHOW_CONSENT_PAGE] = "show_consent_page",
    [EVENT_RECEIVE_CONSENT] = "receive_consent",
    [EVENT_RECEIVE_REFUSAL] = "receive_refusal",
    [EVENT_SEND_AUTHORIZATION_RESPONSE] = "send_authorization_response",
    [EVENT_SHOW_TECHNICAL_FAILURE_PAGE] = "show_technical_failure_page",
    [EVENT_RECEIVE_TOKEN_REQUEST] = "receive_token_request",
    [EVENT_SEND_TOKEN_RESPONSE] = "send_token_response",
    [EVENT_SEND_TOKEN_ERROR] = "send_token_error",
    [EVENT_RECEIVE_REVOCATION_REQUEST] = "receive_revocation_request",
    [EVENT_SEND_REVOCATION_RESPONSE] = "send_revocation_response",
    [EVENT_SEND_REVOCATION_ERROR] = "send_revocation_error",
};

struct events {
    const char *path; /* the configuration's */
    char *location;
    atomic_int file; /* -1 = count only */
    atomic_uint_fast64_t counts[EVENT_COUNT];
};

static enum outcome open_file(const char *path, int *out_file, struct failure *failure)
{
    if (path == NULL || *path == '\0') {
        *out_file = -1;
        return OK;
    }
    if (strcmp(path, "-") == 0) {
        *out_file = STDOUT_FILENO;
        return OK;
    }
    *out_file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    if (*out_file < 0)
        return failure_set(failure, "%s: cannot open the MedMij event log: %s", path, strerror(errno));
    return OK;
}

enum outcome events_open(const char *path, const char *location, struct events **out_events,
                         struct failure *failure)
{
    int file;
    if (open_file(path, &file, failure) != OK)
        return FAILED;
    struct events *events = calloc(1, sizeof *events);
    if (events == NULL || (events->location = strdup(location)) == NULL)
        abort();
    events->path = path;
    events->file = file;
    *out_events = events;
    return OK;
}

void events_close(struct events **events)
{
    if (events == NULL || *events == NULL)
        return;
    if ((*events)->file > STDERR_FILENO)
        close((*events)->file);
    free((*events)->location);
    free(*events);
    *events = NULL;
}

enum outcome events_reopen(struct events *events, struct failure *failure)
{
    int file;
    if (open_file(events->path, &file, failure) != OK)
        return FAILED;
    if (events->file > STDERR_FILENO && file > STDERR_FILENO) {
        /* dup2 puts the new file under the old number in one step, so that a writer never meets a closed one.
         */
        if (dup2(file, events->file) < 0) {
            close(file);
            return failure_set(failure, "%s: cannot reopen the MedMij event log: %s", events->path,
                               strerror(errno));
        }
        close(file);
    }
    return OK;
}

static const char *method_name(enum http_method method)
{
    switch (method) {
    case HTTP_GET:
        return "GET";
    case HTTP_HEAD:
        return "HEAD";
    case HTTP_POST:
        return "POST";
    case HTTP_OTHER:
        break;
    }
    return "OTHER";
}

/* Adds `,"name":{` ... `}` with the fields that are not empty; nothing when all are. */
static void render_group(struct buf *line, const char *name, const struct log_field *fields)
{
    struct log_field present[GROUP_FIELDS_MAX + 1];
    size_t count = 0;
    for (const struct log_field *field = fields; field->kind != LOG_KIND_END && count < GROUP_FIELDS_MAX;
         field++)
        if (field->kind == LOG_KIND_INT ? field->number != 0 : field->text.length > 0)
            present[count++] = *field;
    if (count == 0)
        return;
    present[count] = LOG_END;
    buf_append_char(line, ',');
    buf_append_json_string(line, str_from_c(name));
    buf_append_c(line, ":{");
    log_render_fields(line, present);
    buf_append_char(line, '}');
}

void events_write(struct events *events, enum medmij_event event, const struct http_request *request,
                  const struct event_facts *facts)
{
    atomic_fetch_add_explicit(&events->counts[event], 1, memory_order_relaxed);
    int file = events->file;
    if (file < 0)
        return;
    struct buf line = buf_new(request->arena, LINE_CAP);
    char now[CLOCK_TEXT_SIZE];
    clock_format_ms(clock_now_ms(), now);
    buf_append_c(&line, "{\"event\":{");
    log_render_fields(&line, (struct log_field[]){LOG_C("type", event_names[event]),
                                                  LOG_C("location", events->location), LOG_C("datetime", now),
                                                  LOG_STR("session_id", facts->session_id),
                                                  LOG_STR("trace_id", facts->trace_id), LOG_END});
    buf_append_char(&line, '}');
    render_group(&line, "request",
                 (struct log_field[]){LOG_C("id", request->id), LOG_C("method", method_name(request->method)),
                                      LOG_STR("client_id", facts->client_id),
                                      LOG_C("server_id", events->location), LOG_STR("uri", request->path),
                                      LOG_STR("grant_type", facts->grant_type),
                                      LOG_STR("provider_id", facts->provider_id),
                                      LOG_STR("service_id", facts->service_id), LOG_END});
    render_group(&line, "response", (struct log_field[]){LOG_INT("status", facts->status), LOG_END});
    render_group(&line, "error",
                 (struct log_field[]){LOG_STR("code", facts->error_code),
                                      LOG_C("description", facts->error_description), LOG_END});
    buf_append_c(&line, "}\n");
    if (line.overflowed || write(file, line.data, line.length) != (ssize_t)line.length)
        log_error("event_log_write_failed", LOG_C("type", event_names[event]));
}

void events_metrics(const struct events *events, struct buf *buf)
{
    buf_append_c(
        buf, "# TYPE sluis_medmij_events counter\n# HELP sluis_medmij_events Events of the MedMij logging "
             "interface.\n");
    for (int i = 0; i < EVENT_COUNT; i++)
        buf_printf(buf, "sluis_medmij_events_total{type=\"%s\"} %" PRIuFAST64 "\n", event_names[i],
                   atomic_load_explicit(&events->counts[i], memory_order_relaxed));
}
