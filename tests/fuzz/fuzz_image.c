/* Pictures: any bytes are refused with a reason or taken with a type. */
#include "cli/image.h"

#include "fuzz.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str type = STR_NONE;
    struct failure failure = {""};
    enum outcome outcome = image_check(str_of(data, size), &type, &failure);
    if (outcome == OK ? type.length == 0 : failure.text[0] == '\0')
        abort();
    return 0;
}
