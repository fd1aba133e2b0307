#include "base/vault.h"

#include "base/buf.h"
#include "base/codec.h"
#include "base/rand.h"
#include "base/secret.h"
#include "base/vec.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_BYTES crypto_aead_xchacha20poly1305_ietf_KEYBYTES
#define NONCE_BYTES crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_BYTES crypto_aead_xchacha20poly1305_ietf_ABYTES
#define ID_BYTES ((size_t)4)
#define KEYS_MAX 64
#define FILE_MAX 16384

struct vault_key {
    uint32_t id;
    struct secret *key;
};

struct vault {
    struct vault_key
        keys[KEYS_MAX]; /* ascending ids; the last one seals; those below key_count never change */
    atomic_size_t key_count;
    struct secret *lookup;
};

/* ---- the file ---- */

static enum outcome append_line(const char *path, int flags, const char *line, struct failure *failure)
{
    int file = open(path, O_WRONLY | O_CLOEXEC | flags, 0600);
    if (file < 0)
        return failure_set(failure, "%s: cannot write the key file: %s", path, strerror(errno));
    size_t length = strlen(line);
    bool is_written = write(file, line, length) == (ssize_t)length && fsync(file) == 0;
    int error = errno;
    close(file);
    if (!is_written)
        return failure_set(failure, "%s: cannot write the key file: %s", path, strerror(error));
    return OK;
}

static const char *new_key_text(struct arena *arena)
{
    return rand_token(arena).data; /* 32 random bytes in base64url: the form of a key */
}

enum outcome vault_create_file(const char *path, struct failure *failure)
{
    struct arena *arena = arena_new();
    const char *lines = arena_printf(arena, "lookup %s\n1 %s\n", new_key_text(arena), new_key_text(arena));
    enum outcome outcome = append_line(path, O_CREAT | O_EXCL, lines, failure);
    arena_free(&arena);
    return outcome;
}

enum outcome vault_rotate_file(const char *path, struct failure *failure)
{
    struct vault *vault = NULL;
    if (vault_load(path, &vault, failure) != OK)
        return FAILED;
    struct arena *arena = arena_new();
    enum outcome outcome;
    if (vault->key_count == KEYS_MAX)
        outcome =
            failure_set(failure, "%s: holds %d encryption keys already; remove the oldest unused one first",
                        path, KEYS_MAX);
    else
        outcome = append_line(
            path, O_APPEND,
            arena_printf(arena, "%" PRId64 " %s\n", vault_active_key(vault) + 1, new_key_text(arena)),
            failure);
    arena_free(&arena);
    vault_free(&vault);
    return outcome;
}

static enum outcome read_file(struct arena *arena, const char *path, struct str *out_text,
                              struct failure *failure)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return failure_set(
            failure,
            "%s: cannot open the key file: %s; make one with `sluis keys create`, or put its copy "
            "back",
            path, strerror(errno));
    struct stat status;
    if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) {
        close(file);
        return failure_set(failure, "%s: the key file is not a regular file", path);
    }
    if (status.st_mode & (S_IRWXG | S_IRWXO)) {
        close(file);
        return failure_set(failure, "%s: the key file is open to others (mode %04o); run `chmod 600` on it",
                           path, (unsigned)(status.st_mode & 07777));
    }
    char *text = arena_alloc(arena, FILE_MAX + 1);
    ssize_t length = read(file, text, FILE_MAX + 1);
    close(file);
    if (length < 0 || length > FILE_MAX)
        return failure_set(failure, "%s: cannot read the key file, or it is larger than %d bytes", path,
                           FILE_MAX);
    *out_text = str_of(text, (size_t)length);
    return OK;
}

