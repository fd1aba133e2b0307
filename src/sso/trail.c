#include "sso/trail.h"

#include "base/buf.h"
#include "base/clock.h"
#include "sso/sso_error.h"

#include <inttypes.h>
#include <stdlib.h>

static const struct {
    int number;
    const char *label;
} labels[] = {
    {TRAIL_START, "Startverzoek"},
    {TRAIL_CONNECTION, "Koppelvlak"},
    {TRAIL_REQUEST, "Authenticatieverzoek"},
    {TRAIL_RESPONSE, "Antwoord van identity provider"},
    {TRAIL_TOKENS, "Tokens en controle"},
    {TRAIL_LOCATIONS, "Locaties (autorisatiecodes)"},
    {TRAIL_MAPPING, "Koppelvlaktabel"},
    {TRAIL_PERMISSIONS, "Beveiligingsgroepen en permissies"},
    {TRAIL_USER, "Gebruiker"},
    {TRAIL_LANDING, "Landing"},
    {TRAIL_SESSION, "Sessie"},
    {TRAIL_RESULT, "Resultaat"},
    {TRAIL_LOGOUT_STARTED, "Uitloggen gestart"},
    {TRAIL_LOGOUT_PROVIDER, "Uitloggen bij identity provider"},
    {TRAIL_LOGOUT_MESSAGE, "Logoutbericht ontvangen"},
};

const char *trail_step_label(int number)
{
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
        if (labels[i].number == number)
            return labels[i].label;
    return "Stap";
}

void trail_begin(struct trail *trail, struct arena *arena, int64_t now_ms, struct str reference)
{
    *trail =
        (struct trail){.arena = arena, .steps = json_array(), .step_started_at_ms = clock_monotonic_ms()};
    trail->entry.reference = reference;
    trail->entry.started_at_ms = now_ms;
}

void trail_free(struct trail *trail)
{
    json_decref(trail->steps);
    trail->steps = NULL;
}

void trail_step_ids(struct trail *trail, enum trail_step_number number, bool is_ok, json_t *data, json_t *ids)
{
    int64_t now = clock_monotonic_ms();
    json_t *step = json_object();
    json_object_set_new(step, "n", json_integer(number));
    json_object_set_new(step, "label", json_string(trail_step_label((int)number)));
    json_object_set_new(step, "ok", json_boolean(is_ok));
    json_object_set_new(step, "ms", json_integer(now - trail->step_started_at_ms));
    if (data != NULL)
        json_object_set_new(step, "data", data);
    if (ids != NULL)
        json_object_set_new(step, "ids", ids);
    json_array_append_new(trail->steps, step);
    trail->step_started_at_ms = now;
}

void trail_step(struct trail *trail, enum trail_step_number number, bool is_ok, json_t *data)
{
    trail_step_ids(trail, number, is_ok, data, NULL);
}

void trail_end(struct trail *trail, int64_t now_ms, const char *result, int code, char cause,
               const char *user_text_key, int status)
{
    char cause_text[2] = {cause, '\0'};
    json_t *data = json_object();
    json_object_set_new(data, "result", json_string(result));
    if (code != 0) {
        json_object_set_new(data, "code", json_integer(code));
        json_object_set_new(data, "title", json_string(sso_error_find(code)->title));
    }
    if (cause != 0)
        json_object_set_new(data, "cause", json_string(cause_text));
    if (user_text_key != NULL)
        json_object_set_new(data, "user_text", json_string(user_text_key));
    json_object_set_new(data, "http", json_integer(status));
    json_object_set_new(data, "total_ms", json_integer(now_ms - trail->entry.started_at_ms));
    trail_step(trail, TRAIL_RESULT, code == 0 || sso_error_find(code)->is_warning, data);
    trail->entry.ended_at_ms = now_ms;
    trail->entry.result = str_from_c(arena_strdup(trail->arena, result));
    trail->entry.code = code;
    trail->entry.cause = cause != 0 ? str_from_c(arena_strdup(trail->arena, cause_text)) : STR_NONE;
}

static struct str dump(struct arena *arena, const json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);
    struct str copy = text ? str_copy(arena, str_from_c(text)) : STR("[]");
    free(text);
    return copy;
}

const struct exchange_entry *trail_entry(struct trail *trail)
{
    trail->entry.steps = dump(trail->arena, trail->steps);
    return &trail->entry;
}

/* ---- between the two requests ---- */

