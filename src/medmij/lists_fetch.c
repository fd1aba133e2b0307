#include "medmij/lists_fetch.h"

#include "http/client.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum outcome read_whole(struct arena *arena, int file, const char *path, size_t size_max,
                               struct str *out_bytes, struct failure *failure)
{
    struct stat status;
    if (fstat(file, &status) != 0)
        return failure_set(failure, "%s: %s", path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return failure_set(failure, "%s: not a regular file", path);
    if (status.st_size < 0 || (size_t)status.st_size > size_max)
        return failure_set(failure, "%s: larger than %zu bytes", path, size_max);
    size_t size = (size_t)status.st_size, done = 0;
    char *bytes = arena_alloc(arena, size + 1);
    while (done < size) {
        ssize_t got = read(file, bytes + done, size - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return failure_set(failure, "%s: %s", path, strerror(errno));
        if (got == 0)
            break; /* it shrank while we read: the checks on the document will tell */
        done += (size_t)got;
    }
    *out_bytes = str_of(bytes, done);
    return OK;
}

static enum outcome fetch_file(struct arena *arena, const char *path, size_t size_max, struct str *out_bytes,
                               struct failure *failure)
{
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* not blocking: a FIFO must not hang us */
    if (file < 0)
        return failure_set(failure, "%s: %s", path, strerror(errno));
    enum outcome outcome = read_whole(arena, file, path, size_max, out_bytes, failure);
    close(file);
    return outcome;
}

static enum outcome fetch_url(struct arena *arena, const struct lists_settings *settings, const char *url,
                              struct str *out_bytes, struct failure *failure)
{
    const char *const headers[] = {"Accept: application/xml, text/xml"};
    struct http_call call = {
        .method = "GET",
        .url = url,
        .headers = headers,
        .header_count = 1,
        .ca_file = settings->ca_file,
        .client_certificate_file = settings->client_certificate_file,
        .client_key_file = settings->client_key_file,
        .connect_timeout_ms = LIST_CONNECT_TIMEOUT_MS,
        .total_timeout_ms = LIST_TOTAL_TIMEOUT_MS,
        .body_max = settings->size_max,
        .is_http_allowed = settings->is_http_allowed,
        .is_private_allowed = true, /* the operator named the address */
    };
    struct http_answer answer;
    if (http_client_call(arena, &call, &answer, failure) != HTTP_CALL_OK)
        return FAILED;
    if (answer.status != 200)
        return failure_set(failure, "the list's address answered with status %d", answer.status);
    *out_bytes = answer.body;
    return OK;
}

enum outcome list_fetch(struct arena *arena, const struct lists_settings *settings, enum list_kind kind,
                        struct str *out_xml, struct failure *failure)
{
    const char *location = settings->sources[kind].location;
    struct str text = str_from_c(location);
    enum outcome outcome;
    if (str_starts_with(text, STR("https://")) || str_starts_with(text, STR("http://")))
        outcome = fetch_url(arena, settings, location, out_xml, failure);
    else if (str_starts_with(text, STR("file://")))
        outcome = fetch_file(arena, location + sizeof "file://" - 1, settings->size_max, out_xml, failure);
    else if (str_starts_with(text, STR("file:")))
        outcome = fetch_file(arena, location + sizeof "file:" - 1, settings->size_max, out_xml, failure);
    else
        outcome = fetch_file(arena, location, settings->size_max, out_xml, failure);
    return outcome == OK ? OK : failure_prefix(failure, "%s", list_kind_name(kind));
}
