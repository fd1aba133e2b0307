#include "process.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* proc(5): fields 14 to 17 are utime, stime, cutime and cstime; the name in field 2 may hold spaces. */
static double read_cpu(pid_t pid, bool with_waited_for)
{
    char path[64], line[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    size_t length = fread(line, 1, sizeof line - 1, file);
    fclose(file);
    line[length] = '\0';
    const char *rest = strrchr(line, ')');
    unsigned long user, system, waited_user, waited_system;
    if (rest == NULL || sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %lu %lu",
                               &user, &system, &waited_user, &waited_system) != 4)
        return 0;
    unsigned long ticks = user + system + (with_waited_for ? waited_user + waited_system : 0);
    return (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

double process_cpu(pid_t pid, bool and_children)
{
    if (pid == 0)
        return 0;
    double sum = read_cpu(pid, and_children);
    char path[96];
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
    FILE *file = and_children ? fopen(path, "re") : NULL;
    if (file == NULL)
        return sum;
    int child;
    while (fscanf(file, "%d", &child) == 1)
        sum += read_cpu(child, true);
    fclose(file);
    return sum;
}

double machine_cpu(void)
{
    unsigned long user, nice, system, idle, waiting, hard, soft;
    FILE *file = fopen("/proc/stat", "re");
    if (file == NULL)
        return 0;
    int found =
        fscanf(file, "cpu %lu %lu %lu %lu %lu %lu %lu", &user, &nice, &system, &idle, &waiting, &hard, &soft);
    fclose(file);
    return found == 7 ? (double)(user + nice + system + hard + soft) / (double)sysconf(_SC_CLK_TCK) : 0;
}

static double read_kilobytes(pid_t pid, const char *name, const char *field)
{
    char path[64], line[256];
    unsigned long kilobytes = 0;
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    size_t length = strlen(field);
    while (fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, field, length) == 0 && sscanf(line + length, " %lu kB", &kilobytes) == 1)
            break;
    fclose(file);
    return (double)kilobytes * 1024 / 1e6;
}

double process_memory(pid_t pid)
{
    char path[96];
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
    FILE *file = fopen(path, "re");
    double shared = 0;
    int child, children = 0;
    for (; file != NULL && fscanf(file, "%d", &child) == 1; children++)
        shared += read_kilobytes(child, "smaps_rollup", "Pss:");
    if (file != NULL)
        fclose(file);
    return children > 0 ? shared + read_kilobytes(pid, "smaps_rollup", "Pss:")
                        : read_kilobytes(pid, "status", "VmRSS:");
}
