/*
 * From what libmicrohttpd saw of a request to struct http_request, with the checks that every request passes:
 * sound target, sound headers, one way of framing the body, and nothing believed that only a trusted proxy
 * may say. Each function returns 0, or the status to refuse the request with. The thread that owns the
 * request.
 */
#ifndef HTTP_INTAKE_H
#define HTTP_INTAKE_H

#include "http/proxy.h"
#include "http/request.h"
#include "http/tls.h"

#include <microhttpd.h>

#define INTAKE_BODY_CHUNKED UINT64_MAX

/* Splits the raw request target into path and query. An absolute-form target (RFC 9112 3.2.2) loses its
 * scheme and authority. */
int intake_target(struct str target, size_t target_max, struct http_request *request) MUST_CHECK;

/* What the peer may tell about others. */
struct intake_trust {
    bool is_proxy;                  /* the peer is on the list */
    const char *certificate_header; /* NULL = none */
};

/* Fills the headers, leaving out those the peer has no right to send. `version` as libmicrohttpd gives it:
 * "HTTP/1.1" demands a Host (RFC 9112 3.2). `out_body_length` becomes the announced
 * length, 0 without a body, or INTAKE_BODY_CHUNKED. */
int intake_headers(struct MHD_Connection *mhd, const char *version, const struct intake_trust *trust,
                   struct http_request *request, uint64_t *out_body_length) MUST_CHECK;

/* From a trusted proxy only: the client's address as text (`otherwise` when it reports none), and the
 * client's certificate, verified here once more (core.tls.314). */
struct str intake_forwarded_for(const struct http_request *request, const struct proxy_list *proxies,
                                struct str otherwise);
void intake_proxied_certificate(struct http_request *request, const struct intake_trust *trust,
                                const struct tls *tls);

#endif
