/*
 * vault: the data-at-rest keys of this installation, and the only three things done with them.
 *
 * The key file (mode 0600) has one key per line: an id, a space, 32 bytes in base64url. Lines whose id is a
 * number are encryption keys; the highest number seals, every one opens, so that rotation is "add a line".
 * The line `lookup` is the key of look-up hashes and never rotates by itself. Keys live in locked memory.
 * Any thread; after the load keys are only ever added, by vault_reload.
 *
 * Sealing is XChaCha20-Poly1305 (libsodium, IETF construction) with a random nonce; the context string is
 * authenticated, so that a value sealed for one column or form cannot be opened as another.
 */
#ifndef BASE_VAULT_H
#define BASE_VAULT_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct vault;

/* Makes a new key file with key 1 and a look-up key; FAILED when the file exists or cannot be written
 * durably. */
enum outcome vault_create_file(const char *path, struct failure *failure) MUST_CHECK;
/* Appends a next encryption key; existing values stay readable. */
enum outcome vault_rotate_file(const char *path, struct failure *failure) MUST_CHECK;

/* FAILED on a missing, unreadable, group- or world-accessible, malformed or empty file; the text names file,
 * line and remedy. */
enum outcome vault_load(const char *path, struct vault **out_vault, struct failure *failure) MUST_CHECK;
void vault_free(struct vault **vault);
/* Takes up the encryption keys that the file has got since the load, while other threads use the vault; one
 * thread at a time may do so. What was taken out of the file stays until the next load. FAILED, and nothing
 * is taken up, as vault_load, or when a key or the look-up key is another than the one in use. */
enum outcome vault_reload(struct vault *vault, const char *path, struct failure *failure) MUST_CHECK;

int64_t vault_active_key(const struct vault *vault);
size_t vault_key_count(const struct vault *vault);
/* The number of an encryption key, in ascending order, for index 0 to vault_key_count - 1. */
int64_t vault_key_at(const struct vault *vault, size_t index);

/* key id (4 bytes, big endian) || nonce (24) || ciphertext and tag. */
struct str vault_seal(const struct vault *vault, struct arena *arena, const char *context,
                      struct str plaintext);
/* The number of the key that sealed it; 0 when it is too short to tell. Values with lower numbers are
 * smaller, byte by byte, than the mark of a number. */
int64_t vault_key_of(struct str sealed);
struct str vault_key_mark(struct arena *arena, int64_t key);
/* FAILED when anything was altered, the context differs or the key is gone. */
enum outcome vault_open(const struct vault *vault, struct arena *arena, const char *context,
                        struct str sealed, struct str *out_plaintext) MUST_CHECK;

/* Keyed hash (BLAKE2b-256) for finding a value again without storing it: BSN look-ups. */
struct str vault_lookup_hash(const struct vault *vault, struct arena *arena, const char *context,
                             struct str value);

#endif
