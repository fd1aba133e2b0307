#include "conf/yaml_load.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

const struct cyaml_strval yaml_booleans[2] = {{"false", 0}, {"true", 1}};

struct capture {
    struct arena *arena;
    const char *missing;
    size_t line, column;
};

/* libcyaml tells where it was in its log only: "  in mapping field 'address' (line: 2, column: 12)". */
PRINTF_LIKE(3, 0)
static void capture_line(cyaml_log_t level, void *context, const char *format, va_list arguments)
{
    struct capture *capture = context;
    if (level != CYAML_LOG_ERROR)
        return;
    char line[256];
    if (vsnprintf(line, sizeof line, format, arguments) < 0)
        return;
    static const char missing[] = "Load: Missing required mapping field: ";
    if (strncmp(line, missing, sizeof missing - 1) == 0) {
        line[strcspn(line, "\n")] = '\0';
        capture->missing = arena_strdup(capture->arena, line + sizeof missing - 1);
    }
    /* The first line of the backtrace is the innermost place. */
    const char *place = strncmp(line, "  in ", 5) == 0 && capture->line == 0 ? strstr(line, "(line: ") : NULL;
    size_t line_number = 0;
    size_t column = 0;
    if (place != NULL && sscanf(place, "(line: %zu, column: %zu)", &line_number, &column) == 2) {
        capture->line = line_number;
        capture->column = column;
    }
}

/* realloc in an arena: the room stands in front, aligned for any type. Room at least doubles, because
 * libcyaml grows a sequence by one entry at a time and an arena gives nothing back. */
static void *arena_memory(void *context, void *pointer, size_t size)
{
    const size_t head = 16;
    size_t room = size;
    size_t old_room = 0;
    if (size == 0 || size > SIZE_MAX / 4)
        return NULL;
    if (pointer != NULL) {
        memcpy(&old_room, (const char *)pointer - head, sizeof old_room);
        if (size <= old_room)
            return pointer;
        room = size < old_room * 2 ? old_room * 2 : size;
    }
    char *block = arena_alloc(context, room + head);
    memcpy(block, &room, sizeof room);
    if (pointer != NULL)
        memcpy(block + head, pointer, old_room);
    return block + head;
}

static enum yaml_load_fault_kind kind_of(cyaml_err_t error)
{
    if (error == CYAML_ERR_INVALID_KEY)
        return YAML_LOAD_KEY;
    if (error == CYAML_ERR_MAPPING_FIELD_MISSING)
        return YAML_LOAD_MISSING;
    if (error == CYAML_ERR_STRING_LENGTH_MIN || error == CYAML_ERR_STRING_LENGTH_MAX)
        return YAML_LOAD_LENGTH;
    if (error == CYAML_ERR_SEQUENCE_ENTRIES_MIN || error == CYAML_ERR_SEQUENCE_ENTRIES_MAX)
        return YAML_LOAD_COUNT;
    if (error == CYAML_ERR_INVALID_VALUE || error == CYAML_ERR_UNEXPECTED_EVENT)
        return YAML_LOAD_VALUE;
    return YAML_LOAD_INTERNAL;
}

enum outcome yaml_load(struct arena *arena, struct str bytes, const struct yaml_entries *entries,
                       const struct cyaml_schema_value *schema, bool is_unknown_ignored, void **out_data,
                       struct yaml_load_fault *out_fault)
{
    struct capture capture = {.arena = arena};
    cyaml_config_t config = {
        .log_fn = capture_line,
        .log_ctx = &capture,
        .mem_fn = arena_memory,
        .mem_ctx = arena,
        .log_level = CYAML_LOG_ERROR,
        .flags = is_unknown_ignored ? CYAML_CFG_NO_ALIAS | CYAML_CFG_IGNORE_UNKNOWN_KEYS : CYAML_CFG_NO_ALIAS,
    };
    *out_data = NULL;
    cyaml_err_t error = cyaml_load_data((const uint8_t *)(bytes.data != NULL ? bytes.data : ""), bytes.length,
                                        &config, schema, out_data, NULL);
    if (error == CYAML_OK)
        return OK;
    out_fault->kind = kind_of(error);
    out_fault->entry = (struct yaml_entry){.path = "", .kind = YAML_KIND_MAPPING, .line = 1, .column = 1};
    for (size_t i = 0; i < entries->count; i++)
        if (entries->items[i].line == capture.line && entries->items[i].column == capture.column)
            out_fault->entry = entries->items[i];
    out_fault->missing_key = capture.missing;
    return FAILED;
}
