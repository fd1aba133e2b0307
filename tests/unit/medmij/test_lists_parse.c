/* One list document: the two generations, and each rule of spec 7.2 to 7.5 broken on its own. */
#include "medmij/lists_parse.h"

#include "list_vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#define NOW 1800000000 /* after every stamp in the vectors */

static struct arena *arena;
static struct list_document *document;
static struct failure failure;

static int setup(void **state)
{
    (void)state;
    arena = arena_new();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    list_document_release(&document);
    arena_free(&arena);
    return 0;
}

static enum outcome parse(enum list_kind kind, struct str xml)
{
    list_document_release(&document);
    failure.text[0] = '\0';
    return list_document_parse(kind, xml, NULL, false, NOW, &document, &failure);
}

static void accepts(enum list_kind kind, struct str xml)
{
    if (parse(kind, xml) != OK)
        fail_msg("refused: %s", failure.text);
}

static void refuses_bytes(enum list_kind kind, struct str xml, const char *reason)
{
    if (parse(kind, xml) != FAILED)
        fail_msg("accepted; expected: %s", reason);
    if (strstr(failure.text, reason) == NULL)
        fail_msg("refused with \"%s\"; expected: %s", failure.text, reason);
    assert_null(document);
}

/* The vector at `index` with `from` replaced by `to` is refused, and for the reason we mean. */
static void refuses(size_t index, const char *from, const char *to, const char *reason)
{
    struct str xml = read_vector(arena, vectors[index].file);
    refuses_bytes(vectors[index].kind, replaced(arena, xml, from, to), reason);
}

static void accepts_change(size_t index, const char *from, const char *to)
{
    accepts(vectors[index].kind, replaced(arena, read_vector(arena, vectors[index].file), from, to));
}

enum { PROVIDERS_3, CLIENTS_3, NAMES_1, WHITELIST_2, PROVIDERS_2, CLIENTS_2 };

#define assert_str(actual, expected) assert_true(str_equal_c((actual), (expected)))

static void both_generations_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTOR_COUNT; i++)
        accepts(vectors[i].kind, read_vector(arena, vectors[i].file));
}

static void the_provider_list_with_interface_versions(void **state)
{
    (void)state;
    accepts(LIST_PROVIDERS, read_vector(arena, vectors[PROVIDERS_3].file));
    assert_int_equal(document->volgnummer, 412);
    assert_int_equal(document->stamped_at, 1740817800);
    assert_int_equal(document->entries, 2);
    assert_int_equal(document->count, 4);
    assert_true(document->has_interface_versions);
    const struct list_provider_service *first = &document->provider_services[0];
    assert_str(first->provider, "huisartsdeduinen");
    assert_str(first->interface_version, "1.4.0");
    assert_str(first->service, "49");
    assert_str(first->token_endpoint, "https://oud.sluiswachter.nl:8443/token");
    assert_int_equal(first->max_days, 0);
    assert_int_equal(document->provider_services[1].max_days, 365);
    assert_str(document->provider_services[2].authorization_endpoint,
               "https://inlog.sluiswachter.nl/oauth/authorize");
    assert_str(document->provider_services[3].provider, "ziekenhuis.demeerpaal-2");
}

static void the_provider_list_without_interface_versions(void **state)
{
    (void)state;
    accepts(LIST_PROVIDERS, read_vector(arena, vectors[PROVIDERS_2].file));
    assert_false(document->has_interface_versions);
    assert_int_equal(document->count, 1);
    assert_int_equal(document->provider_services[0].interface_version.length, 0);
}

static void clients_without_services_may_do_all_in_release2_and_nothing_later(void **state)
{
    (void)state;
    accepts(LIST_CLIENTS, read_vector(arena, vectors[CLIENTS_2].file));
    assert_str(document->clients[0].organisation_name, "Een & Ander");
    assert_true(document->clients[0].has_all_services && document->clients[1].has_all_services);
    accepts(LIST_CLIENTS, read_vector(arena, vectors[CLIENTS_3].file));
    const struct list_client *with = &document->clients[0], *without = &document->clients[1];
    assert_str(with->host, "medmij.mijnpgo.nl");
    assert_false(with->has_all_services);
    assert_int_equal(with->service_count, 2); /* named under two interface versions, counted once */
    assert_true(list_client_has_service(with, STR("48")));
    assert_true(list_client_has_service(with, STR("49")));
    assert_false(list_client_has_service(with, STR("4")));
    assert_str(without->host, "medmij.zonderdiensten.nl");
    assert_false(without->has_all_services);
    assert_false(list_client_has_service(without, STR("49")));
}

