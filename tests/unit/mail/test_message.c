/* A mail on the line: MAIL-9 (no header injection), RFC 5322, 2045 and 2047. */
#include "mail/amsterdam.h"
#include "mail/mailer.h"
#include "mail/message.h"
#include "mail/smtp.h"

#include "../support/arena.h"

static struct message sample(void)
{
    return (struct message){
        .sender = STR("sluis@sluis.example"),
        .recipients = STR("fab@zorg.example, helpdesk@zorg.example"),
        .subject = STR("[SSO productie] zorg: Geen permissies (702)"),
        .body = STR("Regel een\nRegel twee\n"),
        .id = STR("0193-abc"),
        .date = 1795293485, /* 21-11-2026 20:38:05 UTC */
    };
}

static const char *write_out(const struct message *message)
{
    struct str text;
    assert_int_equal(message_write(arena, message, &text), OK);
    return arena_strndup(arena, text.data, text.length);
}

static void the_headers_are_complete(void **state)
{
    (void)state;
    struct message message = sample();
    assert_string_equal(write_out(&message), "Date: Sat, 21 Nov 2026 21:38:05 +0100\r\n"
                                             "From: Sluis <sluis@sluis.example>\r\n"
                                             "To: fab@zorg.example,\r\n helpdesk@zorg.example\r\n"
                                             "Message-ID: <0193-abc@sluis.example>\r\n"
                                             "Subject: [SSO productie] zorg: Geen permissies (702)\r\n"
                                             "Auto-Submitted: auto-generated\r\n"
                                             "MIME-Version: 1.0\r\n"
                                             "Content-Type: text/plain; charset=utf-8\r\n"
                                             "Content-Language: nl\r\n"
                                             "Content-Transfer-Encoding: quoted-printable\r\n"
                                             "\r\n"
                                             "Regel een\r\nRegel twee\r\n");
}

static void MAIL9_a_subject_adds_no_header(void **state)
{
    (void)state;
    struct message message = sample();
    message.subject = STR("x\r\nBcc: kwaad@elders.example\r\n\r\nLichaam\0\x7f");
    const char *text = write_out(&message);
    assert_null(strstr(text, "\nBcc:"));
    assert_non_null(strstr(text, "\r\nSubject: x  Bcc: kwaad@elders.example    Lichaam  \r\n"));
}

static void MAIL9_addresses_with_anything_else_in_them_are_refused(void **state)
{
    (void)state;
    const struct str wrong[] = {
        STR("a@b.example\r\nBcc: c@d.example"),
        STR("a@b.example\n"),
        STR("<a@b.example>"),
        STR("a b@c.example"),
        STR("a@b@c.example"),
        STR("a@"),
        STR("@b.example"),
        STR("a..b@c.example"),
        STR("a@b..example"),
        STR("a@b.example."),
        STR("-a@b.example"),
        STR("a@b.ex\0mple"),
        STR("a@b.example>"),
        STR("\"a\"@b.example"),
        STR("j\xc3\xa9@b.example"),
        STR(""),
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct str text;
        struct message message = sample();
        assert_false(message_is_address(wrong[i]));
        message.recipients = wrong[i];
        assert_int_equal(message_write(arena, &message, &text), FAILED);
        message = sample();
        message.sender = wrong[i];
        assert_int_equal(message_write(arena, &message, &text), FAILED);
    }
    assert_true(message_is_address(STR("fab+sso@zorg-oost.example.nl")));
}

static void MAIL9_an_id_with_anything_else_in_it_is_refused(void **state)
{
    (void)state;
    struct message message = sample();
    struct str text;
    message.id = STR("a>\r\nBcc: x");
    assert_int_equal(message_write(arena, &message, &text), FAILED);
    message.id = STR_NONE;
    assert_int_equal(message_write(arena, &message, &text), FAILED);
}

static void RFC2047_a_subject_with_other_letters_is_encoded_in_whole_characters(void **state)
{
    (void)state;
    struct message message = sample();
    message.subject = STR("Onbekende cli\xc3\xabnt");
    assert_non_null(strstr(write_out(&message), "\r\nSubject: =?UTF-8?B?T25iZWtlbmRlIGNsacOrbnQ=?=\r\n"));
    /* The 45th byte falls within a character: the word ends before it. */
    message.subject = STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\xc3\xab");
    assert_non_null(strstr(write_out(&message), "YWE=?=\r\n =?UTF-8?B?w6s=?=\r\n"));
    message.subject = STR("=?UTF-8?B?eA==?=");
    assert_null(strstr(write_out(&message), "Subject: =?UTF-8?B?eA==?="));
}

