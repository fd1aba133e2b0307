/*
 * The signing keys of one connection's identity provider, held for the length of one login (MET-6, MET-7).
 * Belongs to one thread.
 */
#ifndef IDP_KEYS_H
#define IDP_KEYS_H

#include "idp/discovery.h"
#include "jose/jwk.h"

struct keys {
    struct document_cache *cache;
    struct document_source source; /* strings of the connection and the provider, which outlive this */
    struct document *document;     /* NULL when the connection needs no keys */
    struct idp_document facts;     /* also when they could not be had */
    bool is_renewed;
};

/* IDP_OK: end with keys_close. */
enum idp_result keys_open(struct document_cache *cache, const struct idp_connection *connection,
                          const struct provider *provider, struct keys *out_keys,
                          struct failure *failure) MUST_CHECK;
/* After an unknown kid: OK when there is a newer set now, which is then the current one; ABSENT and FAILED
 * leave the old one. */
enum outcome keys_renew(struct keys *keys, struct failure *failure) MUST_CHECK;
const struct jwk_set *keys_current(const struct keys *keys); /* may be NULL; valid until renew or close */
void keys_close(struct keys *keys);

#endif
