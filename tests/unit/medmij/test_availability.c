/* The availability and admissibility checks (spec 6): what is asked, how each answer is read, and that
 * whatever cannot be determined is unknown and never "not available". */
#include "medmij/availability.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "local_server.h"
#include "medmij/availability_answer.h"
#include "medmij/circuit.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define BSN "999990019"

static struct arena *arena;
#define COOL_DOWN_MS 3000

static struct failure failure;
static struct local_server server;
static struct availability_checker *checker;
static struct availability_source source;
static struct availability_question question;
static struct availability_answer answer;
static const struct str services[] = {STR("48"), STR("49")};

static int setup(void **state)
{
    (void)state;
    arena = arena_new();
    checker = availability_new(
        &(struct availability_settings){.failures_to_open = 3, .cool_down_ms = COOL_DOWN_MS});
    source = (struct availability_source){.mode = AVAILABILITY_WEBHOOK,
                                          .timeout_ms = 20000,
                                          .is_http_allowed = true,
                                          .secret = STR("geheim-token")};
    question = (struct availability_question){.provider = STR("huisartsdeduinen"),
                                              .function = FUNCTION_COLLECT,
                                              .bsn = STR(BSN),
                                              .services = services,
                                              .service_count = 2,
                                              .minimum_age = 16};
    failure.text[0] = '\0';
    if (!local_server_start(&server))
        return -1;
    source.url = arena_printf(arena, "http://localhost:%d/beschikbaar", server.port);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    local_server_stop(&server);
    availability_free(&checker);
    arena_free(&arena);
    return 0;
}

static void will_answer(const char *body)
{
    local_server_answer(
        &server, (struct local_answer){.status = 200, .content_type = "application/json", .body = body});
}

static enum availability_verdict check(void)
{
    failure.text[0] = '\0';
    enum availability_verdict verdict =
        availability_check(checker, arena, &source, &question, &answer, &failure);
    assert_int_equal(verdict, answer.verdict);
    /* Whoever logs it must not log the person. */
    assert_null(strstr(failure.text, BSN));
    assert_null(strstr(failure.text, "geheim-token"));
    assert_int_equal(failure.text[0] != '\0', verdict == AVAILABILITY_UNKNOWN);
    return verdict;
}

static void unknown_because(const char *reason)
{
    if (check() != AVAILABILITY_UNKNOWN)
        fail_msg("verdict %d where unknown was due: %s", (int)answer.verdict, reason);
    if (strstr(failure.text, reason) == NULL)
        fail_msg("unknown because \"%s\"; expected: %s", failure.text, reason);
    for (size_t i = 0; i < SCOPE_SERVICES_MAX; i++)
        assert_int_equal(answer.services[i].verdict, AVAILABILITY_UNKNOWN);
}

/* ---- always ---- */

static void always_is_available_without_asking(void **state)
{
    (void)state;
    source.mode = AVAILABILITY_ALWAYS;
    source.url = NULL;
    assert_int_equal(check(), AVAILABILITY_AVAILABLE);
    assert_int_equal(answer.services[1].verdict, AVAILABILITY_AVAILABLE);
    assert_int_equal(answer.services[2].verdict, AVAILABILITY_UNKNOWN); /* not asked */
    assert_int_equal(atomic_load(&server.hits), 0);
}

/* ---- webhook: the question ---- */

