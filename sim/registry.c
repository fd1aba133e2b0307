/*
 * The registry part: the four MedMij lists (spec 7), made from the facts at every request. Volgnummer is the
 * second in which the simulator started, so that it never goes back between runs.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "facts.h"
#include "html/escape.h"
#include "page.h"

#define LIST_BYTES_MAX ((size_t)256 * 1024)
#define NAMESPACE "xmlns://afsprakenstelsel.medmij.nl/"

struct list {
    const struct sim *sim;
    struct arena *arena;
    struct buf xml;
    unsigned depth;
};

static void indent(struct list *list)
{
    for (unsigned i = 0; i < list->depth; i++)
        buf_append_c(&list->xml, "   ");
}

static void open_element(struct list *list, const char *name)
{
    indent(list);
    buf_printf(&list->xml, "<%s>\n", name);
    list->depth++;
}

static void close_element(struct list *list, const char *name)
{
    list->depth--;
    indent(list);
    buf_printf(&list->xml, "</%s>\n", name);
}

static void element(struct list *list, const char *name, const char *text)
{
    indent(list);
    buf_printf(&list->xml, "<%s>", name);
    html_escape(&list->xml, str_from_c(text)); /* the five references of HTML are good XML too */
    buf_printf(&list->xml, "</%s>\n", name);
}

static void open_list(struct list *list, const char *root, const char *namespace)
{
    char stamp[CLOCK_TEXT_SIZE];
    clock_format_ms(list->sim->started_at * 1000, stamp);
    buf_append_c(&list->xml, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    buf_printf(&list->xml, "<%s xmlns=\"" NAMESPACE "%s/\">\n", root, namespace);
    list->depth = 1;
    element(list, "Tijdstempel", stamp);
    element(list, "Volgnummer", arena_printf(list->arena, "%lld", (long long)list->sim->started_at));
}

static void append_service(struct list *list, const struct fact_provider *provider,
                           const struct fact_service *service)
{
    const struct sim_settings *settings = &list->sim->settings;
    struct arena *arena = list->arena;
    open_element(list, "Gegevensdienst");
    element(list, "GegevensdienstId", service->id);
    open_element(list, "AuthorizationEndpoint");
    element(list, "AuthorizationEndpointuri", arena_printf(arena, "%s/oauth/authorize", settings->front_url));
    close_element(list, "AuthorizationEndpoint");
    open_element(list, "TokenEndpoint");
    element(list, "TokenEndpointuri", arena_printf(arena, "%s/oauth/token", settings->back_url));
    close_element(list, "TokenEndpoint");
    const struct fact_offer *offer = fact_find_offer(provider, str_from_c(service->id), STR("subscribe"));
    if (offer) {
        open_element(list, "Abonneren");
        element(list, "MaximaleDuur", arena_printf(arena, "%d", offer->max_days));
        element(
            list, "SubscriptionEndpointuri",
            sim_url(list->sim, arena, fhir_part.host, arena_printf(arena, "/subscription/%s", service->id)));
        close_element(list, "Abonneren");
    }
    open_element(list, "Systeemrollen");
    open_element(list, "Systeemrol");
    element(list, "Systeemrolcode", service->system_role);
    open_element(list, "ResourceEndpoint");
    element(list, "ResourceEndpointuri",
            sim_url(list->sim, arena, fhir_part.host, arena_printf(arena, "/fhir/%s", service->id)));
    close_element(list, "ResourceEndpoint");
    close_element(list, "Systeemrol");
    close_element(list, "Systeemrollen");
    close_element(list, "Gegevensdienst");
}

static void append_providers(struct list *list)
{
    open_list(list, "Zorgaanbiederslijst", "zorgaanbiederslijst/release3");
    open_element(list, "Zorgaanbieders");
    for (size_t i = 0; i < fact_provider_count; i++) {
        const struct fact_provider *provider = &fact_providers[i];
        open_element(list, "Zorgaanbieder");
        element(list, "Zorgaanbiedernaam", arena_printf(list->arena, "%s@medmij", provider->name));
        element(list, "Aanbiedertype", "ZA");
        open_element(list, "Interfaceversies");
        open_element(list, "Interfaceversie");
        element(list, "InterfaceversieId", FACTS_INTERFACE_VERSION);
        open_element(list, "Gegevensdiensten");
        for (size_t s = 0; s < fact_service_count; s++) {
            struct str id = str_from_c(fact_services[s].id);
            if (fact_find_offer(provider, id, STR("collect")) || fact_find_offer(provider, id, STR("share")))
                append_service(list, provider, &fact_services[s]);
        }
        close_element(list, "Gegevensdiensten");
        close_element(list, "Interfaceversie");
        close_element(list, "Interfaceversies");
        close_element(list, "Zorgaanbieder");
    }
    close_element(list, "Zorgaanbieders");
    buf_append_c(&list->xml, "</Zorgaanbiederslijst>\n");
}

static void append_clients(struct list *list)
{
    open_list(list, "OAuthclientlist", "oauthclientlist/release2");
    open_element(list, "OAuthclients");
    open_element(list, "OAuthclient");
    element(list, "Hostname", FACTS_CLIENT_HOST);
    element(list, "OAuthclientOrganisatienaam", FACTS_CLIENT_NAME);
    close_element(list, "OAuthclient");
    close_element(list, "OAuthclients");
    buf_append_c(&list->xml, "</OAuthclientlist>\n");
}

static void append_service_names(struct list *list)
{
    open_list(list, "Gegevensdienstnamenlijst", "gegevensdienstnamenlijst/release1");
    open_element(list, "Gegevensdiensten");
    for (size_t i = 0; i < fact_service_count; i++) {
        open_element(list, "Gegevensdienst");
        element(list, "GegevensdienstId", fact_services[i].id);
        element(list, "Weergavenaam", fact_services[i].name);
        close_element(list, "Gegevensdienst");
    }
    close_element(list, "Gegevensdiensten");
    buf_append_c(&list->xml, "</Gegevensdienstnamenlijst>\n");
}

static void append_whitelist(struct list *list)
{
    /* The plain name "localhost" does not fit the schema's host name pattern, which wants two labels. */
    const char *const hosts[] = {FACTS_CLIENT_HOST, fhir_part.host, registry_part.host, "sluis.localhost"};
    open_list(list, "Whitelist", "whitelist/release2");
    open_element(list, "MedMijNodes");
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        open_element(list, "MedMijNode");
        element(list, "Hostname", hosts[i]);
        close_element(list, "MedMijNode");
    }
    close_element(list, "MedMijNodes");
    buf_append_c(&list->xml, "</Whitelist>\n");
}

