/*
 * The health record's pages: a professional logs in to the record, opens and closes patients' records, and
 * presses the SSO button; an administrator decides who has that button; a tester chooses what goes wrong.
 */
#include "epd.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/rand.h"
#include "facts.h"
#include "http/cookie.h"
#include "oauth.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define SESSIONS_MAX 1024
#define SESSION_LIFETIME_S 43200
#define PENDING_MAX 4096
#define PENDING_LIFETIME_S 900
#define CODE_LIFETIME_S 60
#define TOKEN_LIFETIME_S 300
#define URL_BYTES_MAX ((size_t)8192)
#define CONTEXT_BYTES_MAX ((size_t)512)
#define STALE_S 600

struct epd {
    struct epd_shelves shelves;
    pthread_mutex_t lock;
    struct forge_key *key; /* both under the lock */
    struct forge_key *previous_key;
    atomic_bool has_button[EPD_MEMBERS_MAX]; /* by place in staff_members */
    atomic_int channel;                      /* enum epd_channel */
};

enum outcome epd_new(struct epd **out_epd, struct failure *failure)
{
    struct epd *epd = calloc(1, sizeof *epd);
    if (!epd)
        return failure_set(failure, "no memory");
    if (forge_key_new(&epd->key, failure) != OK) {
        free(epd);
        return FAILED;
    }
    pthread_mutex_init(&epd->lock, NULL);
    epd->shelves.sessions = shelf_new(SESSIONS_MAX, SESSION_LIFETIME_S);
    epd->shelves.pending = shelf_new(PENDING_MAX, PENDING_LIFETIME_S);
    epd->shelves.codes = shelf_new(PENDING_MAX, CODE_LIFETIME_S);
    epd->shelves.tokens = shelf_new(PENDING_MAX, TOKEN_LIFETIME_S);
    for (size_t i = 0; i < staff_member_count && i < EPD_MEMBERS_MAX; i++)
        atomic_init(&epd->has_button[i], staff_members[i].has_button);
    atomic_init(&epd->channel, EPD_CHANNEL_BACK);
    *out_epd = epd;
    return OK;
}

void epd_free(struct epd **epd)
{
    if (!*epd)
        return;
    shelf_free(&(*epd)->shelves.sessions);
    shelf_free(&(*epd)->shelves.pending);
    shelf_free(&(*epd)->shelves.codes);
    shelf_free(&(*epd)->shelves.tokens);
    forge_key_free(&(*epd)->key);
    forge_key_free(&(*epd)->previous_key);
    pthread_mutex_destroy(&(*epd)->lock);
    free(*epd);
    *epd = NULL;
}

struct epd_shelves *epd_shelves(struct epd *epd)
{
    return &epd->shelves;
}

enum epd_channel epd_channel(const struct epd *epd)
{
    return (enum epd_channel)atomic_load(&epd->channel);
}

void epd_set_channel(struct epd *epd, enum epd_channel channel)
{
    atomic_store(&epd->channel, (int)channel);
}

/* ---- keys ---- */

enum outcome epd_sign(struct epd *epd, json_t *header, const json_t *payload, struct arena *arena,
                      struct str *out_token)
{
    pthread_mutex_lock(&epd->lock);
    if (!json_object_get(header, "alg"))
        json_object_set_new(header, "alg", json_string("RS256"));
    if (!json_object_get(header, "kid"))
        json_object_set_new(header, "kid", json_string(forge_key_id(epd->key)));
    enum outcome outcome = forge_sign(epd->key, header, payload, arena, out_token);
    pthread_mutex_unlock(&epd->lock);
    return outcome;
}

enum outcome epd_rotate(struct epd *epd, struct failure *failure)
{
    struct forge_key *fresh;
    if (forge_key_new(&fresh, failure) != OK)
        return FAILED;
    pthread_mutex_lock(&epd->lock);
    struct forge_key *oldest = epd->previous_key;
    epd->previous_key = epd->key;
    epd->key = fresh;
    pthread_mutex_unlock(&epd->lock);
    forge_key_free(&oldest);
    return OK;
}

json_t *epd_key_set(struct epd *epd)
{
    json_t *keys = json_array();
    pthread_mutex_lock(&epd->lock);
    json_array_append_new(keys, forge_key_public(epd->key));
    if (epd->previous_key)
        json_array_append_new(keys, forge_key_public(epd->previous_key));
    pthread_mutex_unlock(&epd->lock);
    return json_pack("{s:o}", "keys", keys);
}