static void the_webhook_gets_the_question_in_the_body(void **state)
{
    (void)state;
    will_answer("{\"services\":[{\"id\":\"48\",\"available\":true},{\"id\":\"49\",\"available\":true}]}");
    assert_int_equal(check(), AVAILABILITY_AVAILABLE);
    assert_int_equal(strncmp(server.request, "POST /beschikbaar HTTP/1.1\r\n", 28), 0);
    assert_non_null(strstr(server.request, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(server.request, "\r\nAuthorization: Bearer geheim-token\r\n"));
    char *body = strstr(server.request, "\r\n\r\n");
    assert_non_null(body);
    assert_string_equal(body + 4, "{\"provider\":\"huisartsdeduinen\",\"function\":\"collect\","
                                  "\"services\":[\"48\",\"49\"],\"bsn\":\"" BSN "\"}");
    *body = '\0';
    assert_null(strstr(server.request, BSN)); /* in no header and not in the request line */
}

static void without_a_secret_no_authorization_is_sent(void **state)
{
    (void)state;
    source.secret = STR_NONE;
    will_answer("{\"services\":[{\"id\":\"48\",\"available\":true},{\"id\":\"49\",\"available\":true}]}");
    assert_int_equal(check(), AVAILABILITY_AVAILABLE);
    assert_null(strcasestr(server.request, "authorization"));
}

/* ---- webhook: the answer ---- */

static void part_of_the_services_may_be_available(void **state)
{
    (void)state;
    will_answer("{\"services\":[{\"id\":\"49\",\"available\":true},{\"id\":\"48\",\"available\":false}]}");
    assert_int_equal(check(), AVAILABILITY_AVAILABLE);
    assert_int_equal(answer.services[0].verdict, AVAILABILITY_NOT_AVAILABLE);
    assert_int_equal(answer.services[0].reason, REASON_NO_DATA);
    assert_int_equal(answer.services[1].verdict, AVAILABILITY_AVAILABLE);
    assert_int_equal(answer.services[1].reason, REASON_NONE);
    assert_int_equal(answer.reason, REASON_NONE);
}

static void each_reason_is_understood(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum availability_reason reason;
    } cases[] = {{"no_data", REASON_NO_DATA},
                 {"no_relation", REASON_NO_RELATION},
                 {"too_young", REASON_TOO_YOUNG},
                 {"not_admissible", REASON_NOT_ADMISSIBLE}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        will_answer(arena_printf(arena,
                                 "{\"services\":[{\"id\":\"48\",\"available\":false},"
                                 "{\"id\":\"49\",\"available\":false}],\"reason\":\"%s\"}",
                                 cases[i].name));
        assert_int_equal(check(), AVAILABILITY_NOT_AVAILABLE);
        assert_int_equal(answer.reason, cases[i].reason);
    }
}

static void a_service_may_have_its_own_reason(void **state)
{
    (void)state;
    will_answer("{\"reason\":\"no_data\",\"services\":[{\"id\":\"48\",\"available\":false},"
                "{\"id\":\"49\",\"available\":false,\"reason\":\"too_young\"}]}");
    assert_int_equal(check(), AVAILABILITY_NOT_AVAILABLE);
    assert_int_equal(answer.services[0].reason, REASON_NO_DATA);
    assert_int_equal(answer.services[1].reason, REASON_TOO_YOUNG);
    assert_int_equal(answer.reason, REASON_TOO_YOUNG);
}

static void without_a_reason_share_is_not_admissible_and_collect_has_no_data(void **state)
{
    (void)state;
    will_answer("{\"services\":[{\"id\":\"48\",\"available\":false},{\"id\":\"49\",\"available\":false}]}");
    assert_int_equal(check(), AVAILABILITY_NOT_AVAILABLE);
    assert_int_equal(answer.reason, REASON_NO_DATA);
    question.function = FUNCTION_SHARE;
    assert_int_equal(check(), AVAILABILITY_NOT_AVAILABLE);
    assert_int_equal(answer.reason, REASON_NOT_ADMISSIBLE);
    assert_non_null(strstr(server.request, "\"function\":\"share\""));
}

static void services_not_asked_for_are_of_no_consequence(void **state)
{
    (void)state;
    question.service_count = 1;
    will_answer(
        "{\"services\":[{\"id\":\"48\",\"available\":false},{\"id\":\"51\",\"available\":true}],\"x\":1}");
    assert_int_equal(check(), AVAILABILITY_NOT_AVAILABLE);
}

