/* sso_catalog.h on the engine of STORE_URL. */
#include "store_hunt.h"
#include "store_race.h"

#include "store/mapping.h"
#include "store/session.h"

#define KEY "0123456789abcdef0123456789abcdef"

static struct sso_connection full_connection(void)
{
    return (struct sso_connection){
        .platform = STR("medicatie"),
        .environment = STR("production"),
        .customer_key = STR("zonnestraaltjes"),
        .provider_key = STR("ysis"),
        .status = STR("active"),
        .preset = STR("ysis"),
        .issuer = STR("https://ehr.example/cas/oidc"),
        .metadata_url = STR("https://ehr.example/metadata"),
        .authorization_endpoint = STR("https://ehr.example/authorize"),
        .token_endpoint = STR("https://ehr.example/token"),
        .jwks_uri = STR("https://ehr.example/jwks"),
        .userinfo_endpoint = STR("https://ehr.example/userinfo"),
        .end_session_endpoint = STR("https://ehr.example/logout"),
        .client_id = STR("client-1"),
        .secrets = {{STR("secret-marker-1"), TEST_NOW - 100, TEST_NOW + 100},
                    {STR("secret-marker-2"), TEST_NOW - 50, 0}},
        .secret_count = 2,
        .client_auth = STR("basic"),
        .scope = STR("openid profile"),
        .acr_values = STR("loa3"),
        .prompt = STR("login"),
        .extra_parameters = STR("a=b&c=d"),
        .is_acr_required = true,
        .max_age_s = 3600,
        .signing_algs = STR("RS256 ES256"),
        .skew_s = 60,
        .response_mode = STR("form_post"),
        .callback_mode = STR("separate"),
        .userinfo = STR("if_needed"),
        .location_claim = STR("locaties"),
        .location_id_key = STR("id"),
        .location_name_key = STR("naam"),
        .location_delimiter = STR(";"),
        .is_location_json_in_string = true,
        .is_location_case_folded = true,
        .is_location_dn_stripped = true,
        .is_location_slash_stripped = true,
        .location_prefix = STR("LOC_"),
        .subject_claim = STR("sub"),
        .name_claim = STR("name"),
        .email_claim = STR("email"),
        .employee_claim = STR("employee"),
        .link_claim = STR("employee_number"),
        .ceiling = STR("standaard"),
        .is_session_without_permissions = true,
        .default_view = STR("status"),
        .patient_context = STR("bsn_encrypted"),
        .is_userinfo_post = true,
        .claims_first = STR("userinfo"),
        .pkce = STR("off"),
        .trusted_audiences = STR("portal"),
        .required_amr = STR("otp"),
        .is_launch_passed = true,
        .is_target_strict = true,
        .patient_parameter = STR("patient"),
        .frame_ancestors = STR("https://epd.example"),
        .is_digest_mailed = true,
        .is_user_mailed = true,
        .handover = STR("openid"),
        .context_keys = {{STR("k1"), STR(KEY)}, {STR("k2"), STR("fedcba9876543210fedcba9876543210")}},
        .context_key_count = 2,
        .idle_s = 1800,
        .absolute_s = 43200,
        .idp_logout = STR("ask"),
        .notify_address = STR("fab@example.nl"),
        .application = STR("medicatie"),
        .ca_file = STR("/etc/ca.pem"),
        .is_private_allowed = true,
    };
}

static struct sso_host hosts[] = {
    {STR("secure.example"), STR("medicatie"), STR("production"), STR("https://secure.example")},
    {STR("acc.example"), STR("medicatie"), STR("acceptance"), STR("https://acc.example")},
};
static struct sso_permission_pair pairs[] = {{STR("med.read"), STR("")}, {STR("med.write"), STR("d1")}};
static struct sso_group groups[] = {
    {STR("zonnestraaltjes"), STR("Verpleging"), STR("Alle verpleegkundigen"), true, pairs, 2},
    {STR("zonnestraaltjes"), STR("Artsen"), STR(""), false, pairs, 1},
    {STR("anders"), STR("Artsen"), STR(""), true, NULL, 0},
};
static struct sso_ceiling ceilings[] = {{STR("zonnestraaltjes"), STR("standaard"), pairs, 2}};
static struct sso_view views[] = {
    {STR("status"), true, false, STR("/patient/{patient}"), STR("med.read"), true},
    {STR("menu"), false, true, STR("/"), STR(""), false},
};