static const char *key_id(struct epd *epd, struct arena *arena)
{
    pthread_mutex_lock(&epd->lock);
    const char *id = arena_strdup(arena, forge_key_id(epd->key));
    pthread_mutex_unlock(&epd->lock);
    return id;
}

/* ---- addresses ---- */

const char *epd_issuer(const struct sim *sim, struct arena *arena)
{
    return sim_url(sim, arena, epd_part.host, "/cas/oidc");
}

const char *epd_front_url(const struct sim *sim, const struct staff_client *client)
{
    return client == staff_find_environment(STR("acceptance")) ? sim->settings.acceptance_url
                                                               : sim->settings.front_url;
}

const char *epd_start_url(const struct sim *sim, struct arena *arena, const struct staff_client *client)
{
    return arena_printf(arena, "%s/sso/openidconnect/%s", epd_front_url(sim, client), STAFF_SLUG);
}

const char *epd_form_targets(const struct sim *sim, struct arena *arena)
{
    return arena_printf(arena, "%s %s %s", sim->settings.front_url, sim->settings.acceptance_url,
                        sim_url(sim, arena, app_part.host, ""));
}

/* ---- who is here ---- */

json_t *epd_session(const struct sim *sim, const struct http_request *request, struct str *out_key)
{
    *out_key = STR_NONE;
    if (cookie_find(request->arena, page_header(request, "Cookie"), EPD_COOKIE, false, out_key) != OK)
        return NULL;
    return shelf_look(epd_shelves(sim->epd)->sessions, *out_key);
}

static size_t place_of(const struct staff_member *member)
{
    return (size_t)(member - staff_members);
}

static bool may_sso(const struct sim *sim, const struct staff_member *member)
{
    return atomic_load(&sim->epd->has_button[place_of(member)]);
}

/* The session, or NULL after an answer that sends the visitor to the login page. */
static json_t *need_session(const struct sim *sim, const struct http_request *request,
                            struct http_response *response, struct str *out_key,
                            const struct staff_member **out_member)
{
    json_t *session = epd_session(sim, request, out_key);
    *out_member = session ? staff_find_member(str_from_c(page_text(session, "member"))) : NULL;
    if (*out_member)
        return session;
    json_decref(session);
    http_response_redirect(response, "/inloggen");
    return NULL;
}

static const char *member_name(struct arena *arena, const struct staff_member *member)
{
    return arena_printf(arena, "%s %s", member->given_name, member->family_name);
}

static const char *patient_name(const struct staff_patient *patient)
{
    return fact_find_person(str_from_c(patient->bsn))->name;
}

/* ---- login page ---- */

static void login_get(void *door, const struct http_request *request, struct http_response *response)
{
    const struct sim *sim = door;
    struct arena *arena = request->arena;
    struct form form;
    struct value *context = page_context(sim, request, EPD_PART, "Wie bent u?");
    if (form_parse(arena, request->query, &form) == OK)
        value_put_text(arena, context, "request", page_field(&form, "request"));
    struct value *members = value_list(arena);
    for (size_t i = 0; i < staff_member_count; i++) {
        const struct staff_member *member = &staff_members[i];
        struct value *item = value_object(arena);
        value_put_c(arena, item, "id", member->id);
        value_put_c(arena, item, "name", member_name(arena, member));
        value_put_c(arena, item, "role", member->role);
        value_put_c(arena, item, "story", member->story);
        value_append(arena, members, item);
    }
    value_put(arena, context, "members", members);
    page_answer(sim, response, 200, "epd_login", context);
    response->form_targets = epd_form_targets(sim, arena);
}

static void login_post(void *door, const struct http_request *request, struct http_response *response)
{
    const struct sim *sim = door;
    struct arena *arena = request->arena;
    const struct epd_shelves *shelves = epd_shelves(sim->epd);
    struct form form;
    const struct staff_member *member =
        page_form(request, &form) == OK ? staff_find_member(page_field(&form, "member")) : NULL;
    if (!member) {
        page_message(sim, request, response, 400, EPD_PART, "Deze medewerker bestaat niet",
                     "Kies een medewerker op de inlogpagina.");
        return;
    }
    struct str old_key;
    json_t *old = epd_session(sim, request, &old_key);
    if (old)
        json_decref(shelf_take(shelves->sessions, old_key));
    json_decref(old);
    json_t *session = json_pack("{s:s, s:s, s:I}", "member", member->id, "sid", rand_uuid4_in(arena),
                                "auth_time", (json_int_t)clock_now());
    struct str key = shelf_put(shelves->sessions, arena, session);
    json_decref(session);
    struct str waiting = page_field(&form, "request");
    json_t *asked = waiting.length > 0 ? shelf_take(shelves->pending, waiting) : NULL;
    if (asked)
        epd_answer_request(sim, request, response, asked, key);
    else
        http_response_redirect(response, "/");
    json_decref(asked);
    http_response_header(response, "Set-Cookie", cookie_set(arena, EPD_COOKIE, key, false));
}

