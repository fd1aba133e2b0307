/* Logout tokens (OUT-4), each with one rule broken, and the address where a session ends at the provider
 * (OUT-2). */
#include "idp/logout.h"

#include "scene.h"

/* One token on trial: a sound one, until a test changes something. */
struct trial {
    json_t *claims;
    const char *type;
    const struct jwk *signer;
    struct logout_token token;
};

static struct trial sound(void)
{
    return (struct trial){
        .claims =
            json_pack("{s:s, s:s, s:I, s:I, s:s, s:s, s:s, s:{s:{}}}", "iss", issuer, "aud", CLIENT, "iat",
                      (json_int_t)clock_now(), "exp", (json_int_t)(clock_now() + 120), "jti", "j-1", "sub",
                      "u-1", "sid", "s-1", "events", "http://schemas.openid.net/event/backchannel-logout"),
        .type = "logout+jwt",
        .signer = key,
    };
}

static enum idp_result read_text(struct str text, struct logout_token *out_token)
{
    failure.text[0] = '\0';
    enum idp_result result = logout_token_read(idp, &connection, text, arena, out_token, &failure);
    if (result != IDP_OK)
        assert_true(failure.text[0] != '\0');
    return result;
}

/* Signs, reads and releases the claims. */
static enum idp_result verdict(struct trial *trial)
{
    struct str text;
    assert_int_equal(jws_sign(trial->signer, "ES256", trial->type, trial->claims, arena, &text, &failure),
                     OK);
    json_decref(trial->claims);
    return read_text(text, &trial->token);
}

static enum idp_result with_claim(const char *name, json_t *value)
{
    struct trial trial = sound();
    if (value == NULL)
        json_object_del(trial.claims, name);
    else
        json_object_set_new(trial.claims, name, value);
    return verdict(&trial);
}

static enum idp_result with_type(const char *type)
{
    struct trial trial = sound();
    trial.type = type;
    return verdict(&trial);
}

static void a_sound_token_is_believed(void **state)
{
    (void)state;
    struct trial trial = sound();
    assert_int_equal(verdict(&trial), IDP_OK);
    assert_true(str_equal(trial.token.subject, STR("u-1")) && str_equal(trial.token.sid, STR("s-1")) &&
                str_equal(trial.token.jti, STR("j-1")));
    /* As long as any clock of ours would take it (IDT-10 and the skew between nodes). */
    assert_true(trial.token.accepted_until > clock_now() + 600 &&
                trial.token.accepted_until <= clock_now() + 1000);
}

static void sub_or_sid_is_enough_and_one_is_needed(void **state)
{
    (void)state;
    struct trial trial = sound();
    json_object_del(trial.claims, "sid");
    assert_int_equal(verdict(&trial), IDP_OK);
    assert_true(str_equal(trial.token.subject, STR("u-1")) && trial.token.sid.length == 0);
    trial = sound();
    json_object_del(trial.claims, "sub");
    assert_int_equal(verdict(&trial), IDP_OK);
    assert_true(trial.token.subject.length == 0 && str_equal(trial.token.sid, STR("s-1")));
    trial = sound();
    json_object_del(trial.claims, "sub");
    json_object_del(trial.claims, "sid");
    assert_int_equal(verdict(&trial), IDP_LOGOUT_SUBJECT);
    assert_int_equal(with_claim("sid", json_string("")), IDP_ID_TOKEN_MALFORMED);
    assert_int_equal(with_claim("sid", json_integer(1)), IDP_ID_TOKEN_MALFORMED);
    assert_int_equal(with_claim("sid", json_null()), IDP_ID_TOKEN_MALFORMED);
    assert_int_equal(with_claim("sub", json_true()), IDP_ID_TOKEN_MALFORMED);
    assert_int_equal(with_claim("sub", json_string("u\n1")), IDP_ID_TOKEN_SUB);
}