static struct sso_data data_with(struct sso_connection *connections, size_t count)
{
    return (struct sso_data){.hosts = hosts,
                             .host_count = 2,
                             .connections = connections,
                             .connection_count = count,
                             .groups = groups,
                             .group_count = 3,
                             .ceilings = ceilings,
                             .ceiling_count = 1,
                             .views = views,
                             .view_count = 2};
}

static struct catalog_import import_of(const struct sso_data *data, bool prune, bool dry_run, int64_t now)
{
    return (struct catalog_import){
        .sso = data, .is_sso_pruned = prune, .is_dry_run = dry_run, .actor = "cli:test", .now = now};
}

static int64_t write_at(const struct sso_data *data, bool prune, bool dry_run, int64_t now)
{
    struct catalog_import import = import_of(data, prune, dry_run, now);
    return fixture_import(&import);
}

static int64_t write_data(const struct sso_data *data)
{
    return write_at(data, false, false, TEST_NOW);
}

static struct sso_data read_data(void)
{
    struct sso_data data;
    assert_ok(sso_data_read(fx.other, fx.arena, &data));
    return data;
}

static void assert_refused(const struct sso_data *data, bool prune, const char *text)
{
    struct catalog_import import = import_of(data, prune, false, TEST_NOW);
    fixture_import_refused(&import, text);
}

static int64_t version(void)
{
    int64_t number = -1;
    assert_ok(catalog_version(fx.other, &number));
    return number;
}

/* ---- in and out ---- */

#define ASSERT_SAME(field) assert_true(str_equal(found->field, given.field))
#define ASSERT_SAME_INT(field) assert_int_equal(found->field, given.field)

static void a_connection_comes_back_as_it_went_in(void **state)
{
    (void)state;
    struct sso_connection given = full_connection();
    struct sso_data data = data_with(&given, 1);
    assert_int_equal(write_data(&data), 9);
    struct sso_data all = read_data();
    assert_int_equal(all.connection_count, 1);
    const struct sso_connection *found = &all.connections[0];
    assert_true(str_is_uuid(found->id));
    assert_int_equal(found->version, 1);
    ASSERT_SAME(platform);
    ASSERT_SAME(environment);
    ASSERT_SAME(customer_key);
    ASSERT_SAME(provider_key);
    ASSERT_SAME(status);
    ASSERT_SAME(preset);
    ASSERT_SAME(issuer);
    ASSERT_SAME(metadata_url);
    ASSERT_SAME(authorization_endpoint);
    ASSERT_SAME(token_endpoint);
    ASSERT_SAME(jwks_uri);
    ASSERT_SAME(userinfo_endpoint);
    ASSERT_SAME(end_session_endpoint);
    ASSERT_SAME(client_id);
    ASSERT_SAME(client_auth);
    ASSERT_SAME(scope);
    ASSERT_SAME(acr_values);
    ASSERT_SAME(prompt);
    ASSERT_SAME(extra_parameters);
    ASSERT_SAME_INT(is_acr_required);
    ASSERT_SAME_INT(max_age_s);
    ASSERT_SAME(signing_algs);
    ASSERT_SAME_INT(skew_s);
    ASSERT_SAME(response_mode);
    ASSERT_SAME(callback_mode);
    ASSERT_SAME(userinfo);
    ASSERT_SAME(location_claim);
    ASSERT_SAME(location_id_key);
    ASSERT_SAME(location_name_key);
    ASSERT_SAME(location_delimiter);
    ASSERT_SAME_INT(is_location_json_in_string);
    ASSERT_SAME_INT(is_location_case_folded);
    ASSERT_SAME_INT(is_location_dn_stripped);
    ASSERT_SAME_INT(is_location_slash_stripped);
    ASSERT_SAME(location_prefix);
    ASSERT_SAME(subject_claim);
    ASSERT_SAME(name_claim);
    ASSERT_SAME(email_claim);
    ASSERT_SAME(employee_claim);
    ASSERT_SAME(link_claim);
    ASSERT_SAME(ceiling);
    ASSERT_SAME_INT(is_session_without_permissions);
    ASSERT_SAME(default_view);
    ASSERT_SAME(patient_context);
    ASSERT_SAME(claims_first);
    ASSERT_SAME(pkce);
    ASSERT_SAME(trusted_audiences);
    ASSERT_SAME(required_amr);
    ASSERT_SAME(patient_parameter);
    ASSERT_SAME(frame_ancestors);
    ASSERT_SAME(handover);
    ASSERT_SAME_INT(is_userinfo_post);
    ASSERT_SAME_INT(is_launch_passed);
    ASSERT_SAME_INT(is_target_strict);
    ASSERT_SAME_INT(is_digest_mailed);
    ASSERT_SAME_INT(is_user_mailed);
    ASSERT_SAME_INT(idle_s);
    ASSERT_SAME_INT(absolute_s);
    ASSERT_SAME(idp_logout);
    ASSERT_SAME(notify_address);
    ASSERT_SAME(application);
    ASSERT_SAME(ca_file);
    ASSERT_SAME_INT(is_private_allowed);
    ASSERT_SAME_INT(secret_count);
    ASSERT_SAME_INT(context_key_count);
    for (size_t i = 0; i < 2; i++) {
        ASSERT_SAME(secrets[i].value);
        ASSERT_SAME_INT(secrets[i].set_at);
        ASSERT_SAME_INT(secrets[i].expires_at);
        ASSERT_SAME(context_keys[i].kid);
        ASSERT_SAME(context_keys[i].key);
    }
}

