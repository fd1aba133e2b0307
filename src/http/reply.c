#include "http/reply.h"

#include "base/log.h"

#define CSP                                                                                                  \
    "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; "                                \
    "frame-ancestors %s; base-uri 'none'; form-action 'self'%s%s"

/* Sources and spaces only: a semicolon or comma could end the directive and begin another. */
static bool are_sources(const char *targets)
{
    return strspn(targets, "abcdefghijklmnopqrstuvwxyz0123456789-.:/*[] ") == strlen(targets);
}

/* NULL when there are none, or none that can be sent. */
static const char *sources(const char *targets, const char *event)
{
    if (targets == NULL || *targets == '\0' || are_sources(targets))
        return targets != NULL && *targets != '\0' ? targets : NULL;
    log_error(event);
    return NULL;
}

static bool add(struct MHD_Response *reply, const char *name, const char *value)
{
    return MHD_add_response_header(reply, name, value) == MHD_YES;
}

static bool add_page_headers(struct MHD_Response *reply, const struct http_response *response, bool is_https)
{
    const char *targets = sources(response->form_targets, "form_targets_refused");
    const char *ancestors = sources(response->frame_ancestors, "frame_ancestors_refused");
    const char *policy = arena_printf(response->arena, CSP, ancestors ? ancestors : "'none'",
                                      targets ? " " : "", targets ? targets : "");
    /* X-Frame-Options cannot name origins, so with ancestors the policy stands alone. */
    return add(reply, "Content-Security-Policy", policy) &&
           (ancestors != NULL || add(reply, "X-Frame-Options", "DENY")) &&
           add(reply, "Referrer-Policy", "no-referrer") && add(reply, "Cache-Control", "no-store") &&
           (!is_https || add(reply, "Strict-Transport-Security", "max-age=31536000"));
}

static bool has_header(const struct http_response *response, const char *name)
{
    for (size_t i = 0; i < response->header_count; i++)
        if (str_equal_ignoring_case(str_from_c(response->headers[i].name), str_from_c(name)))
            return true;
    return false;
}

static bool add_kind_headers(struct MHD_Response *reply, const struct http_response *response, bool is_https)
{
    if (!add(reply, "X-Content-Type-Options", "nosniff"))
        return false;
    switch (response->kind) {
    case RESPONSE_PAGE:
        return add_page_headers(reply, response, is_https);
    case RESPONSE_DATA:
        return add(reply, "Cache-Control", "no-store") && add(reply, "Pragma", "no-cache");
    case RESPONSE_ASSET:
        return has_header(response, "Cache-Control") || add(reply, "Cache-Control", "public, max-age=3600");
    }
    return false;
}

static bool add_headers(struct MHD_Response *reply, const struct http_response *response,
                        const struct reply_context *context)
{
    if (response->content_type != NULL && !add(reply, "Content-Type", response->content_type))
        return false;
    for (size_t i = 0; i < response->header_count; i++)
        if (!add(reply, response->headers[i].name, response->headers[i].value))
            return false;
    if (context->is_last && !add(reply, "Connection", "close"))
        return false;
    return add_kind_headers(reply, response, context->is_https);
}

struct MHD_Response *reply_build(const struct http_response *response, const struct reply_context *context)
{
    /* libmicrohttpd takes a writable pointer and does not write through it. */
    struct MHD_Response *reply = MHD_create_response_from_buffer(
        response->body.length, (void *)(uintptr_t)response->body.data, MHD_RESPMEM_PERSISTENT);
    if (reply != NULL && !add_headers(reply, response, context)) {
        MHD_destroy_response(reply);
        reply = NULL;
    }
    return reply;
}
