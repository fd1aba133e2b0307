/*
 * Administration and tests: who has the SSO button, which key signs, and what goes wrong at the next login.
 */
#include "epd.h"

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
    struct epd_visit visit;
    if (!epd_visit_begin(sim, request, response, &visit))
        return;
    struct value *context = page_context(sim, request, EPD_PART, "Beheer en misdragingen");
    struct value *members = value_list(arena);
    for (size_t i = 0; i < staff_member_count; i++) {
        struct value *item = value_object(arena);
        value_put_c(arena, item, "id", staff_members[i].id);
        value_put_c(arena, item, "name", staff_member_name(arena, &staff_members[i]));
        value_put_bool(arena, item, "has_button", epd_has_button(sim->epd, &staff_members[i]));
        value_append(arena, members, item);
    }
    value_put(arena, context, "members", members);
    value_put_c(arena, context, "kid", epd_key_id(sim->epd, arena));
    value_put_c(arena, context, "sid", page_text(visit.session, "sid"));
    value_put_c(arena, context, "subject", visit.member->subject);
    value_put_bool(arena, context, "is_back", epd_channel(sim->epd) == EPD_CHANNEL_BACK);
    value_put_bool(arena, context, "is_front", epd_channel(sim->epd) == EPD_CHANNEL_FRONT);
    put_faults(arena, context);
    page_answer(sim, response, 200, "epd_tests", context);
    epd_visit_end(&visit);
}

static void fault_post(void *door, const struct http_request *request, struct http_response *response)
{
    const struct sim *sim = door;
    struct form form;
    struct epd_visit visit;
    if (!epd_visit_begin(sim, request, response, &visit))
        return;
    if (page_form(request, &form) == OK) {
        const struct fault *fault = fault_find(page_field(&form, "fault"));
        const struct location_shape *shape = location_shape_find(page_field(&form, "shape"));
        json_object_del(visit.session, "fault");
        json_object_del(visit.session, "shape");
        if (fault)
            json_object_set_new(visit.session, "fault", json_string(fault->key));
        if (shape && shape != &location_shapes[0])
            json_object_set_new(visit.session, "shape", json_string(shape->key));
        epd_visit_keep(&visit);
    }
    http_response_redirect(response, "/");
    epd_visit_end(&visit);
}

static void button_post(void *door, const struct http_request *request, struct http_response *response)
{
    const struct sim *sim = door;
    struct form form;
    const struct staff_member *member =
        page_form(request, &form) == OK ? staff_find_member(page_field(&form, "member")) : NULL;
    if (member)
        epd_set_button(sim->epd, member, str_equal_c(page_field(&form, "button"), "yes"));
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
    {HTTP_GET, "/beheer", tests_get, ROUTE_PLAIN},
    {HTTP_POST, "/misdraging", fault_post, ROUTE_PLAIN},
    {HTTP_POST, "/knop", button_post, ROUTE_PLAIN},
    {HTTP_POST, "/sleutel", key_post, ROUTE_PLAIN},
};

const struct sim_part epd_tests_part = {"epd.localhost", routes, sizeof routes / sizeof routes[0],
                                        &epd_idp_part};
