/* A provider of several tenants (MET-2; spec 7.1): whose tokens count, and whose person it is. */
#include "scene.h"

#include "idp/issuer.h"
#include "idp/logout.h"

#define OURS "2b6f3c1e-7a5d-4e1b-9c8f-0d2a4b6c8e10"
#define SECOND "7c0de5a4-1b2c-4d3e-8f90-a1b2c3d4e5f6"
#define STRANGER "9188040d-6c67-4c5b-b112-36a304b66dad"

static const char *const algs[] = {"ES256", "RS256"};
static const char *template;

static int open_tenants(void **state)
{
    if (scene_open(state) != 0)
        return -1;
    template = arena_printf(arena, "%s/{tenantid}/v2.0", issuer);
    json_t *metadata = sound_metadata();
    json_object_set_new(metadata, "issuer", json_string(template));
    publish("/organizations/openid-configuration", metadata);
    connection.issuer = template;
    connection.tenants = OURS " " SECOND;
    connection.metadata_url = arena_printf(arena, "%s/organizations/openid-configuration", issuer);
    connection.signing_algs = algs;
    connection.signing_alg_count = 2;
    return 0;
}

#define TENANTS(test) cmocka_unit_test_setup_teardown(test, open_tenants, scene_close)

static const char *issuer_of(const char *tenant)
{
    return arena_printf(arena, "%s/%s/v2.0", issuer, tenant);
}

/* Claims with these; NULL = without. */
static json_t *claims_of(const struct idp_attempt *attempt, const char *iss, const char *tid)
{
    json_t *claims = claims_for(attempt);
    json_object_set_new(claims, "iss", json_string(iss));
    if (tid != NULL)
        json_object_set_new(claims, "tid", json_string(tid));
    return claims;
}

static enum idp_result verdict(const char *iss, const char *tid)
{
    struct idp_attempt attempt = started();
    grant_signed_by(key, claims_of(&attempt, iss, tid));
    return outcome_of(&attempt, "code=c");
}

static void MET2_the_metadata_name_the_template_to_the_letter(void **state)
{
    (void)state;
    struct idp_attempt attempt;
    const char *url;
    const char *const others[] = {issuer, issuer_of(OURS), issuer_of("{tenant}"),
                                  arena_printf(arena, "%s/", template)};
    assert_int_equal(start(&attempt, &url), IDP_OK);
    assert_true(str_equal_c(attempt.issuer, template));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        connection.issuer = others[i]; /* other than what is published */
        connection.tenants = issuer_is_template(str_from_c(others[i])) ? OURS : NULL;
        enum idp_result result = start(&attempt, &url);
        if (result != (i == 2 ? IDP_CONNECTION_INVALID : IDP_ISSUER_DIFFERS))
            fail_msg("%s: %s", others[i], idp_result_name(result));
    }
}

static void IDT6_the_issuer_is_that_of_a_listed_tid(void **state)
{
    (void)state;
    struct idp_attempt attempt = started();
    struct idp_identity identity;
    grant_signed_by(key, claims_of(&attempt, issuer_of(SECOND), SECOND));
    assert_int_equal(finish(&attempt, "code=c", &identity), IDP_OK);
    assert_true(str_equal_c(identity.issuer, issuer_of(SECOND)));
    idp_identity_free(&identity);

    assert_int_equal(verdict(issuer_of(OURS), OURS), IDP_OK);
    assert_int_equal(verdict(issuer_of(STRANGER), STRANGER), IDP_ID_TOKEN_ISS);
    assert_int_equal(verdict(issuer_of(OURS), SECOND), IDP_ID_TOKEN_ISS);
    assert_int_equal(verdict(issuer_of(STRANGER), OURS), IDP_ID_TOKEN_ISS);
    assert_int_equal(verdict(issuer_of(OURS), STRANGER), IDP_ID_TOKEN_ISS);
    assert_int_equal(verdict(issuer_of(OURS), NULL), IDP_ID_TOKEN_ISS);
    assert_int_equal(
        verdict(issuer_of("2B6F3C1E-7A5D-4E1B-9C8F-0D2A4B6C8E10"), "2B6F3C1E-7A5D-4E1B-9C8F-0D2A4B6C8E10"),
        IDP_ID_TOKEN_ISS);
    assert_int_equal(verdict(template, "{tenantid}"), IDP_ID_TOKEN_ISS);
    assert_int_equal(verdict(issuer_of(""), ""), IDP_ID_TOKEN_ISS);
    assert_int_equal(verdict(issuer_of(OURS " " SECOND), OURS " " SECOND), IDP_ID_TOKEN_ISS);
    assert_int_equal(verdict(arena_printf(arena, "%s/", issuer_of(OURS)), OURS), IDP_ID_TOKEN_ISS);
    assert_int_equal(verdict(arena_printf(arena, "https://evil.example/%s/v2.0", OURS), OURS),
                     IDP_ID_TOKEN_ISS);
    assert_int_equal(report.rules[6], IDP_RULE_BROKEN);

    json_t *claims = claims_of(&attempt, issuer_of(OURS), NULL);
    json_object_set_new(claims, "tid", json_pack("[s]", OURS));
    grant_signed_by(key, claims);
    assert_int_equal(outcome_of(&attempt, "code=c"), IDP_ID_TOKEN_MALFORMED);
}

