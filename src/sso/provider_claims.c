#include "sso/provider_claims.h"

#include "base/codec.h"
#include "base/log.h"
#include "jose/claims.h"
#include "sso/session_facts.h"
#include "store/sso_user.h"

#define SID_CONTEXT "sso.oidc.sid"
#define ID_TOKEN_PAYLOAD_MAX ((size_t)4096)

struct str provider_sid(const struct professional *door, struct arena *arena, struct str session_digest)
{
    return codec_base64url(arena, vault_lookup_hash(door->vault, arena, SID_CONTEXT, session_digest));
}

enum outcome provider_claims(const struct professional *door, struct arena *arena,
                             const struct provider_grant *grant, const struct provider_session *found,
                             json_t **out_claims)
{
    const struct session *session = &found->session;
    struct sso_user user = {0};
    if (grant->has_email && sso_user_find(door->store, session->user_id, arena, &user) == FAILED)
        return FAILED;
    json_t *claims = json_object();
    json_object_set_new(claims, "sub", json_text(session->user_id));
    if (session->auth_at > 0)
        json_object_set_new(claims, "auth_time", json_integer(session->auth_at));
    if (grant->has_profile && session->display_name.length > 0)
        json_object_set_new(claims, "name", json_text(session->display_name));
    if (grant->has_email && user.email.length > 0)
        json_object_set_new(claims, "email", json_text(user.email));
    json_object_set_new(claims, "permissions", session_facts_list(session->permissions, ' '));
    json_object_set_new(claims, "locations", session_facts_list(session->locations, '\n'));
    json_object_set_new(claims, "groups", session_facts_list(session->groups, '\n'));
    json_object_set_new(claims, "connection", json_text(sso_slug(arena, found->connection)));
    json_object_set_new(claims, "environment", json_text(found->connection->environment));
    json_object_set_new(claims, "landing", json_text(session->landing));
    json_object_set_new(claims, "limited", json_boolean(session->is_limited));
    *out_claims = claims;
    return OK;
}

/* The token comes back in an address, as id_token_hint, and addresses are cut off at 8 KiB. */
static void fit(json_t *claims)
{
    static const char *const lists[] = {"permissions", "locations", "groups"};
    if (json_dumpb(claims, NULL, 0, JSON_COMPACT) <= ID_TOKEN_PAYLOAD_MAX)
        return;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        json_object_del(claims, lists[i]);
}

/* The left half of the digest (OpenID Connect Core 3.1.3.6). */
static struct str at_hash(struct arena *arena, struct str access_token)
{
    return codec_base64url(arena, str_slice(codec_sha256(arena, access_token), 0, DIGEST_BYTES / 2));
}

enum outcome provider_id_token(const struct professional *door, struct arena *arena, struct str issuer,
                               const struct provider_grant *grant, const struct provider_session *found,
                               struct str access_token, int64_t now, struct str *out_token)
{
    const struct session *session = &found->session;
    struct failure failure = {""};
    json_t *claims;
    if (provider_claims(door, arena, grant, found, &claims) != OK)
        return FAILED;
    json_object_set_new(claims, "iss", json_text(issuer));
    json_object_set_new(claims, "aud", json_text(grant->client_id));
    json_object_set_new(claims, "iat", json_integer(now));
    json_object_set_new(claims, "exp", json_integer(now + PROVIDER_ID_TOKEN_LIFETIME_S));
    json_object_set_new(claims, "sid", json_text(provider_sid(door, arena, session->digest)));
    json_object_set_new(claims, "at_hash", json_text(at_hash(arena, access_token)));
    if (session->acr.length > 0)
        json_object_set_new(claims, "acr", json_text(session->acr));
    if (grant->nonce.length > 0)
        json_object_set_new(claims, "nonce", json_text(grant->nonce));
    fit(claims);
    enum outcome outcome = signing_sign(door->signing, "JWT", claims, arena, out_token, &failure);
    json_decref(claims);
    if (outcome != OK)
        log_error("id_token_not_signed", LOG_C("cause", failure.text));
    return outcome;
}
