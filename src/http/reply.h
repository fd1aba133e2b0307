/*
 * From a handler's struct http_response to libmicrohttpd's response object, with the headers that every
 * answer of its kind carries (spec 4.0). The body is not copied: it must live until the exchange is
 * completed.
 */
#ifndef HTTP_REPLY_H
#define HTTP_REPLY_H

#include "http/response.h"

#include <microhttpd.h>

struct reply_context {
    bool is_https;
    bool is_last; /* the connection closes after this answer */
};

/* NULL when the answer holds a header that must not be sent (a line break in it) or memory ran out. */
struct MHD_Response *reply_build(const struct http_response *response, const struct reply_context *context);

#endif
