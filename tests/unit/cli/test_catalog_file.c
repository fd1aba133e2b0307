/* Import files: what is taken, what is said of what is not, and that an export reads back as the same data.
 */
#include "catalog_file_fixture.h"

#include "conf/file.h"

static const char full[] =
    "identity_providers:\n"
    "  - id: digid\n"
    "    label: Inloggen met DigiD\n"
    "    level: 20\n"
    "    level_name: Midden\n"
    "    issuer: https://idp.example.nl/oidc\n"
    "    client_id: sluis\n"
    "    client_secret: \"ge: 'heim' \\\"#\"\n"
    "    scope: openid bsn\n"
    "    acr_values: urn:a urn:b\n"
    "    acr_required: true\n"
    "    signing_algs: RS256 ES256\n"
    "    userinfo: if_needed\n"
    "    bsn_claim: bsn\n"
    "    allow_private: true\n"
    "providers:\n"
    "  - name: huisartsdeduinen\n"
    "    display_name: \"Praktijk <b>O'Neil</b> & Zn\"\n"
    "    interface_version: 2\n"
    "    text_set: je-2.2\n"
    "    privacy_url: https://duinen.example/?a=1&b=2\n"
    "    color: \"#0B6e4f\"\n"
    "    logo: \"data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciLz4=\"\n"
    "    availability: {type: webhook, url: https://hook.example/, secret: s, timeout_ms: 1500, "
    "before_consent: true}\n"
    "    services:\n"
    "      - {id: 48, function: collect}\n"
    "      - {id: 49, function: subscribe, max_days: 365}\n"
    "    identity_providers: [digid]\n"
    "  - name: kliniek\n"
    "    display_name: Kliniek\n"
    "    interface_version: \"2\"\n"
    "    text_set: u-1.3\n"
    "    privacy_url: https://kliniek.example\n"
    "    services: [{id: 51, function: share}]\n"
    "    identity_providers: [digid]\n";

static void full_file_is_read(void **state)
{
    struct arena *arena = *state;
    struct business_data data;
    must_parse(arena, full, NULL, &data);
    assert_int_equal(data.catalog.identity_provider_count, 1);
    const struct catalog_identity_provider *digid = &data.catalog.identity_providers[0];
    assert_true(str_equal(digid->client_secret, STR("ge: 'heim' \"#")));
    assert_true(str_equal(digid->client_auth, STR("auto")));
    assert_int_equal(digid->level, 20);
    assert_true(digid->is_acr_required && digid->is_private_allowed);
    assert_int_equal(data.catalog.provider_count, 2);
    const struct catalog_provider *duinen = &data.catalog.providers[0];
    assert_true(str_equal(duinen->interface_version, STR("2")));
    assert_true(str_equal(duinen->logo.content_type, STR("image/svg+xml")));
    assert_int_equal(duinen->logo.bytes.length, 41);
    assert_true(str_equal(duinen->availability, STR("webhook")));
    assert_int_equal(duinen->availability_timeout_ms, 1500);
    assert_true(duinen->is_checked_before_consent && duinen->is_checked_at_token);
    assert_int_equal(duinen->service_count, 2);
    assert_int_equal(duinen->services[1].max_days, 365);
    const struct catalog_provider *kliniek = &data.catalog.providers[1];
    assert_true(str_equal(kliniek->availability, STR("always")));
    assert_int_equal(kliniek->availability_timeout_ms, 2000);
    assert_true(kliniek->is_checked_at_token && !kliniek->is_checked_before_consent);
    assert_null(kliniek->availability_secret.data);
    assert_int_equal(kliniek->logo.bytes.length, 0);
}

static void export_reads_back_as_the_same(void **state)
{
    struct arena *arena = *state;
    struct business_data data;
    struct business_data again;
    must_parse(arena, full, NULL, &data);
    assert_non_null(strstr(assert_reads_back(arena, &data, &again), "heim"));
    assert_null(strstr(written_open(arena, &data, &again), "secret"));
    assert_null(again.catalog.identity_providers[0].client_secret.data);
}

