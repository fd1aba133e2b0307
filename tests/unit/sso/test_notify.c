/* What an administrator is told of a failed login: MAIL-1 to MAIL-6. */
#include "sso/notify.h"
#include "sso/notify_text.h"
#include "sso/notify_turn.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct arena *arena;
static struct trail trail;
static struct sso_connection connection;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new();
    connection = (struct sso_connection){
        .id = STR("0193aaaa-0000-7000-8000-000000000001"),
        .environment = STR("production"),
        .customer_key = STR("zonnestraaltjes"),
        .provider_key = STR("ysis"),
        .issuer = STR("https://epd.example.nl/cas/oidc"),
        .client_id = STR("sluis-productie"),
        .notify_address = STR("fab@zorg.example, tweede@zorg.example"),
        .is_user_mailed = true,
    };
    trail_begin(&trail, arena, 1795293485000, STR("SSO-20261121-ABCDEFGH"));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    trail_free(&trail);
    arena_free(&arena);
    return 0;
}

static void mapped(const char *const *ids, size_t count, const char *state)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(rows, json_pack("{s:s, s:s}", "id", ids[i], "state", state));
    trail_step_ids(&trail, TRAIL_LOCATIONS, true,
                   json_pack("{s:s, s:I}", "claim", "locaties", "received", (json_int_t)count), NULL);
    trail_step_ids(&trail, TRAIL_MAPPING, false, json_pack("{s:i}", "linked", 0), rows);
}

static struct notice notice_of(int code, char cause)
{
    return (struct notice){
        .connection = &connection,
        .trail = &trail,
        .error = sso_error_find(code),
        .cause = cause,
        .user_shown = STR("Els Bakker"),
        .operator_address = "beheer@sluis.example",
        .now = 1795293485,
    };
}

static struct outbox_mail mail_of(const struct notice *notice)
{
    struct notify_plan plan;
    assert_int_equal(notify_compose(arena, notice, &plan), OK);
    return plan.report.mail;
}

static const char *c_of(struct str text)
{
    return arena_strndup(arena, text.data, text.length);
}

static void assert_same(struct str a, struct str b, bool is_same)
{
    assert_int_equal(str_equal(a, b), is_same);
}

static void MAIL2_without_address_there_is_no_mail(void **state)
{
    (void)state;
    struct notify_plan mail;
    struct notice notice = notice_of(701, 'a');
    connection.notify_address = STR("  ");
    assert_int_equal(notify_compose(arena, &notice, &mail), ABSENT);
    notice.connection = NULL;
    assert_int_equal(notify_compose(arena, &notice, &mail), ABSENT);
}

/* What each rule of the catalogue comes to, for every code there is. */
static void MAIL1_every_code_is_told_as_its_rule_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sso_error_count(); i++) {
        const struct sso_error *error = sso_error_at(i);
        const struct sso_mail_rule *rule = &error->mail;
        struct notice notice = notice_of(error->code, 0);
        struct notify_plan plan;
        bool is_told = rule->kind == MAIL_YES || rule->kind == MAIL_AFTER || rule->kind == MAIL_ONE_PER ||
                       rule->kind == MAIL_OUTAGE || rule->kind == MAIL_OPERATOR;
        assert_int_equal(notify_compose(arena, &notice, &plan), is_told ? OK : ABSENT);
        if (!is_told)
            continue;
        bool is_operators = rule->kind == MAIL_OPERATOR;
        assert_same(plan.report.mail.recipients,
                    is_operators ? STR("beheer@sluis.example") : connection.notify_address, true);
        assert_same(plan.report.mail.connection, is_operators ? STR("operator") : connection.id, true);
        assert_int_equal(plan.is_outage, rule->kind == MAIL_OUTAGE);
        assert_int_equal(plan.rule.after, rule->kind == MAIL_AFTER ? rule->count : 0);
        assert_int_equal(plan.rule.within_s, rule->kind == MAIL_AFTER ? rule->period_s : 0);
        assert_int_equal(plan.rule.window_s, rule->kind == MAIL_ONE_PER ? rule->period_s : 0);
        assert_int_equal(plan.report.mail.code, error->code);
        assert_non_null(
            strstr(c_of(plan.report.mail.body), arena_printf(arena, "Melding: %d ", error->code)));
    }
}

