#include "store/notification.h"

#include "base/vec.h"
#include "store/db.h"

#define LIST_MAX 1000

#define COLUMNS                                                                                              \
    "o.id, o.connection, o.state, o.reason, o.code, o.cause, o.reference, o.recipients, o.subject, "         \
    "o.repeats, o.first_at, o.last_at, o.is_last, o.attempts, o.queued_at, o.due_at, o.done_at"

static struct notification read_row(struct db_query *query, struct arena *arena)
{
    return (struct notification){
        .id = db_text(query, 0, arena),
        .connection = db_text(query, 1, arena),
        .state = (enum notification_state)db_int(query, 2),
        .reason = db_text(query, 3, arena),
        .code = (int)db_int(query, 4),
        .cause = db_text(query, 5, arena),
        .reference = db_text(query, 6, arena),
        .recipients = db_text(query, 7, arena),
        .subject = db_text(query, 8, arena),
        .repeats = db_int(query, 9),
        .first_at = db_int(query, 10),
        .last_at = db_int(query, 11),
        .is_last = db_int(query, 12) == 1,
        .attempts = (int)db_int(query, 13),
        .queued_at = db_int(query, 14),
        .due_at = db_int(query, 15),
        .done_at = db_int(query, 16),
    };
}

struct find_call {
    const struct notification_filter *filter;
    struct arena *arena;
    struct notification_list *out_list;
};

static enum outcome find_work(struct db *db, void *context)
{
    const struct find_call *call = context;
    const struct notification_filter *filter = call->filter;
    *call->out_list = (struct notification_list){0};
    struct db_query *query =
        db_query(db, "SELECT " COLUMNS " FROM outbox o WHERE (o.connection = $1 OR $1 = '') "
                     "AND (o.state = $2 OR $2 = 0) AND (o.code = $3 OR $3 = 0) AND ($4 = '' "
                     "OR (o.queued_at, o.id) < (SELECT b.queued_at, b.id FROM outbox b WHERE b.id = $4)) "
                     "AND ($6 = '' OR o.connection IN "
                     "(SELECT c.id FROM sso_connection c WHERE c.customer_key = $6)) "
                     "ORDER BY o.queued_at DESC, o.id DESC LIMIT $5");
    db_bind_text(query, 1, filter->connection);
    db_bind_int(query, 2, (int64_t)filter->state);
    db_bind_int(query, 3, filter->code);
    db_bind_text(query, 4, filter->before_id);
    db_bind_int(query, 5, filter->limit);
    db_bind_text(query, 6, customer_scope_key(filter->scope));
    while (db_step(query) == DB_ROW) {
        struct notification row = read_row(query, call->arena);
        vec_push(call->arena, call->out_list, row);
    }
    return db_finish(query);
}

enum outcome notification_find(struct store *store, const struct notification_filter *filter,
                               struct arena *arena, struct notification_list *out_list)
{
    *out_list = (struct notification_list){0};
    if (filter->limit < 1 || filter->limit > LIST_MAX)
        return store_fault(store, "notification_find", "the limit must be 1 to 1000");
    struct find_call call = {filter, arena, out_list};
    return store_read(store, "notification_find", find_work, &call);
}

struct get_call {
    struct str customer_key, id;
    struct arena *arena;
    struct notification *out_notification;
};

static enum outcome get_work(struct db *db, void *context)
{
    const struct get_call *call = context;
    struct db_query *query =
        db_query(db, "SELECT " COLUMNS ", o.body FROM outbox o WHERE o.id = $1 AND ($2 = '' OR "
                     "o.connection IN (SELECT c.id FROM sso_connection c WHERE c.customer_key = $2))");
    db_bind_text(query, 1, call->id);
    db_bind_text(query, 2, call->customer_key);
    enum db_step step = db_step(query);
    if (step == DB_ROW) {
        *call->out_notification = read_row(query, call->arena);
        call->out_notification->body = db_text(query, 17, call->arena);
    }
    return db_finish_lookup(query, step);
}

enum outcome notification_get(struct store *store, struct customer_scope scope, struct str id,
                              struct arena *arena, struct notification *out_notification)
{
    struct get_call call = {customer_scope_key(scope), id, arena, out_notification};
    return store_read(store, "notification_get", get_work, &call);
}