struct str trail_pack(struct trail *trail)
{
    json_t *packed = json_object();
    const struct exchange_entry *entry = &trail->entry;
    const struct {
        const char *name;
        struct str value;
    } texts[] = {{"reference", entry->reference},
                 {"connection", entry->connection},
                 {"slug", entry->slug},
                 {"customer", entry->customer_key},
                 {"environment", entry->environment}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        json_object_set_new(
            packed, texts[i].name,
            json_stringn(texts[i].value.data ? texts[i].value.data : "", texts[i].value.length));
    json_object_set_new(packed, "started", json_integer(entry->started_at_ms));
    json_object_set(packed, "steps", trail->steps);
    struct str text = dump(trail->arena, packed);
    json_decref(packed);
    return text;
}

static struct str member(struct arena *arena, const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return json_is_string(value)
               ? str_copy(arena, str_of(json_string_value(value), json_string_length(value)))
               : STR_NONE;
}

enum outcome trail_unpack(struct trail *trail, struct arena *arena, struct str packed)
{
    json_t *object = json_loadb(packed.data, packed.length, JSON_REJECT_DUPLICATES, NULL);
    json_t *steps = json_object_get(object, "steps");
    if (!json_is_array(steps)) {
        json_decref(object);
        return FAILED;
    }
    *trail = (struct trail){
        .arena = arena, .steps = json_incref(steps), .step_started_at_ms = clock_monotonic_ms()};
    trail->entry.reference = member(arena, object, "reference");
    trail->entry.connection = member(arena, object, "connection");
    trail->entry.slug = member(arena, object, "slug");
    trail->entry.customer_key = member(arena, object, "customer");
    trail->entry.environment = member(arena, object, "environment");
    trail->entry.started_at_ms = json_integer_value(json_object_get(object, "started"));
    json_decref(object);
    return OK;
}

/* ---- the detail view ---- */

static void render_value(struct buf *buf, const json_t *value)
{
    if (json_is_string(value)) {
        /* Text of outside reaches a terminal here: control characters do not. */
        const char *text = json_string_value(value);
        for (size_t i = 0; i < json_string_length(value); i++)
            buf_append_char(buf, (unsigned char)text[i] < 0x20 || text[i] == 0x7F ? '?' : text[i]);
    } else if (json_is_integer(value)) {
        buf_printf(buf, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    } else if (json_is_boolean(value)) {
        buf_append_c(buf, json_is_true(value) ? "ja" : "nee");
    } else if (json_is_array(value)) {
        size_t index;
        json_t *item;
        json_array_foreach(value, index, item)
        {
            if (index > 0)
                buf_append_c(buf, ", ");
            render_value(buf, item);
        }
    }
}

static void render_members(struct buf *buf, const json_t *object, const char *separator)
{
    const char *name;
    json_t *value;
    bool is_first = true;
    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        if (!is_first)
            buf_append_c(buf, separator);
        buf_printf(buf, "%s=", name);
        render_value(buf, value);
        is_first = false;
    }
}

static void render_step(struct buf *buf, const json_t *steps, int number)
{
    static const char *const indent = "                                        ";
    size_t index;
    json_t *step;
    json_array_foreach(steps, index, step)
    {
        if (json_integer_value(json_object_get(step, "n")) != number)
            continue;
        buf_printf(buf, "%2d  %-34s%s  ", number, trail_step_label(number),
                   json_is_true(json_object_get(step, "ok")) ? "v" : "x");
        render_members(buf, json_object_get(step, "data"), ", ");
        json_t *ids = json_object_get(step, "ids"), *id;
        size_t line;
        json_array_foreach(ids, line, id)
        {
            buf_printf(buf, "\n%s", indent);
            if (json_is_object(id))
                render_members(buf, id, ", ");
            else
                render_value(buf, id);
        }
        buf_append_char(buf, '\n');
        return;
    }
    buf_printf(buf, "%2d  %-34s-  niet bereikt\n", number, trail_step_label(number));
}

void trail_render(struct buf *buf, const struct exchange_entry *entry)
{
    char started[CLOCK_TEXT_SIZE];
    clock_format_ms(entry->started_at_ms, started);
    buf_printf(buf, "%.*s  %s  %.*s (%.*s)\n", STR_ARG(entry->reference), started, STR_ARG(entry->slug),
               STR_ARG(entry->environment));
    if (entry->code != 0)
        buf_printf(buf, "%" PRId64 " %s%s%.*s\n", entry->code, sso_error_find((int)entry->code)->title,
                   entry->cause.length > 0 ? ", oorzaak " : "", STR_ARG(entry->cause));
    json_t *steps = json_loadb(entry->steps.data ? entry->steps.data : "", entry->steps.length, 0, NULL);
    for (int number = TRAIL_START; number <= TRAIL_RESULT; number++)
        render_step(buf, steps, number);
    json_decref(steps);
    const char *advice = entry->code != 0 ? sso_advice((int)entry->code) : NULL;
    if (advice != NULL)
        buf_printf(buf, "Advies: %s\n", advice);
}
