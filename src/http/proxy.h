/*
 * What a proxy in front of us reports: X-Forwarded-For and the client's certificate in a header. Only the
 * parsing lives here; http/exchange decides who is believed. Pure functions; any thread. Fuzz target:
 * tests/fuzz/fuzz_proxy.c.
 */
#ifndef HTTP_PROXY_H
#define HTTP_PROXY_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "http/address.h"

#include <stdbool.h>

#define CERTIFICATE_DER_MAX ((size_t)16384)

struct proxy_list {
    struct address_block *blocks; /* owned; free with proxy_list_free */
    size_t count;
};

enum outcome proxy_list_parse(const char *const *texts, size_t count, struct proxy_list *out_list,
                              struct failure *failure) MUST_CHECK;
void proxy_list_free(struct proxy_list *list);
bool proxy_list_has(const struct proxy_list *list, const struct address *address);

/* The rightmost address in an X-Forwarded-For text that is not a trusted proxy itself; everything to the left
 * of it is hearsay. When all are trusted, the leftmost. Ports and brackets are accepted, as proxies write
 * them. ABSENT when the entry that counts is not an address (then the peer's own address is all we know). */
enum outcome proxy_forwarded_for(const struct proxy_list *list, struct str text,
                                 struct address *out_address) MUST_CHECK;

/* The DER bytes out of `:base64:` (RFC 9440 2.2, RFC 8941 3.3.5) or out of one URL-encoded PEM certificate.
 * FAILED for anything else, also for two certificates in one value. */
enum outcome proxy_certificate_der(struct arena *arena, struct str text, struct str *out_der) MUST_CHECK;

#endif
