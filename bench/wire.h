/*
 * The load generator's own HTTP/1.1 client: one keep-alive connection, one request at a time, no more than
 * the bench needs, since it shares the cores with what it measures. Answers without Content-Length are
 * refused. One thread per connection.
 */
#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#include <openssl/ssl.h>
#include <stdbool.h>

struct wire; /* a connection; opened at its first call, and again when the server closed it */

/* `tls` NULL = plain. The server is on 127.0.0.1; `host` is what the Host header says. */
struct wire *wire_new(const char *host, unsigned port, SSL_CTX *tls);
void wire_free(struct wire **wire);

/* For mutual TLS: checks the server against the CA, shows this certificate. */
enum outcome wire_tls(const char *ca_file, const char *certificate_file, const char *key_file,
                      SSL_CTX **out_tls, struct failure *failure) MUST_CHECK;

struct wire_answer {
    int status;
    struct str headers; /* whole block, status line included */
    struct str body;
};

/* `headers` are whole lines with CRLF. GET without a form, POST with one. The answer lives in the connection
 * and is gone at the next call. */
enum outcome wire_call(struct wire *wire, struct arena *arena, const char *target, const char *headers,
                       const struct str *form, struct wire_answer *out_answer,
                       struct failure *failure) MUST_CHECK;

/* The `nth` header of this name (lower case), counted from 0; false when there are no more. */
bool wire_header(const struct wire_answer *answer, const char *name, unsigned nth, struct str *out_value);

/* What stands between `before` and `after` in a text; false when it is not there. */
bool wire_between(struct str text, const char *before, const char *after, struct str *out_part);

#endif
