/*
 * The target application behind Sluis. It learns who is signed in from a one-time code that it exchanges on
 * Sluis' internal listener, or from X-SSO-* headers that a proxy set after asking Sluis (it believes those of
 * anyone: it is a simulator). Its pages show what came, and refuse what the permissions do not allow.
 *
 * A session is what Sluis answers, a JSON object: user, display_name, connection, environment, groups,
 * permissions ("code" or "code@department"), locations, view (the path to land on), patient ({reference,
 * kind, value} or null), limited, warnings (codes), banner (to be shown on the landing page, or null),
 * expires (seconds). Behind a proxy the patient is asked for by the reference in the path. A page about a
 * patient is at /<view>/<reference>, one about a department at /<view>/<department>.
 */
#include "app_sluis.h"
#include "base/clock.h"
#include "epd.h"
#include "facts.h"
#include "http/cookie.h"
#include "page.h"
#include "shelf.h"
#include "staff.h"

#include <stdlib.h>

#define PART "Doelapplicatie"
#define COOKIE "app_s"
#define SESSIONS_MAX 1024
#define SESSION_LIFETIME_S 43200
#define CODE_BYTES_MAX ((size_t)1024)

struct app {
    struct shelf *sessions;
};

enum outcome app_new(struct app **out_app, struct failure *failure)
{
    struct app *app = calloc(1, sizeof *app);
    if (!app)
        return failure_set(failure, "no memory");
    app->sessions = shelf_new(SESSIONS_MAX, SESSION_LIFETIME_S);
    *out_app = app;
    return OK;
}

void app_free(struct app **app)
{
    if (!*app)
        return;
    shelf_free(&(*app)->sessions);
    free(*app);
    *app = NULL;
}

/* ---- who is signed in ---- */

/* A header's value without the percent-encoding that lets any name through a proxy. */
static json_t *decoded(struct arena *arena, struct str text)
{
    struct str plain;
    if (form_decode_percent(arena, text, &plain) != OK)
        return json_null();
    return json_stringn(plain.data ? plain.data : "", plain.length);
}

/* "a,b" or "a b" as a JSON list. */
static json_t *list_of(struct arena *arena, struct str text, char separator)
{
    json_t *list = json_array();
    struct str part;
    while (str_split_next(&text, separator, &part)) {
        part = str_trim(part);
        if (part.length > 0)
            json_array_append_new(list, decoded(arena, part));
    }
    return list;
}

static json_t *session_from_headers(const struct http_request *request)
{
    static const struct {
        const char *header;
        const char *member;
    } texts[] = {
        {"X-SSO-User", "user"},
        {"X-SSO-Name", "display_name"},
        {"X-SSO-Connection", "connection"},
        {"X-SSO-Environment", "environment"},
    };
    struct arena *arena = request->arena;
    if (page_header(request, "X-SSO-User").length == 0)
        return NULL;
    json_t *session = json_object();
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct str value = page_header(request, texts[i].header);
        if (value.length > 0)
            json_object_set_new(session, texts[i].member, decoded(arena, value));
    }
    json_object_set_new(session, "groups", list_of(arena, page_header(request, "X-SSO-Groups"), ','));
    json_object_set_new(session, "permissions",
                        list_of(arena, page_header(request, "X-SSO-Permissions"), ' '));
    json_object_set_new(session, "locations", list_of(arena, page_header(request, "X-SSO-Locations"), ','));
    json_object_set_new(session, "limited",
                        json_boolean(str_equal_c(page_header(request, "X-SSO-Limited"), "true")));
    json_object_set_new(session, "via", json_string("proxy"));
    return session;
}

static json_t *find_session(const struct sim *sim, const struct http_request *request, struct str *out_key)
{
    *out_key = STR_NONE;
    json_t *session = session_from_headers(request);
    if (session)
        return session;
    if (cookie_find(request->arena, page_header(request, "Cookie"), COOKIE, false, out_key) != OK)
        return NULL;
    session = shelf_look(sim->app->sessions, *out_key);
    const json_t *expires = json_object_get(session, "expires");
    if (json_is_integer(expires) && json_integer_value(expires) <= clock_now()) {
        json_decref(session);
        return NULL;
    }
    return session;
}

/* ---- permissions ---- */

