#include "medmij/lists_reading.h"

#include "medmij/redirect_uri.h"
#include "medmij/scope.h"

#include <stdlib.h>

#define DEPTH_MAX 16
#define URI_MAX 2000
#define DAYS_MAX 999999

enum outcome list_refuse(struct reading *reading, const xmlNode *node, const char *reason)
{
    return failure_set(reading->failure, "%s: line %ld: <%s>: %s", reading->shape->file,
                       node ? xmlGetLineNo(node) : 0L, node ? (const char *)node->name : "?", reason);
}

static bool is_named(const struct reading *reading, const xmlNode *node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && str_equal_c(from_xml(node->name), name) && node->ns != NULL &&
           str_equal_c(from_xml(node->ns->href), reading->namespace_uri);
}

static bool is_shallow(const xmlNode *node, int levels)
{
    if (levels == 0)
        return false;
    for (const xmlNode *child = node->children; child != NULL; child = child->next)
        if (child->type == XML_ELEMENT_NODE && !is_shallow(child, levels - 1))
            return false;
    return true;
}

/* The child of that name: OK, ABSENT, or FAILED when it occurs more than once. */
static enum outcome child_find(struct reading *reading, const xmlNode *parent, const char *name,
                               const xmlNode **out_child)
{
    *out_child = NULL;
    for (const xmlNode *child = parent->children; child != NULL; child = child->next) {
        if (!is_named(reading, child, name))
            continue;
        if (*out_child != NULL)
            return list_refuse(reading, child, "occurs twice");
        *out_child = child;
    }
    return *out_child != NULL ? OK : ABSENT;
}

static enum outcome child_get(struct reading *reading, const xmlNode *parent, const char *name,
                              const xmlNode **out_child)
{
    enum outcome outcome = child_find(reading, parent, name, out_child);
    if (outcome == ABSENT)
        return failure_set(reading->failure, "%s: line %ld: <%s> has no <%s>", reading->shape->file,
                           xmlGetLineNo(parent), (const char *)parent->name, name);
    return outcome;
}

/* The text of an element that holds nothing else, in the document's arena. */
enum outcome list_node_text(struct reading *reading, const xmlNode *node, struct str *out_text)
{
    size_t length = 0;
    for (const xmlNode *part = node->children; part != NULL; part = part->next) {
        if (part->type == XML_COMMENT_NODE)
            continue;
        if (part->type != XML_TEXT_NODE && part->type != XML_CDATA_SECTION_NODE)
            return list_refuse(reading, node, "holds something else than text");
        length += from_xml(part->content).length;
    }
    char *text = arena_alloc(reading->document->arena, length + 1);
    *out_text = str_of(text, length);
    for (const xmlNode *part = node->children; part != NULL; part = part->next) {
        if (part->type == XML_COMMENT_NODE)
            continue;
        struct str piece = from_xml(part->content);
        if (piece.length > 0)
            memcpy(text, piece.data, piece.length);
        text += piece.length;
    }
    return OK;
}

static enum outcome child_text(struct reading *reading, const xmlNode *parent, const char *name,
                               const xmlNode **out_child, struct str *out_text)
{
    enum outcome outcome = child_get(reading, parent, name, out_child);
    return outcome == OK ? list_node_text(reading, *out_child, out_text) : outcome;
}

/* Between 'from' and 'to' characters (not bytes), none of them a control character. */
static bool is_display_text(struct str text, size_t from, size_t to)
{
    size_t characters = 0;
    for (size_t i = 0; i < text.length; i++)
        if (((unsigned char)text.data[i] & 0xC0) != 0x80)
            characters++;
    return characters >= from && characters <= to && str_is_printable_utf8(text);
}

static enum outcome child_service_id(struct reading *reading, const xmlNode *parent, struct str *out_id)
{
    const xmlNode *node;
    if (child_text(reading, parent, "GegevensdienstId", &node, out_id) != OK)
        return FAILED;
    return medmij_is_service_id(*out_id) ? OK : list_refuse(reading, node, "not a data service id");
}

static enum outcome child_hostname(struct reading *reading, const xmlNode *parent, struct str *out_host)
{
    const xmlNode *node;
    if (child_text(reading, parent, "Hostname", &node, out_host) != OK)
        return FAILED;
    return medmij_is_hostname(*out_host) ? OK : list_refuse(reading, node, "not a host name");
}

static bool is_local_host(struct str host)
{
    return str_equal(host, STR("localhost")) ||
           (str_ends_with(host, STR(".localhost")) && medmij_is_hostname(host));
}

/* https, host, an optional port where the back channel allows one, path; no query, no fragment. An empty path
 * segment is left to the schema: the 1.1 schema forbids it, those after it we have not seen. */
