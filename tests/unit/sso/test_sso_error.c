/* The error catalogue as a whole: what its readers build on. */
#include "sso/sso_error.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct arena *arena;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static const int codes[] = {
    101, 102, 103, 104, 105, 106, 107, 108, 109, 201, 202, 203, 204, 205, 206, 207, 301,
    302, 303, 304, 305, 306, 307, 308, 309, 310, 311, 312, 313, 314, 401, 402, 403, 404,
    405, 406, 407, 408, 409, 501, 502, 503, 504, 505, 506, 507, 508, 509, 510, 511, 512,
    513, 514, 515, 516, 517, 518, 601, 602, 603, 604, 701, 702, 704, 705, 706, 707, 801,
    802, 803, 804, 805, 806, 807, 808, 809, 901, 902, 903, 904, 905, 910, 911, 912, 913,
};
#define CODE_COUNT (sizeof codes / sizeof *codes)

static void every_code_of_the_catalogue_is_there(void **state)
{
    (void)state;
    for (size_t i = 0; i < CODE_COUNT; i++)
        assert_int_equal(sso_error_find(codes[i])->code, codes[i]);
}

static void an_unknown_code_is_an_internal_error(void **state)
{
    (void)state;
    const int unknown[] = {0, -1, 100, 110, 703, 999};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        assert_int_equal(sso_error_find(unknown[i])->code, 910);
}

/* ADR-7, C32 */
static void an_unknown_and_a_disabled_connection_look_the_same(void **state)
{
    (void)state;
    const struct sso_error *unknown = sso_error_find(101), *disabled = sso_error_find(102);
    assert_int_equal(unknown->status, disabled->status);
    assert_int_equal(unknown->user_text, disabled->user_text);
    assert_int_equal(unknown->can_retry, disabled->can_retry);
}

static void a_page_that_says_try_again_has_the_button(void **state)
{
    (void)state;
    for (size_t i = 0; i < CODE_COUNT; i++) {
        const struct sso_error *error = sso_error_find(codes[i]);
        /* What passes, by itself or once the administrator has seen to it. */
        bool passes = error->user_text == U_TIME || error->user_text == U_IDP ||
                      error->user_text == U_AUTHZ || error->user_text == U_PERM;
        if (passes)
            assert_true(error->can_retry);
        if (error->can_retry)
            assert_true(passes || error->user_text == U_DENY);
        if (error->is_warning)
            assert_true(error->status == 200 && error->user_text == USER_TEXT_NONE);
    }
}

/* The "Mail" column of spec sso.md 4.1 to 4.9, whole. 206 follows the outage rule too (MAIL-8). */
static void MAIL1_every_code_has_the_mail_rule_of_the_catalogue(void **state)
{
    (void)state;
    static const struct {
        int code;
        struct sso_mail_rule rule;
    } others[] = {
        {106, {MAIL_ONE_PER, 0, 3600}}, {108, {MAIL_AFTER, 5, 3600}},  {201, {MAIL_OUTAGE, 0, 0}},
        {206, {MAIL_OUTAGE, 0, 0}},     {302, {MAIL_AFTER, 20, 3600}}, {303, {MAIL_AFTER, 20, 3600}},
        {304, {MAIL_AFTER, 20, 3600}},  {311, {MAIL_CONSENT, 0, 0}},   {312, {MAIL_OUTAGE, 0, 0}},
        {401, {MAIL_OUTAGE, 0, 0}},     {404, {MAIL_AFTER, 3, 900}},   {508, {MAIL_AFTER, 3, 900}},
        {509, {MAIL_AFTER, 3, 900}},    {510, {MAIL_AFTER, 3, 900}},   {706, {MAIL_ONE_PER, 0, 86400}},
        {707, {MAIL_DIGEST, 0, 0}},     {805, {MAIL_OPERATOR, 0, 0}},  {901, {MAIL_AFTER, 5, 3600}},
        {910, {MAIL_OPERATOR, 0, 0}},   {911, {MAIL_OPERATOR, 0, 0}},  {912, {MAIL_ONE_PER, 0, 86400}},
        {913, {MAIL_REMINDERS, 0, 0}},
    };
    static const int silent[] = {101, 102, 105, 107, 109, 301, 516, 801,
                                 806, 807, 808, 809, 902, 903, 904, 905};
    assert_int_equal(sso_error_count(), CODE_COUNT);
    for (size_t i = 0; i < CODE_COUNT; i++) {
        struct sso_mail_rule expected = {MAIL_YES, 0, 0};
        const struct sso_error *error = sso_error_at(i);
        assert_int_equal(error->code, codes[i]);
        for (size_t j = 0; j < sizeof silent / sizeof *silent; j++)
            if (silent[j] == error->code)
                expected.kind = MAIL_NO;
        for (size_t j = 0; j < sizeof others / sizeof *others; j++)
            if (others[j].code == error->code)
                expected = others[j].rule;
        assert_int_equal(error->mail.kind, expected.kind);
        assert_int_equal(error->mail.count, expected.count);
        assert_int_equal(error->mail.period_s, expected.period_s);
    }
}

