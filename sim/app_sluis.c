#include "app_sluis.h"

#include "base/buf.h"
#include "base/log.h"
#include "http/client.h"
#include "jose/claims.h"

#include <time.h>

#define CALL_TIMEOUT_MS 10000
#define ANSWER_BYTES_MAX ((size_t)256 * 1024)
#define BODY_BYTES_MAX ((size_t)4096)
#define REPORT_TRIES 50
#define REPORT_PAUSE_NS 200000000L

static void append_field(struct buf *body, const char *name, struct str value)
{
    buf_printf(body, "%s%s=", body->length > 0 ? "&" : "", name);
    buf_append_url_component(body, value);
}

/* The HTTP status; 0 when there was no answer. */
static int post(const struct sim *sim, struct arena *arena, const char *path, struct str body,
                struct str *out_answer)
{
    struct failure failure = {0};
    struct http_answer answer;
    const char *const headers[] = {"Content-Type: application/x-www-form-urlencoded",
                                   "Accept: application/json"};
    const struct http_call call = {
        .method = "POST",
        .url = arena_printf(arena, "%s%s", sim->settings.internal_url, path),
        .headers = headers,
        .header_count = sizeof headers / sizeof headers[0],
        .body = body,
        .connect_timeout_ms = CALL_TIMEOUT_MS,
        .total_timeout_ms = CALL_TIMEOUT_MS,
        .body_max = ANSWER_BYTES_MAX,
        .is_http_allowed = true,
        .is_private_allowed = true,
    };
    *out_answer = STR_NONE;
    if (http_client_call(arena, &call, &answer, &failure) != HTTP_CALL_OK) {
        log_warning("sluis_not_reached", LOG_C("path", path), LOG_C("cause", failure.text));
        return 0;
    }
    if (answer.status != 200)
        log_warning("sluis_refused", LOG_C("path", path), LOG_INT("status", answer.status));
    *out_answer = answer.body;
    return answer.status;
}

static json_t *parsed(struct str text)
{
    struct failure failure;
    json_t *json = NULL;
    return json_parse_object(text, &json, &failure) == OK ? json : NULL;
}

json_t *app_exchange_code(const struct sim *sim, struct arena *arena, struct str code)
{
    struct buf body = buf_new(arena, BODY_BYTES_MAX);
    struct str answer;
    append_field(&body, "code", code);
    json_t *session = NULL;
    if (post(sim, arena, "/sso/handover", buf_str(&body), &answer) == 200)
        session = parsed(answer);
    if (session)
        json_object_set_new(session, "via", json_string("code"));
    return session;
}

enum outcome app_ask_patient(const struct sim *sim, struct arena *arena, struct str reference,
                             struct str user, json_t **out_patient)
{
    struct buf body = buf_new(arena, BODY_BYTES_MAX);
    struct str answer;
    append_field(&body, "reference", reference);
    append_field(&body, "user", user);
    int status = body.overflowed ? 400 : post(sim, arena, "/sso/patient", buf_str(&body), &answer);
    *out_patient = status == 200 ? parsed(answer) : NULL;
    if (*out_patient != NULL)
        return OK;
    return status == 400 ? ABSENT : FAILED;
}

void app_report_landing(const struct sim *sim, struct arena *arena, struct str reference, const char *result,
                        const char *patient)
{
    struct buf body = buf_new(arena, BODY_BYTES_MAX);
    struct str answer;
    append_field(&body, "reference", reference);
    append_field(&body, "result", str_from_c(result));
    if (patient != NULL)
        append_field(&body, "patient", str_from_c(patient));
    /* 503 while the entry of the login is on its way to the log. */
    for (int i = 0; i < REPORT_TRIES && post(sim, arena, "/sso/landing", buf_str(&body), &answer) == 503; i++)
        nanosleep(&(struct timespec){.tv_nsec = REPORT_PAUSE_NS}, NULL);
}