static void an_answer_outside_the_contract_is_unknown(void **state)
{
    (void)state;
#define BOTH "{\"id\":\"48\",\"available\":true},{\"id\":\"49\",\"available\":true}"
    static const struct {
        const char *body;
        const char *reason;
    } cases[] = {
        {"", "empty"},
        {"null", "not JSON"},
        {"[" BOTH "]", "not an object"},
        {"{\"services\":[" BOTH "]", "not JSON"},
        {"{\"services\":[" BOTH "]} x", "not JSON"},
        {"{\"services\":[" BOTH "],\"services\":[]}", "not JSON"},
        {"{}", "no list of services"},
        {"{\"services\":null}", "no list of services"},
        {"{\"services\":{\"48\":true,\"49\":true}}", "no list of services"},
        {"{\"services\":[]}", "leaves out a service"},
        {"{\"services\":[{\"id\":\"48\",\"available\":false}]}", "leaves out a service"},
        {"{\"services\":[" BOTH ",{\"id\":\"48\",\"available\":false}]}", "names a service twice"},
        {"{\"services\":[{\"id\":48,\"available\":true}]}", "has no id"},
        {"{\"services\":[\"48\",\"49\"]}", "has no id"},
        {"{\"services\":[{\"available\":true}]}", "has no id"},
        {"{\"services\":[{\"id\":\"48\"},{\"id\":\"49\",\"available\":true}]}", "true or false"},
        {"{\"services\":[{\"id\":\"48\",\"available\":null}]}", "true or false"},
        {"{\"services\":[{\"id\":\"48\",\"available\":\"true\"}]}", "true or false"},
        {"{\"services\":[{\"id\":\"48\",\"available\":1}]}", "true or false"},
        {"{\"services\":[" BOTH "],\"reason\":\"closed\"}", "one of the four"},
        {"{\"services\":[" BOTH "],\"reason\":\"none\"}", "one of the four"},
        {"{\"services\":[" BOTH "],\"reason\":1}", "one of the four"},
        {"{\"services\":[{\"id\":\"48\",\"available\":false,\"reason\":\"\"}]}", "one of the four"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum outcome outcome =
            availability_read_webhook(str_from_c(cases[i].body), &question, &answer, &failure);
        if (outcome != FAILED || strstr(failure.text, cases[i].reason) == NULL)
            fail_msg("%s: outcome %d, %s", cases[i].body, (int)outcome, failure.text);
        assert_int_equal(answer.verdict, AVAILABILITY_UNKNOWN);
        assert_int_equal(answer.services[0].verdict, AVAILABILITY_UNKNOWN);
    }
}

static void any_status_but_200_is_unknown(void **state)
{
    (void)state;
    static const int statuses[] = {201, 204, 301, 400, 401, 403, 404, 429, 500, 503};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        availability_free(&checker); /* each with its circuit closed */
        checker = availability_new(
            &(struct availability_settings){.failures_to_open = 3, .cool_down_ms = COOL_DOWN_MS});
        local_server_answer(&server, (struct local_answer){.status = statuses[i],
                                                           .content_type = "application/json",
                                                           .body = "{\"services\":[" BOTH "]}"});
        unknown_because("status");
    }
}

static void something_else_than_json_is_unknown(void **state)
{
    (void)state;
    local_server_answer(&server, (struct local_answer){.status = 200,
                                                       .content_type = "text/html",
                                                       .body = "{\"services\":[" BOTH "]}"});
    unknown_because("something else than JSON");
    local_server_answer(&server, (struct local_answer){.status = 200,
                                                       .content_type = "application/json; charset=utf-8",
                                                       .body = "{\"services\":[" BOTH "]}"});
    assert_int_equal(check(), AVAILABILITY_AVAILABLE);
}

static void the_time_limit_holds_and_ends_in_unknown(void **state)
{
    (void)state;
    source.timeout_ms = 150;
    local_server_answer(&server, (struct local_answer){.status = 200,
                                                       .content_type = "application/json",
                                                       .body = "{\"services\":[" BOTH "]}",
                                                       .delay_ms = 1500});
    unknown_because("availability: webhook: localhost");
}

static void a_broken_connection_is_unknown(void **state)
{
    (void)state;
    local_server_answer(&server, (struct local_answer){.status = 0, .body = ""});
    unknown_because("webhook");
    local_server_answer(&server, (struct local_answer){.status = 200,
                                                       .content_type = "application/json",
                                                       .body = "{\"services\":[" BOTH "]}",
                                                       .is_cut = true});
    unknown_because("webhook");
    source.url = "http://localhost:1/nobody";
    unknown_because("webhook");
}

