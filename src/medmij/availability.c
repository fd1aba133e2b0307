#include "medmij/availability.h"

#include "base/bsn.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "http/client.h"
#include "jose/claims.h"
#include "medmij/availability_answer.h"
#include "medmij/circuit.h"

#include <stdlib.h>
#include <time.h>

#define CONNECT_TIMEOUT_MS 2000
#define REQUEST_MAX 4096
#define URL_MAX 2048

static const char *const mode_names[] = {
    [AVAILABILITY_ALWAYS] = "always",
    [AVAILABILITY_WEBHOOK] = "webhook",
    [AVAILABILITY_FHIR] = "fhir",
};

enum outcome availability_mode_from_name(struct str name, enum availability_mode *out_mode)
{
    for (size_t i = 0; i < sizeof mode_names / sizeof *mode_names; i++) {
        if (str_equal_c(name, mode_names[i])) {
            *out_mode = (enum availability_mode)i;
            return OK;
        }
    }
    return ABSENT;
}

struct availability_checker {
    struct circuits *circuits;
};

struct availability_checker *availability_new(const struct availability_settings *settings)
{
    struct availability_checker *checker = calloc(1, sizeof *checker);
    if (checker == NULL)
        abort();
    checker->circuits = circuits_new(settings->failures_to_open, settings->cool_down_ms);
    return checker;
}

void availability_free(struct availability_checker **checker)
{
    if (checker == NULL || *checker == NULL)
        return;
    circuits_free(&(*checker)->circuits);
    free(*checker);
    *checker = NULL;
}

/* ---- the question on the wire; the body is the only place where the BSN goes ---- */

static struct str webhook_body(struct arena *arena, const struct availability_question *question)
{
    struct buf body = buf_new(arena, REQUEST_MAX);
    buf_append_c(&body, "{\"provider\":");
    buf_append_json_string(&body, question->provider);
    buf_append_c(&body, ",\"function\":");
    buf_append_json_string(&body, str_from_c(medmij_function_name(question->function)));
    buf_append_c(&body, ",\"services\":[");
    for (size_t i = 0; i < question->service_count; i++) {
        if (i > 0)
            buf_append_char(&body, ',');
        buf_append_json_string(&body, question->services[i]);
    }
    buf_append_c(&body, "],\"bsn\":");
    buf_append_json_string(&body, question->bsn);
    buf_append_char(&body, '}');
    return body.overflowed ? STR_NONE : buf_str(&body);
}

static struct str fhir_body(struct arena *arena, const struct availability_question *question)
{
    struct buf body = buf_new(arena, REQUEST_MAX);
    buf_append_c(&body, "identifier=");
    buf_append_url_component(&body, STR(BSN_SYSTEM "|"));
    buf_append_url_component(&body, question->bsn);
    return buf_str(&body);
}

static const char *fhir_url(struct arena *arena, const char *base)
{
    struct str text = str_from_c(base);
    while (str_ends_with(text, STR("/")))
        text = str_slice(text, 0, text.length - 1);
    return arena_printf(arena, "%.*s/Patient/_search", STR_ARG(text));
}

/* The host and port of a URL, for the log; a path may hold a secret. */
static struct str authority_of(const char *url)
{
    struct str text = str_from_c(url);
    size_t start = str_find(text, ':') + sizeof "://" - 1;
    text = str_slice(text, start, text.length);
    return str_slice(text, 0, str_find(text, '/'));
}

static bool has_json_type(const char *content_type)
{
    struct str type = str_from_c(content_type);
    type = str_trim(str_slice(type, 0, str_find(type, ';')));
    return str_equal_ignoring_case(type, STR("application/json")) ||
           str_equal_ignoring_case(type, STR("application/fhir+json"));
}

static enum outcome post(struct arena *arena, const struct availability_source *source, const char *url,
                         const char *content_type, const char *accept, struct str body, struct str *out_body,
                         struct failure *failure)
{
    const char *headers[4] = {arena_printf(arena, "Content-Type: %s", content_type),
                              arena_printf(arena, "Accept: %s", accept)};
    size_t count = 2;
    if (source->secret.length > 0) {
        if (!str_is_printable_ascii(source->secret))
            return failure_set(failure, "the endpoint's secret cannot be sent in a header");
        headers[count++] = arena_printf(arena, "Authorization: Bearer %.*s", STR_ARG(source->secret));
    }
    /* A FHIR server must refuse a search it does not understand instead of returning everybody. */
    if (source->mode == AVAILABILITY_FHIR)
        headers[count++] = "Prefer: handling=strict";
    int64_t timeout = source->timeout_ms > 0 ? source->timeout_ms : AVAILABILITY_TIMEOUT_MS;
    if (timeout > AVAILABILITY_TIMEOUT_MAX_MS)
        timeout = AVAILABILITY_TIMEOUT_MAX_MS;
    struct http_call call = {
        .method = "POST",
        .url = url,
        .headers = headers,
        .header_count = count,
        .body = body,
        .ca_file = source->ca_file,
        .client_certificate_file = source->client_certificate_file,
        .client_key_file = source->client_key_file,
        .connect_timeout_ms = (long)(timeout < CONNECT_TIMEOUT_MS ? timeout : CONNECT_TIMEOUT_MS),
        .total_timeout_ms = (long)timeout,
        .body_max = JSON_BYTES_MAX,
        .is_http_allowed = source->is_http_allowed,
        .is_private_allowed = true, /* the operator named the address; it is usually in the same house */
    };
    struct http_answer answer;
    if (http_client_call(arena, &call, &answer, failure) != HTTP_CALL_OK)
        return FAILED;
    if (answer.status != 200)
        return failure_set(failure, "answered with status %d", answer.status);
    if (!has_json_type(answer.content_type))
        return failure_set(failure, "answered with something else than JSON");
    *out_body = answer.body;
    return OK;
}

