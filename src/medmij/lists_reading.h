/*
 * Between lists_parse.c (the document as a stream) and lists_entries.c (one entry as a small tree): a
 * document being read. Private to these two files; one thread.
 */
#ifndef MEDMIJ_LISTS_READING_H
#define MEDMIJ_LISTS_READING_H

#include "base/vec.h"
#include "medmij/lists_parse.h"

#include <libxml/xmlreader.h>

/* What differs between the kinds before their entries are read. */
struct list_shape {
    const char *file;
    const char *root;
    const char *family; /* in the namespace: prefix, family, "/release", number, "/" */
    int64_t release_min;
    int64_t release_max;
    const char *container;
    const char *entry;
};

struct reading {
    xmlTextReaderPtr reader;
    const struct list_shape *shape;
    struct list_document *document;
    struct arena *scratch;
    const char *namespace_uri; /* of the root; every element we look at is in it */
    int64_t release;
    bool is_local_allowed;
    bool has_stamp, has_number, has_container;
    VEC(struct list_provider_service) provider_services;
    VEC(struct list_client) clients;
    VEC(struct list_service_name) service_names;
    VEC(struct str) hosts;
    VEC(struct str) provider_names;
    struct failure *failure;
    struct failure xml_error; /* the library's first complaint */
};

static inline struct str from_xml(const xmlChar *text)
{
    return str_from_c((const char *)text);
}

/* FAILED with the place of `node` and the reason. */
enum outcome list_refuse(struct reading *reading, const xmlNode *node, const char *reason) MUST_CHECK;
/* The text of an element that holds nothing else, in the document's arena. OK or FAILED. */
enum outcome list_node_text(struct reading *reading, const xmlNode *node, struct str *out_text) MUST_CHECK;
/* One provider, client, service name or host, pushed to the reading's arrays. OK or FAILED. */
enum outcome list_read_entry(struct reading *reading, const xmlNode *entry) MUST_CHECK;

#endif