/* Has the session `permission`, for `department` (NULL = for any at all)? */
static bool has_permission(const json_t *session, const char *permission, const char *department)
{
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(session, "permissions"), i, item)
    {
        struct str text = str_from_c(json_string_value(item));
        size_t at = str_find(text, '@');
        if (!str_equal_c(str_slice(text, 0, at), permission))
            continue;
        if (at == text.length || !department || str_equal_c(str_slice(text, at + 1, text.length), department))
            return true;
    }
    return false;
}

static bool may_use(const json_t *session, const struct staff_view *view)
{
    return !view->permission || has_permission(session, view->permission, NULL);
}

/* ---- hand-over ---- */

static void refuse(const struct sim *sim, const struct http_request *request, struct http_response *response,
                   int status, const char *text)
{
    struct value *context = page_context(sim, request, PART, "U bent niet ingelogd");
    value_put_c(request->arena, context, "text", text);
    page_answer(sim, response, status, "app_refused", context);
}

static void enter_get(void *door, const struct http_request *request, struct http_response *response)
{
    const struct sim *sim = door;
    struct arena *arena = request->arena;
    struct form form;
    struct str code = STR_NONE;
    if (form_parse(arena, request->query, &form) == OK)
        code = page_field(&form, "code");
    if (code.length == 0 || code.length > CODE_BYTES_MAX) {
        refuse(sim, request, response, 400, "Er kwam geen overdrachtscode mee.");
        return;
    }
    json_t *session = app_exchange_code(sim, arena, code);
    if (!session) {
        refuse(sim, request, response, 403,
               "De overdrachtscode is al gebruikt of verlopen. Begin opnieuw in het dossier.");
        return;
    }
    struct str key = shelf_put(sim->app->sessions, arena, session);
    struct str landing = str_from_c(page_text(session, "view"));
    bool is_ours = landing.length > 0 && landing.data[0] == '/' && str_is_printable_ascii(landing) &&
                   (landing.length == 1 || (landing.data[1] != '/' && landing.data[1] != '\\'));
    http_response_redirect(response, is_ours ? arena_strdup(arena, landing.data) : "/");
    http_response_header(response, "Set-Cookie", cookie_set(arena, COOKIE, key, false));
    json_decref(session);
}

/* ---- pages ---- */

static void put_list(struct arena *arena, struct value *context, const char *name, const json_t *list)
{
    struct value *values = value_list(arena);
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item)
    {
        const char *text = json_is_string(item) ? json_string_value(item) : page_text(item, "name");
        value_append(arena, values, value_text(arena, str_from_c(arena_strdup(arena, text))));
    }
    value_put(arena, context, name, values);
}

static void put_facts(struct arena *arena, struct value *context, const json_t *session)
{
    static const char *const texts[] = {"user", "display_name", "connection", "environment", "view", "via"};
    static const char *const lists[] = {"groups", "permissions", "locations"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        /* Under its own name: page_context has a title, a part and links of other names. */
        value_put_c(arena, context, texts[i], arena_strdup(arena, page_text(session, texts[i])));
    }
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        put_list(arena, context, lists[i], json_object_get(session, lists[i]));
    const json_t *patient = json_object_get(session, "patient");
    if (json_is_object(patient))
        value_put_c(arena, context, "patient_kind",
                    strcmp(page_text(patient, "kind"), "bsn") == 0 ? "met BSN" : "met cliëntnummer");
    const json_t *expires = json_object_get(session, "expires");
    if (json_is_integer(expires)) {
        char *text = arena_alloc(arena, CLOCK_TEXT_SIZE);
        clock_format_ms(json_integer_value(expires) * 1000, text);
        value_put_c(arena, context, "expires", text);
    }
}

/* The patient that Sluis named; NULL when this application does not know that one. */
static const struct staff_patient *find_patient(const json_t *patient)
{
    const struct staff_patient *found = NULL;
    struct str value = str_from_c(page_text(patient, "value"));
    if (strcmp(page_text(patient, "kind"), "external_id") == 0)
        found = staff_find_patient(value);
    else if (strcmp(page_text(patient, "kind"), "bsn") == 0)
        found = staff_find_patient_by_bsn(value);
    return found && found->is_in_application ? found : NULL;
}

/* What this application makes of the patient of a page. */
struct opened {
    json_t *patient; /* as Sluis told; NULL = none. New reference */
    const struct staff_patient *found;
    const char *notice; /* NULL = the patient may be seen */
    bool is_stopped;    /* the main menu, with the notice */
};

