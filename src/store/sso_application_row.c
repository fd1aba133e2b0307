/* The application: one row, with a secret that is NULL for a public client. */
#include "base/vec.h"
#include "store/driver.h"
#include "store/sealed.h"
#include "store/sso_catalog_row.h"

static const char secret_context[] = "sso_application.secret_sealed";

typedef VEC(struct sso_application) application_vec;

static void form(struct buf *form, const void *object)
{
    const struct sso_application *item = object;
    catalog_form_text(form, item->name);
    catalog_form_text(form, item->status);
    catalog_form_text(form, item->customer_key);
    catalog_form_text(form, item->connections);
    catalog_form_text(form, item->client_auth);
    catalog_form_text(form, item->secret);
    catalog_form_text(form, item->redirect_uris);
    catalog_form_text(form, item->post_logout_redirect_uris);
}

enum outcome sso_read_applications(struct db *db, const struct vault *vault, struct arena *arena,
                                   struct sso_data *out_data)
{
    application_vec items = {0};
    struct db_query *query =
        db_query(db, "SELECT platform, environment, client_id, name, status, customer_key, connections, "
                     "client_auth, secret_sealed, redirect_uris, post_logout_redirect_uris "
                     "FROM sso_application ORDER BY platform, environment, client_id");
    while (db_step(query) == DB_ROW) {
        struct sso_application item = {
            .platform = db_text(query, 0, arena),
            .environment = db_text(query, 1, arena),
            .client_id = db_text(query, 2, arena),
            .name = db_text(query, 3, arena),
            .status = db_text(query, 4, arena),
            .customer_key = db_text(query, 5, arena),
            .connections = db_text(query, 6, arena),
            .client_auth = db_text(query, 7, arena),
            .redirect_uris = db_text(query, 9, arena),
            .post_logout_redirect_uris = db_text(query, 10, arena),
        };
        if (!db_is_null(query, 8))
            item.secret = sealed_column(query, 8, vault, arena, secret_context);
        vec_push(arena, &items, item);
    }
    out_data->applications = items.items;
    out_data->application_count = items.count;
    return db_finish(query);
}

static enum outcome put(struct db *db, const struct vault *vault, struct arena *arena, const void *object)
{
    const struct sso_application *item = object;
    struct db_query *query = db_query(
        db, "INSERT INTO sso_application (platform, environment, client_id, name, status, customer_key, "
            "connections, client_auth, secret_sealed, redirect_uris, post_logout_redirect_uris) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) "
            "ON CONFLICT (platform, environment, client_id) DO UPDATE SET name = excluded.name, "
            "status = excluded.status, customer_key = excluded.customer_key, "
            "connections = excluded.connections, client_auth = excluded.client_auth, "
            "secret_sealed = excluded.secret_sealed, redirect_uris = excluded.redirect_uris, "
            "post_logout_redirect_uris = excluded.post_logout_redirect_uris");
    db_bind_text(query, 1, item->platform);
    db_bind_text(query, 2, item->environment);
    db_bind_text(query, 3, item->client_id);
    db_bind_text(query, 4, item->name);
    db_bind_text(query, 5, item->status);
    db_bind_text(query, 6, item->customer_key);
    db_bind_text(query, 7, item->connections);
    db_bind_text(query, 8, item->client_auth);
    db_bind_blob_or_null(query, 9,
                         item->secret.length > 0 ? vault_seal(vault, arena, secret_context, item->secret)
                                                 : STR_NONE);
    db_bind_text(query, 10, item->redirect_uris);
    db_bind_text(query, 11, item->post_logout_redirect_uris);
    return db_run(query);
}

const struct catalog_kind sso_application_kind = {
    .noun = "application",
    CATALOG_OBJECTS(struct sso_data, applications, application_count),
    CATALOG_ID_3(struct sso_application, platform, environment, client_id),
    .form = form,
    .put = put,
    .removal = {"DELETE FROM sso_application WHERE platform = $1 AND environment = $2 AND client_id = $3"},
};
