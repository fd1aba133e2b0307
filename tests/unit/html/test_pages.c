/*
 * The pages as they ship (web/templates, web/texts): the prescribed sentences word for word (spec 4), every
 * value escaped, one form of address per text set, sound markup. With PAGE_DIR set, every sample page is left
 * there to look at.
 */
#include "html/template.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define PAGE_MAX ((size_t)65536)

static struct arena *arena;
static struct template_set *set;

static int setup(void **state)
{
    (void)state;
    arena = arena_new();
    const char *web = getenv("WEB_DIR");
    const char *directories[] = {arena_printf(arena, "%s/templates", web),
                                 arena_printf(arena, "%s/texts", web)};
    struct failure failure;
    if (template_set_load(directories, 2, &set, &failure) == OK)
        return 0;
    print_error("%s\n", failure.text);
    return -1;
}

static int teardown(void **state)
{
    (void)state;
    template_set_free(&set);
    arena_free(&arena);
    return 0;
}

/* Every page with the flags that choose its variant; each is rendered in both text sets. */
static const struct sample {
    const char *template;
    const char *flags[4];
    const char *text; /* the text set's template, if it has one */
} samples[] = {
    {"landing", {NULL}, "landing"},
    {"cancelled", {NULL}, "cancelled"},
    {"consent", {"is_collect", "can_be_indefinite"}, "consent_collect"},
    {"consent", {"is_collect"}, "consent_collect"},
    {"consent", {"is_share"}, "confirm_share"},
    {"consent", {"is_subscribe"}, "consent_subscribe"},
    {"consent", {"is_end_subscription"}, "end_subscription"},
    {"no_data", {"is_no_data"}, "no_data"},
    {"no_data", {"is_no_relation"}, "no_data"},
    {"no_data", {"is_too_young"}, "no_data"},
    {"no_data", {"is_not_admissible"}, "no_data"},
    {"no_data", {"is_represented"}, "no_data"},
    {"technical", {NULL}, "technical"},
    {"error_client", {"is_unknown_client"}, NULL},
    {"error_client", {"is_bad_redirect_uri"}, NULL},
    {"error_client", {NULL}, NULL},
    {"problem", {"is_expired"}, NULL},
    {"problem", {"is_not_found"}, NULL},
    {"problem", {"is_method"}, NULL},
    {"problem", {"is_too_large"}, NULL},
    {"problem", {NULL}, NULL},
};
#define SAMPLE_COUNT (sizeof samples / sizeof samples[0])

static const char *const text_sets[] = {"u-1.3", "je-2.2"};

/* The text of a member, or the hostile one in place of all. */
static void put(struct value *object, const char *name, const char *text, const char *hostile)
{
    value_put_c(arena, object, name, hostile ? hostile : text);
}

static void put_identity_provider(struct value *list, const char *id, const char *label, const char *level,
                                  bool is_first, const char *hostile)
{
    struct value *item = value_object(arena);
    put(item, "id", id, hostile);
    put(item, "label", label, hostile);
    put(item, "level_name", level, hostile);
    value_put_bool(arena, item, "has_picture", true);
    value_put_bool(arena, item, "is_recommended", is_first);
    value_put_bool(arena, item, "is_primary", is_first);
    value_append(arena, list, item);
}