static void an_application_comes_back_as_it_went_in(void **state)
{
    (void)state;
    struct sso_application given = {
        .platform = STR("medicatie"),
        .environment = STR("production"),
        .client_id = STR("apotheek"),
        .name = STR("Apotheek"),
        .status = STR("active"),
        .customer_key = STR("zonnestraaltjes"),
        .connections = STR("zonnestraaltjes_ysis"),
        .client_auth = STR("secret"),
        .secret = STR("application-secret-marker"),
        .redirect_uris = STR("https://a.example/cb https://b.example/cb"),
        .post_logout_redirect_uris = STR("https://a.example/"),
    };
    struct sso_data data = {.applications = &given, .application_count = 1};
    assert_int_equal(write_data(&data), 1);
    assert_int_equal(write_data(&data), 0);
    struct sso_data all = read_data();
    assert_int_equal(all.application_count, 1);
    const struct sso_application *found = &all.applications[0];
    ASSERT_SAME(platform);
    ASSERT_SAME(environment);
    ASSERT_SAME(client_id);
    ASSERT_SAME(name);
    ASSERT_SAME(status);
    ASSERT_SAME(customer_key);
    ASSERT_SAME(connections);
    ASSERT_SAME(client_auth);
    ASSERT_SAME(secret);
    ASSERT_SAME(redirect_uris);
    ASSERT_SAME(post_logout_redirect_uris);
    assert_false(is_in_the_clear(STR("application-secret-marker")));

    given.client_auth = STR("none");
    assert_refused(&data, false,
                   "application apotheek (medicatie, production) needs a secret, or client_auth none and no "
                   "secret");
    given.secret = STR_NONE;
    assert_int_equal(write_data(&data), 1);
    all = read_data();
    assert_int_equal(all.applications[0].secret.length, 0);
    assert_int_equal(write_at(&(struct sso_data){0}, true, false, TEST_NOW), 1);
    assert_int_equal(read_data().application_count, 0);
}

/* A column in the wrong place of one of the two field tables would come back as another's value. */
static void each_flag_and_number_comes_back_alone(void **state)
{
    (void)state;
    static const size_t flags[] = {
        offsetof(struct sso_connection, is_acr_required),
        offsetof(struct sso_connection, is_location_json_in_string),
        offsetof(struct sso_connection, is_location_case_folded),
        offsetof(struct sso_connection, is_location_dn_stripped),
        offsetof(struct sso_connection, is_location_slash_stripped),
        offsetof(struct sso_connection, is_session_without_permissions),
        offsetof(struct sso_connection, is_private_allowed),
    };
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        struct sso_connection given = {.platform = STR("p"), .environment = STR("production")};
        *(bool *)((char *)&given + flags[i]) = true;
        struct sso_data data = {.connections = &given, .connection_count = 1}, all;
        write_data(&data);
        all = read_data();
        for (size_t k = 0; k < sizeof flags / sizeof *flags; k++)
            assert_int_equal(*(bool *)((char *)&all.connections[0] + flags[k]), i == k);
    }
}

