#include "medmij/lists_parse.h"

#include "base/codec.h"
#include "medmij/lists_reading.h"

#include <libxml/xmlschemas.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define FUTURE_MAX_S 300
#define NAMESPACE_PREFIX "xmlns://afsprakenstelsel.medmij.nl/"

static pthread_once_t library_once = PTHREAD_ONCE_INIT;

/* What differs between the kinds before their entries are read. */
static const struct list_shape shapes[] = {
    [LIST_PROVIDERS] = {"MedMij_Zorgaanbiederslijst", "Zorgaanbiederslijst", "zorgaanbiederslijst", 2, 3,
                        "Zorgaanbieders", "Zorgaanbieder"},
    /* Newer forms of these two were never published where we could read them: read leniently (spec 7.4). */
    [LIST_CLIENTS] = {"MedMij_OAuthclientlist", "OAuthclientlist", "oauthclientlist", 2, 99, "OAuthclients",
                      "OAuthclient"},
    [LIST_SERVICE_NAMES] = {"MedMij_Gegevensdienstnamenlijst", "Gegevensdienstnamenlijst",
                            "gegevensdienstnamenlijst", 1, 99, "Gegevensdiensten", "Gegevensdienst"},
    [LIST_WHITELIST] = {"MedMij_Whitelist", "Whitelist", "whitelist", 2, 2, "MedMijNodes", "MedMijNode"},
};

const char *list_kind_name(enum list_kind kind)
{
    return shapes[kind].file;
}

/* ---- the library's edges ---- */

static void note_error(void *context, xmlErrorPtr error)
{
    struct failure *failure = context;
    if (failure->text[0] != '\0' || error == NULL || error->message == NULL)
        return;
    (void)failure_set(failure, "line %d: %s", error->line, error->message);
    size_t length = strlen(failure->text);
    if (length > 0 && failure->text[length - 1] == '\n')
        failure->text[length - 1] = '\0';
}

struct list_schema {
    xmlSchemaPtr schema;
};

enum outcome list_schema_load(const char *path, struct list_schema **out_schema, struct failure *failure)
{
    pthread_once(&library_once, xmlInitParser);
    *out_schema = NULL;
    struct failure complaint = {{0}};
    xmlSchemaParserCtxtPtr parser = xmlSchemaNewParserCtxt(path);
    if (parser == NULL)
        return failure_set(failure, "%s: cannot read the schema", path);
    xmlSchemaSetParserStructuredErrors(parser, note_error, &complaint);
    /* A file that cannot be opened is told to the thread's own handler, which would print it. */
    xmlSetStructuredErrorFunc(&complaint, note_error);
    xmlSchemaPtr parsed = xmlSchemaParse(parser);
    xmlSetStructuredErrorFunc(NULL, NULL);
    xmlSchemaFreeParserCtxt(parser);
    if (parsed == NULL)
        return failure_set(failure, "%s: not a usable XML schema: %.400s", path, complaint.text);
    struct list_schema *schema = calloc(1, sizeof *schema);
    if (schema == NULL)
        abort();
    schema->schema = parsed;
    *out_schema = schema;
    return OK;
}

void list_schema_free(struct list_schema **schema)
{
    if (*schema == NULL)
        return;
    xmlSchemaFree((*schema)->schema);
    free(*schema);
    *schema = NULL;
}

/* ---- Tijdstempel ---- */

static bool take_digits(struct str *rest, size_t digits, int *out_number)
{
    int number = 0;
    if (rest->length < digits)
        return false;
    for (size_t i = 0; i < digits; i++) {
        char c = rest->data[i];
        if (c < '0' || c > '9')
            return false;
        number = number * 10 + (c - '0');
    }
    *rest = str_slice(*rest, digits, rest->length);
    *out_number = number;
    return true;
}

static bool take_char(struct str *rest, char c)
{
    if (rest->length == 0 || rest->data[0] != c)
        return false;
    *rest = str_slice(*rest, 1, rest->length);
    return true;
}

/* "Z", "+01:00" or "-05:30", and nothing behind it; seconds east of Greenwich. */
static bool take_zone(struct str rest, int *out_seconds)
{
    *out_seconds = 0;
    if (str_equal(rest, STR("Z")))
        return true;
    int sign = take_char(&rest, '+') ? 1 : take_char(&rest, '-') ? -1 : 0;
    int hours, minutes;
    if (sign == 0 || !take_digits(&rest, 2, &hours) || !take_char(&rest, ':') ||
        !take_digits(&rest, 2, &minutes) || rest.length > 0)
        return false;
    *out_seconds = sign * (hours * 3600 + minutes * 60);
    return minutes < 60 && hours * 60 + minutes <= 14 * 60;
}

