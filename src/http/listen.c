#include "http/listen.h"

#include "http/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

#define BACKLOG 1024

union socket_address {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
};

struct endpoint {
    union socket_address address;
    socklen_t size;
    bool is_both; /* IPv6 socket that takes IPv4 too */
};

static enum outcome endpoint_parse(struct str text, struct endpoint *out_endpoint)
{
    size_t colon = text.length;
    while (colon > 0 && text.data[colon - 1] != ':')
        colon--;
    int64_t port;
    if (colon == 0 || str_to_int64(str_slice(text, colon, text.length), &port) != OK || port < 1 ||
        port > 65535)
        return FAILED;
    struct str host = str_slice(text, 0, colon - 1);
    bool is_bracketed = host.length > 2 && host.data[0] == '[' && host.data[host.length - 1] == ']';
    struct address address = {{0}};
    *out_endpoint = (struct endpoint){.is_both = str_equal_c(host, "*")};
    if (!out_endpoint->is_both &&
        address_parse(is_bracketed ? str_slice(host, 1, host.length - 1) : host, &address) != OK)
        return FAILED;
    if (!out_endpoint->is_both && !is_bracketed) {
        struct sockaddr_in *four = &out_endpoint->address.four;
        if (str_find(host, ':') < host.length)
            return FAILED;
        four->sin_family = AF_INET;
        four->sin_port = htons((uint16_t)port);
        memcpy(&four->sin_addr, address.bytes + 12, 4);
        out_endpoint->size = sizeof *four;
        return OK;
    }
    struct sockaddr_in6 *six = &out_endpoint->address.six;
    six->sin6_family = AF_INET6;
    six->sin6_port = htons((uint16_t)port);
    memcpy(&six->sin6_addr, address.bytes, sizeof address.bytes);
    out_endpoint->size = sizeof *six;
    return OK;
}

static int socket_open(const struct endpoint *endpoint)
{
    int one = 1, only_six = endpoint->is_both ? 0 : 1;
    int family = endpoint->address.any.sa_family;
    int opened = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (opened < 0)
        return -1;
    setsockopt(opened, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if ((family == AF_INET6 &&
         setsockopt(opened, IPPROTO_IPV6, IPV6_V6ONLY, &only_six, sizeof only_six) != 0) ||
        bind(opened, &endpoint->address.any, endpoint->size) != 0 || listen(opened, BACKLOG) != 0) {
        int error = errno;
        close(opened);
        errno = error;
        return -1;
    }
    return opened;
}

/* "*" on a machine without IPv6. */
static void fall_back_to_ipv4(struct endpoint *endpoint)
{
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = endpoint->address.six.sin6_port};
    endpoint->address.four = four;
    endpoint->size = sizeof four;
    endpoint->is_both = false;
}

enum outcome listen_open(const char *address, int *out_socket, struct failure *failure)
{
    struct endpoint endpoint;
    if (endpoint_parse(str_from_c(address), &endpoint) != OK)
        return failure_set(failure,
                           "%s: a listener's address must look like 127.0.0.1:8080, [::1]:8080 or *:8080",
                           address ? address : "-");
    *out_socket = socket_open(&endpoint);
    if (*out_socket < 0 && endpoint.is_both && errno == EAFNOSUPPORT) {
        fall_back_to_ipv4(&endpoint);
        *out_socket = socket_open(&endpoint);
    }
    if (*out_socket < 0)
        return failure_set(failure, "%s: cannot listen: %s", address, strerror(errno));
    return OK;
}
