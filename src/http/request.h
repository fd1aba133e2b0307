/*
 * An HTTP request as a handler sees it: parsed, capped, and owned by its arena. Made by http/server;
 * read-only to handlers. Belongs to the thread that runs the handler.
 */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "http/form.h"

#include <stdbool.h>

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_OTHER };

struct http_header {
    struct str name;
    struct str value;
};

/* What the TLS layer, or a proxy that is listed as trusted, says of the client's certificate. */
struct http_client_certificate {
    bool is_present;   /* a certificate was offered and its chain verified */
    struct str *hosts; /* SAN dNSNames, lower case; wildcards left out */
    size_t host_count;
};

struct http_request {
    struct arena *arena; /* lives until the response is sent */
    enum http_method method;
    struct str method_text;
    struct str path;  /* as received, without the query; routes match it literally */
    struct str query; /* raw, without '?' */
    struct str body;  /* whole; at most the listener's limit */
    struct http_header *headers;
    size_t header_count;
    struct str peer_address; /* of the client; behind a trusted proxy the one it reports */
    struct str path_tail;    /* what the route's trailing '*' matched; empty otherwise */
    bool is_https;           /* the scheme the client used, as configured by the listener's base URL */
    struct http_client_certificate client_certificate;
    char id[37]; /* UUIDv7, for the log */
};

/* FORM_MISSING, FORM_ONE or FORM_REPEATED; header names compare without case. */
enum form_lookup http_request_header(const struct http_request *request, const char *name,
                                     struct str *out_value) MUST_CHECK;
/* True when the Content-Type is `type`, ignoring parameters and case. */
bool http_request_has_content_type(const struct http_request *request, const char *type);

#endif
