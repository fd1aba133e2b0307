#include "conf/file.h"

#include "base/vec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_READ 65536u

static enum outcome read_all(struct arena *arena, int fd, const char *path, size_t cap, struct str *out_bytes,
                             struct failure *failure)
{
    size_t capacity = cap < FIRST_READ ? cap + 1 : FIRST_READ;
    char *bytes = arena_alloc(arena, capacity);
    size_t length = 0;
    for (;;) {
        ssize_t got = read(fd, bytes + length, capacity - length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return failure_set(failure, "%s: %s", path, strerror(errno));
        if (got == 0)
            break;
        length += (size_t)got;
        if (length > cap)
            return failure_set(failure, "%s: larger than %zu bytes", path, cap);
        if (length == capacity) {
            capacity = capacity > cap / 2 ? cap + 1 : capacity * 2;
            char *wider = arena_alloc(arena, capacity);
            memcpy(wider, bytes, length);
            bytes = wider;
        }
    }
    *out_bytes = str_of(bytes, length);
    return OK;
}

static enum outcome read_file(struct arena *arena, const char *path, size_t cap, bool is_secret,
                              struct str *out_bytes, struct failure *failure)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        enum outcome outcome = errno == ENOENT ? ABSENT : FAILED;
        (void)failure_set(failure, "%s: %s", path, strerror(errno));
        return outcome;
    }
    struct stat status;
    enum outcome outcome;
    if (fstat(fd, &status) != 0)
        outcome = failure_set(failure, "%s: %s", path, strerror(errno));
    else if (!S_ISREG(status.st_mode) && !S_ISFIFO(status.st_mode) && !S_ISCHR(status.st_mode))
        outcome = failure_set(failure, "%s: not a file", path);
    else if (is_secret && (status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        outcome = failure_set(failure, "%s: open to others (mode %04o); run `chmod 600` on it", path,
                              (unsigned)(status.st_mode & 07777));
    else
        outcome = read_all(arena, fd, path, cap, out_bytes, failure);
    close(fd);
    return outcome;
}

enum outcome file_read(struct arena *arena, const char *path, size_t cap, struct str *out_bytes,
                       struct failure *failure)
{
    return read_file(arena, path, cap, false, out_bytes, failure);
}

enum outcome file_read_secret(struct arena *arena, const char *path, size_t cap, struct str *out_bytes,
                              struct failure *failure)
{
    return read_file(arena, path, cap, true, out_bytes, failure);
}

enum outcome file_read_input(struct arena *arena, size_t cap, struct str *out_bytes, struct failure *failure)
{
    return read_all(arena, STDIN_FILENO, "standard input", cap, out_bytes, failure);
}

const char *file_resolve(struct arena *arena, const char *naming_file, const char *path)
{
    const char *slash = strrchr(naming_file, '/');
    if (path[0] == '/' || slash == NULL)
        return arena_strdup(arena, path);
    return arena_printf(arena, "%.*s/%s", (int)(slash - naming_file), naming_file, path);
}
