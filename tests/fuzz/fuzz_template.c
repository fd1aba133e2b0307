/*
 * Template source from outside, the first part as a page and what follows a "\n---\n" line as its partial:
 * parse, link and render within bounds, without a fault.
 */
#include "html/template.h"

#include "fuzz.h"

#include <stdint.h>
#include <stdlib.h>

static struct value *sample_context(struct arena *arena)
{
    struct value *context = value_object(arena), *list = value_list(arena), *item = value_object(arena);
    value_put_c(arena, item, "x", "<in & out>");
    value_append(arena, list, item);
    value_append(arena, list, value_text(arena, STR("twee")));
    value_append(arena, list, value_bool(arena, false));
    value_put_c(arena, context, "x", "\"'<>&\xFF");
    value_put_bool(arena, context, "t", true);
    value_put_bool(arena, context, "f", false);
    value_put(arena, context, "a", item);
    value_put(arena, context, "l", list);
    return context;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_of(data, size);
    const char *divider = size > 0 ? memmem(data, size, "\n---\n", 5) : NULL;
    size_t at = divider ? (size_t)(divider - (const char *)data) : size;
    const struct template_source sources[] = {
        {"page", "page", str_slice(text, 0, at)},
        {"part", "part", str_slice(text, at + 5, size)},
    };
    struct template_set *set = NULL;
    struct failure failure = {""};
    if (template_set_compile(sources, 2, &set, &failure) != OK) {
        if (failure.text[0] == '\0')
            abort(); /* every refusal says why */
        return 0;
    }
    struct arena *arena = arena_new();
    struct str html = STR_NONE;
    if (template_render(set, "page", sample_context(arena), arena, 65536, &html) == OK && html.length > 65536)
        abort();
    arena_free(&arena);
    template_set_free(&set);
    return 0;
}
