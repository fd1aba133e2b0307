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

enum outcome json_parse_object(struct str text, json_t **out_object, struct failure *failure)
{
    if (text.length == 0)
        return failure_set(failure, "empty where a JSON object was expected");
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
    if (!json_is_object(value)) {
        json_decref(value);
        return failure_set(failure, "JSON, but not an object");
    }
    *out_object = value;
    return OK;
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

enum outcome claim_path(const json_t *object, struct str path, struct str *out_text)
{
    const json_t *level = object;
    for (;;) {
        if (!json_is_object(level))
            return FAILED;
        const json_t *member = path.length > 0 ? json_object_getn(level, path.data, path.length) : NULL;
        if (member != NULL)
            return text_of(member, out_text);
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