/* RFC 9207: whoever answered is who must have signed. */
static void RSP9_the_answer_and_the_token_are_of_one_tenant(void **state)
{
    (void)state;
    struct idp_attempt attempt = started();
    grant_signed_by(key, claims_of(&attempt, issuer_of(OURS), OURS));
    assert_int_equal(outcome_of(&attempt, arena_printf(arena, "code=c&iss=%s", issuer_of(OURS))), IDP_OK);
    assert_int_equal(outcome_of(&attempt, arena_printf(arena, "code=c&iss=%s", issuer_of(SECOND))),
                     IDP_ID_TOKEN_ISS);
    assert_int_equal(outcome_of(&attempt, arena_printf(arena, "code=c&iss=%s", issuer_of(STRANGER))),
                     IDP_RESPONSE_ISSUER);
    assert_int_equal(outcome_of(&attempt, arena_printf(arena, "code=c&iss=%s", issuer)), IDP_RESPONSE_ISSUER);
}

/* The keys of Entra ID say whose they are: all tenants', or one's. */
static void IDT4_a_key_of_one_tenant_vouches_for_no_other(void **state)
{
    (void)state;
    const struct {
        const char *key_issuer;
        enum idp_result of_ours, of_second;
    } cases[] = {
        {template, IDP_OK, IDP_OK},
        {issuer_of(OURS), IDP_OK, IDP_ID_TOKEN_KEY},
        {issuer_of(STRANGER), IDP_ID_TOKEN_KEY, IDP_ID_TOKEN_KEY},
        {issuer, IDP_ID_TOKEN_KEY, IDP_ID_TOKEN_KEY},
    };
    struct str half;
    assert_int_equal(jwk_export(key, arena, false, &half), OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fake_json(&fake, "/jwks",
                  arena_printf(arena, "{\"keys\":[%.*s,\"issuer\":\"%s\"}]}", (int)half.length - 1, half.data,
                               cases[i].key_issuer));
        connection.id = arena_printf(arena, "keys-%zu", i); /* with documents of its own */
        assert_int_equal(verdict(issuer_of(OURS), OURS), cases[i].of_ours);
        assert_int_equal(verdict(issuer_of(SECOND), SECOND), cases[i].of_second);
    }
    /* A provider of one tenant may have such members too; they mean nothing there. */
    connection = (struct idp_connection){
        .id = "one",
        .issuer = issuer,
        .client_id = CLIENT,
        .signing_algs = algs,
        .signing_alg_count = 2,
        .is_private_allowed = true,
        .skew_s = 60,
        .max_age_s = -1,
    };
    struct idp_attempt attempt = started();
    grant_signed_by(key, claims_for(&attempt));
    assert_int_equal(outcome_of(&attempt, "code=c"), IDP_OK);
}

static void UIN3_signed_userinfo_is_of_the_same_tenant(void **state)
{
    (void)state;
    connection.userinfo = IDP_USERINFO_ALWAYS;
    connection.is_userinfo_first = true;
    connection.userinfo_claim = "locaties";
    for (int i = 0; i < 2; i++) {
        struct str body;
        json_t *userinfo = json_pack("{s:s, s:s, s:s}", "iss", issuer_of(i == 0 ? OURS : SECOND), "aud",
                                     CLIENT, "sub", "u-1");
        assert_int_equal(jws_sign(key, "ES256", "JWT", userinfo, arena, &body, &failure), OK);
        json_decref(userinfo);
        fake_answer(&fake, "/userinfo", 200, "Content-Type: application/jwt\r\n", body.data, body.length);
        assert_int_equal(verdict(issuer_of(OURS), OURS), i == 0 ? IDP_OK : IDP_USERINFO_INVALID);
    }
}

