/* Metadata: what is accepted, how long it is kept, how often it is asked for. */
#include "scene.h"

static enum idp_result try_start(void)
{
    struct idp_attempt attempt;
    const char *url = NULL;
    return start(&attempt, &url);
}

static enum idp_result with_member(const char *name, json_t *value)
{
    json_t *metadata = sound_metadata();
    if (value == NULL)
        json_object_del(metadata, name);
    else
        json_object_set_new(metadata, name, value);
    publish(METADATA_PATH, metadata);
    enum idp_result result = try_start();
    connection.id = arena_printf(arena, "%s'", connection.id); /* the next one starts with an empty cache */
    return result;
}

static void discovery_waits_for_the_first_use(void **state)
{
    (void)state;
    assert_int_equal(fake_calls(&fake, METADATA_PATH), 0);
    assert_int_equal(try_start(), IDP_OK);
    assert_int_equal(try_start(), IDP_OK);
    assert_int_equal(fake_calls(&fake, METADATA_PATH), 1);
    assert_int_equal(fake_calls(&fake, "/jwks"), 0);
}

static void the_issuer_is_identical(void **state)
{
    (void)state;
    assert_int_equal(with_member("issuer", json_string(issuer)), IDP_OK);
    assert_int_equal(with_member("issuer", json_string(arena_printf(arena, "%s/", issuer))),
                     IDP_ISSUER_DIFFERS);
    assert_int_equal(with_member("issuer", json_string("https://evil.example")), IDP_ISSUER_DIFFERS);
    assert_int_equal(with_member("issuer", json_integer(1)), IDP_METADATA_INVALID);
    assert_int_equal(with_member("issuer", NULL), IDP_METADATA_INVALID);
}

static void a_trailing_slash_of_the_issuer_is_not_doubled(void **state)
{
    (void)state;
    connection.issuer = arena_printf(arena, "%s/", issuer);
    assert_int_equal(try_start(), IDP_ISSUER_DIFFERS); /* the document was found, and names another issuer */
    assert_int_equal(fake_calls(&fake, METADATA_PATH), 1);
}

static void endpoints_are_there_and_safe(void **state)
{
    (void)state;
    const char *needed[] = {"authorization_endpoint", "token_endpoint", "jwks_uri"};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(with_member(needed[i], NULL), IDP_ENDPOINT_MISSING);
        assert_int_equal(with_member(needed[i], json_string("")), IDP_ENDPOINT_MISSING);
        assert_int_equal(with_member(needed[i], json_string("http://idp.example/x")), IDP_ENDPOINT_MISSING);
        assert_int_equal(with_member(needed[i], json_string("http://localhost.evil.example/x")),
                         IDP_ENDPOINT_MISSING);
        assert_int_equal(with_member(needed[i], json_string("http://evillocalhost/x")), IDP_ENDPOINT_MISSING);
        assert_int_equal(with_member(needed[i], json_string("https://user:pw@idp.example/x")),
                         IDP_ENDPOINT_MISSING);
        assert_int_equal(with_member(needed[i], json_string("https://idp.example/x#f")),
                         IDP_ENDPOINT_MISSING);
        assert_int_equal(with_member(needed[i], json_string("https://idp.example/a b")),
                         IDP_ENDPOINT_MISSING);
        assert_int_equal(with_member(needed[i], json_string("https://idp.example/a\r\nX: y")),
                         IDP_ENDPOINT_MISSING);
        assert_int_equal(with_member(needed[i], json_string("javascript:alert(1)")), IDP_ENDPOINT_MISSING);
        assert_int_equal(with_member(needed[i], json_string("/authorize")), IDP_ENDPOINT_MISSING);
        assert_int_equal(with_member(needed[i], json_string("https:/idp.example/x")), IDP_ENDPOINT_MISSING);
        assert_int_equal(with_member(needed[i], json_string("https:///idp.example/x")), IDP_ENDPOINT_MISSING);
        assert_int_equal(with_member(needed[i], json_string("https://%69dp.example/x")),
                         IDP_ENDPOINT_MISSING);
        assert_int_equal(with_member(needed[i], json_integer(1)), IDP_METADATA_INVALID);
    }
    assert_int_equal(with_member("userinfo_endpoint", NULL), IDP_OK);
    connection.userinfo = IDP_USERINFO_ALWAYS;
    assert_int_equal(with_member("userinfo_endpoint", NULL), IDP_ENDPOINT_MISSING);
}

