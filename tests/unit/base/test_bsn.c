/* The eleven-test on citizen service numbers. */
#include "base/bsn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void numbers_of_the_test_persons_are_valid(void **state)
{
    (void)state;
    assert_true(bsn_is_valid(STR("999990019")));
    assert_true(bsn_is_valid(STR("123456782")));
    assert_true(bsn_is_valid(STR("111222333")));
    assert_true(bsn_is_valid(STR("426308505")));
}

static void any_single_changed_digit_is_noticed(void **state)
{
    (void)state;
    const char valid[] = "123456782";
    for (size_t at = 0; at < 9; at++) {
        for (char digit = '0'; digit <= '9'; digit++) {
            char changed[10];
            memcpy(changed, valid, sizeof changed);
            changed[at] = digit;
            assert_int_equal(bsn_is_valid(str_of(changed, 9)), digit == valid[at]);
        }
    }
}

static void all_zeros_is_no_number(void **state)
{
    (void)state;
    assert_false(bsn_is_valid(STR("000000000")));
}

static void the_weight_of_the_last_digit_is_minus_one(void **state)
{
    (void)state;
    /* 2 * 1 - 2 = 0 with weight -1; with weight 1 the sum would be 4. */
    assert_true(bsn_is_valid(STR("000000012")));
    /* 2 * 1 + 9 = 11: valid only with weight 1. */
    assert_false(bsn_is_valid(STR("000000019")));
}

static void only_nine_digits_will_do(void **state)
{
    (void)state;
    assert_false(bsn_is_valid(STR_NONE));
    assert_false(bsn_is_valid(STR("")));
    assert_false(bsn_is_valid(STR("10000008")));   /* eight digits that would be valid behind a zero */
    assert_false(bsn_is_valid(STR("0999990019"))); /* ten */
    assert_false(bsn_is_valid(STR("99999001 ")));
    assert_false(bsn_is_valid(STR(" 99990019")));
    assert_false(bsn_is_valid(STR("99999001x")));
    assert_false(bsn_is_valid(STR("-99990019")));
    assert_false(bsn_is_valid(str_of("99999\0019", 9)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_of_the_test_persons_are_valid),
        cmocka_unit_test(any_single_changed_digit_is_noticed),
        cmocka_unit_test(all_zeros_is_no_number),
        cmocka_unit_test(the_weight_of_the_last_digit_is_minus_one),
        cmocka_unit_test(only_nine_digits_will_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