enum outcome list_parse_stamp(struct str text, int64_t *out_seconds)
{
    struct tm parts = {0};
    struct str rest = text;
    if (!take_digits(&rest, 4, &parts.tm_year) || !take_char(&rest, '-') ||
        !take_digits(&rest, 2, &parts.tm_mon) || !take_char(&rest, '-') ||
        !take_digits(&rest, 2, &parts.tm_mday) || !take_char(&rest, 'T') ||
        !take_digits(&rest, 2, &parts.tm_hour) || !take_char(&rest, ':') ||
        !take_digits(&rest, 2, &parts.tm_min) || !take_char(&rest, ':') ||
        !take_digits(&rest, 2, &parts.tm_sec))
        return FAILED;
    if (take_char(&rest, '.')) {
        int digit;
        if (!take_digits(&rest, 1, &digit))
            return FAILED;
        while (take_digits(&rest, 1, &digit))
            continue;
    }
    int zone;
    if (!take_zone(rest, &zone) || parts.tm_hour > 23 || parts.tm_min > 59 || parts.tm_sec > 59)
        return FAILED;
    struct tm given = parts;
    parts.tm_year -= 1900;
    parts.tm_mon -= 1;
    int64_t seconds = timegm(&parts);
    /* timegm carries 31 February into March; what comes back must be the date that went in. */
    if (parts.tm_year + 1900 != given.tm_year || parts.tm_mon + 1 != given.tm_mon ||
        parts.tm_mday != given.tm_mday)
        return FAILED;
    *out_seconds = seconds - zone;
    return OK;
}

/* ---- the document: a stream of entries, one expanded at a time ---- */

static enum outcome xml_failed(struct reading *reading)
{
    return failure_set(reading->failure, "%s: %s", reading->shape->file,
                       reading->xml_error.text[0] != '\0' ? reading->xml_error.text : "not well-formed");
}

/* The reader stands on an element at depth 1 or 2; its whole subtree comes into memory. */
static enum outcome expand(struct reading *reading, const xmlNode **out_node)
{
    *out_node = xmlTextReaderExpand(reading->reader);
    return *out_node != NULL ? OK : xml_failed(reading);
}

/* xs:dateTime and xs:integer collapse the white space around them. */
static struct str collapse(struct str text)
{
    size_t from = 0, to = text.length;
    while (from < to && strchr(" \t\r\n", text.data[from]) != NULL)
        from++;
    while (to > from && strchr(" \t\r\n", text.data[to - 1]) != NULL)
        to--;
    return str_slice(text, from, to);
}

static enum outcome read_stamp(struct reading *reading, const xmlNode *node, int64_t now)
{
    struct str text;
    if (reading->has_stamp)
        return list_refuse(reading, node, "occurs twice");
    reading->has_stamp = true;
    if (list_node_text(reading, node, &text) != OK)
        return FAILED;
    if (list_parse_stamp(collapse(text), &reading->document->stamped_at) != OK)
        return list_refuse(reading, node, "not a date and time with a time zone");
    if (reading->document->stamped_at > now + FUTURE_MAX_S)
        return list_refuse(reading, node, "lies more than five minutes in the future");
    return OK;
}

static enum outcome read_number(struct reading *reading, const xmlNode *node)
{
    struct str text;
    if (reading->has_number)
        return list_refuse(reading, node, "occurs twice");
    reading->has_number = true;
    if (list_node_text(reading, node, &text) != OK)
        return FAILED;
    if (str_to_int64(collapse(text), &reading->document->volgnummer) != OK ||
        reading->document->volgnummer < 1)
        return list_refuse(reading, node, "not a positive number");
    return OK;
}

static bool is_blank(const xmlChar *text)
{
    return text == NULL || collapse(from_xml(text)).length == 0;
}

/* An element at depth 1. */
static enum outcome read_part(struct reading *reading, int64_t now, bool *out_is_container)
{
    struct str name = from_xml(xmlTextReaderConstLocalName(reading->reader));
    struct str uri = from_xml(xmlTextReaderConstNamespaceUri(reading->reader));
    *out_is_container = false;
    if (str_equal_c(uri, reading->namespace_uri)) {
        if (str_equal_c(name, reading->shape->container)) {
            if (reading->has_container)
                return failure_set(reading->failure, "%s: <%s> occurs twice", reading->shape->file,
                                   reading->shape->container);
            reading->has_container = true;
            *out_is_container = true;
            return OK;
        }
        const xmlNode *node;
        if (str_equal(name, STR("Tijdstempel")))
            return expand(reading, &node) == OK ? read_stamp(reading, node, now) : FAILED;
        if (str_equal(name, STR("Volgnummer")))
            return expand(reading, &node) == OK ? read_number(reading, node) : FAILED;
    }
    return failure_set(reading->failure, "%s: unexpected element <%.60s>", reading->shape->file,
                       name.data ? name.data : "");
}