static void a_claim_that_is_wrong_is_refused_by_its_rule(void **state)
{
    (void)state;
    int64_t now = clock_now();
    assert_int_equal(with_claim("iss", json_string("https://other.example")), IDP_ID_TOKEN_ISS);
    assert_int_equal(with_claim("iss", NULL), IDP_ID_TOKEN_ISS);
    assert_int_equal(with_claim("aud", json_string("another")), IDP_ID_TOKEN_AUD);
    assert_int_equal(with_claim("aud", NULL), IDP_ID_TOKEN_AUD);
    assert_int_equal(with_claim("aud", json_pack("[s, s]", CLIENT, "another")), IDP_ID_TOKEN_AUD);
    assert_int_equal(with_claim("aud", json_pack("[s]", CLIENT)), IDP_OK);
    assert_int_equal(with_claim("iat", NULL), IDP_ID_TOKEN_CLAIM_MISSING);
    assert_int_equal(with_claim("iat", json_string("now")), IDP_ID_TOKEN_MALFORMED);
    assert_int_equal(with_claim("iat", json_real(1e300)), IDP_ID_TOKEN_MALFORMED);
    assert_int_equal(with_claim("iat", json_integer(now - 601)), IDP_ID_TOKEN_IAT);
    assert_int_equal(with_claim("iat", json_integer(now + 90)), IDP_ID_TOKEN_IAT);
    assert_int_equal(with_claim("exp", NULL), IDP_OK); /* only when it is there */
    assert_int_equal(with_claim("exp", json_integer(now - 61)), IDP_ID_TOKEN_EXP);
    assert_int_equal(with_claim("jti", NULL), IDP_LOGOUT_JTI);
    assert_int_equal(with_claim("jti", json_string("")), IDP_ID_TOKEN_MALFORMED);
    assert_int_equal(with_claim("jti", json_integer(7)), IDP_ID_TOKEN_MALFORMED);
    assert_int_equal(with_claim("nonce", json_string("n-1")), IDP_LOGOUT_NONCE);
    assert_int_equal(with_claim("nonce", json_null()), IDP_LOGOUT_NONCE);
}

static void the_event_must_be_a_logout(void **state)
{
    (void)state;
    static const char *const event = "http://schemas.openid.net/event/backchannel-logout";
    assert_int_equal(with_claim("events", NULL), IDP_LOGOUT_EVENT);
    assert_int_equal(with_claim("events", json_object()), IDP_LOGOUT_EVENT);
    assert_int_equal(with_claim("events", json_string(event)), IDP_LOGOUT_EVENT);
    assert_int_equal(with_claim("events", json_pack("[s]", event)), IDP_LOGOUT_EVENT);
    assert_int_equal(with_claim("events", json_pack("{s:b}", event, 1)), IDP_LOGOUT_EVENT);
    assert_int_equal(with_claim("events", json_pack("{s:{}}", "http://schemas.openid.net/event/other")),
                     IDP_LOGOUT_EVENT);
    assert_int_equal(with_claim("events", json_pack("{s:{}, s:{}}", event, "https://other.example")), IDP_OK);
}

static void the_type_is_absent_jwt_or_logout_jwt(void **state)
{
    (void)state;
    assert_int_equal(with_type(NULL), IDP_OK);
    assert_int_equal(with_type("JWT"), IDP_OK);
    assert_int_equal(with_type("logout+jwt"), IDP_OK);
    assert_int_equal(with_type("at+jwt"), IDP_ID_TOKEN_MALFORMED);
    assert_int_equal(with_type("secevent+jwt"), IDP_ID_TOKEN_MALFORMED);
}

static void a_signature_of_somebody_else_is_refused(void **state)
{
    (void)state;
    struct logout_token token;
    struct jwk *stranger = make_key("k-1");
    struct trial trial = sound();
    trial.signer = stranger;
    assert_int_equal(verdict(&trial), IDP_ID_TOKEN_SIGNATURE);
    jwk_free(&stranger);
    /* {"alg":"none"} */
    assert_int_equal(read_text(STR("eyJhbGciOiJub25lIn0.e30.AAAA"), &token), IDP_ID_TOKEN_ALG);
    assert_int_equal(read_text(STR(""), &token), IDP_ID_TOKEN_MALFORMED);
    assert_int_equal(read_text(STR("a.b.c.d.e"), &token), IDP_ID_TOKEN_ENCRYPTED);
}

/* MET-7: an unknown kid is looked for once, and then not again for a minute. */
static void a_new_key_is_fetched_once(void **state)
{
    (void)state;
    struct trial trial = sound();
    assert_int_equal(verdict(&trial), IDP_OK);
    struct jwk *fresh = make_key("k-2"), *unknown = make_key("k-3");
    publish_keys(fresh);
    trial = sound();
    trial.signer = fresh;
    assert_int_equal(verdict(&trial), IDP_OK);
    int fetched = fake_calls(&fake, "/jwks");
    trial = sound();
    trial.signer = unknown;
    assert_int_equal(verdict(&trial), IDP_ID_TOKEN_KEY);
    assert_int_equal(fake_calls(&fake, "/jwks"), fetched);
    jwk_free(&fresh);
    jwk_free(&unknown);
}

/* OUT-6: who must answer soon does not wait for a slow provider, whose fetch goes on meanwhile. */
static void who_must_answer_soon_does_not_wait_for_a_slow_provider(void **state)
{
    (void)state;
    fake_delay(&fake, "/jwks", 700);
    int64_t start_ms = clock_monotonic_ms();
    connection.answer_by_ms = start_ms + 200;
    struct trial trial = sound();
    assert_int_equal(verdict(&trial), IDP_KEYS_UNREACHABLE);
    int64_t took_ms = clock_monotonic_ms() - start_ms;
    assert_true(took_ms >= 190 && took_ms < 600);
    connection.answer_by_ms = clock_monotonic_ms() + 5000;
    trial = sound();
    assert_int_equal(verdict(&trial), IDP_OK);
    assert_int_equal(fake_calls(&fake, "/jwks"), 1);
}

