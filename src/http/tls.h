/*
 * The TLS side of a listener: certificate, key and client CA as one immutable, counted snapshot. A connection
 * holds the snapshot it was set up with, so a reload never touches established connections; verification of a
 * client's certificate uses the snapshot that is current when it is asked for. Any thread.
 *
 * Only TLS 1.2 and 1.3 with ECDHE and AEAD, all rated "goed" in the NCSC TLS guideline 2.1 (core.tls.301). No
 * resumption, tickets, early data, compression or renegotiation: GnuTLS offers none of these unless asked.
 */
#ifndef HTTP_TLS_H
#define HTTP_TLS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "http/request.h"

#include <gnutls/gnutls.h>
#include <stdbool.h>

struct tls;

#define TLS_PRIORITIES                                                                                       \
    "NONE:+VERS-TLS1.3:+VERS-TLS1.2:+ECDHE-ECDSA:+ECDHE-RSA:+AEAD"                                           \
    ":+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305"                                                          \
    ":+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:+GROUP-X448"                                           \
    ":+SIGN-ECDSA-SECP256R1-SHA256:+SIGN-ECDSA-SECP384R1-SHA384:+SIGN-ECDSA-SHA256:+SIGN-ECDSA-SHA384"       \
    ":+SIGN-RSA-PSS-RSAE-SHA256:+SIGN-RSA-PSS-RSAE-SHA384:+SIGN-RSA-PSS-RSAE-SHA512"                         \
    ":+SIGN-RSA-PSS-SHA256:+SIGN-RSA-PSS-SHA384:+SIGN-RSA-PSS-SHA512"                                        \
    ":+SIGN-RSA-SHA256:+SIGN-RSA-SHA384:+SIGN-RSA-SHA512"                                                    \
    ":+CTYPE-X509:+COMP-NULL:%NO_TICKETS"

/* `certificate_file` NULL: no TLS of our own, only a client CA for certificates that a proxy reports;
 * `client_ca_file` NULL: clients are not asked for a certificate and none is believed. */
enum outcome tls_load(const char *certificate_file, const char *key_file, const char *client_ca_file,
                      struct tls **out_tls, struct failure *failure) MUST_CHECK;
struct tls *tls_keep(struct tls *tls);
void tls_release(struct tls **tls);

/* Before the handshake: this snapshot's certificate, and the request for the client's. */
void tls_attach(struct tls *tls, gnutls_session_t session);

/*
 * What the peer of an established session proved, or a certificate in DER that a trusted proxy passed on:
 * chain up to the client CA, validity now, purpose TLS client, RSA of 2048 bits or the like. Anything less
 * gives is_present = false; the caller's handler turns that into its own error.
 */
void tls_read_peer(const struct tls *tls, gnutls_session_t session, struct arena *arena,
                   struct http_client_certificate *out_certificate);
void tls_read_der(const struct tls *tls, struct str der, struct arena *arena,
                  struct http_client_certificate *out_certificate);

#endif
