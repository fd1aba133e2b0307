/* Import files, the professional's door: what is taken, presets, what is said of what is not, secrets that
 * are kept, and that an export reads back as the same data. */
#include "catalog_file_fixture.h"

static const char full[] =
    "hosts:\n"
    "  - name: secure.example.nl\n"
    "    platform: secure\n"
    "    environment: production\n"
    "    base_url: https://secure.example.nl\n"
    "  - {name: \"localhost:8080\", platform: secure, environment: acceptance, base_url: "
    "\"https://a.example.nl:8443\"}\n"
    "views:\n"
    "  - name: default\n"
    "    path: /\n"
    "  - name: status\n"
    "    path: /status/{patient}\n"
    "    needs_patient: true\n"
    "    permission: status.read\n"
    "    limited: true\n"
    "  - {name: deelronde, path: \"/ronde?afdeling={department}\", needs_department: true}\n"
    "ceilings:\n"
    "  - customer_key: zonnestraaltjes\n"
    "    name: Zorgplein\n"
    "    permissions: [status.read, order.write]\n"
    "security_groups:\n"
    "  - customer_key: zonnestraaltjes\n"
    "    name: Verpleging é\n"
    "    description: \"Wie: 'alle' huizen #1\"\n"
    "    permissions: [status.read, order.write@oost, order.write@west]\n"
    "  - {customer_key: zonnestraaltjes, name: Leeg, active: false}\n"
    "connections:\n"
    "  - platform: secure\n"
    "    environment: production\n"
    "    customer_key: zonnestraaltjes\n"
    "    provider_key: ysis\n"
    "    status: active\n"
    "    preset: ysis\n"
    "    issuer: https://z.ysis.example/cas/oidc/.well-known/openid-configuration\n"
    "    client_id: medicatie-rp\n"
    "    client_secret: \"a+/=%&: b\"\n"
    "    client_secret_expires: 2027-05-01\n"
    "    second_secret: tweede\n"
    "    acr_values: urn:hoog\n"
    "    acr_required: true\n"
    "    max_age: 0\n"
    "    extra_parameters: resource=https%3A%2F%2Fapp&x=1\n"
    "    location_name_key: \"\"\n"
    "    ceiling: Zorgplein\n"
    "    notify_address: \"a@example.nl, b.c@example.nl\"\n"
    "    patient_keys:\n"
    "      - id: ctx-1\n"
    "        key: 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"
    "      - {id: ctx-2, key: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8}\n"
    "  - {platform: secure, environment: acceptance, customer_key: zonnestraaltjes, provider_key: ysis}\n"
    "applications:\n"
    "  - client_id: apotheek\n"
    "    platform: secure\n"
    "    environment: production\n"
    "    customer_key: zonnestraaltjes\n"
    "    connections: zonnestraaltjes_ysis\n"
    "    name: Apotheek é\n"
    "    redirect_uris: https://apotheek.example.nl/cb?a=1 https://b.example.nl/cb\n"
    "    post_logout_redirect_uris: https://apotheek.example.nl/\n"
    "    client_secret: \"s+/ x\"\n"
    "  - {client_id: app, platform: secure, environment: acceptance, customer_key: zonnestraaltjes, "
    "redirect_uris: \"https://app.example.nl/cb\", client_auth: none, status: disabled}\n"
    "mappings:\n"
    "  - connection: zonnestraaltjes_ysis\n"
    "    environment: production\n"
    "    codes:\n"
    "      - {code: \"1201\", name: Oost, group: Verpleging é}\n"
    "      - {code: =cmd(), status: ignored, remark: vreemd}\n"
    "      - {code: \"1377\"}\n";

