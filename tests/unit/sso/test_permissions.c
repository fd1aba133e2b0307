/* From groups to permissions: PRM-1 to -4. */
#include "sso/permissions.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define PAIRS(list) list, sizeof(list) / sizeof *(list)
#define ALL(code)                                                                                            \
    {                                                                                                        \
        STR(code), STR_NONE                                                                                  \
    }
#define AT(code, department)                                                                                 \
    {                                                                                                        \
        STR(code), STR(department)                                                                           \
    }

static struct arena *arena;

static struct sso_permission_pair of_arts[] = {ALL("lezen"), AT("schrijven", "oost")};
static struct sso_permission_pair of_zorg[] = {AT("lezen", "west"), AT("schrijven", "west"),
                                               AT("schrijven", "oost")};
static struct sso_permission_pair of_oud[] = {ALL("alles")};
static struct sso_permission_pair of_maan[] = {ALL("maan.alles")};
static struct sso_group groups[] = {
    {STR("zon"), STR("Arts"), STR(""), true, PAIRS(of_arts)},
    {STR("zon"), STR("Zorg"), STR(""), true, PAIRS(of_zorg)},
    {STR("zon"), STR("Oud"), STR(""), false, PAIRS(of_oud)},
    {STR("zon"), STR("Leeg"), STR(""), true, NULL, 0},
    {STR("maan"), STR("Arts"), STR(""), true, PAIRS(of_maan)},
};

static struct sso_permission_pair to_lezers[] = {ALL("lezen")};
static struct sso_permission_pair to_oost[] = {AT("lezen", "oost"), AT("schrijven", "oost")};
static struct sso_permission_pair to_noord[] = {AT("schrijven", "noord")};
static struct sso_ceiling ceilings[] = {
    {STR("zon"), STR("lezers"), PAIRS(to_lezers)},       {STR("zon"), STR("oost"), PAIRS(to_oost)},
    {STR("zon"), STR("noord"), PAIRS(to_noord)},         {STR("zon"), STR("leeg"), NULL, 0},
    {STR("maan"), STR("van de maan"), PAIRS(to_lezers)},
};

static const struct sso_data data = {.groups = groups,
                                     .group_count = sizeof groups / sizeof *groups,
                                     .ceilings = ceilings,
                                     .ceiling_count = sizeof ceilings / sizeof *ceilings};

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

static enum permissions_result compute(const char *const *names, size_t count, const char *ceiling,
                                       struct permissions *out)
{
    struct str list[8];
    for (size_t i = 0; i < count; i++)
        list[i] = str_from_c(names[i]);
    return permissions_compute(arena, &data, STR("zon"), list, count, str_from_c(ceiling), out);
}
#define COMPUTE(ceiling, out, ...)                                                                           \
    compute((const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *), \
            ceiling, out)

static void is_text(const struct permissions *permissions, const char *expected)
{
    struct str text = permissions_text(arena, permissions);
    assert_string_equal(arena_strndup(arena, text.data, text.length), expected);
}

static void PRM1_the_union_of_the_distinct_groups(void **state)
{
    (void)state;
    struct permissions permissions;
    assert_int_equal(COMPUTE("", &permissions, "Arts", "Zorg", "Arts"), PERMISSIONS_OK);
    assert_int_equal(permissions.group_count, 2);
    assert_true(str_equal_c(permissions.groups[0]->name, "Arts"));
    assert_true(str_equal_c(permissions.groups[1]->name, "Zorg"));
    is_text(&permissions, "lezen schrijven@oost schrijven@west");
}

static void PRM1_the_order_of_the_groups_does_not_matter(void **state)
{
    (void)state;
    struct permissions permissions;
    assert_int_equal(COMPUTE("", &permissions, "Zorg", "Arts"), PERMISSIONS_OK);
    is_text(&permissions, "lezen schrijven@oost schrijven@west");
}

