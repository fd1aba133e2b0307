/* From claims to location ids: CLM-1 to -9 and the vectors of B.8. */
#include "sso/locations.h"

#include "../support/arena.h"

#include <stdio.h>

#define PATH STR("locaties")

static enum locations_result read_claims(const char *claims, const struct sso_connection *connection,
                                         struct locations *out)
{
    json_t *json = NULL;
    struct failure failure = {""};
    if (json_parse_object(str_from_c(claims), &json, &failure) != OK)
        fail_msg("%s: %s", claims, failure.text);
    enum locations_result result = locations_read(arena, json, connection, out);
    json_decref(json); /* what came out is a copy */
    return result;
}

/* The value of the claim, and the ids that must come out, each followed by a comma. */
static void gives(const char *value, struct sso_connection connection, const char *ids)
{
    struct locations locations;
    if (connection.location_claim.length == 0)
        connection.location_claim = PATH;
    const char *claims = arena_printf(arena, "{\"locaties\":%s}", value);
    enum locations_result result = read_claims(claims, &connection, &locations);
    if (result != LOCATIONS_OK)
        fail_msg("%s: result %d", value, (int)result);
    char *text = arena_strdup(arena, "");
    for (size_t i = 0; i < locations.count; i++)
        text = arena_printf(arena, "%s%.*s,", text, STR_ARG(locations.items[i].code));
    assert_string_equal(text, ids);
}

static void refused(const char *value, struct sso_connection connection, enum locations_result expected)
{
    struct locations locations;
    connection.location_claim = PATH;
    enum locations_result result =
        read_claims(arena_printf(arena, "{\"locaties\":%s}", value), &connection, &locations);
    if (result != expected)
        fail_msg("%s: result %d", value, (int)result);
}

#define OPTIONS(...) ((struct sso_connection){__VA_ARGS__})
#define PLAIN ((struct sso_connection){0})

static void vectors_B8(void **state)
{
    (void)state;
    gives("\"1201\"", PLAIN, "1201,");
    gives("[\"1201\",\"1202\",\"1201\"]", PLAIN, "1201,1202,");
    gives("[1201,1202]", PLAIN, "1201,1202,");
    gives("1201", PLAIN, "1201,");
    refused("[1.5]", PLAIN, LOCATIONS_WRONG_FORMAT);
    refused("[true]", PLAIN, LOCATIONS_WRONG_FORMAT);
    refused("{\"a\":1}", PLAIN, LOCATIONS_WRONG_FORMAT);
    refused("[[\"x\"]]", PLAIN, LOCATIONS_WRONG_FORMAT);
    const char *text = "\"[\\\"1201\\\",\\\"1202\\\"]\"";
    gives(text, PLAIN, "[\"1201\",\"1202\"],");
    gives(text, OPTIONS(.is_location_json_in_string = true), "1201,1202,");
    gives("\"1201;1202\"", PLAIN, "1201;1202,");
    gives("\"1201;1202\"", OPTIONS(.location_delimiter = STR(";")), "1201,1202,");
    gives("\"CN=Med-Oost,OU=Groepen,DC=x\"", OPTIONS(.is_location_dn_stripped = true), "Med-Oost,");
    gives("\"/zorg/oost\"", PLAIN, "/zorg/oost,");
    gives("\"/zorg/oost\"", OPTIONS(.is_location_slash_stripped = true), "zorg/oost,");
    refused("null", PLAIN, LOCATIONS_ABSENT);
    refused("[]", PLAIN, LOCATIONS_EMPTY);
    refused("\"\"", PLAIN, LOCATIONS_EMPTY);

    struct locations locations;
    struct sso_connection named = {
        .location_claim = PATH, .location_id_key = STR("id"), .location_name_key = STR("naam")};
    assert_int_equal(read_claims("{\"locaties\":[{\"id\":\"1201\",\"naam\":\"Oost\"}]}", &named, &locations),
                     LOCATIONS_OK);
    assert_int_equal(locations.count, 1);
    assert_true(str_equal_c(locations.items[0].code, "1201"));
    assert_true(str_equal_c(locations.items[0].name, "Oost"));

    struct sso_connection groups = {.location_claim = STR("groups")};
    assert_int_equal(read_claims("{\"sub\":\"u\"}", &groups, &locations), LOCATIONS_ABSENT);
    assert_int_equal(read_claims("{\"_claim_names\":{\"groups\":\"src1\"}}", &groups, &locations),
                     LOCATIONS_OVERAGE);
}

