/*
 * The four MedMij lists (spec 7): provider list (ZAL), OAuth client list (OCL), data service names (GNL) and
 * Whitelist.
 *
 * A lists object fetches each list from its URL or file, checks it, and swaps in an immutable snapshot;
 * requests in flight keep the snapshot they acquired. One refresher thread inside; every other function is
 * for any thread and never blocks on the network. Look-ups answer FAILED when the list they need is older
 * than the configured maximum (fail closed) or was never loaded.
 */
#ifndef MEDMIJ_LISTS_H
#define MEDMIJ_LISTS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum list_kind { LIST_PROVIDERS, LIST_CLIENTS, LIST_SERVICE_NAMES, LIST_WHITELIST };
#define LIST_KINDS 4
/* The fixed file name without .xml: "MedMij_Whitelist", ... */
const char *list_kind_name(enum list_kind kind);

struct list_source {
    const char *location;    /* https://... (a "file:" URL or a path means a file) */
    const char *schema_file; /* XSD; NULL = our own structural checks only */
};

struct lists_settings {
    struct list_source sources[LIST_KINDS];
    const char *ca_file;                 /* for fetching; NULL = the system's */
    const char *client_certificate_file; /* mutual TLS; NULL = none */
    const char *client_key_file;
    int64_t interval_s;   /* 900 */
    int64_t max_age_s;    /* 86400: after this, fail closed */
    size_t size_max;      /* 64 MiB */
    bool is_http_allowed; /* development: lists over http, and endpoints at *.localhost over http and with
                             ports */
};

/* Where last good copies are kept between starts: the store, behind two functions so that tests need none. */
struct lists_keeper {
    void *context;
    enum outcome (*load)(void *context, struct arena *arena, enum list_kind kind, struct str *out_xml,
                         int64_t *out_fetched_at, struct failure *failure);
    enum outcome (*save)(void *context, enum list_kind kind, int64_t volgnummer, struct str xml,
                         int64_t fetched_at, struct failure *failure);
};

struct lists;

/* Loads the kept copies, then fetches once (a failed fetch is no failure here: see lists_is_ready), then
 * starts the refresher. The settings and the strings in it are copied. */
enum outcome lists_start(const struct lists_settings *settings, const struct lists_keeper *keeper,
                         struct lists **out_lists, struct failure *failure) MUST_CHECK;
void lists_stop(struct lists **lists);
void lists_refresh_soon(struct lists *lists); /* wakes the refresher (SIGHUP) */

struct list_status {
    enum list_kind kind;
    bool is_loaded;
    bool is_fresh; /* younger than max_age_s */
    int64_t volgnummer;
    int64_t stamped_at; /* Tijdstempel */
    int64_t fetched_at;
    unsigned failures_in_a_row; /* 3 and more is an alarm */
    size_t entries;
    char last_error[FAILURE_TEXT_MAX];
};
void lists_status(const struct lists *lists, enum list_kind kind, struct list_status *out_status);
bool lists_is_ready(const struct lists *lists); /* all four loaded and fresh */

/* ---- a consistent view for one request ---- */

struct lists_snapshot;
struct lists_snapshot *lists_acquire(struct lists *lists);
void lists_release(struct lists_snapshot **snapshot);

struct list_client {
    struct str host;
    struct str organisation_name; /* OAuthclientOrganisatienaam: shown to the person */
    bool has_all_services;        /* a release2 entry without service ids; see spec 7.4 */
    const struct str *services;
    size_t service_count;
};

struct list_provider_service {
    struct str provider; /* without "@medmij" */
    struct str interface_version;
    struct str service;
    int64_t max_days; /* MaximaleDuur; 0 = no subscriptions */
    struct str authorization_endpoint;
    struct str token_endpoint;
};

/* Each: OK, ABSENT, or FAILED when the list is missing or too old. Results live as long as the snapshot. A
 * provider list of the generation without interface versions (release2) answers for every version. */
enum outcome lists_find_client(const struct lists_snapshot *snapshot, struct str host,
                               const struct list_client **out_client) MUST_CHECK;
enum outcome lists_find_whitelisted(const struct lists_snapshot *snapshot, struct str host) MUST_CHECK;
enum outcome lists_find_service_name(const struct lists_snapshot *snapshot, struct str service,
                                     struct str *out_name) MUST_CHECK;
enum outcome lists_find_provider_service(const struct lists_snapshot *snapshot, struct str provider,
                                         struct str interface_version, struct str service,
                                         const struct list_provider_service **out_service) MUST_CHECK;
bool list_client_has_service(const struct list_client *client, struct str service);

/* One document, checked alone: `sluis lists verify`, fuzzing and tests. OK or FAILED with the reason. */
enum outcome lists_verify_document(enum list_kind kind, struct str xml, const char *schema_file,
                                   bool is_http_allowed, struct list_status *out_status,
                                   struct failure *failure) MUST_CHECK;

#endif
