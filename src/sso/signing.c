#include "sso/signing.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"
#include "jose/jws.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define KID_LENGTH 16
#define JWKS_MAX ((size_t)65536)

/* The keys at one moment; immutable but for the count. */
struct key_ring {
    atomic_int references;
    struct arena *arena;
    struct signing_key_list list;
    struct jwk **keys; /* one per item of the list */
    struct str *public_texts;
};

struct signing {
    struct store *store;
    pthread_mutex_t lock; /* guards the pointer only; held for an increment */
    struct key_ring *current;
    pthread_mutex_t making; /* so that one thread, not all, makes the first key */
};

/* ---- rings ---- */

static void ring_release(struct key_ring **ring)
{
    if (*ring != NULL && atomic_fetch_sub(&(*ring)->references, 1) == 1) {
        for (size_t i = 0; i < (*ring)->list.count; i++)
            jwk_free(&(*ring)->keys[i]);
        arena_free(&(*ring)->arena);
        free(*ring);
    }
    *ring = NULL;
}

static enum outcome ring_read(struct store *store, struct key_ring **out_ring)
{
    struct failure failure = {""};
    struct key_ring *ring = calloc(1, sizeof *ring);
    if (ring == NULL)
        abort();
    ring->references = 1;
    ring->arena = arena_new();
    if (signing_key_list(store, clock_now(), true, ring->arena, &ring->list) != OK) {
        ring->list.count = 0;
        ring_release(&ring);
        return FAILED;
    }
    ring->keys = arena_array_of(ring->arena, ring->list.count, struct jwk *);
    ring->public_texts = arena_array_of(ring->arena, ring->list.count, struct str);
    for (size_t i = 0; i < ring->list.count; i++) {
        const struct signing_key *key = &ring->list.items[i];
        if (jwk_parse_private(key->private_jwk, &ring->keys[i], &failure) != OK ||
            jwk_export(ring->keys[i], ring->arena, false, &ring->public_texts[i]) != OK) {
            log_error("signing_key_unusable", LOG_STR("kid", key->kid), LOG_C("cause", failure.text));
            ring_release(&ring);
            return FAILED;
        }
    }
    *out_ring = ring;
    return OK;
}

static const struct jwk *active_key(const struct key_ring *ring)
{
    int64_t now = clock_now();
    for (size_t i = 0; i < ring->list.count; i++)
        if (signing_key_state(&ring->list, i, now) == SIGNING_KEY_ACTIVE)
            return ring->keys[i];
    return NULL;
}

static bool is_same(const struct signing_key_list *a, const struct signing_key_list *b)
{
    bool are_same = a->count == b->count;
    for (size_t i = 0; are_same && i < a->count; i++)
        are_same = str_equal(a->items[i].kid, b->items[i].kid) &&
                   a->items[i].active_at == b->items[i].active_at &&
                   a->items[i].ends_at == b->items[i].ends_at;
    return are_same;
}

/* ---- the current ring ---- */

struct signing *signing_new(struct store *store)
{
    struct signing *signing = calloc(1, sizeof *signing);
    if (signing == NULL)
        abort();
    signing->store = store;
    pthread_mutex_init(&signing->lock, NULL);
    pthread_mutex_init(&signing->making, NULL);
    return signing;
}

void signing_free(struct signing **signing)
{
    if (signing == NULL || *signing == NULL)
        return;
    ring_release(&(*signing)->current);
    pthread_mutex_destroy(&(*signing)->lock);
    pthread_mutex_destroy(&(*signing)->making);
    free(*signing);
    *signing = NULL;
}

/* NULL before the first use. */
static struct key_ring *ring_acquire(struct signing *signing)
{
    pthread_mutex_lock(&signing->lock);
    struct key_ring *ring = signing->current;
    if (ring != NULL)
        atomic_fetch_add(&ring->references, 1);
    pthread_mutex_unlock(&signing->lock);
    return ring;
}

static enum outcome replace(struct signing *signing)
{
    struct key_ring *fresh;
    if (ring_read(signing->store, &fresh) != OK)
        return FAILED;
    pthread_mutex_lock(&signing->lock);
    struct key_ring *old = signing->current;
    signing->current = fresh;
    pthread_mutex_unlock(&signing->lock);
    ring_release(&old);
    return OK;
}

