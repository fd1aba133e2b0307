/*
 * The process log: one JSON object per line, to standard error by default. Any thread; a line is one
 * write(2).
 *
 *     log_info("list_loaded", LOG_STR("list", name), LOG_INT("volgnummer", number));
 *
 * The event name is a stable identifier in snake case; what varies goes into fields. A field made with
 * LOG_SENSITIVE is rendered as "[redacted]" whatever it holds: codes, tokens, BSNs, secrets and claim values
 * never reach a log.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/str.h"

#include <stdint.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR };

enum log_kind { LOG_KIND_END, LOG_KIND_STR, LOG_KIND_INT, LOG_KIND_BOOL, LOG_KIND_SENSITIVE };

struct log_field {
    enum log_kind kind;
    const char *name;
    struct str text;
    int64_t number;
};

#define LOG_STR(name, value) ((struct log_field){LOG_KIND_STR, (name), (value), 0})
#define LOG_C(name, value) ((struct log_field){LOG_KIND_STR, (name), str_from_c(value), 0})
#define LOG_INT(name, value) ((struct log_field){LOG_KIND_INT, (name), STR_NONE, (value)})
#define LOG_BOOL(name, value) ((struct log_field){LOG_KIND_BOOL, (name), STR_NONE, (value) ? 1 : 0})
#define LOG_SENSITIVE(name) ((struct log_field){LOG_KIND_SENSITIVE, (name), STR_NONE, 0})
#define LOG_END ((struct log_field){LOG_KIND_END, NULL, STR_NONE, 0})

/* Before the first thread starts. `fd` stays the caller's; lines below `minimum` are dropped. */
void log_init(int fd, enum log_level minimum);
bool log_level_from_name(struct str name, enum log_level *out_level); /* debug, info, warning, error */
void log_write(enum log_level level, const char *event, const struct log_field *fields);

#define log_debug(event, ...)                                                                                \
    log_write(LOG_LEVEL_DEBUG, (event), (struct log_field[]){__VA_ARGS__ __VA_OPT__(, ) LOG_END})
#define log_info(event, ...)                                                                                 \
    log_write(LOG_LEVEL_INFO, (event), (struct log_field[]){__VA_ARGS__ __VA_OPT__(, ) LOG_END})
#define log_warning(event, ...)                                                                              \
    log_write(LOG_LEVEL_WARNING, (event), (struct log_field[]){__VA_ARGS__ __VA_OPT__(, ) LOG_END})
#define log_error(event, ...)                                                                                \
    log_write(LOG_LEVEL_ERROR, (event), (struct log_field[]){__VA_ARGS__ __VA_OPT__(, ) LOG_END})

/* Renders the line without its newline; shared with the event log outlets and the tests. */
struct buf;
void log_render_fields(struct buf *buf, const struct log_field *fields);

#endif