static void logout_post(void *door, const struct http_request *request, struct http_response *response)
{
    epd_logout_end(door, request, response, NULL, "/inloggen");
}

/* ---- the record ---- */

static void put_patients(struct arena *arena, struct value *context, const char *open)
{
    struct value *patients = value_list(arena);
    for (size_t i = 0; i < staff_patient_count; i++) {
        const struct staff_patient *patient = &staff_patients[i];
        struct value *item = value_object(arena);
        value_put_c(arena, item, "id", patient->external_id);
        value_put_c(arena, item, "name", patient_name(patient));
        value_put_c(arena, item, "department", staff_department_name(str_from_c(patient->department)));
        value_put_bool(arena, item, "is_unknown", !patient->is_in_application);
        bool is_open = strcmp(open, patient->external_id) == 0;
        value_put_bool(arena, item, "is_open", is_open);
        value_append(arena, patients, item);
        if (is_open)
            value_put_c(arena, context, "open_name", patient_name(patient));
    }
    value_put(arena, context, "patients", patients);
}

static void put_views(struct arena *arena, struct value *context)
{
    struct value *views = value_list(arena);
    for (size_t i = 0; i < staff_view_count; i++) {
        struct value *item = value_object(arena);
        value_put_c(arena, item, "name", staff_views[i].name);
        value_put_c(arena, item, "title", staff_views[i].title);
        value_append(arena, views, item);
    }
    value_put(arena, context, "views", views);
}

static void home_get(void *door, const struct http_request *request, struct http_response *response)
{
    const struct sim *sim = door;
    struct arena *arena = request->arena;
    struct str key;
    const struct staff_member *member;
    json_t *session = need_session(sim, request, response, &key, &member);
    if (!session)
        return;
    struct value *context = page_context(sim, request, EPD_PART, "Dossier van Zonnestraaltjes");
    value_put_c(arena, context, "member", member_name(arena, member));
    value_put_c(arena, context, "role", member->role);
    value_put_bool(arena, context, "has_button", may_sso(sim, member));
    put_patients(arena, context, page_text(session, "patient"));
    put_views(arena, context);
    const struct fault *fault = fault_find(str_from_c(page_text(session, "fault")));
    const struct location_shape *shape = location_shape_find(str_from_c(page_text(session, "shape")));
    if (fault)
        value_put_c(arena, context, "fault", fault->label);
    if (shape)
        value_put_c(arena, context, "shape", shape->label);
    page_answer(sim, response, 200, "epd_home", context);
    response->form_targets = epd_form_targets(sim, arena);
    json_decref(session);
}

static void patient_post(void *door, const struct http_request *request, struct http_response *response)
{
    const struct sim *sim = door;
    struct form form;
    struct str key;
    const struct staff_member *member;
    json_t *session = need_session(sim, request, response, &key, &member);
    if (!session)
        return;
    if (page_form(request, &form) == OK) {
        const struct staff_patient *patient = staff_find_patient(page_field(&form, "open"));
        json_object_del(session, "patient");
        if (patient)
            json_object_set_new(session, "patient", json_string(patient->external_id));
        shelf_replace(epd_shelves(sim->epd)->sessions, key, session);
    }
    http_response_redirect(response, "/");
    json_decref(session);
}

/* ---- the SSO button ---- */

/* The value of the parameter `bsn`; the one of before for `replay`. Empty when it could not be made. */
static struct str sealed_bsn(struct arena *arena, json_t *session, const struct staff_patient *patient,
                             struct str kind)
{
    struct str key;
    struct str sealed = STR_NONE;
    if (str_equal_c(kind, "bsn_replay") && *page_text(session, "context"))
        return str_from_c(arena_strdup(arena, page_text(session, "context")));
    if (codec_base64url_decode(arena, STR(STAFF_CONTEXT_KEY), &key) != OK)
        return STR_NONE;
    int64_t issued_at = clock_now() - (str_equal_c(kind, "bsn_stale") ? STALE_S : 0);
    struct buf plaintext = buf_new(arena, CONTEXT_BYTES_MAX);
    buf_printf(&plaintext, "{\"bsn\":\"%s\",\"iat\":%lld,\"jti\":\"%s\"}", patient->bsn, (long long)issued_at,
               rand_uuid4_in(arena));
    enum outcome outcome = str_equal_c(kind, "bsn_raw")
                               ? forge_raw(arena, key, STR(STAFF_SLUG), buf_str(&plaintext), &sealed)
                               : forge_jwe(arena, key, STAFF_CONTEXT_KID, buf_str(&plaintext), &sealed);
    if (outcome != OK)
        return STR_NONE;
    oauth_put_text(session, "context", sealed);
    return sealed;
}

