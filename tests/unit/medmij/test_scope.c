/* The scope grammar (spec 3.3), rule by rule. */
#include "medmij/scope.h"

#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct scope scope;

static void accepts(const char *text)
{
    if (scope_parse(str_from_c(text), &scope) != OK)
        fail_msg("refused: \"%s\"", text);
}

static void refuses(const char *text)
{
    if (scope_parse(str_from_c(text), &scope) != FAILED)
        fail_msg("accepted: \"%s\"", text);
}

#define assert_str(actual, expected) assert_true(str_equal_c((actual), (expected)))

static void collect_is_a_provider_alone(void **state)
{
    (void)state;
    accepts("eenofanderezorgaanbieder");
    assert_int_equal(scope.form, SCOPE_PROVIDER);
    assert_str(scope.provider, "eenofanderezorgaanbieder");
    assert_int_equal(scope.service_count, 0);
    assert_false(scope.is_on_behalf_of);
    accepts("test.huisarts-2.amsterdam");
    assert_str(scope.provider, "test.huisarts-2.amsterdam");
}

static void a_provider_has_lower_case_letters_digits_dots_and_hyphens(void **state)
{
    (void)state;
    refuses("Huisarts");
    refuses("huisarts_x");
    refuses("huisarts@medmij");
    refuses("huisarts%20x");
    refuses("huisarts\xC3\xAB");
    refuses("huisarts\tx");
    refuses("huisarts\n");
    assert_int_equal(scope_parse(str_of("huisarts\0", 9), &scope), FAILED);
    assert_int_equal(scope_parse(str_of("huis\0arts", 9), &scope), FAILED);
}

static void share_is_one_pair(void **state)
{
    (void)state;
    accepts("eenofanderezorgaanbieder~53");
    assert_int_equal(scope.form, SCOPE_PAIRS);
    assert_str(scope.provider, "eenofanderezorgaanbieder");
    assert_int_equal(scope.service_count, 1);
    assert_str(scope.services[0], "53");
}

static void a_service_has_one_to_thirty_scope_characters(void **state)
{
    (void)state;
    accepts("x~123456789012345678901234567890");
    refuses("x~1234567890123456789012345678901");
    refuses("x~");
    refuses("~53");
    refuses("~");
    refuses("x~5~3");
    refuses("x~5/3");
    refuses("x~5\"3");
    refuses("x~5\\3");
    refuses("x~5\x7F");
    refuses("x~5\xC3\xAB");
    accepts("x~a[1]{2}");
}

static void legacy_collect_is_pairs_of_one_provider(void **state)
{
    (void)state;
    accepts("eenofanderezorgaanbieder~42 eenofanderezorgaanbieder~48");
    assert_int_equal(scope.form, SCOPE_PAIRS);
    assert_int_equal(scope.service_count, 2);
    assert_str(scope.services[0], "42");
    assert_str(scope.services[1], "48");
    refuses("een~42 ander~48");
    refuses("een~42 een~42");
    refuses("een~42 een");
    refuses("een een~42");
}

static void at_most_thirty_two_services(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct buf text = buf_new(arena, SCOPE_LENGTH_MAX);
    for (int i = 0; i < SCOPE_SERVICES_MAX; i++)
        buf_printf(&text, "%sx~%d", i ? " " : "", i);
    accepts(buf_c(&text));
    assert_int_equal(scope.service_count, SCOPE_SERVICES_MAX);
    buf_append_c(&text, " x~one-too-many");
    refuses(buf_c(&text));
    arena_free(&arena);
}

static void subscribe_has_days_and_one_pair(void **state)
{
    (void)state;
    accepts("subscribe~180/eenofanderezorgaanbieder~42");
    assert_int_equal(scope.form, SCOPE_SUBSCRIBE);
    assert_int_equal(scope.days, 180);
    assert_str(scope.provider, "eenofanderezorgaanbieder");
    assert_int_equal(scope.service_count, 1);
    assert_str(scope.services[0], "42");
    accepts("subscribe~0/eenofanderezorgaanbieder~42");
    assert_int_equal(scope.days, 0);
    accepts("subscribe~999999/x~42");
    assert_int_equal(scope.days, 999999);
}

