/* Import files: any bytes are refused with a reason, or read and then exported as a file that reads back the
 * same. */
#include "cli/catalog_file.h"

#include "fuzz.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    const struct catalog_file_settings settings = {.path = "/nowhere/c.yaml"};
    struct business_data first;
    struct yaml_faults faults;
    enum outcome outcome = catalog_file_parse(arena, &settings, str_of(data, size), &first, &faults);
    if ((outcome == OK) != (faults.count == 0))
        abort();
    if (outcome == OK) {
        struct buf text = buf_new(arena, CATALOG_FILE_BYTES_MAX);
        struct buf text_again = buf_new(arena, CATALOG_FILE_BYTES_MAX);
        struct business_data second;
        catalog_file_write(&text, &first, true);
        if (catalog_file_parse(arena, &settings, buf_str(&text), &second, &faults) != OK)
            abort();
        catalog_file_write(&text_again, &second, true);
        if (!str_equal(buf_str(&text), buf_str(&text_again)))
            abort();
    }
    arena_free(&arena);
    return 0;
}
