#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"

#include <inttypes.h>
#include <unistd.h>

#define LINE_CAP 16384

static int log_fd = STDERR_FILENO;
static enum log_level log_minimum = LOG_LEVEL_INFO;

static const char *const level_names[] = {
    [LOG_LEVEL_DEBUG] = "debug",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_WARNING] = "warning",
    [LOG_LEVEL_ERROR] = "error",
};

void log_init(int fd, enum log_level minimum)
{
    log_fd = fd;
    log_minimum = minimum;
}

bool log_level_from_name(struct str name, enum log_level *out_level)
{
    for (size_t i = 0; i < sizeof level_names / sizeof *level_names; i++) {
        if (str_equal_c(name, level_names[i])) {
            *out_level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

void log_render_fields(struct buf *buf, const struct log_field *fields)
{
    for (const struct log_field *field = fields; field->kind != LOG_KIND_END; field++) {
        if (buf->length > 0 && buf->data[buf->length - 1] != '{')
            buf_append_char(buf, ',');
        buf_append_json_string(buf, str_from_c(field->name));
        buf_append_char(buf, ':');
        switch (field->kind) {
        case LOG_KIND_STR:
            buf_append_json_string(buf, field->text);
            break;
        case LOG_KIND_INT:
            buf_printf(buf, "%" PRId64, field->number);
            break;
        case LOG_KIND_BOOL:
            buf_append_c(buf, field->number ? "true" : "false");
            break;
        case LOG_KIND_SENSITIVE:
            buf_append_c(buf, "\"[redacted]\"");
            break;
        case LOG_KIND_END:
            break;
        }
    }
}

void log_write(enum log_level level, const char *event, const struct log_field *fields)
{
    if (level < log_minimum)
        return;
    struct arena *arena = arena_new();
    struct buf line = buf_new(arena, LINE_CAP);
    char now[CLOCK_TEXT_SIZE];
    clock_format_ms(clock_now_ms(), now);
    buf_append_char(&line, '{');
    log_render_fields(&line, (struct log_field[]){LOG_C("time", now), LOG_C("level", level_names[level]),
                                                  LOG_C("event", event), LOG_END});
    log_render_fields(&line, fields);
    if (line.overflowed) {
        line = buf_new(arena, LINE_CAP);
        buf_append_char(&line, '{');
        log_render_fields(&line,
                          (struct log_field[]){LOG_C("time", now), LOG_C("level", level_names[level]),
                                               LOG_C("event", event), LOG_BOOL("truncated", true), LOG_END});
    }
    buf_append_c(&line, "}\n");
    ssize_t written = write(log_fd, line.data, line.length);
    (void)written; /* a log that cannot be written must not stop a login */
    arena_free(&arena);
}
