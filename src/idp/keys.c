#include "idp/keys.h"

#include "base/buf.h"
#include "jose/claims.h"

#include <stdio.h>

static void describe_member(struct buf *text, const json_t *key, const char *name)
{
    struct str value;
    bool is_told = claim_text(key, name, &value) == OK && value.length <= 64 && str_is_printable_ascii(value);
    buf_printf(text, "%s=%.*s ", name, STR_ARG(is_told ? value : STR("-")));
}

/* Error 207: what each key says of itself. */
static void describe_keys(struct str body, char *out_detail)
{
    static const char *const members[] = {"kid", "kty", "use", "alg"};
    struct arena *arena = arena_new();
    struct buf text = buf_new(arena, IDP_DETAIL_MAX);
    json_t *set = NULL, *key;
    size_t index;
    if (json_parse_object(body, &set, NULL) == OK) {
        json_array_foreach(json_object_get(set, "keys"), index, key)
        {
            for (size_t i = 0; json_is_object(key) && i < sizeof members / sizeof *members; i++)
                describe_member(&text, key, members[i]);
        }
    }
    snprintf(out_detail, IDP_DETAIL_MAX, "%.*s", STR_ARG(str_trim(buf_str(&text))));
    json_decref(set);
    arena_free(&arena);
}

static enum idp_result keys_parse(const struct document_source *source, bool is_http_allowed, struct str body,
                                  void **out_value, char *out_detail, struct failure *failure)
{
    (void)source;
    (void)is_http_allowed;
    struct jwk_set *set = NULL;
    if (jwk_set_parse(body, &set, failure) != OK)
        return IDP_KEYS_UNUSABLE;
    if (jwk_set_count(set) == 0) {
        failure_set(failure, "none of its %zu keys can be used for signatures", jwk_set_left_out(set));
        describe_keys(body, out_detail);
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
    return document_get(cache, &keys_kind, &out_keys->source, &out_keys->document, &out_keys->facts, failure);
}

enum outcome keys_renew(struct keys *keys, struct failure *failure)
{
    if (keys->document == NULL)
        return ABSENT;
    struct document *newer = NULL;
    enum outcome outcome =
        document_renew(keys->cache, &keys_kind, &keys->source, keys->document, &newer, &keys->facts, failure);
    if (outcome != OK)
        return outcome;
    document_release(&keys->document);
    keys->document = newer;
    keys->is_renewed = true;
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
