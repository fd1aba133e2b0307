#include "medmij/lists_snapshot.h"

#include "base/clock.h"

#include <stdlib.h>

/* How far another node's clock, or our own before it was set right, may have been ahead. */
#define AHEAD_MAX_S 300

struct lists_snapshot *lists_snapshot_copy(const struct lists_snapshot *from, int64_t max_age_s)
{
    struct lists_snapshot *snapshot = calloc(1, sizeof *snapshot);
    if (snapshot == NULL)
        abort(); /* as the arena does */
    atomic_init(&snapshot->references, 1);
    snapshot->max_age_s = max_age_s;
    for (int kind = 0; from != NULL && kind < LIST_KINDS; kind++) {
        if (from->documents[kind] == NULL)
            continue;
        list_document_hold(from->documents[kind]);
        snapshot->documents[kind] = from->documents[kind];
        snapshot->fetched_at[kind] = from->fetched_at[kind];
    }
    return snapshot;
}

void lists_snapshot_put(struct lists_snapshot *snapshot, enum list_kind kind, struct list_document *document,
                        int64_t fetched_at)
{
    list_document_release(&snapshot->documents[kind]);
    snapshot->documents[kind] = document;
    snapshot->fetched_at[kind] = fetched_at;
}

void lists_release(struct lists_snapshot **snapshot)
{
    if (snapshot == NULL || *snapshot == NULL)
        return;
    /* Release orders this thread's reads before the count goes down; acquire orders them before the free. */
    if (atomic_fetch_sub_explicit(&(*snapshot)->references, 1, memory_order_acq_rel) == 1) {
        for (int kind = 0; kind < LIST_KINDS; kind++)
            list_document_release(&(*snapshot)->documents[kind]);
        free(*snapshot);
    }
    *snapshot = NULL;
}

bool lists_snapshot_is_fresh(const struct lists_snapshot *snapshot, enum list_kind kind, int64_t now)
{
    int64_t age = now - snapshot->fetched_at[kind];
    return snapshot->documents[kind] != NULL && age <= snapshot->max_age_s && age >= -AHEAD_MAX_S;
}

/* The document to look in, or NULL: fail closed (spec 7.5). */
static const struct list_document *usable(const struct lists_snapshot *snapshot, enum list_kind kind)
{
    return lists_snapshot_is_fresh(snapshot, kind, clock_now()) ? snapshot->documents[kind] : NULL;
}

/* ---- look-ups: binary search over the sorted arrays; the key's field is what each comparison reads ---- */

static int client_by_host(const void *key, const void *item)
{
    return str_compare(*(const struct str *)key, ((const struct list_client *)item)->host);
}

enum outcome lists_find_client(const struct lists_snapshot *snapshot, struct str host,
                               const struct list_client **out_client)
{
    *out_client = NULL;
    const struct list_document *document = usable(snapshot, LIST_CLIENTS);
    if (document == NULL)
        return FAILED;
    if (document->count > 0)
        *out_client =
            bsearch(&host, document->clients, document->count, sizeof *document->clients, client_by_host);
    return *out_client != NULL ? OK : ABSENT;
}

static int host_by_itself(const void *key, const void *item)
{
    return str_compare(*(const struct str *)key, *(const struct str *)item);
}

enum outcome lists_find_whitelisted(const struct lists_snapshot *snapshot, struct str host)
{
    const struct list_document *document = usable(snapshot, LIST_WHITELIST);
    if (document == NULL)
        return FAILED;
    return document->count > 0 && bsearch(&host, document->hosts, document->count, sizeof *document->hosts,
                                          host_by_itself) != NULL
               ? OK
               : ABSENT;
}

static int name_by_service(const void *key, const void *item)
{
    return str_compare(*(const struct str *)key, ((const struct list_service_name *)item)->service);
}

enum outcome lists_find_service_name(const struct lists_snapshot *snapshot, struct str service,
                                     struct str *out_name)
{
    *out_name = STR_NONE;
    const struct list_document *document = usable(snapshot, LIST_SERVICE_NAMES);
    if (document == NULL)
        return FAILED;
    const struct list_service_name *found = NULL;
    if (document->count > 0)
        found = bsearch(&service, document->service_names, document->count, sizeof *document->service_names,
                        name_by_service);
    if (found == NULL)
        return ABSENT;
    *out_name = found->name;
    return OK;
}

static int service_by_all(const void *key, const void *item)
{
    const struct list_provider_service *wanted = key, *service = item;
    int order = str_compare(wanted->provider, service->provider);
    if (order == 0)
        order = str_compare(wanted->interface_version, service->interface_version);
    return order != 0 ? order : str_compare(wanted->service, service->service);
}

enum outcome lists_find_provider_service(const struct lists_snapshot *snapshot, struct str provider,
                                         struct str interface_version, struct str service,
                                         const struct list_provider_service **out_service)
{
    *out_service = NULL;
    const struct list_document *document = usable(snapshot, LIST_PROVIDERS);
    if (document == NULL)
        return FAILED;
    const struct list_provider_service wanted = {
        .provider = provider,
        .interface_version = document->has_interface_versions ? interface_version : STR_NONE,
        .service = service,
    };
    if (document->count > 0)
        *out_service = bsearch(&wanted, document->provider_services, document->count,
                               sizeof *document->provider_services, service_by_all);
    return *out_service != NULL ? OK : ABSENT;
}

bool list_client_has_service(const struct list_client *client, struct str service)
{
    if (client->has_all_services)
        return true;
    return client->service_count > 0 && bsearch(&service, client->services, client->service_count,
                                                sizeof *client->services, host_by_itself) != NULL;
}