static void user_texts_carry_the_reference(void **state)
{
    (void)state;
    assert_string_equal(sso_user_text(arena, U_AUTHZ, "SSO-20251016-7K3F9QXA", true),
                        "U bent herkend, maar geen van uw locaties is hier gekoppeld. Uw applicatiebeheerder "
                        "heeft bericht gekregen. Referentie SSO-20251016-7K3F9QXA.");
    /* MAIL-2: nobody is told that a mail went out when none did. */
    for (enum sso_user_text text = U_GEN; text <= U_BUSY; text++) {
        const char *plain = sso_user_text(arena, text, "SSO-20251016-7K3F9QXA", false);
        assert_null(strstr(plain, "bericht gekregen"));
        assert_null(strstr(plain, "melding gemaakt"));
    }
    assert_string_equal(sso_user_text(arena, U_BUSY, "SSO-20251016-7K3F9QXA", true),
                        "Het is erg druk. Probeer het zo opnieuw.");
    assert_string_equal(sso_user_text(arena, USER_TEXT_NONE, "x", true), "");
    assert_string_equal(sso_user_text_key(U_GEN), "U-GEN");
    assert_string_equal(sso_user_text_key(U_BUSY), "U-BUSY");
    for (enum sso_user_text text = U_GEN; text < U_BUSY; text++) {
        const char *filled = sso_user_text(arena, text, "SSO-20251016-7K3F9QXA", true);
        assert_non_null(strstr(filled, "SSO-20251016-7K3F9QXA"));
        assert_null(strchr(filled, '{'));
    }
}

static void causes_of_701_and_702_have_their_numbers(void **state)
{
    (void)state;
    assert_string_equal(sso_cause_text(arena, 701, 'a', "attributes.locaties", 0, 0),
                        "De inlogdienst stuurde de claim attributes.locaties niet mee");
    assert_string_equal(sso_cause_text(arena, 701, 'b', "locaties", 0, 0),
                        "De gebruiker heeft in de bron geen locaties");
    assert_string_equal(sso_cause_text(arena, 701, 'c', "locaties", 3, 1),
                        "3 locaties ontvangen, geen enkele gekoppeld (1 nieuw toegevoegd)");
    for (char cause = 'a'; cause <= 'e'; cause++) {
        assert_non_null(sso_cause_text(arena, 701, cause, "x", 1, 1));
        assert_int_equal(sso_cause_text(arena, 702, cause, "x", 1, 1) != NULL, cause <= 'c');
    }
    assert_string_equal(sso_cause_text(arena, 701, 'c', NULL, 1, 0),
                        "1 locatie ontvangen, geen enkele gekoppeld (0 nieuw toegevoegd)");
    assert_null(sso_cause_text(arena, 704, 'a', "x", 1, 1));
    assert_string_equal(sso_cause_text(arena, 701, 'a', NULL, 0, 0),
                        "De inlogdienst stuurde de claim  niet mee");
    /* A claim path is text, not a template. */
    assert_string_equal(sso_cause_text(arena, 701, 'a', "{n}{pad}", 7, 7),
                        "De inlogdienst stuurde de claim {n}{pad} niet mee");
}