static void release2_clients_with_services_are_held_to_them(void **state)
{
    (void)state;
    accepts_change(
        CLIENTS_2, "<OAuthclientOrganisatienaam>Mijn PGO Voorbeeld</OAuthclientOrganisatienaam>",
        "<OAuthclientOrganisatienaam>Mijn PGO Voorbeeld</OAuthclientOrganisatienaam>"
        "<Gegevensdiensten><Gegevensdienst><GegevensdienstId>51</GegevensdienstId></Gegevensdienst>"
        "</Gegevensdiensten>");
    assert_false(document->clients[1].has_all_services);
    assert_true(list_client_has_service(&document->clients[1], STR("51")));
    assert_false(list_client_has_service(&document->clients[1], STR("48")));
}

static void no_document_type_in_any_form(void **state)
{
    (void)state;
    const char *root = "<Whitelist ";
    refuses(WHITELIST_2, root, "<!DOCTYPE Whitelist><Whitelist ", "document type");
    refuses(WHITELIST_2, root, "<!DOCTYPE Whitelist SYSTEM \"http://evil.example/x.dtd\"><Whitelist ",
            "document type");
    refuses(WHITELIST_2, root, "<!DOCTYPE w [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><Whitelist ",
            "document type");
    refuses(WHITELIST_2, root,
            "<!DOCTYPE w [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]><Whitelist ",
            "document type");
    refuses(WHITELIST_2, root, "<!-- <!DOCTYPE w> --><Whitelist ", "document type");
    refuses(WHITELIST_2, root, "<!doctype w><Whitelist ", "line 3");
}

static void no_entities_beyond_the_five_of_xml(void **state)
{
    (void)state;
    refuses(CLIENTS_2, "Mijn PGO", "&x; PGO", "Entity 'x' not defined");
    refuses(CLIENTS_2, "Mijn PGO", "&nbsp; PGO", "Entity 'nbsp' not defined");
    accepts_change(CLIENTS_2, "Mijn PGO", "&lt;&#66;&gt; PGO");
    assert_str(document->clients[1].organisation_name, "<B> PGO Voorbeeld");
}

static void no_inclusion_of_other_files(void **state)
{
    (void)state;
    refuses(WHITELIST_2, "<MedMijNode><Hostname>token.sluiswachter.nl</Hostname></MedMijNode>",
            "<xi:include xmlns:xi=\"http://www.w3.org/2001/XInclude\" href=\"/etc/passwd\" parse=\"text\"/>",
            "unexpected element");
}