static bool is_endpoint(const struct reading *reading, struct str uri, bool is_port_allowed)
{
    bool is_https = str_starts_with(uri, STR("https://"));
    if ((!is_https && !str_starts_with(uri, STR("http://"))) || uri.length > URI_MAX ||
        !str_is_printable_ascii(uri))
        return false;
    for (size_t i = 0; i < uri.length; i++)
        if (strchr(" \"<>\\?#", uri.data[i]) != NULL)
            return false;
    struct str authority =
        str_slice(uri, is_https ? sizeof "https://" - 1 : sizeof "http://" - 1, uri.length);
    authority = str_slice(authority, 0, str_find(authority, '/'));
    size_t colon = str_find(authority, ':');
    struct str host = str_slice(authority, 0, colon);
    bool is_local = reading->is_local_allowed && is_local_host(host);
    if (!is_local && (!is_https || !medmij_is_hostname(host)))
        return false;
    if (colon == authority.length)
        return true;
    int64_t port;
    return (is_port_allowed || is_local) &&
           str_to_int64(str_slice(authority, colon + 1, authority.length), &port) == OK && port > 0 &&
           port <= 65535;
}

/* parent/outer/inner holds an endpoint address. `last`, the previous entry's, is reused when equal: the
 * services of a provider share their endpoints, and the list is the largest thing in memory. */
static enum outcome read_endpoint(struct reading *reading, const xmlNode *parent, const char *outer,
                                  const char *inner, bool is_port_allowed, struct str last,
                                  struct str *out_uri)
{
    const xmlNode *wrapper, *node;
    if (child_get(reading, parent, outer, &wrapper) != OK || child_get(reading, wrapper, inner, &node) != OK)
        return FAILED;
    if (last.length > 0 && node->children != NULL && node->children->next == NULL &&
        node->children->type == XML_TEXT_NODE && str_equal(from_xml(node->children->content), last)) {
        *out_uri = last;
        return OK;
    }
    if (list_node_text(reading, node, out_uri) != OK)
        return FAILED;
    return is_endpoint(reading, *out_uri, is_port_allowed)
               ? OK
               : list_refuse(reading, node, "not an endpoint address");
}

static enum outcome read_max_days(struct reading *reading, const xmlNode *service, int64_t *out_days)
{
    const xmlNode *subscribing, *node;
    struct str text;
    *out_days = 0;
    enum outcome outcome = child_find(reading, service, "Abonneren", &subscribing);
    if (outcome == ABSENT)
        return OK;
    if (outcome == FAILED || child_text(reading, subscribing, "MaximaleDuur", &node, &text) != OK)
        return FAILED;
    if (str_to_int64(text, out_days) != OK || *out_days < 1 || *out_days > DAYS_MAX)
        return list_refuse(reading, node, "not a number of days from 1 to 999999");
    return OK;
}

static enum outcome read_provider_services(struct reading *reading, const xmlNode *parent,
                                           struct str provider, struct str interface_version)
{
    const xmlNode *container;
    if (child_get(reading, parent, "Gegevensdiensten", &container) != OK)
        return FAILED;
    for (const xmlNode *node = container->children; node != NULL; node = node->next) {
        if (node->type != XML_ELEMENT_NODE)
            continue;
        if (!is_named(reading, node, "Gegevensdienst"))
            return list_refuse(reading, node, "unexpected element");
        struct list_provider_service last = {0};
        if (reading->provider_services.count > 0)
            last = reading->provider_services.items[reading->provider_services.count - 1];
        struct list_provider_service service = {.provider = provider, .interface_version = interface_version};
        if (child_service_id(reading, node, &service.service) != OK ||
            read_endpoint(reading, node, "AuthorizationEndpoint", "AuthorizationEndpointuri", false,
                          last.authorization_endpoint, &service.authorization_endpoint) != OK ||
            read_endpoint(reading, node, "TokenEndpoint", "TokenEndpointuri", true, last.token_endpoint,
                          &service.token_endpoint) != OK ||
            read_max_days(reading, node, &service.max_days) != OK)
            return FAILED;
        vec_push(reading->scratch, &reading->provider_services, service);
    }
    return OK;
}

/* "name@medmij"; release 2 knew letters only, 10 to 57 characters in all. */
static enum outcome read_provider_name(struct reading *reading, const xmlNode *entry, struct str *out_name)
{
    const xmlNode *node;
    struct str full, suffix = STR("@medmij");
    if (child_text(reading, entry, "Zorgaanbiedernaam", &node, &full) != OK)
        return FAILED;
    if (!str_ends_with(full, suffix))
        return list_refuse(reading, node, "does not end in @medmij");
    *out_name = str_slice(full, 0, full.length - suffix.length);
    bool is_valid = medmij_is_provider_name(*out_name);
    if (reading->release == 2) {
        is_valid = is_valid && full.length >= 10 && full.length <= 57;
        for (size_t i = 0; is_valid && i < out_name->length; i++)
            is_valid = out_name->data[i] >= 'a' && out_name->data[i] <= 'z';
    }
    return is_valid ? OK : list_refuse(reading, node, "not a provider name");
}

