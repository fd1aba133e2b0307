/*
 * AES-256-GCM (NIST SP 800-38D) over OpenSSL, for what others encrypted for us; our own data at rest is
 * sealed by base/vault.h. Pure functions; any thread.
 */
#ifndef JOSE_GCM_H
#define JOSE_GCM_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define GCM_KEY_BYTES 32
#define GCM_NONCE_BYTES 12
#define GCM_TAG_BYTES 16

/* `sealed` is nonce || ciphertext || tag. FAILED when anything in it or the associated data was altered, or
 * the key is another one or not 32 bytes. */
enum outcome gcm_open(struct arena *arena, struct str key, struct str associated, struct str sealed,
                      struct str *out_plaintext) MUST_CHECK;
/* With a random nonce: for tests (the simulator has code of its own, which shares no fault with this), and at
 * most 2^32 values per key. */
enum outcome gcm_seal(struct arena *arena, struct str key, struct str associated, struct str plaintext,
                      struct str *out_sealed) MUST_CHECK;

#endif