static void an_answer_larger_than_the_cap_is_unknown(void **state)
{
    (void)state;
    size_t length = 300000;
    char *body = arena_alloc(arena, length + 1);
    memset(body, ' ', length);
    will_answer(body);
    unknown_because("larger than");
}

static void questions_that_cannot_be_asked_are_unknown(void **state)
{
    (void)state;
    question.bsn = STR("999990018");
    unknown_because("not valid");
    question.bsn = STR(BSN);
    question.service_count = 0;
    unknown_because("no service");
    question.service_count = SCOPE_SERVICES_MAX + 1;
    unknown_because("no service");
    question.service_count = 2;
    source.secret = STR("a\r\nX-Evil: 1");
    unknown_because("secret");
    source.secret = STR_NONE;
    source.url = "";
    unknown_because("no endpoint");
    source.url = "http://voorbeeld.nl/plain"; /* plain http is for *.localhost in development */
    unknown_because("not allowed");
    assert_int_equal(atomic_load(&server.hits), 0);
}

/* ---- circuit ---- */

static void failures_in_a_row_open_the_circuit_and_a_probe_closes_it(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        unknown_because("status 500");
    assert_int_equal(atomic_load(&server.hits), 3);
    will_answer("{\"services\":[" BOTH "]}");
    unknown_because("left alone");
    assert_int_equal(atomic_load(&server.hits), 3);
    nanosleep(&(struct timespec){COOL_DOWN_MS / 1000, 1}, NULL);
    assert_int_equal(check(), AVAILABILITY_AVAILABLE);
    assert_int_equal(check(), AVAILABILITY_AVAILABLE);
    assert_int_equal(atomic_load(&server.hits), 5);
}

static void a_good_answer_starts_the_count_again(void **state)
{
    (void)state;
    struct circuits *circuits = circuits_new(3, 1000);
    struct str a = STR("https://a.nl"), b = STR("https://b.nl");
    for (int round = 0; round < 4; round++) {
        assert_true(circuits_enter(circuits, a, 0));
        assert_int_equal(circuits_leave(circuits, a, false, 0), CIRCUIT_UNCHANGED);
        assert_int_equal(circuits_leave(circuits, a, false, 0), CIRCUIT_UNCHANGED);
        assert_int_equal(circuits_leave(circuits, a, true, 0), CIRCUIT_UNCHANGED);
    }
    for (int i = 0; i < 3; i++)
        assert_int_equal(circuits_leave(circuits, a, false, 5000),
                         i == 2 ? CIRCUIT_OPENED : CIRCUIT_UNCHANGED);
    assert_false(circuits_enter(circuits, a, 5000));
    assert_true(circuits_enter(circuits, b, 5000)); /* another endpoint is another circuit */
    circuits_free(&circuits);
}

static void half_open_lets_one_call_through_at_a_time(void **state)
{
    (void)state;
    struct circuits *circuits = circuits_new(1, 1000);
    struct str a = STR("https://a.nl");
    assert_int_equal(circuits_leave(circuits, a, false, 0), CIRCUIT_OPENED);
    assert_false(circuits_enter(circuits, a, 999));
    assert_true(circuits_enter(circuits, a, 1000));
    assert_false(circuits_enter(circuits, a, 1000));
    assert_int_equal(circuits_leave(circuits, a, false, 1500), CIRCUIT_UNCHANGED);
    assert_false(circuits_enter(circuits, a, 2499)); /* a failed probe starts the cool-down again */
    assert_true(circuits_enter(circuits, a, 2500));
    assert_int_equal(circuits_leave(circuits, a, true, 2600), CIRCUIT_CLOSED);
    assert_true(circuits_enter(circuits, a, 2600));
    assert_true(circuits_enter(circuits, a, 2600));
    circuits_free(&circuits);
}

static void an_undecided_person_does_not_count_against_the_endpoint(void **state)
{
    (void)state;
    source.mode = AVAILABILITY_FHIR;
    will_answer("{\"resourceType\":\"Bundle\",\"type\":\"searchset\",\"total\":1,\"entry\":[{\"resource\":"
                "{\"resourceType\":\"Patient\"}}]}");
    for (int i = 0; i < 5; i++)
        unknown_because("age");
    assert_int_equal(atomic_load(&server.hits), 5);
}

/* ---- FHIR ---- */

