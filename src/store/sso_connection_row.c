/* The connection: the widest row of the store, so its plain columns are told once, as a table. */
#include "base/rand.h"
#include "base/vec.h"
#include "store/driver.h"
#include "store/sealed.h"
#include "store/sso_catalog_row.h"

static const char secret_context[] = "sso_secret.value_sealed";
static const char context_key_context[] = "sso_context_key.key_sealed";

enum field_type { FIELD_TEXT, FIELD_NUMBER, FIELD_FLAG };

struct field {
    enum field_type type;
    size_t offset;
};

#define TEXT(name)                                                                                           \
    {                                                                                                        \
        FIELD_TEXT, offsetof(struct sso_connection, name)                                                    \
    }
#define NUMBER(name)                                                                                         \
    {                                                                                                        \
        FIELD_NUMBER, offsetof(struct sso_connection, name)                                                  \
    }
#define FLAG(name)                                                                                           \
    {                                                                                                        \
        FIELD_FLAG, offsetof(struct sso_connection, name)                                                    \
    }

/* In the order of the columns in IDP_COLUMNS and in the statement that updates them. */
static const struct field idp_fields[] = {
    TEXT(preset),
    TEXT(issuer),
    TEXT(metadata_url),
    TEXT(authorization_endpoint),
    TEXT(token_endpoint),
    TEXT(jwks_uri),
    TEXT(userinfo_endpoint),
    TEXT(end_session_endpoint),
    TEXT(client_id),
    TEXT(client_auth),
    TEXT(scope),
    TEXT(acr_values),
    FLAG(is_acr_required),
    TEXT(prompt),
    TEXT(extra_parameters),
    NUMBER(max_age_s),
    TEXT(signing_algs),
    NUMBER(skew_s),
    TEXT(response_mode),
    TEXT(callback_mode),
    TEXT(userinfo),
    FLAG(is_userinfo_post),
    TEXT(claims_first),
    TEXT(pkce),
    TEXT(trusted_audiences),
    TEXT(required_amr),
    FLAG(is_launch_passed),
    TEXT(ca_file),
    FLAG(is_private_allowed),
    TEXT(tenants),
};
#define IDP_COLUMNS                                                                                          \
    "preset, issuer, metadata_url, authorization_endpoint, token_endpoint, jwks_uri, userinfo_endpoint, "    \
    "end_session_endpoint, client_id, client_auth, scope, acr_values, is_acr_required, prompt, "             \
    "extra_parameters, max_age_s, signing_algs, skew_s, response_mode, callback_mode, userinfo, "            \
    "is_userinfo_post, claims_first, pkce, trusted_audiences, required_amr, is_launch_passed, ca_file, "     \
    "is_private_allowed, tenants"

/* ... in USE_COLUMNS. */
static const struct field use_fields[] = {
    TEXT(location_claim),
    TEXT(location_id_key),
    TEXT(location_name_key),
    TEXT(location_delimiter),
    FLAG(is_location_json_in_string),
    FLAG(is_location_case_folded),
    FLAG(is_location_dn_stripped),
    FLAG(is_location_slash_stripped),
    TEXT(location_prefix),
    TEXT(subject_claim),
    TEXT(name_claim),
    TEXT(email_claim),
    TEXT(employee_claim),
    TEXT(link_claim),
    TEXT(ceiling),
    FLAG(is_session_without_permissions),
    TEXT(default_view),
    FLAG(is_target_strict),
    TEXT(patient_context),
    TEXT(patient_parameter),
    NUMBER(idle_s),
    NUMBER(absolute_s),
    TEXT(idp_logout),
    TEXT(frame_ancestors),
    TEXT(notify_address),
    FLAG(is_digest_mailed),
    FLAG(is_user_mailed),
    TEXT(application),
    TEXT(handover),
};
#define USE_COLUMNS                                                                                          \
    "location_claim, location_id_key, location_name_key, location_delimiter, is_location_json_in_string, "   \
    "is_location_case_folded, is_location_dn_stripped, is_location_slash_stripped, location_prefix, "        \
    "subject_claim, name_claim, email_claim, employee_claim, link_claim, ceiling, "                          \
    "is_session_without_permissions, "                                                                       \
    "default_view, is_target_strict, patient_context, patient_parameter, idle_s, absolute_s, idp_logout, "   \
    "frame_ancestors, notify_address, is_digest_mailed, is_user_mailed, application, handover"

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

struct str sso_slug(struct arena *arena, const struct sso_connection *item)
{
    return str_from_c(
        arena_printf(arena, "%.*s_%.*s", STR_ARG(item->customer_key), STR_ARG(item->provider_key)));
}

/* ---- the table at work ---- */

