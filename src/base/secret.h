/*
 * Secrets that live long: in locked, guarded memory (libsodium), wiped on free, never printable, compared in
 * constant time. Short-lived secrets of one request live in its arena, which is wiped. One owner each; any
 * thread may read.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

struct secret;

struct secret *secret_new(struct str value);
void secret_free(struct secret **secret);
/* The bytes, for handing to a cryptographic function or a request body; valid while the secret lives. */
struct str secret_reveal(const struct secret *secret);

/* Constant time in the length of `expected`. */
bool secret_equal(struct str expected, struct str offered);

#endif