static void the_code_flow_is_supported(void **state)
{
    (void)state;
    assert_int_equal(with_member("response_types_supported", NULL), IDP_OK);
    assert_int_equal(with_member("response_types_supported", json_pack("[s,s]", "id_token", "code")), IDP_OK);
    assert_int_equal(with_member("response_types_supported", json_pack("[s]", "id_token")),
                     IDP_ENDPOINT_MISSING);
    assert_int_equal(with_member("response_types_supported", json_string("code")), IDP_METADATA_INVALID);
    assert_int_equal(with_member("response_types_supported", json_pack("[s,i]", "code", 1)),
                     IDP_METADATA_INVALID);
    assert_int_equal(with_member("authorization_response_iss_parameter_supported", json_string("true")),
                     IDP_METADATA_INVALID);
}

static enum idp_result with_body(int status, const char *headers, const char *body, size_t length)
{
    fake_answer(&fake, METADATA_PATH, status, headers, body, length);
    enum idp_result result = try_start();
    move_clock(400);
    return result;
}

static void documents_that_cannot_be_read(void **state)
{
    (void)state;
    const char *bad[] = {"", "<html>", "[]", "{\"issuer\":\"a\",\"issuer\":\"a\"}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(with_body(200, "", bad[i], strlen(bad[i])), IDP_METADATA_INVALID);
    size_t size = 300000;
    char *large = arena_alloc(arena, size);
    memset(large, ' ', size);
    assert_int_equal(with_body(200, "", large, size), IDP_METADATA_INVALID);
    assert_int_equal(with_body(404, "", "{}", 2), IDP_METADATA_INVALID);
    assert_int_equal(with_body(503, "", "", 0), IDP_UNREACHABLE);
}

static void redirects_stay_on_their_origin_and_end(void **state)
{
    (void)state;
    const char *away[] = {"https://evil.example/", "http://evil.localhost:21399/", "//evil.example/x"};
    for (size_t i = 0; i < sizeof away / sizeof *away; i++)
        assert_int_equal(with_body(302, arena_printf(arena, "Location: %s\r\n", away[i]), "", 0),
                         IDP_METADATA_INVALID);
    assert_int_equal(with_body(302, "Location: " METADATA_PATH "\r\n", "", 0), IDP_METADATA_INVALID);
    assert_int_equal(fake_calls(&fake, METADATA_PATH), 3 + 3); /* the last one: itself and two hops */
    publish("/moved", sound_metadata());
    assert_int_equal(with_body(301, "Location: /moved\r\n", "", 0), IDP_OK);
}

static void failures_are_not_repeated_at_once(void **state)
{
    (void)state;
    fake_status(&fake, METADATA_PATH, 500);
    const int waits[] = {3, 30, 300, 300};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(try_start(), IDP_UNREACHABLE);
        assert_int_equal(fake_calls(&fake, METADATA_PATH), i + 1);
        move_clock(waits[i] - 2);
        assert_int_equal(try_start(), IDP_UNREACHABLE);
        assert_true(strstr(failure.text, "status 500") != NULL);
        assert_int_equal(fake_calls(&fake, METADATA_PATH), i + 1);
        move_clock(2);
    }
    publish(METADATA_PATH, sound_metadata());
    assert_int_equal(try_start(), IDP_OK);
}

static void nobody_there(void **state)
{
    (void)state;
    fake_set_down(&fake, true);
    assert_int_equal(try_start(), IDP_UNREACHABLE);
}

/* MET-9 */
static void private_addresses_need_permission(void **state)
{
    (void)state;
    connection.issuer = arena_printf(arena, "https://127.0.0.1:%d", fake.port);
    connection.is_private_allowed = false;
    assert_int_equal(try_start(), IDP_UNREACHABLE);
    assert_non_null(strstr(failure.text, "public"));
}

static void an_outage_is_bridged_for_72_hours(void **state)
{
    (void)state;
    assert_int_equal(try_start(), IDP_OK);
    fake_status(&fake, METADATA_PATH, 503);
    move_clock(25 * 3600);
    assert_int_equal(try_start(), IDP_OK);
    assert_int_equal(fake_calls(&fake, METADATA_PATH), 2);
    assert_int_equal(try_start(), IDP_OK); /* backing off, still served */
    assert_int_equal(fake_calls(&fake, METADATA_PATH), 2);
    move_clock(46 * 3600);
    assert_int_equal(try_start(), IDP_OK);
    move_clock(2 * 3600);
    assert_int_equal(try_start(), IDP_UNREACHABLE);
}

static void a_wrong_answer_is_not_bridged(void **state)
{
    (void)state;
    assert_int_equal(try_start(), IDP_OK);
    json_t *metadata = sound_metadata();
    json_object_set_new(metadata, "issuer", json_string("https://evil.example"));
    publish(METADATA_PATH, metadata);
    move_clock(25 * 3600);
    assert_int_equal(try_start(), IDP_ISSUER_DIFFERS);
    assert_int_equal(try_start(), IDP_ISSUER_DIFFERS);
}