static void bind_fields(struct db_query *query, int first, const struct field *fields, size_t count,
                        const struct sso_connection *item)
{
    for (size_t i = 0; i < count; i++) {
        const void *value = (const char *)item + fields[i].offset;
        int index = first + (int)i;
        switch (fields[i].type) {
        case FIELD_TEXT:
            db_bind_text(query, index, *(const struct str *)value);
            break;
        case FIELD_NUMBER:
            db_bind_int(query, index, *(const int64_t *)value);
            break;
        case FIELD_FLAG:
            db_bind_int(query, index, *(const bool *)value);
            break;
        }
    }
}

static void read_fields(struct db_query *query, int first, const struct field *fields, size_t count,
                        struct arena *arena, struct sso_connection *item)
{
    for (size_t i = 0; i < count; i++) {
        void *value = (char *)item + fields[i].offset;
        int column = first + (int)i;
        switch (fields[i].type) {
        case FIELD_TEXT:
            *(struct str *)value = db_text(query, column, arena);
            break;
        case FIELD_NUMBER:
            *(int64_t *)value = db_int(query, column);
            break;
        case FIELD_FLAG:
            *(bool *)value = db_int(query, column) == 1;
            break;
        }
    }
}

static void form_fields(struct buf *form, const struct field *fields, size_t count,
                        const struct sso_connection *item)
{
    for (size_t i = 0; i < count; i++) {
        const void *value = (const char *)item + fields[i].offset;
        switch (fields[i].type) {
        case FIELD_TEXT:
            catalog_form_text(form, *(const struct str *)value);
            break;
        case FIELD_NUMBER:
            catalog_form_int(form, *(const int64_t *)value);
            break;
        case FIELD_FLAG:
            catalog_form_int(form, *(const bool *)value);
            break;
        }
    }
}

static void form_connection(struct buf *form, const void *object)
{
    const struct sso_connection *item = object;
    catalog_form_text(form, item->customer_key);
    catalog_form_text(form, item->provider_key);
    catalog_form_text(form, item->status);
    form_fields(form, idp_fields, COUNT_OF(idp_fields), item);
    form_fields(form, use_fields, COUNT_OF(use_fields), item);
    for (size_t i = 0; i < item->secret_count; i++) {
        catalog_form_text(form, item->secrets[i].value);
        catalog_form_int(form, item->secrets[i].set_at);
        catalog_form_int(form, item->secrets[i].expires_at);
    }
    catalog_form_int(form, -1); /* between the two lists */
    for (size_t i = 0; i < item->context_key_count; i++) {
        catalog_form_text(form, item->context_keys[i].kid);
        catalog_form_text(form, item->context_keys[i].key);
    }
}

/* ---- reading ---- */

typedef VEC(struct sso_connection) connection_vec;

static enum outcome read_rows(struct db *db, struct arena *arena, connection_vec *out_items)
{
    struct db_query *query = db_query(
        db, "SELECT id, platform, environment, customer_key, provider_key, status, version, " IDP_COLUMNS
            ", " USE_COLUMNS " FROM sso_connection ORDER BY platform, environment, slug");
    while (db_step(query) == DB_ROW) {
        struct sso_connection item = {
            .id = db_text(query, 0, arena),
            .platform = db_text(query, 1, arena),
            .environment = db_text(query, 2, arena),
            .customer_key = db_text(query, 3, arena),
            .provider_key = db_text(query, 4, arena),
            .status = db_text(query, 5, arena),
            .version = db_int(query, 6),
        };
        read_fields(query, 7, idp_fields, COUNT_OF(idp_fields), arena, &item);
        read_fields(query, 7 + (int)COUNT_OF(idp_fields), use_fields, COUNT_OF(use_fields), arena, &item);
        vec_push(arena, out_items, item);
    }
    return db_finish(query);
}

static struct sso_connection *parent_of(struct db_query *query, struct catalog_keys by_id,
                                        connection_vec *items, struct arena *arena)
{
    const struct catalog_key *key = catalog_keys_find(by_id, db_text(query, 0, arena));
    if (key == NULL)
        db_query_fault(query, "a child of a connection that is not there");
    return key == NULL ? NULL : &items->items[key->index];
}

static enum outcome read_secrets(struct db *db, const struct vault *vault, struct arena *arena,
                                 struct catalog_keys by_id, connection_vec *items)
{
    struct db_query *query = db_query(db, "SELECT connection, value_sealed, set_at, expires_at "
                                          "FROM sso_secret ORDER BY connection, ordinal");
    while (db_step(query) == DB_ROW) {
        struct sso_connection *parent = parent_of(query, by_id, items, arena);
        if (parent == NULL || parent->secret_count == COUNT_OF(parent->secrets))
            break;
        parent->secrets[parent->secret_count++] = (struct sso_secret){
            .value = sealed_column(query, 1, vault, arena, secret_context),
            .set_at = db_int(query, 2),
            .expires_at = db_int(query, 3),
        };
    }
    return db_finish(query);
}

