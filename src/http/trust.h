/*
 * trust: the certificates that the servers we call are judged by when no file is named for them: those of the
 * system. To read a hundred and more of them costs sixty times as much as the handshake that asks for them,
 * so they are read once for all threads, and again when the file has changed.
 *
 * Any thread.
 */
#ifndef HTTP_TRUST_H
#define HTTP_TRUST_H

#include "base/err.h"

#include <openssl/ssl.h>

struct trust;

/* A file of certificates and a folder of them by their hash; either may be NULL. Both texts must outlive it.
 * Nothing is read yet. */
struct trust *trust_new(const char *file, const char *directory);
void trust_free(struct trust **trust);

/* The context judges by them, and holds what it needs. FAILED: they cannot be read (any more), and no
 * handshake may go on. */
enum outcome trust_apply(struct trust *trust, SSL_CTX *context) MUST_CHECK;

#endif
