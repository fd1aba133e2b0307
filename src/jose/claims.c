#include "jose/claims.h"

#include <malloc.h>
#include <math.h>
#include <sodium.h>
#include <stdlib.h>

#define TIME_LIMIT INT64_C(9000000000000000) /* below 2^53: exact as a double, far from overflow */

static void wiping_free(void *memory)
{
    if (memory == NULL)
        return;
    sodium_memzero(memory, malloc_usable_size(memory));
    free(memory);
}

/* Before main, so that no thread is inside jansson while its allocator changes. */
__attribute__((constructor)) static void wipe_released_json(void)
{
    json_set_alloc_funcs(malloc, wiping_free);
}

/* jansson's own limit is 2048 levels of recursion and fixed at its build, so depth is measured before it. */
static bool is_too_deep(struct str text)
{
    int depth = 0;
    bool is_in_string = false;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i];
        if (is_in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                is_in_string = false;
        } else if (c == '"') {
            is_in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > JSON_DEPTH_MAX)
                return true;
        } else if (c == '}' || c == ']') {
            depth--;
        }
    }
    return false;
}

static enum outcome parse(struct str text, json_type type, const char *what, json_t **out_value,
                          struct failure *failure)
{
    if (text.length == 0)
        return failure_set(failure, "empty where %s was expected", what);
    if (text.length > JSON_BYTES_MAX)
        return failure_set(failure, "JSON of %zu bytes is over the limit of %zu", text.length,
                           JSON_BYTES_MAX);
    if (is_too_deep(text))
        return failure_set(failure, "JSON is nested deeper than %d", JSON_DEPTH_MAX);
    json_error_t error;
    json_t *value = json_loadb(text.data, text.length, JSON_REJECT_DUPLICATES, &error);
    /* Not error.text: it quotes the input. */
    if (value == NULL)
        return failure_set(failure, "not JSON, or a repeated name (jansson code %d at byte %d)",
                           (int)json_error_code(&error), error.position);
    if (json_typeof(value) != type) {
        json_decref(value);
        return failure_set(failure, "JSON, but not %s", what);
    }
    *out_value = value;
    return OK;
}

struct str json_print(struct arena *arena, json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    if (text == NULL)
        return STR_NONE;
    struct str copy = str_copy(arena, str_from_c(text));
    sodium_memzero(text, copy.length);
    free(text);
    return copy;
}

json_t *json_text(struct str value)
{
    return json_stringn(value.data ? value.data : "", value.length);
}

enum outcome json_parse_object(struct str text, json_t **out_object, struct failure *failure)
{
    return parse(text, JSON_OBJECT, "an object", out_object, failure);
}

enum outcome json_parse_array(struct str text, json_t **out_array, struct failure *failure)
{
    return parse(text, JSON_ARRAY, "an array", out_array, failure);
}

static enum outcome text_of(const json_t *value, struct str *out_text)
{
    if (value == NULL)
        return ABSENT;
    if (!json_is_string(value))
        return FAILED;
    *out_text = str_of(json_string_value(value), json_string_length(value));
    return OK;
}

enum outcome claim_text(const json_t *object, const char *name, struct str *out_text)
{
    return text_of(json_object_get(object, name), out_text);
}

static enum outcome value_at_plain(const json_t *level, struct str path, const json_t **out_value)
{
    for (;;) {
        if (!json_is_object(level))
            return FAILED;
        const json_t *member = path.length > 0 ? json_object_getn(level, path.data, path.length) : NULL;
        if (member != NULL) {
            *out_value = member;
            return OK;
        }
        size_t end = path.length;
        while (member == NULL && end > 0) {
            end--;
            if (path.data[end] == '.')
                member = json_object_getn(level, path.data, end);
        }
        if (member == NULL)
            return ABSENT;
        path = str_slice(path, end + 1, path.length);
        level = member;
    }
}

/* Takes the first name off *path, without its quotes and escapes. ABSENT behind the last; FAILED when the
 * path is malformed there: an empty name, a quote that is not closed or stands inside a name, a "\" at the
 * end. */
static enum outcome path_next(struct arena *arena, struct str *path, struct str *out_name)
{
    if (path->data == NULL)
        return ABSENT;
    bool is_quoted = path->length > 0 && path->data[0] == '"', is_closed = false;
    char *name = arena_alloc(arena, path->length + 1);
    size_t length = 0, at = is_quoted ? 1 : 0;
    for (; at < path->length; at++) {
        char c = path->data[at];
        if (c == '"') {
            is_closed = is_quoted;
            break;
        }
        if (c == '.' && !is_quoted)
            break;
        if (c == '\\' && ++at == path->length)
            return FAILED;
        name[length++] = path->data[at];
    }
    if (is_quoted && is_closed)
        at++;
    if (length == 0 || is_quoted != is_closed || (at < path->length && path->data[at] != '.'))
        return FAILED;
    *out_name = str_of(name, length);
    *path = at == path->length ? STR_NONE : str_of(path->data + at + 1, path->length - at - 1);
    return OK;
}

static enum outcome value_at_escaped(const json_t *level, struct str path, const json_t **out_value)
{
    struct arena *arena = arena_new();
    struct str name;
    enum outcome outcome;
    while ((outcome = path_next(arena, &path, &name)) == OK) {
        outcome = json_is_object(level) ? OK : FAILED;
        if (outcome != OK)
            break;
        level = json_object_getn(level, name.data, name.length);
        if (level == NULL)
            break;
    }
    arena_free(&arena);
    if (outcome == FAILED)
        return FAILED;
    *out_value = level;
    return level != NULL ? OK : ABSENT;
}

static enum outcome value_at(const json_t *object, struct str path, const json_t **out_value)
{
    if (str_find(path, '\\') == path.length && str_find(path, '"') == path.length)
        return value_at_plain(object, path, out_value);
    return value_at_escaped(object, path, out_value);
}

const json_t *claims_at_path(const json_t *claims, struct str path)
{
    const json_t *value;
    return value_at(claims, path, &value) == OK ? value : NULL;
}

enum outcome claim_path(const json_t *object, struct str path, struct str *out_text)
{
    const json_t *value;
    enum outcome outcome = value_at(object, path, &value);
    return outcome == OK ? text_of(value, out_text) : outcome;
}

const char *claim_kind(const json_t *value)
{
    if (value == NULL)
        return "absent";
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "object";
    case JSON_ARRAY:
        return "array";
    case JSON_STRING:
        return "string";
    case JSON_INTEGER:
        return "integer";
    case JSON_REAL:
        return "real";
    case JSON_TRUE:
    case JSON_FALSE:
        return "boolean";
    case JSON_NULL:
        return "null";
    }
    return "unknown";
}

enum outcome claim_time(const json_t *object, const char *name, int64_t *out_seconds)
{
    const json_t *value = json_object_get(object, name);
    if (value == NULL)
        return ABSENT;
    if (json_is_integer(value)) {
        json_int_t seconds = json_integer_value(value);
        if (seconds < -TIME_LIMIT || seconds > TIME_LIMIT)
            return FAILED;
        *out_seconds = seconds;
        return OK;
    }
    if (!json_is_real(value))
        return FAILED;
    double seconds = json_real_value(value);
    if (!isfinite(seconds) || fabs(seconds) > (double)TIME_LIMIT)
        return FAILED;
    *out_seconds = (int64_t)seconds;
    return OK;
}