static void answer_list(void *door, const struct http_request *request, struct http_response *response,
                        void (*append)(struct list *list))
{
    struct list list = {.sim = door, .arena = request->arena};
    list.xml = buf_new(request->arena, LIST_BYTES_MAX);
    append(&list);
    if (list.xml.overflowed) {
        http_response_text(response, 500, "sluis-sim: the list could not be made\n");
        return;
    }
    response->status = 200;
    response->kind = RESPONSE_DATA;
    response->content_type = "application/xml; charset=utf-8";
    response->body = buf_str(&list.xml);
}

static void providers_get(void *door, const struct http_request *request, struct http_response *response)
{
    answer_list(door, request, response, append_providers);
}

static void clients_get(void *door, const struct http_request *request, struct http_response *response)
{
    answer_list(door, request, response, append_clients);
}

static void service_names_get(void *door, const struct http_request *request, struct http_response *response)
{
    answer_list(door, request, response, append_service_names);
}

static void whitelist_get(void *door, const struct http_request *request, struct http_response *response)
{
    answer_list(door, request, response, append_whitelist);
}

static void index_get(void *door, const struct http_request *request, struct http_response *response)
{
    const struct sim *sim = door;
    page_answer(sim, response, 200, "registry",
                page_context(sim, request, "Stelselnode", "De vier MedMij-lijsten"));
}

static const struct route registry_routes[] = {
    {HTTP_GET, "/", index_get, ROUTE_PLAIN},
    {HTTP_GET, "/registry/", index_get, ROUTE_PLAIN},
    {HTTP_GET, "/registry/MedMij_Zorgaanbiederslijst.xml", providers_get, ROUTE_PLAIN},
    {HTTP_GET, "/registry/MedMij_OAuthclientlist.xml", clients_get, ROUTE_PLAIN},
    {HTTP_GET, "/registry/MedMij_Gegevensdienstnamenlijst.xml", service_names_get, ROUTE_PLAIN},
    {HTTP_GET, "/registry/MedMij_Whitelist.xml", whitelist_get, ROUTE_PLAIN},
};

const struct sim_part registry_part = {"registry.localhost", registry_routes,
                                       sizeof registry_routes / sizeof registry_routes[0], NULL};