static void one_encoding(void **state)
{
    (void)state;
    struct str xml = read_vector(arena, vectors[WHITELIST_2].file);
    static const char utf16[] = "\xFF\xFE<\0W\0>\0";
    refuses_bytes(LIST_WHITELIST, str_of(utf16, sizeof utf16 - 1), "not UTF-8");
    refuses(CLIENTS_2, "Mijn PGO", "Mijn PG\xD6", "not UTF-8");
    char *with_nul = arena_strndup(arena, xml.data, xml.length);
    with_nul[xml.length / 2] = '\0';
    refuses_bytes(LIST_WHITELIST, str_of(with_nul, xml.length), "not UTF-8");
    /* The declaration is not believed: in UTF-7 these bytes would hide a document type from the search for
     * it. */
    struct str utf7 =
        replaced(arena, xml, "encoding=\"UTF-8\"?>", "encoding=\"UTF-7\"?>+ADwAIQ-DOCTYPE w+AD4-");
    assert_int_equal(parse(LIST_WHITELIST, utf7), FAILED);
    accepts_change(WHITELIST_2, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", "");
    accepts_change(WHITELIST_2, "<?xml", "\xEF\xBB\xBF<?xml");
}

static void well_formed_or_nothing(void **state)
{
    (void)state;
    struct str xml = read_vector(arena, vectors[WHITELIST_2].file);
    refuses_bytes(LIST_WHITELIST, STR_NONE, "empty");
    refuses_bytes(LIST_WHITELIST, STR("   "), "line 1");
    refuses_bytes(LIST_WHITELIST, STR("no xml at all"), "line 1");
    refuses_bytes(LIST_WHITELIST, STR("{\"json\": true}"), "line 1");
    refuses(WHITELIST_2, "</Whitelist>", "", "line 1");
    refuses(WHITELIST_2, "</Whitelist>", "</Whitelist><Whitelist/>", "line 1");
    refuses(WHITELIST_2, "</MedMijNodes>", "</MedMijNode>", "line 1");
    for (size_t length = 1; length < xml.length - sizeof "</Whitelist>"; length += 37)
        assert_int_equal(parse(LIST_WHITELIST, str_slice(xml, 0, length)), FAILED);
}

static void depth_is_capped(void **state)
{
    (void)state;
    struct buf deep = buf_new(arena, VECTOR_MAX);
    for (int i = 0; i < 14; i++)
        buf_append_c(&deep, "<x>");
    for (int i = 0; i < 14; i++)
        buf_append_c(&deep, "</x>");
    const char *fits = arena_printf(arena, "%s</OAuthclient>", buf_c(&deep));
    const char *deeper = arena_printf(arena, "<y><y>%s</y></y></OAuthclient>", buf_c(&deep));
    accepts_change(CLIENTS_3, "</OAuthclient>", fits);
    refuses(CLIENTS_3, "</OAuthclient>", deeper, "nested too deep");
    struct buf abyss = buf_new(arena, VECTOR_MAX);
    for (int i = 0; i < 100000; i++)
        buf_append_c(&abyss, "<x>");
    refuses(CLIENTS_3, "</OAuthclient>", buf_c(&abyss), "depth");
}

static void comments_cdata_and_extra_elements_change_nothing(void **state)
{
    (void)state;
    accepts_change(WHITELIST_2, "medmij.mijnpgo.nl", "medmij.<!-- a comment -->mijn<![CDATA[pgo]]>.nl");
    assert_str(document->hosts[0], "medmij.mijnpgo.nl");
    accepts_change(WHITELIST_2, "<Whitelist ", "<?style sheet?><Whitelist ");
    accepts_change(PROVIDERS_3, "<Aanbiedertype>ZA</Aanbiedertype>", "<Nieuw><Veld>1</Veld></Nieuw>");
    accepts_change(WHITELIST_2, "<Volgnummer>2091<", "<Volgnummer> 2091\n<");
}

static void the_root_and_its_namespace_are_those_of_the_kind(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTOR_COUNT; i++)
        for (int kind = 0; kind < LIST_KINDS; kind++)
            if (kind != (int)vectors[i].kind)
                refuses_bytes((enum list_kind)kind, read_vector(arena, vectors[i].file),
                              "the root element is not");
    refuses(WHITELIST_2, "whitelist/release2/", "whitelist/release1/", "namespace");
    refuses(WHITELIST_2, "whitelist/release2/", "whitelist/release3/", "namespace");
    refuses(WHITELIST_2, "whitelist/release2/", "whitelist/release2", "namespace");
    refuses(WHITELIST_2, "whitelist/release2/", "whitelist/release02/", "namespace");
    refuses(WHITELIST_2, "whitelist/release2/", "whitelist/release/", "namespace");
    refuses(WHITELIST_2, "whitelist/release2/", "oauthclientlist/release2/", "namespace");
    refuses(WHITELIST_2, " xmlns=\"xmlns://afsprakenstelsel.medmij.nl/whitelist/release2/\"", "",
            "namespace");
    refuses(WHITELIST_2, "xmlns://afsprakenstelsel", "https://afsprakenstelsel", "namespace");
    refuses(PROVIDERS_3, "release3/", "release4/", "namespace");
    refuses(PROVIDERS_2, "release2/", "release1/", "namespace");
    refuses(CLIENTS_2, "release2/", "release1/", "namespace");
    accepts_change(CLIENTS_3, "release3/", "release7/");
    accepts_change(NAMES_1, "release1/", "release2/");
}

static void elements_of_another_namespace_do_not_count(void **state)
{
    (void)state;
    refuses(WHITELIST_2, "<MedMijNode><Hostname>", "<MedMijNode><Hostname xmlns=\"urn:x\">",
            "has no <Hostname>");
    refuses(WHITELIST_2, "<MedMijNode>", "<MedMijNode xmlns=\"urn:x\">", "unexpected element");
    refuses(WHITELIST_2, "<Volgnummer>", "<Volgnummer xmlns=\"urn:x\">", "unexpected element");
}

static void the_stamp_has_a_zone_and_lies_not_in_the_future(void **state)
{
    (void)state;
    const char *stamp = "2025-03-01T09:30:00+01:00";
    refuses(WHITELIST_2, stamp, "2025-03-01T09:30:00", "time zone");
    refuses(WHITELIST_2, stamp, "gisteren", "time zone");
    refuses(WHITELIST_2, stamp, "", "time zone");
    refuses(WHITELIST_2, "<Tijdstempel>2025-03-01T09:30:00+01:00</Tijdstempel>", "", "is missing");
    refuses(WHITELIST_2, "<Volgnummer>", "<Tijdstempel>2025-03-01T09:30:00Z</Tijdstempel><Volgnummer>",
            "occurs twice");
    struct str xml = read_vector(arena, vectors[WHITELIST_2].file);
    accepts(LIST_WHITELIST, replaced(arena, xml, stamp, "2027-01-15T08:05:00Z")); /* NOW + 300 */
    refuses_bytes(LIST_WHITELIST, replaced(arena, xml, stamp, "2027-01-15T08:05:01Z"), "in the future");
    refuses_bytes(LIST_WHITELIST, replaced(arena, xml, stamp, "2027-01-15T08:00:00-00:06"), "in the future");
}

