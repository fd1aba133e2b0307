#include "cli/image.h"

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <string.h>
#include <strings.h>

#define SVG_NAMESPACE "http://www.w3.org/2000/svg"
#define XLINK_NAMESPACE "http://www.w3.org/1999/xlink"
#define XML_NAMESPACE "http://www.w3.org/XML/1998/namespace"
#define PIXELS_MAX 4096u
#define NODES_MAX 20000u
#define DEPTH_MAX 64u

static enum outcome check_png(struct str bytes, struct failure *failure)
{
    if (bytes.length < 33 || memcmp(bytes.data + 12, "IHDR", 4) != 0)
        return failure_set(failure, "not a whole PNG file");
    const unsigned char *at = (const unsigned char *)bytes.data + 16;
    for (int side = 0; side < 2; side++, at += 4) {
        uint32_t pixels = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
        if (pixels == 0 || pixels > PIXELS_MAX)
            return failure_set(failure, "wider or higher than %u pixels", PIXELS_MAX);
    }
    return OK;
}

static bool is_drawing_element(const char *name)
{
    static const char *const allowed[] = {
        "svg",         "g",        "path",           "rect",
        "circle",      "ellipse",  "line",           "polyline",
        "polygon",     "text",     "tspan",          "defs",
        "use",         "symbol",   "title",          "desc",
        "style",       "clipPath", "linearGradient", "radialGradient",
        "stop",        "mask",     "pattern",        "marker",
        "switch",      "metadata", "filter",         "feGaussianBlur",
        "feOffset",    "feBlend",  "feColorMatrix",  "feFlood",
        "feComposite", "feMerge",  "feMergeNode",
    };
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++)
        if (strcmp(allowed[i], name) == 0)
            return true;
    return false;
}

/* CSS, in a style element or in any attribute: a url() may only point into the drawing itself. Escapes could
 * spell what we look for in another way. */
static bool is_harmless_css(const char *css)
{
    if (strchr(css, '\\') != NULL || strchr(css, '@') != NULL || strcasestr(css, "expression") != NULL ||
        strcasestr(css, "image(") != NULL || strcasestr(css, "image-set") != NULL ||
        strcasestr(css, "/*") != NULL)
        return false;
    for (const char *at = strcasestr(css, "url"); at != NULL; at = strcasestr(at + 3, "url")) {
        const char *inside = at + 3;
        inside += strspn(inside, " \t\r\n");
        if (*inside != '(')
            continue;
        inside += 1 + strspn(inside + 1, " \t\r\n\"'");
        if (*inside != '#')
            return false;
    }
    return true;
}

static enum outcome check_attribute(const xmlAttr *attribute, const char *value, struct failure *failure)
{
    const char *name = (const char *)attribute->name;
    const char *space = attribute->ns != NULL ? (const char *)attribute->ns->href : "";
    bool is_ours = space[0] == '\0' || strcmp(space, SVG_NAMESPACE) == 0;
    bool is_link = strcasecmp(name, "href") == 0 && (is_ours || strcmp(space, XLINK_NAMESPACE) == 0);
    if (strncasecmp(name, "on", 2) == 0)
        return failure_set(failure, "the SVG has an event handler (%.40s)", name);
    if (is_link && value[0] != '#')
        return failure_set(failure, "the SVG refers to something outside itself");
    if (strcasecmp(name, "src") == 0 || (strcmp(space, XML_NAMESPACE) == 0 && strcmp(name, "base") == 0))
        return failure_set(failure, "the SVG refers to something outside itself (%.40s)", name);
    if (!is_harmless_css(value) && (is_ours || is_link))
        return failure_set(failure, "the SVG has style that is not accepted (%.40s)", name);
    return OK;
}

