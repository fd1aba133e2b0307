/* Where a login lands: VIEW-1 to -8. */
#include "sso/views.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct arena *arena;
static const struct sso_data no_views = {0}; /* so the seed counts */

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

#define EVERYTHING                                                                                           \
    "administration.read administration.write dispense.read order.write status.read "                        \
    "worklist.read"

static struct landing_question ask(const char *view, enum landing_patient patient, const char *permissions)
{
    return (struct landing_question){
        .data = &no_views,
        .requested = str_from_c(view),
        .patient = patient,
        .patient_reference = patient != LANDING_PATIENT_NONE ? STR("ref-1") : STR_NONE,
        .permissions = str_from_c(permissions),
    };
}

static struct landing lands(const struct landing_question *question, const char *path, int warning)
{
    struct landing landing = landing_choose(arena, question);
    assert_string_equal(arena_strndup(arena, landing.path.data, landing.path.length), path);
    assert_int_equal(landing.warning, warning);
    return landing;
}

static struct landing lands_on(const char *view, enum landing_patient patient, const char *permissions,
                               const char *path, int warning)
{
    struct landing_question question = ask(view, patient, permissions);
    return lands(&question, path, warning);
}

static void VIEW1_the_table_holds_every_view_of_the_manual(void **state)
{
    (void)state;
    const struct {
        const char *name;
        bool needs_patient, needs_department, is_limited;
    } expected[] = {
        {"status", true, false, false},
        {"medicatiestatus", true, false, false},
        {"bestellen", true, false, false},
        {"toedienen", true, false, false},
        {"bestelronde", false, true, false},
        {"deelronde", false, true, false},
        {"werklijst", false, false, false},
        {"werklijstafdeling", false, true, false},
        {"aanvraagmenu", false, false, false},
        {"tdlmenu", false, false, false},
        {"tdrmenu", false, false, false},
        {"dispense", false, false, false},
        {"default", false, false, false},
        {"medimo-app", false, false, false},
        {"amo", true, false, true},
        {"amo2", true, false, true},
    };
    size_t count;
    const struct sso_view *seed = views_seed(&count);
    assert_int_equal(count, sizeof expected / sizeof *expected);
    for (size_t i = 0; i < count; i++) {
        const struct sso_view *view = views_find(&no_views, str_from_c(expected[i].name));
        assert_non_null(view);
        assert_int_equal(view->needs_patient, expected[i].needs_patient);
        assert_int_equal(view->needs_department, expected[i].needs_department);
        assert_int_equal(view->is_limited, expected[i].is_limited);
        assert_true(views_is_name(seed[i].name));
        assert_int_equal(memmem(view->path.data, view->path.length, "{patient}", 9) != NULL,
                         view->needs_patient);
        assert_int_equal(memmem(view->path.data, view->path.length, "{department}", 12) != NULL,
                         view->needs_department);
    }
    assert_null(views_find(&no_views, STR("Status")));
    assert_null(views_find(&no_views, STR("")));
}

static void VIEW1_rows_of_the_catalogue_take_the_place_of_the_seed(void **state)
{
    (void)state;
    struct sso_view rows[] = {
        {STR("rooster"), false, false, STR("/rooster"), STR(""), false},
        {STR("default"), false, false, STR("/begin"), STR(""), false},
    };
    struct sso_data data = {.views = rows, .view_count = 2};
    struct landing_question question = ask("rooster", LANDING_PATIENT_NONE, "");
    question.data = &data;
    lands(&question, "/rooster", 0);
    question.requested = STR("werklijst");
    lands(&question, "/begin", 808);
    data.view_count = 1; /* no main menu among them: there is always one */
    lands(&question, "/", 808);
}

static void default_rule_patient_without_view_lands_on_the_status(void **state)
{
    (void)state;
    struct landing landing = lands_on("", LANDING_PATIENT_FOUND, EVERYTHING, "/status/ref-1", 0);
    assert_true(landing.is_patient);
    landing = lands_on("", LANDING_PATIENT_UNKNOWN, EVERYTHING, "/", 806);
    assert_false(landing.is_patient);
    lands_on("", LANDING_PATIENT_NONE, EVERYTHING, "/", 0);
    lands_on("status", LANDING_PATIENT_NONE, EVERYTHING, "/", 0);
}