static void the_rules_that_were_kept_are_told(void **state)
{
    (void)state;
    const char *const *names;
    size_t count = logout_token_rules(&names);
    assert_int_equal(logout_token_rules_kept(IDP_OK), count);
    assert_string_equal(names[logout_token_rules_kept(IDP_ID_TOKEN_ALG)], "alg");
    assert_string_equal(names[logout_token_rules_kept(IDP_ID_TOKEN_CLAIM_MISSING)], "iat");
    assert_string_equal(names[logout_token_rules_kept(IDP_LOGOUT_SUBJECT)], "sub");
    assert_string_equal(names[logout_token_rules_kept(IDP_LOGOUT_NONCE)], "nonce");
    assert_int_equal(logout_token_rules_kept(IDP_KEYS_UNREACHABLE), 0);
}

/* ---- the end-session address ---- */

static const struct end_session sound_end = {
    .id_token_hint = STR("aaa.bbb.ccc"),
    .post_logout_redirect_uri = STR("https://sluis.example/sso/openidconnect/a_b/logged-out"),
    .state = STR("s-1"),
};

static void publish_end_session(const char *url)
{
    json_t *metadata = sound_metadata();
    json_object_set_new(metadata, "end_session_endpoint", json_string(url));
    publish(METADATA_PATH, metadata);
}

static enum idp_result address(const struct end_session *end, const char **out_url, bool *out_has_hint)
{
    return logout_end_session_url(idp, &connection, end, arena, out_url, out_has_hint, &failure);
}

static void the_address_is_of_the_metadata_with_its_parameters(void **state)
{
    (void)state;
    const char *url;
    bool has_hint;
    const char *endpoint = arena_printf(arena, "%s/logout?tenant=1", issuer);
    publish_end_session(endpoint);
    assert_int_equal(address(&sound_end, &url, &has_hint), IDP_OK);
    assert_true(has_hint);
    assert_string_equal(
        url, arena_printf(arena,
                          "%s&client_id=sluis-client&post_logout_redirect_uri=https%%3A%%2F%%2Fsluis.example"
                          "%%2Fsso%%2Fopenidconnect%%2Fa_b%%2Flogged-out&state=s-1&id_token_hint=aaa.bbb.ccc",
                          endpoint));
}

static void the_override_wins(void **state)
{
    (void)state;
    const char *url;
    bool has_hint;
    publish_end_session("https://other.example/logout");
    connection.end_session_endpoint = "https://login.example/uit";
    assert_int_equal(address(&sound_end, &url, &has_hint), IDP_OK);
    assert_memory_equal(url, "https://login.example/uit?client_id=", 36);
}

static void no_address_or_an_unsafe_one_is_none_and_a_login_goes_on(void **state)
{
    (void)state;
    const char *url;
    bool has_hint;
    assert_int_equal(address(&sound_end, &url, &has_hint), IDP_ENDPOINT_MISSING);
    connection.end_session_endpoint = "javascript:alert(1)";
    assert_int_equal(address(&sound_end, &url, &has_hint), IDP_ENDPOINT_MISSING);
    started();
}

static void a_hint_that_is_too_long_is_left_out(void **state)
{
    (void)state;
    const char *url;
    bool has_hint;
    char long_text[9000];
    memset(long_text, 'a', sizeof long_text);
    struct end_session end = sound_end;
    end.id_token_hint = str_of(long_text, sizeof long_text);
    publish_end_session("https://login.example/uit");
    assert_int_equal(address(&end, &url, &has_hint), IDP_OK);
    assert_false(has_hint);
    assert_null(strstr(url, "id_token_hint"));
    assert_non_null(strstr(url, "client_id=sluis-client"));
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, scene_open, scene_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE(a_sound_token_is_believed),
        SCENE(sub_or_sid_is_enough_and_one_is_needed),
        SCENE(a_claim_that_is_wrong_is_refused_by_its_rule),
        SCENE(the_event_must_be_a_logout),
        SCENE(the_type_is_absent_jwt_or_logout_jwt),
        SCENE(a_signature_of_somebody_else_is_refused),
        SCENE(a_new_key_is_fetched_once),
        SCENE(who_must_answer_soon_does_not_wait_for_a_slow_provider),
        SCENE(the_rules_that_were_kept_are_told),
        SCENE(the_address_is_of_the_metadata_with_its_parameters),
        SCENE(the_override_wins),
        SCENE(no_address_or_an_unsafe_one_is_none_and_a_login_goes_on),
        SCENE(a_hint_that_is_too_long_is_left_out),
    };
    return cmocka_run_group_tests(tests, scene_prepare, scene_end);
}
