#include "sso/login_fact.h"

#include "jose/claims.h"
#include "sso/redaction.h"
#include "sso/sso_error.h"

#define TEXT_SHOWN_MAX 256
#define LIST_SHOWN_MAX 20
#define DRIFT_WARNING 912

void fact_put(json_t *object, const char *name, struct str value)
{
    if (value.length > 0)
        json_object_set_new(object, name, json_text(value));
}

void fact_put_c(json_t *object, const char *name, const char *value)
{
    fact_put(object, name, str_from_c(value));
}

void fact_put_int(json_t *object, const char *name, int64_t value)
{
    json_object_set_new(object, name, json_integer(value));
}

void fact_put_bool(json_t *object, const char *name, bool value)
{
    json_object_set_new(object, name, json_boolean(value));
}

void fact_put_url(struct arena *arena, json_t *object, const char *name, const char *url)
{
    if (url != NULL)
        fact_put(object, name, redact_url(arena, str_from_c(url)));
}

json_t *fact_text(struct str text)
{
    return text.length <= TEXT_SHOWN_MAX && str_is_printable_utf8(text) ? json_text(text)
                                                                        : json_string("(onleesbaar)");
}

/* A value out of a token whose name is on the allow-list; of the wrong kind of value only the kind is told.
 */
json_t *fact_value(const json_t *value)
{
    size_t index;
    json_t *item;
    switch (json_typeof(value)) {
    case JSON_STRING:
        return fact_text(str_of(json_string_value(value), json_string_length(value)));
    case JSON_INTEGER:
    case JSON_REAL:
    case JSON_TRUE:
    case JSON_FALSE:
        return json_copy((json_t *)(uintptr_t)value);
    case JSON_NULL:
        return json_string("(null)");
    case JSON_OBJECT:
        return json_string("(object)");
    case JSON_ARRAY:
        break;
    }
    json_t *list = json_array();
    json_array_foreach(value, index, item)
    {
        if (index < LIST_SHOWN_MAX)
            json_array_append_new(list, json_is_array(item) ? json_string("(array)") : fact_value(item));
    }
    return list;
}

void fact_put_member(json_t *object, const char *name, const json_t *source)
{
    const json_t *value = json_object_get(source, name);
    if (value != NULL)
        json_object_set_new(object, name, fact_value(value));
}

json_t *fact_names(struct arena *arena, const struct idp_names *names)
{
    json_t *list = json_array();
    for (size_t i = 0; i < names->count; i++)
        json_array_append_new(list, json_text(redact_parameter_name(arena, names->items[i])));
    return list;
}

json_t *fact_key_ids(const struct idp_report *report)
{
    json_t *list = json_array();
    for (size_t i = 0; i < report->key_ids.count && i < LIST_SHOWN_MAX; i++)
        json_array_append_new(list, fact_text(report->key_ids.items[i]));
    return list;
}

void fact_put_digest(struct arena *arena, json_t *object, const char *name, const json_t *source,
                     const char *member)
{
    struct str value;
    if (claim_text(source, member, &value) == OK)
        fact_put(object, name, redact_digest(arena, value));
}

void fact_put_drift(json_t *object, const struct idp_report *report)
{
    int64_t drift;
    if (!idp_report_drift(report, &drift))
        return;
    fact_put_int(object, "clock_drift_s", drift);
    if (idp_is_drift_large(drift))
        json_object_set_new(object, "warning",
                            json_sprintf("%d %s", DRIFT_WARNING, sso_error_find(DRIFT_WARNING)->title));
}

/* ---- calls and documents ---- */

/* Host and time, and the status or how far it came. */
void fact_put_call(json_t *object, const struct idp_call *call)
{
    if (!call->is_made)
        return;
    fact_put_c(object, "host", call->host);
    fact_put_int(object, "ms", call->ms);
    if (call->status != 0) {
        fact_put_int(object, "status", call->status);
        return;
    }
    fact_put_c(object, "phase", http_phase_name(call->trouble.phase));
    fact_put_bool(object, "timeout", call->trouble.is_timeout);
    if (!call->trouble.is_certificate_refused)
        return;
    fact_put_c(object, "certificate_subject", call->trouble.subject);
    fact_put_c(object, "certificate_issuer", call->trouble.issuer);
    fact_put_c(object, "certificate_not_after", call->trouble.not_after);
}

void fact_put_answer(json_t *object, const struct idp_call *call)
{
    fact_put_call(object, call);
    fact_put_c(object, "content_type", call->content_type);
    fact_put_int(object, "size", (int64_t)call->size);
}