static void the_default_view_of_the_connection_is_used_without_a_request(void **state)
{
    (void)state;
    struct landing_question question = ask("", LANDING_PATIENT_NONE, EVERYTHING);
    question.default_view = STR("werklijst");
    lands(&question, "/werklijst", 0);
    question.requested = STR("dispense");
    lands(&question, "/dispense", 0);
    question = ask("", LANDING_PATIENT_FOUND, EVERYTHING); /* a patient goes before a view without one */
    question.default_view = STR("werklijst");
    lands(&question, "/status/ref-1", 0);
    question.default_view = STR("toedienen");
    lands(&question, "/toedienen/ref-1", 0);
    question = ask("", LANDING_PATIENT_NONE, EVERYTHING);
    question.default_view = STR("toedienen");
    lands(&question, "/", 0);
    question.default_view = STR("verdwenen");
    lands(&question, "/", 0);
}

static void VIEW2_unknown_and_forbidden_views_become_the_main_menu(void **state)
{
    (void)state;
    lands_on("bestaatniet", LANDING_PATIENT_NONE, EVERYTHING, "/", 808);
    lands_on("bestaatniet", LANDING_PATIENT_FOUND, EVERYTHING, "/", 808);
    lands_on("dispense", LANDING_PATIENT_NONE, "worklist.read", "/", 809);
    lands_on("toedienen", LANDING_PATIENT_FOUND, "worklist.read", "/", 809);
    lands_on("dispense", LANDING_PATIENT_NONE, "", "/", 809);
    lands_on("default", LANDING_PATIENT_NONE, "", "/", 0);
    lands_on("dispense", LANDING_PATIENT_NONE, "dispense.reader dispense", "/", 809); /* whole codes only */
    lands_on("dispense", LANDING_PATIENT_NONE, "dispense.read", "/dispense", 0);
}

static void VIEW4_an_unknown_patient_is_the_main_menu_with_806(void **state)
{
    (void)state;
    lands_on("toedienen", LANDING_PATIENT_UNKNOWN, EVERYTHING, "/", 806);
    lands_on("amo", LANDING_PATIENT_UNKNOWN, EVERYTHING, "/", 806);
    lands_on("werklijst", LANDING_PATIENT_UNKNOWN, EVERYTHING, "/werklijst", 0);
    /* Who may not see the view does not learn whether the patient is known. */
    lands_on("toedienen", LANDING_PATIENT_UNKNOWN, "worklist.read", "/", 809);
}

static void VIEW5_no_rights_on_the_patient_is_the_main_menu_with_807(void **state)
{
    (void)state;
    struct landing landing = lands_on("toedienen", LANDING_PATIENT_REFUSED, EVERYTHING, "/", 807);
    assert_false(landing.is_patient);
    assert_null(memmem(landing.path.data, landing.path.length, "ref-1", 5));
}

static void VIEW6_the_frozen_pairs_decide_about_the_patients_department(void **state)
{
    (void)state;
    struct landing_question question =
        ask("toedienen", LANDING_PATIENT_FOUND, "administration.write@oost status.read");
    question.patient_department = STR("west");
    lands(&question, "/", 807);
    question.patient_department = STR("oost");
    lands(&question, "/toedienen/ref-1", 0);
    question.patient_department = STR("oos");
    lands(&question, "/", 807);
    question.patient_department = STR_NONE;
    lands(&question, "/toedienen/ref-1", 0);
    question.requested = STR("status"); /* all departments */
    question.patient_department = STR("west");
    lands(&question, "/status/ref-1", 0);
}

static void VIEW7_amo_is_limited(void **state)
{
    (void)state;
    struct landing landing = lands_on("amo2", LANDING_PATIENT_FOUND, EVERYTHING, "/amo2/ref-1", 0);
    assert_true(landing.view->is_limited);
    assert_false(lands_on("amo", LANDING_PATIENT_NONE, EVERYTHING, "/", 0).view->is_limited);
}

/* C22 */
static void one_department_is_filled_in_and_several_are_a_list(void **state)
{
    (void)state;
    struct landing landing = lands_on("bestelronde", LANDING_PATIENT_NONE, "order.write@oost worklist.read",
                                      "/bestelronde/oost", 0);
    assert_true(str_equal_c(landing.department, "oost"));
    lands_on("bestelronde", LANDING_PATIENT_NONE, "order.write@oost order.write@west", "/bestelronde", 0);
    lands_on("bestelronde", LANDING_PATIENT_NONE, "order.write", "/bestelronde", 0);
    lands_on("bestelronde", LANDING_PATIENT_NONE, "worklist.read@oost", "/", 809);
}