static enum outcome read_context_keys(struct db *db, const struct vault *vault, struct arena *arena,
                                      struct catalog_keys by_id, connection_vec *items)
{
    struct db_query *query = db_query(db, "SELECT connection, kid, key_sealed FROM sso_context_key "
                                          "ORDER BY connection, ordinal");
    while (db_step(query) == DB_ROW) {
        struct sso_connection *parent = parent_of(query, by_id, items, arena);
        if (parent == NULL || parent->context_key_count == COUNT_OF(parent->context_keys))
            break;
        parent->context_keys[parent->context_key_count++] = (struct sso_context_key){
            .kid = db_text(query, 1, arena),
            .key = sealed_column(query, 2, vault, arena, context_key_context),
        };
    }
    return db_finish(query);
}

enum outcome sso_read_connections(struct db *db, const struct vault *vault, struct arena *arena,
                                  struct sso_data *out_data)
{
    connection_vec items = {0};
    if (read_rows(db, arena, &items) != OK)
        return FAILED;
    struct catalog_key *keys = arena_array_of(arena, items.count, struct catalog_key);
    for (size_t i = 0; i < items.count; i++)
        keys[i] = (struct catalog_key){items.items[i].id, i};
    struct catalog_keys by_id = catalog_keys_sort(keys, items.count);
    if (read_secrets(db, vault, arena, by_id, &items) != OK ||
        read_context_keys(db, vault, arena, by_id, &items) != OK)
        return FAILED;
    out_data->connections = items.items;
    out_data->connection_count = items.count;
    return OK;
}

/* ---- writing ---- */

static void put_row(struct db *db, struct arena *arena, const struct sso_connection *item)
{
    struct db_query *query = db_query(
        db,
        "INSERT INTO sso_connection (id, platform, environment, slug, customer_key, provider_key, status, "
        "version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO UPDATE SET "
        "customer_key = excluded.customer_key, provider_key = excluded.provider_key, "
        "status = excluded.status, version = excluded.version");
    db_bind_text(query, 1, item->id);
    db_bind_text(query, 2, item->platform);
    db_bind_text(query, 3, item->environment);
    db_bind_text(query, 4, sso_slug(arena, item));
    db_bind_text(query, 5, item->customer_key);
    db_bind_text(query, 6, item->provider_key);
    db_bind_text(query, 7, item->status);
    db_bind_int(query, 8, item->version);
    db_run_later(query);
}

static void put_idp(struct db *db, const struct sso_connection *item)
{
    struct db_query *query = db_query(
        db, "UPDATE sso_connection SET preset = $2, issuer = $3, metadata_url = $4, "
            "authorization_endpoint = $5, token_endpoint = $6, jwks_uri = $7, userinfo_endpoint = $8, "
            "end_session_endpoint = $9, client_id = $10, client_auth = $11, scope = $12, acr_values = $13, "
            "is_acr_required = $14, prompt = $15, extra_parameters = $16, max_age_s = $17, "
            "signing_algs = $18, skew_s = $19, response_mode = $20, callback_mode = $21, userinfo = $22, "
            "is_userinfo_post = $23, claims_first = $24, pkce = $25, trusted_audiences = $26, "
            "required_amr = $27, is_launch_passed = $28, ca_file = $29, is_private_allowed = $30, "
            "tenants = $31 "
            "WHERE id = $1");
    db_bind_text(query, 1, item->id);
    bind_fields(query, 2, idp_fields, COUNT_OF(idp_fields), item);
    db_run_later(query);
}

static enum outcome put_use(struct db *db, const struct sso_connection *item)
{
    struct db_query *query = db_query(
        db, "UPDATE sso_connection SET location_claim = $2, location_id_key = $3, location_name_key = $4, "
            "location_delimiter = $5, is_location_json_in_string = $6, is_location_case_folded = $7, "
            "is_location_dn_stripped = $8, is_location_slash_stripped = $9, location_prefix = $10, "
            "subject_claim = $11, name_claim = $12, email_claim = $13, employee_claim = $14, link_claim = "
            "$15, ceiling = $16, "
            "is_session_without_permissions = $17, default_view = $18, is_target_strict = $19, "
            "patient_context = $20, patient_parameter = $21, idle_s = $22, absolute_s = $23, "
            "idp_logout = $24, frame_ancestors = $25, notify_address = $26, is_digest_mailed = $27, "
            "is_user_mailed = $28, application = $29, handover = $30 WHERE id = $1");
    db_bind_text(query, 1, item->id);
    bind_fields(query, 2, use_fields, COUNT_OF(use_fields), item);
    return db_run(query);
}

