/* Any bytes as X-Forwarded-For, as a client-certificate header and as a trusted-proxy setting. */
#include "http/proxy.h"
#include "http/tls.h"

#include "fuzz.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const trusted[] = {"10.0.0.0/8", "::1"};
    struct arena *arena = arena_new();
    struct proxy_list list;
    struct address address;
    struct address_block block;
    struct str text = str_of(data, size), der;
    if (proxy_list_parse(trusted, 2, &list, NULL) != OK)
        abort();
    if (proxy_forwarded_for(&list, text, &address) == OK) {
        /* What comes out is an address that reads back as itself. */
        struct address again;
        if (address_parse(str_from_c(address_text(arena, &address)), &again) != OK ||
            memcmp(&again, &address, sizeof address) != 0)
            abort();
    }
    if (address_block_parse(text, &block) == OK && !address_is_in(&block.first, &block))
        abort();
    if (proxy_certificate_der(arena, text, &der) == OK) {
        if (der.length == 0 || der.length > CERTIFICATE_DER_MAX)
            abort();
        /* Without a client CA nothing is believed. */
        struct http_client_certificate certificate;
        tls_read_der(NULL, der, arena, &certificate);
        if (certificate.is_present)
            abort();
    }
    proxy_list_free(&list);
    arena_free(&arena);
    return 0;
}
