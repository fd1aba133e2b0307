/*
 * The scene of the network tests: a fake provider with sound metadata and one key, a connection to it, and a
 * clock that the test can move.
 */
#ifndef TEST_SCENE_H
#define TEST_SCENE_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/rand.h"
#include "fake_provider.h"
#include "http/client.h"
#include "idp/login.h"
#include "jose/jws.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/mman.h>

#include <cmocka.h>

#define METADATA_PATH "/.well-known/openid-configuration"
#define REDIRECT_URI "https://sluis.example/oauth/callback"
#define CLIENT "sluis-client"
#define ACCESS_TOKEN "at-1.secret"

static struct arena *arena;
static struct fake_provider fake;
static struct idp *idp;
static struct jwk *key;
static struct idp_connection connection;
static const char *issuer;
static volatile int64_t *clock_offset;
static struct failure failure;
static struct idp_report report; /* of the last start or finish */

static inline void move_clock(int64_t seconds)
{
    *clock_offset += seconds;
}

static inline json_t *sound_metadata(void)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:[s]}", "issuer", issuer, "authorization_endpoint",
                     arena_printf(arena, "%s/authorize", issuer), "token_endpoint",
                     arena_printf(arena, "%s/token", issuer), "jwks_uri",
                     arena_printf(arena, "%s/jwks", issuer), "userinfo_endpoint",
                     arena_printf(arena, "%s/userinfo", issuer), "response_types_supported", "code");
}

/* Publishes the document and releases it. */
static inline void publish(const char *path, json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);
    fake_json(&fake, path, text);
    free(text);
    json_decref(json);
}

static inline void publish_keys(const struct jwk *published)
{
    struct str half;
    assert_int_equal(jwk_export(published, arena, false, &half), OK);
    fake_json(&fake, "/jwks", arena_printf(arena, "{\"keys\":[%.*s]}", STR_ARG(half)));
}

static inline struct jwk *make_key(const char *kid)
{
    struct jwk *made = NULL;
    assert_int_equal(jwk_generate("ES256", kid, &made, &failure), OK);
    return made;
}

static inline int scene_open(void **state)
{
    (void)state;
    static const char *const algs[] = {"ES256"};
    const struct idp_settings settings = {.is_http_allowed = true};
    arena = arena_new();
    *clock_offset = 0;
    if (!fake_start(&fake) || idp_new(&settings, &idp) != OK)
        return -1;
    issuer = arena_printf(arena, "http://idp.localhost:%d", fake.port);
    key = make_key("k-1");
    connection = (struct idp_connection){
        .id = "test",
        .issuer = issuer,
        .client_id = CLIENT,
        .client_secret = STR("geheim"),
        .client_auth = IDP_AUTH_AUTO,
        .scope = "openid",
        .signing_algs = algs,
        .signing_alg_count = 1,
        .userinfo = IDP_USERINFO_OFF,
        .is_private_allowed = true,
        .skew_s = 60,
        .max_age_s = -1,
    };
    publish(METADATA_PATH, sound_metadata());
    publish_keys(key);
    return 0;
}

static inline int scene_close(void **state)
{
    (void)state;
    idp_report_free(&report);
    idp_free(&idp);
    fake_stop(&fake);
    jwk_free(&key);
    arena_free(&arena);
    return 0;
}

/* Before the first test: randomness, a quiet log and the movable clock. */
static inline int scene_prepare(void **state)
{
    (void)state;
    char path[] = "/tmp/sluis-clock-XXXXXX";
    int file = mkstemp(path);
    if (rand_init() != OK || file < 0 || ftruncate(file, sizeof(int64_t)) != 0)
        return -1;
    clock_offset = mmap(NULL, sizeof(int64_t), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    log_init(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_LEVEL_ERROR);
    enum outcome outcome = clock_follow_offset_file(path, &failure);
    unlink(path);
    return clock_offset != MAP_FAILED && outcome == OK ? 0 : -1;
}

static inline int scene_end(void **state)
{
    (void)state;
    http_client_thread_end();
    return 0;
}

static inline enum idp_result start(struct idp_attempt *out_attempt, const char **out_url)
{
    failure.text[0] = '\0';
    idp_report_free(&report);
    return idp_start(idp, &connection, REDIRECT_URI, NULL, 0, arena, out_attempt, out_url, &report, &failure);
}

static inline struct idp_attempt started(void)
{
    struct idp_attempt attempt;
    const char *url;
    enum idp_result result = start(&attempt, &url);
    if (result != IDP_OK)
        fail_msg("%s: %s", idp_result_name(result), failure.text);
    return attempt;
}

/* Sound claims for an attempt. */
static inline json_t *claims_for(const struct idp_attempt *attempt)
{
    return json_pack("{s:s, s:s, s:s, s:I, s:I, s:s}", "iss", issuer, "sub", "u-1", "aud", CLIENT, "exp",
                     (json_int_t)(clock_now() + 300), "iat", (json_int_t)clock_now(), "nonce",
                     attempt->nonce.data);
}

/* Puts the answer of the token endpoint in place and releases the claims. */
static inline void grant_signed_by(const struct jwk *signer, json_t *claims)
{
    struct str token;
    assert_int_equal(jws_sign(signer, "ES256", "JWT", claims, arena, &token, &failure), OK);
    json_decref(claims);
    publish("/token", json_pack("{s:s, s:s, s:s%}", "access_token", ACCESS_TOKEN, "token_type", "bearer",
                                "id_token", token.data, token.length));
}

static inline enum idp_result finish(const struct idp_attempt *attempt, const char *query,
                                     struct idp_identity *out_identity)
{
    struct form form;
    failure.text[0] = '\0';
    idp_report_free(&report);
    assert_int_equal(form_parse(arena, str_from_c(query), &form), OK);
    enum idp_result result =
        idp_finish(idp, &connection, attempt, &form, arena, out_identity, &report, &failure);
    if (result != IDP_OK) {
        assert_null(out_identity->claims);
        assert_true(failure.text[0] != '\0');
    }
    return result;
}

/* A callback of which only the result matters. */
static inline enum idp_result outcome_of(const struct idp_attempt *attempt, const char *query)
{
    struct idp_identity identity;
    enum idp_result result = finish(attempt, query, &identity);
    idp_identity_free(&identity);
    return result;
}

#endif
