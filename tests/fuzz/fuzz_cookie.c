/* Any bytes as a Cookie header: a value that is found stands in it, whole, and can be written back safely. */
#include "http/cookie.h"

#include "fuzz.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    struct str header = str_of(data, size), value;
    for (int is_https = 0; is_https < 2; is_https++) {
        enum outcome outcome = cookie_find(arena, header, "sluis_b", is_https == 1, &value);
        if (outcome != OK && value.length != 0)
            abort();
        if (outcome == OK && value.length > 0 && memmem(data, size, value.data, value.length) == NULL)
            abort();
        if (!str_is_printable_ascii(value) || str_find(value, ';') != value.length)
            abort();
    }
    arena_free(&arena);
    return 0;
}
