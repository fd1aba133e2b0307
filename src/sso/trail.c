#include "sso/trail.h"

#include "base/buf.h"
#include "base/clock.h"
#include "jose/claims.h"
#include "sso/sso_error.h"

#include <inttypes.h>

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
    json_decref(trail->lines);
    trail->steps = trail->lines = NULL;
}

/* `step` is stolen. */
static void add_step(struct trail *trail, int number, bool is_failed, json_t *step)
{
    json_array_append_new(trail->steps, step);
    trail->reached |= UINT32_C(1) << number;
    if (is_failed)
        trail->failed |= UINT32_C(1) << number;
    trail->entry.steps = STR_NONE;
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
    if (trail->lines != NULL)
        json_object_set_new(step, "lines", trail->lines);
    trail->lines = NULL;
    if (ids != NULL)
        json_object_set_new(step, "ids", ids);
    add_step(trail, (int)number, !is_ok, step);
    trail->step_started_at_ms = now;
}

void trail_step(struct trail *trail, enum trail_step_number number, bool is_ok, json_t *data)
{
    trail_step_ids(trail, number, is_ok, data, NULL);
}

void trail_line(struct trail *trail, const char *key, bool is_ok)
{
    if (trail->lines == NULL)
        trail->lines = json_array();
    json_array_append_new(trail->lines, json_pack("{s:s, s:b}", "k", key, "ok", is_ok));
}

/* ---- warnings and notes ---- */

static void remark(struct trail *trail, int code, bool is_note)
{
    for (size_t i = 0; i < trail->remark_count; i++)
        if (trail->remarks[i].code == code)
            return;
    if (code == 0 || trail->remark_count == TRAIL_REMARKS_MAX)
        return;
    trail->remarks[trail->remark_count].code = code;
    trail->remarks[trail->remark_count].is_note = is_note;
    trail->remark_count++;
}

void trail_warn(struct trail *trail, int code)
{
    remark(trail, code, false);
}

void trail_note(struct trail *trail, int code)
{
    remark(trail, code, true);
}

int trail_warning(const struct trail *trail)
{
    for (size_t i = 0; i < trail->remark_count; i++)
        if (!trail->remarks[i].is_note)
            return trail->remarks[i].code;
    return 0;
}

/* "808 Onbekende viewparameter (waarschuwing)"; NULL when there are none. */
static json_t *remark_texts(const struct trail *trail, bool is_note)
{
    json_t *texts = NULL;
    for (size_t i = 0; i < trail->remark_count; i++) {
        if (trail->remarks[i].is_note != is_note)
            continue;
        if (texts == NULL)
            texts = json_array();
        int code = trail->remarks[i].code;
        json_array_append_new(texts, json_sprintf("%d %s", code, sso_error_find(code)->title));
    }
    return texts;
}

/* ---- the end ---- */

static bool has_step(const struct trail *trail, int number)
{
    return (trail->reached >> number & 1) != 0;
}

/* An entry of steps 21 to 23, which has none of a login's. */
static bool is_of_logout(const struct trail *trail)
{
    return has_step(trail, TRAIL_LOGOUT_STARTED) || has_step(trail, TRAIL_LOGOUT_PROVIDER) ||
           has_step(trail, TRAIL_LOGOUT_MESSAGE);
}

/* LOG-2: the step that failed, which may not have been written yet. */
static int failed_step(struct trail *trail)
{
    int last = 0;
    for (int number = TRAIL_START; number < TRAIL_RESULT; number++) {
        if ((trail->failed >> number & 1) != 0)
            return number;
        if (has_step(trail, number))
            last = number;
    }
    int number = last + 1 < TRAIL_RESULT ? last + 1 : TRAIL_SESSION;
    trail_step(trail, (enum trail_step_number)number, false, NULL);
    return number;
}

/* LOG-2, LOG-4. */
static void mark_unreached(struct trail *trail, int code)
{
    int failed = failed_step(trail);
    for (int number = TRAIL_START; number < TRAIL_RESULT; number++) {
        if (has_step(trail, number))
            continue;
        json_t *step =
            json_pack("{s:i, s:s, s:b}", "n", number, "label", trail_step_label(number), "reached", false);
        if (number == TRAIL_LOCATIONS)
            json_object_set_new(
                step, "data",
                json_pack("{s:o}", "reason",
                          json_sprintf("geen locaties gelezen: gestopt bij stap %d (%d)", failed, code)));
        add_step(trail, number, false, step);
    }
}

void trail_tell(struct trail *trail, const char *name, json_t *value)
{
    json_t *last = json_array_get(trail->steps, json_array_size(trail->steps) - 1);
    json_object_set_new(json_object_get(last, "data"), name, value);
    trail->entry.steps = STR_NONE;
}