static struct value *sample_context(const struct sample *sample, bool is_u, const char *hostile)
{
    static const struct {
        const char *name, *text;
    } texts[] = {
        {"provider", "huisartsdeduinen"},
        {"provider_name", "Huisartsenpraktijk De Duinen"},
        {"client_name", "MijnPGO"},
        {"request", "c2VhbGVk"},
        {"flow", "0193a1f2-7b1c-7000-8000-000000000001"},
        {"form", "Zm9ybQ"},
        {"service_names", "Basisgegevens GGZ, Huisartsgegevens en Documenten"},
        {"duration", "180 dagen"},
        {"minimum_age", "16"},
        {"privacy_url", "https://www.huisartsdeduinen.example/privacy"},
        {"announcement", "Inlog BV controleert namens Huisartsenpraktijk De Duinen wie er inlogt."},
        {"back_url", "https://pgo.example/callback?error=access_denied&state=abc"},
        {"dva_name", "Sluis Demo"},
        {"dva_phone", "030 123 45 67"},
        {"trace_id", "57510be1-73e6-4a75-9db8-ee005cced48f"},
        {"session_id", "c0e7b545-9606-4eef-bea7-75d8addaa54b"},
    };
    static const char *const services[] = {"Basisgegevens GGZ", "Huisartsgegevens", "Documenten"};
    struct value *context = value_object(arena), *list = value_list(arena);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        put(context, texts[i].name, texts[i].text, hostile);
    for (size_t i = 0; i < sizeof services / sizeof services[0]; i++) {
        struct value *service = value_object(arena);
        put(service, "name", services[i], hostile);
        value_append(arena, list, service);
    }
    value_put(arena, context, "services", list);
    list = value_list(arena);
    put_identity_provider(list, "digid", "Inloggen met DigiD", "Substantieel", true, hostile);
    put_identity_provider(list, "digid-midden", "Inloggen met DigiD en sms", "Midden", false, hostile);
    value_put(arena, context, "identity_providers", list);
    value_put_bool(arena, context, "has_logo", true);
    value_put_bool(arena, context, "is_u", is_u);
    for (size_t i = 0; i < 4 && sample->flags[i] != NULL; i++)
        value_put_bool(arena, context, sample->flags[i], true);
    return context;
}

static struct str render(const struct sample *sample, bool is_u, const char *hostile)
{
    struct str html = STR_NONE;
    if (template_render(set, sample->template, sample_context(sample, is_u, hostile), arena, PAGE_MAX,
                        &html) != OK)
        fail_msg("%s does not render", sample->template);
    return html;
}

static bool contains(struct str text, const char *part)
{
    return text.length > 0 && memmem(text.data, text.length, part, strlen(part)) != NULL;
}

static size_t occurrences(struct str text, const char *part)
{
    size_t count = 0, length = strlen(part);
    for (size_t i = 0; i + length <= text.length; i++)
        count += memcmp(text.data + i, part, length) == 0;
    return count;
}

/* The page as it reads: no tags, white space folded. The samples hold no character that is escaped in text.
 */
static struct str read_text(struct str html)
{
    struct buf buf = buf_new(arena, PAGE_MAX);
    bool is_tag = false, is_gap = false;
    for (size_t i = 0; i < html.length; i++) {
        char c = html.data[i];
        if (c == '<') {
            is_tag = true;
        } else if (c == '>') {
            is_tag = false;
        } else if (!is_tag && (c == ' ' || c == '\n')) {
            is_gap = true;
        } else if (!is_tag) {
            if (is_gap && buf.length > 0)
                buf_append_char(&buf, ' ');
            is_gap = false;
            buf_append_char(&buf, c);
        }
    }
    return buf_str(&buf);
}

static const struct sample *sample_of(const char *text)
{
    for (size_t i = 0; i < SAMPLE_COUNT; i++)
        if (samples[i].text != NULL && strcmp(samples[i].text, text) == 0)
            return &samples[i];
    fail_msg("no sample shows %s", text);
    return NULL;
}

static void assert_reads(const char *text, bool is_u, const char *sentence)
{
    struct str page = read_text(render(sample_of(text), is_u, NULL));
    if (!contains(page, sentence))
        fail_msg("%s lacks: %s\nit reads: %.*s", text, sentence, STR_ARG(page));
}

#define PROVIDER "Huisartsenpraktijk De Duinen"
#define SERVICES "Basisgegevens GGZ, Huisartsgegevens en Documenten"
#define LOGOUT_U "Als u uw keuze heeft gemaakt of deze pagina sluit, wordt u uitgelogd bij " PROVIDER "."
#define LOGOUT_JE "Als je je keuze hebt gemaakt of deze pagina sluit, word je uitgelogd bij " PROVIDER "."

static void landing_says_what_is_prescribed(void **state)
{
    (void)state;
    assert_reads("landing", true,
                 "Welkom bij " PROVIDER ". Voordat u toestemming kunt geven voor het verzamelen of delen van "
                 "informatie, moet u inloggen.");
    assert_reads("landing", false,
                 "Welkom bij " PROVIDER
                 ". Voordat je toestemming kunt geven voor het verzamelen of delen van "
                 "informatie, moet je inloggen.");
    assert_reads("landing", true, "Inlog BV controleert namens " PROVIDER " wie er inlogt.");
}