static void days_are_plain_decimal_of_at_most_six_digits(void **state)
{
    (void)state;
    refuses("subscribe~1000000/x~42");
    refuses("subscribe~007/x~42");
    refuses("subscribe~-1/x~42");
    refuses("subscribe~+1/x~42");
    refuses("subscribe~1.5/x~42");
    refuses("subscribe~/x~42");
    refuses("subscribe~ 1/x~42");
    refuses("subscribe~99999999999999999999/x~42");
}

static void subscribe_is_a_reserved_word(void **state)
{
    (void)state;
    refuses("subscribe~53");
    refuses("subscribe~180/x");
    refuses("subscribe~180/");
    refuses("subscribe~180/x~42 x~48");
    refuses("subscribe~180/x~42 subscribe~180/x~48");
    refuses("Subscribe~180/x~42");
    refuses("x~42 subscribe~180/x~42");
    refuses("subscribe~180/subscribe~2/x~42");
}

static void modifiers_come_last_and_once(void **state)
{
    (void)state;
    accepts("x onbehalfof");
    assert_true(scope.is_on_behalf_of);
    assert_false(scope.is_on_behalf_of_child);
    accepts("x onbehalfofchild");
    assert_false(scope.is_on_behalf_of);
    assert_true(scope.is_on_behalf_of_child);
    accepts("x onbehalfof onbehalfofchild");
    assert_true(scope.is_on_behalf_of && scope.is_on_behalf_of_child);
    accepts("x~42 x~48 onbehalfof");
    assert_int_equal(scope.service_count, 2);
    refuses("x onbehalfof onbehalfof");
    refuses("x~42 onbehalfof x~48");
    refuses("onbehalfof x");
    refuses("x OnBehalfOf");
    refuses("x onbehalfofx");
}

static void a_subscription_takes_no_modifier(void **state)
{
    (void)state;
    refuses("subscribe~180/x~42 onbehalfof");
    refuses("subscribe~180/x~42 onbehalfofchild");
}

static void parts_are_separated_by_exactly_one_space(void **state)
{
    (void)state;
    refuses("");
    refuses(" ");
    refuses(" x");
    refuses("x ");
    refuses("x  onbehalfof");
    refuses("x\tonbehalfof");
    refuses("x+onbehalfof");
    refuses("x y");
    assert_int_equal(scope_parse(STR_NONE, &scope), FAILED);
}

static void length_is_capped(void **state)
{
    (void)state;
    char text[SCOPE_LENGTH_MAX + 2];
    memset(text, 'a', sizeof text);
    assert_int_equal(scope_parse(str_of(text, SCOPE_PROVIDER_MAX), &scope), OK);
    assert_int_equal(scope_parse(str_of(text, SCOPE_PROVIDER_MAX + 1), &scope), FAILED);
    assert_int_equal(scope_parse(str_of(text, SCOPE_LENGTH_MAX + 1), &scope), FAILED);
}

static void functions_have_names(void **state)
{
    (void)state;
    enum medmij_function function;
    assert_int_equal(medmij_function_from_name(STR("collect"), &function), OK);
    assert_int_equal(function, FUNCTION_COLLECT);
    assert_int_equal(medmij_function_from_name(STR("share"), &function), OK);
    assert_int_equal(function, FUNCTION_SHARE);
    assert_int_equal(medmij_function_from_name(STR("subscribe"), &function), OK);
    assert_int_equal(function, FUNCTION_SUBSCRIBE);
    assert_int_equal(medmij_function_from_name(STR("Collect"), &function), ABSENT);
    assert_int_equal(medmij_function_from_name(STR_NONE, &function), ABSENT);
    assert_string_equal(medmij_function_name(FUNCTION_SHARE), "share");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(collect_is_a_provider_alone),
        cmocka_unit_test(a_provider_has_lower_case_letters_digits_dots_and_hyphens),
        cmocka_unit_test(share_is_one_pair),
        cmocka_unit_test(a_service_has_one_to_thirty_scope_characters),
        cmocka_unit_test(legacy_collect_is_pairs_of_one_provider),
        cmocka_unit_test(at_most_thirty_two_services),
        cmocka_unit_test(subscribe_has_days_and_one_pair),
        cmocka_unit_test(days_are_plain_decimal_of_at_most_six_digits),
        cmocka_unit_test(subscribe_is_a_reserved_word),
        cmocka_unit_test(modifiers_come_last_and_once),
        cmocka_unit_test(a_subscription_takes_no_modifier),
        cmocka_unit_test(parts_are_separated_by_exactly_one_space),
        cmocka_unit_test(length_is_capped),
        cmocka_unit_test(functions_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