static void hosts_groups_ceilings_and_views_come_back_as_they_went_in(void **state)
{
    (void)state;
    struct sso_data data = data_with(NULL, 0);
    assert_int_equal(write_data(&data), 8);
    struct sso_data all = read_data();
    assert_int_equal(all.host_count, 2);
    assert_str(all.hosts[0].name, "acc.example");
    assert_str(all.hosts[0].environment, "acceptance");
    assert_str(all.hosts[0].platform, "medicatie");
    assert_str(all.hosts[0].base_url, "https://acc.example");
    assert_int_equal(all.group_count, 3);
    assert_str(all.groups[0].customer_key, "anders");
    assert_int_equal(all.groups[0].pair_count, 0);
    assert_str(all.groups[1].name, "Artsen");
    assert_false(all.groups[1].is_active);
    assert_int_equal(all.groups[1].pair_count, 1);
    assert_str(all.groups[2].name, "Verpleging");
    assert_str(all.groups[2].description, "Alle verpleegkundigen");
    assert_true(all.groups[2].is_active);
    assert_int_equal(all.groups[2].pair_count, 2);
    assert_str(all.groups[2].pairs[1].permission, "med.write");
    assert_str(all.groups[2].pairs[1].department, "d1");
    assert_int_equal(all.ceiling_count, 1);
    assert_str(all.ceilings[0].name, "standaard");
    assert_str(all.ceilings[0].pairs[0].permission, "med.read");
    assert_int_equal(all.view_count, 2);
    assert_str(all.views[1].name, "status");
    assert_true(all.views[1].needs_patient && !all.views[1].needs_department && all.views[1].is_limited);
    assert_str(all.views[1].path, "/patient/{patient}");
    assert_str(all.views[1].permission, "med.read");
    assert_true(!all.views[0].needs_patient && all.views[0].needs_department && !all.views[0].is_limited);
}

static void an_empty_catalogue_reads_as_nothing(void **state)
{
    (void)state;
    struct sso_data all = read_data();
    assert_int_equal(
        all.host_count + all.connection_count + all.group_count + all.ceiling_count + all.view_count, 0);
}

/* ---- links stay within one customer (USR-2) ---- */

#define TENANT_1 "11111111-1111-4111-8111-111111111111"
#define TENANT_2 "22222222-2222-4222-8222-222222222222"
#define TEMPLATE "https://login.example/{tenantid}/v2.0"

static struct sso_connection issued_by(const char *customer, const char *provider, const char *issuer,
                                       const char *tenants)
{
    return (struct sso_connection){.platform = STR("p"),
                                   .environment = STR("production"),
                                   .customer_key = str_from_c(customer),
                                   .provider_key = str_from_c(provider),
                                   .issuer = str_from_c(issuer),
                                   .tenants = str_from_c(tenants)};
}