static void full_file_is_read(void **state)
{
    struct arena *arena = *state;
    struct business_data data;
    must_parse(arena, full, NULL, &data);
    assert_int_equal(data.sso.host_count, 2);
    assert_int_equal(data.sso.view_count, 3);
    assert_true(data.sso.views[1].needs_patient && data.sso.views[1].is_limited);
    assert_int_equal(data.sso.ceilings[0].pair_count, 2);
    const struct sso_group *group = &data.sso.groups[0];
    assert_int_equal(group->pair_count, 3);
    assert_text(group->pairs[1].permission, "order.write");
    assert_text(group->pairs[1].department, "oost");
    assert_int_equal(group->pairs[0].department.length, 0);
    assert_true(group->is_active);
    assert_false(data.sso.groups[1].is_active);
    const struct sso_connection *ysis = &data.sso.connections[0];
    assert_text(ysis->issuer, "https://z.ysis.example/cas/oidc");
    assert_text(ysis->metadata_url, "https://z.ysis.example/cas/oidc/.well-known/openid-configuration");
    assert_text(ysis->secrets[0].value, "a+/=%&: b");
    assert_int_equal(ysis->secrets[0].expires_at, 1809129600);
    assert_text(ysis->secrets[1].value, "tweede");
    assert_int_equal(ysis->max_age_s, 0);
    assert_text(ysis->notify_address, "a@example.nl,b.c@example.nl");
    assert_int_equal(ysis->context_key_count, 2);
    assert_int_equal(ysis->context_keys[0].key.length, 32);
    assert_int_equal(ysis->context_keys[0].key.data[31], 0x1f);
    assert_true(str_equal(ysis->context_keys[0].key, ysis->context_keys[1].key));
    assert_int_equal(data.mapping_count, 1);
    assert_text(data.mappings[0].platform, "secure"); /* the only one there is */
    assert_text(data.mappings[0].codes[0].status, "linked");
    assert_text(data.mappings[0].codes[1].status, "ignored");
    assert_text(data.mappings[0].codes[2].status, "new");
}

/* Section 7 and 2.16. */
static void applications_are_read(void **state)
{
    struct arena *arena = *state;
    struct business_data data;
    struct yaml_faults faults;
    struct failure failure;
    must_parse(arena, full, NULL, &data);
    assert_int_equal(data.sso.application_count, 2);
    const struct sso_application *item = &data.sso.applications[0];
    assert_text(item->client_id, "apotheek");
    assert_text(item->status, "active");
    assert_text(item->client_auth, "secret");
    assert_text(item->secret, "s+/ x");
    assert_text(item->redirect_uris, "https://apotheek.example.nl/cb?a=1 https://b.example.nl/cb");
    assert_text(data.sso.applications[1].client_auth, "none");

    /* A secret that is not given is that of the store; without any, the file says too little. */
    const struct business_data none = {0};
    struct business_data stored = data;
    const char *from = strstr(full, "    client_secret: \"s+/ x\"\n");
    const char *text = arena_printf(arena, "%.*s%s", (int)(from - full), full, strchr(from, '\n') + 1);
    must_parse(arena, text, NULL, &data);
    assert_int_equal(catalog_keep_secrets(&data, &stored, 1000, &failure), OK);
    assert_text(data.sso.applications[0].secret, "s+/ x");
    must_parse(arena, text, NULL, &data);
    assert_int_equal(catalog_keep_secrets(&data, &none, 1000, &failure), FAILED);
    assert_non_null(strstr(failure.text, "apotheek"));
    must_parse(arena, strstr(full, "applications:\n"), &stored, &data);
    assert_int_equal(parse(arena, strstr(full, "applications:\n"), NULL, &data, &faults), FAILED);
}