static struct day today_here(void)
{
    time_t now = (time_t)clock_now();
    struct tm parts;
    localtime_r(&now, &parts);
    return (struct day){parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday};
}

/* OK when the endpoint kept the contract, whatever the verdict. */
static enum outcome ask(struct arena *arena, const struct availability_source *source,
                        const struct availability_question *question, struct availability_answer *answer,
                        struct failure *failure)
{
    struct str request, reply;
    if (source->mode == AVAILABILITY_FHIR) {
        if (post(arena, source, fhir_url(arena, source->url), "application/x-www-form-urlencoded",
                 "application/fhir+json", fhir_body(arena, question), &reply, failure) != OK)
            return FAILED;
        return availability_read_bundle(reply, question, today_here(), answer, failure);
    }
    request = webhook_body(arena, question);
    if (request.length == 0)
        return failure_set(failure, "the question is larger than %d bytes", REQUEST_MAX);
    if (post(arena, source, source->url, "application/json", "application/json", request, &reply, failure) !=
        OK)
        return FAILED;
    return availability_read_webhook(reply, question, answer, failure);
}

static void log_change(enum circuit_change change, const char *url)
{
    switch (change) {
    case CIRCUIT_UNCHANGED:
        break;
    case CIRCUIT_OPENED:
        log_warning("availability_circuit_opened", LOG_STR("endpoint", authority_of(url)));
        break;
    case CIRCUIT_CLOSED:
        log_info("availability_circuit_closed", LOG_STR("endpoint", authority_of(url)));
        break;
    }
}

static enum outcome check_question(const struct availability_source *source,
                                   const struct availability_question *question, struct failure *failure)
{
    if (question->service_count == 0 || question->service_count > SCOPE_SERVICES_MAX)
        return failure_set(failure, "availability: no service, or too many, to ask for");
    if (!bsn_is_valid(question->bsn))
        return failure_set(failure, "availability: the person's number is not valid");
    if (question->minimum_age < 0 || question->minimum_age > 150)
        return failure_set(failure, "availability: the minimum age makes no sense");
    if (source->mode != AVAILABILITY_ALWAYS &&
        (source->url == NULL || source->url[0] == '\0' || strlen(source->url) > URL_MAX))
        return failure_set(failure, "availability: no endpoint configured");
    return OK;
}

enum availability_verdict availability_check(struct availability_checker *checker, struct arena *arena,
                                             const struct availability_source *source,
                                             const struct availability_question *question,
                                             struct availability_answer *out_answer, struct failure *failure)
{
    memset(out_answer, 0, sizeof *out_answer);
    if (check_question(source, question, failure) != OK)
        return AVAILABILITY_UNKNOWN;
    if (source->mode == AVAILABILITY_ALWAYS) {
        availability_answer_all(question, AVAILABILITY_AVAILABLE, REASON_NONE, out_answer);
        return out_answer->verdict;
    }
    struct str endpoint = str_from_c(source->url);
    if (!circuits_enter(checker->circuits, endpoint, clock_monotonic_ms())) {
        struct str authority = authority_of(source->url);
        (void)failure_set(failure, "availability: %.*s failed too often and is left alone for a while",
                          STR_ARG(authority));
        return AVAILABILITY_UNKNOWN;
    }
    enum outcome outcome = ask(arena, source, question, out_answer, failure);
    log_change(circuits_leave(checker->circuits, endpoint, outcome == OK, clock_monotonic_ms()), source->url);
    if (outcome != OK)
        availability_answer_all(question, AVAILABILITY_UNKNOWN, REASON_NONE, out_answer);
    if (out_answer->verdict == AVAILABILITY_UNKNOWN)
        (void)failure_prefix(failure, "availability: %s", mode_names[source->mode]);
    return out_answer->verdict;
}