static void the_operator_is_told_without_a_connection_and_nobody_without_an_address(void **state)
{
    (void)state;
    struct notice notice = notice_of(911, 0);
    struct notify_plan plan;
    notice.connection = NULL;
    assert_int_equal(notify_compose(arena, &notice, &plan), OK);
    assert_string_equal(c_of(plan.report.mail.subject), "[SSO] Sluis: Opslag niet beschikbaar (911)");
    notice.operator_address = NULL;
    assert_int_equal(notify_compose(arena, &notice, &plan), ABSENT);
}

static void of_311_only_consent_is_mailed(void **state)
{
    (void)state;
    struct notice notice = notice_of(311, 0);
    struct notify_plan plan;
    assert_int_equal(notify_compose(arena, &notice, &plan), ABSENT);
    notice.is_consent_required = true;
    assert_int_equal(notify_compose(arena, &notice, &plan), OK);
}

static void MAIL8_an_outage_has_a_mail_for_its_end(void **state)
{
    (void)state;
    struct notice notice = notice_of(201, 0);
    struct notify_plan plan;
    assert_int_equal(notify_compose(arena, &notice, &plan), OK);
    assert_string_equal(c_of(plan.report.recovery_subject),
                        "[SSO productie] zonnestraaltjes: Inloggen lukt weer (201)");
    assert_non_null(strstr(c_of(plan.report.recovery_body), "\n{repeats}\n"));
    assert_null(strstr(c_of(plan.report.recovery_body), "Els Bakker"));
}

static void MAIL4_the_user_stays_out_when_the_connection_says_so(void **state)
{
    (void)state;
    struct notice notice = notice_of(504, 0);
    assert_non_null(strstr(c_of(mail_of(&notice).body), "Gebruiker: Els Bakker\n"));
    connection.is_user_mailed = false;
    assert_null(strstr(c_of(mail_of(&notice).body), "Els Bakker"));
}

static void MAIL9_no_value_adds_a_header_or_a_line(void **state)
{
    (void)state;
    connection.customer_key = STR("zon\r\nBcc: x@evil.example");
    connection.provider_key = STR("ysis\r\n\r\nTweede mail");
    connection.environment = STR("test\nX: y");
    trail.entry.reference = STR("SSO\r\nCc: y");
    struct notice notice = notice_of(504, 0);
    notice.user_shown = STR("Els\r\nReply-To: z");
    struct outbox_mail mail = mail_of(&notice);
    assert_null(strpbrk(c_of(mail.subject), "\r\n"));
    const char *body = c_of(mail.body);
    assert_null(strchr(body, '\r'));
    const char *const never[] = {"\nBcc", "\nX: y", "\nCc", "\nReply-To", "\nTweede"};
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        assert_null(strstr(body, never[i]));
    assert_non_null(strstr(body, "Els  Reply-To: z"));
}

/* ---- unasked mails ---- */

