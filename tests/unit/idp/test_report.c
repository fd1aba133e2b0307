/* What the report of a login tells: where the metadata came from, what each call came to, and what was wrong.
 */
#include "scene.h"

#include <time.h>

static void a_sound_login_is_told_whole(void **state)
{
    (void)state;
    struct idp_attempt attempt;
    const char *url;
    assert_int_equal(start(&attempt, &url), IDP_OK);
    assert_int_equal(report.metadata.origin, IDP_ORIGIN_FETCHED);
    assert_int_equal(report.metadata.call.status, 200);
    assert_string_equal(report.metadata.call.host, "idp.localhost");
    assert_string_equal(report.token_endpoint, arena_printf(arena, "%s/token", issuer));
    assert_false(report.token.is_made);

    move_clock(5);
    grant_signed_by(key, claims_for(&attempt));
    assert_int_equal(outcome_of(&attempt, "code=c"), IDP_OK);
    assert_int_equal(report.metadata.origin, IDP_ORIGIN_CACHED);
    assert_int_equal(report.metadata.age_s, 5);
    assert_int_equal(report.token.status, 200);
    assert_string_equal(report.token.content_type, "application/json");
    assert_string_equal(report.token_auth, "client_secret_basic");
    assert_int_equal(report.secret_number, 1);
    assert_int_equal(report.token_members.count, 3);
    assert_int_equal(report.keys.origin, IDP_ORIGIN_FETCHED);
    assert_int_equal(report.key_ids.count, 1);
    assert_true(str_equal_c(report.key_ids.items[0], "k-1"));
    assert_false(report.is_refetched);
    assert_false(report.is_userinfo_asked);
    assert_string_equal(json_string_value(json_object_get(report.header, "kid")), "k-1");
    assert_string_equal(json_string_value(json_object_get(report.claims, "sub")), "u-1");
    for (int rule = 1; rule <= IDP_RULES; rule++)
        assert_int_equal(report.rules[rule], rule == 14 ? IDP_RULE_NOT_REACHED : IDP_RULE_KEPT);
}

static void MET11_features_of_the_provider(void **state)
{
    (void)state;
    json_t *metadata = sound_metadata();
    json_object_set_new(metadata, "code_challenge_methods_supported", json_pack("[s, s]", "plain", "S256"));
    json_object_set_new(metadata, "backchannel_logout_supported", json_true());
    json_object_set_new(metadata, "backchannel_logout_session_supported", json_true());
    json_object_set_new(metadata, "authorization_response_iss_parameter_supported", json_false());
    json_object_set_new(metadata, "end_session_endpoint",
                        json_string(arena_printf(arena, "%s/logout", issuer)));
    json_object_set_new(metadata, "token_endpoint_auth_methods_supported",
                        json_pack("[s, s]", "client_secret_post", "private_key_jwt"));
    json_object_set_new(metadata, "id_token_signing_alg_values_supported",
                        json_pack("[s, s, s]", "ES256", "een\nregel", "RS256"));
    publish(METADATA_PATH, metadata);
    started();
    assert_true(report.features.has_pkce_s256);
    assert_true(report.features.has_backchannel_logout);
    assert_true(report.features.has_backchannel_session);
    assert_false(report.features.has_frontchannel_logout);
    assert_false(report.features.has_response_iss);
    assert_true(report.features.has_end_session);
    assert_string_equal(report.features.auth_methods, "client_secret_post private_key_jwt");
    assert_string_equal(report.features.signing_algs, "ES256 RS256");
}

static void MET6_stale_metadata_are_called_so(void **state)
{
    (void)state;
    started();
    fake_status(&fake, METADATA_PATH, 503);
    move_clock(25 * 3600);
    started();
    assert_int_equal(report.metadata.origin, IDP_ORIGIN_STALE);
    assert_true(report.metadata.age_s >= 25 * 3600);
    assert_int_equal(report.metadata.call.status, 503);
}

