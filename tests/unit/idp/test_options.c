/* What a connection may ask for beyond the usual: a second secret, a signed assertion, no PKCE, userinfo by
 * POST and before the ID token. */
#include "scene.h"

#include "idp/token.h"
#include "jose/claims.h"

/* The text of a form in the body of a request. */
static const char *field(const char *request, const char *name)
{
    const char *body = strstr(request, "\r\n\r\n");
    struct form form;
    struct str value;
    assert_non_null(body);
    assert_int_equal(form_parse(arena, str_from_c(body + 4), &form), OK);
    if (form_get(&form, name, &value) != FORM_ONE)
        return NULL;
    return arena_strndup(arena, value.data ? value.data : "", value.length);
}

/* ---- C19: two active secrets ---- */

static enum idp_result login_once(void)
{
    struct idp_attempt attempt = started();
    grant_signed_by(key, claims_for(&attempt));
    return outcome_of(&attempt, "code=c");
}

static int calls_of_login(enum idp_result expected)
{
    int before = fake_calls(&fake, "/token");
    enum idp_result result = login_once();
    if (result != expected)
        fail_msg("%s: %s", idp_result_name(result), failure.text);
    return fake_calls(&fake, "/token") - before;
}

static void two_secrets(void)
{
    connection.client_auth = IDP_AUTH_POST;
    connection.client_secret = STR("oud");
    connection.second_secret = STR("nieuw");
    connection.version = 7;
}

static void C19_the_second_secret_is_tried_and_remembered(void **state)
{
    (void)state;
    two_secrets();
    assert_int_equal(calls_of_login(IDP_OK), 1);
    assert_int_equal(report.secret_number, 1);
    assert_false(report.is_other_secret_refused);

    fake_insist(&fake, "/token", "client_secret=nieuw");
    assert_int_equal(calls_of_login(IDP_OK), 2);
    assert_int_equal(report.secret_number, 2);
    assert_true(report.is_other_secret_refused);
    assert_int_equal(calls_of_login(IDP_OK), 1);
    assert_int_equal(report.secret_number, 2);
    assert_false(report.is_other_secret_refused);

    /* And back again, if that is what the provider does. */
    fake_insist(&fake, "/token", "client_secret=oud");
    assert_int_equal(calls_of_login(IDP_OK), 2);
    assert_int_equal(calls_of_login(IDP_OK), 1);
    assert_int_equal(report.secret_number, 1);
}

static void C19_another_version_of_the_connection_starts_anew(void **state)
{
    (void)state;
    two_secrets();
    fake_insist(&fake, "/token", "client_secret=nieuw");
    assert_int_equal(calls_of_login(IDP_OK), 2);
    connection.version++;
    assert_int_equal(calls_of_login(IDP_OK), 2);
    assert_int_equal(calls_of_login(IDP_OK), 1);
    connection.id = "another";
    assert_int_equal(calls_of_login(IDP_OK), 2);
}

static void C19_both_refused_is_a_refusal_and_each_is_tried_once(void **state)
{
    (void)state;
    two_secrets();
    fake_insist(&fake, "/token", "client_secret=geen-van-beide");
    assert_int_equal(calls_of_login(IDP_TOKEN_REFUSED), 2);
    assert_int_equal(calls_of_login(IDP_TOKEN_REFUSED), 2);
    connection.second_secret = STR_NONE;
    assert_int_equal(calls_of_login(IDP_TOKEN_REFUSED), 1);
}

/* TOK-4: only an answer about who we are leaves the code unused. */
static void C19_no_other_answer_is_a_reason_to_try_again(void **state)
{
    (void)state;
    const struct {
        int status;
        const char *body;
        enum idp_result result;
    } cases[] = {
        {400, "{\"error\":\"invalid_grant\"}", IDP_TOKEN_REFUSED},
        {400, "{\"error\":\"invalid_request\"}", IDP_TOKEN_REFUSED},
        {401, "{\"error\":\"unauthorized_client\"}", IDP_TOKEN_REFUSED},
        {400, "{\"error\":\"invalid_client_metadata\"}", IDP_TOKEN_REFUSED},
        {400, "{\"error\":\"invalid_client metadata\"}", IDP_TOKEN_REFUSED},
        {400, "{\"error\":\"\"}", IDP_TOKEN_INVALID},
        {400, "{\"error\":\"\",\"error_description\":\"weg\"}", IDP_TOKEN_INVALID},
        {503, "{\"error\":\"\"}", IDP_TOKEN_UNREACHABLE},
        {500, "", IDP_TOKEN_UNREACHABLE},
        {503, "", IDP_TOKEN_UNREACHABLE},
        {0, "", IDP_TOKEN_UNREACHABLE},
        {200, "{}", IDP_TOKEN_ID_TOKEN_MISSING},
    };
    two_secrets();
    struct idp_attempt attempt = started();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int before = fake_calls(&fake, "/token");
        fake_answer(&fake, "/token", cases[i].status, "", cases[i].body, strlen(cases[i].body));
        assert_int_equal(outcome_of(&attempt, "code=c"), cases[i].result);
        assert_int_equal(fake_calls(&fake, "/token") - before, 1);
    }
    fake_answer(&fake, "/token", 401, "", "", 0); /* a bare 401 is about who we are */
    int before = fake_calls(&fake, "/token");
    assert_int_equal(outcome_of(&attempt, "code=c"), IDP_TOKEN_REFUSED);
    assert_int_equal(fake_calls(&fake, "/token") - before, 2);
}

