#include "store/catalog_row.h"

#include "base/vec.h"
#include "store/driver.h"
#include "store/sealed.h"

static const char client_secret_context[] = "identity_provider.client_secret_sealed";
static const char availability_secret_context[] = "provider.availability_secret_sealed";

/* ---- reading ---- */

static struct catalog_image read_image(struct db_query *query, int column, struct arena *arena)
{
    return (struct catalog_image){db_blob(query, column, arena), db_text(query, column + 1, arena)};
}

typedef VEC(struct catalog_identity_provider) identity_provider_vec;
typedef VEC(struct catalog_provider) provider_vec;
typedef VEC(struct catalog_service) service_vec;
typedef VEC(struct str) id_vec;

static enum outcome read_identity_providers(struct db *db, const struct vault *vault, struct arena *arena,
                                            struct catalog_data *out_data)
{
    identity_provider_vec items = {0};
    struct db_query *query = db_query(
        db, "SELECT id, label, picture, picture_type, level, level_name, issuer, metadata_url, client_id, "
            "client_secret_sealed, client_auth, scope, acr_values, is_acr_required, signing_algs, userinfo, "
            "bsn_claim, ca_file, is_private_allowed FROM identity_provider ORDER BY id");
    while (db_step(query) == DB_ROW) {
        struct catalog_identity_provider item = {
            .id = db_text(query, 0, arena),
            .label = db_text(query, 1, arena),
            .picture = read_image(query, 2, arena),
            .level = db_int(query, 4),
            .level_name = db_text(query, 5, arena),
            .issuer = db_text(query, 6, arena),
            .metadata_url = db_text(query, 7, arena),
            .client_id = db_text(query, 8, arena),
            .client_secret = sealed_column(query, 9, vault, arena, client_secret_context),
            .client_auth = db_text(query, 10, arena),
            .scope = db_text(query, 11, arena),
            .acr_values = db_text(query, 12, arena),
            .is_acr_required = db_int(query, 13) == 1,
            .signing_algs = db_text(query, 14, arena),
            .userinfo = db_text(query, 15, arena),
            .bsn_claim = db_text(query, 16, arena),
            .ca_file = db_text(query, 17, arena),
            .is_private_allowed = db_int(query, 18) == 1,
        };
        vec_push(arena, &items, item);
    }
    out_data->identity_providers = items.items;
    out_data->identity_provider_count = items.count;
    return db_finish(query);
}

static enum outcome read_providers(struct db *db, const struct vault *vault, struct arena *arena,
                                   provider_vec *out_items)
{
    struct db_query *query = db_query(
        db, "SELECT name, display_name, interface_version, text_set, is_legacy_scope, privacy_url, color, "
            "logo, logo_type, announcement, availability, availability_url, availability_secret_sealed, "
            "availability_timeout_ms, is_checked_before_consent, is_checked_at_token "
            "FROM provider ORDER BY name");
    while (db_step(query) == DB_ROW) {
        struct catalog_provider item = {
            .name = db_text(query, 0, arena),
            .display_name = db_text(query, 1, arena),
            .interface_version = db_text(query, 2, arena),
            .text_set = db_text(query, 3, arena),
            .is_legacy_scope = db_int(query, 4) == 1,
            .privacy_url = db_text(query, 5, arena),
            .color = db_text(query, 6, arena),
            .logo = read_image(query, 7, arena),
            .announcement = db_text(query, 9, arena),
            .availability = db_text(query, 10, arena),
            .availability_url = db_text(query, 11, arena),
            .availability_secret = sealed_column(query, 12, vault, arena, availability_secret_context),
            .availability_timeout_ms = db_int(query, 13),
            .is_checked_before_consent = db_int(query, 14) == 1,
            .is_checked_at_token = db_int(query, 15) == 1,
        };
        vec_push(arena, out_items, item);
    }
    return db_finish(query);
}

/* Providers and their children come in the same order, so that one pass over each suffices. The engine sorted
 * both, by the same rules; names are compared for equality only. NULL, and the query has failed, when there
 * is no such provider. */