static void cancelled_says_what_is_prescribed(void **state)
{
    (void)state;
    assert_reads("cancelled", true,
                 "U hebt uw inlog bij " PROVIDER " geannuleerd. Voordat u toestemming kunt geven voor het "
                 "verzamelen of delen van informatie, moet u alsnog inloggen. Als u wilt stoppen, kunt u dit "
                 "scherm sluiten.");
    assert_reads(
        "cancelled", false,
        "Je hebt je inlog bij " PROVIDER " geannuleerd. Voordat je toestemming kunt geven voor het "
        "verzamelen of delen van informatie, moet je alsnog inloggen. Als je wilt stoppen, kun je dit "
        "scherm sluiten.");
    assert_reads("cancelled", true, " Sluiten ");
    assert_reads("cancelled", false, " Sluiten ");
}

static void consent_collect_says_what_is_prescribed(void **state)
{
    (void)state;
    assert_reads("consent_collect", false, " Toestemming geven Wil je de gegevens");
    assert_reads("consent_collect", false,
                 "Wil je de gegevens die " PROVIDER " over jou heeft in jouw PGO zetten? Dan heeft " PROVIDER
                 " jouw toestemming nodig om deze gegevens met MijnPGO te delen.");
    assert_reads(
        "consent_collect", false,
        " Toelichting " PROVIDER
        " mag niet zonder jouw toestemming gegevens delen met een andere partij (lees ook "
        "de privacy verklaring van " PROVIDER "). Toestemmingen zijn geldig voor onbepaalde tijd. Als je "
        "langer dan zes maanden geen gegevens in je "
        "PGO zet, is de langdurige toestemming niet meer geldig. De volgende keer dat je gegevens in jouw "
        "PGO "
        "wilt zetten, log je weer in met DigiD en geef je opnieuw toestemming. Toestemmingen die je voor "
        "onbepaalde tijd geeft, kun je altijd aanpassen. Dit doe je door in je PGO naar " PROVIDER
        " te zoeken en te kiezen voor 'Toestemmingen aanpassen'. Voor de verbinding met de computer "
        "van " PROVIDER
        " heeft Stichting MedMij strenge regels gemaakt. MijnPGO volgt deze regels. Als je toestemming hebt "
        "gegeven, worden je gegevens in je PGO gezet via de veilige MedMij-verbinding.");
    assert_reads(
        "consent_collect", true,
        "U geeft hierbij " PROVIDER " toestemming om " SERVICES
        " uit te wisselen met MijnPGO voor het doel deze persoons- en gezondheidsgegevens op te nemen "
        "in uw persoonlijke gezondheidsomgeving.");
    for (int is_u = 0; is_u <= 1; is_u++) {
        assert_reads("consent_collect", is_u, "Basisgegevens GGZ Huisartsgegevens Documenten");
        assert_reads("consent_collect", is_u, "Ik geef toestemming voor onbepaalde tijd");
        assert_reads("consent_collect", is_u, "Toestemming geven Geen toestemming geven");
        assert_reads("consent_collect", is_u, is_u ? LOGOUT_U : LOGOUT_JE);
    }
}

static void indefinite_is_offered_and_never_preselected(void **state)
{
    (void)state;
    for (int is_u = 0; is_u <= 1; is_u++) {
        struct str with = render(&samples[2], is_u, NULL), without = render(&samples[3], is_u, NULL);
        assert_int_equal(occurrences(with,
                                     "<input type=\"checkbox\" id=\"consent-indefinite\" name=\"indefinite\" "
                                     "value=\"yes\""),
                         1);
        assert_false(contains(with, " checked"));
        assert_false(contains(without, "checkbox"));
        assert_false(contains(without, "indefinite"));
    }
}

