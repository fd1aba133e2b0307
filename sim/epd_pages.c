/*
 * The health record's pages: a professional logs in to the record, and opens and closes patients' records.
 */
#include "base/clock.h"
#include "base/rand.h"
#include "epd.h"
#include "facts.h"
#include "http/cookie.h"

/* ---- login page ---- */

static void login_get(void *door, const struct http_request *request, struct http_response *response)
{
    const struct sim *sim = door;
    struct arena *arena = request->arena;
    struct form form;
    struct value *context = page_context(sim, request, EPD_PART, "Wie bent u?");
    if (form_parse(arena, request->query, &form) == OK)
        value_put_text(arena, context, "request", page_field(&form, "request"));
    page_put_members(arena, context);
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

static const char *patient_name(const struct staff_patient *patient)
{
    return fact_find_person(str_from_c(patient->bsn))->name;
}

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
    struct epd_visit visit;
    if (!epd_visit_begin(sim, request, response, &visit))
        return;
    struct value *context = page_context(sim, request, EPD_PART, "Dossier van Zonnestraaltjes");
    value_put_c(arena, context, "member", staff_member_name(arena, visit.member));
    value_put_c(arena, context, "role", visit.member->role);
    value_put_bool(arena, context, "has_button", epd_has_button(sim->epd, visit.member));
    put_patients(arena, context, page_text(visit.session, "patient"));
    put_views(arena, context);
    const struct fault *fault = fault_find(str_from_c(page_text(visit.session, "fault")));
    const struct location_shape *shape = location_shape_find(str_from_c(page_text(visit.session, "shape")));
    if (fault)
        value_put_c(arena, context, "fault", fault->label);
    if (shape)
        value_put_c(arena, context, "shape", shape->label);
    page_answer(sim, response, 200, "epd_home", context);
    response->form_targets = epd_form_targets(sim, arena);
    epd_visit_end(&visit);
}

static void patient_post(void *door, const struct http_request *request, struct http_response *response)
{
    const struct sim *sim = door;
    struct form form;
    struct epd_visit visit;
    if (!epd_visit_begin(sim, request, response, &visit))
        return;
    if (page_form(request, &form) == OK) {
        const struct staff_patient *patient = staff_find_patient(page_field(&form, "open"));
        json_object_del(visit.session, "patient");
        if (patient)
            json_object_set_new(visit.session, "patient", json_string(patient->external_id));
        epd_visit_keep(&visit);
    }
    http_response_redirect(response, "/");
    epd_visit_end(&visit);
}

static const struct route routes[] = {
    {HTTP_GET, "/", home_get, ROUTE_PLAIN},
    {HTTP_GET, "/inloggen", login_get, ROUTE_PLAIN},
    {HTTP_POST, "/inloggen", login_post, ROUTE_PLAIN},
    {HTTP_POST, "/uitloggen", logout_post, ROUTE_BLOCKING},
    {HTTP_POST, "/client", patient_post, ROUTE_PLAIN},
    {HTTP_GET, "/sso", epd_start_get, ROUTE_PLAIN},
};

const struct sim_part epd_part = {"epd.localhost", routes, sizeof routes / sizeof routes[0], &epd_tests_part};