static void CLM1_the_claim_is_found_by_its_path(void **state)
{
    (void)state;
    const char *claims = "{\"autorisatie\":\"1\",\"realm_access\":{\"roles\":[\"2\"]},"
                         "\"attributes\":{\"locaties\":[\"3\"]},\"a.b\":\"4\",\"a\":{\"b\":\"5\"},"
                         "\"https://id.example/locaties\":{\"x.y\":\"6\"}}";
    const struct {
        struct str path;
        const char *code; /* NULL = absent */
    } cases[] = {
        {STR("autorisatie"), "1"},
        {STR("realm_access.roles"), "2"},
        {STR("attributes.locaties"), "3"},
        {STR("a\\.b"), "4"},
        {STR("\"a\".b"), "5"},
        {STR("\"https://id.example/locaties\".\"x.y\""), "6"},
        {STR("\"https://id.example/locaties\".x\\.y"), "6"},
        {STR("attributes.nergens"), NULL},
        {STR("\"autorisatie"), NULL},
        {STR(""), NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct locations locations;
        struct sso_connection connection = {.location_claim = cases[i].path};
        enum locations_result result = read_claims(claims, &connection, &locations);
        assert_int_equal(result, cases[i].code != NULL ? LOCATIONS_OK : LOCATIONS_ABSENT);
        if (cases[i].code != NULL)
            assert_true(str_equal_c(locations.items[0].code, cases[i].code));
    }
}

static void CLM2_anything_else_is_of_a_wrong_format(void **state)
{
    (void)state;
    refused("true", PLAIN, LOCATIONS_WRONG_FORMAT);
    refused("12.5", PLAIN, LOCATIONS_WRONG_FORMAT);
    refused("[null]", PLAIN, LOCATIONS_WRONG_FORMAT);
    refused("[\"1201\",1202]", PLAIN, LOCATIONS_WRONG_FORMAT);
    refused("[\"1201\",{\"id\":\"1202\"}]", OPTIONS(.location_id_key = STR("id")), LOCATIONS_WRONG_FORMAT);
    refused("[{\"id\":\"1201\"}]", PLAIN, LOCATIONS_WRONG_FORMAT); /* no id key configured */
    refused("[{\"nr\":\"1201\"}]", OPTIONS(.location_id_key = STR("id")), LOCATIONS_WRONG_FORMAT);
    refused("[{\"id\":[\"1201\"]}]", OPTIONS(.location_id_key = STR("id")), LOCATIONS_WRONG_FORMAT);
    refused("{\"id\":\"1201\"}", OPTIONS(.location_id_key = STR("id")), LOCATIONS_WRONG_FORMAT);
    struct sso_connection json = {.is_location_json_in_string = true};
    refused("\"[1201\"", json, LOCATIONS_WRONG_FORMAT);
    refused("\"[[1]]\"", json, LOCATIONS_WRONG_FORMAT);
    refused("\"[1],[2]\"", json, LOCATIONS_WRONG_FORMAT);
    gives("\"1201\"", json, "1201,"); /* the option does not ask for it */
    gives("\" [1201, 1202] \"", json, "1201,1202,");
    gives("[{\"id\":1201,\"naam\":7}]",
          OPTIONS(.location_id_key = STR("id"), .location_name_key = STR("naam")), "1201,");
    gives("\"a::b::\"", OPTIONS(.location_delimiter = STR("::")), "a,b,");
    gives("[\"a;b\"]", OPTIONS(.location_delimiter = STR(";")), "a;b,"); /* one string, not a list of them */
    gives("[-5,0]", PLAIN, "-5,0,");
}

static void CLM3_absent_empty_and_wrong_are_told_apart(void **state)
{
    (void)state;
    const struct {
        const char *claims;
        enum locations_result result;
        const char *json_type;
    } cases[] = {
        {"{}", LOCATIONS_ABSENT, "absent"},
        {"{\"locaties\":null}", LOCATIONS_ABSENT, "null"},
        {"{\"locaties\":[]}", LOCATIONS_EMPTY, "array"},
        {"{\"locaties\":\" \\t\"}", LOCATIONS_EMPTY, "string"},
        {"{\"locaties\":[\"\"]}", LOCATIONS_EMPTY, "array"},
        {"{\"locaties\":{}}", LOCATIONS_WRONG_FORMAT, "object"},
        {"{\"locaties\":1.5}", LOCATIONS_WRONG_FORMAT, "real"},
        {"{\"locaties\":false}", LOCATIONS_WRONG_FORMAT, "boolean"},
        {"{\"locaties\":7}", LOCATIONS_OK, "integer"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct locations locations;
        struct sso_connection connection = {.location_claim = PATH};
        assert_int_equal(read_claims(cases[i].claims, &connection, &locations), cases[i].result);
        assert_string_equal(locations.json_type, cases[i].json_type);
    }
}

static void CLM4_bad_values_are_dropped_and_counted(void **state)
{
    (void)state;
    char long_one[258], limit[257];
    memset(long_one, 'x', 257);
    long_one[257] = '\0';
    memset(limit, 'y', 256);
    limit[256] = '\0';
    struct locations locations;
    struct sso_connection connection = {.location_claim = PATH};
    const char *claims =
        arena_printf(arena, "{\"locaties\":[\" 1201\\t\",\"\",\"   \",\"a\\nb\",\"\\u0085\",\"%s\",\"%s\"]}",
                     long_one, limit);
    assert_int_equal(read_claims(claims, &connection, &locations), LOCATIONS_OK);
    assert_int_equal(locations.count, 2);
    assert_true(str_equal_c(locations.items[0].code, "1201"));
    assert_int_equal(locations.items[1].code.length, 256);
    assert_int_equal(locations.received, 7);
    assert_int_equal(locations.dropped, 5);
    assert_int_equal(locations.duplicates, 0);
}

static void CLM5_first_seen_order_without_repeats(void **state)
{
    (void)state;
    struct locations locations;
    struct sso_connection connection = {.location_claim = PATH};
    assert_int_equal(read_claims("{\"locaties\":[\"b\",\"a\",\"b \",\"c\",\"a\"]}", &connection, &locations),
                     LOCATIONS_OK);
    assert_int_equal(locations.count, 3);
    assert_true(str_equal_c(locations.items[0].code, "b"));
    assert_true(str_equal_c(locations.items[1].code, "a"));
    assert_true(str_equal_c(locations.items[2].code, "c"));
    assert_int_equal(locations.received, 5);
    assert_int_equal(locations.duplicates, 2);
}

static void CLM5_two_thousand_and_no_more(void **state)
{
    (void)state;
    for (int count = LOCATIONS_MAX; count <= LOCATIONS_MAX + 1; count++) {
        struct locations locations;
        json_t *claims = json_object(), *list = json_array();
        for (int i = 0; i < count; i++)
            json_array_append_new(list, json_sprintf("loc-%d", i));
        for (int i = 0; i < 3000; i++) /* repeats do not count */
            json_array_append_new(list, json_string("loc-0"));
        json_object_set_new(claims, "locaties", list);
        struct sso_connection connection = {.location_claim = PATH};
        enum locations_result result = locations_read(arena, claims, &connection, &locations);
        json_decref(claims);
        assert_int_equal(result, count == LOCATIONS_MAX ? LOCATIONS_OK : LOCATIONS_WRONG_FORMAT);
        assert_int_equal(locations.count, LOCATIONS_MAX); /* the log shows what there is */
        assert_true(str_equal_c(locations.items[LOCATIONS_MAX - 1].code, "loc-1999"));
    }
}

static void CLM6_case_counts_unless_folded(void **state)
{
    (void)state;
    gives("[\"Oost\",\"oost\"]", PLAIN, "Oost,oost,");
    gives("[\"Oost\",\"oost\"]", OPTIONS(.is_location_case_folded = true), "oost,");
}

static void CLM7_transforms_run_in_their_order(void **state)
{
    (void)state;
    struct sso_connection prefix = {.location_prefix = STR("med-")};
    gives("[\"med-oost\",\"west\",\"Med-zuid\"]", prefix, "oost,");
    prefix.is_location_case_folded = true;
    gives("[\"med-oost\",\"west\",\"Med-Zuid\"]", prefix, "oost,zuid,");
    gives("[\"cn= Med-Oost ,OU=x\",\"Team A, Oost\"]", OPTIONS(.is_location_dn_stripped = true),
          "Med-Oost,Team A, Oost,");
    gives("[\"CN=/med-oost,DC=x\",\"//west\"]",
          OPTIONS(.is_location_dn_stripped = true, .is_location_slash_stripped = true), "med-oost,/west,");
}

static void CLM7_what_a_transform_empties_is_dropped(void **state)
{
    (void)state;
    struct locations locations;
    struct sso_connection connection = {
        .location_claim = PATH, .is_location_dn_stripped = true, .location_prefix = STR("med-")};
    assert_int_equal(read_claims("{\"locaties\":[\"CN=,OU=x\",\"med-\",\"west\"]}", &connection, &locations),
                     LOCATIONS_EMPTY);
    assert_int_equal(locations.received, 3);
    assert_int_equal(locations.dropped, 3);
}

static void CLM8_overage_is_never_no_locations(void **state)
{
    (void)state;
    const struct {
        const char *claims;
        const char *path;
        enum locations_result result;
    } cases[] = {
        {"{\"_claim_names\":{\"groups\":\"src1\"},\"groups\":[\"a\"]}", "groups", LOCATIONS_OVERAGE},
        {"{\"_claim_names\":{\"groups\":\"src1\"},\"groups\":[]}", "groups", LOCATIONS_OVERAGE},
        {"{\"_claim_names\":{\"groups\":\"src1\"},\"groups\":{}}", "groups", LOCATIONS_OVERAGE},
        {"{\"hasgroups\":true}", "groups", LOCATIONS_OVERAGE},
        {"{\"hasgroups\":\"true\"}", "groups", LOCATIONS_OVERAGE},
        {"{\"hasgroups\":true,\"groups\":[\"a\"]}", "groups", LOCATIONS_OVERAGE},
        {"{\"hasgroups\":false,\"groups\":[\"a\"]}", "groups", LOCATIONS_OK},
        {"{\"_claim_names\":{\"photo\":\"src1\"},\"groups\":[\"a\"]}", "groups", LOCATIONS_OK},
        {"{\"_claim_names\":{\"realm_access\":\"src1\"}}", "realm_access.roles", LOCATIONS_OVERAGE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct locations locations;
        struct sso_connection connection = {.location_claim = str_from_c(cases[i].path)};
        if (read_claims(cases[i].claims, &connection, &locations) != cases[i].result)
            fail_msg("%s", cases[i].claims);
    }
}

static void CLM9_a_refused_list_is_still_shown(void **state)
{
    (void)state;
    struct locations locations;
    struct sso_connection connection = {.location_claim = PATH};
    assert_int_equal(
        read_claims("{\"locaties\":[\"1201\",\"1202\"],\"hasgroups\":true}", &connection, &locations),
        LOCATIONS_OVERAGE);
    assert_int_equal(locations.count, 2);
    assert_int_equal(locations.received, 2);
    assert_string_equal(locations.json_type, "array");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(vectors_B8),
        ARENA_TEST(CLM1_the_claim_is_found_by_its_path),
        ARENA_TEST(CLM2_anything_else_is_of_a_wrong_format),
        ARENA_TEST(CLM3_absent_empty_and_wrong_are_told_apart),
        ARENA_TEST(CLM4_bad_values_are_dropped_and_counted),
        ARENA_TEST(CLM5_first_seen_order_without_repeats),
        ARENA_TEST(CLM5_two_thousand_and_no_more),
        ARENA_TEST(CLM6_case_counts_unless_folded),
        ARENA_TEST(CLM7_transforms_run_in_their_order),
        ARENA_TEST(CLM7_what_a_transform_empties_is_dropped),
        ARENA_TEST(CLM8_overage_is_never_no_locations),
        ARENA_TEST(CLM9_a_refused_list_is_still_shown),
    };
    return cmocka_run_group_tests_name("locations", tests, NULL, NULL);
}