static void stamps_are_read_exactly(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t seconds; /* -1: refused */
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01T00:00:00+00:00", 0},
        {"2024-02-29T23:59:59.999Z", 1709251199},
        {"2025-03-01T00:00:00+01:00", 1740783600},
        {"2025-03-01T00:00:00-05:30", 1740807000},
        {"2025-03-01T00:00:00+14:00", 1740736800},
        {"2025-02-29T00:00:00Z", -1},
        {"2025-04-31T00:00:00Z", -1},
        {"2025-13-01T00:00:00Z", -1},
        {"2025-00-01T00:00:00Z", -1},
        {"2025-01-00T00:00:00Z", -1},
        {"2025-01-01T24:00:00Z", -1},
        {"2025-01-01T00:60:00Z", -1},
        {"2025-01-01T00:00:60Z", -1},
        {"2025-01-01T00:00:00+14:01", -1},
        {"2025-01-01T00:00:00+01:60", -1},
        {"2025-01-01T00:00:00+0100", -1},
        {"2025-01-01T00:00:00z", -1},
        {"2025-01-01T00:00:00.Z", -1},
        {"2025-01-01T00:00:00ZZ", -1},
        {"2025-01-01 00:00:00Z", -1},
        {"25-01-01T00:00:00Z", -1},
        {"12025-01-01T00:00:00Z", -1},
        {"-2025-01-01T00:00:00Z", -1},
        {"2025-1-1T00:00:00Z", -1},
        {"", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t seconds = -1;
        enum outcome outcome = list_parse_stamp(str_from_c(cases[i].text), &seconds);
        if ((outcome == OK) != (cases[i].seconds >= 0) || (outcome == OK && seconds != cases[i].seconds))
            fail_msg("%s: outcome %d, %lld", cases[i].text, (int)outcome, (long long)seconds);
    }
}