static enum outcome parse_line(struct vault *vault, struct arena *arena, struct str line)
{
    size_t space = str_find(line, ' ');
    struct str id = str_slice(line, 0, space), key;
    if (codec_base64url_decode(arena, str_slice(line, space + 1, line.length), &key) != OK ||
        key.length != KEY_BYTES)
        return FAILED;
    if (str_equal(id, STR("lookup"))) {
        if (vault->lookup != NULL)
            return FAILED;
        vault->lookup = secret_new(key);
        return OK;
    }
    int64_t number;
    if (str_to_int64(id, &number) != OK || number < 1 || number > UINT32_MAX || vault->key_count == KEYS_MAX)
        return FAILED;
    if (vault->key_count > 0 && number <= vault->keys[vault->key_count - 1].id)
        return FAILED;
    vault->keys[vault->key_count++] = (struct vault_key){(uint32_t)number, secret_new(key)};
    return OK;
}

static enum outcome parse_file(struct vault *vault, struct arena *arena, const char *path, struct str text,
                               struct failure *failure)
{
    int line_number = 0;
    for (struct str line; str_split_next(&text, '\n', &line);) {
        line_number++;
        if (line.length > 0 && line.data[0] != '#' && parse_line(vault, arena, line) != OK)
            return failure_set(
                failure,
                "%s:%d: not a key line (expected an ascending number or `lookup`, a space and 43 "
                "characters of base64url)",
                path, line_number);
    }
    if (vault->key_count == 0 || vault->lookup == NULL)
        return failure_set(failure, "%s: needs at least one numbered key and a `lookup` key", path);
    return OK;
}

enum outcome vault_load(const char *path, struct vault **out_vault, struct failure *failure)
{
    struct vault *vault = calloc(1, sizeof *vault);
    if (vault == NULL)
        abort();
    struct arena *arena = arena_new();
    struct str text;
    enum outcome outcome = read_file(arena, path, &text, failure);
    if (outcome == OK)
        outcome = parse_file(vault, arena, path, text, failure);
    arena_free(&arena);
    if (outcome == OK)
        *out_vault = vault;
    else
        vault_free(&vault);
    return outcome;
}

void vault_free(struct vault **vault)
{
    if (vault == NULL || *vault == NULL)
        return;
    for (size_t i = 0; i < (*vault)->key_count; i++)
        secret_free(&(*vault)->keys[i].key);
    secret_free(&(*vault)->lookup);
    free(*vault);
    *vault = NULL;
}

static bool is_same(const struct secret *a, const struct secret *b)
{
    return secret_equal(secret_reveal(a), secret_reveal(b));
}

/* Whether every key that both have is the same, and the new ones fit behind ours. */
static bool is_continuation(const struct vault *vault, const struct vault *fresh)
{
    size_t count = vault->key_count, added = 0;
    bool is_ours = is_same(vault->lookup, fresh->lookup);
    for (size_t i = 0; i < fresh->key_count; i++) {
        bool is_known = false;
        for (size_t k = 0; k < count; k++)
            if (vault->keys[k].id == fresh->keys[i].id) {
                is_known = true;
                is_ours = is_ours && is_same(vault->keys[k].key, fresh->keys[i].key);
            }
        if (!is_known && fresh->keys[i].id < vault->keys[count - 1].id)
            return false;
        added += !is_known;
    }
    return is_ours && added <= KEYS_MAX - count;
}

enum outcome vault_reload(struct vault *vault, const char *path, struct failure *failure)
{
    struct vault *fresh = NULL;
    if (vault_load(path, &fresh, failure) != OK)
        return FAILED;
    enum outcome outcome = OK;
    if (is_continuation(vault, fresh)) {
        for (size_t i = 0; i < fresh->key_count; i++) {
            size_t count = vault->key_count;
            if (fresh->keys[i].id <= vault->keys[count - 1].id)
                continue;
            vault->keys[count] = fresh->keys[i];
            fresh->keys[i].key = NULL;
            vault->key_count = count + 1; /* after the key is there: readers look below it only */
        }
    } else {
        outcome = failure_set(failure,
                              "%s: has other keys than this process started with; put the right file back, "
                              "or restart when the store is another one too",
                              path);
    }
    vault_free(&fresh);
    return outcome;
}