/* ---- private_key_jwt ---- */

static enum outcome sign_with(void *context, const json_t *claims, struct arena *in, struct str *out_token,
                              struct failure *why)
{
    return jws_sign(context, "ES256", "JWT", claims, in, out_token, why);
}

static json_t *verified(const char *assertion, const struct jwk *signer)
{
    static const char *const es256[] = {"ES256"};
    const struct jws_options options = {.algs = es256, .alg_count = 1};
    struct str half;
    struct jwk_set *set = NULL;
    json_t *claims = NULL;
    assert_int_equal(jwk_export(signer, arena, false, &half), OK);
    assert_int_equal(
        jwk_set_parse(str_from_c(arena_printf(arena, "{\"keys\":[%.*s]}", STR_ARG(half))), &set, &failure),
        OK);
    assert_int_equal(jws_verify(str_from_c(assertion), set, &options, &claims, NULL, &failure), JWS_OK);
    jwk_set_free(&set);
    return claims;
}

static void TOK2_a_client_assertion_is_sound_and_never_the_same(void **state)
{
    (void)state;
    struct jwk *own = make_key("own-1");
    connection.client_auth = IDP_AUTH_PRIVATE_KEY_JWT;
    connection.client_secret = STR_NONE;
    connection.signer = (struct idp_signer){sign_with, own};
    const char *last = "";
    for (int i = 0; i < 2; i++) {
        assert_int_equal(login_once(), IDP_OK);
        const char *request = fake_request(&fake, "/token");
        assert_null(strstr(request, "client_secret"));
        assert_null(strstr(request, "Authorization:"));
        assert_string_equal(field(request, "client_id"), CLIENT);
        assert_string_equal(field(request, "client_assertion_type"),
                            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
        json_t *claims = verified(field(request, "client_assertion"), own);
        struct str text;
        int64_t exp, iat;
        assert_int_equal(claim_text(claims, "iss", &text), OK);
        assert_true(str_equal_c(text, CLIENT));
        assert_int_equal(claim_text(claims, "sub", &text), OK);
        assert_true(str_equal_c(text, CLIENT));
        assert_int_equal(claim_text(claims, "aud", &text), OK);
        assert_true(str_equal_c(text, arena_printf(arena, "%s/token", issuer)));
        assert_int_equal(claim_time(claims, "exp", &exp), OK);
        assert_int_equal(claim_time(claims, "iat", &iat), OK);
        assert_true(exp > clock_now() && exp - iat <= 300);
        assert_int_equal(claim_text(claims, "jti", &text), OK);
        assert_false(str_equal_c(text, last));
        last = arena_strndup(arena, text.data, text.length);
        json_decref(claims);
    }
    assert_string_equal(report.token_auth, "private_key_jwt");
    assert_int_equal(report.secret_number, 0);
    jwk_free(&own);
}

static void TOK2_without_a_key_nothing_is_sent(void **state)
{
    (void)state;
    connection.client_auth = IDP_AUTH_PRIVATE_KEY_JWT;
    assert_int_equal(login_once(), IDP_CONNECTION_INVALID);
    assert_int_equal(fake_calls(&fake, "/token"), 0);
}

/* ---- REQ-4: no PKCE ---- */

static void REQ4_without_pkce_neither_challenge_nor_verifier_but_the_nonce(void **state)
{
    (void)state;
    struct idp_attempt attempt;
    const char *url;
    connection.is_pkce_off = true;
    assert_int_equal(start(&attempt, &url), IDP_OK);
    assert_null(strstr(url, "code_challenge"));
    assert_non_null(strstr(url, "&nonce="));
    assert_int_equal(attempt.code_verifier.length, 0);
    grant_signed_by(key, claims_for(&attempt));
    assert_int_equal(outcome_of(&attempt, "code=c"), IDP_OK);
    assert_null(strstr(fake_request(&fake, "/token"), "code_verifier"));
    json_t *claims = claims_for(&attempt);
    json_object_del(claims, "nonce");
    grant_signed_by(key, claims);
    assert_int_equal(outcome_of(&attempt, "code=c"), IDP_ID_TOKEN_NONCE);
}

static void REQ4_an_attempt_keeps_the_verifier_it_was_made_with(void **state)
{
    (void)state;
    struct idp_attempt attempt = started();
    connection.is_pkce_off = true; /* changed while the person was logging in */
    grant_signed_by(key, claims_for(&attempt));
    assert_int_equal(outcome_of(&attempt, "code=c"), IDP_OK);
    assert_string_equal(field(fake_request(&fake, "/token"), "code_verifier"), attempt.code_verifier.data);
}

/* ---- userinfo ---- */

static void UIN1_by_post_the_token_stays_in_the_header(void **state)
{
    (void)state;
    connection.userinfo = IDP_USERINFO_ALWAYS;
    connection.is_userinfo_post = true;
    fake_json(&fake, "/userinfo", "{\"sub\":\"u-1\"}");
    assert_int_equal(login_once(), IDP_OK);
    const char *request = fake_request(&fake, "/userinfo");
    assert_true(strncmp(request, "POST /userinfo ", 15) == 0);
    assert_non_null(strstr(request, "Authorization: Bearer " ACCESS_TOKEN "\r\n"));
    assert_null(strstr(strstr(request, "\r\n\r\n"), ACCESS_TOKEN));
}

static void UIN6_userinfo_may_come_first_but_not_for_who_it_is(void **state)
{
    (void)state;
    connection.userinfo = IDP_USERINFO_ALWAYS;
    for (int i = 0; i < 2; i++) {
        connection.is_userinfo_first = i == 1;
        struct idp_attempt attempt = started();
        json_t *claims = claims_for(&attempt);
        json_object_set_new(claims, "locaties", json_pack("[s]", "uit het token"));
        json_object_set_new(claims, "amr", json_pack("[s]", "pwd"));
        grant_signed_by(key, claims);
        fake_json(&fake, "/userinfo",
                  "{\"sub\":\"u-1\",\"locaties\":[\"uit userinfo\"],\"amr\":[\"otp\"],\"acr\":\"hoog\","
                  "\"iss\":\"https://evil.example\",\"sid\":\"x\",\"nonce\":\"x\",\"auth_time\":1}");
        struct idp_identity identity;
        assert_int_equal(finish(&attempt, "code=c", &identity), IDP_OK);
        const char *location =
            json_string_value(json_array_get(json_object_get(identity.claims, "locaties"), 0));
        assert_string_equal(location, i == 1 ? "uit userinfo" : "uit het token");
        assert_string_equal(json_string_value(json_array_get(json_object_get(identity.claims, "amr"), 0)),
                            "pwd");
        assert_string_equal(json_string_value(json_object_get(identity.claims, "iss")), issuer);
        assert_null(json_object_get(identity.claims, "acr"));
        assert_null(json_object_get(identity.claims, "sid"));
        assert_null(json_object_get(identity.claims, "auth_time"));
        assert_int_equal(identity.acr.length, 0);
        idp_identity_free(&identity);
    }
}

/* Who wants userinfo to count wants it fetched, also when the ID token has the claim that decides. */
static void UIN6_userinfo_that_counts_first_is_always_needed(void **state)
{
    (void)state;
    connection.userinfo = IDP_USERINFO_IF_NEEDED;
    connection.userinfo_claim = "locaties";
    fake_json(&fake, "/userinfo", "{\"sub\":\"u-1\",\"locaties\":[\"uit userinfo\"]}");
    for (int i = 0; i < 2; i++) {
        connection.is_userinfo_first = i == 1;
        struct idp_attempt attempt = started();
        json_t *claims = claims_for(&attempt);
        json_object_set_new(claims, "locaties", json_pack("[s]", "uit het token"));
        grant_signed_by(key, claims);
        struct idp_identity identity;
        assert_int_equal(finish(&attempt, "code=c", &identity), IDP_OK);
        assert_int_equal(fake_calls(&fake, "/userinfo"), i);
        assert_string_equal(json_string_value(json_array_get(json_object_get(report.claims, "locaties"), 0)),
                            "uit het token"); /* CLM-9: the log tells the two apart */
        assert_string_equal(
            json_string_value(json_array_get(json_object_get(identity.claims, "locaties"), 0)),
            i == 1 ? "uit userinfo" : "uit het token");
        idp_identity_free(&identity);
    }
}

/* Of a connection on which userinfo decides, the ID token's locations are not an answer. */
static void UIN5_a_failure_is_fatal_when_userinfo_comes_first(void **state)
{
    (void)state;
    const struct {
        int status;
        const char *body;
        enum idp_result result;
    } cases[] = {
        {500, "", IDP_USERINFO_REFUSED},
        {0, "", IDP_USERINFO_UNREACHABLE},
        {200, "[]", IDP_USERINFO_INVALID},
        {200, "{\"sub\":\"u-2\",\"locaties\":[\"1\"]}", IDP_USERINFO_SUB},
    };
    connection.userinfo = IDP_USERINFO_ALWAYS;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fake_answer(&fake, "/userinfo", cases[i].status, "", cases[i].body, strlen(cases[i].body));
        struct idp_attempt attempt = started();
        json_t *claims = claims_for(&attempt);
        json_object_set_new(claims, "locaties", json_pack("[s]", "uit het token"));
        grant_signed_by(key, claims);
        connection.is_userinfo_first = true;
        connection.userinfo_claim = "locaties";
        assert_int_equal(outcome_of(&attempt, "code=c"), cases[i].result);
        connection.userinfo_claim = NULL; /* nothing that is to come from there */
        assert_int_equal(outcome_of(&attempt, "code=c"), IDP_OK);
        connection.is_userinfo_first = false; /* the ID token decides */
        connection.userinfo_claim = "locaties";
        assert_int_equal(outcome_of(&attempt, "code=c"), IDP_OK);
    }
}