static void add_parameter(struct buf *url, bool *is_first, const char *name, struct str value)
{
    if (value.length == 0)
        return;
    buf_printf(url, "%c%s=", *is_first ? '?' : '&', name);
    buf_append_url_component(url, value);
    *is_first = false;
}

static void add_patient(struct arena *arena, struct buf *url, bool *is_first, json_t *session,
                        const struct staff_patient *patient, struct str kind)
{
    if (str_equal_c(kind, "external_id"))
        add_parameter(url, is_first, "clientId", str_from_c(patient->external_id));
    else if (str_equal_c(kind, "bsn_clear"))
        add_parameter(url, is_first, "bsn", str_from_c(patient->bsn));
    else if (str_starts_with(kind, STR("bsn")))
        add_parameter(url, is_first, "bsn", sealed_bsn(arena, session, patient, kind));
}

/* Third-party-initiated login: what the start request says beside view and patient. */
static void add_extra(const struct sim *sim, struct arena *arena, struct buf *url, bool *is_first,
                      const struct staff_client *client, const struct staff_member *member, struct str kind)
{
    if (str_equal_c(kind, "iss"))
        add_parameter(url, is_first, "iss", str_from_c(epd_issuer(sim, arena)));
    else if (str_equal_c(kind, "iss_wrong"))
        add_parameter(url, is_first, "iss", STR("https://epd.example"));
    else if (str_equal_c(kind, "login_hint"))
        add_parameter(url, is_first, "login_hint", str_from_c(member->id));
    else if (str_equal_c(kind, "target"))
        add_parameter(
            url, is_first, "target_link_uri",
            str_from_c(arena_printf(arena, "%s?view=werklijst", epd_start_url(sim, arena, client))));
    else if (str_equal_c(kind, "target_wrong"))
        add_parameter(url, is_first, "target_link_uri", STR("https://evil.example/"));
    else if (str_equal_c(kind, "unknown"))
        add_parameter(url, is_first, "kleur", STR("oranje"));
}

static void sso_get(void *door, const struct http_request *request, struct http_response *response)
{
    const struct sim *sim = door;
    struct arena *arena = request->arena;
    struct form form;
    struct str key;
    const struct staff_member *member;
    json_t *session = need_session(sim, request, response, &key, &member);
    if (!session)
        return;
    const struct staff_client *client = NULL;
    if (form_parse(arena, request->query, &form) == OK)
        client = staff_find_environment(page_field(&form, "environment"));
    if (!may_sso(sim, member)) {
        page_message(sim, request, response, 403, EPD_PART, "U hebt deze knop niet",
                     "De beheerder van het dossier heeft de knop niet voor u aangezet.");
    } else if (!client) {
        page_message(sim, request, response, 400, EPD_PART, "Kies een omgeving",
                     "Productie of acceptatie: er is voor allebei een koppeling.");
    } else {
        bool is_first = true;
        struct buf url = buf_new(arena, URL_BYTES_MAX);
        const struct staff_patient *patient = staff_find_patient(str_from_c(page_text(session, "patient")));
        buf_append_c(&url, epd_start_url(sim, arena, client));
        add_parameter(&url, &is_first, "view", page_field(&form, "view"));
        if (patient)
            add_patient(arena, &url, &is_first, session, patient, page_field(&form, "context"));
        add_extra(sim, arena, &url, &is_first, client, member, page_field(&form, "extra"));
        shelf_replace(epd_shelves(sim->epd)->sessions, key, session);
        http_response_redirect(response, buf_c(&url));
    }
    json_decref(session);
}

/* ---- administration and tests ---- */

static void put_faults(struct arena *arena, struct value *context)
{
    static const char *const stages[] = {"errors", "responses", "tokens", "id_tokens", "userinfos"};
    struct value *lists[sizeof stages / sizeof stages[0]];
    for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++) {
        lists[i] = value_list(arena);
        value_put(arena, context, stages[i], lists[i]);
    }
    for (size_t i = 0; i < fault_count; i++) {
        struct value *item = value_object(arena);
        value_put_c(arena, item, "key", faults[i].key);
        value_put_c(arena, item, "label", faults[i].label);
        value_put_c(arena, item, "code",
                    faults[i].code ? arena_printf(arena, "%d", faults[i].code) : "geen fout");
        value_append(arena, lists[faults[i].stage], item);
    }
    struct value *shapes = value_list(arena);
    for (size_t i = 0; i < location_shape_count; i++) {
        struct value *item = value_object(arena);
        value_put_c(arena, item, "key", location_shapes[i].key);
        value_put_c(arena, item, "label", location_shapes[i].label);
        value_append(arena, shapes, item);
    }
    value_put(arena, context, "shapes", shapes);
}

