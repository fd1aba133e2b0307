/*
 * One MedMij list as a document: XML in, a checked and immutable struct out (spec 7.2 to 7.5).
 *
 * The parser is hardened: UTF-8 only, no DOCTYPE in any place, no entities beyond XML's five, no network,
 * caps on size and depth. Our own structural checks always run; a schema, when given, validates in the same
 * pass. Documents are counted references, because snapshots share them. Any thread; libxml2 is used through
 * one reader per call. Fuzz target: tests/fuzz/fuzz_list_xml.c.
 */
#ifndef MEDMIJ_LISTS_PARSE_H
#define MEDMIJ_LISTS_PARSE_H

#include "medmij/lists.h"

#include <stdatomic.h>

/* An XSD, parsed once. Read-only afterwards; may be shared by threads. */
struct list_schema;
enum outcome list_schema_load(const char *path, struct list_schema **out_schema,
                              struct failure *failure) MUST_CHECK;
void list_schema_free(struct list_schema **schema);

struct list_service_name {
    struct str service;
    struct str name;
};

struct list_document {
    atomic_uint references;
    enum list_kind kind;
    int64_t volgnummer;
    int64_t stamped_at;
    struct str digest; /* SHA-256 of the XML */
    bool has_interface_versions;
    size_t entries; /* providers, clients, names or hosts */

    /* The array of the document's own kind, sorted by its key; the others are empty. */
    struct list_provider_service *provider_services;
    struct list_client *clients;
    struct list_service_name *service_names;
    struct str *hosts;
    size_t count;

    struct arena *arena; /* holds everything above */
};

/* At most LIST_BYTES_MAX bytes. `now` judges the Tijdstempel; with is_local_allowed (development) endpoint
 * addresses may be http and carry a port when their host is localhost or ends in ".localhost". */
#define LIST_BYTES_MAX ((size_t)256 * 1024 * 1024)
enum outcome list_document_parse(enum list_kind kind, struct str xml, const struct list_schema *schema,
                                 bool is_local_allowed, int64_t now, struct list_document **out_document,
                                 struct failure *failure) MUST_CHECK;
void list_document_hold(struct list_document *document);
void list_document_release(struct list_document **document); /* NULL is fine */

/* xs:dateTime with a mandatory zone, to seconds since 1970 (fractions dropped). OK or FAILED. */
enum outcome list_parse_stamp(struct str text, int64_t *out_seconds) MUST_CHECK;

#endif