void signing_refresh(struct signing *signing)
{
    struct key_ring *ring = ring_acquire(signing);
    if (ring == NULL)
        return; /* nothing was signed here yet: the first use reads them */
    struct arena *arena = arena_new();
    struct signing_key_list list;
    if (signing_key_list(signing->store, clock_now(), false, arena, &list) == OK &&
        !is_same(&list, &ring->list) && replace(signing) == OK)
        log_info("signing_keys_loaded", LOG_INT("keys", (int64_t)list.count));
    arena_free(&arena);
    ring_release(&ring);
}

enum outcome signing_make_key(struct arena *arena, struct signing_key *out_key, struct failure *failure)
{
    struct jwk *key;
    struct str kid = str_slice(rand_token(arena), 0, KID_LENGTH);
    if (jwk_generate(SIGNING_ALG, arena_strndup(arena, kid.data, kid.length), &key, failure) != OK)
        return FAILED;
    *out_key = (struct signing_key){.kid = kid, .alg = STR(SIGNING_ALG)};
    enum outcome outcome = jwk_export(key, arena, true, &out_key->private_jwk);
    jwk_free(&key);
    return outcome == OK ? OK : failure_set(failure, "the new key cannot be written down");
}

static enum outcome make_first(struct signing *signing)
{
    struct arena *arena = arena_new();
    struct failure failure = {""};
    struct signing_key key;
    enum outcome outcome = signing_make_key(arena, &key, &failure);
    if (outcome != OK)
        log_error("signing_key_not_made", LOG_C("cause", failure.text));
    else
        outcome = signing_key_first(signing->store, &key, clock_now());
    if (outcome == OK)
        log_info("signing_key_made", LOG_STR("kid", key.kid));
    arena_free(&arena);
    return outcome == FAILED ? FAILED : OK; /* ABSENT: another node was first */
}

/* A ring that has an active key: the one at hand, the store's, or after the first key was made. */
static enum outcome ring_ready(struct signing *signing, struct key_ring **out_ring)
{
    *out_ring = ring_acquire(signing);
    if (*out_ring != NULL && active_key(*out_ring) != NULL)
        return OK;
    ring_release(out_ring);
    pthread_mutex_lock(&signing->making);
    enum outcome outcome = replace(signing);
    if (outcome == OK) {
        *out_ring = ring_acquire(signing);
        if (active_key(*out_ring) == NULL) {
            ring_release(out_ring);
            outcome = make_first(signing) == OK ? replace(signing) : FAILED;
        }
    }
    pthread_mutex_unlock(&signing->making);
    if (outcome == OK && *out_ring == NULL)
        *out_ring = ring_acquire(signing);
    return outcome;
}

/* ---- what it is for ---- */

enum outcome signing_sign(struct signing *signing, const char *type, const json_t *claims,
                          struct arena *arena, struct str *out_token, struct failure *failure)
{
    struct key_ring *ring;
    if (ring_ready(signing, &ring) != OK)
        return failure_set(failure, "the signing keys cannot be had");
    const struct jwk *key = active_key(ring);
    enum outcome outcome = key != NULL ? jws_sign(key, SIGNING_ALG, type, claims, arena, out_token, failure)
                                       : failure_set(failure, "no signing key is active");
    ring_release(&ring);
    return outcome;
}

enum outcome signing_jwks(struct signing *signing, struct arena *arena, struct str *out_json)
{
    struct key_ring *ring;
    if (ring_ready(signing, &ring) != OK)
        return FAILED;
    int64_t now = clock_now();
    struct buf json = buf_new(arena, JWKS_MAX);
    buf_append_c(&json, "{\"keys\":[");
    for (size_t i = 0, shown = 0; i < ring->list.count; i++) {
        if (signing_key_state(&ring->list, i, now) == SIGNING_KEY_ENDED)
            continue;
        buf_append_c(&json, shown++ > 0 ? "," : "");
        buf_append(&json, ring->public_texts[i]);
    }
    buf_append_c(&json, "]}");
    ring_release(&ring);
    *out_json = buf_str(&json);
    return json.overflowed ? FAILED : OK;
}

enum outcome signing_verify(struct signing *signing, struct str token, json_t **out_claims)
{
    static const char *const algs[] = {SIGNING_ALG};
    const struct jws_options options = {.algs = algs, .alg_count = 1};
    struct arena *arena = arena_new();
    struct jwk_set *keys = NULL;
    struct failure failure;
    struct str json;
    enum outcome outcome = FAILED;
    if (signing_jwks(signing, arena, &json) == OK && jwk_set_parse(json, &keys, &failure) == OK) {
        outcome = jws_verify(token, keys, &options, out_claims, NULL, &failure) == JWS_OK ? OK : ABSENT;
        jwk_set_free(&keys);
    }
    arena_free(&arena);
    return outcome;
}