/* ---- 4.11: what the provider calls an error ---- */

static void RED_an_error_of_the_provider_is_told_only_when_it_is_a_code(void **state)
{
    (void)state;
    static const char secret[] = "eyJhbGciOiJFUzI1NiJ9.c2VjcmV0";
    const char *long_code = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const char *const codes[] = {secret, "999990019", "invalid-grant", long_code};
    struct idp_attempt attempt = started();
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        assert_int_equal(outcome_of(&attempt, arena_printf(arena, "error=%s", codes[i])), IDP_ERROR_RESPONSE);
        assert_null(strstr(failure.text, codes[i]));
        assert_non_null(strstr(failure.text, "(not a code)"));
        const char *body = arena_printf(arena, "{\"error\":\"%s\"}", codes[i]);
        fake_answer(&fake, "/token", 400, "", body, strlen(body));
        assert_int_equal(outcome_of(&attempt, "code=c"), IDP_TOKEN_REFUSED);
        assert_null(strstr(failure.text, codes[i]));
        assert_non_null(strstr(failure.text, "(not a code)"));
    }
    assert_int_equal(outcome_of(&attempt, "error=invalid_scope"), IDP_ERROR_RESPONSE);
    assert_non_null(strstr(failure.text, "invalid_scope"));
    fake_answer(&fake, "/token", 400, "", "{\"error\":\"invalid_grant\"}", 25);
    assert_int_equal(outcome_of(&attempt, "code=c"), IDP_TOKEN_REFUSED);
    assert_non_null(strstr(failure.text, "invalid_grant"));
}