static void every_fault_has_its_place(void **state)
{
    struct arena *arena = *state;
    static const struct {
        const char *from, *to, *expected;
    } cases[] = {
        {"id: digid", "id: DigiD", "F:2:9: identity_providers[0].id: this value is not right; write 1 to 40"},
        {"  - id: digid\n    label", "  - label", "identity_providers[0].id: is missing"},
        {"    label: Inloggen met DigiD\n", "    label: \"\"\n",
         "F:3:12: identity_providers[0].label: is missing"},
        {"level: 20", "level: hoog",
         "F:4:12: identity_providers[0].level: this value does not fit; write a whole"},
        {"level: 20", "level: 1001", "F:4:12: identity_providers[0].level: this number is not right"},
        {"level: 20", "level: 020", "this number is not right"},
        {"https://idp.example.nl/oidc", "http://idp.example.nl/oidc", "F:6:13: identity_providers[0].issuer"},
        {"https://idp.example.nl/oidc", "https://u@idp.example.nl/", "identity_providers[0].issuer"},
        {"scope: openid bsn", "scope: \"openid  bsn\"", "identity_providers[0].scope"},
        {"    acr_values: urn:a urn:b\n", "", "acr_required: there are no acr_values"},
        {"userinfo: if_needed", "userinfo: maybe", "write one of: off if_needed always"},
        {"allow_private: true", "allow_private: yes",
         "identity_providers[0].allow_private: this value does not fit"},
        {"allow_private: true", "allowprivate: true",
         "F:15:5: identity_providers[0].allowprivate: there is no such "
         "key; did you mean allow_private?"},
        {"allow_private: true", "picture: \"data:text/html;base64,AAAA\"", "picture: not a data: URL"},
        {"allow_private: true", "picture: nothing.svg",
         "identity_providers[0].picture: /nowhere/nothing.svg: No such"},
        {"allow_private: true", "client_secret_file: x", "client_secret_file: the secret is given twice"},
        {"allow_private: true", "label: b", "identity_providers[0].label: this key is given twice"},
        {"name: huisartsdeduinen", "name: Huisarts@medmij", "F:17:11: providers[0].name"},
        {"text_set: je-2.2", "text_set: je-9", "write one of: u-1.3 je-2.2"},
        {"\"#0B6e4f\"", "\"red\"", "providers[0].color"},
        {"\"#0B6e4f\"", "#0B6e4f", "providers[0].color: is empty; write a colour as \"#rrggbb\", in quotes"},
        {"url: https://hook.example/, ", "", "F:24:19: providers[0].availability: has no url"},
        {"type: webhook", "type: phone", "F:24:26: providers[0].availability.type"},
        {"before_consent: true", "at_token: false", "providers[0].availability: is never asked"},
        {"secret: s", "secretx: s",
         "providers[0].availability.secretx: there is no such key; did you mean "
         "availability.secret?"},
        {"{id: 48, function: collect}", "{id: \"a b\", function: collect}",
         "F:26:14: providers[0].services[0].id"},
        {"{id: 48, function: collect}", "{id: 48, function: steal}", "providers[0].services[0].function"},
        {"{id: 48, function: collect}", "{id: 49, function: subscribe, max_days: 2}",
         "listed twice with the same"},
        {"{id: 48, function: collect}", "{id: 48, function: collect, max_days: 2}",
         "has max_days without being"},
        {", max_days: 365", "", "F:27:9: providers[0].services[1]: has no max_days"},
        {"    identity_providers: [digid]\n  - name: kliniek",
         "    identity_providers: [ander]\n  - name: kliniek",
         "F:28:26: providers[0].identity_providers[0]: there is no identity provider with this id"},
        {"    identity_providers: [digid]\n  - name: kliniek", "  - name: kliniek",
         "F:17:5: providers[0]: has no identity providers"},
        {"name: kliniek", "name: huisartsdeduinen", "providers[1].name: this provider is there twice"},
        {"[{id: 51, function: share}]", "[]", "providers[1]: has no services"},
        {"[{id: 51, function: share}]", "none", "providers[1].services: this value does not fit"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_fault_in(arena, full, cases[i].from, cases[i].to, cases[i].expected);
}

static void development_allows_http_for_localhost(void **state)
{
    struct arena *arena = *state;
    const char *text = replaced(arena, full, "https://idp.example.nl/oidc", "http://digid.localhost:8090/x");
    struct catalog_file_settings settings = {.path = "/nowhere/c.yaml", .is_development = true};
    struct business_data data;
    struct yaml_faults faults;
    assert_int_equal(catalog_file_parse(arena, &settings, str_from_c(text), &data, &faults), OK);
    settings.is_development = false;
    assert_int_equal(catalog_file_parse(arena, &settings, str_from_c(text), &data, &faults), FAILED);
}

static void providers_may_refer_to_what_is_stored(void **state)
{
    struct arena *arena = *state;
    const char *text = strstr(full, "providers:\n  - name");
    struct catalog_identity_provider digid = {.id = STR("digid")};
    struct business_data stored = {.catalog = {.identity_providers = &digid, .identity_provider_count = 1}};
    struct catalog_file_settings settings = {.path = "c.yaml", .stored = &stored};
    struct business_data data;
    struct yaml_faults faults;
    assert_int_equal(catalog_file_parse(arena, &settings, str_from_c(text), &data, &faults), OK);
    settings.is_pruning = true;
    assert_int_equal(catalog_file_parse(arena, &settings, str_from_c(text), &data, &faults), FAILED);
    settings.is_pruning = false;
    settings.stored = NULL;
    assert_int_equal(catalog_file_parse(arena, &settings, str_from_c(text), &data, &faults), FAILED);
}

static void secrets_and_pictures_come_from_files(void **state)
{
    struct arena *arena = *state;
    char directory[] = "/tmp/sluis-import-XXXXXX";
    assert_non_null(mkdtemp(directory));
    const char *secret = arena_printf(arena, "%s/secret", directory);
    const char *picture = arena_printf(arena, "%s/p.svg", directory);
    FILE *file = fopen(secret, "w");
    fputs("uit een bestand\n", file);
    fclose(file);
    file = fopen(picture, "w");
    fputs("<svg xmlns=\"http://www.w3.org/2000/svg\"/>", file);
    fclose(file);
    struct catalog_file_settings settings = {.path = arena_printf(arena, "%s/c.yaml", directory)};
    struct business_data data;
    struct yaml_faults faults;
    static const char text[] = "identity_providers:\n"
                               "  - {id: a, label: A, issuer: \"https://a.nl\", client_id: b, bsn_claim: c,\n"
                               "     client_secret_file: secret, picture: p.svg, ca_file: ca.crt}\n";
    if (catalog_file_parse(arena, &settings, str_from_c(text), &data, &faults) != OK)
        fail_msg("%s", yaml_fault_format(arena, "F", &faults.items[0]));
    assert_true(str_equal(data.catalog.identity_providers[0].client_secret, STR("uit een bestand")));
    assert_int_equal(data.catalog.identity_providers[0].picture.bytes.length, 41);
    assert_true(
        str_equal_c(data.catalog.identity_providers[0].ca_file, arena_printf(arena, "%s/ca.crt", directory)));
    unlink(secret);
    assert_int_equal(catalog_file_parse(arena, &settings, str_from_c(text), &data, &faults), FAILED);
    unlink(picture);
    rmdir(directory);
}

static void empty_and_odd_files(void **state)
{
    struct arena *arena = *state;
    struct business_data data;
    struct yaml_faults faults;
    assert_int_equal(parse(arena, "", NULL, &data, &faults), OK);
    assert_int_equal(data.catalog.provider_count, 0);
    assert_int_equal(parse(arena, "providers: []\n", NULL, &data, &faults), OK);
    assert_int_equal(parse(arena, "[]\n", NULL, &data, &faults), FAILED);
    assert_int_equal(parse(arena, "providers: [1]\n", NULL, &data, &faults), FAILED);
    assert_int_equal(parse(arena, "providers: [[]]\n", NULL, &data, &faults), FAILED);
    assert_int_equal(parse(arena, "provider: []\n", NULL, &data, &faults), FAILED);
    assert_int_equal(parse(arena, "providers: [{}]\n", NULL, &data, &faults), FAILED);
}

static void manual_page_is_the_generated_one(void **state)
{
    struct arena *arena = *state;
    struct buf buf = buf_new(arena, 1 << 20);
    catalog_file_write_manual(&buf);
    assert_false(buf.overflowed);
    const char *tests = getenv("TEST_DIR");
    assert_non_null(tests);
    struct str committed;
    struct failure failure;
    const char *path = arena_printf(arena, "%s/../docs/man/sluis-import.5.md", tests);
    assert_int_equal(file_read(arena, path, 1 << 20, &committed, &failure), OK);
    if (!str_equal(committed, buf_str(&buf)))
        fail_msg("run: sluis import --manual > docs/man/sluis-import.5.md");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CATALOG_FILE_TEST(full_file_is_read),
        CATALOG_FILE_TEST(export_reads_back_as_the_same),
        CATALOG_FILE_TEST(every_fault_has_its_place),
        CATALOG_FILE_TEST(development_allows_http_for_localhost),
        CATALOG_FILE_TEST(providers_may_refer_to_what_is_stored),
        CATALOG_FILE_TEST(secrets_and_pictures_come_from_files),
        CATALOG_FILE_TEST(empty_and_odd_files),
        CATALOG_FILE_TEST(manual_page_is_the_generated_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
