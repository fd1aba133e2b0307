/* catalog.h and list_copy.h on the engine of STORE_URL. */
#include "store_fixture.h"

#include "store/cached.h"

static struct catalog_identity_provider digid(void)
{
    return (struct catalog_identity_provider){
        .id = STR("digid"),
        .label = STR("DigiD"),
        .picture = {STR("<svg/>"), STR("image/svg+xml")},
        .level = 3,
        .level_name = STR("Substantieel"),
        .issuer = STR("http://digid.localhost:8090"),
        .metadata_url = STR(""),
        .client_id = STR("sluis"),
        .client_secret = STR("a-secret-to-hunt"),
        .client_auth = STR("basic"),
        .scope = STR("openid"),
        .acr_values = STR("substantieel hoog"),
        .is_acr_required = true,
        .signing_algs = STR("RS256"),
        .userinfo = STR("off"),
        .bsn_claim = STR("bsn"),
        .ca_file = STR(""),
        .is_private_allowed = true,
    };
}

static struct catalog_service services[] = {
    {STR("48"), STR("collect"), 0}, {STR("49"), STR("collect"), 0}, {STR("49"), STR("subscribe"), 365}};
static struct str identity_providers[] = {STR("digid")};

static struct catalog_provider provider(struct str name)
{
    return (struct catalog_provider){
        .name = name,
        .display_name = STR("Huisartsenpraktijk De Duinen"),
        .interface_version = STR("2.2.4"),
        .text_set = STR("je-2.2"),
        .is_legacy_scope = true,
        .privacy_url = STR("https://duinen.example/privacy"),
        .color = STR("#004488"),
        .announcement = STR(""),
        .availability = STR("webhook"),
        .availability_url = STR("http://fhir.localhost:8090/availability"),
        .availability_secret = STR("another-secret-to-hunt"),
        .availability_timeout_ms = 2000,
        .is_checked_before_consent = true,
        .is_checked_at_token = true,
        .services = services,
        .service_count = 3,
        .identity_providers = identity_providers,
        .identity_provider_count = 1,
    };
}

static struct catalog_import import_of(const struct catalog_data *data, bool prune, bool dry_run)
{
    return (struct catalog_import){.catalog = data,
                                   .is_catalog_pruned = prune,
                                   .is_dry_run = dry_run,
                                   .actor = "cli:test",
                                   .now = TEST_NOW};
}

static int64_t write_catalog(const struct catalog_data *data, bool prune, bool dry_run)
{
    struct catalog_import import = import_of(data, prune, dry_run);
    return fixture_import(&import);
}

static int64_t version(void)
{
    int64_t number = -1;
    assert_ok(catalog_version(fx.other, &number));
    return number;
}

static void the_catalog_comes_back_as_it_went_in(void **state)
{
    (void)state;
    struct catalog_identity_provider item = digid();
    struct catalog_provider both[] = {provider(STR("ziekenhuisdemeerpaal")),
                                      provider(STR("huisartsdeduinen"))};
    both[0].service_count = 1;
    both[0].logo = (struct catalog_image){STR("PNG\0bytes"), STR("image/png")};
    struct catalog_data data = {&item, 1, both, 2}, found;
    assert_int_equal(version(), 0);
    assert_int_equal(write_catalog(&data, false, true), 3);
    assert_ok(catalog_read(fx.store, fx.arena, &found));
    assert_int_equal(found.provider_count, 0); /* a dry run writes nothing */
    assert_int_equal(version(), 0);
    assert_int_equal(write_catalog(&data, false, false), 3);
    assert_int_equal(version(), 1);

    assert_ok(catalog_read(fx.other, fx.arena, &found));
    assert_int_equal(found.identity_provider_count, 1);
    assert_int_equal(found.provider_count, 2);
    const struct catalog_identity_provider *idp = &found.identity_providers[0];
    assert_str(idp->id, "digid");
    assert_str(idp->label, "DigiD");
    assert_str(idp->picture.bytes, "<svg/>");
    assert_str(idp->picture.content_type, "image/svg+xml");
    assert_int_equal(idp->level, 3);
    assert_str(idp->level_name, "Substantieel");
    assert_str(idp->issuer, "http://digid.localhost:8090");
    assert_str(idp->client_id, "sluis");
    assert_str(idp->client_secret, "a-secret-to-hunt");
    assert_str(idp->client_auth, "basic");
    assert_str(idp->scope, "openid");
    assert_str(idp->acr_values, "substantieel hoog");
    assert_true(idp->is_acr_required);
    assert_str(idp->signing_algs, "RS256");
    assert_str(idp->userinfo, "off");
    assert_str(idp->bsn_claim, "bsn");
    assert_true(idp->is_private_allowed);
    const struct catalog_provider *first = &found.providers[0], *second = &found.providers[1];
    assert_str(first->name, "huisartsdeduinen");
    assert_str(second->name, "ziekenhuisdemeerpaal");
    assert_str(first->text_set, "je-2.2");
    assert_true(first->is_legacy_scope);
    assert_str(first->availability, "webhook");
    assert_str(first->availability_secret, "another-secret-to-hunt");
    assert_int_equal(first->availability_timeout_ms, 2000);
    assert_int_equal(first->service_count, 3);
    assert_str(first->services[2].id, "49");
    assert_str(first->services[2].function, "subscribe");
    assert_int_equal(first->services[2].max_days, 365);
    assert_int_equal(first->identity_provider_count, 1);
    assert_str(first->identity_providers[0], "digid");
    assert_int_equal(first->logo.bytes.length, 0);
    assert_int_equal(second->service_count, 1);
    assert_true(str_equal(second->logo.bytes, STR("PNG\0bytes")));
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM audit WHERE action = 'import' "
                                   "AND actor = 'cli:test' AND details = '3 objects changed'"),
                     1);
}