static void other_statements_say_what_is_prescribed(void **state)
{
    (void)state;
    assert_reads("confirm_share", true,
                 "U bevestigt hierbij dat MijnPGO " SERVICES " mag delen met " PROVIDER ". " PROVIDER
                 " beoordeelt of hij deze informatie opneemt in uw dossier.");
    assert_reads("confirm_share", true,
                 "Toelichting op de bevestigingsverklaring U heeft aangegeven uw persoonsgegevens en/of "
                 "informatie over uw "
                 "gezondheid met " PROVIDER " te willen uitwisselen. " PROVIDER
                 " verzoekt u te bevestigen dat u uw persoonsgegevens en/of gezondheidsinformatie van het "
                 "type " SERVICES " met hem wenst te delen. Na uw bevestiging stuurt " PROVIDER
                 " een bericht naar de leverancier van uw persoonlijke gezondheidsomgeving (MijnPGO). Hij "
                 "zorgt er dan voor "
                 "dat de informatie die u wenst te delen vanuit uw persoonlijke gezondheidsomgeving via "
                 "MedMij aan " PROVIDER " wordt toegezonden. Het is aan " PROVIDER
                 " om te beoordelen of hij de informatie die u met hem deelt ook opneemt in uw dossier.");
    assert_reads("confirm_share", true, " Bevestigingsverklaring U bevestigt hierbij");
    assert_reads("confirm_share", false,
                 "Je bevestigt hierbij dat MijnPGO " SERVICES " mag delen met " PROVIDER ".");
    assert_reads(
        "consent_subscribe", false,
        "Het gaat hierbij om meldingen over veranderingen in: Basisgegevens GGZ Huisartsgegevens Documenten "
        "Ik geef deze toestemming voor de komende 180 dagen.");
    assert_reads("consent_subscribe", false,
                 "Nadat je toestemming hebt gegeven, zal jouw PGO de zorgaanbieder vragen om de komende tijd "
                 "meldingen te geven als er iets wijzigt in de gegevens die hij over je bijhoudt. Let op!");
    assert_reads("end_subscription", false,
                 "Je wilt geen meldingen meer van " PROVIDER " over veranderingen in: " SERVICES
                 ". Wil je de meldingen stoppen?");
    for (int is_u = 0; is_u <= 1; is_u++) {
        assert_reads("confirm_share", is_u, is_u ? LOGOUT_U : LOGOUT_JE);
        assert_reads("consent_subscribe", is_u, is_u ? LOGOUT_U : LOGOUT_JE);
        assert_reads("end_subscription", is_u, is_u ? LOGOUT_U : LOGOUT_JE);
        assert_reads("end_subscription", is_u, "Meldingen stoppen Niet stoppen");
    }
}

static void no_data_names_the_reason(void **state)
{
    (void)state;
    static const char *const reasons[] = {
        PROVIDER " heeft op dit moment geen gegevens die je in je PGO kunt zetten.",
        "Je bent niet bekend als patiënt of cliënt van " PROVIDER ".",
        "Je moet 16 jaar of ouder zijn om gegevens te kunnen uitwisselen.",
        PROVIDER " kan deze gegevens van jou niet ontvangen.",
    };
    for (size_t i = 0; i < 4; i++) {
        const struct sample *sample = &samples[7 + i];
        assert_string_equal(sample->template, "no_data");
        struct str html = render(sample, false, NULL);
        for (size_t j = 0; j < 4; j++)
            assert_int_equal(contains(read_text(html), reasons[j]), i == j);
        assert_true(
            contains(html, "href=\"https://pgo.example/callback?error=access_denied&amp;state=abc\""));
    }
}

static void technical_says_what_is_prescribed(void **state)
{
    (void)state;
    static const char *const opening =
        " Technische storing Het is op dit moment niet mogelijk om toestemming te geven of aan te passen. Er "
        "wordt "
        "gewerkt aan een oplossing. Excuses voor het ongemak. Probeer het later nog eens of neem contact op "
        "met "
        "Sluis Demo, 030 123 45 67. Dit is de leverancier van het computersysteem van " PROVIDER ".";
    static const char *const ids = "Trace ID: 57510be1-73e6-4a75-9db8-ee005cced48f Session ID: "
                                   "c0e7b545-9606-4eef-bea7-75d8addaa54b";
    assert_reads("technical", false, opening);
    assert_reads("technical", false,
                 "Als je contact opneemt met Sluis Demo, heb je de volgende gegevens nodig:");
    assert_reads("technical", false, ids);
    assert_reads("technical", true, opening);
    assert_reads("technical", true,
                 "Als u contact opneemt met Sluis Demo, hebt u de volgende gegevens nodig:");
    assert_reads("technical", true, ids);
}

