/* One entry of the numbered log while it is made: LOG-1, LOG-2, LOG-4, and what is packed between requests.
 */
#include "sso/trail.h"
#include "sso/trail_text.h"

#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct arena *arena;
static struct trail trail;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new();
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

static const json_t *step(int number)
{
    size_t index;
    json_t *found;
    json_array_foreach(trail.steps, index, found)
    {
        if (json_integer_value(json_object_get(found, "n")) == number)
            return found;
    }
    fail_msg("no step %d", number);
    return NULL;
}

static const json_t *result(const char *name)
{
    return json_object_get(json_object_get(step(TRAIL_RESULT), "data"), name);
}

static void steps_up_to(int last)
{
    for (int number = TRAIL_START; number <= last; number++)
        trail_step(&trail, (enum trail_step_number)number, true, json_pack("{s:i}", "x", number));
}

static void LOG2_the_step_in_hand_is_the_one_that_failed(void **state)
{
    (void)state;
    steps_up_to(TRAIL_RESPONSE);
    trail_end(&trail, 1795293486000, "geweigerd", 401, 0, "U-IDP", 503);
    assert_true(json_is_true(json_object_get(step(TRAIL_RESPONSE), "ok")));
    assert_true(json_is_false(json_object_get(step(TRAIL_TOKENS), "ok")));
    for (int number = TRAIL_LOCATIONS; number <= TRAIL_SESSION; number++) {
        assert_true(json_is_false(json_object_get(step(number), "reached")));
        assert_null(json_object_get(step(number), "ok"));
    }
}

static void LOG2_a_step_that_says_it_failed_is_not_doubled(void **state)
{
    (void)state;
    steps_up_to(TRAIL_LOCATIONS);
    trail_step(&trail, TRAIL_MAPPING, false, NULL);
    trail_end(&trail, 1795293486000, "geweigerd", 701, 'c', "U-AUTHZ", 403);
    assert_int_equal(json_array_size(trail.steps), 12);
    assert_true(json_is_false(json_object_get(step(TRAIL_PERMISSIONS), "reached")));
    assert_null(json_object_get(step(TRAIL_LOCATIONS), "reached"));
}

static void LOG4_number_6_tells_why_it_is_empty(void **state)
{
    (void)state;
    steps_up_to(TRAIL_REQUEST);
    trail_step(&trail, TRAIL_RESPONSE, false, NULL);
    trail_end(&trail, 1795293486000, "geweigerd", 306, 0, "U-SEC", 400);
    const json_t *reason = json_object_get(json_object_get(step(TRAIL_LOCATIONS), "data"), "reason");
    assert_string_equal(json_string_value(reason), "geen locaties gelezen: gestopt bij stap 4 (306)");
    struct buf text = buf_new(arena, 65536);
    trail_text_write(arena, &text, trail_entry(&trail));
    const char *shown = buf_c(&text);
    assert_non_null(strstr(shown, "-  niet bereikt  reason=geen locaties gelezen"));
    assert_non_null(strstr(shown, " 4  Antwoord van identity provider    x\n"));
    assert_null(strstr(shown, " \n"));
}

static void warnings_are_collected_and_a_note_is_no_warning(void **state)
{
    (void)state;
    trail_note(&trail, 707);
    assert_int_equal(trail_warning(&trail), 0);
    for (int round = 0; round < 2; round++) {
        trail_warn(&trail, 0);
        trail_warn(&trail, 706);
        trail_warn(&trail, 808);
    }
    assert_int_equal(trail_warning(&trail), 706);
    trail_end(&trail, 1795293486000, "geslaagd met waarschuwing", 706, 0, NULL, 303);
    assert_int_equal(json_array_size(result("warnings")), 2);
    assert_string_equal(json_string_value(json_array_get(result("warnings"), 1)),
                        "808 Onbekende viewparameter (waarschuwing)");
    assert_int_equal(json_array_size(result("notes")), 1);
    assert_true(json_is_true(json_object_get(step(TRAIL_RESULT), "ok")));
}

static void more_warnings_than_there_is_room_for_are_left_out(void **state)
{
    (void)state;
    for (int code = 1; code <= 2 * TRAIL_REMARKS_MAX; code++)
        trail_warn(&trail, code);
    trail_end(&trail, 1795293486000, "geslaagd met waarschuwing", 808, 0, NULL, 303);
    assert_int_equal(json_array_size(result("warnings")), TRAIL_REMARKS_MAX);
}

static void checks_stand_in_the_step_that_comes_next(void **state)
{
    (void)state;
    trail_line(&trail, "RSP-4", true);
    trail_line(&trail, "RSP-6", false);
    trail_step(&trail, TRAIL_RESPONSE, false, NULL);
    trail_step(&trail, TRAIL_TOKENS, true, NULL);
    const json_t *lines = json_object_get(step(TRAIL_RESPONSE), "lines");
    assert_int_equal(json_array_size(lines), 2);
    assert_string_equal(json_string_value(json_object_get(json_array_get(lines, 1), "k")), "RSP-6");
    assert_null(json_object_get(step(TRAIL_TOKENS), "lines"));
    struct buf text = buf_new(arena, 65536);
    trail_text_write(arena, &text, trail_entry(&trail));
    assert_non_null(strstr(buf_c(&text), "1 van 2 controles goed, RSP-6 fout"));
}