static void USR2_a_connection_that_links_shares_its_issuer_with_no_other_customer(void **state)
{
    (void)state;
    static const struct {
        const char *issuer, *tenants, *other_issuer, *other_tenants, *shared; /* NULL = nothing is */
    } cases[] = {
        {"https://idp.example", "", "https://idp.example", "", "https://idp.example"},
        {"https://idp.example", "", "https://idp.example/", "", NULL},
        {TEMPLATE, TENANT_1, TEMPLATE, TENANT_2 " " TENANT_1, "https://login.example/" TENANT_1 "/v2.0"},
        {TEMPLATE, TENANT_1, TEMPLATE, TENANT_2, NULL},
        {TEMPLATE, TENANT_1 " " TENANT_2, "https://login.example/" TENANT_2 "/v2.0", "",
         "https://login.example/" TENANT_2 "/v2.0"},
        {"https://login.example/" TENANT_2 "/v2.0", "", TEMPLATE, TENANT_1 " " TENANT_2,
         "https://login.example/" TENANT_2 "/v2.0"},
        {TEMPLATE, TENANT_1, "https://login.example/" TENANT_2 "/v2.0", "", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sso_connection both[] = {issued_by("zon", "a", cases[i].issuer, cases[i].tenants),
                                        issued_by("zee", "b", cases[i].other_issuer, cases[i].other_tenants)};
        struct sso_data data = {.connections = both, .connection_count = 2};
        write_at(&data, true, false, TEST_NOW); /* nobody links: they may */
        both[0].link_claim = STR("number");
        if (cases[i].shared == NULL) {
            assert_int_equal(write_at(&data, true, true, TEST_NOW), 1);
            continue;
        }
        assert_refused(
            &data, true,
            arena_printf(fx.arena,
                         "connection zon_a (p, production) has a link_claim, and shares the issuer "
                         "%s with connection zee_b (p, production): whom it links would be one user "
                         "there too, and that is another customer",
                         cases[i].shared));
    }
}

static void USR2_what_is_stored_counts_when_links_are_looked_at(void **state)
{
    (void)state;
    struct sso_connection stored = issued_by("zee", "b", "https://idp.example", "");
    struct sso_connection added = issued_by("zon", "a", "https://idp.example", "");
    struct sso_data data = {.connections = &stored, .connection_count = 1};
    struct sso_data more = {.connections = &added, .connection_count = 1};
    const char *refusal = "connection zee_b (p, production) has a link_claim, and shares the issuer "
                          "https://idp.example with connection zon_a (p, production): whom it links would be "
                          "one user there too, and that is another customer";
    stored.link_claim = STR("number");
    assert_int_equal(write_data(&data), 1);
    assert_refused(&more, false, refusal);
    assert_int_equal(write_at(&more, true, true, TEST_NOW), 2); /* instead of it */
    stored.link_claim = STR_NONE;
    write_data(&data);
    assert_int_equal(write_data(&more), 1);
    stored.link_claim = STR("number");
    assert_refused(&data, false, refusal);
    /* Data that were stored before this was looked at: the next import has to put them right. */
    fixture_sql("UPDATE sso_connection SET link_claim = 'number' WHERE customer_key = 'zee'");
    assert_refused(&more, false, refusal);
    stored.link_claim = STR_NONE;
    assert_int_equal(write_data(&data), 1);
}

static void USR2_platforms_do_not_share_what_is_linked_and_environments_may(void **state)
{
    (void)state;
    struct sso_connection both[] = {issued_by("zon", "a", "https://idp.example", ""),
                                    issued_by("zon", "b", "https://idp.example", "")};
    both[0].link_claim = STR("number");
    both[1].environment = STR("acceptance");
    struct sso_data data = {.connections = both, .connection_count = 2};
    assert_int_equal(write_data(&data), 2);
    both[1].platform = STR("q");
    assert_refused(
        &data, true,
        "connection zon_a (p, production) has a link_claim, and shares the issuer https://idp.example "
        "with connection zon_b (q, acceptance): whom it links would be one user there too, and that "
        "is another platform");
}

/* ---- what counts as a change ---- */

static void writing_the_same_again_changes_nothing(void **state)
{
    (void)state;
    struct sso_connection connection = full_connection();
    struct sso_data data = data_with(&connection, 1);
    write_data(&data);
    int64_t before = version();
    assert_int_equal(write_at(&data, true, false, TEST_NOW + 1000), 0);
    struct sso_data all = read_data();
    assert_int_equal(write_at(&all, true, false, TEST_NOW + 2000), 0); /* what was read can be written */
    assert_int_equal(version(), before);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM audit WHERE action = 'import'"), 1);
}

static void each_change_raises_the_version_and_keeps_the_id(void **state)
{
    (void)state;
    struct sso_connection connection = full_connection();
    struct sso_data data = data_with(&connection, 1);
    write_data(&data);
    struct str id = read_data().connections[0].id;
    int64_t before = version();
    connection.notify_address = STR("other@example.nl");
    connection.secret_count = 1;
    connection.context_key_count = 0;
    assert_int_equal(write_data(&data), 1);
    struct sso_data all = read_data();
    assert_true(str_equal(all.connections[0].id, id));
    assert_int_equal(all.connections[0].version, 2);
    assert_str(all.connections[0].notify_address, "other@example.nl");
    assert_int_equal(all.connections[0].secret_count, 1);
    assert_int_equal(all.connections[0].context_key_count, 0);
    assert_int_equal(version(), before + 1);
    groups[0].pair_count = 1;
    assert_int_equal(write_data(&data), 1);
    assert_int_equal(read_data().groups[2].pair_count, 1);
    groups[0].pair_count = 2;
    assert_int_equal(version(), before + 2);
}

static void a_secret_knows_since_when_it_is_set(void **state)
{
    (void)state;
    struct sso_connection connection = full_connection();
    struct sso_data data = data_with(&connection, 1);
    connection.secret_count = 1;
    connection.secrets[0] = (struct sso_secret){STR("first"), 0, 0};
    write_at(&data, false, false, TEST_NOW);
    assert_int_equal(write_at(&data, false, false, TEST_NOW + 10), 0);
    connection.secret_count = 2;
    connection.secrets[1] = connection.secrets[0];
    connection.secrets[0] = (struct sso_secret){STR("second"), 0, TEST_NOW + 999};
    assert_int_equal(write_at(&data, false, false, TEST_NOW + 20), 1);
    struct sso_data all = read_data();
    assert_str(all.connections[0].secrets[0].value, "second");
    assert_int_equal(all.connections[0].secrets[0].set_at, TEST_NOW + 20);
    assert_int_equal(all.connections[0].secrets[0].expires_at, TEST_NOW + 999);
    assert_str(all.connections[0].secrets[1].value, "first");
    assert_int_equal(all.connections[0].secrets[1].set_at, TEST_NOW);
}

static void a_dry_run_counts_and_writes_nothing(void **state)
{
    (void)state;
    struct sso_connection connection = full_connection();
    struct sso_data data = data_with(&connection, 1);
    assert_int_equal(write_at(&data, true, true, TEST_NOW), 9);
    assert_int_equal(read_data().connection_count, 0);
    assert_int_equal(version(), 0);
}

static void objects_not_named_stay_unless_pruned(void **state)
{
    (void)state;
    struct sso_connection both[] = {full_connection(), full_connection()};
    both[1].environment = STR("acceptance");
    struct sso_data data = data_with(both, 2);
    assert_int_equal(write_data(&data), 10);
    struct sso_data less = {hosts, 1, both, 1, groups, 1, ceilings, 1, views, 1};
    assert_int_equal(write_data(&less), 0);
    assert_int_equal(read_data().connection_count, 2);
    assert_int_equal(write_at(&less, true, true, TEST_NOW), 5);
    assert_int_equal(write_at(&less, true, false, TEST_NOW), 5);
    struct sso_data all = read_data();
    assert_int_equal(all.host_count, 1);
    assert_int_equal(all.connection_count, 1);
    assert_str(all.connections[0].environment, "production");
    assert_int_equal(all.group_count, 1);
    assert_int_equal(all.view_count, 1);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM sso_secret"), 2);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM sso_group_permission"), 2);
}