static void the_number_is_positive(void **state)
{
    (void)state;
    const char *const wrong[] = {"0", "-1", "1.5", "1e3", "", "zeven", "99999999999999999999", "0x10"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        refuses(WHITELIST_2, "<Volgnummer>2091<", arena_printf(arena, "<Volgnummer>%s<", wrong[i]),
                "not a positive number");
    refuses(WHITELIST_2, "<Volgnummer>2091<", "<Volgnummer><b>2091</b><", "something else than text");
    refuses(WHITELIST_2, "<Volgnummer>2091</Volgnummer>", "", "is missing");
    refuses(WHITELIST_2, "<Volgnummer>2091</Volgnummer>",
            "<Volgnummer>2091</Volgnummer><Volgnummer>2092</Volgnummer>", "occurs twice");
}

static void the_container_holds_entries_only(void **state)
{
    (void)state;
    struct str xml = read_vector(arena, vectors[WHITELIST_2].file);
    xml = replaced(arena, xml, "<MedMijNodes>", "<Nodes>");
    refuses_bytes(LIST_WHITELIST, replaced(arena, xml, "</MedMijNodes>", "</Nodes>"), "unexpected element");
    refuses(WHITELIST_2, "<MedMijNodes>", "<MedMijNodes/><MedMijNodes>", "occurs twice");
    refuses(WHITELIST_2, "<MedMijNodes>", "<MedMijNodes>loose text", "text between");
    refuses(WHITELIST_2, "<Volgnummer>", "loose text<Volgnummer>", "text between");
    refuses(WHITELIST_2, "<MedMijNode>", "<Node/><MedMijNode>", "unexpected element");
    refuses(WHITELIST_2, "<MedMijNodes>", "<Extra/><MedMijNodes>", "unexpected element");
    refuses(PROVIDERS_3, "<Interfaceversie>", "<Versie/><Interfaceversie>", "unexpected element");
    refuses(PROVIDERS_3, "<Gegevensdienst>", "<Dienst/><Gegevensdienst>", "unexpected element");
}

static void an_empty_whitelist_is_refused_and_other_empty_lists_are_not(void **state)
{
    (void)state;
    refuses_bytes(
        LIST_WHITELIST,
        STR("<Whitelist xmlns='xmlns://afsprakenstelsel.medmij.nl/whitelist/release2/'>"
            "<Tijdstempel>2025-03-01T09:30:00Z</Tijdstempel><Volgnummer>1</Volgnummer><MedMijNodes/>"
            "</Whitelist>"),
        "empty");
    accepts(LIST_CLIENTS,
            STR("<OAuthclientlist xmlns='xmlns://afsprakenstelsel.medmij.nl/oauthclientlist/release2/'>"
                "<Tijdstempel>2025-03-01T09:30:00Z</Tijdstempel><Volgnummer>1</Volgnummer><OAuthclients/>"
                "</OAuthclientlist>"));
    assert_int_equal(document->count, 0);
}

static void host_names_follow_the_pattern(void **state)
{
    (void)state;
    const char *const wrong[] = {"",         "localhost",    "Medmij.nl",      "*.nl.eu",
                                 "a.nl:443", "https://a.nl", " medmij.a.nl",   "a.nl ",
                                 "a..nl",    "a_b.nl",       "caf\xC3\xA9.nl", "a.nl/x"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        refuses(WHITELIST_2, "medmij.mijnpgo.nl", wrong[i], "not a host name");
        refuses(CLIENTS_2, "medmij.mijnpgo.nl", wrong[i], "not a host name");
    }
    refuses(CLIENTS_2, "<Hostname>medmij.mijnpgo.nl</Hostname>", "", "has no <Hostname>");
    refuses(CLIENTS_2, "<Hostname>", "<Hostname>a.nl</Hostname><Hostname>", "occurs twice");
}

static void host_names_are_unique(void **state)
{
    (void)state;
    refuses(WHITELIST_2, "token.sluiswachter.nl", "medmij.mijnpgo.nl", "occurs twice");
    refuses(CLIENTS_2, "medmij.anderepgo.nl", "medmij.mijnpgo.nl", "occurs twice");
}

static void organisation_names_have_3_to_50_characters(void **state)
{
    (void)state;
    const char *name = "Mijn PGO Voorbeeld";
    refuses(CLIENTS_2, name, "ab", "3 to 50");
    refuses(CLIENTS_2, name, "123456789012345678901234567890123456789012345678901", "3 to 50");
    refuses(CLIENTS_2, name, "tab\there", "3 to 50");
    refuses(CLIENTS_2, name, "line\nbreak", "3 to 50");
    refuses(CLIENTS_2, name, "<b>vet</b>", "something else than text");
    accepts_change(CLIENTS_2, name, "12345678901234567890123456789012345678901234567890");
    accepts_change(CLIENTS_2, name, "\xC3\xA9\xC3\xA9\xC3\xA9");
    accepts_change(
        CLIENTS_2, name,
        "\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9"
        "\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9"
        "\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9");
    refuses(CLIENTS_2, "<OAuthclientOrganisatienaam>Mijn PGO Voorbeeld</OAuthclientOrganisatienaam>", "",
            "has no <OAuthclientOrganisatienaam>");
}

static void service_ids_are_scope_words_of_1_to_30_characters(void **state)
{
    (void)state;
    const char *const wrong[] = {
        "", "1234567890123456789012345678901", "4 9", "4~9", "4/9", "4&quot;9", " 49", "\xC3\xA9"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const char *text = arena_printf(arena, "<GegevensdienstId>%s<", wrong[i]);
        refuses(NAMES_1, "<GegevensdienstId>49<", text, "not a data service id");
        refuses(PROVIDERS_3, "<GegevensdienstId>49<", text, "not a data service id");
        refuses(CLIENTS_3, "<GegevensdienstId>49<", text, "not a data service id");
    }
    refuses(NAMES_1, "<GegevensdienstId>49</GegevensdienstId>", "", "has no <GegevensdienstId>");
}

static void service_names_have_3_to_50_characters_and_unique_ids(void **state)
{
    (void)state;
    refuses(NAMES_1, "Huisartsgegevens", "Hu", "display name");
    refuses(NAMES_1, "Huisartsgegevens", "123456789012345678901234567890123456789012345678901",
            "display name");
    refuses(NAMES_1, "<Weergavenaam>Huisartsgegevens</Weergavenaam>", "", "has no <Weergavenaam>");
    refuses(NAMES_1, "<GegevensdienstId>49<", "<GegevensdienstId>48<", "occurs twice");
}

static void provider_names_end_in_medmij(void **state)
{
    (void)state;
    refuses(PROVIDERS_3, "huisartsdeduinen@medmij", "huisartsdeduinen", "@medmij");
    refuses(PROVIDERS_3, "huisartsdeduinen@medmij", "huisartsdeduinen@medmij.nl", "@medmij");
    refuses(PROVIDERS_3, "huisartsdeduinen@medmij", "@medmij", "not a provider name");
    refuses(PROVIDERS_3, "huisartsdeduinen@medmij", "HuisartsDeDuinen@medmij", "not a provider name");
    refuses(PROVIDERS_3, "huisartsdeduinen@medmij", "huisarts deduinen@medmij", "not a provider name");
    refuses(PROVIDERS_3, "huisartsdeduinen@medmij", "huisarts@deduinen@medmij", "not a provider name");
    /* The older generation: letters only, 10 to 57 characters with the suffix. */
    refuses(PROVIDERS_2, "huisartsdeduinen@medmij", "huisarts2@medmij", "not a provider name");
    refuses(PROVIDERS_2, "huisartsdeduinen@medmij", "huis.arts@medmij", "not a provider name");
    refuses(PROVIDERS_2, "huisartsdeduinen@medmij", "ab@medmij", "not a provider name");
    accepts_change(PROVIDERS_2, "huisartsdeduinen@medmij", "abc@medmij");
}

static void providers_and_their_services_are_unique(void **state)
{
    (void)state;
    refuses(PROVIDERS_3, "ziekenhuis.demeerpaal-2@medmij", "huisartsdeduinen@medmij",
            "provider name occurs twice");
    refuses(PROVIDERS_3, "<GegevensdienstId>53<", "<GegevensdienstId>49<", "occurs twice");
    refuses(PROVIDERS_3, "<InterfaceversieId>1.4.0<", "<InterfaceversieId>2<", "occurs twice");
}

static void provider_entries_are_complete(void **state)
{
    (void)state;
    refuses(PROVIDERS_3, "<InterfaceversieId>1.4.0</InterfaceversieId>", "", "has no <InterfaceversieId>");
    refuses(PROVIDERS_3, "<InterfaceversieId>1.4.0<", "<InterfaceversieId> <", "not an interface version");
    refuses(PROVIDERS_2, "<Gegevensdiensten>", "<Gegevensdiensten/><Gegevensdiensten>", "occurs twice");
    /* Each generation by its own structure. */
    refuses(PROVIDERS_2, "release2/", "release3/", "has no <Interfaceversies>");
    struct str xml = read_vector(arena, vectors[PROVIDERS_3].file);
    xml = replaced(arena, xml, "ziekenhuis.demeerpaal-2", "ziekenhuisdemeerpaal");
    refuses_bytes(LIST_PROVIDERS, replaced(arena, xml, "release3/", "release2/"),
                  "has no <Gegevensdiensten>");
}

static void front_channel_addresses_are_https_without_port_query_or_fragment(void **state)
{
    (void)state;
    const char *right = "https://oud.sluiswachter.nl/authorize";
    const char *const wrong[] = {
        "",
        "http://oud.sluiswachter.nl/authorize",
        "https://oud.sluiswachter.nl:443/authorize",
        "https://oud.sluiswachter.nl/authorize?x=y",
        "https://oud.sluiswachter.nl/authorize#x",
        "https://x@oud.sluiswachter.nl/authorize",
        "https://localhost/authorize",
        "https://OUD.sluiswachter.nl/authorize",
        "https://127.0.0.1:1/authorize",
        "https://",
        "javascript:alert(1)",
        "https://oud.sluiswachter.nl/a b",
        "https://oud.sluiswachter.nl/a\\b",
        "https://oud.sluiswachter.nl/caf\xC3\xA9",
        "http://as.localhost:8080/authorize",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        refuses(PROVIDERS_3, right, wrong[i], "not an endpoint address");
        refuses(PROVIDERS_2, right, wrong[i], "not an endpoint address");
    }
    accepts_change(PROVIDERS_3, right, "https://oud.sluiswachter.nl");
}

static void back_channel_addresses_may_have_a_port(void **state)
{
    (void)state;
    const char *right = "https://oud.sluiswachter.nl:8443/token";
    const char *const wrong[] = {
        "http://oud.sluiswachter.nl:8443/token",   "https://oud.sluiswachter.nl:/token",
        "https://oud.sluiswachter.nl:0/token",     "https://oud.sluiswachter.nl:65536/token",
        "https://oud.sluiswachter.nl:8443x/token", "https://oud.sluiswachter.nl:8443/token?x"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        refuses(PROVIDERS_3, right, wrong[i], "not an endpoint address");
    accepts_change(PROVIDERS_3, right, "https://oud.sluiswachter.nl:65535/token");
    refuses(PROVIDERS_3, "<TokenEndpoint>", "<Token>", "line");
}

static void development_allows_local_addresses_only(void **state)
{
    (void)state;
    struct str xml = read_vector(arena, vectors[PROVIDERS_3].file);
    const char *right = "https://oud.sluiswachter.nl/authorize";
    struct str local = replaced(arena, xml, right, "http://localhost:8080/oauth/authorize");
    assert_int_equal(parse(LIST_PROVIDERS, local), FAILED);
    assert_int_equal(list_document_parse(LIST_PROVIDERS, local, NULL, true, NOW, &document, &failure), OK);
    list_document_release(&document);
    const char *const wrong[] = {"http://oud.sluiswachter.nl/authorize", "https://oud.sluiswachter.nl:443/a",
                                 "http://xlocalhost:8080/a", "http://localhost.nl:8080/a",
                                 "http://-.localhost:8080/a"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(list_document_parse(LIST_PROVIDERS, replaced(arena, xml, right, wrong[i]), NULL,
                                             true, NOW, &document, &failure),
                         FAILED);
}

static void the_longest_subscription_is_a_number_of_days(void **state)
{
    (void)state;
    const char *const wrong[] = {"0", "-1", "", "1.5", "1000000", "veel", "09"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        refuses(PROVIDERS_3, "<MaximaleDuur>365<", arena_printf(arena, "<MaximaleDuur>%s<", wrong[i]),
                "number of days");
    refuses(PROVIDERS_3, "<MaximaleDuur>365</MaximaleDuur>", "", "has no <MaximaleDuur>");
    refuses(PROVIDERS_3, "<Abonneren>", "<Abonneren/><Abonneren>", "occurs twice");
}

static void a_schema_rules_beside_our_own_checks(void **state)
{
    (void)state;
    struct list_schema *schema;
    assert_int_equal(list_schema_load(vector_path(arena, "whitelist-few-nodes.xsd"), &schema, &failure), OK);
    struct str xml = read_vector(arena, vectors[WHITELIST_2].file);
    assert_int_equal(list_document_parse(LIST_WHITELIST, xml, schema, false, NOW, &document, &failure), OK);
    list_document_release(&document);
    /* Right by our checks, wrong by the schema: another domain, another order, one node too many. */
    struct str changed = replaced(arena, xml, "medmij.mijnpgo.nl", "medmij.mijnpgo.be");
    assert_int_equal(list_document_parse(LIST_WHITELIST, changed, schema, false, NOW, &document, &failure),
                     FAILED);
    assert_non_null(strstr(failure.text, "not valid by the schema"));
    const char *number = "<Volgnummer>2091</Volgnummer>";
    changed = replaced(arena, replaced(arena, xml, number, ""), "<Tijdstempel>",
                       arena_printf(arena, "%s<Tijdstempel>", number));
    accepts(LIST_WHITELIST, changed);
    list_document_release(&document);
    assert_int_equal(list_document_parse(LIST_WHITELIST, changed, schema, false, NOW, &document, &failure),
                     FAILED);
    assert_non_null(strstr(failure.text, "not valid by the schema"));
    changed = replaced(arena, xml, "</MedMijNodes>",
                       "<MedMijNode><Hostname>vierde.nl</Hostname></MedMijNode></MedMijNodes>");
    assert_int_equal(list_document_parse(LIST_WHITELIST, changed, schema, false, NOW, &document, &failure),
                     FAILED);
    /* A hint of the document where to find a schema is not followed. */
    changed =
        replaced(arena, changed, "<Whitelist ",
                 "<Whitelist xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
                 "xsi:schemaLocation=\"xmlns://afsprakenstelsel.medmij.nl/whitelist/release2/ /dev/null\" ");
    assert_int_equal(list_document_parse(LIST_WHITELIST, changed, schema, false, NOW, &document, &failure),
                     FAILED);
    list_schema_free(&schema);
    assert_null(schema);
}

static void a_schema_that_cannot_be_used_is_an_error(void **state)
{
    (void)state;
    struct list_schema *schema;
    assert_int_equal(list_schema_load(vector_path(arena, "no-such.xsd"), &schema, &failure), FAILED);
    assert_int_equal(list_schema_load(vector_path(arena, "MedMij_Whitelist.release2.xml"), &schema, &failure),
                     FAILED);
    assert_null(schema);
}

static void a_large_list_is_read_whole(void **state)
{
    (void)state;
    const size_t count = 150000;
    struct buf xml = buf_new(arena, (size_t)64 << 20);
    buf_append_c(&xml,
                 "<Whitelist xmlns='xmlns://afsprakenstelsel.medmij.nl/whitelist/release2/'>"
                 "<Tijdstempel>2025-03-01T09:30:00Z</Tijdstempel><Volgnummer>1</Volgnummer><MedMijNodes>");
    for (size_t i = 0; i < count; i++)
        buf_printf(&xml,
                   "\n   <MedMijNode>\n      <Hostname>knooppunt-%zu.een-lange-domeinnaam.voorbeeld.nl"
                   "</Hostname>\n   </MedMijNode>",
                   i);
    buf_append_c(&xml, "</MedMijNodes></Whitelist>");
    assert_false(xml.overflowed);
    assert_true(xml.length > (size_t)12 << 20); /* beyond libxml2's 10 MB look-ahead limit */
    accepts(LIST_WHITELIST, buf_str(&xml));
    assert_int_equal(document->count, count);
}

/* The lists as MedMij published them, when a copy is at hand; they are not ours to carry along. */
static void published_examples_are_read_and_validated(void **state)
{
    (void)state;
    const char *folder = getenv("MEDMIJ_LISTS_DIR");
    assert_non_null(folder);
    static const struct {
        enum list_kind kind;
        const char *xml;
        const char *xsd;
    } cases[] = {
        {LIST_PROVIDERS, "release-1.1-examples/MedMij_Zorgaanbiederslijst_example.xml",
         "release-1.1-xsd/MedMij_Zorgaanbiederslijst.xsd"},
        {LIST_CLIENTS, "release-1.1-examples/MedMij_OAuthclientlist_example.xml",
         "release-1.1-xsd/MedMij_OAuthclientlist.xsd"},
        {LIST_SERVICE_NAMES, "release-1.1-examples/MedMij_Gegevensdienstnamenlijst_example.xml",
         "release-1.1-xsd/MedMij_Gegevensdienstnamenlijst.xsd"},
        {LIST_WHITELIST, "release-1.1-examples/MedMij_Whitelist_example.xml",
         "release-1.1-xsd/MedMij_Whitelist.xsd"},
        {LIST_WHITELIST, "current/MedMij_Whitelist_example.xml", "current/MedMij_Whitelist.xsd"},
        {LIST_PROVIDERS, "current/MedMij_Zorgaanbiederslijst_example.9.3.xml", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct list_schema *schema = NULL;
        if (cases[i].xsd != NULL)
            assert_int_equal(
                list_schema_load(arena_printf(arena, "%s/%s", folder, cases[i].xsd), &schema, &failure), OK);
        struct str xml = read_path(arena, arena_printf(arena, "%s/%s", folder, cases[i].xml));
        if (list_document_parse(cases[i].kind, xml, schema, false, NOW, &document, &failure) != OK)
            fail_msg("%s: %s", cases[i].xml, failure.text);
        assert_true(document->count > 0);
        list_document_release(&document);
        list_schema_free(&schema);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(both_generations_are_read),
        TEST(the_provider_list_with_interface_versions),
        TEST(the_provider_list_without_interface_versions),
        TEST(clients_without_services_may_do_all_in_release2_and_nothing_later),
        TEST(release2_clients_with_services_are_held_to_them),
        TEST(no_document_type_in_any_form),
        TEST(no_entities_beyond_the_five_of_xml),
        TEST(no_inclusion_of_other_files),
        TEST(one_encoding),
        TEST(well_formed_or_nothing),
        TEST(depth_is_capped),
        TEST(comments_cdata_and_extra_elements_change_nothing),
        TEST(the_root_and_its_namespace_are_those_of_the_kind),
        TEST(elements_of_another_namespace_do_not_count),
        TEST(the_stamp_has_a_zone_and_lies_not_in_the_future),
        TEST(stamps_are_read_exactly),
        TEST(the_number_is_positive),
        TEST(the_container_holds_entries_only),
        TEST(an_empty_whitelist_is_refused_and_other_empty_lists_are_not),
        TEST(host_names_follow_the_pattern),
        TEST(host_names_are_unique),
        TEST(organisation_names_have_3_to_50_characters),
        TEST(service_ids_are_scope_words_of_1_to_30_characters),
        TEST(service_names_have_3_to_50_characters_and_unique_ids),
        TEST(provider_names_end_in_medmij),
        TEST(providers_and_their_services_are_unique),
        TEST(provider_entries_are_complete),
        TEST(front_channel_addresses_are_https_without_port_query_or_fragment),
        TEST(back_channel_addresses_may_have_a_port),
        TEST(development_allows_local_addresses_only),
        TEST(the_longest_subscription_is_a_number_of_days),
        TEST(a_schema_rules_beside_our_own_checks),
        TEST(a_schema_that_cannot_be_used_is_an_error),
        TEST(a_large_list_is_read_whole),
        TEST(published_examples_are_read_and_validated), /* last: left out when there is no copy */
    };
    size_t count = sizeof tests / sizeof *tests;
    if (getenv("MEDMIJ_LISTS_DIR") == NULL) {
        print_message("# MEDMIJ_LISTS_DIR is not set: the published schemas and examples were NOT tried\n");
        count--;
    }
    return _cmocka_run_group_tests("lists_parse", tests, count, NULL, NULL);
}
