#include "sso/landing_report.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "jose/claims.h"
#include "sso/internal_answer.h"
#include "sso/professional.h"
#include "sso/redaction.h"
#include "sso/sso_error.h"
#include "sso/trail.h"
#include "store/session.h"

#include <stdlib.h>

#define RESULT_MEMBER "patient_result"

/* ---- the entry ---- */

static int warning_of(enum landing_report_result result)
{
    switch (result) {
    case REPORT_FOUND:
        return 0;
    case REPORT_UNKNOWN:
        return 806;
    case REPORT_FORBIDDEN:
        return 807;
    }
    return 0;
}

static const char *word_of(enum landing_report_result result)
{
    switch (result) {
    case REPORT_FOUND:
        return "gevonden";
    case REPORT_UNKNOWN:
        return "onbekend";
    case REPORT_FORBIDDEN:
        return "onvoldoende rechten";
    }
    return "";
}

/* The data of a step (borrowed); NULL when it is not there. */
static json_t *data_of(const json_t *steps, int number)
{
    size_t index;
    json_t *step;
    json_array_foreach(steps, index, step)
    {
        if (json_integer_value(json_object_get(step, "n")) == number)
            return json_object_get(step, "data");
    }
    return NULL;
}

/* A login has one code, its first warning, and any number of warnings (4.0). */
static void add_warning(struct exchange_entry *entry, json_t *result, int code)
{
    const char *title = sso_error_find(code)->title;
    json_t *warnings = json_object_get(result, "warnings");
    if (warnings == NULL) {
        warnings = json_array();
        json_object_set_new(result, "warnings", warnings);
    }
    json_array_append_new(warnings, json_sprintf("%d %s", code, title));
    entry->result = STR("geslaagd met waarschuwing");
    json_object_set_new(result, "result", json_text(entry->result));
    if (entry->code != 0)
        return;
    entry->code = code;
    json_object_set_new(result, "code", json_integer(code));
    json_object_set_new(result, "title", json_string(title));
}

enum outcome landing_report_apply(struct arena *arena, const struct landing_report *report,
                                  struct exchange_entry *entry)
{
    json_t *steps = json_loadb(entry->steps.data ? entry->steps.data : "", entry->steps.length, 0, NULL);
    json_t *landing = data_of(steps, TRAIL_LANDING), *result = data_of(steps, TRAIL_RESULT);
    enum outcome outcome = FAILED;
    if (landing == NULL || result == NULL)
        goto done;
    outcome = ABSENT;
    if (json_object_get(landing, RESULT_MEMBER) != NULL)
        goto done;
    json_object_set_new(landing, RESULT_MEMBER, json_string(word_of(report->result)));
    if (report->patient.length > 0)
        json_object_set_new(landing, "patient_id",
                            json_text(redact_error_description(arena, report->patient)));
    int code = warning_of(report->result);
    if (code != 0)
        add_warning(entry, result, code);
    char *dumped = json_dumps(steps, JSON_COMPACT);
    entry->steps = str_copy(arena, str_from_c(dumped));
    free(dumped);
    outcome = OK;
done:
    json_decref(steps);
    return outcome;
}

/* ---- the endpoint ---- */

static bool read_report(const struct form *form, struct str *out_reference, struct landing_report *out_report)
{
    static const struct {
        struct str word;
        enum landing_report_result result;
    } words[] = {
        {{"found", 5}, REPORT_FOUND}, {{"unknown", 7}, REPORT_UNKNOWN}, {{"forbidden", 9}, REPORT_FORBIDDEN}};
    struct landing_report report = {0};
    struct str result;
    if (form_get(form, "reference", out_reference) != FORM_ONE ||
        form_get(form, "result", &result) != FORM_ONE)
        return false;
    switch (form_get(form, "patient", &report.patient)) {
    case FORM_ONE:
        if (report.patient.length > PATIENT_ID_MAX || !str_is_printable_ascii(report.patient))
            return false;
        break;
    case FORM_MISSING:
        report.patient = STR_NONE;
        break;
    case FORM_REPEATED:
    case FORM_MALFORMED:
        return false;
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!str_equal(words[i].word, result))
            continue;
        report.result = words[i].result;
        if (report.result != REPORT_FORBIDDEN)
            report.patient = STR_NONE;
        *out_report = report;
        return true;
    }
    return false;
}

static void amend(struct professional *door, struct arena *arena, const struct landing_report *report,
                  struct str log_reference, struct http_response *response)
{
    struct exchange_entry entry;
    if (exchange_log_find(door->store, SCOPE_ALL, log_reference, arena, &entry) != OK ||
        entry.ended_at_ms == 0 || entry.steps.length == 0) {
        internal_answer_error(response, 503, "temporarily_unavailable");
        return;
    }
    struct str old_steps = entry.steps;
    enum outcome outcome = landing_report_apply(arena, report, &entry);
    if (outcome == OK)
        outcome = exchange_log_amend(door->store, &entry, old_steps);
    switch (outcome) {
    case OK:
        log_info("sso_landing", LOG_STR("reference", log_reference),
                 LOG_INT("warning", warning_of(report->result)));
        http_response_json(response, 200, STR("{}"));
        return;
    case ABSENT:
        internal_answer_error(response, 409, "already_reported");
        return;
    case FAILED:
        internal_answer_error(response, 503, "temporarily_unavailable");
        return;
    }
}

void landing_report_handle(void *context, const struct http_request *request, struct http_response *response)
{
    struct professional *door = context;
    struct form form;
    struct str reference;
    struct landing_report report;
    struct session session;
    if (!internal_read_form(request, response, &form))
        return;
    if (!read_report(&form, &reference, &report)) {
        internal_answer_error(response, 400, "invalid_request");
        return;
    }
    enum outcome outcome = session_find_by_patient(door->store, codec_sha256(request->arena, reference),
                                                   clock_now(), request->arena, &session);
    switch (outcome) {
    case OK:
        amend(door, request->arena, &report, session.log_reference, response);
        return;
    case ABSENT:
    case FAILED:
        internal_answer_refusal(response, outcome);
        return;
    }
}
