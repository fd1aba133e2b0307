#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum outcome failure_set(struct failure *failure, const char *format, ...)
{
    if (failure == NULL)
        return FAILED;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(failure->text, sizeof failure->text, format, arguments);
    va_end(arguments);
    return FAILED;
}

enum outcome failure_prefix(struct failure *failure, const char *format, ...)
{
    if (failure == NULL)
        return FAILED;
    char inner[FAILURE_TEXT_MAX];
    memcpy(inner, failure->text, sizeof inner);
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(failure->text, sizeof failure->text, format, arguments);
    va_end(arguments);
    if (length >= 0 && (size_t)length < sizeof failure->text)
        snprintf(failure->text + length, sizeof failure->text - (size_t)length, ": %s", inner);
    return FAILED;
}
