/*
 * The SSO button: the start request to Sluis (spec 2.2), with the view, the open patient in the form that the
 * tester chose (spec 2.14), and what third-party-initiated login adds, right or wrong.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/rand.h"
#include "epd.h"
#include "oauth.h"

#define URL_BYTES_MAX ((size_t)8192)
#define CONTEXT_BYTES_MAX ((size_t)512)
#define STALE_S 600

/* A start request under construction. */
struct start {
    const struct epd_visit *visit;
    const struct staff_client *client;
    struct arena *arena;
    struct buf url;
    bool has_parameter;
};

static void add_parameter(struct start *start, const char *name, struct str value)
{
    if (value.length == 0)
        return;
    buf_printf(&start->url, "%c%s=", start->has_parameter ? '&' : '?', name);
    buf_append_url_component(&start->url, value);
    start->has_parameter = true;
}

/* The value of the parameter `bsn`; the one of before for `replay`. Empty when it could not be made. */
static struct str sealed_bsn(const struct start *start, const struct staff_patient *patient, struct str kind)
{
    struct str key;
    struct str sealed = STR_NONE;
    json_t *session = start->visit->session;
    if (str_equal_c(kind, "bsn_replay") && *page_text(session, "context"))
        return str_from_c(arena_strdup(start->arena, page_text(session, "context")));
    if (codec_base64url_decode(start->arena, STR(STAFF_CONTEXT_KEY), &key) != OK)
        return STR_NONE;
    int64_t issued_at = clock_now() - (str_equal_c(kind, "bsn_stale") ? STALE_S : 0);
    struct buf plaintext = buf_new(start->arena, CONTEXT_BYTES_MAX);
    buf_printf(&plaintext, "{\"bsn\":\"%s\",\"iat\":%lld,\"jti\":\"%s\"}", patient->bsn, (long long)issued_at,
               rand_uuid4_in(start->arena));
    enum outcome outcome =
        str_equal_c(kind, "bsn_raw")
            ? forge_raw(start->arena, key, STR(STAFF_SLUG), buf_str(&plaintext), &sealed)
            : forge_jwe(start->arena, key, STAFF_CONTEXT_KID, buf_str(&plaintext), &sealed);
    if (outcome != OK)
        return STR_NONE;
    oauth_put_text(session, "context", sealed);
    return sealed;
}

static void add_patient(struct start *start, const struct staff_patient *patient, struct str kind)
{
    if (str_equal_c(kind, "external_id"))
        add_parameter(start, "clientId", str_from_c(patient->external_id));
    else if (str_equal_c(kind, "bsn_clear"))
        add_parameter(start, "bsn", str_from_c(patient->bsn));
    else if (str_starts_with(kind, STR("bsn")))
        add_parameter(start, "bsn", sealed_bsn(start, patient, kind));
}

/* Third-party-initiated login: what the start request says beside view and patient. */
static void add_extra(struct start *start, struct str kind)
{
    const struct epd_visit *visit = start->visit;
    if (str_equal_c(kind, "iss"))
        add_parameter(start, "iss", str_from_c(epd_issuer(visit->sim, start->arena)));
    else if (str_equal_c(kind, "iss_wrong"))
        add_parameter(start, "iss", STR("https://epd.example"));
    else if (str_equal_c(kind, "login_hint"))
        add_parameter(start, "login_hint", str_from_c(visit->member->id));
    else if (str_equal_c(kind, "target"))
        add_parameter(start, "target_link_uri",
                      str_from_c(arena_printf(start->arena, "%s?view=werklijst",
                                              epd_start_url(visit->sim, start->arena, start->client))));
    else if (str_equal_c(kind, "target_wrong"))
        add_parameter(start, "target_link_uri", STR("https://evil.example/"));
    else if (str_equal_c(kind, "unknown"))
        add_parameter(start, "kleur", STR("oranje"));
}

static void go_to_sluis(struct epd_visit *visit, const struct staff_client *client, const struct form *form)
{
    struct arena *arena = visit->request->arena;
    struct start start = {visit, client, arena, buf_new(arena, URL_BYTES_MAX), false};
    const struct staff_patient *patient =
        staff_find_patient(str_from_c(page_text(visit->session, "patient")));
    buf_append_c(&start.url, epd_start_url(visit->sim, arena, client));
    add_parameter(&start, "view", page_field(form, "view"));
    if (patient)
        add_patient(&start, patient, page_field(form, "context"));
    add_extra(&start, page_field(form, "extra"));
    epd_visit_keep(visit);
    http_response_redirect(visit->response, buf_c(&start.url));
}

void epd_start_get(void *door, const struct http_request *request, struct http_response *response)
{
    const struct sim *sim = door;
    struct form form;
    struct epd_visit visit;
    if (!epd_visit_begin(sim, request, response, &visit))
        return;
    const struct staff_client *client = NULL;
    if (form_parse(request->arena, request->query, &form) == OK)
        client = staff_find_environment(page_field(&form, "environment"));
    if (!epd_has_button(sim->epd, visit.member))
        page_message(sim, request, response, 403, EPD_PART, "U hebt deze knop niet",
                     "De beheerder van het dossier heeft de knop niet voor u aangezet.");
    else if (!client)
        page_message(sim, request, response, 400, EPD_PART, "Kies een omgeving",
                     "Productie of acceptatie: er is voor allebei een koppeling.");
    else
        go_to_sluis(&visit, client, &form);
    epd_visit_end(&visit);
}