static void only_what_differs_is_written(void **state)
{
    (void)state;
    struct catalog_identity_provider item = digid();
    struct catalog_provider duinen = provider(STR("huisartsdeduinen"));
    struct catalog_data data = {&item, 1, &duinen, 1}, found;
    assert_int_equal(write_catalog(&data, false, false), 2);
    assert_int_equal(write_catalog(&data, false, false), 0);
    assert_int_equal(version(), 1);
    duinen.service_count = 2;
    assert_int_equal(write_catalog(&data, false, false), 1);
    item.client_secret = STR("rotated");
    assert_int_equal(write_catalog(&data, false, false), 1);
    assert_int_equal(version(), 3);
    assert_ok(catalog_read(fx.store, fx.arena, &found));
    assert_int_equal(found.providers[0].service_count, 2);
    assert_str(found.identity_providers[0].client_secret, "rotated");
}

static void objects_not_named_stay_unless_pruned(void **state)
{
    (void)state;
    struct catalog_identity_provider items[] = {digid(), digid()};
    items[1].id = STR("eherkenning");
    struct catalog_provider both[] = {provider(STR("a")), provider(STR("b"))};
    struct catalog_data data = {items, 2, both, 2}, found;
    assert_int_equal(write_catalog(&data, false, false), 4);
    struct catalog_data less = {items, 1, both, 1};
    assert_int_equal(write_catalog(&less, false, false), 0);
    assert_int_equal(write_catalog(&less, true, true), 2);
    assert_int_equal(write_catalog(&less, true, false), 2);
    assert_ok(catalog_read(fx.store, fx.arena, &found));
    assert_int_equal(found.identity_provider_count, 1);
    assert_int_equal(found.provider_count, 1);
    assert_str(found.providers[0].name, "a");
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM provider_service WHERE provider = 'b'"), 0);
}

static void assert_refused(const struct catalog_data *data, bool prune, const char *text)
{
    struct catalog_import import = import_of(data, prune, false);
    fixture_import_refused(&import, text);
}

static void data_that_do_not_fit_together_are_refused_whole(void **state)
{
    (void)state;
    struct catalog_identity_provider item = digid();
    struct catalog_provider duinen = provider(STR("huisartsdeduinen"));
    struct catalog_data alone = {NULL, 0, &duinen, 1}, found;
    assert_refused(&alone, false,
                   "provider huisartsdeduinen names identity provider digid, which is not there");
    struct catalog_data data = {&item, 1, &duinen, 1};
    assert_int_equal(write_catalog(&data, false, false), 2);
    duinen.color = STR("#ffffff");
    assert_int_equal(write_catalog(&alone, false, false), 1); /* it is in the store */
    assert_refused(&alone, true,
                   "provider huisartsdeduinen names identity provider digid, which is not there");
    struct catalog_provider twins[] = {duinen, provider(STR("other")), duinen};
    struct catalog_data twice = {NULL, 0, twins, 3};
    assert_refused(&twice, false, "provider huisartsdeduinen is given twice");
    char *large = arena_alloc(fx.arena, 256 * 1024 + 1);
    duinen.logo = (struct catalog_image){str_of(large, 256 * 1024 + 1), STR("image/png")};
    assert_refused(&data, false, "provider huisartsdeduinen has a logo larger than 256 KiB");
    duinen.logo.bytes.length--;
    assert_int_equal(write_catalog(&data, false, false), 1);
    assert_ok(catalog_read(fx.store, fx.arena, &found));
    assert_int_equal(found.provider_count, 1);
    assert_int_equal(found.providers[0].logo.bytes.length, 256 * 1024);
}