/* By the hand-over, or behind a proxy by asking; `reference` is what the path says. */
static enum outcome learn_patient(const struct sim *sim, struct arena *arena, const json_t *session,
                                  struct str reference, json_t **out_patient)
{
    json_t *patient = json_object_get(session, "patient");
    *out_patient = json_is_object(patient) ? json_incref(patient) : NULL;
    if (*out_patient != NULL)
        return OK;
    if (strcmp(page_text(session, "via"), "proxy") != 0 || reference.length == 0)
        return ABSENT;
    return app_ask_patient(sim, arena, reference, str_from_c(page_text(session, "user")), out_patient);
}

/* 806, 807: what is found is told to Sluis, so that it stands in the log of the login. */
static void judge_patient(const struct sim *sim, struct arena *arena, const json_t *session,
                          const struct staff_view *view, struct opened *opened)
{
    struct str reference = str_from_c(page_text(opened->patient, "reference"));
    opened->found = find_patient(opened->patient);
    if (!opened->found) {
        opened->notice = "Onbekende cliënt.";
        app_report_landing(sim, arena, reference, "unknown", NULL);
    } else if (!has_permission(session, view->permission, opened->found->department)) {
        opened->notice = "U hebt onvoldoende rechten voor deze cliënt.";
        app_report_landing(sim, arena, reference, "forbidden",
                           arena_printf(arena, "app-%zu", (size_t)(opened->found - staff_patients) + 1));
    } else {
        app_report_landing(sim, arena, reference, "found", NULL);
    }
    opened->is_stopped = opened->notice != NULL;
}

static struct opened open_patient(const struct sim *sim, struct arena *arena, const json_t *session,
                                  const struct staff_view *view, struct str reference)
{
    struct opened opened = {0};
    if (!view->needs_patient)
        return opened;
    switch (learn_patient(sim, arena, session, reference, &opened.patient)) {
    case OK:
        /* The reference must be the one that Sluis gave out, or nothing. */
        if (reference.length == 0 || str_equal_c(reference, page_text(opened.patient, "reference")))
            judge_patient(sim, arena, session, view, &opened);
        else
            opened.notice = "Onbekende cliënt.";
        break;
    case ABSENT:
        opened.notice = "Open eerst een cliënt in het dossier.";
        break;
    case FAILED:
        opened.notice = "Cliënt kon niet worden geopend";
        opened.is_stopped = true;
        break;
    }
    return opened;
}

static void put_patient(struct arena *arena, struct value *context, const struct opened *opened)
{
    value_put_c(arena, context, "patient_name", fact_find_person(str_from_c(opened->found->bsn))->name);
    value_put_c(arena, context, "patient_department",
                staff_department_name(str_from_c(opened->found->department)));
    value_put_bool(arena, context, "is_patient_shown", true);
}

/* What Sluis said about the login, on the page that it led to. */
static const char *banner_of(const struct http_request *request, const json_t *session)
{
    const char *banner = page_text(session, "banner");
    return *banner && str_equal_c(request->path, page_text(session, "view")) ? banner : NULL;
}

static void put_departments(struct arena *arena, struct value *context, const json_t *session,
                            const struct staff_view *view, struct str chosen)
{
    static const char *const departments[] = {"oost", "west", "linde"};
    if (!view->is_by_department)
        return;
    struct value *list = value_list(arena);
    for (size_t i = 0; i < sizeof departments / sizeof departments[0]; i++) {
        struct str department = str_from_c(departments[i]);
        bool is_asked = chosen.length == 0 || str_equal(chosen, department);
        if (!is_asked || !has_permission(session, view->permission, departments[i]))
            continue;
        struct value *item = value_object(arena);
        value_put_text(arena, item, "id", department);
        value_put_c(arena, item, "name", staff_department_name(department));
        value_put_c(arena, item, "view", view->name);
        value_append(arena, list, item);
    }
    value_put(arena, context, "departments", list);
    value_put_bool(arena, context, "is_by_department", true);
}

/* Two views lead to medication status: one row in the menu, and AMO stands on its own. */
static bool is_in_menu(const struct staff_view *view)
{
    struct str name = str_from_c(view->name);
    return !str_equal_c(name, "default") && !str_equal_c(name, "medicatiestatus") &&
           !str_starts_with(name, STR("amo"));
}

