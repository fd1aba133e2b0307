#include "store/list_copy.h"

#include "store/db.h"

struct load_call {
    const char *kind;
    struct arena *arena;
    struct str *out_xml;
    int64_t *out_fetched_at;
};

static enum outcome load_work(struct db *db, void *context)
{
    const struct load_call *call = context;
    struct db_query *query = db_query(db, "SELECT xml, fetched_at FROM list_copy WHERE kind = $1");
    db_bind_c(query, 1, call->kind);
    enum db_step step = db_step(query);
    if (step == DB_ROW) {
        *call->out_xml = db_blob(query, 0, call->arena);
        *call->out_fetched_at = db_int(query, 1);
    }
    return db_finish_lookup(query, step);
}

enum outcome list_copy_load(struct store *store, const char *kind, struct arena *arena, struct str *out_xml,
                            int64_t *out_fetched_at)
{
    struct load_call call = {kind, arena, out_xml, out_fetched_at};
    return store_read(store, "list_copy_load", load_work, &call);
}

struct save_call {
    const char *kind;
    int64_t volgnummer;
    struct str xml;
    int64_t fetched_at;
};

static enum outcome save_work(struct db *db, void *context)
{
    const struct save_call *call = context;
    struct db_query *query = db_query(
        db, "INSERT INTO list_copy (kind, volgnummer, xml, fetched_at) VALUES ($1, $2, $3, $4) "
            "ON CONFLICT (kind) DO UPDATE SET volgnummer = excluded.volgnummer, "
            "xml = CASE WHEN excluded.volgnummer > list_copy.volgnummer THEN excluded.xml ELSE list_copy.xml "
            "END, fetched_at = excluded.fetched_at WHERE excluded.volgnummer >= list_copy.volgnummer");
    db_bind_c(query, 1, call->kind);
    db_bind_int(query, 2, call->volgnummer);
    db_bind_blob(query, 3, call->xml);
    db_bind_int(query, 4, call->fetched_at);
    return db_run(query);
}

enum outcome list_copy_save(struct store *store, const char *kind, int64_t volgnummer, struct str xml,
                            int64_t fetched_at)
{
    struct save_call call = {kind, volgnummer, xml, fetched_at};
    return store_write_one(store, "list_copy_save", save_work, &call);
}