static void a_connection_pruned_takes_its_mapping_and_sessions_along(void **state)
{
    (void)state;
    struct sso_connection both[] = {full_connection(), full_connection()};
    both[1].environment = STR("acceptance");
    struct sso_data data = data_with(both, 2);
    write_data(&data);
    struct sso_data all = read_data();
    for (size_t i = 0; i < 2; i++) {
        struct str id = all.connections[i].id, replaced;
        assert_ok(mapping_change(fx.store, SCOPE_ALL, id, STR("1201"), MAPPING_LINKED, STR("Verpleging"), 0,
                                 "x", TEST_NOW));
        struct session session = {.digest = digest_of(arena_printf(fx.arena, "c%zu", i)),
                                  .connection = id,
                                  .idle_s = 60,
                                  .expires_at = TEST_NOW + 60};
        assert_ok(session_create(fx.store, &session, STR_NONE, fx.arena, &replaced));
    }
    data.connection_count = 1;
    write_at(&data, true, false, TEST_NOW);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM sso_mapping"), 1);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM sso_session"), 1);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM sso_mapping m JOIN sso_connection c "
                                   "ON c.id = m.connection"),
                     1);
}

/* ---- what is refused ---- */

static void data_that_do_not_fit_together_are_refused(void **state)
{
    (void)state;
    struct sso_connection both[] = {full_connection(), full_connection()};
    struct sso_data data = data_with(both, 2);
    assert_refused(&data, false, "connection zonnestraaltjes_ysis (medicatie, production) is given twice");
    both[1].customer_key = STR("a_b"); /* other keys, one URL */
    both[1].provider_key = STR("c");
    both[0].customer_key = STR("a");
    both[0].provider_key = STR("b_c");
    both[0].ceiling = both[1].ceiling = STR("");
    assert_refused(&data, false, "connection a_b_c (medicatie, production) is given twice");
    data.connection_count = 1;
    both[0].ceiling = STR("standaard"); /* of another customer */
    assert_refused(&data, false,
                   "connection a_b_c (medicatie, production) names a ceiling that is not there");
    both[0].ceiling = STR("");
    both[0].default_view = STR("nowhere");
    assert_refused(&data, false,
                   "connection a_b_c (medicatie, production) names a default view that is not there");
    both[0].default_view = STR("");
    both[0].context_keys[1].key = STR("too short");
    assert_refused(&data, false,
                   "connection a_b_c (medicatie, production) has a context key that is not 32 bytes long");
    both[0].context_key_count = 3;
    assert_refused(&data, false,
                   "connection a_b_c (medicatie, production) has more than two secrets or context keys");
    struct sso_group twins[] = {groups[0], groups[0]};
    struct sso_data twice = {.groups = twins, .group_count = 2};
    assert_refused(&twice, false, "group Verpleging of zonnestraaltjes is given twice");
    assert_int_equal(version(), 0);
    assert_int_equal(read_data().host_count, 0);
}

