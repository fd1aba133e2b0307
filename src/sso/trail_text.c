#include "sso/trail_text.h"

#include "base/clock.h"
#include "sso/sso_error.h"
#include "sso/trail.h"
#include "sso/trail_findings.h"

#include <inttypes.h>
#include <jansson.h>

static void render_value(struct buf *buf, const json_t *value)
{
    if (json_is_string(value)) {
        /* Text of outside reaches a terminal here: control characters do not. */
        const char *text = json_string_value(value);
        for (size_t i = 0; i < json_string_length(value); i++)
            buf_append_char(buf, (unsigned char)text[i] < 0x20 || text[i] == 0x7F ? '?' : text[i]);
    } else if (json_is_integer(value)) {
        buf_printf(buf, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    } else if (json_is_real(value)) {
        buf_printf(buf, "%.17g", json_real_value(value));
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

/* An empty text or list says nothing that its absence does not. */
static bool is_empty(const json_t *value)
{
    return (json_is_string(value) && json_string_length(value) == 0) ||
           (json_is_array(value) && json_array_size(value) == 0);
}

static void render_members(struct buf *buf, const json_t *object, const char *separator)
{
    const char *name;
    json_t *value;
    bool is_first = true;
    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        if (json_is_object(value) || is_empty(value))
            continue; /* an object has a line of its own */
        if (!is_first)
            buf_append_c(buf, separator);
        buf_printf(buf, "%s=", name);
        render_value(buf, value);
        is_first = false;
    }
}

/* The checks that were made, and those of them that failed by name. */
static void render_lines(struct buf *buf, const json_t *lines)
{
    size_t index, kept = 0;
    json_t *line;
    if (!json_is_array(lines))
        return;
    json_array_foreach(lines, index, line)
    {
        kept += json_is_true(json_object_get(line, "ok"));
    }
    buf_printf(buf, ", %zu van %zu controles goed", kept, json_array_size(lines));
    json_array_foreach(lines, index, line)
    {
        if (!json_is_true(json_object_get(line, "ok")))
            buf_printf(buf, ", %s fout", json_string_value(json_object_get(line, "k")));
    }
}

static const char indent[] = "                                        ";

/* What has no value leaves the blanks before it. */
static void end_line(struct buf *buf)
{
    while (buf->length > 0 && buf->data[buf->length - 1] == ' ')
        buf->length--;
    buf_append_char(buf, '\n');
}

/* The parts of a step: 5.1, 5.2 and so on, and what was wrong. */
static void render_parts(struct buf *buf, const json_t *data)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)data, name, value)
    {
        if (!json_is_object(value))
            continue;
        end_line(buf);
        buf_printf(buf, "%s%s  ", indent, name);
        render_members(buf, value, ", ");
    }
}

/* "1201 gekoppeld aan Zorg Oost", or the id alone (numbers 7 and 6). */
static void render_id(struct buf *buf, const json_t *id)
{
    if (!json_is_object(id)) {
        render_value(buf, id);
        return;
    }
    const json_t *group = json_object_get(id, "group");
    render_value(buf, json_object_get(id, "id"));
    buf_append_char(buf, ' ');
    render_value(buf, json_object_get(id, "state"));
    if (group != NULL) {
        buf_append_c(buf, " aan ");
        render_value(buf, group);
    }
}

static void render_step(struct buf *buf, const json_t *step)
{
    int number = (int)json_integer_value(json_object_get(step, "n"));
    bool is_reached = !json_is_false(json_object_get(step, "reached"));
    const char *mark = json_is_true(json_object_get(step, "ok")) ? "v" : "x";
    buf_printf(buf, "%2d  %-34s%s  ", number, trail_step_label(number),
               is_reached ? mark : "-  niet bereikt");
    render_members(buf, json_object_get(step, "data"), ", ");
    render_lines(buf, json_object_get(step, "lines"));
    render_parts(buf, json_object_get(step, "data"));
    json_t *ids = json_object_get(step, "ids"), *id;
    size_t line;
    json_array_foreach(ids, line, id)
    {
        end_line(buf);
        buf_append_c(buf, indent);
        render_id(buf, id);
    }
    end_line(buf);
}

/* The steps with this number (LOG-2: there may be several), and whether there were any. */
static bool render_number(struct buf *buf, const json_t *steps, int number)
{
    bool is_there = false;
    size_t index;
    json_t *step;
    json_array_foreach(steps, index, step)
    {
        if (json_integer_value(json_object_get(step, "n")) != number)
            continue;
        render_step(buf, step);
        is_there = true;
    }
    return is_there;
}

static void render_steps(struct buf *buf, const json_t *steps)
{
    bool is_logout = false;
    for (int number = TRAIL_LOGOUT_STARTED; number <= TRAIL_LOGOUT_MESSAGE; number++)
        is_logout = render_number(buf, steps, number) || is_logout;
    if (is_logout) {
        render_number(buf, steps, TRAIL_RESULT);
        return;
    }
    for (int number = TRAIL_START; number <= TRAIL_RESULT; number++)
        if (!render_number(buf, steps, number))
            buf_printf(buf, "%2d  %-34s-  niet bereikt\n", number, trail_step_label(number));
}

static char cause_of(const struct exchange_entry *entry)
{
    return entry->cause.length == 1 ? entry->cause.data[0] : '\0';
}

/* "701 Geen beveiligingsgroepen gevonden - 3 locaties ontvangen, geen enkele gekoppeld (1 nieuw toegevoegd)"
 */
static void render_error(struct arena *arena, struct buf *buf, const struct exchange_entry *entry,
                         const json_t *steps)
{
    struct trail_findings findings = trail_findings(arena, steps);
    char cause = cause_of(entry);
    const char *text = sso_cause_text(arena, (int)entry->code, cause, findings.claim_path, findings.received,
                                      findings.added);
    buf_printf(buf, "%" PRId64 " %s", entry->code, sso_error_find((int)entry->code)->title);
    if (text != NULL)
        buf_printf(buf, " - %s", text);
    else if (cause != '\0')
        buf_printf(buf, ", oorzaak %c", cause);
    buf_append_char(buf, '\n');
}

void trail_text_write(struct arena *arena, struct buf *buf, const struct exchange_entry *entry)
{
    char started[CLOCK_TEXT_SIZE];
    clock_format_ms(entry->started_at_ms, started);
    buf_printf(buf, "%.*s  %s  %.*s (%.*s)\n", STR_ARG(entry->reference), started, STR_ARG(entry->slug),
               STR_ARG(entry->environment));
    json_t *steps = json_loadb(entry->steps.data ? entry->steps.data : "", entry->steps.length, 0, NULL);
    if (entry->code != 0)
        render_error(arena, buf, entry, steps);
    render_steps(buf, steps);
    json_decref(steps);
    const char *advice = entry->code != 0 ? sso_advice((int)entry->code, cause_of(entry)) : NULL;
    if (advice != NULL)
        buf_printf(buf, "%s\n", advice);
}
