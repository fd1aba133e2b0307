#include "idp/report.h"

#include "base/buf.h"
#include "jose/claims.h"

#include <stdio.h>

#define NAMES_MAX 40
#define NAME_LENGTH_MAX 40
#define ERROR_CODE_MAX 64
#define DRIFT_WARNING_S 30

static void copy_printable(char *out_text, size_t size, struct str text)
{
    size_t length = text.length < size - 1 ? text.length : size - 1;
    for (size_t i = 0; i < length; i++)
        out_text[i] = text.data[i] >= 0x20 && text.data[i] < 0x7F ? text.data[i] : '?';
    out_text[length] = '\0';
}

void idp_call_note(struct idp_call *call, const struct http_answer *answer, int64_t now)
{
    call->is_made = true;
    call->status = answer->status;
    call->ms = answer->ms;
    call->size = answer->body.length;
    call->trouble = answer->trouble;
    copy_printable(call->host, sizeof call->host, str_from_c(answer->host));
    struct str type = str_from_c(answer->content_type);
    copy_printable(call->content_type, sizeof call->content_type,
                   str_trim(str_slice(type, 0, str_find(type, ';'))));
    if (answer->date == 0)
        return;
    call->has_drift = true;
    call->drift_s = answer->date - now;
}

const char *idp_origin_name(enum idp_origin origin)
{
    switch (origin) {
    case IDP_ORIGIN_NONE:
        return "none";
    case IDP_ORIGIN_CONFIGURED:
        return "configured";
    case IDP_ORIGIN_FETCHED:
        return "fetched";
    case IDP_ORIGIN_CACHED:
        return "cached";
    case IDP_ORIGIN_STALE:
        return "stale";
    }
    return "none";
}

void idp_report_free(struct idp_report *report)
{
    json_decref(report->header);
    json_decref(report->claims);
    *report = (struct idp_report){0};
}

bool idp_is_drift_large(int64_t seconds)
{
    return seconds > DRIFT_WARNING_S || seconds < -DRIFT_WARNING_S;
}

bool idp_report_drift(const struct idp_report *report, int64_t *out_seconds)
{
    const struct idp_call *const calls[] = {&report->userinfo, &report->token, &report->keys.call,
                                            &report->metadata.call};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (calls[i]->has_drift) {
            *out_seconds = calls[i]->drift_s;
            return true;
        }
    return false;
}

void report_rule(struct idp_report *report, int rule, bool is_kept)
{
    report->rules[rule] = is_kept ? IDP_RULE_KEPT : IDP_RULE_BROKEN;
}

bool report_is_name(struct str name)
{
    return name.length > 0 && name.length <= NAME_LENGTH_MAX && str_is_printable_ascii(name);
}

struct str report_error_code(struct str code)
{
    bool is_code = code.length > 0 && code.length <= ERROR_CODE_MAX;
    for (size_t i = 0; i < code.length && is_code; i++)
        is_code = (code.data[i] >= 'a' && code.data[i] <= 'z') || code.data[i] == '_';
    return is_code ? code : STR("(not a code)");
}

struct idp_names report_names(struct arena *arena, const json_t *object)
{
    struct idp_names names = {.items = arena_array_of(arena, NAMES_MAX, struct str)};
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        struct str text = str_from_c(name);
        if (names.count < NAMES_MAX)
            names.items[names.count++] = report_is_name(text) ? str_copy(arena, text) : STR("?");
    }
    return names;
}