static enum outcome check_element(xmlNode *node, struct failure *failure)
{
    const char *name = (const char *)node->name;
    if (node->ns == NULL || strcmp((const char *)node->ns->href, SVG_NAMESPACE) != 0)
        return failure_set(failure, "the SVG has an element <%.40s> that is not SVG; save it as plain SVG",
                           name);
    if (!is_drawing_element(name))
        return failure_set(failure, "the SVG has an element <%.40s>, which is not accepted", name);
    for (const xmlAttr *attribute = node->properties; attribute != NULL; attribute = attribute->next) {
        xmlChar *value = xmlNodeListGetString(node->doc, attribute->children, 1);
        enum outcome outcome = check_attribute(attribute, value != NULL ? (const char *)value : "", failure);
        xmlFree(value);
        if (outcome != OK)
            return outcome;
    }
    if (strcmp(name, "style") != 0)
        return OK;
    xmlChar *css = xmlNodeGetContent(node);
    bool is_harmless = css != NULL && is_harmless_css((const char *)css);
    xmlFree(css);
    return is_harmless ? OK : failure_set(failure, "the SVG has a style sheet that refers elsewhere");
}

/* The next node in document order, without recursion. */
static xmlNode *next_node(xmlNode *node, unsigned *depth)
{
    if (node->children != NULL && node->type == XML_ELEMENT_NODE) {
        (*depth)++;
        return node->children;
    }
    while (node->next == NULL) {
        node = node->parent;
        if (node == NULL || node->type != XML_ELEMENT_NODE)
            return NULL;
        (*depth)--;
    }
    return node->next;
}

static enum outcome check_nodes(xmlNode *root, struct failure *failure)
{
    unsigned depth = 1;
    unsigned nodes = 0;
    for (const xmlNode *node = root->doc->children; node != NULL; node = node->next)
        if (node->type == XML_PI_NODE)
            return failure_set(failure,
                               "the SVG has a processing instruction, such as a style sheet elsewhere");
    for (xmlNode *node = root; node != NULL; node = next_node(node, &depth)) {
        if (++nodes > NODES_MAX || depth > DEPTH_MAX)
            return failure_set(failure, "the SVG is too intricate");
        if (node->type == XML_ELEMENT_NODE && check_element(node, failure) != OK)
            return FAILED;
        if (node->type == XML_PI_NODE || node->type == XML_ENTITY_REF_NODE)
            return failure_set(failure, "the SVG has a processing instruction or entity");
    }
    return OK;
}

static enum outcome check_svg(struct str bytes, struct failure *failure)
{
    /* No DTD at all: entities are how a small file grows and how it reads other files. */
    if (memmem(bytes.data, bytes.length, "<!DOCTYPE", 9) != NULL ||
        memmem(bytes.data, bytes.length, "<!ENTITY", 8) != NULL)
        return failure_set(failure, "the SVG has a document type; save it without");
    xmlParserCtxt *context = xmlNewParserCtxt();
    if (context == NULL)
        return failure_set(failure, "out of memory");
    xmlDoc *document =
        xmlCtxtReadMemory(context, bytes.data, (int)bytes.length, NULL, NULL,
                          XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOCDATA);
    enum outcome outcome;
    xmlNode *root = document != NULL ? xmlDocGetRootElement(document) : NULL;
    if (root == NULL || document->intSubset != NULL)
        outcome = failure_set(failure, "neither PNG nor well-formed SVG");
    else if (strcmp((const char *)root->name, "svg") != 0)
        outcome = failure_set(failure, "the XML in it is not SVG");
    else
        outcome = check_nodes(root, failure);
    xmlFreeDoc(document);
    xmlFreeParserCtxt(context);
    return outcome;
}

enum outcome image_check(struct str bytes, struct str *out_content_type, struct failure *failure)
{
    if (bytes.data == NULL || bytes.length == 0)
        return failure_set(failure, "the picture is empty");
    if (bytes.length > IMAGE_BYTES_MAX)
        return failure_set(failure, "the picture is larger than %u KiB", IMAGE_BYTES_MAX / 1024);
    if (str_starts_with(bytes, STR("\x89PNG\r\n\x1a\n"))) {
        *out_content_type = STR("image/png");
        return check_png(bytes, failure);
    }
    *out_content_type = STR("image/svg+xml");
    return check_svg(bytes, failure);
}