static enum outcome read_root(struct reading *reading)
{
    struct str name = from_xml(xmlTextReaderConstLocalName(reading->reader));
    struct str uri = from_xml(xmlTextReaderConstNamespaceUri(reading->reader));
    const struct list_shape *shape = reading->shape;
    if (!str_equal_c(name, shape->root))
        return failure_set(reading->failure, "%s: the root element is not <%s>", shape->file, shape->root);
    const char *prefix = arena_printf(reading->scratch, "%s%s/release", NAMESPACE_PREFIX, shape->family);
    struct str number = STR_NONE;
    if (str_starts_with(uri, str_from_c(prefix)) && str_ends_with(uri, STR("/")))
        number = str_slice(uri, strlen(prefix), uri.length - 1);
    if (str_to_int64(number, &reading->release) != OK || reading->release < shape->release_min ||
        reading->release > shape->release_max)
        return failure_set(reading->failure, "%s: a namespace that we do not know", shape->file);
    reading->namespace_uri = arena_strndup(reading->scratch, uri.data, uri.length);
    reading->document->has_interface_versions =
        reading->document->kind == LIST_PROVIDERS && reading->release >= 3;
    return OK;
}

/* One step at the reader's place. *out_skip: go past the whole element instead of into it. */
static enum outcome read_step(struct reading *reading, int64_t now, bool *out_skip)
{
    int type = xmlTextReaderNodeType(reading->reader);
    int depth = xmlTextReaderDepth(reading->reader);
    *out_skip = false;
    if (type == XML_READER_TYPE_DOCUMENT_TYPE)
        return failure_set(reading->failure, "%s: a document type declaration is not allowed",
                           reading->shape->file);
    if (type == XML_READER_TYPE_TEXT || type == XML_READER_TYPE_CDATA) {
        if (is_blank(xmlTextReaderConstValue(reading->reader)))
            return OK;
        return failure_set(reading->failure, "%s: text between the elements", reading->shape->file);
    }
    if (type != XML_READER_TYPE_ELEMENT)
        return OK;
    if (depth == 0)
        return read_root(reading);
    *out_skip = true;
    if (depth == 1) {
        bool is_container;
        if (read_part(reading, now, &is_container) != OK)
            return FAILED;
        *out_skip = !is_container;
        return OK;
    }
    const xmlNode *entry;
    return expand(reading, &entry) == OK ? list_read_entry(reading, entry) : FAILED;
}

static enum outcome read_document(struct reading *reading, int64_t now)
{
    int more = xmlTextReaderRead(reading->reader);
    while (more == 1) {
        bool skip;
        if (read_step(reading, now, &skip) != OK)
            return FAILED;
        more = skip ? xmlTextReaderNext(reading->reader) : xmlTextReaderRead(reading->reader);
    }
    if (more != 0)
        return xml_failed(reading);
    if (!reading->has_stamp || !reading->has_number || !reading->has_container)
        return failure_set(reading->failure, "%s: Tijdstempel, Volgnummer or <%s> is missing",
                           reading->shape->file, reading->shape->container);
    return OK;
}

/* ---- order and uniqueness ---- */

static int compare_clients(const void *a, const void *b)
{
    return str_compare(((const struct list_client *)a)->host, ((const struct list_client *)b)->host);
}

static int compare_service_names(const void *a, const void *b)
{
    return str_compare(((const struct list_service_name *)a)->service,
                       ((const struct list_service_name *)b)->service);
}

static int compare_provider_services(const void *a, const void *b)
{
    const struct list_provider_service *left = a, *right = b;
    int order = str_compare(left->provider, right->provider);
    if (order == 0)
        order = str_compare(left->interface_version, right->interface_version);
    return order != 0 ? order : str_compare(left->service, right->service);
}

/* Sorts `count` items and moves them to the document's arena; FAILED when two are equal. */
static enum outcome settle(struct reading *reading, void *items, size_t count, size_t size,
                           int (*compare)(const void *, const void *), const char *what, void **out_items)
{
    *out_items = NULL;
    reading->document->count = count;
    if (count == 0)
        return OK;
    qsort(items, count, size, compare);
    const char *bytes = items;
    for (size_t i = 1; i < count; i++)
        if (compare(bytes + (i - 1) * size, bytes + i * size) == 0)
            return failure_set(reading->failure, "%s: a %s occurs twice", reading->shape->file, what);
    *out_items = arena_array(reading->document->arena, count, size);
    memcpy(*out_items, items, count * size);
    return OK;
}