int64_t vault_active_key(const struct vault *vault)
{
    return vault->keys[vault->key_count - 1].id;
}

size_t vault_key_count(const struct vault *vault)
{
    return vault->key_count;
}

int64_t vault_key_at(const struct vault *vault, size_t index)
{
    return vault->keys[index].id;
}

/* ---- what is done with the keys ---- */

static const unsigned char *bytes_of(struct str s)
{
    return (const unsigned char *)s.data;
}

static void put_id(unsigned char *bytes, uint32_t id)
{
    for (size_t i = 0; i < ID_BYTES; i++)
        bytes[i] = (unsigned char)(id >> (24 - 8 * i));
}

int64_t vault_key_of(struct str sealed)
{
    if (sealed.length < ID_BYTES)
        return 0;
    const unsigned char *bytes = bytes_of(sealed);
    return (int64_t)((uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
                     bytes[3]);
}

struct str vault_key_mark(struct arena *arena, int64_t key)
{
    unsigned char *mark = arena_alloc(arena, ID_BYTES);
    put_id(mark, (uint32_t)key);
    return str_of(mark, ID_BYTES);
}

struct str vault_seal(const struct vault *vault, struct arena *arena, const char *context,
                      struct str plaintext)
{
    const struct vault_key *active = &vault->keys[vault->key_count - 1];
    unsigned char *sealed = arena_alloc(arena, ID_BYTES + NONCE_BYTES + plaintext.length + TAG_BYTES);
    put_id(sealed, active->id);
    rand_bytes(sealed + ID_BYTES, NONCE_BYTES);
    unsigned long long length;
    crypto_aead_xchacha20poly1305_ietf_encrypt(sealed + ID_BYTES + NONCE_BYTES, &length, bytes_of(plaintext),
                                               plaintext.length, (const unsigned char *)context,
                                               strlen(context), NULL, sealed + ID_BYTES,
                                               bytes_of(secret_reveal(active->key)));
    return str_of(sealed, ID_BYTES + NONCE_BYTES + (size_t)length);
}

enum outcome vault_open(const struct vault *vault, struct arena *arena, const char *context,
                        struct str sealed, struct str *out_plaintext)
{
    if (sealed.length < ID_BYTES + NONCE_BYTES + TAG_BYTES)
        return FAILED;
    const unsigned char *bytes = bytes_of(sealed);
    int64_t id = vault_key_of(sealed);
    const struct secret *key = NULL;
    for (size_t i = 0; i < vault->key_count; i++)
        if (vault->keys[i].id == id)
            key = vault->keys[i].key;
    if (key == NULL)
        return FAILED;
    size_t ciphertext_length = sealed.length - ID_BYTES - NONCE_BYTES;
    unsigned char *plaintext = arena_alloc(arena, ciphertext_length - TAG_BYTES + 1);
    unsigned long long length;
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(plaintext, &length, NULL, bytes + ID_BYTES + NONCE_BYTES,
                                                   ciphertext_length, (const unsigned char *)context,
                                                   strlen(context), bytes + ID_BYTES,
                                                   bytes_of(secret_reveal(key))) != 0)
        return FAILED;
    *out_plaintext = str_of(plaintext, (size_t)length);
    return OK;
}

struct str vault_lookup_hash(const struct vault *vault, struct arena *arena, const char *context,
                             struct str value)
{
    unsigned char *hash = arena_alloc(arena, DIGEST_BYTES);
    struct str key = secret_reveal(vault->lookup);
    crypto_generichash_state state;
    crypto_generichash_init(&state, bytes_of(key), key.length, DIGEST_BYTES);
    /* The context goes in with its NUL, so that no context can be the start of another's value. */
    crypto_generichash_update(&state, (const unsigned char *)context, strlen(context) + 1);
    crypto_generichash_update(&state, bytes_of(value), value.length);
    crypto_generichash_final(&state, hash, DIGEST_BYTES);
    sodium_memzero(&state, sizeof state);
    return str_of(hash, DIGEST_BYTES);
}
