#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const int64_t no_offset = 0;
static const volatile int64_t *offset_seconds = &no_offset;

int64_t clock_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 + *offset_seconds * 1000;
}

int64_t clock_now(void)
{
    return clock_now_ms() / 1000;
}

int64_t clock_monotonic_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

enum outcome clock_follow_offset_file(const char *path, struct failure *failure)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return failure_set(failure, "%s: cannot open the clock offset file: %s", path, strerror(errno));
    struct stat status;
    if (fstat(file, &status) != 0 || status.st_size < (off_t)sizeof(int64_t)) {
        close(file);
        return failure_set(failure, "%s: the clock offset file must hold 8 bytes", path);
    }
    void *mapped = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (mapped == MAP_FAILED)
        return failure_set(failure, "%s: cannot map the clock offset file: %s", path, strerror(errno));
    offset_seconds = mapped;
    return OK;
}

void clock_format_ms(int64_t milliseconds, char out_text[CLOCK_TEXT_SIZE])
{
    time_t seconds = (time_t)(milliseconds / 1000);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    size_t length = strftime(out_text, CLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(out_text + length, CLOCK_TEXT_SIZE - length, ".%03dZ", (int)(milliseconds % 1000));
}