static void MAP9_a_digest_names_what_is_new(void **state)
{
    (void)state;
    struct mapping_row rows[] = {
        {.code = STR("1377"), .name = STR("Locatie Oost"), .status = MAPPING_NEW},
        {.code = STR("14\n01"), .status = MAPPING_LINKED},
    };
    const struct mapping_list list = {.items = rows, .count = 2};
    const struct notify_digest digest = {
        .rows = &list, .total = 60, .from = 1795293485 - 86400, .until = 1795293485};
    const char *body = c_of(notify_digest_body(arena, &connection, &digest));
    const char *const parts[] = {
        "Koppelvlak: zonnestraaltjes_ysis\n",
        "Periode: 20-11-2026 21:38:05 tot 21-11-2026 21:38:05\n",
        "Nieuwe locaties: 60\n",
        "  - 1377 Locatie Oost (nog niet gekoppeld)\n",
        "  - 14 01 (gekoppeld)\n",
        "  en nog 58\n",
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        assert_non_null(strstr(body, parts[i]));
}

static void a_digest_ends_at_six_in_amsterdam(void **state)
{
    (void)state;
    const struct {
        int64_t now, end;
    } rows[] = {
        {1795293485, 1795237200},         /* 21-11 21:38 local -> 21-11 06:00 local = 05:00Z */
        {1795237200, 1795237200},         /* at six sharp */
        {1795237199, 1795237200 - 86400}, /* a second before: the day before */
        {1774760400, 1774756800},         /* 29-03-2026 07:00 summer time, in use since 02:00 that night */
        {1792906200, 1792904400},         /* 25-10-2026 06:30 after a night of 25 hours */
        {1792902600, 1792814400},         /* ... and 05:30: the day before, which was summer time */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(notify_digest_end(rows[i].now), rows[i].end);
}

static void reminders_have_five_steps(void **state)
{
    (void)state;
    const struct {
        int64_t before_s, step;
    } rows[] = {
        {61 * 86400, 0},  {60 * 86400 + 1, 0},  {60 * 86400, 60}, {31 * 86400, 60},
        {30 * 86400, 30}, {14 * 86400 + 1, 30}, {14 * 86400, 14}, {7 * 86400, 7},
        {2 * 86400, 7},   {86400, 1},           {1, 1},           {0, 0},
        {-86400, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(notify_reminder_step(1795293485 + rows[i].before_s, 1795293485), rows[i].step);
    assert_int_equal(notify_reminder_step(0, 1795293485), 0); /* unknown */
    assert_non_null(strstr(c_of(notify_reminder_body(arena, &connection, 1795293485, 7)), "over 7 dagen"));
    assert_non_null(strstr(c_of(notify_reminder_body(arena, &connection, 1795293485, 1)), "over 1 dag."));
}

static void MAIL3_and_4_subject_and_body(void **state)
{
    (void)state;
    const char *const ids[] = {"1377", "1401"};
    mapped(ids, 2, "nieuw toegevoegd");
    struct notice notice = notice_of(701, 'c');
    struct outbox_mail mail = mail_of(&notice);
    assert_string_equal(c_of(mail.subject),
                        "[SSO productie] zonnestraaltjes: Geen beveiligingsgroepen gevonden (701)");
    assert_string_equal(c_of(mail.recipients), "fab@zorg.example, tweede@zorg.example");
    const char *body = c_of(mail.body);
    const char *const parts[] = {
        "Tijd: 21-11-2026 21:38:05\n",
        "Koppelvlak: zonnestraaltjes_ysis\n",
        "Omgeving: productie\n",
        "Melding: 701 Geen beveiligingsgroepen gevonden\n",
        "Oorzaak: 2 locaties ontvangen, geen enkele gekoppeld (2 nieuw toegevoegd)\n",
        "De gebruiker zag: U bent herkend, maar geen van uw locaties is hier gekoppeld.",
        "Referentie: SSO-20261121-ABCDEFGH\n",
        "Opzoeken: sluis sso log show SSO-20261121-ABCDEFGH\n",
        "Gebruiker: Els Bakker\n",
        "Niet-gekoppelde locaties:\n  - 1377\n  - 1401\n",
        "\n{repeats}\n",
        "\nAdvies: kijk bij nummer 6",
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        assert_non_null(strstr(body, parts[i]));
    assert_null(strstr(body, "://"));
}

static void MAIL4_groups_are_named_for_702(void **state)
{
    (void)state;
    trail_step(&trail, TRAIL_PERMISSIONS, false,
               json_pack("{s:[s,s]}", "groups", "Zorg Oost", "Zorg\nBcc: West"));
    struct notice notice = notice_of(702, 'a');
    const char *body = c_of(mail_of(&notice).body);
    assert_non_null(strstr(body, "Beveiligingsgroepen:\n  - Zorg Oost\n  - Zorg Bcc: West\n"));
    assert_non_null(strstr(body, "Oorzaak: De gekoppelde beveiligingsgroepen hebben geen permissies\n"));
}

static void MAIL4_at_most_50_ids(void **state)
{
    (void)state;
    const char *ids[60];
    for (int i = 0; i < 60; i++)
        ids[i] = arena_printf(arena, "loc%03d", i);
    mapped(ids, 60, "niet gekoppeld");
    struct notice notice = notice_of(701, 'c');
    const char *body = c_of(mail_of(&notice).body);
    assert_non_null(strstr(body, "  - loc049\n  en nog 10\n"));
    assert_null(strstr(body, "loc050"));
}

static void MAIL5_nothing_of_the_person_or_the_exchange_but_the_name(void **state)
{
    (void)state;
    connection.secrets[0].value = STR("geheim-van-de-koppeling");
    connection.secret_count = 1;
    trail.entry.user_name = STR("els.bakker@zorg.example");
    trail.entry.user_id = STR("0193bbbb");
    trail_step(&trail, TRAIL_RESPONSE, true, json_pack("{s:s}", "code", "code-van-de-inlogdienst"));
    trail_step(&trail, TRAIL_USER, false, json_pack("{s:s}", "email", "els.bakker@zorg.example"));
    trail_step(&trail, TRAIL_START, true,
               json_pack("{s:s, s:s}", "patient", "999990019", "address", "192.0.2.77"));
    const int codes[] = {103, 201, 402, 504, 701, 702, 803};
    const char *const never[] = {"geheim", "els.bakker", "0193bbbb",       "code-van",
                                 "99999",  "192.0.2",    "sluis-productie"};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        struct notice notice = notice_of(codes[i], 0);
        struct outbox_mail mail = mail_of(&notice);
        for (size_t j = 0; j < sizeof never / sizeof *never; j++) {
            assert_null(strstr(c_of(mail.body), never[j]));
            assert_null(strstr(c_of(mail.subject), never[j]));
        }
    }
}

static void MAIL5_what_is_not_a_name_is_masked(void **state)
{
    (void)state;
    assert_same(notify_user(arena, STR("Els Bakker"), STR("u-1001")), STR("Els Bakker"), true);
    assert_null(strstr(c_of(notify_user(arena, STR("els@zorg.example"), STR("u-1001"))), "els@"));
    assert_null(strstr(c_of(notify_user(arena, STR("Els 999990019"), STR("u-1001"))), "99999"));
    assert_null(strstr(c_of(notify_user(arena, STR_NONE, STR("999990019"))), "99999"));
    assert_int_equal(notify_user(arena, STR_NONE, STR_NONE).length, 0);
}

static void MAIL6_the_same_fault_has_the_same_fingerprint(void **state)
{
    (void)state;
    const char *const one[] = {"1377", "1401"}, *const other[] = {"1401", "1377"},
                      *const third[] = {"13771401"};
    mapped(one, 2, "nieuw toegevoegd");
    struct notice notice = notice_of(701, 'c');
    struct str first = mail_of(&notice).fingerprint;
    assert_int_equal(first.length, 64);

    trail_free(&trail);
    trail_begin(&trail, arena, 1795293999000, STR("SSO-20261121-ZZZZZZZZ"));
    mapped(other, 2, "niet gekoppeld"); /* seen before by now, and in another order */
    notice.user_shown = STR("Iemand Anders");
    notice.now += 60;
    assert_same(mail_of(&notice).fingerprint, first, true);

    notice.cause = 'd';
    assert_same(mail_of(&notice).fingerprint, first, false);
    notice = notice_of(702, 'c');
    assert_same(mail_of(&notice).fingerprint, first, false);

    trail_free(&trail);
    trail_begin(&trail, arena, 1795293999000, STR("SSO-20261121-YYYYYYYY"));
    mapped(third, 1, "niet gekoppeld");
    notice = notice_of(701, 'c');
    assert_same(mail_of(&notice).fingerprint, first, false);
}

static void MAIL6_the_host_of_the_provider_counts_for_its_outages(void **state)
{
    (void)state;
    const struct {
        int code;
        bool counts;
    } rows[] = {{201, true}, {206, true}, {401, true}, {402, false}, {504, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct notice notice = notice_of(rows[i].code, 0);
        connection.issuer = STR("https://epd.example.nl/cas/oidc");
        struct str first = mail_of(&notice).fingerprint;
        connection.issuer = STR("https://epd.example.nl/elders");
        assert_same(mail_of(&notice).fingerprint, first, true);
        connection.issuer = STR("https://ander.example.nl/cas/oidc");
        assert_same(mail_of(&notice).fingerprint, first, !rows[i].counts);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(MAIL2_without_address_there_is_no_mail),
        TEST(MAIL1_every_code_is_told_as_its_rule_says),
        TEST(the_operator_is_told_without_a_connection_and_nobody_without_an_address),
        TEST(of_311_only_consent_is_mailed),
        TEST(MAIL8_an_outage_has_a_mail_for_its_end),
        TEST(MAIL4_the_user_stays_out_when_the_connection_says_so),
        TEST(MAIL9_no_value_adds_a_header_or_a_line),
        TEST(MAP9_a_digest_names_what_is_new),
        TEST(a_digest_ends_at_six_in_amsterdam),
        TEST(reminders_have_five_steps),
        TEST(MAIL3_and_4_subject_and_body),
        TEST(MAIL4_groups_are_named_for_702),
        TEST(MAIL4_at_most_50_ids),
        TEST(MAIL5_nothing_of_the_person_or_the_exchange_but_the_name),
        TEST(MAIL5_what_is_not_a_name_is_masked),
        TEST(MAIL6_the_same_fault_has_the_same_fingerprint),
        TEST(MAIL6_the_host_of_the_provider_counts_for_its_outages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