static struct catalog_provider *parent_of(struct db_query *query, struct arena *arena,
                                          const provider_vec *providers, size_t *position)
{
    struct str name = db_text(query, 0, arena);
    while (*position < providers->count && !str_equal(providers->items[*position].name, name))
        ++*position;
    if (*position < providers->count)
        return &providers->items[*position];
    db_query_fault(query, "a child of a provider that is not there");
    return NULL;
}

static enum outcome read_services(struct db *db, struct arena *arena, provider_vec *providers)
{
    struct db_query *query = db_query(db, "SELECT provider, service, function, max_days "
                                          "FROM provider_service ORDER BY provider, ordinal");
    service_vec items = {0};
    struct catalog_provider *current = NULL;
    size_t position = 0;
    while (db_step(query) == DB_ROW) {
        struct catalog_provider *parent = parent_of(query, arena, providers, &position);
        if (parent == NULL)
            break;
        if (parent != current)
            items = (service_vec){0};
        current = parent;
        struct catalog_service item = {db_text(query, 1, arena), db_text(query, 2, arena), db_int(query, 3)};
        vec_push(arena, &items, item);
        current->services = items.items;
        current->service_count = items.count;
    }
    return db_finish(query);
}

static enum outcome read_links(struct db *db, struct arena *arena, provider_vec *providers)
{
    struct db_query *query =
        db_query(db, "SELECT provider, identity_provider FROM provider_identity_provider "
                     "ORDER BY provider, ordinal");
    id_vec items = {0};
    struct catalog_provider *current = NULL;
    size_t position = 0;
    while (db_step(query) == DB_ROW) {
        struct catalog_provider *parent = parent_of(query, arena, providers, &position);
        if (parent == NULL)
            break;
        if (parent != current)
            items = (id_vec){0};
        current = parent;
        vec_push(arena, &items, db_text(query, 1, arena));
        current->identity_providers = items.items;
        current->identity_provider_count = items.count;
    }
    return db_finish(query);
}

enum outcome catalog_read_rows(struct db *db, const struct vault *vault, struct arena *arena,
                               struct catalog_data *out_data)
{
    *out_data = (struct catalog_data){0};
    provider_vec providers = {0};
    if (read_identity_providers(db, vault, arena, out_data) != OK ||
        read_providers(db, vault, arena, &providers) != OK || read_services(db, arena, &providers) != OK ||
        read_links(db, arena, &providers) != OK)
        return FAILED;
    out_data->providers = providers.items;
    out_data->provider_count = providers.count;
    return OK;
}

/* ---- writing ---- */

static void bind_image(struct db_query *query, int index, struct catalog_image image)
{
    if (image.bytes.length > 0)
        db_bind_blob(query, index, image.bytes);
    else
        db_bind_null(query, index);
    db_bind_text(query, index + 1, image.content_type);
}

