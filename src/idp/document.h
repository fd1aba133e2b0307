/*
 * Documents that identity providers publish (metadata, key sets), kept as long as they may be: fetched when
 * first asked for (MET-5), refreshed in the background, served stale while the provider is out of reach
 * (MET-6), not asked for again too soon after a failure.
 *
 * Threads: any; one thread at a time fetches a document, and no lock is held meanwhile. The others get what
 * there is, or wait a bounded time for the first copy. A document is immutable and lives until its last
 * holder releases it.
 */
#ifndef IDP_DOCUMENT_H
#define IDP_DOCUMENT_H

#include "idp/login.h"
#include "idp/report.h"

struct document_cache;
struct document;

/* Where a document comes from; owned by the caller. id, url and issuer together are its key. */
struct document_source {
    const char *id;
    const char *url;
    const char *issuer;
    const char *ca_file;
    bool is_private_allowed;
    int64_t answer_by_ms; /* clock_monotonic_ms(); 0 = as long as it takes; not part of the key */
};

/* Static. Ages in seconds: younger than refresh_after_s is served as it is, younger than fresh_s is served
 * while a refresh goes on in the background, younger than stale_s only when it cannot be fetched. */
struct document_kind {
    const char *name; /* for the log */
    int64_t refresh_after_s;
    int64_t fresh_s;
    int64_t stale_s;
    enum idp_result unreachable; /* no answer, or 5xx; a refused certificate is told apart */
    enum idp_result refused;     /* any other status than 200, or too large */
    /* out_detail holds IDP_DETAIL_MAX bytes, empty at first: see struct idp_document. */
    enum idp_result (*parse)(const struct document_source *source, bool is_http_allowed, struct str body,
                             void **out_value, char *out_detail, struct failure *failure);
    void (*free_value)(void *value);
};

/* Starts the background thread. */
enum outcome document_cache_new(bool is_http_allowed, struct document_cache **out_cache) MUST_CHECK;
/* Nobody may be inside, or hold a document. Waits for a fetch under way in the background (5 s at most). */
void document_cache_free(struct document_cache **cache);

/* IDP_OK: *out_document is to be released. Otherwise a result of the kind, or IDP_CERTIFICATE_INVALID.
 * *out_facts is filled in any case. */
enum idp_result document_get(struct document_cache *cache, const struct document_kind *kind,
                             const struct document_source *source, struct document **out_document,
                             struct idp_document *out_facts, struct failure *failure) MUST_CHECK;

/* A newer copy than `seen`, for when `seen` turned out not to hold what was looked for (MET-7). OK: to be
 * released. ABSENT: none, and not asked for, because it was forced less than a minute ago or is failing.
 * FAILED: asked for in vain. */
enum outcome document_renew(struct document_cache *cache, const struct document_kind *kind,
                            const struct document_source *source, const struct document *seen,
                            struct document **out_document, struct idp_document *out_facts,
                            struct failure *failure) MUST_CHECK;

const void *document_value(const struct document *document);
void document_release(struct document **document); /* NULL is fine */

#endif
