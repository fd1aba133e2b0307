/* The configuration file: index, schema load and value checks on any bytes. */
#include "base/arena.h"
#include "conf/conf.h"

#include "fuzz.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    if (fd < 0)
        fd = memfd_create("conf", 0);
    if (fd < 0 || ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
        abort();
    struct arena *arena = arena_new();
    struct conf *conf;
    struct yaml_faults faults;
    enum outcome outcome = conf_load_all(arena_printf(arena, "/proc/self/fd/%d", fd), arena, &conf, &faults);
    /* Refused with a reason, or taken with everything that must be there. */
    if ((outcome == OK) != (faults.count == 0) || (outcome == OK) != (conf != NULL))
        abort();
    for (size_t i = 0; i < faults.count; i++)
        (void)yaml_fault_format(arena, "F", &faults.items[i]);
    if (outcome == OK && (conf->base_url == NULL || conf->store_url == NULL || conf->workers < 1))
        abort();
    conf_free(&conf);
    arena_free(&arena);
    return 0;
}
