#include "cli/catalog_file.h"

#include "base/vec.h"

#include <stdlib.h>
#include <string.h>

size_t catalog_section_count(const struct business_data *data, enum section section)
{
    switch (section) {
    case SECTION_IDENTITY_PROVIDERS:
        return data->catalog.identity_provider_count;
    case SECTION_PROVIDERS:
        return data->catalog.provider_count;
    case SECTION_HOSTS:
        return data->sso.host_count;
    case SECTION_VIEWS:
        return data->sso.view_count;
    case SECTION_CEILINGS:
        return data->sso.ceiling_count;
    case SECTION_GROUPS:
        return data->sso.group_count;
    case SECTION_CONNECTIONS:
        return data->sso.connection_count;
    case SECTION_APPLICATIONS:
        return data->sso.application_count;
    case SECTION_MAPPINGS:
        return data->mapping_count;
    case SECTION_COUNT:
        break;
    }
    return 0;
}

const void *catalog_section_object(const struct business_data *data, enum section section, size_t index)
{
    switch (section) {
    case SECTION_IDENTITY_PROVIDERS:
        return &data->catalog.identity_providers[index];
    case SECTION_PROVIDERS:
        return &data->catalog.providers[index];
    case SECTION_HOSTS:
        return &data->sso.hosts[index];
    case SECTION_VIEWS:
        return &data->sso.views[index];
    case SECTION_CEILINGS:
        return &data->sso.ceilings[index];
    case SECTION_GROUPS:
        return &data->sso.groups[index];
    case SECTION_CONNECTIONS:
        return &data->sso.connections[index];
    case SECTION_APPLICATIONS:
        return &data->sso.applications[index];
    case SECTION_MAPPINGS:
        return &data->mappings[index];
    case SECTION_COUNT:
        break;
    }
    return NULL;
}

const char *catalog_section_noun(enum section section)
{
    switch (section) {
    case SECTION_IDENTITY_PROVIDERS:
        return "identity provider";
    case SECTION_PROVIDERS:
        return "provider";
    case SECTION_HOSTS:
        return "host";
    case SECTION_VIEWS:
        return "view";
    case SECTION_CEILINGS:
        return "ceiling";
    case SECTION_GROUPS:
        return "security group";
    case SECTION_CONNECTIONS:
        return "connection";
    case SECTION_APPLICATIONS:
        return "application";
    case SECTION_MAPPINGS:
        return "mappings of";
    case SECTION_COUNT:
        break;
    }
    return "";
}

static const char *plain(struct arena *arena, struct str name)
{
    return arena_printf(arena, "%.*s", STR_ARG(name));
}

static const char *owned(struct arena *arena, struct str name, struct str customer)
{
    return arena_printf(arena, "%.*s of %.*s", STR_ARG(name), STR_ARG(customer));
}

const char *catalog_object_name(struct arena *arena, enum section section, const void *object)
{
    const struct sso_ceiling *ceiling = object;
    const struct sso_group *group = object;
    const struct sso_connection *connection = object;
    const struct sso_application *application = object;
    const struct mapping_set *set = object;
    switch (section) {
    case SECTION_IDENTITY_PROVIDERS:
        return plain(arena, ((const struct catalog_identity_provider *)object)->id);
    case SECTION_PROVIDERS:
        return plain(arena, ((const struct catalog_provider *)object)->name);
    case SECTION_HOSTS:
        return plain(arena, ((const struct sso_host *)object)->name);
    case SECTION_VIEWS:
        return plain(arena, ((const struct sso_view *)object)->name);
    case SECTION_CEILINGS:
        return owned(arena, ceiling->name, ceiling->customer_key);
    case SECTION_GROUPS:
        return owned(arena, group->name, group->customer_key);
    case SECTION_CONNECTIONS:
        return arena_printf(arena, "%.*s_%.*s (%.*s, %.*s)", STR_ARG(connection->customer_key),
                            STR_ARG(connection->provider_key), STR_ARG(connection->platform),
                            STR_ARG(connection->environment));
    case SECTION_APPLICATIONS:
        return arena_printf(arena, "%.*s (%.*s, %.*s)", STR_ARG(application->client_id),
                            STR_ARG(application->platform), STR_ARG(application->environment));
    case SECTION_MAPPINGS:
        return arena_printf(arena, "%.*s (%.*s, %.*s)", STR_ARG(set->slug), STR_ARG(set->platform),
                            STR_ARG(set->environment));
    case SECTION_COUNT:
        break;
    }
    return "";
}

bool catalog_has_patient_door(const struct business_data *data)
{
    return data->catalog.identity_provider_count + data->catalog.provider_count > 0;
}

bool catalog_has_sso_door(const struct business_data *data)
{
    const struct sso_data *sso = &data->sso;
    return sso->host_count + sso->view_count + sso->ceiling_count + sso->group_count + sso->connection_count +
               sso->application_count >
           0;
}

