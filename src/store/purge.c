#include "store/purge.h"

#include "store/db.h"

struct purge_call {
    const char *sql;
    int64_t before;
    int limit;
    int64_t deleted;
};

static enum outcome purge_work(struct db *db, void *context)
{
    struct purge_call *call = context;
    struct db_query *query = db_query(db, call->sql);
    db_bind_int(query, 1, call->before);
    db_bind_int(query, 2, call->limit);
    enum outcome outcome = db_run(query);
    call->deleted = db_changes(db);
    return outcome;
}

enum outcome purge_rows(struct store *store, const char *verb, const char *sql, int64_t before, int limit,
                        int64_t *deleted)
{
    struct purge_call call = {sql, before, limit, 0};
    enum outcome outcome = store_write_one(store, verb, purge_work, &call);
    if (outcome == OK)
        *deleted += call.deleted;
    return outcome;
}
