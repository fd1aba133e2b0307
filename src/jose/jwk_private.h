/*
 * What jws.c needs to know of a key; private to this room.
 */
#ifndef JOSE_JWK_PRIVATE_H
#define JOSE_JWK_PRIVATE_H

#include "jose/jwk.h"

#include <cjose/cjose.h>

enum jose_family { JOSE_RSA, JOSE_EC, JOSE_HMAC };

/* A signature algorithm of RFC 7518 3.1 that cjose has. */
struct jose_alg {
    const char *name;
    enum jose_family family;
    cjose_jwk_ec_curve curve; /* JOSE_EC only */
    size_t signature_bytes;   /* R || S (RFC 7518 3.4) or the MAC; 0 = that of the key */
};

/* NULL when unknown; "none" is unknown. */
const struct jose_alg *jose_alg_find(struct str name);

/* A cjose key counts its references without atomics; here it has one owner, and verifying only reads it. */
struct jwk {
    cjose_jwk_t *cjose;
    enum jose_family family;
    cjose_jwk_ec_curve curve; /* JOSE_EC only */
    char *kid;                /* NULL = none */
    char *alg;                /* NULL = any of its family */
    char *issuer;             /* NULL = it does not say */
    bool is_private;
};

/* cjose leaves OpenSSL's per-thread error queue filled, and the next TLS call of the thread would read it. */
enum outcome jose_failure(struct failure *failure, const char *what, const cjose_err *error);

#endif
