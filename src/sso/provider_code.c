#include "sso/provider_code.h"

#include "base/codec.h"
#include "jose/claims.h"

#include <assert.h>

#define CODE_CONTEXT "sso.oidc.code"
#define TOKEN_CONTEXT "sso.oidc.token"
#define TAKEN_BACK "sso.oidc.taken_back" /* in the replay table, by the digest of the code */

/* Until no token can live any more it is known which codes were used: they are forgotten REPLAY_KEPT_S after
 * their end. */
static_assert(PROVIDER_TOKEN_LIFETIME_S <= REPLAY_KEPT_S, "a code that was used is known for as long");

static struct str pack(struct arena *arena, const struct provider_grant *grant)
{
    return json_print(
        arena,
        json_pack("{s:o, s:o, s:o, s:o, s:b, s:b, s:o, s:o, s:o, s:o}", "platform",
                  json_text(grant->platform), "environment", json_text(grant->environment), "client_id",
                  json_text(grant->client_id), "session", json_text(codec_base64url(arena, grant->session)),
                  "profile", grant->has_profile, "email", grant->has_email, "redirect_uri",
                  json_text(grant->redirect_uri), "challenge", json_text(grant->code_challenge), "nonce",
                  json_text(grant->nonce), "code", json_text(codec_base64url(arena, grant->code))));
}

static struct str member(struct arena *arena, const json_t *object, const char *name)
{
    struct str text;
    return claim_text(object, name, &text) == OK ? str_copy(arena, text) : STR_NONE;
}

static enum outcome unpack(struct arena *arena, struct str content, struct provider_grant *out_grant)
{
    json_t *object;
    if (json_parse_object(content, &object, NULL) != OK)
        return ABSENT;
    *out_grant = (struct provider_grant){
        .platform = member(arena, object, "platform"),
        .environment = member(arena, object, "environment"),
        .client_id = member(arena, object, "client_id"),
        .has_profile = json_is_true(json_object_get(object, "profile")),
        .has_email = json_is_true(json_object_get(object, "email")),
        .redirect_uri = member(arena, object, "redirect_uri"),
        .code_challenge = member(arena, object, "challenge"),
        .nonce = member(arena, object, "nonce"),
    };
    bool is_read =
        codec_base64url_decode(arena, member(arena, object, "session"), &out_grant->session) == OK &&
        codec_base64url_decode(arena, member(arena, object, "code"), &out_grant->code) == OK;
    json_decref(object);
    return is_read ? OK : ABSENT;
}

struct str provider_code_make(const struct professional *door, struct arena *arena,
                              const struct provider_grant *grant, int64_t now)
{
    return one_time_code_make(door, arena, CODE_CONTEXT, pack(arena, grant), now + PROVIDER_CODE_LIFETIME_S);
}

struct str provider_token_make(const struct professional *door, struct arena *arena,
                               const struct provider_grant *grant, const struct one_time_code *code,
                               int64_t now)
{
    struct provider_grant kept = *grant;
    kept.redirect_uri = kept.code_challenge = kept.nonce = STR_NONE;
    kept.code = code->digest;
    return one_time_code_make(door, arena, TOKEN_CONTEXT, pack(arena, &kept),
                              now + PROVIDER_TOKEN_LIFETIME_S);
}

enum outcome provider_code_open(const struct professional *door, struct arena *arena, struct str code,
                                struct provider_grant *out_grant, struct one_time_code *out_code)
{
    if (one_time_code_open(door, arena, CODE_CONTEXT, code, 0, out_code) != OK)
        return ABSENT;
    return unpack(arena, out_code->content, out_grant);
}

static enum provider_code_verdict take_back(const struct professional *door, const struct one_time_code *code,
                                            int64_t now)
{
    int64_t ends_at = code->expires_at + PROVIDER_TOKEN_LIFETIME_S;
    switch (replay_take(door->store, TAKEN_BACK, code->digest, ends_at, now)) {
    case OK:
    case ABSENT: /* it was, before */
        return PROVIDER_CODE_REPLAYED;
    case FAILED:
        break;
    }
    return PROVIDER_CODE_UNKNOWN;
}

enum provider_code_verdict provider_code_use(const struct professional *door,
                                             const struct one_time_code *code, int64_t now)
{
    bool is_expired = now >= code->expires_at;
    switch (is_expired ? one_time_code_was_used(door, CODE_CONTEXT, code)
                       : one_time_code_use(door, CODE_CONTEXT, code, now)) {
    case OK:
        return is_expired ? take_back(door, code, now) : PROVIDER_CODE_GOOD;
    case ABSENT:
        return is_expired ? PROVIDER_CODE_EXPIRED : take_back(door, code, now);
    case FAILED:
        break;
    }
    return PROVIDER_CODE_UNKNOWN;
}

enum outcome provider_token_open(const struct professional *door, struct arena *arena, struct str token,
                                 struct provider_grant *out_grant, int64_t *out_expires_at)
{
    struct one_time_code sealed;
    if (one_time_code_open(door, arena, TOKEN_CONTEXT, token, 0, &sealed) != OK)
        return ABSENT;
    *out_expires_at = sealed.expires_at;
    return unpack(arena, sealed.content, out_grant);
}

enum outcome provider_token_check(const struct professional *door, const struct provider_grant *grant)
{
    switch (replay_find(door->store, TAKEN_BACK, grant->code)) {
    case OK:
        return ABSENT;
    case ABSENT:
        return OK;
    case FAILED:
        break;
    }
    return FAILED;
}

const struct sso_connection *provider_connection_of(const struct sso_data *data,
                                                    const struct sso_application *application,
                                                    const struct session *session)
{
    for (size_t i = 0; i < data->connection_count; i++) {
        const struct sso_connection *item = &data->connections[i];
        if (str_equal(item->id, session->connection))
            return str_equal(item->status, STR("active")) && provider_serves(application, item) ? item : NULL;
    }
    return NULL;
}

enum outcome provider_session_find(const struct professional *door, struct arena *arena,
                                   const struct sso_data *data, const struct sso_host *host,
                                   const struct provider_grant *grant, int64_t now,
                                   struct provider_session *out_session)
{
    if (!str_equal(grant->platform, host->platform) || !str_equal(grant->environment, host->environment))
        return ABSENT;
    out_session->application = provider_find_application(data, host, grant->client_id);
    if (out_session->application == NULL)
        return ABSENT;
    enum outcome outcome = session_find(door->store, grant->session, now, arena, &out_session->session);
    if (outcome != OK)
        return outcome;
    out_session->connection = provider_connection_of(data, out_session->application, &out_session->session);
    return out_session->connection != NULL ? OK : ABSENT;
}
