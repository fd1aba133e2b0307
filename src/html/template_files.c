#include "html/template_files.h"

#include "base/vec.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIRECTORY_DEPTH_MAX 4

static const char extension[] = ".mustache";

struct reader {
    struct arena *arena;
    const char *root; /* the directory's own real path */
    struct template_files *files;
    struct failure *failure;
};

static bool is_name(const char *name)
{
    for (const char *c = name; *c != '\0'; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || strchr("_-./", *c) != NULL))
            return false;
    return name[0] != '\0';
}

static enum outcome read_whole(struct reader *reader, int descriptor, const char *path, struct str *out_text)
{
    struct stat status;
    if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode))
        return failure_set(reader->failure, "%s: not a regular file", path);
    if (status.st_size < 0 || (uintmax_t)status.st_size > TEMPLATE_SOURCE_MAX)
        return failure_set(reader->failure, "%s: larger than %zu bytes", path, TEMPLATE_SOURCE_MAX);
    /* One byte more than there should be, to see a file that grows under our hands. */
    size_t size = (size_t)status.st_size, length = 0;
    char *data = arena_alloc(reader->arena, size + 1);
    while (length <= size) {
        ssize_t got = read(descriptor, data + length, size + 1 - length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return failure_set(reader->failure, "%s: %s", path, strerror(errno));
        if (got == 0)
            break;
        length += (size_t)got;
    }
    if (length != size)
        return failure_set(reader->failure, "%s: changed while it was read", path);
    *out_text = str_of(data, length);
    return OK;
}

/* Symbolic links are resolved here, so that what is opened is the path that was looked at. */
static enum outcome check_inside(struct reader *reader, const char *path, const char **out_real)
{
    char *real = realpath(path, NULL);
    if (real == NULL)
        return failure_set(reader->failure, "%s: %s", path, strerror(errno));
    *out_real = arena_strdup(reader->arena, real);
    free(real);
    size_t length = strlen(reader->root);
    if (strncmp(*out_real, reader->root, length) != 0 || (*out_real)[length] != '/')
        return failure_set(reader->failure, "%s: a symbolic link leads out of %s", path, reader->root);
    return OK;
}

static enum outcome read_template(struct reader *reader, const char *path, const char *name)
{
    const char *real = NULL;
    if (!is_name(name))
        return failure_set(reader->failure,
                           "%s: a template's name has small letters, digits, '_', '-' and '.' only", path);
    if (reader->files->count == TEMPLATE_COUNT_MAX)
        return failure_set(reader->failure, "%s: more than %zu templates", path, TEMPLATE_COUNT_MAX);
    if (check_inside(reader, path, &real) != OK)
        return FAILED;
    int descriptor = open(real, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (descriptor < 0)
        return failure_set(reader->failure, "%s: %s", path, strerror(errno));
    struct template_source source = {.name = name, .file = path};
    enum outcome outcome = read_whole(reader, descriptor, path, &source.text);
    close(descriptor);
    if (outcome == OK)
        vec_push(reader->arena, reader->files, source);
    return outcome;
}

static enum outcome read_directory(struct reader *reader, const char *path, const char *prefix, int depth);

static enum outcome read_entry(struct reader *reader, const char *directory, const char *prefix,
                               const char *entry, int depth)
{
    const char *path = arena_printf(reader->arena, "%s/%s", directory, entry);
    struct stat status;
    if (lstat(path, &status) != 0)
        return failure_set(reader->failure, "%s: %s", path, strerror(errno));
    if (S_ISDIR(status.st_mode)) {
        if (depth == DIRECTORY_DEPTH_MAX)
            return failure_set(reader->failure, "%s: folders are nested too deeply", path);
        return read_directory(reader, path, arena_printf(reader->arena, "%s%s/", prefix, entry), depth + 1);
    }
    struct str name = str_from_c(entry);
    if (!str_ends_with(name, str_from_c(extension)))
        return OK;
    size_t stem = name.length - (sizeof extension - 1);
    return read_template(reader, path, arena_printf(reader->arena, "%s%.*s", prefix, (int)stem, entry));
}

static enum outcome read_directory(struct reader *reader, const char *path, const char *prefix, int depth)
{
    DIR *stream = opendir(path);
    if (stream == NULL)
        return failure_set(reader->failure, "%s: %s", path, strerror(errno));
    enum outcome outcome = OK;
    while (outcome == OK) {
        errno = 0;
        const struct dirent *entry = readdir(stream);
        if (entry == NULL) {
            if (errno != 0)
                outcome = failure_set(reader->failure, "%s: %s", path, strerror(errno));
            break;
        }
        if (entry->d_name[0] != '.')
            outcome = read_entry(reader, path, prefix, entry->d_name, depth);
    }
    closedir(stream);
    return outcome;
}

enum outcome template_files_read(struct arena *arena, const char *directory, struct template_files *files,
                                 struct failure *failure)
{
    char *root = realpath(directory, NULL);
    if (root == NULL)
        return failure_set(failure, "%s: %s", directory, strerror(errno));
    struct reader reader = {
        .arena = arena, .root = arena_strdup(arena, root), .files = files, .failure = failure};
    free(root);
    return read_directory(&reader, directory, "", 1);
}