static void VIEW8_the_path_stays_on_our_origin(void **state)
{
    (void)state;
    struct landing_question question = ask("status", LANDING_PATIENT_FOUND, EVERYTHING);
    question.patient_reference = STR("a/b?c=d&e#f%");
    lands(&question, "/status/a%2Fb%3Fc%3Dd%26e%23f%25", 0);
    question.patient_reference = STR_NONE;
    lands(&question, "/", 0);
    const char *paths[] = {"//evil.example",
                           "/{department}/evil.example",
                           "/{patient}\\evil.example",
                           "https://evil.example/",
                           "/\\evil.example",
                           "",
                           "evil",
                           "/a\r\nLocation: x"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct sso_view row = {STR("x"), false, false, str_from_c(paths[i]), STR(""), false};
        struct sso_data data = {.views = &row, .view_count = 1};
        question = ask("x", LANDING_PATIENT_NONE, "");
        question.data = &data;
        lands(&question, "/", 0);
    }
}

static void names_of_views_have_a_grammar(void **state)
{
    (void)state;
    assert_true(views_is_name(STR("medimo-app")));
    assert_true(views_is_name(STR("abcdefghijklmnopqrstuvwxyz-01234")));
    assert_false(views_is_name(STR("abcdefghijklmnopqrstuvwxyz-012345")));
    assert_false(views_is_name(STR("")));
    assert_false(views_is_name(STR("Status")));
    assert_false(views_is_name(STR("a_b")));
    assert_false(views_is_name(STR("a/b")));
}

static void VIEW7_a_limited_session_keeps_what_its_view_needs(void **state)
{
    (void)state;
    const struct sso_view *amo = views_find(&no_views, STR("amo"));
    const char *const cases[][2] = {
        {EVERYTHING, "status.read"},
        {"order.write@oost status.read@oost status.read@west status.readonly",
         "status.read@oost status.read@west"},
        {"order.write", ""},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str kept = views_limit(arena, amo, str_from_c(cases[i][0]));
        assert_string_equal(arena_strndup(arena, kept.data ? kept.data : "", kept.length), cases[i][1]);
    }
}

static void banners_are_those_of_the_catalogue(void **state)
{
    (void)state;
    assert_null(views_banner(STR("")));
    assert_null(views_banner(STR("706 808")));
    assert_string_equal(views_banner(STR("808 809")), "U hebt geen rechten voor de gevraagde pagina");
    assert_string_equal(views_banner(STR("108 809")), VIEWS_BANNER_PATIENT);
    assert_null(views_banner(STR("1080")));
}

static void the_way_back_is_the_main_menu_of_the_catalogue(void **state)
{
    (void)state;
    struct str path = views_main_path(arena, &no_views);
    assert_true(str_equal_c(path, "/"));
    struct sso_view menu = {.name = STR("default"), .path = STR("/menu/{patient}")};
    const struct sso_data own = {.views = &menu, .view_count = 1};
    assert_true(str_equal_c(views_main_path(arena, &own), "/menu"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(VIEW1_the_table_holds_every_view_of_the_manual, set_up, tear_down),
        cmocka_unit_test_setup_teardown(VIEW7_a_limited_session_keeps_what_its_view_needs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(banners_are_those_of_the_catalogue, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_way_back_is_the_main_menu_of_the_catalogue, set_up, tear_down),
        cmocka_unit_test_setup_teardown(VIEW1_rows_of_the_catalogue_take_the_place_of_the_seed, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(default_rule_patient_without_view_lands_on_the_status, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_default_view_of_the_connection_is_used_without_a_request, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(VIEW2_unknown_and_forbidden_views_become_the_main_menu, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(VIEW4_an_unknown_patient_is_the_main_menu_with_806, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(VIEW5_no_rights_on_the_patient_is_the_main_menu_with_807, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(VIEW6_the_frozen_pairs_decide_about_the_patients_department, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(VIEW7_amo_is_limited, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_department_is_filled_in_and_several_are_a_list, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(VIEW8_the_path_stays_on_our_origin, set_up, tear_down),
        cmocka_unit_test(names_of_views_have_a_grammar),
    };
    return cmocka_run_group_tests_name("views", tests, NULL, NULL);
}