static void the_way_back_shows_only_when_there_is_one(void **state)
{
    (void)state;
    static const char *const pages[] = {"technical", "no_data", "problem"};
    for (size_t i = 0; i < 3; i++) {
        struct sample sample = {pages[i], {NULL}, NULL};
        struct value *context = sample_context(&sample, false, NULL);
        struct str html;
        assert_int_equal(template_render(set, pages[i], context, arena, PAGE_MAX, &html), OK);
        assert_int_equal(occurrences(html, "href=\"https://pgo.example/"), 1);
        value_put_text(arena, context, "back_url", STR_NONE);
        assert_int_equal(template_render(set, pages[i], context, arena, PAGE_MAX, &html), OK);
        assert_false(contains(html, "pgo.example"));
        assert_false(contains(html, "Terug naar"));
    }
    /* core rule of authint 1a: never a link, not even when someone passes one. */
    struct sample sample = {"error_client", {NULL}, NULL};
    assert_false(contains(render(&sample, false, NULL), "pgo.example"));
}

static void every_value_is_escaped(void **state)
{
    (void)state;
    static const char hostile[] = "<script>\"'&x\xFF</script>";
    assert_int_equal(template_unescaped_count(set), 0);
    for (size_t i = 0; i < SAMPLE_COUNT; i++) {
        for (int is_u = 0; is_u <= 1; is_u++) {
            struct str html = render(&samples[i], is_u, hostile);
            if (contains(html, "<script") || contains(html, "\"'") || contains(html, "&x") ||
                contains(html, "\xFF"))
                fail_msg("%s lets a value through", samples[i].template);
            assert_true(contains(html, "&lt;script&gt;&quot;&#39;&amp;x\uFFFD&lt;/script&gt;"));
            assert_true(str_is_utf8(html));
        }
    }
}

/* Whether `word` stands by itself in `text`, in small letters or with a capital. */
static bool has_word(struct str text, const char *word)
{
    size_t length = strlen(word);
    for (size_t i = 0; i + length <= text.length; i++) {
        bool is_start = i == 0 || !(text.data[i - 1] & 0x80 || isalpha((unsigned char)text.data[i - 1]));
        bool is_end = i + length == text.length || !isalpha((unsigned char)text.data[i + length]);
        if (is_start && is_end && strncasecmp(text.data + i, word, length) == 0)
            return true;
    }
    return false;
}

static void one_form_of_address_per_text_set(void **state)
{
    (void)state;
    static const char *const je_words[] = {"je", "jij", "jou", "jouw"}, *const u_words[] = {"u", "uw"};
    for (size_t i = 0; i < SAMPLE_COUNT; i++) {
        struct str u = read_text(render(&samples[i], true, NULL));
        struct str je = read_text(render(&samples[i], false, NULL));
        for (size_t j = 0; j < 4; j++)
            if (has_word(u, je_words[j]))
                fail_msg("%s says \"%s\" in u-1.3", samples[i].template, je_words[j]);
        for (size_t j = 0; j < 2; j++)
            if (has_word(je, u_words[j]))
                fail_msg("%s says \"%s\" in je-2.2", samples[i].template, u_words[j]);
        /* A page without a text of its own serves both sets. */
        if (samples[i].text == NULL)
            assert_true(str_equal(u, je));
        for (size_t j = 0; samples[i].text != NULL && j < 2; j++) {
            const char *text = arena_printf(arena, "%s/%s", text_sets[j], samples[i].text), *hash;
            assert_int_equal(template_hash(set, text, &hash), OK);
        }
    }
}