static void wait_for_calls(const char *path, int calls)
{
    for (int i = 0; i < 400 && fake_calls(&fake, path) < calls; i++)
        nanosleep(&(struct timespec){0, 5000000}, NULL);
    assert_int_equal(fake_calls(&fake, path), calls);
}

static void a_refresh_keeps_nobody_waiting(void **state)
{
    (void)state;
    assert_int_equal(try_start(), IDP_OK);
    fake_delay(&fake, METADATA_PATH, 700);
    move_clock(3601);
    int64_t before = clock_monotonic_ms();
    for (int i = 0; i < 5; i++)
        assert_int_equal(try_start(), IDP_OK);
    assert_true(clock_monotonic_ms() - before < 500);
    wait_for_calls(METADATA_PATH, 2); /* and only one */
    fake_delay(&fake, METADATA_PATH, 0);
}

static void *start_in_thread(void *context)
{
    enum idp_result *result = context;
    struct arena *own = arena_new();
    struct idp_attempt attempt;
    const char *url;
    struct failure reason;
    *result = idp_start(idp, &connection, REDIRECT_URI, NULL, 0, own, &attempt, &url, NULL, &reason);
    arena_free(&own);
    http_client_thread_end();
    return NULL;
}

static void one_thread_fetches_for_all(void **state)
{
    (void)state;
    pthread_t threads[8];
    enum idp_result results[8];
    fake_delay(&fake, METADATA_PATH, 300);
    for (int i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, start_in_thread, &results[i]), 0);
    for (int i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(results[i], IDP_OK);
    }
    assert_int_equal(fake_calls(&fake, METADATA_PATH), 1);
}

static void overrides_win_and_can_replace_discovery(void **state)
{
    (void)state;
    struct idp_attempt attempt;
    const char *url;
    connection.authorization_endpoint = "https://elsewhere.example/auth";
    assert_int_equal(start(&attempt, &url), IDP_OK);
    assert_true(strncmp(url, "https://elsewhere.example/auth?", 31) == 0);
    assert_int_equal(fake_calls(&fake, METADATA_PATH), 1);
    connection.id = "other";
    connection.token_endpoint = "https://elsewhere.example/token";
    connection.jwks_uri = "https://elsewhere.example/jwks";
    assert_int_equal(start(&attempt, &url), IDP_OK);
    assert_int_equal(fake_calls(&fake, METADATA_PATH), 1);
    connection.token_endpoint = "http://elsewhere.example/token";
    assert_int_equal(start(&attempt, &url), IDP_CONNECTION_INVALID);
}

static void a_metadata_url_of_its_own(void **state)
{
    (void)state;
    publish("/other", sound_metadata());
    connection.metadata_url = arena_printf(arena, "%s/other", issuer);
    assert_int_equal(try_start(), IDP_OK);
    assert_int_equal(fake_calls(&fake, "/other"), 1);
    assert_int_equal(fake_calls(&fake, METADATA_PATH), 0);
}

/* MET-12 */
static void drift_is_reported(void **state)
{
    (void)state;
    char line[1024] = "";
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    log_init(ends[1], LOG_LEVEL_WARNING);
    json_t *metadata = sound_metadata();
    char *text = json_dumps(metadata, 0);
    fake_answer(&fake, METADATA_PATH, 200, "Date: Tue, 15 Nov 1994 08:12:31 GMT\r\n", text, strlen(text));
    free(text);
    json_decref(metadata);
    assert_int_equal(try_start(), IDP_OK);
    log_init(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_LEVEL_ERROR);
    assert_true(read(ends[0], line, sizeof line - 1) > 0);
    assert_non_null(strstr(line, "idp_clock_drift"));
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
#define SCENE(test) cmocka_unit_test_setup_teardown(test, scene_open, scene_close)
    const struct CMUnitTest tests[] = {
        SCENE(discovery_waits_for_the_first_use),
        SCENE(the_issuer_is_identical),
        SCENE(a_trailing_slash_of_the_issuer_is_not_doubled),
        SCENE(endpoints_are_there_and_safe),
        SCENE(the_code_flow_is_supported),
        SCENE(documents_that_cannot_be_read),
        SCENE(redirects_stay_on_their_origin_and_end),
        SCENE(failures_are_not_repeated_at_once),
        SCENE(nobody_there),
        SCENE(private_addresses_need_permission),
        SCENE(an_outage_is_bridged_for_72_hours),
        SCENE(a_wrong_answer_is_not_bridged),
        SCENE(a_refresh_keeps_nobody_waiting),
        SCENE(one_thread_fetches_for_all),
        SCENE(overrides_win_and_can_replace_discovery),
        SCENE(a_metadata_url_of_its_own),
        SCENE(drift_is_reported),
    };
    return cmocka_run_group_tests_name("discovery", tests, scene_prepare, scene_end);
}