static const struct day today = {2026, 11, 21};

static void the_fhir_search_has_the_number_in_the_body_only(void **state)
{
    (void)state;
    source.mode = AVAILABILITY_FHIR;
    source.url = arena_printf(arena, "http://localhost:%d/fhir/", server.port);
    local_server_answer(
        &server,
        (struct local_answer){.status = 200,
                              .content_type = "application/fhir+json",
                              .body = "{\"resourceType\":\"Bundle\",\"type\":\"searchset\",\"total\":1,"
                                      "\"entry\":[{\"resource\":{\"resourceType\":\"Patient\","
                                      "\"birthDate\":\"1970-09-01\"}}]}"});
    assert_int_equal(check(), AVAILABILITY_AVAILABLE);
    assert_int_equal(answer.services[0].verdict, AVAILABILITY_AVAILABLE);
    assert_int_equal(answer.services[1].verdict, AVAILABILITY_AVAILABLE);
    assert_int_equal(strncmp(server.request, "POST /fhir/Patient/_search HTTP/1.1\r\n", 37), 0);
    assert_non_null(strstr(server.request, "\r\nContent-Type: application/x-www-form-urlencoded\r\n"));
    assert_non_null(strstr(server.request, "\r\nPrefer: handling=strict\r\n"));
    char *body = strstr(server.request, "\r\n\r\n");
    assert_string_equal(body + 4, "identifier=http%3A%2F%2Ffhir.nl%2Ffhir%2FNamingSystem%2Fbsn%7C" BSN);
    *body = '\0';
    assert_null(strstr(server.request, BSN));
}

#define BUNDLE(rest) "{\"resourceType\":\"Bundle\",\"type\":\"searchset\"" rest "}"
#define PATIENT(rest) "{\"resource\":{\"resourceType\":\"Patient\"" rest "}}"

static void bundle_is(const char *body, enum availability_verdict verdict, enum availability_reason reason)
{
    failure.text[0] = '\0';
    enum outcome outcome = availability_read_bundle(str_from_c(body), &question, today, &answer, &failure);
    if (outcome != OK || answer.verdict != verdict || answer.reason != reason)
        fail_msg("%s: outcome %d, verdict %d, reason %d, %s", body, (int)outcome, (int)answer.verdict,
                 (int)answer.reason, failure.text);
    assert_int_equal(failure.text[0] != '\0', verdict == AVAILABILITY_UNKNOWN);
}

static void bundle_fails(const char *body, const char *reason)
{
    if (availability_read_bundle(str_from_c(body), &question, today, &answer, &failure) != FAILED ||
        strstr(failure.text, reason) == NULL)
        fail_msg("%s: verdict %d, %s", body, (int)answer.verdict, failure.text);
    assert_int_equal(answer.verdict, AVAILABILITY_UNKNOWN);
}

static void a_bundle_with_the_patient_is_available(void **state)
{
    (void)state;
    bundle_is(BUNDLE(",\"total\":1,\"entry\":[" PATIENT(",\"birthDate\":\"1970-09-01\"") "]"),
              AVAILABILITY_AVAILABLE, REASON_NONE);
    bundle_is(BUNDLE(",\"entry\":[" PATIENT(",\"birthDate\":\"1970-09-01\"") "]"), AVAILABILITY_AVAILABLE,
              REASON_NONE);
    bundle_is(BUNDLE(",\"total\":1,\"entry\":[" PATIENT(
                  ",\"birthDate\":\"1970\",\"identifier\":[{\"system\":\"urn:local\",\"value\":\"7\"},"
                  "{\"system\":\"http://fhir.nl/fhir/NamingSystem/bsn\",\"value\":\"" BSN "\"}]") "]"),
              AVAILABILITY_AVAILABLE, REASON_NONE);
    question.minimum_age = 0;
    bundle_is(BUNDLE(",\"total\":3"), AVAILABILITY_AVAILABLE, REASON_NONE);
}

