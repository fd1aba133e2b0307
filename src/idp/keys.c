#include "idp/keys.h"

static enum idp_result keys_parse(const struct document_source *source, bool is_http_allowed, struct str body,
                                  void **out_value, struct failure *failure)
{
    (void)source;
    (void)is_http_allowed;
    struct jwk_set *set = NULL;
    if (jwk_set_parse(body, &set, failure) != OK)
        return IDP_KEYS_UNUSABLE;
    if (jwk_set_count(set) == 0) {
        failure_set(failure, "none of its %zu keys can be used for signatures", jwk_set_left_out(set));
        jwk_set_free(&set);
        return IDP_KEYS_UNUSABLE;
    }
    *out_value = set;
    return IDP_OK;
}

static void keys_free(void *value)
{
    struct jwk_set *set = value;
    jwk_set_free(&set);
}

/* MET-6; the background refresh shortly before the hour is up spares a login the wait. */
static const struct document_kind keys_kind = {
    .name = "keys",
    .refresh_after_s = 3000,
    .fresh_s = 3600,
    .stale_s = 86400,
    .unreachable = IDP_KEYS_UNREACHABLE,
    .refused = IDP_KEYS_UNREACHABLE,
    .parse = keys_parse,
    .free_value = keys_free,
};

enum idp_result keys_open(struct document_cache *cache, const struct idp_connection *connection,
                          const struct provider *provider, struct keys *out_keys, struct failure *failure)
{
    *out_keys = (struct keys){.cache = cache};
    if (provider->jwks_uri == NULL)
        return IDP_OK;
    out_keys->source = (struct document_source){connection->id,
                                                provider->jwks_uri,
                                                connection->issuer,
                                                connection->ca_file,
                                                connection->is_private_allowed,
                                                connection->answer_by_ms};
    return document_get(cache, &keys_kind, &out_keys->source, &out_keys->document, failure);
}

enum outcome keys_renew(struct keys *keys, struct failure *failure)
{
    if (keys->document == NULL)
        return ABSENT;
    struct document *newer = NULL;
    enum outcome outcome =
        document_renew(keys->cache, &keys_kind, &keys->source, keys->document, &newer, failure);
    if (outcome != OK)
        return outcome;
    document_release(&keys->document);
    keys->document = newer;
    return OK;
}

const struct jwk_set *keys_current(const struct keys *keys)
{
    return keys->document ? document_value(keys->document) : NULL;
}

void keys_close(struct keys *keys)
{
    document_release(&keys->document);
}