static void put_menu(struct arena *arena, struct value *context, const json_t *session)
{
    struct value *menu = value_list(arena);
    for (size_t i = 0; i < staff_view_count; i++) {
        const struct staff_view *view = &staff_views[i];
        if (!is_in_menu(view) || !may_use(session, view))
            continue;
        struct value *item = value_object(arena);
        value_put_c(arena, item, "name", view->name);
        value_put_c(arena, item, "title", view->title);
        value_append(arena, menu, item);
    }
    value_put(arena, context, "menu", menu);
}

static void show_view(const struct sim *sim, const struct http_request *request,
                      struct http_response *response, const struct staff_view *view, struct str detail)
{
    struct arena *arena = request->arena;
    struct str key;
    json_t *session = find_session(sim, request, &key);
    if (!session) {
        refuse(sim, request, response, 401, "Begin in het dossier en kies daar de SSO-knop.");
        return;
    }
    struct opened opened = {0};
    bool is_allowed = may_use(session, view);
    if (is_allowed)
        opened = open_patient(sim, arena, session, view, detail);
    const struct staff_view *shown = opened.is_stopped ? staff_find_view(STR("default")) : view;
    const char *notice = is_allowed ? opened.notice : "U hebt geen recht op deze pagina.";
    if (!notice)
        notice = banner_of(request, session);
    struct value *context = page_context(sim, request, PART, shown->title);
    value_put_c(arena, context, "text", shown->text);
    if (notice)
        value_put_c(arena, context, "notice", arena_strdup(arena, notice));
    put_facts(arena, context, session);
    put_menu(arena, context, session);
    value_put_bool(arena, context, "has_menu", !json_is_true(json_object_get(session, "limited")));
    if (is_allowed)
        put_departments(arena, context, session, shown, detail);
    if (opened.found && !opened.notice)
        put_patient(arena, context, &opened);
    page_answer(sim, response, is_allowed ? 200 : 403, "app_view", context);
    response->form_targets = epd_form_targets(sim, request->arena);
    json_decref(opened.patient);
    json_decref(session);
}

static void home_get(void *door, const struct http_request *request, struct http_response *response)
{
    show_view(door, request, response, staff_find_view(STR("default")), STR_NONE);
}

static void view_get(void *door, const struct http_request *request, struct http_response *response)
{
    size_t slash = str_find(request->path_tail, '/');
    struct str detail = str_slice(request->path_tail, slash + 1, request->path_tail.length);
    const struct staff_view *view = staff_find_view(str_slice(request->path_tail, 0, slash));
    if (view)
        show_view(door, request, response, view, detail);
    else
        page_message(door, request, response, 404, PART, "Deze pagina bestaat niet",
                     "Ga terug naar het hoofdmenu van de doelapplicatie.");
}

/* Where Sluis asks whether to log out there as well; of the environment that the session came from. */
static const char *sluis_logout_url(const struct sim *sim, struct arena *arena, const json_t *session)
{
    const struct staff_client *client = staff_find_environment(str_from_c(page_text(session, "environment")));
    return arena_printf(arena, "%s/sso/logout",
                        client != NULL ? epd_front_url(sim, client) : sim->settings.front_url);
}

static void leave_post(void *door, const struct http_request *request, struct http_response *response)
{
    const struct sim *sim = door;
    struct str key;
    struct form form;
    bool is_sluis_meant = page_form(request, &form) == OK && str_equal_c(page_field(&form, "where"), "sluis");
    json_t *session = find_session(sim, request, &key);
    if (session)
        json_decref(shelf_take(sim->app->sessions, key));
    if (is_sluis_meant)
        http_response_redirect(response, sluis_logout_url(sim, request->arena, session));
    else
        page_message(sim, request, response, 200, PART, "U bent uitgelogd",
                     "Alleen deze applicatie is gesloten. In het dossier bent u nog ingelogd.");
    json_decref(session);
    http_response_header(response, "Set-Cookie", cookie_clear(request->arena, COOKIE, false));
}

static const struct route routes[] = {
    {HTTP_GET, "/", home_get, ROUTE_PLAIN},
    {HTTP_GET, "/sso", enter_get, ROUTE_BLOCKING},
    {HTTP_POST, "/uitloggen", leave_post, ROUTE_PLAIN},
    {HTTP_GET, "/*", view_get, ROUTE_BLOCKING},
};

const struct sim_part app_part = {"app.localhost", routes, sizeof routes / sizeof routes[0], NULL};