static void delete_children(struct db *db, const char *sql, struct str connection)
{
    struct db_query *query = db_query(db, sql);
    db_bind_text(query, 1, connection);
    db_run_later(query);
}

static void put_secrets(struct db *db, const struct vault *vault, struct arena *arena,
                        const struct sso_connection *item)
{
    delete_children(db, "DELETE FROM sso_secret WHERE connection = $1", item->id);
    for (size_t i = 0; i < item->secret_count; i++) {
        const struct sso_secret *secret = &item->secrets[i];
        struct db_query *query =
            db_query(db, "INSERT INTO sso_secret (connection, ordinal, value_sealed, set_at, expires_at) "
                         "VALUES ($1, $2, $3, $4, $5)");
        db_bind_text(query, 1, item->id);
        db_bind_int(query, 2, (int64_t)i);
        db_bind_blob(query, 3, vault_seal(vault, arena, secret_context, secret->value));
        db_bind_int(query, 4, secret->set_at);
        db_bind_int(query, 5, secret->expires_at);
        db_run_later(query);
    }
}

static void put_context_keys(struct db *db, const struct vault *vault, struct arena *arena,
                             const struct sso_connection *item)
{
    delete_children(db, "DELETE FROM sso_context_key WHERE connection = $1", item->id);
    for (size_t i = 0; i < item->context_key_count; i++) {
        struct db_query *query = db_query(
            db, "INSERT INTO sso_context_key (connection, ordinal, kid, key_sealed) VALUES ($1, $2, $3, $4)");
        db_bind_text(query, 1, item->id);
        db_bind_int(query, 2, (int64_t)i);
        db_bind_text(query, 3, item->context_keys[i].kid);
        db_bind_blob(query, 4, vault_seal(vault, arena, context_key_context, item->context_keys[i].key));
        db_run_later(query);
    }
}

static enum outcome put_connection(struct db *db, const struct vault *vault, struct arena *arena,
                                   const void *object)
{
    const struct sso_connection *item = object;
    put_row(db, arena, item);
    put_secrets(db, vault, arena, item);
    put_context_keys(db, vault, arena, item);
    put_idp(db, item);
    return put_use(db, item);
}

/* ---- the kind ---- */

static struct catalog_id connection_id(struct arena *arena, const void *object)
{
    const struct sso_connection *item = object;
    return (struct catalog_id){{item->platform, item->environment, sso_slug(arena, item)}, 3};
}

/* By a connection of the store, or one that comes earlier in the data. */
static bool is_id_taken(const struct catalog_change *change, const struct sso_connection *item)
{
    const struct sso_data *data = change->data, *current = change->current;
    for (size_t i = 0; i < current->connection_count; i++) {
        if (str_equal(current->connections[i].id, item->id))
            return true;
    }
    for (const struct sso_connection *other = data->connections; other != item; other++) {
        if (str_equal(other->id, item->id))
            return true;
    }
    return false;
}

/* Id, version, and since when a secret is set. */
static const void *complete(const struct catalog_change *change, const void *object, const void *before)
{
    const struct sso_connection *item = object, *old = before;
    struct sso_connection *whole = arena_new_of(change->arena, struct sso_connection);
    *whole = *item;
    whole->version = old != NULL ? old->version + 1 : 1;
    if (old != NULL)
        whole->id = old->id;
    else if (item->id.length == 0 || is_id_taken(change, item))
        whole->id = str_from_c(rand_uuid7_in(change->arena));
    for (size_t i = 0; i < whole->secret_count; i++) {
        struct sso_secret *secret = &whole->secrets[i];
        if (secret->set_at != 0)
            continue;
        secret->set_at = change->now;
        for (size_t k = 0; old != NULL && k < old->secret_count; k++) {
            if (str_equal(old->secrets[k].value, secret->value))
                secret->set_at = old->secrets[k].set_at;
        }
    }
    return whole;
}

#define WITH_ID "(SELECT id FROM sso_connection WHERE platform = $1 AND environment = $2 AND slug = $3)"

const struct catalog_kind sso_connection_kind = {
    .noun = "connection",
    CATALOG_OBJECTS(struct sso_data, connections, connection_count),
    .id = connection_id,
    .form = form_connection,
    .complete = complete,
    .put = put_connection,
    .removal =
        {
            "DELETE FROM sso_mapping WHERE connection = " WITH_ID,
            "DELETE FROM sso_mapping_day WHERE connection = " WITH_ID,
            "DELETE FROM sso_session WHERE connection = " WITH_ID,
            "DELETE FROM sso_link WHERE connection = " WITH_ID,
            "DELETE FROM sso_connection WHERE platform = $1 AND environment = $2 AND slug = $3",
        },
};