static void a_ceiling_may_be_there_already_but_not_be_pruned_away(void **state)
{
    (void)state;
    struct sso_data first = data_with(NULL, 0);
    write_data(&first);
    struct sso_connection connection = full_connection();
    struct sso_data data = {.connections = &connection, .connection_count = 1};
    assert_refused(&data, true,
                   "connection zonnestraaltjes_ysis (medicatie, production) names a ceiling that is not "
                   "there");
    assert_int_equal(write_data(&data), 1);
}

static void a_group_with_linked_locations_is_not_pruned(void **state)
{
    (void)state;
    struct sso_connection connection = full_connection();
    struct sso_data data = data_with(&connection, 1);
    write_data(&data);
    struct str id = read_data().connections[0].id;
    assert_ok(mapping_change(fx.store, SCOPE_ALL, id, STR("1201"), MAPPING_LINKED, STR("Verpleging"), 0, "x",
                             TEST_NOW));
    struct sso_data without = data;
    without.groups = groups + 1;
    without.group_count = 2;
    assert_refused(&without, true,
                   "group Verpleging of zonnestraaltjes has linked locations and cannot be removed");
    assert_int_equal(read_data().group_count, 3);
    assert_ok(mapping_change(fx.store, SCOPE_ALL, id, STR("1201"), MAPPING_NEW, STR(""), 0, "x", TEST_NOW));
    assert_int_equal(write_at(&without, true, false, TEST_NOW), 1);
}

static void a_given_id_is_kept_when_it_is_free(void **state)
{
    (void)state;
    struct sso_connection three[] = {full_connection(), full_connection(), full_connection()};
    three[0].id = three[1].id = three[2].id = STR("01890000-0000-7000-8000-000000000001");
    three[1].environment = STR("acceptance"); /* copies of the connection for elsewhere */
    three[2].platform = STR("test");
    for (size_t i = 0; i < 3; i++)
        three[i].link_claim = STR_NONE; /* across platforms nobody is linked */
    struct sso_data data = data_with(three, 2);
    write_data(&data);
    struct sso_data all = read_data();
    assert_int_equal(all.connection_count, 2);
    assert_true(str_equal(all.connections[1].id, three[0].id));
    assert_false(str_equal(all.connections[0].id, three[0].id));
    data.connection_count = 3;
    assert_int_equal(write_data(&data), 1);
    all = read_data();
    assert_int_equal(all.connection_count, 3);
    assert_true(str_equal(all.connections[1].id, three[0].id));
    assert_false(str_equal(all.connections[2].id, three[0].id));
}