static void a_secret_that_does_not_open_fails(void **state)
{
    (void)state;
    struct catalog_identity_provider item = digid();
    struct catalog_provider duinen = provider(STR("huisartsdeduinen"));
    struct catalog_data data = {&item, 1, &duinen, 1}, found;
    assert_int_equal(write_catalog(&data, false, false), 2);
    fixture_sql("UPDATE identity_provider SET client_secret_sealed = "
                "(SELECT availability_secret_sealed FROM provider)");
    assert_failed(catalog_read(fx.store, fx.arena, &found));
}

static void a_broken_store_fails(void **state)
{
    (void)state;
    struct catalog_identity_provider item = digid();
    struct catalog_data data = {&item, 1, NULL, 0}, found;
    int64_t number, fetched_at;
    struct str xml;
    fixture_sql("DROP TABLE provider_identity_provider; DROP TABLE identity_provider;"
                "DROP TABLE catalog_version; DROP TABLE list_copy");
    assert_refused(&data, false, "the store failed; see the log");
    assert_failed(catalog_read(fx.store, fx.arena, &found));
    assert_failed(catalog_version(fx.store, &number));
    assert_failed(list_copy_load(fx.store, "whitelist", fx.arena, &xml, &fetched_at));
    assert_failed(list_copy_save(fx.store, "whitelist", 1, STR("<x/>"), TEST_NOW));
}

static void the_newest_list_is_kept(void **state)
{
    (void)state;
    struct str xml;
    int64_t fetched_at;
    assert_absent(list_copy_load(fx.store, "whitelist", fx.arena, &xml, &fetched_at));
    assert_ok(list_copy_save(fx.store, "whitelist", 5, STR("<five/>"), 100));
    assert_ok(list_copy_save(fx.other, "whitelist", 5, STR("<other-five/>"), 200));
    assert_ok(list_copy_load(fx.store, "whitelist", fx.arena, &xml, &fetched_at));
    assert_str(xml, "<five/>");
    assert_int_equal(fetched_at, 200);
    assert_ok(list_copy_save(fx.store, "whitelist", 4, STR("<four/>"), 300));
    assert_ok(list_copy_load(fx.store, "whitelist", fx.arena, &xml, &fetched_at));
    assert_str(xml, "<five/>");
    assert_int_equal(fetched_at, 200);
    assert_ok(list_copy_save(fx.store, "whitelist", 6, STR("<six/>"), 400));
    assert_ok(list_copy_load(fx.other, "whitelist", fx.arena, &xml, &fetched_at));
    assert_str(xml, "<six/>");
    assert_int_equal(fetched_at, 400);
    assert_absent(list_copy_load(fx.store, "ocl", fx.arena, &xml, &fetched_at));
}

/* ---- cached.h ---- */

static int loads;
static enum outcome load_outcome;

static enum outcome counted_load(struct store *store, struct arena *arena, const void **out_data)
{
    (void)store, (void)arena;
    loads++;
    *out_data = "";
    return load_outcome;
}

static void what_cannot_be_read_is_not_tried_each_second(void **state)
{
    (void)state;
    static const char change[] = "UPDATE catalog_version SET version = version + 1";
    struct cached *cached;
    loads = 0;
    load_outcome = OK;
    assert_ok(cached_open(fx.store, "catalogue", counted_load, &cached));
    assert_ok(cached_refresh(cached));
    assert_int_equal(cached_behind_s(cached), 0);
    load_outcome = FAILED;
    fixture_sql(change);
    assert_failed(cached_refresh(cached));
    assert_absent(cached_refresh(cached));
    assert_int_equal(loads, 2);
    assert_true(cached_behind_s(cached) > 0);
    fixture_sql(change); /* another one may be readable */
    assert_failed(cached_refresh(cached));
    assert_int_equal(loads, 3);
    load_outcome = OK;
    assert_absent(cached_refresh(cached));
    cached_retry_soon(cached);
    assert_ok(cached_refresh(cached));
    assert_int_equal(loads, 4);
    assert_int_equal(cached_behind_s(cached), 0);
    cached_close(&cached);
}

static const struct CMUnitTest tests[] = {
    STORE_TEST(what_cannot_be_read_is_not_tried_each_second),
    STORE_TEST(the_catalog_comes_back_as_it_went_in),
    STORE_TEST(only_what_differs_is_written),
    STORE_TEST(objects_not_named_stay_unless_pruned),
    STORE_TEST(data_that_do_not_fit_together_are_refused_whole),
    STORE_TEST(a_secret_that_does_not_open_fails),
    STORE_TEST(a_broken_store_fails),
    STORE_TEST(the_newest_list_is_kept),
};

STORE_TEST_MAIN("catalog", tests)