void trail_end(struct trail *trail, int64_t now_ms, const char *result, int code, char cause,
               const char *user_text_key, int status)
{
    char cause_text[2] = {cause, '\0'};
    json_t *data = json_object(), *warnings = remark_texts(trail, false), *notes = remark_texts(trail, true);
    /* 105 may be either. */
    bool is_failed = code != 0 && !sso_error_find(code)->is_warning && code != trail_warning(trail);
    if (is_failed && !is_of_logout(trail))
        mark_unreached(trail, code);
    json_object_set_new(data, "result", json_string(result));
    if (code != 0) {
        json_object_set_new(data, "code", json_integer(code));
        json_object_set_new(data, "title", json_string(sso_error_find(code)->title));
    }
    if (cause != 0)
        json_object_set_new(data, "cause", json_string(cause_text));
    if (user_text_key != NULL)
        json_object_set_new(data, "user_text", json_string(user_text_key));
    if (warnings != NULL)
        json_object_set_new(data, "warnings", warnings);
    if (notes != NULL)
        json_object_set_new(data, "notes", notes);
    json_object_set_new(data, "http", json_integer(status));
    json_object_set_new(data, "total_ms", json_integer(now_ms - trail->entry.started_at_ms));
    trail_step(trail, TRAIL_RESULT, !is_failed, data);
    trail->entry.ended_at_ms = now_ms;
    trail->entry.result = str_from_c(arena_strdup(trail->arena, result));
    trail->entry.code = code;
    trail->entry.cause = cause != 0 ? str_from_c(arena_strdup(trail->arena, cause_text)) : STR_NONE;
}

/* "[...]" of both requests, which is written once however often it is asked for. */
static struct str steps_text(struct trail *trail)
{
    struct str text = json_print(trail->arena, json_incref(trail->steps));
    if (text.length == 0)
        text = STR("[]");
    if (trail->earlier.length == 0)
        return text;
    if (json_array_size(trail->steps) == 0)
        return trail->earlier;
    struct buf whole = buf_new(trail->arena, trail->earlier.length + text.length);
    buf_append(&whole, str_slice(trail->earlier, 0, trail->earlier.length - 1));
    buf_append_char(&whole, ',');
    buf_append(&whole, str_slice(text, 1, text.length));
    return buf_str(&whole);
}

const struct exchange_entry *trail_entry(struct trail *trail)
{
    if (trail->entry.steps.length == 0)
        trail->entry.steps = steps_text(trail);
    return &trail->entry;
}

/* ---- between the two requests ---- */

/* What is known, on a line of its own, and the steps. Their text is not made a string in JSON again: all of
 * it would have to be escaped here and read back there, at every login. */
struct str trail_pack(struct trail *trail)
{
    const struct exchange_entry *entry = trail_entry(trail);
    const struct {
        const char *name;
        struct str value;
    } texts[] = {
        {"reference", entry->reference},   {"connection", entry->connection},   {"slug", entry->slug},
        {"customer", entry->customer_key}, {"environment", entry->environment}, {"user_id", entry->user_id},
        {"user_name", entry->user_name}};
    json_t *known = json_object(), *warnings = json_array();
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i].value.length > 0)
            json_object_set_new(known, texts[i].name, json_text(texts[i].value));
    json_object_set_new(known, "started", json_integer(entry->started_at_ms));
    json_object_set_new(known, "reached", json_integer(trail->reached));
    json_object_set_new(known, "failed", json_integer(trail->failed));
    for (size_t i = 0; i < trail->remark_count; i++)
        json_array_append_new(warnings, json_integer(trail->remarks[i].code));
    json_object_set_new(known, "warnings", warnings);
    struct str line = json_print(trail->arena, known);
    struct buf packed = buf_new(trail->arena, line.length + 1 + entry->steps.length);
    buf_append(&packed, line);
    buf_append_char(&packed, '\n');
    buf_append(&packed, entry->steps);
    return buf_str(&packed);
}

static struct str member(struct arena *arena, const json_t *object, const char *name)
{
    struct str value;
    return claim_text(object, name, &value) == OK ? str_copy(arena, value) : STR_NONE;
}

static uint32_t bits(const json_t *object, const char *name)
{
    return (uint32_t)json_integer_value(json_object_get(object, name));
}

/* The steps are what trail_pack wrote: they came back sealed. */
enum outcome trail_unpack(struct trail *trail, struct arena *arena, struct str packed)
{
    json_t *known;
    struct str line, steps = packed;
    if (!str_split_next(&steps, '\n', &line) || !str_starts_with(steps, STR("[")) ||
        !str_ends_with(steps, STR("]")) || json_parse_object(line, &known, NULL) != OK)
        return FAILED;
    *trail = (struct trail){
        .arena = arena,
        .earlier = steps.length > 2 ? str_copy(arena, steps) : STR_NONE,
        .steps = json_array(),
        .reached = bits(known, "reached"),
        .failed = bits(known, "failed"),
        .step_started_at_ms = clock_monotonic_ms(),
    };
    trail->entry.reference = member(arena, known, "reference");
    trail->entry.connection = member(arena, known, "connection");
    trail->entry.slug = member(arena, known, "slug");
    trail->entry.customer_key = member(arena, known, "customer");
    trail->entry.environment = member(arena, known, "environment");
    trail->entry.user_id = member(arena, known, "user_id");
    trail->entry.user_name = member(arena, known, "user_name");
    trail->entry.started_at_ms = json_integer_value(json_object_get(known, "started"));
    size_t index;
    json_t *code;
    json_array_foreach(json_object_get(known, "warnings"), index, code)
    {
        trail_warn(trail, (int)json_integer_value(code));
    }
    json_decref(known);
    return OK;
}