/* ---- sealing, races, faults ---- */

static void secrets_and_context_keys_do_not_lie_in_the_clear(void **state)
{
    (void)state;
    struct sso_connection connection = full_connection();
    struct sso_data data = data_with(&connection, 1), all;
    write_data(&data);
    assert_true(is_in_the_clear(STR("fab@example.nl"))); /* the hunt does see what is not sealed */
    assert_false(is_in_the_clear(STR("secret-marker-1")));
    assert_false(is_in_the_clear(STR("secret-marker-2")));
    assert_false(is_in_the_clear(STR(KEY)));
    fixture_sql("UPDATE sso_context_key SET key_sealed = (SELECT value_sealed FROM sso_secret "
                "WHERE ordinal = 0) WHERE ordinal = 0");
    assert_failed(sso_data_read(fx.store, fx.arena, &all));
}

static void *import(void *context)
{
    struct racer *racer = context;
    struct sso_connection connection = full_connection();
    connection.notify_address = str_from_c(arena_printf(racer->arena, "fab%d@example.nl", racer->number));
    struct sso_data data = data_with(&connection, 1);
    struct catalog_import written = import_of(&data, true, false, TEST_NOW);
    struct failure failure = {""};
    pthread_barrier_wait(&start);
    racer->outcome = catalog_import(racer->store, &written, &failure);
    racer->count = (int)written.changed;
    return NULL;
}

static void imports_at_once_go_one_after_the_other(void **state)
{
    (void)state;
    struct racer racers[THREADS];
    race(racers, import, 0, NULL);
    int changed = 0;
    for (int i = 0; i < THREADS; i++) {
        assert_ok(racers[i].outcome);
        changed += racers[i].count;
    }
    assert_int_equal(changed, 8 + THREADS);
    struct sso_data all = read_data();
    assert_int_equal(all.connection_count, 1);
    assert_int_equal(all.connections[0].version, THREADS);
    assert_int_equal(all.connections[0].secret_count, 2);
    assert_int_equal(version(), THREADS);
}

static void a_broken_store_fails(void **state)
{
    (void)state;
    struct sso_data data = data_with(NULL, 0), all;
    fixture_sql("DROP TABLE sso_group_permission");
    assert_refused(&data, false, "the store failed; see the log");
    assert_failed(sso_data_read(fx.store, fx.arena, &all));
}

static const struct CMUnitTest tests[] = {
    STORE_TEST(a_connection_comes_back_as_it_went_in),
    STORE_TEST(an_application_comes_back_as_it_went_in),
    STORE_TEST(each_flag_and_number_comes_back_alone),
    STORE_TEST(hosts_groups_ceilings_and_views_come_back_as_they_went_in),
    STORE_TEST(an_empty_catalogue_reads_as_nothing),
    STORE_TEST(USR2_a_connection_that_links_shares_its_issuer_with_no_other_customer),
    STORE_TEST(USR2_what_is_stored_counts_when_links_are_looked_at),
    STORE_TEST(USR2_platforms_do_not_share_what_is_linked_and_environments_may),
    STORE_TEST(writing_the_same_again_changes_nothing),
    STORE_TEST(each_change_raises_the_version_and_keeps_the_id),
    STORE_TEST(a_secret_knows_since_when_it_is_set),
    STORE_TEST(a_dry_run_counts_and_writes_nothing),
    STORE_TEST(objects_not_named_stay_unless_pruned),
    STORE_TEST(a_connection_pruned_takes_its_mapping_and_sessions_along),
    STORE_TEST(data_that_do_not_fit_together_are_refused),
    STORE_TEST(a_ceiling_may_be_there_already_but_not_be_pruned_away),
    STORE_TEST(a_group_with_linked_locations_is_not_pruned),
    STORE_TEST(a_given_id_is_kept_when_it_is_free),
    STORE_TEST(secrets_and_context_keys_do_not_lie_in_the_clear),
    STORE_TEST(imports_at_once_go_one_after_the_other),
    STORE_TEST(a_broken_store_fails),
};

STORE_TEST_MAIN("sso_catalog", tests)