static void RFC2045_the_body_survives_any_byte(void **state)
{
    (void)state;
    struct message message = sample();
    message.body = STR("a=b \n.\n\xc3\xab\r\n\t\n");
    const char *body = strstr(write_out(&message), "\r\n\r\n") + 4;
    assert_string_equal(body, "a=3Db=20\r\n.\r\n=C3=AB=0D\r\n=09\r\n");
    char *text = arena_alloc(arena, 501);
    memset(text, 'x', 500);
    message.body = str_of(text, 500);
    for (const char *line = write_out(&message); line != NULL; line = strstr(line, "\r\n")) {
        line += line[0] == '\r' ? 2 : 0;
        const char *end = strstr(line, "\r\n");
        assert_true(end == NULL || end - line <= 78);
    }
}

static void clean_text_has_no_control_characters(void **state)
{
    (void)state;
    struct str text = message_clean(arena,
                                    STR("a\r\nb\tc\x01\xc2\x85"
                                        "d\xc3\xab"),
                                    100);
    assert_true(str_equal(text, STR("a  b c   d\xc3\xab")));
    assert_true(str_is_printable_utf8(text));
    assert_true(str_equal(message_clean(arena, STR("a\xff\r"), 100), STR("a? ")));
    assert_true(str_equal(message_clean(arena, STR("aa\xc3\xab"), 3), STR("aa")));
    assert_int_equal(message_clean(arena, STR_NONE, 3).length, 0);
}

static void MAIL4_moments_are_those_of_Amsterdam(void **state)
{
    (void)state;
    assert_string_equal(amsterdam_format(arena, 1795293485), "21-11-2026 21:38:05");
    assert_string_equal(amsterdam_format(arena, 1774745999), "29-03-2026 01:59:59");
    assert_string_equal(amsterdam_format(arena, 1774746000), "29-03-2026 03:00:00");
    assert_string_equal(amsterdam_format(arena, 1792889999), "25-10-2026 02:59:59");
    assert_string_equal(amsterdam_format(arena, 1792890000), "25-10-2026 02:00:00");
}

static void MAIL6_repeats_are_told_when_the_mail_goes_out(void **state)
{
    (void)state;
    struct outbox_mail mail = {.body = STR("Boven\n" MAILER_REPEATS "\nOnder {repeats} blijft\n")};
    struct str body = mailer_body(arena, &mail);
    assert_true(str_equal(body, STR("Boven\nOnderdrukte herhalingen: geen\nOnder {repeats} blijft\n")));
    mail.repeats = 7;
    mail.first_at = 1795293485;
    mail.last_at = 1795293545;
    assert_true(str_equal(mailer_body(arena, &mail),
                          STR("Boven\nOnderdrukte herhalingen: 7 (eerste 21-11-2026 21:38:05, laatste "
                              "21-11-2026 21:39:05)\nOnder {repeats} blijft\n")));
}

static void MAIL7_the_last_mail_says_that_it_is(void **state)
{
    (void)state;
    struct outbox_mail mail = {.body = STR("Boven\n" MAILER_REPEATS "\n"), .is_last = true};
    struct str body = mailer_body(arena, &mail);
    assert_non_null(strstr(arena_strndup(arena, body.data, body.length), "het maximum van 20 mails per uur"));
}

static void MAIL9_only_a_server_on_this_machine_may_go_without_tls(void **state)
{
    (void)state;
    const struct {
        const char *server;
        bool is_development, is_allowed;
    } rows[] = {
        {"smtp://localhost:2525", true, true},   {"smtp://mail.localhost:2525", true, true},
        {"smtp://127.0.0.1:2525", true, true},   {"smtp://localhost:2525", false, false},
        {"smtp://mail.example.nl", true, false}, {"smtp://127.0.0.1.example.nl", true, false},
        {"smtps://localhost:2525", true, false}, {"smtp://evillocalhost:25", true, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct smtp_client client = {.server = rows[i].server,
                                           .is_development = rows[i].is_development};
        assert_true(smtp_is_server(str_from_c(rows[i].server)));
        assert_int_equal(smtp_is_plain_allowed(&client), rows[i].is_allowed);
    }
    const struct str wrong[] = {STR("http://mail.example.nl"), STR("smtp://"),           STR("smtp://a:0"),
                                STR("smtp://a:70000"),         STR("smtp://user:pw@a"),  STR("smtp://a/path"),
                                STR("smtp://a?x=y"),           STR("mail.example.nl:25")};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(smtp_is_server(wrong[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(the_headers_are_complete),
        ARENA_TEST(MAIL9_a_subject_adds_no_header),
        ARENA_TEST(MAIL9_addresses_with_anything_else_in_them_are_refused),
        ARENA_TEST(MAIL9_an_id_with_anything_else_in_it_is_refused),
        ARENA_TEST(RFC2047_a_subject_with_other_letters_is_encoded_in_whole_characters),
        ARENA_TEST(RFC2045_the_body_survives_any_byte),
        ARENA_TEST(clean_text_has_no_control_characters),
        ARENA_TEST(MAIL4_moments_are_those_of_Amsterdam),
        ARENA_TEST(MAIL6_repeats_are_told_when_the_mail_goes_out),
        ARENA_TEST(MAIL7_the_last_mail_says_that_it_is),
        ARENA_TEST(MAIL9_only_a_server_on_this_machine_may_go_without_tls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