static enum outcome put_identity_provider(struct db *db, const struct vault *vault, struct arena *arena,
                                          const void *object)
{
    const struct catalog_identity_provider *item = object;
    struct db_query *query = db_query(
        db, "INSERT INTO identity_provider (id, label, picture, picture_type, level, level_name, issuer, "
            "metadata_url, client_id, client_secret_sealed, client_auth, scope, acr_values, "
            "is_acr_required, signing_algs, userinfo, bsn_claim, ca_file, is_private_allowed) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19) "
            "ON CONFLICT (id) DO UPDATE SET label = excluded.label, picture = excluded.picture, "
            "picture_type = excluded.picture_type, level = excluded.level, level_name = excluded.level_name, "
            "issuer = excluded.issuer, metadata_url = excluded.metadata_url, client_id = excluded.client_id, "
            "client_secret_sealed = excluded.client_secret_sealed, client_auth = excluded.client_auth, "
            "scope = excluded.scope, acr_values = excluded.acr_values, "
            "is_acr_required = excluded.is_acr_required, signing_algs = excluded.signing_algs, "
            "userinfo = excluded.userinfo, bsn_claim = excluded.bsn_claim, ca_file = excluded.ca_file, "
            "is_private_allowed = excluded.is_private_allowed");
    db_bind_text(query, 1, item->id);
    db_bind_text(query, 2, item->label);
    bind_image(query, 3, item->picture);
    db_bind_int(query, 5, item->level);
    db_bind_text(query, 6, item->level_name);
    db_bind_text(query, 7, item->issuer);
    db_bind_text(query, 8, item->metadata_url);
    db_bind_text(query, 9, item->client_id);
    db_bind_blob(query, 10, vault_seal(vault, arena, client_secret_context, item->client_secret));
    db_bind_text(query, 11, item->client_auth);
    db_bind_text(query, 12, item->scope);
    db_bind_text(query, 13, item->acr_values);
    db_bind_int(query, 14, item->is_acr_required);
    db_bind_text(query, 15, item->signing_algs);
    db_bind_text(query, 16, item->userinfo);
    db_bind_text(query, 17, item->bsn_claim);
    db_bind_text(query, 18, item->ca_file);
    db_bind_int(query, 19, item->is_private_allowed);
    return db_run(query);
}

static enum outcome put_provider_row(struct db *db, const struct vault *vault, struct arena *arena,
                                     const struct catalog_provider *item)
{
    struct db_query *query = db_query(
        db, "INSERT INTO provider (name, display_name, interface_version, text_set, is_legacy_scope, "
            "privacy_url, color, logo, logo_type, announcement, availability, availability_url, "
            "availability_secret_sealed, availability_timeout_ms, is_checked_before_consent, "
            "is_checked_at_token) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, "
            "$16) ON CONFLICT (name) DO UPDATE SET display_name = excluded.display_name, "
            "interface_version = excluded.interface_version, text_set = excluded.text_set, "
            "is_legacy_scope = excluded.is_legacy_scope, privacy_url = excluded.privacy_url, "
            "color = excluded.color, logo = excluded.logo, logo_type = excluded.logo_type, "
            "announcement = excluded.announcement, availability = excluded.availability, "
            "availability_url = excluded.availability_url, "
            "availability_secret_sealed = excluded.availability_secret_sealed, "
            "availability_timeout_ms = excluded.availability_timeout_ms, "
            "is_checked_before_consent = excluded.is_checked_before_consent, "
            "is_checked_at_token = excluded.is_checked_at_token");
    db_bind_text(query, 1, item->name);
    db_bind_text(query, 2, item->display_name);
    db_bind_text(query, 3, item->interface_version);
    db_bind_text(query, 4, item->text_set);
    db_bind_int(query, 5, item->is_legacy_scope);
    db_bind_text(query, 6, item->privacy_url);
    db_bind_text(query, 7, item->color);
    bind_image(query, 8, item->logo);
    db_bind_text(query, 10, item->announcement);
    db_bind_text(query, 11, item->availability);
    db_bind_text(query, 12, item->availability_url);
    db_bind_blob(query, 13, vault_seal(vault, arena, availability_secret_context, item->availability_secret));
    db_bind_int(query, 14, item->availability_timeout_ms);
    db_bind_int(query, 15, item->is_checked_before_consent);
    db_bind_int(query, 16, item->is_checked_at_token);
    return db_run(query);
}

static enum outcome delete_by(struct db *db, const char *sql, struct str key)
{
    struct db_query *query = db_query(db, sql);
    db_bind_text(query, 1, key);
    return db_run(query);
}

static enum outcome put_services(struct db *db, const struct catalog_provider *item)
{
    for (size_t i = 0; i < item->service_count; i++) {
        struct db_query *query =
            db_query(db, "INSERT INTO provider_service (provider, service, function, max_days, ordinal) "
                         "VALUES ($1, $2, $3, $4, $5)");
        db_bind_text(query, 1, item->name);
        db_bind_text(query, 2, item->services[i].id);
        db_bind_text(query, 3, item->services[i].function);
        db_bind_int(query, 4, item->services[i].max_days);
        db_bind_int(query, 5, (int64_t)i);
        if (db_run(query) != OK)
            return FAILED;
    }
    return OK;
}