static void advice_exists_where_the_manual_gives_it(void **state)
{
    (void)state;
    assert_non_null(strstr(sso_advice(701, 'c'), "nummer 6"));
    /* Where number 6 is empty nobody is sent to look there. */
    assert_null(strstr(sso_advice(701, 'a'), "nummer 6"));
    assert_non_null(strstr(sso_advice(701, 'a'), "location_claim"));
    assert_null(strstr(sso_advice(701, 'b'), "nummer 6"));
    assert_non_null(strstr(sso_advice(701, 'b'), "geen locaties"));
    assert_non_null(strstr(sso_advice(701, 'd'), "nummer 7"));
    assert_non_null(strstr(sso_advice(701, 'e'), "nummer 8"));
    assert_non_null(strstr(sso_advice(702, 'b'), "nummer 6"));
    assert_non_null(strstr(sso_advice(702, '\0'), "nummer 6"));
    assert_non_null(strstr(sso_advice(704, '\0'), "groepen van de toepassing"));
    assert_non_null(strstr(sso_advice(509, '\0'), "controleer de klok"));
    assert_null(sso_advice(101, '\0'));
}

static void every_failure_of_the_client_has_its_code(void **state)
{
    (void)state;
    assert_int_equal(sso_error_of_idp(IDP_OK, STR_NONE), 0);
    for (enum idp_result result = IDP_OK + 1; result <= IDP_LOGOUT_NONCE; result++) {
        int code = sso_error_of_idp(result, STR_NONE);
        assert_int_equal(sso_error_find(code)->code, code);
        assert_int_not_equal(code, 910);
    }
    assert_int_equal(sso_error_of_idp(IDP_ID_TOKEN_EXP, STR_NONE), 508);
    assert_int_equal(sso_error_of_idp(IDP_ID_TOKEN_NONCE, STR_NONE), 511);
    assert_int_equal(sso_error_of_idp(IDP_USERINFO_SUB, STR_NONE), 604);
}

static void oauth_errors_refine_the_code(void **state)
{
    (void)state;
    const struct {
        enum idp_result result;
        struct str error;
        int code;
    } cases[] = {
        {IDP_CANCELLED, STR("access_denied"), 310},
        {IDP_ERROR_RESPONSE, STR("access_denied"), 310},
        {IDP_ERROR_RESPONSE, STR("login_required"), 311},
        {IDP_ERROR_RESPONSE, STR("interaction_required"), 311},
        {IDP_ERROR_RESPONSE, STR("consent_required"), 311},
        {IDP_ERROR_RESPONSE, STR("account_selection_required"), 311},
        {IDP_ERROR_RESPONSE, STR("server_error"), 312},
        {IDP_TEMPORARILY_UNAVAILABLE, STR("server_error"), 312},
        {IDP_ERROR_RESPONSE, STR("invalid_request"), 313},
        {IDP_ERROR_RESPONSE, STR("unauthorized_client"), 313},
        {IDP_ERROR_RESPONSE, STR("invalid_scope the scope is odd"), 313},
        {IDP_ERROR_RESPONSE, STR("unsupported_response_type"), 313},
        {IDP_ERROR_RESPONSE, STR("odd invalid redirect_uri"), 313},
        {IDP_ERROR_RESPONSE, STR("odd"), 314},
        {IDP_ERROR_RESPONSE, STR_NONE, 314},
        {IDP_TOKEN_REFUSED, STR("invalid_client"), 402},
        {IDP_TOKEN_REFUSED, STR("invalid_client AADSTS7000222: the keys are expired"), 403},
        {IDP_TOKEN_REFUSED, STR("invalid_grant"), 404},
        {IDP_TOKEN_REFUSED, STR("invalid_grant redirect_uri mismatch"), 405},
        {IDP_TOKEN_REFUSED, STR("unauthorized_client"), 406},
        {IDP_TOKEN_REFUSED, STR_NONE, 402},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(sso_error_of_idp(cases[i].result, cases[i].error), cases[i].code);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_of_the_catalogue_is_there),
        cmocka_unit_test(an_unknown_code_is_an_internal_error),
        cmocka_unit_test(an_unknown_and_a_disabled_connection_look_the_same),
        cmocka_unit_test(a_page_that_says_try_again_has_the_button),
        cmocka_unit_test(MAIL1_every_code_has_the_mail_rule_of_the_catalogue),
        cmocka_unit_test_setup_teardown(user_texts_carry_the_reference, set_up, tear_down),
        cmocka_unit_test_setup_teardown(causes_of_701_and_702_have_their_numbers, set_up, tear_down),
        cmocka_unit_test(advice_exists_where_the_manual_gives_it),
        cmocka_unit_test(every_failure_of_the_client_has_its_code),
        cmocka_unit_test(oauth_errors_refine_the_code),
    };
    return cmocka_run_group_tests_name("sso_error", tests, NULL, NULL);
}