static void tests_get(void *door, const struct http_request *request, struct http_response *response)
{
    const struct sim *sim = door;
    struct arena *arena = request->arena;
    struct str key;
    const struct staff_member *member;
    json_t *session = need_session(sim, request, response, &key, &member);
    if (!session)
        return;
    struct value *context = page_context(sim, request, EPD_PART, "Beheer en misdragingen");
    struct value *members = value_list(arena);
    for (size_t i = 0; i < staff_member_count; i++) {
        struct value *item = value_object(arena);
        value_put_c(arena, item, "id", staff_members[i].id);
        value_put_c(arena, item, "name", member_name(arena, &staff_members[i]));
        value_put_bool(arena, item, "has_button", may_sso(sim, &staff_members[i]));
        value_append(arena, members, item);
    }
    value_put(arena, context, "members", members);
    value_put_c(arena, context, "kid", key_id(sim->epd, arena));
    value_put_c(arena, context, "sid", page_text(session, "sid"));
    value_put_c(arena, context, "subject", member->subject);
    value_put_bool(arena, context, "is_back", epd_channel(sim->epd) == EPD_CHANNEL_BACK);
    value_put_bool(arena, context, "is_front", epd_channel(sim->epd) == EPD_CHANNEL_FRONT);
    put_faults(arena, context);
    page_answer(sim, response, 200, "epd_tests", context);
    json_decref(session);
}

static void fault_post(void *door, const struct http_request *request, struct http_response *response)
{
    const struct sim *sim = door;
    struct form form;
    struct str key;
    const struct staff_member *member;
    json_t *session = need_session(sim, request, response, &key, &member);
    if (!session)
        return;
    if (page_form(request, &form) == OK) {
        const struct fault *fault = fault_find(page_field(&form, "fault"));
        const struct location_shape *shape = location_shape_find(page_field(&form, "shape"));
        json_object_del(session, "fault");
        json_object_del(session, "shape");
        if (fault)
            json_object_set_new(session, "fault", json_string(fault->key));
        if (shape && shape != &location_shapes[0])
            json_object_set_new(session, "shape", json_string(shape->key));
        shelf_replace(epd_shelves(sim->epd)->sessions, key, session);
    }
    http_response_redirect(response, "/");
    json_decref(session);
}

static void button_post(void *door, const struct http_request *request, struct http_response *response)
{
    const struct sim *sim = door;
    struct form form;
    const struct staff_member *member =
        page_form(request, &form) == OK ? staff_find_member(page_field(&form, "member")) : NULL;
    if (member)
        atomic_store(&sim->epd->has_button[place_of(member)],
                     str_equal_c(page_field(&form, "button"), "yes"));
    http_response_redirect(response, "/beheer");
}

static void key_post(void *door, const struct http_request *request, struct http_response *response)
{
    const struct sim *sim = door;
    struct failure failure = {0};
    if (epd_rotate(sim->epd, &failure) == OK)
        http_response_redirect(response, "/beheer");
    else
        page_message(sim, request, response, 500, EPD_PART, "Er kwam geen nieuwe sleutel",
                     "De oude sleutel is nog in gebruik.");
}

static const struct route routes[] = {
    {HTTP_GET, "/", home_get, ROUTE_PLAIN},
    {HTTP_GET, "/inloggen", login_get, ROUTE_PLAIN},
    {HTTP_POST, "/inloggen", login_post, ROUTE_PLAIN},
    {HTTP_POST, "/uitloggen", logout_post, ROUTE_BLOCKING},
    {HTTP_POST, "/client", patient_post, ROUTE_PLAIN},
    {HTTP_GET, "/sso", sso_get, ROUTE_PLAIN},
    {HTTP_GET, "/beheer", tests_get, ROUTE_PLAIN},
    {HTTP_POST, "/misdraging", fault_post, ROUTE_PLAIN},
    {HTTP_POST, "/knop", button_post, ROUTE_PLAIN},
    {HTTP_POST, "/sleutel", key_post, ROUTE_PLAIN},
};

const struct sim_part epd_part = {"epd.localhost", routes, sizeof routes / sizeof routes[0], &epd_idp_part};
