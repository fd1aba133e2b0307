/* Any bytes as form parameters: what is looked up is well-formed text without NUL, or not given at all. */
#include "http/form.h"

#include "fuzz.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"client_id", "redirect_uri", "state", "scope", "a", ""};
    struct arena *arena = arena_new();
    struct form form;
    if (form_parse(arena, str_of(data, size), &form) == OK) {
        if (form.count > FORM_FIELDS_MAX)
            abort();
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
            struct str value;
            enum form_lookup lookup = form_get(&form, names[i], &value);
            if (lookup != FORM_ONE && value.length != 0)
                abort();
            if (!str_is_utf8(value) || str_find(value, '\0') != value.length || value.length > size)
                abort();
        }
    } else if (form.count != 0) {
        abort();
    }
    arena_free(&arena);
    return 0;
}