static void a_bundle_without_the_patient_has_no_data(void **state)
{
    (void)state;
    bundle_is(BUNDLE(",\"total\":0"), AVAILABILITY_NOT_AVAILABLE, REASON_NO_DATA);
    bundle_is(BUNDLE(",\"total\":0,\"entry\":[]"), AVAILABILITY_NOT_AVAILABLE, REASON_NO_DATA);
    bundle_is(BUNDLE(",\"total\":0,\"entry\":[{\"search\":{\"mode\":\"outcome\"},"
                     "\"resource\":{\"resourceType\":\"OperationOutcome\"}}]"),
              AVAILABILITY_NOT_AVAILABLE, REASON_NO_DATA);
    question.function = FUNCTION_SHARE;
    bundle_is(BUNDLE(",\"total\":0"), AVAILABILITY_NOT_AVAILABLE, REASON_NOT_ADMISSIBLE);
}

static void under_the_minimum_age_is_too_young(void **state)
{
    (void)state;
    bundle_is(BUNDLE(",\"total\":1,\"entry\":[" PATIENT(",\"birthDate\":\"2011-05-05\"") "]"),
              AVAILABILITY_NOT_AVAILABLE, REASON_TOO_YOUNG);
    /* Two records of one person: the younger counts. */
    bundle_is(BUNDLE(",\"entry\":[" PATIENT(",\"birthDate\":\"1970-01-01\"") "," PATIENT(
                  ",\"birthDate\":\"2011-05-05\"") "]"),
              AVAILABILITY_NOT_AVAILABLE, REASON_TOO_YOUNG);
    question.minimum_age = 0;
    bundle_is(BUNDLE(",\"total\":1,\"entry\":[" PATIENT(",\"birthDate\":\"2011-05-05\"") "]"),
              AVAILABILITY_AVAILABLE, REASON_NONE);
}

static void an_age_that_cannot_be_told_is_unknown(void **state)
{
    (void)state;
    bundle_is(BUNDLE(",\"total\":1,\"entry\":[" PATIENT("") "]"), AVAILABILITY_UNKNOWN, REASON_NONE);
    bundle_is(BUNDLE(",\"total\":1,\"entry\":[" PATIENT(",\"birthDate\":\"2010\"") "]"), AVAILABILITY_UNKNOWN,
              REASON_NONE);
    bundle_is(BUNDLE(",\"total\":1,\"entry\":[" PATIENT(",\"birthDate\":20100101") "]"), AVAILABILITY_UNKNOWN,
              REASON_NONE);
    bundle_is(BUNDLE(",\"total\":1"), AVAILABILITY_UNKNOWN, REASON_NONE);
    bundle_is(BUNDLE(",\"entry\":[" PATIENT(",\"birthDate\":\"1970-01-01\"") "," PATIENT("") "]"),
              AVAILABILITY_UNKNOWN, REASON_NONE);
}