static void presets_fill_what_is_left_out(void **state)
{
    struct arena *arena = *state;
    struct business_data data;
    must_parse(arena, full, NULL, &data);
    const struct sso_connection *ysis = &data.sso.connections[0];
    assert_text(ysis->location_claim, "locaties");
    assert_text(ysis->location_id_key, "id");
    assert_text(ysis->location_name_key, ""); /* written, and empty */
    assert_text(ysis->scope, "openid profile email");
    const struct sso_connection *other = &data.sso.connections[1];
    assert_text(other->status, "concept");
    assert_text(other->preset, "other");
    assert_text(other->location_claim, "");
    assert_text(other->subject_claim, "sub");
    assert_text(other->callback_mode, "same_url");
    assert_text(other->response_mode, "query");
    assert_text(other->patient_context, "external_id");
    assert_text(other->idp_logout, "off");
    assert_int_equal(other->max_age_s, -1);
    assert_int_equal(other->skew_s, 60);
    assert_int_equal(other->idle_s, 1800);
    assert_int_equal(other->absolute_s, 43200);
    static const struct {
        const char *preset, *location, *subject, *auth;
        bool is_dn_stripped;
    } cases[] = {
        {"ysis", "locaties", "sub", "auto", false},   {"entra", "groups", "oid", "post", false},
        {"adfs", "groups", "upn", "basic", true},     {"helloid", "autorisatie", "sub", "auto", false},
        {"keycloak", "groups", "sub", "auto", false}, {"other", "", "sub", "auto", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *text = arena_printf(
            arena,
            "hosts: [{name: a.nl, platform: p, environment: production, base_url: \"https://a.nl\"}]\n"
            "connections: [{platform: p, environment: production, customer_key: aa, provider_key: bb, "
            "preset: %s}]\n",
            cases[i].preset);
        must_parse(arena, text, NULL, &data);
        const struct sso_connection *connection = &data.sso.connections[0];
        assert_text(connection->location_claim, cases[i].location);
        assert_text(connection->subject_claim, cases[i].subject);
        assert_text(connection->client_auth, cases[i].auth);
        assert_int_equal(connection->is_location_dn_stripped, cases[i].is_dn_stripped);
    }
}

static void export_reads_back_as_the_same(void **state)
{
    struct arena *arena = *state;
    struct business_data data;
    struct business_data again;
    must_parse(arena, full, NULL, &data);
    const char *text = assert_reads_back(arena, &data, &again);
    assert_true(
        str_equal(again.sso.connections[0].context_keys[0].key, data.sso.connections[0].context_keys[0].key));
    assert_text(again.sso.connections[0].location_name_key, "");
    assert_non_null(strstr(text, "tweede"));
    assert_null(strstr(text, "scope")); /* the default */
    assert_null(strstr(text, "locaties"));

    text = written_open(arena, &data, &again);
    assert_null(strstr(text, "tweede"));
    assert_null(strstr(text, "key: \"AAEC"));
    assert_null(again.sso.connections[0].secrets[0].value.data);
}

/* MET-2, 7.1 */
static const char entra[] =
    "hosts: [{name: a.nl, platform: p, environment: production, base_url: \"https://a.nl\"}]\n"
    "connections:\n"
    "  - platform: p\n"
    "    environment: production\n"
    "    customer_key: aa\n"
    "    provider_key: azure\n"
    "    preset: entra\n"
    "    issuer: \"https://login.microsoftonline.com/{tenantid}/v2.0\"\n"
    "    metadata_url: "
    "https://login.microsoftonline.com/organizations/v2.0/.well-known/openid-configuration\n"
    "    tenants: 2b6f3c1e-7a5d-4e1b-9c8f-0d2a4b6c8e10 7c0de5a4-1b2c-4d3e-8f90-a1b2c3d4e5f6\n"
    "    claims_first: userinfo\n"
    "    userinfo: always\n";

static void MET2_several_tenants_are_listed_and_travel(void **state)
{
    struct arena *arena = *state;
    struct business_data data;
    must_parse(arena, entra, NULL, &data);
    struct buf text = buf_new(arena, 1 << 16);
    catalog_file_write(&text, &data, false);
    must_parse(arena, buf_c(&text), NULL, &data);
    assert_text(data.sso.connections[0].issuer, "https://login.microsoftonline.com/{tenantid}/v2.0");
    assert_text(data.sso.connections[0].tenants,
                "2b6f3c1e-7a5d-4e1b-9c8f-0d2a4b6c8e10 7c0de5a4-1b2c-4d3e-8f90-a1b2c3d4e5f6");
}

static void secrets_are_kept_replaced_and_taken_away(void **state)
{
    struct arena *arena = *state;
    struct failure failure;
    struct business_data stored;
    struct business_data data;
    const struct business_data none = {0};
    must_parse(arena, full, NULL, &stored);
    assert_int_equal(catalog_keep_secrets(&stored, &none, 1000, &failure), OK);
    struct sso_connection *old = &stored.sso.connections[0];
    assert_int_equal(old->secret_count, 2);
    assert_int_equal(old->secrets[0].set_at, 1000);
    old->id = STR("019ab000-0000-7000-8000-000000000000");

    struct buf open = buf_new(arena, 1 << 20);
    catalog_file_write(&open, &stored, false);
    must_parse(arena, buf_c(&open), NULL, &data);
    assert_int_equal(catalog_keep_secrets(&data, &stored, 2000, &failure), OK);
    const struct sso_connection *fresh = &data.sso.connections[0];
    assert_int_equal(fresh->secret_count, 2);
    assert_text(fresh->secrets[1].value, "tweede");
    assert_int_equal(fresh->secrets[1].set_at, 1000);
    assert_int_equal(fresh->context_keys[1].key.length, 32);
    assert_text(fresh->id, "019ab000-0000-7000-8000-000000000000");

    /* The second moves up; the new one is dated. */
    const char *from = strstr(full, "    client_secret: ");
    const char *text = arena_printf(arena, "%.*s    client_secret: \"\"\n%s", (int)(from - full), full,
                                    strchr(from, '\n') + 1);
    must_parse(arena, text, NULL, &data);
    assert_int_equal(catalog_keep_secrets(&data, &stored, 2000, &failure), OK);
    assert_int_equal(data.sso.connections[0].secret_count, 1);
    assert_text(data.sso.connections[0].secrets[0].value, "tweede");
    assert_int_equal(data.sso.connections[0].secrets[0].set_at, 1000);

    /* A key that nobody has. */
    must_parse(arena, buf_c(&open), NULL, &data);
    assert_int_equal(catalog_keep_secrets(&data, &none, 2000, &failure), FAILED);
    assert_non_null(strstr(failure.text, "ctx-1"));
}

static void objects_may_refer_to_what_is_stored(void **state)
{
    struct arena *arena = *state;
    struct business_data stored;
    struct business_data data;
    struct yaml_faults faults;
    must_parse(arena, full, NULL, &stored);
    must_parse(arena, strstr(full, "connections:\n"), &stored, &data);
    must_parse(arena, strstr(full, "mappings:\n"), &stored, &data);
    assert_text(data.mappings[0].platform, "secure");
    assert_int_equal(parse(arena, strstr(full, "connections:\n"), NULL, &data, &faults), FAILED);
    assert_int_equal(parse(arena, strstr(full, "mappings:\n"), NULL, &data, &faults), FAILED);

    struct catalog_file_settings settings = {.path = "c.yaml", .stored = &stored, .is_pruning = true};
    struct str connections = str_from_c(strstr(full, "connections:\n"));
    assert_int_equal(catalog_file_parse(arena, &settings, connections, &data, &faults), FAILED);
    /* Mappings alone take nothing away. */
    struct str mappings = str_from_c(strstr(full, "mappings:\n"));
    assert_int_equal(catalog_file_parse(arena, &settings, mappings, &data, &faults), OK);
}

static void expect_fault(struct arena *arena, const char *from, const char *to, const char *expected)
{
    expect_fault_in(arena, full, from, to, expected);
}

/* MET-2 and UIN-6: half a configuration, or one that contradicts itself, is none. */
static void faults_of_tenants_and_of_userinfo_first(void **state)
{
    struct arena *arena = *state;
    static const struct {
        const char *from, *to, *expected;
    } cases[] = {
        {"    tenants: ", "    scope: ",
         "connections[0].tenants: the issuer holds {tenantid}, and no tenants"},
        {"tenants: 2b6f3c1e", "tenants: 2B6F3C1E",
         "connections[0].tenants: the tenants are not 1 to 100 ids"},
        {"tenants: 2b6f3c1e", "tenants: organizations 2b6f3c1e",
         "connections[0].tenants: the tenants are not"},
        {"e10 7c0", "e10, 7c0", "connections[0].tenants: the tenants are not"},
        {"/{tenantid}/", "/organizations/", "connections[0].tenants: there are tenants, and no {tenantid}"},
        {"/{tenantid}/", "/{tenantid}/{tenantid}/", "connections[0].issuer: this value is not right"},
        {"/{tenantid}/", "/{tenant}/", "connections[0].issuer: this value is not right"},
        {"https://login.microsoftonline.com/{tenantid}", "https://{tenantid}.example",
         "{tenantid} must be in the path"},
        {"https://login.microsoftonline.com/{", "http://login.microsoftonline.com/{",
         "connections[0].issuer: this"},
        {"    metadata_url: ", "    end_session_endpoint: ", "connections[0].metadata_url: is needed"},
        {"metadata_url: https://login.microsoftonline.com/organizations/",
         "metadata_url: https://login.microsoftonline.com/{tenantid}/",
         "connections[0].metadata_url: this value"},
        {"userinfo: always", "userinfo: off", "connections[0].claims_first: userinfo cannot count first"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_fault_in(arena, entra, cases[i].from, cases[i].to, cases[i].expected);
}

static void every_fault_has_its_place(void **state)
{
    struct arena *arena = *state;
    static const struct {
        const char *from, *to, *expected;
    } cases[] = {
        {"redirect_uris: https://apo", "redirect_uris: http://apo", "applications[0].redirect_uris: this"},
        {"cb?a=1 https://b.example.nl/cb", "cb#a", "applications[0].redirect_uris: this value"},
        {"cb?a=1 https", "cb?a=1  https", "applications[0].redirect_uris: this value"},
        {"    connections: zonnestraaltjes_ysis\n", "    connections: zonnestraaltjes_adfs\n",
         "applications[0].connections: this customer has no connection zonnestraaltjes_adfs"},
        {"    connections: zonnestraaltjes_ysis\n", "    connections: anders_ysis\n",
         "applications[0].connections: this customer has no connection anders_ysis"},
        {"client_id: app, platform: secure, environment: acceptance",
         "client_id: apotheek, platform: secure, environment: production",
         "this platform and environment have an application with this client_id already"},
        {"client_id: app, platform: secure", "client_id: app, platform: other",
         "applications[1].environment: there is no host"},
        {"name: secure.example.nl", "name: Secure.example.nl",
         "F:2:11: hosts[0].name: this value is not right"},
        {"name: secure.example.nl", "name: \"secure.example.nl:0\"", "hosts[0].name: this value"},
        {"name: secure.example.nl", "name: https://secure", "hosts[0].name: this value"},
        {"localhost:8080", "secure.example.nl", "hosts[1].name: this host is there twice"},
        {"    platform: secure\n    environment: production\n    base",
         "    environment: production\n    base", "F:2:5: hosts[0].platform: is missing"},
        {"environment: production\n    base", "environment: test\n    base",
         "write one of: acceptance production"},
        {"https://secure.example.nl", "https://secure.example.nl/", "F:5:15: hosts[0].base_url"},
        {"https://secure.example.nl", "https://secure.example.nl?a", "hosts[0].base_url"},
        {"https://secure.example.nl", "http://secure.example.nl", "hosts[0].base_url"},
        {"path: /status/{patient}", "path: //evil.example/{patient}", "F:11:11: views[1].path: this value"},
        {"path: /status/{patient}", "path: https://evil.example", "views[1].path: this value"},
        {"path: /status/{patient}", "path: \"/\\\\evil\"", "views[1].path: this value"},
        {"path: /status/{patient}", "path: /a/../{patient}", "views[1].path: this value"},
        {"path: /status/{patient}", "path: /{other}", "views[1].path: this value"},
        {"path: /status/{patient}", "path: /{patient", "views[1].path: this value"},
        {"    needs_patient: true\n", "", "F:11:11: views[1].path: names {patient} in a view that has none"},
        {", needs_department: true", "", "views[2].path: names {department} in a view"},
        {"name: deelronde", "name: status", "views[2].name: this view is there twice"},
        {"name: deelronde", "name: Deelronde", "views[2].name: this value is not right"},
        {"permission: status.read", "permission: status read", "views[1].permission: this value"},
        {"[status.read, order.write]", "[status.read, status.read]",
         "ceilings[0].permissions[1]: is listed twice"},
        {"[status.read, order.write]", "[status.read, \"@oost\"]",
         "ceilings[0].permissions[1]: this is not a perm"},
        {"order.write@west", "order.write@", "security_groups[0].permissions[2]: this is not a permission"},
        {"order.write@west", "order.write@we st",
         "security_groups[0].permissions[2]: this is not a permission"},
        {"order.write@west", "order.write@oost", "security_groups[0].permissions[2]: is listed twice"},
        {"name: Leeg", "name: Verpleging é", "security_groups[1].name: this customer has it twice"},
        {"active: false", "actief: false",
         "security_groups[1].actief: there is no such key; did you mean active?"},
        {"    customer_key: zonnestraaltjes\n    provider_key",
         "    customer_key: Zonne_straaltjes\n    provider_key",
         "F:29:19: connections[0].customer_key: this value is not right; write 2 to 40"},
        {"    provider_key: ysis\n", "    provider_key: y-sis\n", "connections[0].provider_key: this value"},
        {"    provider_key: ysis\n", "", "F:27:5: connections[0].provider_key: is missing"},
        {"environment: acceptance, customer_key", "environment: production, customer_key",
         "connections[1].customer_key: this platform and environment have a connection with this slug"},
        {"environment: acceptance, base_url", "environment: production, base_url",
         "connections[1].environment: there is no host with this platform and environment"},
        {"status: active", "status: aan", "write one of: concept active disabled"},
        {"preset: ysis", "preset: okta", "connections[0].preset: this value is not right"},
        {"client_secret_expires: 2027-05-01", "client_secret_expires: 2027-02-30",
         "F:36:28: connections[0].client_secret_expires: this value is not right; write a date"},
        {"second_secret: tweede", "second_secret_file: /nowhere/at/all",
         "second_secret_file: /nowhere/at/all: No"},
        {"second_secret: tweede", "client_secret_file: x", "client_secret_file: the secret is given twice"},
        {"    acr_values: urn:hoog\n", "", "connections[0].acr_required: there are no acr_values"},
        {"max_age: 0", "max_age: -1", "connections[0].max_age: this number is not right"},
        {"&x=1", "&state=1", "connections[0].extra_parameters: this value is not right"},
        {"&x=1", "&ui_locales=nl", "connections[0].extra_parameters: this value is not right"},
        {"&x=1", "&code_challenge_method=plain", "connections[0].extra_parameters: this value is not right"},
        {"&x=1", "&login_hint=a", "connections[0].extra_parameters: this value is not right"},
        {"&x=1", "&resource=1", "connections[0].extra_parameters: this value is not right"},
        {"&x=1", "&x", "connections[0].extra_parameters: this value is not right"},
        {"&x=1", "&x=%4", "connections[0].extra_parameters: this value is not right"},
        {"&x=1", "&x=a b", "connections[0].extra_parameters: this value is not right"},
        {"location_name_key: \"\"", "location_claim: \"a..b\"", "connections[0].location_claim: this value"},
        {"location_name_key: \"\"", "location_claim: \".a\"", "connections[0].location_claim: this value"},
        {"location_name_key: \"\"", "location_claim: 'a.\"b'", "connections[0].location_claim: this value"},
        {"location_name_key: \"\"", "location_claim: 'a\\'", "connections[0].location_claim: this value"},
        {"location_name_key: \"\"", "location_delimiter: \";;\"",
         "connections[0].location_delimiter: this value"},
        {"location_name_key: \"\"", "application: app",
         "connections[0].application: this value is not right"},
        {"location_name_key: \"\"", "idle: 299", "connections[0].idle: this number is not right"},
        {"location_name_key: \"\"", "default_view: menu",
         "connections[0].default_view: there is no view menu"},
        {"    ceiling: Zorgplein", "    ceiling: Plein",
         "connections[0].ceiling: this customer has no ceiling"},
        {"a@example.nl, ", "a@example.nl, x, ", "connections[0].notify_address: this value"},
        {"a@example.nl, ", "\\r\\nBcc: a@example.nl, ", "connections[0].notify_address: this value"},
        {"a@example.nl, ", "a@b.nl,a@b.nl,a@b.nl,a@b.nl,a@b.nl,",
         "connections[0].notify_address: this value"},
        {"key: 0001", "key: 01",
         "connections[0].patient_keys[0].key: this value is not right; write 32 bytes"},
        {"id: ctx-2", "id: ctx-1", "patient_keys[1].id: is listed twice"},
        {"id: ctx-2, ", "", "connections[0].patient_keys[1].id: is missing"},
        {"connection: zonnestraaltjes_ysis", "connection: zonnestraaltjes",
         "mappings[0].connection: this value"},
        {"connection: zonnestraaltjes_ysis", "connection: zonnestraaltjes_adfs",
         "F:62:17: mappings[0].connection: there is no connection with this slug and environment"},
        {"group: Verpleging é}", "group: Artsen}",
         "F:65:43: mappings[0].codes[0].group: the customer of this connection has no security group"},
        {"group: Verpleging é}", "status: linked}", "mappings[0].codes[0]: is linked without a group"},
        {"status: ignored", "status: ignored, group: Leeg",
         "mappings[0].codes[1]: has a group without being"},
        {"code: \"1377\"", "code: \"1201\"", "mappings[0].codes[2].code: this code is listed twice"},
        {"code: \"1377\"", "code: \" 1377\"", "mappings[0].codes[2].code: this value is not right"},
        {"code: \"1377\"", "cod: \"1377\"",
         "mappings[0].codes[2].cod: there is no such key; did you mean code?"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_fault(arena, cases[i].from, cases[i].to, cases[i].expected);
}

static void claim_paths_are_those_of_the_reader(void **state)
{
    struct arena *arena = *state;
    static const char *const right[] = {"groups",          "realm_access.roles",
                                        "a\\\\.b.c",       "\\\"https://x.nl/groups\\\"",
                                        "a.\\\"b.c\\\".d", "https://x.nl/groups"};
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        const char *at = strstr(full, "location_name_key: \"\"");
        const char *text = arena_printf(arena, "%.*slocation_claim: \"%s\"%s", (int)(at - full), full,
                                        right[i], at + strlen("location_name_key: \"\""));
        struct business_data data;
        must_parse(arena, text, NULL, &data);
    }
}

static void a_platform_may_be_left_out_only_when_it_is_the_only_one(void **state)
{
    struct arena *arena = *state;
    struct business_data data;
    struct yaml_faults faults;
    static const char two[] =
        "hosts:\n"
        "  - {name: a.nl, platform: a, environment: production, base_url: \"https://a.nl\"}\n"
        "  - {name: b.nl, platform: b, environment: production, base_url: \"https://b.nl\"}\n"
        "connections:\n"
        "  - {platform: a, environment: production, customer_key: aa, provider_key: bb}\n"
        "  - {platform: b, environment: production, customer_key: aa, provider_key: bb}\n"
        "mappings:\n"
        "  - {connection: aa_bb, environment: production%s, codes: [{code: x}]}\n";
    assert_int_equal(parse(arena, arena_printf(arena, two, ""), NULL, &data, &faults), FAILED);
    assert_non_null(strstr(faults.items[0].text, "several platforms"));
    must_parse(arena, arena_printf(arena, two, ", platform: b"), NULL, &data);
    assert_int_equal(parse(arena, arena_printf(arena, two, ", platform: c"), NULL, &data, &faults), FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CATALOG_FILE_TEST(full_file_is_read),
        CATALOG_FILE_TEST(applications_are_read),
        CATALOG_FILE_TEST(presets_fill_what_is_left_out),
        CATALOG_FILE_TEST(export_reads_back_as_the_same),
        CATALOG_FILE_TEST(secrets_are_kept_replaced_and_taken_away),
        CATALOG_FILE_TEST(objects_may_refer_to_what_is_stored),
        CATALOG_FILE_TEST(MET2_several_tenants_are_listed_and_travel),
        CATALOG_FILE_TEST(faults_of_tenants_and_of_userinfo_first),
        CATALOG_FILE_TEST(every_fault_has_its_place),
        CATALOG_FILE_TEST(claim_paths_are_those_of_the_reader),
        CATALOG_FILE_TEST(a_platform_may_be_left_out_only_when_it_is_the_only_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