static void PRM2_all_departments_absorb_the_others(void **state)
{
    (void)state;
    struct permissions permissions;
    assert_int_equal(COMPUTE("", &permissions, "Zorg"), PERMISSIONS_OK);
    is_text(&permissions, "lezen@west schrijven@oost schrijven@west");
    assert_int_equal(COMPUTE("", &permissions, "Zorg", "Arts"), PERMISSIONS_OK);
    assert_int_equal(permissions.pairs[0].department.length, 0);
}

static void PRM3_the_ceiling_bounds_pair_by_pair(void **state)
{
    (void)state;
    struct permissions permissions;
    assert_int_equal(COMPUTE("lezers", &permissions, "Arts", "Zorg"), PERMISSIONS_OK);
    is_text(&permissions, "lezen");
    assert_int_equal(COMPUTE("lezers", &permissions, "Zorg"), PERMISSIONS_OK);
    is_text(&permissions, "lezen@west");
    assert_int_equal(COMPUTE("oost", &permissions, "Arts", "Zorg"), PERMISSIONS_OK);
    is_text(&permissions, "lezen@oost schrijven@oost");
}

static void PRM4_every_empty_result_has_its_cause(void **state)
{
    (void)state;
    struct permissions permissions;
    assert_int_equal(COMPUTE("", &permissions, "Leeg"), PERMISSIONS_NONE_IN_GROUPS);
    assert_int_equal(permissions.group_count, 1); /* for the log and the mail */
    assert_int_equal(COMPUTE("", &permissions, "Oud"), PERMISSIONS_GROUPS_INACTIVE);
    assert_int_equal(COMPUTE("", &permissions, "Weggegooid"), PERMISSIONS_GROUPS_INACTIVE);
    assert_int_equal(compute(NULL, 0, "", &permissions), PERMISSIONS_GROUPS_INACTIVE);
    assert_int_equal(COMPUTE("leeg", &permissions, "Arts"), PERMISSIONS_NONE_IN_CEILING);
    assert_int_equal(COMPUTE("noord", &permissions, "Arts", "Zorg"), PERMISSIONS_SCOPES_EMPTY);
    assert_int_equal(permissions.count, 0);
    is_text(&permissions, "");
}

static void PRM3_a_ceiling_that_is_not_there_lets_nothing_through(void **state)
{
    (void)state;
    struct permissions permissions;
    assert_int_equal(COMPUTE("verdwenen", &permissions, "Arts"), PERMISSIONS_NONE_IN_CEILING);
    assert_int_equal(COMPUTE("van de maan", &permissions, "Arts"), PERMISSIONS_NONE_IN_CEILING);
}

static void PRM5_an_inactive_group_adds_nothing(void **state)
{
    (void)state;
    struct permissions permissions;
    assert_int_equal(COMPUTE("", &permissions, "Oud", "Zorg"), PERMISSIONS_OK);
    is_text(&permissions, "lezen@west schrijven@oost schrijven@west");
}

static void groups_of_another_customer_do_not_count(void **state)
{
    (void)state;
    struct permissions permissions;
    assert_int_equal(COMPUTE("", &permissions, "Arts"), PERMISSIONS_OK);
    is_text(&permissions, "lezen schrijven@oost");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(PRM1_the_union_of_the_distinct_groups, set_up, tear_down),
        cmocka_unit_test_setup_teardown(PRM1_the_order_of_the_groups_does_not_matter, set_up, tear_down),
        cmocka_unit_test_setup_teardown(PRM2_all_departments_absorb_the_others, set_up, tear_down),
        cmocka_unit_test_setup_teardown(PRM3_the_ceiling_bounds_pair_by_pair, set_up, tear_down),
        cmocka_unit_test_setup_teardown(PRM3_a_ceiling_that_is_not_there_lets_nothing_through, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(PRM4_every_empty_result_has_its_cause, set_up, tear_down),
        cmocka_unit_test_setup_teardown(PRM5_an_inactive_group_adds_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(groups_of_another_customer_do_not_count, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("permissions", tests, NULL, NULL);
}