static void what_is_told_afterwards_stands_in_step_12(void **state)
{
    (void)state;
    trail_end(&trail, 1795293486000, "geweigerd", 101, 0, "U-GEN", 404);
    trail_tell(&trail, "mail", json_string("geen"));
    assert_string_equal(json_string_value(result("mail")), "geen");
}

/* As the log gets it. */
static void assert_numbers(const int *numbers, size_t count)
{
    struct str text = trail_entry(&trail)->steps;
    json_t *steps = json_loadb(text.data, text.length, 0, NULL);
    assert_int_equal(json_array_size(steps), count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(json_integer_value(json_object_get(json_array_get(steps, i), "n")), numbers[i]);
    json_decref(steps);
}

static void to_the_next_request(void)
{
    struct str packed = trail_pack(&trail);
    trail_free(&trail);
    assert_int_equal(trail_unpack(&trail, arena, packed), OK);
}

static void LOG1_a_trail_survives_between_two_requests(void **state)
{
    static const int numbers[] = {1, 2, 3, 4};
    (void)state;
    trail.entry.slug = STR("zonnestraaltjes_ysis");
    trail.entry.user_name = STR("A.\nde \"Vries\"]");
    steps_up_to(TRAIL_REQUEST);
    trail_warn(&trail, 108);
    to_the_next_request();
    assert_true(str_equal_c(trail.entry.slug, "zonnestraaltjes_ysis"));
    assert_true(str_equal_c(trail.entry.user_name, "A.\nde \"Vries\"]"));
    assert_true(str_equal_c(trail.entry.reference, "SSO-20261121-ABCDEFGH"));
    assert_int_equal(trail.entry.started_at_ms, 1795293485000);
    assert_int_equal(trail_warning(&trail), 108);
    assert_numbers(numbers, 3);
    trail_step(&trail, TRAIL_RESPONSE, true, NULL);
    assert_numbers(numbers, 4);
    to_the_next_request();
    assert_numbers(numbers, 4);
}

static void LOG2_a_failure_knows_the_steps_of_the_request_before(void **state)
{
    static const int numbers[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    (void)state;
    steps_up_to(TRAIL_REQUEST);
    to_the_next_request();
    trail_end(&trail, 1795293486000, "geweigerd", 302, 0, "U-AGAIN", 400);
    assert_numbers(numbers, 12);
    assert_true(json_is_false(json_object_get(step(TRAIL_RESPONSE), "ok")));
    assert_true(json_is_false(json_object_get(step(TRAIL_TOKENS), "reached")));
}

static void a_trail_without_steps_survives_too(void **state)
{
    static const int numbers[] = {1};
    (void)state;
    to_the_next_request();
    assert_numbers(NULL, 0);
    trail_step(&trail, TRAIL_START, true, NULL);
    assert_numbers(numbers, 1);
}

static void the_text_of_the_steps_follows_what_is_told(void **state)
{
    (void)state;
    trail_end(&trail, 1795293486000, "geslaagd", 0, 0, NULL, 303);
    struct str before = trail_entry(&trail)->steps;
    assert_null(memmem(before.data, before.length, "\"mail\"", 6));
    trail_tell(&trail, "mail", json_string("geen"));
    struct str after = trail_entry(&trail)->steps;
    assert_non_null(memmem(after.data, after.length, "\"mail\":\"geen\"", 13));
}

static void what_is_no_trail_is_refused(void **state)
{
    static const char *const texts[] = {
        "", "nothing", "{}", "{}\n", "{}\n[", "{}\n{\"n\":1}", "[]\n[]", "{\n[]", "\n[]", "{\"steps\":1}",
    };
    struct trail other;
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_int_equal(trail_unpack(&other, arena, str_from_c(texts[i])), FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(LOG2_the_step_in_hand_is_the_one_that_failed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(LOG2_a_step_that_says_it_failed_is_not_doubled, set_up, tear_down),
        cmocka_unit_test_setup_teardown(LOG4_number_6_tells_why_it_is_empty, set_up, tear_down),
        cmocka_unit_test_setup_teardown(warnings_are_collected_and_a_note_is_no_warning, set_up, tear_down),
        cmocka_unit_test_setup_teardown(more_warnings_than_there_is_room_for_are_left_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(checks_stand_in_the_step_that_comes_next, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_told_afterwards_stands_in_step_12, set_up, tear_down),
        cmocka_unit_test_setup_teardown(LOG1_a_trail_survives_between_two_requests, set_up, tear_down),
        cmocka_unit_test_setup_teardown(LOG2_a_failure_knows_the_steps_of_the_request_before, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_trail_without_steps_survives_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_text_of_the_steps_follows_what_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_trail_is_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