/* MET-12, of the last answer that had a date. */
static void MET12_drift_of_the_clocks(void **state)
{
    (void)state;
    char header[128];
    int64_t drift;
    time_t ahead = time(NULL) + 90;
    struct tm parts;
    struct idp_attempt attempt = started();
    assert_false(idp_report_drift(&report, &drift));
    strftime(header, sizeof header, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", gmtime_r(&ahead, &parts));
    fake_answer(&fake, "/token", 400, header, "{}", 2);
    assert_int_equal(outcome_of(&attempt, "code=c"), IDP_TOKEN_INVALID);
    assert_true(idp_report_drift(&report, &drift));
    assert_true(drift >= 88 && drift <= 90);
}

static void MET12_drift_is_kept_while_the_provider_is_away(void **state)
{
    (void)state;
    char header[128];
    int64_t drift;
    time_t behind = time(NULL) - 45;
    struct tm parts;
    json_t *metadata = sound_metadata();
    char *text = json_dumps(metadata, JSON_COMPACT);
    strftime(header, sizeof header, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", gmtime_r(&behind, &parts));
    fake_answer(&fake, METADATA_PATH, 200, header, text, strlen(text));
    free(text);
    json_decref(metadata);
    started();
    assert_true(idp_report_drift(&report, &drift));
    assert_true(drift <= -45 && drift >= -47);
    fake_set_down(&fake, true);
    move_clock(25 * 3600);
    started();
    assert_int_equal(report.metadata.origin, IDP_ORIGIN_STALE);
    assert_true(idp_report_drift(&report, &drift));
    assert_true(drift <= -45 && drift >= -47);
}

static enum idp_result start_result(void)
{
    struct idp_attempt attempt;
    const char *url;
    return start(&attempt, &url);
}

static void what_is_wrong_with_metadata(void **state)
{
    (void)state;
    json_t *metadata = sound_metadata();
    json_object_set_new(metadata, "issuer", json_string("https://ander.example"));
    publish(METADATA_PATH, metadata);
    assert_int_equal(start_result(), IDP_ISSUER_DIFFERS);
    assert_string_equal(report.metadata.detail, "https://ander.example");
    assert_int_equal(report.metadata.origin, IDP_ORIGIN_NONE);
    assert_int_equal(start_result(), IDP_ISSUER_DIFFERS); /* not asked again so soon, and as much told */
    assert_string_equal(report.metadata.detail, "https://ander.example");
    assert_int_equal(fake_calls(&fake, METADATA_PATH), 1);

    move_clock(4);
    metadata = sound_metadata();
    json_object_del(metadata, "token_endpoint");
    publish(METADATA_PATH, metadata);
    assert_int_equal(start_result(), IDP_ENDPOINT_MISSING);
    assert_string_equal(report.metadata.detail, "token_endpoint");

    fake_answer(&fake, METADATA_PATH, 200, "Content-Type: text/html; charset=utf-8\r\n", "<html>", 6);
    move_clock(90000);
    assert_int_equal(start_result(), IDP_METADATA_INVALID);
    assert_int_equal(report.metadata.call.status, 200);
    assert_int_equal(report.metadata.call.size, 6);
    assert_string_equal(report.metadata.call.content_type, "text/html");
    move_clock(90000);
    fake_status(&fake, METADATA_PATH, 404);
    assert_int_equal(start_result(), IDP_METADATA_INVALID);
    assert_int_equal(report.metadata.call.status, 404);
}

/* 201, 401: how far the call came. */
static void the_phase_in_which_a_call_broke_off(void **state)
{
    (void)state;
    connection.issuer = "http://idp.localhost:1"; /* nobody listens */
    assert_int_equal(start_result(), IDP_UNREACHABLE);
    assert_int_equal(report.metadata.call.status, 0);
    assert_int_equal(report.metadata.call.trouble.phase, HTTP_PHASE_CONNECT);
    connection.issuer = "https://bestaat-niet.invalid";
    assert_int_equal(start_result(), IDP_UNREACHABLE);
    assert_int_equal(report.metadata.call.trouble.phase, HTTP_PHASE_NAME);
    connection.issuer = issuer;
    struct idp_attempt attempt = started();
    fake_answer(&fake, "/token", 0, "", "", 0);
    assert_int_equal(outcome_of(&attempt, "code=c"), IDP_TOKEN_UNREACHABLE);
    assert_int_equal(report.token.trouble.phase, HTTP_PHASE_ANSWER);
    assert_false(report.token.trouble.is_timeout);
}

/* 207 */
static void keys_that_are_no_use_are_described(void **state)
{
    (void)state;
    struct idp_attempt attempt = started();
    grant_signed_by(key, claims_for(&attempt));
    fake_json(&fake, "/jwks",
              "{\"keys\":[{\"kid\":\"e-1\",\"kty\":\"oct\",\"k\":\"c2xldXRlbA\",\"use\":\"sig\"},"
              "{\"kid\":\"e-2\",\"kty\":\"RSA\",\"use\":\"enc\",\"alg\":\"RSA-OAEP\",\"n\":\"AQ\",\"e\":"
              "\"AQAB\"}]}");
    assert_int_equal(outcome_of(&attempt, "code=c"), IDP_KEYS_UNUSABLE);
    assert_string_equal(report.keys.detail,
                        "kid=e-1 kty=oct use=sig alg=- kid=e-2 kty=RSA use=enc alg=RSA-OAEP");
    assert_null(strstr(report.keys.detail, "c2xldXRlbA"));
    assert_int_equal(report.keys.origin, IDP_ORIGIN_NONE);
}

/* 503 */
static void MET7_a_refetch_is_told(void **state)
{
    (void)state;
    struct idp_attempt attempt = started();
    grant_signed_by(key, claims_for(&attempt));
    assert_int_equal(outcome_of(&attempt, "code=c"), IDP_OK);
    struct jwk *rotated = make_key("k-2");
    publish_keys(rotated);
    grant_signed_by(rotated, claims_for(&attempt));
    assert_int_equal(outcome_of(&attempt, "code=c"), IDP_OK);
    assert_true(report.is_refetched);
    assert_true(str_equal_c(report.key_ids.items[0], "k-2"));
    jwk_free(&rotated);
}

static void what_userinfo_came_to(void **state)
{
    (void)state;
    connection.userinfo = IDP_USERINFO_ALWAYS; /* a failure is a warning */
    struct idp_attempt attempt = started();
    grant_signed_by(key, claims_for(&attempt));
    fake_answer(
        &fake, "/userinfo", 401,
        "WWW-Authenticate: Bearer realm=\"x\", error=\"invalid_token\", error_description=\"weg\"\r\n", "",
        0);
    assert_int_equal(outcome_of(&attempt, "code=c"), IDP_OK);
    assert_true(report.is_userinfo_asked);
    assert_int_equal(report.userinfo.status, 401);
    assert_string_equal(report.userinfo_result, "userinfo_refused");
    assert_true(str_equal_c(report.userinfo_error, "invalid_token"));
    fake_json(&fake, "/userinfo", "{\"sub\":\"u-2\",\"naam\":\"x\"}");
    assert_int_equal(outcome_of(&attempt, "code=c"), IDP_OK);
    assert_string_equal(report.userinfo_result, "userinfo_sub");
    assert_true(str_equal_c(report.userinfo_subject, "u-2"));
    assert_int_equal(report.userinfo_members.count, 2);
}

/* Names come from outside. */
static void names_are_printable_and_bounded(void **state)
{
    (void)state;
    struct idp_attempt attempt = started();
    struct buf body = buf_new(arena, 65536);
    buf_append_c(&body, "{\"een\\nregel\":1,\"\":2");
    for (int i = 0; i < 100; i++)
        buf_printf(&body, ",\"veld-%d\":3", i);
    buf_append_c(&body, "}");
    fake_answer(&fake, "/token", 200, "", body.data, body.length);
    assert_int_equal(outcome_of(&attempt, "code=c"), IDP_TOKEN_ID_TOKEN_MISSING);
    assert_int_equal(report.token_members.count, 40);
    assert_true(str_equal_c(report.token_members.items[0], "?"));
    assert_true(str_equal_c(report.token_members.items[1], "?"));
}

int main(void)
{
#define SCENE(test) cmocka_unit_test_setup_teardown(test, scene_open, scene_close)
    const struct CMUnitTest tests[] = {
        SCENE(a_sound_login_is_told_whole),
        SCENE(MET11_features_of_the_provider),
        SCENE(MET6_stale_metadata_are_called_so),
        SCENE(MET12_drift_of_the_clocks),
        SCENE(MET12_drift_is_kept_while_the_provider_is_away),
        SCENE(what_is_wrong_with_metadata),
        SCENE(the_phase_in_which_a_call_broke_off),
        SCENE(keys_that_are_no_use_are_described),
        SCENE(MET7_a_refetch_is_told),
        SCENE(what_userinfo_came_to),
        SCENE(names_are_printable_and_bounded),
    };
    return cmocka_run_group_tests_name("report", tests, scene_prepare, scene_end);
}
