/* The two sets of checks of an authorization request (spec 3.1 to 3.5), against real lists and a real
 * catalogue. */
#include "base/clock.h"
#include "base/rand.h"
#include "medmij/authorization.h"
#include "medmij/catalog.h"
#include "store/catalog_import.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define REQUEST_ID "57510be1-73e6-4a75-9db8-ee005cced48f"
#define CORRELATION_ID "c0e7b545-9606-4eef-bea7-75d8addaa54b"
#define HEAD "client_id=pgo.voorbeeld.nl&redirect_uri=https%3A%2F%2Fpgo.voorbeeld.nl%2Fcb"
#define IDS "&MedMij-Request-ID=" REQUEST_ID "&X-Correlation-ID=" CORRELATION_ID

static struct arena *arena;
static const char *folder;
static struct vault *vault;
static struct store *store;
static struct cached *catalog;
static struct lists *lists;
static struct lists_snapshot *list_snapshot;
static struct cached_snapshot *catalog_snapshot;
static struct conf conf = {.are_ids_required = true, .is_pkce_used = true};

static const char *write_list(const char *name, const char *root, const char *name_space, const char *content)
{
    char now[CLOCK_TEXT_SIZE];
    clock_format_ms(clock_now_ms() - 60000, now);
    const char *path = arena_printf(arena, "%s/%s.xml", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(
        file,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<%s xmlns=\"xmlns://afsprakenstelsel.medmij.nl/%s/\">"
        "<Tijdstempel>%s</Tijdstempel><Volgnummer>7</Volgnummer>%s</%s>\n",
        root, name_space, now, content, root);
    fclose(file);
    return path;
}

static const char *service_xml(const char *id, const char *subscription)
{
    return arena_printf(
        arena,
        "<Gegevensdienst><GegevensdienstId>%s</"
        "GegevensdienstId><AuthorizationEndpoint><AuthorizationEndpointuri>"
        "https://inlog.voorbeeld.nl/oauth/authorize</AuthorizationEndpointuri></"
        "AuthorizationEndpoint><TokenEndpoint>"
        "<TokenEndpointuri>https://token.voorbeeld.nl/oauth/token</TokenEndpointuri></"
        "TokenEndpoint>%s<Systeemrollen>"
        "<Systeemrol><Systeemrolcode>MM-1</Systeemrolcode><ResourceEndpoint><ResourceEndpointuri>"
        "https://fhir.voorbeeld.nl/%s</ResourceEndpointuri></ResourceEndpoint></Systeemrol></Systeemrollen>"
        "</Gegevensdienst>",
        id, subscription, id);
}

static const char *subscription_xml =
    "<Abonneren><MaximaleDuur>100</MaximaleDuur><SubscriptionEndpointuri>https://token.voorbeeld.nl/sub"
    "</SubscriptionEndpointuri></Abonneren>";

static void start_lists(void)
{
    const char *providers = arena_printf(
        arena,
        "<Zorgaanbieders><Zorgaanbieder><Zorgaanbiedernaam>praktijk@medmij</"
        "Zorgaanbiedernaam><Aanbiedertype>ZA"
        "</Aanbiedertype><Interfaceversies><Interfaceversie><InterfaceversieId>2</"
        "InterfaceversieId><Gegevensdiensten>"
        "%s%s%s%s</Gegevensdiensten></Interfaceversie></Interfaceversies></Zorgaanbieder></Zorgaanbieders>",
        service_xml("48", ""), service_xml("49", subscription_xml), service_xml("53", ""),
        service_xml("99", ""));
    const struct lists_settings settings = {
        .sources = {[LIST_PROVIDERS] = {.location = write_list("providers", "Zorgaanbiederslijst",
                                                               "zorgaanbiederslijst/release3", providers)},
                    [LIST_CLIENTS] = {.location =
                                          write_list("clients", "OAuthclientlist", "oauthclientlist/release2",
                                                     "<OAuthclients><OAuthclient><Hostname>pgo.voorbeeld.nl</"
                                                     "Hostname><OAuthclientOrganisatienaam>"
                                                     "Mijn "
                                                     "PGO</OAuthclientOrganisatienaam></"
                                                     "OAuthclient><OAuthclient><Hostname>klein.voorbeeld.nl"
                                                     "</Hostname><OAuthclientOrganisatienaam>Klein "
                                                     "PGO</OAuthclientOrganisatienaam><Gegevensdiensten>"
                                                     "<Gegevensdienst><GegevensdienstId>48</"
                                                     "GegevensdienstId></Gegevensdienst></Gegevensdiensten>"
                                                     "</OAuthclient></OAuthclients>")},
                    [LIST_SERVICE_NAMES] =
                        {.location = write_list(
                             "names", "Gegevensdienstnamenlijst", "gegevensdienstnamenlijst/release1",
                             "<Gegevensdiensten><Gegevensdienst><GegevensdienstId>48</GegevensdienstId>"
                             "<Weergavenaam>Basisgegevens</Weergavenaam></Gegevensdienst><Gegevensdienst>"
                             "<GegevensdienstId>49</GegevensdienstId><Weergavenaam>Huisartsgegevens"
                             "</Weergavenaam></Gegevensdienst><Gegevensdienst><GegevensdienstId>53"
                             "</GegevensdienstId><Weergavenaam>Vragenlijsten</Weergavenaam>"
                             "</Gegevensdienst></Gegevensdiensten>")},
                    [LIST_WHITELIST] = {.location = write_list(
                                            "whitelist", "Whitelist", "whitelist/release2",
                                            "<MedMijNodes><MedMijNode><Hostname>pgo.voorbeeld.nl</Hostname>"
                                            "</MedMijNode></MedMijNodes>")}},
        .interval_s = 900,
        .max_age_s = 86400,
        .size_max = 1 << 20,
    };
    struct failure failure = {""};
    const struct lists_keeper keeper = {0};
    if (lists_start(&settings, &keeper, &lists, &failure) != OK || !lists_is_ready(lists)) {
        for (int kind = 0; kind < LIST_KINDS; kind++) {
            struct list_status status;
            lists_status(lists, (enum list_kind)kind, &status);
            print_error("%s: %s\n", list_kind_name((enum list_kind)kind), status.last_error);
        }
        fail_msg("the lists did not load: %s", failure.text);
    }
    list_snapshot = lists_acquire(lists);
}

static void fill_catalog(void)
{
    struct catalog_service services[] = {
        {STR("48"), STR("collect"), 0}, {STR("49"), STR("collect"), 0},     {STR("99"), STR("collect"), 0},
        {STR("53"), STR("share"), 0},   {STR("49"), STR("subscribe"), 365}, {STR("48"), STR("subscribe"), 0},
    };
    struct str identity_providers[] = {STR("inlog")};
    struct catalog_identity_provider identity_provider = {.id = STR("inlog"),
                                                          .label = STR("Inloggen"),
                                                          .issuer = STR("https://idp.voorbeeld.nl"),
                                                          .client_id = STR("sluis"),
                                                          .client_auth = STR("auto"),
                                                          .scope = STR("openid"),
                                                          .userinfo = STR("off"),
                                                          .bsn_claim = STR("bsn")};
    struct catalog_provider providers[2];
    providers[0] = (struct catalog_provider){.name = STR("praktijk"),
                                             .display_name = STR("De Praktijk"),
                                             .interface_version = STR("2"),
                                             .text_set = STR("je-2.2"),
                                             .availability = STR("always"),
                                             .services = services,
                                             .service_count = sizeof services / sizeof *services,
                                             .identity_providers = identity_providers,
                                             .identity_provider_count = 1};
    providers[1] = providers[0];
    providers[1].name = STR("onbekend");
    struct catalog_data data = {&identity_provider, 1, providers, 2};
    struct catalog_import import = {.catalog = &data, .actor = "test", .now = clock_now()};
    struct failure failure = {""};
    if (catalog_import(store, &import, &failure) != OK)
        fail_msg("%s", failure.text);
    assert_int_equal(cached_open(store, "catalogue", catalog_load, &catalog), OK);
    catalog_snapshot = cached_acquire(catalog);
}

static int setup(void **state)
{
    (void)state;
    if (rand_init() != OK)
        return -1;
    arena = arena_new();
    char *path = arena_strdup(arena, "/tmp/sluis-authorization-XXXXXX");
    folder = mkdtemp(path);
    struct failure failure = {""};
    const char *key_file = arena_printf(arena, "%s/keys", folder);
    const struct store_settings settings = {
        .url = arena_printf(arena, "sqlite:%s/store.db", folder), .connection_max = 2, .node = "test"};
    int applied;
    if (vault_create_file(key_file, &failure) != OK || vault_load(key_file, &vault, &failure) != OK)
        return -1;
    struct store_settings with_vault = settings;
    with_vault.vault = vault;
    if (store_open(&with_vault, &store, &failure) != OK || store_migrate(store, &applied, &failure) != OK)
        return -1;
    fill_catalog();
    start_lists();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    lists_release(&list_snapshot);
    lists_stop(&lists);
    cached_release(&catalog_snapshot);
    cached_close(&catalog);
    store_close(&store);
    vault_free(&vault);
    int removed = system(arena_printf(arena, "rm -rf '%s'", folder));
    arena_free(&arena);
    return removed;
}

static struct authorization request;

static enum authorization_fault read_query(const char *query)
{
    return authorization_read(arena, str_from_c(query), &conf, list_snapshot, catalog_snapshot, &request);
}

#define assert_fault(query, expected) assert_int_equal(read_query(query), expected)
#define assert_str(actual, expected) assert_true(str_equal_c((actual), (expected)))

static void a_sound_collect_request_offers_what_all_lists_know(void **state)
{
    (void)state;
    assert_fault(HEAD "&response_type=code&scope=praktijk&state=abc&onbekend=x" IDS, AUTHORIZATION_SOUND);
    assert_int_equal(request.function, FUNCTION_COLLECT);
    /* 99 has no name in the data service names list and is left out (spec 7.5). */
    assert_int_equal(request.service_count, 2);
    assert_str(request.services[0].id, "48");
    assert_str(request.services[0].name, "Basisgegevens");
    assert_str(request.client->organisation_name, "Mijn PGO");
    assert_str(request.state, "abc");
    assert_str(request.trace_id, REQUEST_ID);
}

static void exception_1a_never_leaves_a_redirect_uri(void **state)
{
    (void)state;
    const char *const rest = "&response_type=code&scope=praktijk&state=abc" IDS;
    const struct {
        const char *head;
        enum authorization_fault fault;
    } rows[] = {
        {"redirect_uri=https%3A%2F%2Fpgo.voorbeeld.nl%2Fcb", AUTHORIZATION_CLIENT},
        {"client_id=&redirect_uri=https%3A%2F%2Fpgo.voorbeeld.nl%2Fcb", AUTHORIZATION_CLIENT},
        {"client_id=PGO.voorbeeld.nl&redirect_uri=https%3A%2F%2Fpgo.voorbeeld.nl", AUTHORIZATION_CLIENT},
        {"client_id=vreemd.voorbeeld.nl&redirect_uri=https%3A%2F%2Fvreemd.voorbeeld.nl",
         AUTHORIZATION_CLIENT},
        {"client_id=pgo.voorbeeld.nl&client_id=pgo.voorbeeld.nl&redirect_uri=https%3A%2F%2Fpgo.voorbeeld.nl",
         AUTHORIZATION_CLIENT},
        {"client_id=pgo.voorbeeld.nl%00&redirect_uri=https%3A%2F%2Fpgo.voorbeeld.nl", AUTHORIZATION_CLIENT},
        {"client_id=pgo.voorbeeld.nl", AUTHORIZATION_REDIRECT_URI},
        {"client_id=pgo.voorbeeld.nl&redirect_uri=http%3A%2F%2Fpgo.voorbeeld.nl", AUTHORIZATION_REDIRECT_URI},
        {"client_id=pgo.voorbeeld.nl&redirect_uri=https%3A%2F%2Fpgo.voorbeeld.nl.evil.nl",
         AUTHORIZATION_REDIRECT_URI},
        {"client_id=pgo.voorbeeld.nl&redirect_uri=https%3A%2F%2Fpgo.voorbeeld.nl%40evil.nl",
         AUTHORIZATION_REDIRECT_URI},
        {"client_id=pgo.voorbeeld.nl&redirect_uri=https%3A%2F%2Fpgo.voorbeeld.nl%3A8443%2F",
         AUTHORIZATION_REDIRECT_URI},
        {"client_id=pgo.voorbeeld.nl&redirect_uri=https%3A%2F%2Fpgo.voorbeeld.nl%2F%3Fa%3Db",
         AUTHORIZATION_REDIRECT_URI},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_fault(arena_printf(arena, "%s%s", rows[i].head, rest), rows[i].fault);
        assert_int_equal(request.redirect_uri.length, 0);
        assert_null(authorization_fault_code(rows[i].fault));
    }
}

static void exception_1b_has_a_code_and_the_state(void **state)
{
    (void)state;
    const struct {
        const char *rest;
        enum authorization_fault fault;
        bool has_state;
    } rows[] = {
        {"&response_type=code&scope=praktijk" IDS, AUTHORIZATION_INVALID_REQUEST, false},
        {"&response_type=code&scope=praktijk&state=a&state=a" IDS, AUTHORIZATION_INVALID_REQUEST, false},
        {"&response_type=code&scope=praktijk&state=%E9" IDS, AUTHORIZATION_INVALID_REQUEST, false},
        {"&response_type=code&scope=praktijk&state=abc", AUTHORIZATION_INVALID_REQUEST, true},
        {"&response_type=code&scope=praktijk&state=abc&MedMij-Request-ID=x&X-Correlation-ID=" CORRELATION_ID,
         AUTHORIZATION_INVALID_REQUEST, true},
        {"&scope=praktijk&state=abc" IDS, AUTHORIZATION_INVALID_REQUEST, true},
        {"&response_type=code&response_type=code&scope=praktijk&state=abc" IDS, AUTHORIZATION_INVALID_REQUEST,
         true},
        {"&response_type=code&state=abc" IDS, AUTHORIZATION_INVALID_REQUEST, true},
        {"&response_type=code&scope=%FF&state=abc" IDS, AUTHORIZATION_INVALID_REQUEST, true},
        {"&response_type=token&scope=praktijk&state=abc" IDS, AUTHORIZATION_RESPONSE_TYPE, true},
        {"&response_type=code&scope=Praktijk&state=abc" IDS, AUTHORIZATION_SCOPE, true},
        {"&response_type=code&scope=elders&state=abc" IDS, AUTHORIZATION_SCOPE, true},
        {"&response_type=code&scope=onbekend&state=abc" IDS, AUTHORIZATION_SCOPE, true},
        {"&response_type=code&scope=praktijk~77&state=abc" IDS, AUTHORIZATION_SCOPE, true},
        {"&response_type=code&scope=praktijk~48&state=abc" IDS, AUTHORIZATION_SCOPE, true},
        {"&response_type=code&scope=praktijk+onbehalfof&state=abc" IDS, AUTHORIZATION_SCOPE, true},
        {"&response_type=code&scope=subscribe~30/praktijk~48&state=abc" IDS, AUTHORIZATION_SCOPE, true},
        {"&response_type=code&scope=praktijk&state=abc&code_challenge=x&code_challenge_method=plain" IDS,
         AUTHORIZATION_INVALID_REQUEST, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_fault(arena_printf(arena, "%s%s", HEAD, rows[i].rest), rows[i].fault);
        assert_str(request.redirect_uri, "https://pgo.voorbeeld.nl/cb");
        assert_int_equal(request.state.length > 0, rows[i].has_state);
        assert_non_null(authorization_fault_code(rows[i].fault));
    }
}

static void a_client_gets_only_what_the_client_list_allows(void **state)
{
    (void)state;
    const char *head = "client_id=klein.voorbeeld.nl&redirect_uri=https%3A%2F%2Fklein.voorbeeld.nl"
                       "&response_type=code&state=abc" IDS "&scope=";
    assert_fault(arena_printf(arena, "%spraktijk", head), AUTHORIZATION_SOUND);
    assert_int_equal(request.service_count, 1);
    assert_fault(arena_printf(arena, "%spraktijk~53", head), AUTHORIZATION_NOT_ALLOWED);
}

static void share_names_one_service(void **state)
{
    (void)state;
    assert_fault(HEAD "&response_type=code&scope=praktijk~53&state=abc" IDS, AUTHORIZATION_SOUND);
    assert_int_equal(request.function, FUNCTION_SHARE);
    assert_str(authorization_granted_scope(arena, STR("share"), STR("praktijk"), STR("53"), 0),
               "praktijk~53");
}

static void a_subscription_is_bounded_by_policy_and_list(void **state)
{
    (void)state;
    assert_fault(HEAD "&response_type=code&scope=subscribe~180/praktijk~49&state=abc" IDS,
                 AUTHORIZATION_SOUND);
    assert_int_equal(request.days, 100);
    assert_false(request.is_termination);
    assert_fault(HEAD "&response_type=code&scope=subscribe~30/praktijk~49&state=abc" IDS,
                 AUTHORIZATION_SOUND);
    assert_int_equal(request.days, 30);
    assert_fault(HEAD "&response_type=code&scope=subscribe~0/praktijk~49&state=abc" IDS, AUTHORIZATION_SOUND);
    assert_true(request.is_termination);
    assert_int_equal(request.days, 0);
    assert_str(authorization_granted_scope(arena, STR("subscribe"), STR("praktijk"), STR("49"), 30),
               "subscribe~30/praktijk~49");
}

static void packing_keeps_everything_that_was_received(void **state)
{
    (void)state;
    assert_fault(HEAD "&response_type=code&scope=praktijk&state=a+b%26c" IDS, AUTHORIZATION_SOUND);
    struct str packed = authorization_pack(arena, &request);
    struct authorization again;
    assert_int_equal(authorization_unpack(arena, packed, &conf, list_snapshot, catalog_snapshot, &again),
                     AUTHORIZATION_SOUND);
    assert_str(again.state, "a b&c");
    assert_str(again.redirect_uri, "https://pgo.voorbeeld.nl/cb");
    assert_str(again.session_id, CORRELATION_ID);
    assert_int_equal(again.service_count, 2);
    assert_int_equal(authorization_unpack(arena, STR("x"), &conf, list_snapshot, catalog_snapshot, &again),
                     AUTHORIZATION_CLIENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_collect_request_offers_what_all_lists_know),
        cmocka_unit_test(exception_1a_never_leaves_a_redirect_uri),
        cmocka_unit_test(exception_1b_has_a_code_and_the_state),
        cmocka_unit_test(a_client_gets_only_what_the_client_list_allows),
        cmocka_unit_test(share_names_one_service),
        cmocka_unit_test(a_subscription_is_bounded_by_policy_and_list),
        cmocka_unit_test(packing_keeps_everything_that_was_received),
    };
    return cmocka_run_group_tests_name("authorization", tests, setup, teardown);
}