static enum outcome settle_document(struct reading *reading)
{
    struct list_document *document = reading->document;
    enum outcome outcome = FAILED;
    void *items = NULL;
    switch (document->kind) {
    case LIST_PROVIDERS:
        outcome = settle(reading, reading->provider_names.items, reading->provider_names.count,
                         sizeof(struct str), str_compare_items, "provider name", &items);
        if (outcome == OK)
            outcome = settle(reading, reading->provider_services.items, reading->provider_services.count,
                             sizeof(struct list_provider_service), compare_provider_services,
                             "data service of a provider", &items);
        document->provider_services = items;
        break;
    case LIST_CLIENTS:
        outcome = settle(reading, reading->clients.items, reading->clients.count, sizeof(struct list_client),
                         compare_clients, "client's host name", &items);
        document->clients = items;
        break;
    case LIST_SERVICE_NAMES:
        outcome = settle(reading, reading->service_names.items, reading->service_names.count,
                         sizeof(struct list_service_name), compare_service_names, "data service", &items);
        document->service_names = items;
        break;
    case LIST_WHITELIST:
        outcome = settle(reading, reading->hosts.items, reading->hosts.count, sizeof(struct str),
                         str_compare_items, "host name", &items);
        document->hosts = items;
        /* An empty Whitelist would shut everybody out at once: more likely a fault at the source. */
        if (outcome == OK && document->count == 0)
            outcome = failure_set(reading->failure, "%s: the list is empty", reading->shape->file);
        break;
    }
    return outcome;
}

/* ---- the whole ---- */

/* What must hold of the bytes before the library sees them. One encoding, so that the search for DOCTYPE sees
 * what the parser sees; it also refuses the word in a comment, which costs nothing. */
static enum outcome check_bytes(const struct list_shape *shape, struct str xml, struct failure *failure)
{
    if (xml.length == 0 || xml.length > LIST_BYTES_MAX)
        return failure_set(failure, "%s: empty, or larger than %zu bytes", shape->file, LIST_BYTES_MAX);
    if (memchr(xml.data, '\0', xml.length) != NULL || !str_is_utf8(xml))
        return failure_set(failure, "%s: not UTF-8", shape->file);
    if (memmem(xml.data, xml.length, "<!DOCTYPE", sizeof "<!DOCTYPE" - 1) != NULL)
        return failure_set(failure, "%s: a document type declaration is not allowed", shape->file);
    return OK;
}

static enum outcome run_reader(struct reading *reading, struct str xml, const struct list_schema *schema,
                               int64_t now)
{
    reading->reader = xmlReaderForMemory(xml.data, (int)xml.length, NULL, "UTF-8",
                                         XML_PARSE_NONET | XML_PARSE_NOCDATA | XML_PARSE_IGNORE_ENC);
    if (reading->reader == NULL)
        return failure_set(reading->failure, "%s: out of memory", reading->shape->file);
    xmlTextReaderSetStructuredErrorHandler(reading->reader, note_error, &reading->xml_error);
    if (schema != NULL && xmlTextReaderSetSchema(reading->reader, schema->schema) != 0)
        return failure_set(reading->failure, "%s: the schema cannot be applied", reading->shape->file);
    enum outcome outcome = read_document(reading, now);
    if (outcome == OK && schema != NULL && xmlTextReaderIsValid(reading->reader) != 1)
        outcome = failure_set(reading->failure, "%s: not valid by the schema: %.400s", reading->shape->file,
                              reading->xml_error.text);
    return outcome;
}

enum outcome list_document_parse(enum list_kind kind, struct str xml, const struct list_schema *schema,
                                 bool is_local_allowed, int64_t now, struct list_document **out_document,
                                 struct failure *failure)
{
    *out_document = NULL;
    if (check_bytes(&shapes[kind], xml, failure) != OK)
        return FAILED;
    pthread_once(&library_once, xmlInitParser);
    struct arena *arena = arena_new();
    struct list_document *document = arena_new_of(arena, struct list_document);
    document->arena = arena;
    document->kind = kind;
    atomic_init(&document->references, 1);
    struct reading reading = {
        .shape = &shapes[kind],
        .document = document,
        .scratch = arena_new(),
        .is_local_allowed = is_local_allowed,
        .failure = failure,
    };
    enum outcome outcome = run_reader(&reading, xml, schema, now);
    if (outcome == OK)
        outcome = settle_document(&reading);
    if (outcome == OK)
        document->digest = codec_sha256(arena, xml);
    xmlFreeTextReader(reading.reader);
    arena_free(&reading.scratch);
    if (outcome != OK) {
        list_document_release(&document);
        return FAILED;
    }
    *out_document = document;
    return OK;
}

void list_document_hold(struct list_document *document)
{
    atomic_fetch_add_explicit(&document->references, 1, memory_order_relaxed);
}

void list_document_release(struct list_document **document)
{
    if (*document == NULL)
        return;
    if (atomic_fetch_sub_explicit(&(*document)->references, 1, memory_order_acq_rel) == 1) {
        struct arena *arena = (*document)->arena;
        arena_free(&arena);
    }
    *document = NULL;
}