int main(void)
{
#define SCENE(test) cmocka_unit_test_setup_teardown(test, scene_open, scene_close)
    const struct CMUnitTest tests[] = {
        SCENE(C19_the_second_secret_is_tried_and_remembered),
        SCENE(C19_another_version_of_the_connection_starts_anew),
        SCENE(C19_both_refused_is_a_refusal_and_each_is_tried_once),
        SCENE(C19_no_other_answer_is_a_reason_to_try_again),
        SCENE(TOK2_a_client_assertion_is_sound_and_never_the_same),
        SCENE(TOK2_without_a_key_nothing_is_sent),
        SCENE(REQ4_without_pkce_neither_challenge_nor_verifier_but_the_nonce),
        SCENE(REQ4_an_attempt_keeps_the_verifier_it_was_made_with),
        SCENE(UIN1_by_post_the_token_stays_in_the_header),
        SCENE(UIN6_userinfo_may_come_first_but_not_for_who_it_is),
        SCENE(UIN6_userinfo_that_counts_first_is_always_needed),
        SCENE(UIN5_a_failure_is_fatal_when_userinfo_comes_first),
        SCENE(RED_an_error_of_the_provider_is_told_only_when_it_is_a_code),
    };
    return cmocka_run_group_tests_name("options", tests, scene_prepare, scene_end);
}
