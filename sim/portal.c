/*
 * The start page at plain localhost: where to click, who the test persons are.
 */
#include "facts.h"
#include "page.h"

static void home_get(void *door, const struct http_request *request, struct http_response *response)
{
    const struct sim *sim = door;
    struct arena *arena = request->arena;
    struct value *context = page_context(sim, request, "Startpagina", "Welkom bij de demo van Sluis");
    page_put_persons(arena, context);
    page_put_members(arena, context);
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
