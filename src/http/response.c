#include "http/response.h"

#include <assert.h>

void http_response_header(struct http_response *response, const char *name, const char *value)
{
    assert(response->header_count < RESPONSE_HEADERS_MAX);
    response->headers[response->header_count].name = name;
    response->headers[response->header_count].value = value;
    response->header_count++;
}

static void answer(struct http_response *response, int status, enum response_kind kind,
                   const char *content_type, struct str body)
{
    response->status = status;
    response->kind = kind;
    response->content_type = content_type;
    response->body = body;
}

void http_response_page(struct http_response *response, int status, struct str html)
{
    answer(response, status, RESPONSE_PAGE, "text/html; charset=utf-8", html);
}

void http_response_json(struct http_response *response, int status, struct str json)
{
    answer(response, status, RESPONSE_DATA, "application/json", json);
}

void http_response_text(struct http_response *response, int status, const char *text)
{
    answer(response, status, RESPONSE_DATA, "text/plain; charset=utf-8", str_from_c(text));
}

void http_response_redirect(struct http_response *response, const char *location)
{
    /* A page without a body: it gets no-store, no-referrer and HSTS like every other page. */
    answer(response, 303, RESPONSE_PAGE, NULL, STR_NONE);
    http_response_header(response, "Location", location);
}