static enum idp_result logout_verdict(const char *iss, const char *tid, struct logout_token *out_token)
{
    struct str text;
    json_t *claims = json_pack("{s:s, s:s, s:I, s:s, s:s, s:{s:{}}}", "iss", iss, "aud", CLIENT, "iat",
                               (json_int_t)clock_now(), "jti", "j-1", "sub", "u-1", "events",
                               "http://schemas.openid.net/event/backchannel-logout");
    if (tid != NULL)
        json_object_set_new(claims, "tid", json_string(tid));
    assert_int_equal(jws_sign(key, "ES256", "logout+jwt", claims, arena, &text, &failure), OK);
    json_decref(claims);
    return logout_token_read(idp, &connection, text, arena, out_token, &failure);
}

static void OUT4_a_logout_token_is_of_its_tenant(void **state)
{
    (void)state;
    struct logout_token token;
    assert_int_equal(logout_verdict(issuer_of(SECOND), NULL, &token), IDP_OK);
    assert_true(str_equal_c(token.issuer, issuer_of(SECOND)));
    assert_int_equal(logout_verdict(issuer_of(OURS), OURS, &token), IDP_OK);
    assert_true(str_equal_c(token.issuer, issuer_of(OURS)));
    assert_int_equal(logout_verdict(issuer_of(OURS), SECOND, &token), IDP_ID_TOKEN_ISS);
    assert_int_equal(logout_verdict(issuer_of(STRANGER), NULL, &token), IDP_ID_TOKEN_ISS);
    assert_int_equal(logout_verdict(template, NULL, &token), IDP_ID_TOKEN_ISS);
}

/* Fail closed: half a configuration is none. */
static void a_template_needs_its_list_and_a_list_its_template(void **state)
{
    (void)state;
    struct idp_attempt attempt;
    const char *url;
    const struct {
        const char *issuer, *tenants;
    } wrong[] = {
        {template, NULL},
        {template, ""},
        {template, "*"},
        {template, "organizations"},
        {template, OURS "  " SECOND},
        {template, OURS "," SECOND},
        {template, "2B6F3C1E-7A5D-4E1B-9C8F-0D2A4B6C8E10"},
        {issuer, OURS},
        {"https://{tenantid}.example/v2.0", OURS},
        {"https://{tenantid}", OURS},
        {"https://idp.example/{tenantid}/{tenantid}", OURS},
        {"https://idp.example/{tenantid}/{x}", OURS},
        {"https://idp.example/{x}/{tenantid}/", OURS},
        {"https://idp.example/{tenantid}?x=1", OURS},
        {"{tenantid}", OURS},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        connection.issuer = wrong[i].issuer;
        connection.tenants = wrong[i].tenants;
        enum idp_result result = start(&attempt, &url);
        if (result != IDP_CONNECTION_INVALID)
            fail_msg("%s, %s: %s", wrong[i].issuer, wrong[i].tenants, idp_result_name(result));
    }
    connection.issuer = template;
    connection.tenants = OURS;
    assert_int_equal(start(&attempt, &url), IDP_OK);
    connection.metadata_url = NULL; /* the template itself is never called */
    assert_int_equal(start(&attempt, &url), IDP_CONNECTION_INVALID);
}

static void a_hundred_tenants_and_no_more(void **state)
{
    (void)state;
    struct str template_text = STR("https://idp.example/{tenantid}"), tenant;
    struct buf list = buf_new(arena, 8192);
    for (int i = 0; i < ISSUER_TENANTS_MAX; i++)
        buf_printf(&list, "%s2b6f3c1e-7a5d-4e1b-9c8f-%012d", i > 0 ? " " : "", i);
    struct str iss = STR("https://idp.example/2b6f3c1e-7a5d-4e1b-9c8f-000000000099");
    assert_null(issuer_fault(template_text, buf_str(&list)));
    assert_true(issuer_covers(template_text, buf_str(&list), iss, &tenant));
    assert_true(str_equal(tenant, STR("2b6f3c1e-7a5d-4e1b-9c8f-000000000099")));
    buf_append_c(&list, " " OURS);
    assert_non_null(issuer_fault(template_text, buf_str(&list)));
    assert_false(issuer_covers(template_text, buf_str(&list), iss, &tenant));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TENANTS(MET2_the_metadata_name_the_template_to_the_letter),
        TENANTS(IDT6_the_issuer_is_that_of_a_listed_tid),
        TENANTS(RSP9_the_answer_and_the_token_are_of_one_tenant),
        TENANTS(IDT4_a_key_of_one_tenant_vouches_for_no_other),
        TENANTS(UIN3_signed_userinfo_is_of_the_same_tenant),
        TENANTS(OUT4_a_logout_token_is_of_its_tenant),
        TENANTS(a_template_needs_its_list_and_a_list_its_template),
        TENANTS(a_hundred_tenants_and_no_more),
    };
    return cmocka_run_group_tests_name("tenants", tests, scene_prepare, scene_end);
}