static enum outcome put_links(struct db *db, const struct catalog_provider *item)
{
    for (size_t i = 0; i < item->identity_provider_count; i++) {
        struct db_query *query =
            db_query(db, "INSERT INTO provider_identity_provider (provider, identity_provider, ordinal) "
                         "VALUES ($1, $2, $3)");
        db_bind_text(query, 1, item->name);
        db_bind_text(query, 2, item->identity_providers[i]);
        db_bind_int(query, 3, (int64_t)i);
        if (db_run(query) != OK)
            return FAILED;
    }
    return OK;
}

static enum outcome put_provider(struct db *db, const struct vault *vault, struct arena *arena,
                                 const void *object)
{
    const struct catalog_provider *item = object;
    if (put_provider_row(db, vault, arena, item) != OK ||
        delete_by(db, "DELETE FROM provider_service WHERE provider = $1", item->name) != OK ||
        delete_by(db, "DELETE FROM provider_identity_provider WHERE provider = $1", item->name) != OK ||
        put_services(db, item) != OK)
        return FAILED;
    return put_links(db, item);
}

/* ---- comparing ---- */

static void form_image(struct buf *form, struct catalog_image image)
{
    catalog_form_text(form, image.bytes);
    catalog_form_text(form, image.content_type);
}

static void form_identity_provider(struct buf *form, const void *object)
{
    const struct catalog_identity_provider *item = object;
    const struct str fields[] = {
        item->label,       item->level_name,    item->issuer,       item->metadata_url, item->client_id,
        item->client_auth, item->client_secret, item->scope,        item->acr_values,   item->userinfo,
        item->bsn_claim,   item->ca_file,       item->signing_algs,
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        catalog_form_text(form, fields[i]);
    form_image(form, item->picture);
    catalog_form_int(form, item->level);
    catalog_form_int(form, item->is_acr_required);
    catalog_form_int(form, item->is_private_allowed);
}

static void form_provider(struct buf *form, const void *object)
{
    const struct catalog_provider *item = object;
    const struct str fields[] = {
        item->display_name,
        item->interface_version,
        item->text_set,
        item->privacy_url,
        item->color,
        item->announcement,
        item->availability,
        item->availability_url,
        item->availability_secret,
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        catalog_form_text(form, fields[i]);
    form_image(form, item->logo);
    catalog_form_int(form, item->is_legacy_scope);
    catalog_form_int(form, item->availability_timeout_ms);
    catalog_form_int(form, item->is_checked_before_consent);
    catalog_form_int(form, item->is_checked_at_token);
    for (size_t i = 0; i < item->service_count; i++) {
        catalog_form_text(form, item->services[i].id);
        catalog_form_text(form, item->services[i].function);
        catalog_form_int(form, item->services[i].max_days);
    }
    catalog_form_int(form, -1); /* between the two lists */
    for (size_t i = 0; i < item->identity_provider_count; i++)
        catalog_form_text(form, item->identity_providers[i]);
}

/* ---- the kinds ---- */

const struct catalog_kind catalog_identity_provider_kind = {
    .noun = "identity provider",
    CATALOG_OBJECTS(struct catalog_data, identity_providers, identity_provider_count),
    CATALOG_ID_1(struct catalog_identity_provider, id),
    .form = form_identity_provider,
    .put = put_identity_provider,
    .removal = {"DELETE FROM identity_provider WHERE id = $1"},
};

const struct catalog_kind catalog_provider_kind = {
    .noun = "provider",
    CATALOG_OBJECTS(struct catalog_data, providers, provider_count),
    CATALOG_ID_1(struct catalog_provider, name),
    .form = form_provider,
    .put = put_provider,
    .removal = {"DELETE FROM provider WHERE name = $1"},
};
