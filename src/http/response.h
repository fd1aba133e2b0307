/*
 * The answer to one request, filled by its handler and sent by http/server. All text it refers to must live
 * in the request's arena (or be static). Security headers (spec 4.0) are added by the server according to
 * `kind`.
 */
#ifndef HTTP_RESPONSE_H
#define HTTP_RESPONSE_H

#include "base/arena.h"
#include "base/str.h"
#include "http/request.h"

#define RESPONSE_HEADERS_MAX 16

enum response_kind {
    RESPONSE_PAGE,  /* HTML for a person: CSP, no framing, no referrer, no-store, nosniff; HSTS over https */
    RESPONSE_DATA,  /* JSON or text for a machine: no-store, nosniff */
    RESPONSE_ASSET, /* css, font, logo: cacheable, nosniff */
};

struct http_response {
    struct arena *arena; /* the request's */
    int status;          /* 0 = not answered: the server sends 500 and logs it */
    enum response_kind kind;
    const char *content_type;
    struct str body;
    struct {
        const char *name;
        const char *value;
    } headers[RESPONSE_HEADERS_MAX];
    size_t header_count;
    /* What a form on this page may end up at by redirects, as CSP sources in lower case (origins, or a scheme
     * such as "https:"), for form-action beside 'self'; NULL for none. Space separated. */
    const char *form_targets;
    /* Origins that may show this page in a frame, as CSP sources in lower case, space separated (INI-9); NULL
     * = none. */
    const char *frame_ancestors;
};

void http_response_header(struct http_response *response, const char *name, const char *value);
void http_response_page(struct http_response *response, int status, struct str html);
void http_response_json(struct http_response *response, int status, struct str json);
void http_response_text(struct http_response *response, int status, const char *text);
/* 303 with Location; no-store, no-referrer. 303 and never 307, so that a POST body is not repeated (RFC
 * 9700 4.12). */
void http_response_redirect(struct http_response *response, const char *location);

#endif