static enum outcome read_provider(struct reading *reading, const xmlNode *entry)
{
    struct str name;
    if (read_provider_name(reading, entry, &name) != OK)
        return FAILED;
    vec_push(reading->scratch, &reading->provider_names, name);
    if (reading->release == 2)
        return read_provider_services(reading, entry, name, STR_NONE);

    const xmlNode *versions;
    if (child_get(reading, entry, "Interfaceversies", &versions) != OK)
        return FAILED;
    for (const xmlNode *node = versions->children; node != NULL; node = node->next) {
        if (node->type != XML_ELEMENT_NODE)
            continue;
        if (!is_named(reading, node, "Interfaceversie"))
            return list_refuse(reading, node, "unexpected element");
        const xmlNode *id_node;
        struct str id;
        if (child_text(reading, node, "InterfaceversieId", &id_node, &id) != OK)
            return FAILED;
        if (!medmij_is_service_id(id)) /* the same alphabet and length: "1.4.0", "2" */
            return list_refuse(reading, id_node, "not an interface version");
        if (read_provider_services(reading, node, name, id) != OK)
            return FAILED;
    }
    return OK;
}

struct service_ids {
    VEC(struct str) ids;
};

static enum outcome collect_service_ids(struct reading *reading, const xmlNode *node, struct service_ids *out)
{
    for (const xmlNode *child = node->children; child != NULL; child = child->next) {
        if (child->type != XML_ELEMENT_NODE)
            continue;
        if (!is_named(reading, child, "GegevensdienstId")) {
            if (collect_service_ids(reading, child, out) != OK) /* as deep as is_shallow let it be */
                return FAILED;
            continue;
        }
        struct str id;
        if (list_node_text(reading, child, &id) != OK)
            return FAILED;
        if (!medmij_is_service_id(id))
            return list_refuse(reading, child, "not a data service id");
        vec_push(reading->scratch, &out->ids, id);
    }
    return OK;
}

static enum outcome read_client(struct reading *reading, const xmlNode *entry)
{
    struct list_client client = {0};
    const xmlNode *node;
    if (child_hostname(reading, entry, &client.host) != OK ||
        child_text(reading, entry, "OAuthclientOrganisatienaam", &node, &client.organisation_name) != OK)
        return FAILED;
    if (!is_display_text(client.organisation_name, 3, 50))
        return list_refuse(reading, node, "not a name of 3 to 50 characters");
    struct service_ids found = {0};
    if (collect_service_ids(reading, entry, &found) != OK)
        return FAILED;
    /* A client without a single id: everything in release 2, which had no such element; else nothing. */
    client.has_all_services = found.ids.count == 0 && reading->release == 2;
    if (found.ids.count > 0) {
        qsort(found.ids.items, found.ids.count, sizeof *found.ids.items, str_compare_items);
        struct str *services = arena_array_of(reading->document->arena, found.ids.count, struct str);
        for (size_t i = 0; i < found.ids.count; i++)
            if (i == 0 || !str_equal(found.ids.items[i], found.ids.items[i - 1]))
                services[client.service_count++] = found.ids.items[i];
        client.services = services;
    }
    vec_push(reading->scratch, &reading->clients, client);
    return OK;
}

static enum outcome read_service_name(struct reading *reading, const xmlNode *entry)
{
    struct list_service_name name;
    const xmlNode *node;
    if (child_service_id(reading, entry, &name.service) != OK ||
        child_text(reading, entry, "Weergavenaam", &node, &name.name) != OK)
        return FAILED;
    if (!(reading->release == 1 ? is_display_text(name.name, 3, 50) : is_display_text(name.name, 1, 200)))
        return list_refuse(reading, node, "not a display name of the right length");
    vec_push(reading->scratch, &reading->service_names, name);
    return OK;
}

static enum outcome read_node(struct reading *reading, const xmlNode *entry)
{
    struct str host;
    if (child_hostname(reading, entry, &host) != OK)
        return FAILED;
    vec_push(reading->scratch, &reading->hosts, host);
    return OK;
}

enum outcome list_read_entry(struct reading *reading, const xmlNode *entry)
{
    if (!is_named(reading, entry, reading->shape->entry))
        return list_refuse(reading, entry, "unexpected element");
    if (!is_shallow(entry, DEPTH_MAX))
        return list_refuse(reading, entry, "nested too deep");
    reading->document->entries++;
    switch (reading->document->kind) {
    case LIST_PROVIDERS:
        return read_provider(reading, entry);
    case LIST_CLIENTS:
        return read_client(reading, entry);
    case LIST_SERVICE_NAMES:
        return read_service_name(reading, entry);
    case LIST_WHITELIST:
        return read_node(reading, entry);
    }
    return FAILED;
}