/* ---- secrets ---- */

static void keep_catalog_secrets(struct catalog_data *data, const struct catalog_data *stored)
{
    for (size_t i = 0; i < data->identity_provider_count; i++) {
        struct catalog_identity_provider *fresh = &data->identity_providers[i];
        for (size_t k = 0; fresh->client_secret.data == NULL && k < stored->identity_provider_count; k++)
            if (str_equal(stored->identity_providers[k].id, fresh->id))
                fresh->client_secret = stored->identity_providers[k].client_secret;
    }
    for (size_t i = 0; i < data->provider_count; i++) {
        struct catalog_provider *fresh = &data->providers[i];
        for (size_t k = 0; fresh->availability_secret.data == NULL && k < stored->provider_count; k++)
            if (str_equal(stored->providers[k].name, fresh->name))
                fresh->availability_secret = stored->providers[k].availability_secret;
    }
}

static const struct sso_connection *find_connection(const struct sso_data *data,
                                                    const struct sso_connection *like)
{
    for (size_t i = 0; i < data->connection_count; i++) {
        const struct sso_connection *item = &data->connections[i];
        if (str_equal(item->customer_key, like->customer_key) &&
            str_equal(item->provider_key, like->provider_key) && str_equal(item->platform, like->platform) &&
            str_equal(item->environment, like->environment))
            return item;
    }
    return NULL;
}

/* Those that are there move to the front; each keeps the day on which it was set. */
static void keep_client_secrets(struct sso_connection *fresh, const struct sso_connection *old, int64_t now)
{
    size_t count = 0;
    for (size_t i = 0; i < 2; i++) {
        struct sso_secret secret = fresh->secrets[i];
        if (secret.value.data == NULL && old != NULL && i < old->secret_count)
            secret.value = old->secrets[i].value;
        if (secret.value.length == 0)
            continue;
        secret.set_at = now;
        for (size_t k = 0; old != NULL && k < old->secret_count; k++)
            if (str_equal(old->secrets[k].value, secret.value))
                secret.set_at = old->secrets[k].set_at;
        fresh->secrets[count++] = secret;
    }
    fresh->secret_count = count;
    for (size_t i = count; i < 2; i++)
        fresh->secrets[i] = (struct sso_secret){0};
}

static enum outcome keep_patient_keys(struct sso_connection *fresh, const struct sso_connection *old,
                                      struct failure *failure)
{
    for (size_t i = 0; i < fresh->context_key_count; i++) {
        struct sso_context_key *key = &fresh->context_keys[i];
        for (size_t k = 0; key->key.length == 0 && old != NULL && k < old->context_key_count; k++)
            if (str_equal(old->context_keys[k].kid, key->kid))
                key->key = old->context_keys[k].key;
        if (key->key.length == 0)
            return failure_set(failure,
                               "connection %.*s_%.*s: the store has no patient key %.*s; write its key",
                               STR_ARG(fresh->customer_key), STR_ARG(fresh->provider_key), STR_ARG(key->kid));
    }
    return OK;
}

static enum outcome keep_application_secret(struct sso_application *fresh, const struct sso_data *stored,
                                            struct failure *failure)
{
    bool is_public = str_equal(fresh->client_auth, STR("none"));
    for (size_t i = 0; fresh->secret.data == NULL && !is_public && i < stored->application_count; i++) {
        const struct sso_application *old = &stored->applications[i];
        if (str_equal(old->client_id, fresh->client_id) && str_equal(old->platform, fresh->platform) &&
            str_equal(old->environment, fresh->environment))
            fresh->secret = old->secret;
    }
    if (is_public != (fresh->secret.length == 0))
        return failure_set(failure,
                           is_public ? "application %.*s: a client with client_auth none has no secret"
                                     : "application %.*s: write its client_secret, or client_auth: none",
                           STR_ARG(fresh->client_id));
    return OK;
}

enum outcome catalog_keep_secrets(struct business_data *data, const struct business_data *stored, int64_t now,
                                  struct failure *failure)
{
    keep_catalog_secrets(&data->catalog, &stored->catalog);
    for (size_t i = 0; i < data->sso.connection_count; i++) {
        struct sso_connection *fresh = &data->sso.connections[i];
        const struct sso_connection *old = find_connection(&stored->sso, fresh);
        if (old != NULL)
            fresh->id = old->id;
        keep_client_secrets(fresh, old, now);
        if (keep_patient_keys(fresh, old, failure) != OK)
            return FAILED;
    }
    for (size_t i = 0; i < data->sso.application_count; i++)
        if (keep_application_secret(&data->sso.applications[i], &stored->sso, failure) != OK)
            return FAILED;
    return OK;
}