static void ages_turn_on_the_birthday(void **state)
{
    (void)state;
    static const struct {
        const char *birth;
        enum age_verdict verdict;
    } cases[] = {
        {"2010-11-21", AGE_REACHED},
        {"2010-11-22", AGE_NOT_REACHED},
        {"2010-11-20", AGE_REACHED},
        {"2010-12-01", AGE_NOT_REACHED},
        {"2010-10-31", AGE_REACHED},
        {"2009-12-31", AGE_REACHED},
        {"2011-01-01", AGE_NOT_REACHED},
        {"2010-10", AGE_REACHED},
        {"2010-11", AGE_UNDECIDED},
        {"2010-12", AGE_NOT_REACHED},
        {"2009", AGE_REACHED},
        {"2010", AGE_UNDECIDED},
        {"2011", AGE_NOT_REACHED},
        {"2030-01-01", AGE_NOT_REACHED},
        {"", AGE_UNDECIDED},
        {"1970-13-01", AGE_UNDECIDED},
        {"1970-00-01", AGE_UNDECIDED},
        {"1970-01-32", AGE_UNDECIDED},
        {"1970-1-1", AGE_UNDECIDED},
        {"19700101", AGE_UNDECIDED},
        {"01-01-1970", AGE_UNDECIDED},
        {"1970-01-01T00:00:00Z", AGE_UNDECIDED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (availability_judge_age(str_from_c(cases[i].birth), today, 16) != cases[i].verdict)
            fail_msg("%s", cases[i].birth);
}

static void a_record_of_another_person_is_never_an_answer(void **state)
{
    (void)state;
    bundle_fails(
        BUNDLE(",\"total\":1,\"entry\":[" PATIENT(",\"birthDate\":\"1970-01-01\",\"identifier\":[{\"system\":"
                                                  "\"http://fhir.nl/fhir/NamingSystem/bsn\","
                                                  "\"value\":\"123456782\"}]") "]"),
        "another person");
    assert_null(strstr(failure.text, "123456782"));
}

static void a_bundle_outside_the_contract_fails(void **state)
{
    (void)state;
    bundle_fails("{}", "not a Bundle");
    bundle_fails("{\"resourceType\":\"OperationOutcome\"}", "not a Bundle");
    bundle_fails("{\"resourceType\":\"Bundle\",\"type\":\"history\",\"total\":0}", "not a Bundle");
    bundle_fails("{\"resourceType\":\"Bundle\",\"total\":0}", "not a Bundle");
    bundle_fails(BUNDLE(""), "neither a patient nor a total");
    bundle_fails(BUNDLE(",\"entry\":[]"), "neither a patient nor a total");
    bundle_fails(BUNDLE(",\"entry\":{}"), "not a list");
    bundle_fails(BUNDLE(",\"entry\":[1]"), "no resource type");
    bundle_fails(BUNDLE(",\"entry\":[{}]"), "no resource type");
    bundle_fails(BUNDLE(",\"total\":\"0\""), "not a count");
    bundle_fails(BUNDLE(",\"total\":-1"), "not a count");
    bundle_fails(BUNDLE(",\"total\":0.5"), "not a count");
    bundle_fails("<Bundle/>", "not JSON");
}

static void modes_have_names(void **state)
{
    (void)state;
    enum availability_mode mode;
    assert_int_equal(availability_mode_from_name(STR("always"), &mode), OK);
    assert_int_equal(mode, AVAILABILITY_ALWAYS);
    assert_int_equal(availability_mode_from_name(STR("webhook"), &mode), OK);
    assert_int_equal(mode, AVAILABILITY_WEBHOOK);
    assert_int_equal(availability_mode_from_name(STR("fhir"), &mode), OK);
    assert_int_equal(mode, AVAILABILITY_FHIR);
    assert_int_equal(availability_mode_from_name(STR("never"), &mode), ABSENT);
}

static int group_setup(void **state)
{
    (void)state;
    log_init(STDERR_FILENO, LOG_LEVEL_ERROR);
    return 0;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(always_is_available_without_asking),
        TEST(the_webhook_gets_the_question_in_the_body),
        TEST(without_a_secret_no_authorization_is_sent),
        TEST(part_of_the_services_may_be_available),
        TEST(each_reason_is_understood),
        TEST(a_service_may_have_its_own_reason),
        TEST(without_a_reason_share_is_not_admissible_and_collect_has_no_data),
        TEST(services_not_asked_for_are_of_no_consequence),
        TEST(an_answer_outside_the_contract_is_unknown),
        TEST(any_status_but_200_is_unknown),
        TEST(something_else_than_json_is_unknown),
        TEST(the_time_limit_holds_and_ends_in_unknown),
        TEST(a_broken_connection_is_unknown),
        TEST(an_answer_larger_than_the_cap_is_unknown),
        TEST(questions_that_cannot_be_asked_are_unknown),
        TEST(failures_in_a_row_open_the_circuit_and_a_probe_closes_it),
        TEST(a_good_answer_starts_the_count_again),
        TEST(half_open_lets_one_call_through_at_a_time),
        TEST(an_undecided_person_does_not_count_against_the_endpoint),
        TEST(the_fhir_search_has_the_number_in_the_body_only),
        TEST(a_bundle_with_the_patient_is_available),
        TEST(a_bundle_without_the_patient_has_no_data),
        TEST(under_the_minimum_age_is_too_young),
        TEST(an_age_that_cannot_be_told_is_unknown),
        TEST(ages_turn_on_the_birthday),
        TEST(a_record_of_another_person_is_never_an_answer),
        TEST(a_bundle_outside_the_contract_fails),
        TEST(modes_have_names),
    };
    return cmocka_run_group_tests(tests, group_setup, NULL);
}