static bool is_void_element(struct str name)
{
    static const char *const names[] = {"meta", "link", "input", "img", "wbr", "!doctype"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (str_equal_c(name, names[i]))
            return true;
    return false;
}

/* Every element is closed, in order. Sample values hold no markup of their own. */
static void assert_balanced(const char *page, struct str html)
{
    struct str open[64];
    size_t depth = 0;
    for (size_t i = 0; i < html.length; i++) {
        if (html.data[i] != '<')
            continue;
        struct str tag = str_slice(html, i + 1, i + 1 + str_find(str_slice(html, i + 1, html.length), '>'));
        bool is_end = tag.length > 0 && tag.data[0] == '/';
        struct str name = str_slice(tag, is_end, tag.length);
        size_t length = 0;
        while (length < name.length && name.data[length] != ' ' && name.data[length] != '\n')
            length++;
        name = str_slice(name, 0, length);
        if (is_end) {
            if (depth == 0 || !str_equal(open[--depth], name))
                fail_msg("%s: </%.*s> closes nothing", page, STR_ARG(name));
        } else if (!is_void_element(name)) {
            assert_true(depth < 64);
            open[depth++] = name;
        }
    }
    assert_int_equal(depth, 0);
}

static struct str read_between(struct str html, const char *start, const char *end)
{
    const char *from = memmem(html.data, html.length, start, strlen(start));
    assert_non_null(from);
    struct str rest = str_of(from, html.length - (size_t)(from - html.data));
    const char *to = memmem(rest.data, rest.length, end, strlen(end));
    assert_non_null(to);
    return read_text(str_of(from, (size_t)(to - from)));
}

static void markup_is_sound(void **state)
{
    (void)state;
    for (size_t i = 0; i < SAMPLE_COUNT; i++) {
        for (int is_u = 0; is_u <= 1; is_u++) {
            struct str html = render(&samples[i], is_u, NULL);
            assert_true(str_starts_with(html, STR("<!doctype html>\n<html lang=\"nl\">")));
            assert_balanced(samples[i].template, html);
            assert_int_equal(occurrences(html, "<h1>"), 1);
            assert_int_equal(occurrences(html, "<title>"), 1);
            assert_int_equal(occurrences(html, "<main id=\"inhoud\">"), 1);
            assert_int_equal(occurrences(html, "<form "),
                             occurrences(html, "method=\"post\" action=\"/oauth/"));
            /* What the content security policy forbids, or what would tell others of the visit. */
            assert_false(contains(html, "<script"));
            assert_false(contains(html, " style="));
            assert_false(contains(html, "<style"));
            assert_false(contains(html, " src=\"http"));
            assert_false(contains(html, "{{"));
        }
    }
}

static void assert_titled(const struct sample *sample, bool is_u)
{
    struct str html = render(sample, is_u, NULL);
    struct str title = read_between(html, "<title>", "</title>");
    assert_true(str_starts_with(title, read_between(html, "<h1>", "</h1>")));
}

/* WCAG 2.4.2 */
static void the_title_tells_what_the_page_does(void **state)
{
    (void)state;
    static const struct sample professional[] = {
        {"sso_error", {NULL}, NULL},
        {"sso_logout", {"is_asking"}, NULL},
        {"sso_logout", {"is_done"}, NULL},
        {"sso_logout", {"is_done_everywhere"}, NULL},
        {"sso_logout", {"is_provider_failed"}, NULL},
        {"sso_logout", {"is_unknown_return"}, NULL},
        {"sso_logout", {"is_failed"}, NULL},
    };
    for (size_t i = 0; i < SAMPLE_COUNT; i++) {
        assert_titled(&samples[i], false);
        assert_titled(&samples[i], true);
    }
    for (size_t i = 0; i < sizeof professional / sizeof professional[0]; i++)
        assert_titled(&professional[i], true);
}

/* Not a check: leaves the sample pages behind for whoever asked. */
static int keep_pages(void **state)
{
    const char *folder = getenv("PAGE_DIR");
    for (size_t i = 0; i < SAMPLE_COUNT && folder != NULL; i++) {
        for (int is_u = 0; is_u <= 1; is_u++) {
            struct str html = render(&samples[i], is_u, NULL);
            FILE *file = fopen(arena_printf(arena, "%s/%02zu-%s-%s.html", folder, i, samples[i].template,
                                            text_sets[is_u ? 0 : 1]),
                               "w");
            if (file == NULL)
                return -1;
            fwrite(html.data, 1, html.length, file);
            fclose(file);
        }
    }
    return teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(landing_says_what_is_prescribed),
        cmocka_unit_test(cancelled_says_what_is_prescribed),
        cmocka_unit_test(consent_collect_says_what_is_prescribed),
        cmocka_unit_test(indefinite_is_offered_and_never_preselected),
        cmocka_unit_test(other_statements_say_what_is_prescribed),
        cmocka_unit_test(no_data_names_the_reason),
        cmocka_unit_test(technical_says_what_is_prescribed),
        cmocka_unit_test(the_way_back_shows_only_when_there_is_one),
        cmocka_unit_test(every_value_is_escaped),
        cmocka_unit_test(one_form_of_address_per_text_set),
        cmocka_unit_test(markup_is_sound),
        cmocka_unit_test(the_title_tells_what_the_page_does),
    };
    return cmocka_run_group_tests_name("html/pages", tests, setup, keep_pages);
}
