/*
 * The start page at plain localhost: where to click, who the test persons are.
 */
#include "facts.h"
#include "page.h"
#include "staff.h"

static void home_get(void *door, const struct http_request *request, struct http_response *response)
{
    const struct sim *sim = door;
    struct arena *arena = request->arena;
    struct value *context = page_context(sim, request, "Startpagina", "Welkom bij de demo van Sluis");
    struct value *persons = value_list(arena);
    for (size_t i = 0; i < fact_person_count; i++) {
        struct value *person = value_object(arena);
        value_put_c(arena, person, "name", fact_persons[i].name);
        value_put_c(arena, person, "bsn", fact_persons[i].bsn);
        value_put_c(arena, person, "age", arena_printf(arena, "%d", fact_persons[i].age));
        value_put_c(arena, person, "story", fact_persons[i].story);
        value_append(arena, persons, person);
    }
    value_put(arena, context, "persons", persons);
    struct value *members = value_list(arena);
    for (size_t i = 0; i < staff_member_count; i++) {
        const struct staff_member *member = &staff_members[i];
        struct value *item = value_object(arena);
        value_put_c(arena, item, "name",
                    arena_printf(arena, "%s %s", member->given_name, member->family_name));
        value_put_c(arena, item, "role", member->role);
        value_put_c(arena, item, "story", member->story);
        value_append(arena, members, item);
    }
    value_put(arena, context, "members", members);
    page_answer(sim, response, 200, "portal", context);
}

static void privacy_get(void *door, const struct http_request *request, struct http_response *response)
{
    const struct fact_provider *provider = fact_find_provider(request->path_tail);
    if (!provider) {
        page_message(door, request, response, 404, "Startpagina", "Deze pagina bestaat niet",
                     "Deze zorgaanbieder doet niet mee in de demo.");
        return;
    }
    page_message(door, request, response, 200, provider->display_name, "Privacyverklaring",
                 "Deze zorgaanbieder bestaat niet echt. Hier zou staan hoe hij met je gegevens omgaat.");
}

static const struct route portal_routes[] = {
    {HTTP_GET, "/", home_get, ROUTE_PLAIN},
    {HTTP_GET, "/privacy/*", privacy_get, ROUTE_PLAIN},
};

const struct sim_part portal_part = {"localhost", portal_routes,
                                     sizeof portal_routes / sizeof portal_routes[0], NULL};
