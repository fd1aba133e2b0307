#include "store/sso_person.h"

#include "base/vec.h"
#include "store/db.h"
#include "store/search.h"

#define LIST_MAX 1000

struct list_call {
    const struct sso_person_filter *filter;
    struct str pattern;
    int64_t now;
    struct arena *arena;
    struct sso_person_list *out_list;
};

static struct sso_person read_person(struct db_query *query, struct arena *arena)
{
    return (struct sso_person){
        .user = {.id = db_text(query, 0, arena),
                 .issuer = db_text(query, 1, arena),
                 .subject = db_text(query, 2, arena),
                 .sub_raw = db_text(query, 3, arena),
                 .display_name = db_text(query, 4, arena),
                 .email = db_text(query, 5, arena),
                 .employee_number = db_text(query, 6, arena),
                 .is_blocked = db_int(query, 7) != 0,
                 .created_at = db_int(query, 8),
                 .last_login_at = db_int(query, 9)},
        .session_count = db_int(query, 10),
    };
}

static struct str add_line(struct arena *arena, struct str lines, struct str line)
{
    return lines.length == 0 ? line
                             : str_from_c(arena_printf(arena, "%.*s\n%.*s", STR_ARG(lines), STR_ARG(line)));
}

/* A row for each linked identity of a person, and one for who has none. */
static enum outcome list_work(struct db *db, void *context)
{
    const struct list_call *call = context;
    *call->out_list = (struct sso_person_list){0};
    struct db_query *query = db_query(
        db,
        "SELECT p.id, p.issuer, p.subject, p.sub_raw, p.display_name, p.email, p.employee_number, "
        "p.is_blocked, p.created_at, p.last_login_at, "
        "(SELECT COUNT(*) FROM sso_session s WHERE s.user_id = p.id AND s.ends_at > $4 AND ($6 = '' OR "
        "s.connection IN (SELECT c.id FROM sso_connection c WHERE c.customer_key = $6))), i.issuer, "
        "i.subject FROM (SELECT * FROM sso_user u WHERE u.linked_to = '' AND (u.is_blocked = 1 OR $3 = 0) "
        "AND ($6 = '' OR EXISTS "
        "(SELECT 1 FROM sso_log l WHERE l.user_id = u.id AND l.customer_key = $6)) AND (u.id = $2 "
        "OR LOWER(u.display_name) LIKE LOWER($1) ESCAPE '!' OR LOWER(u.subject) LIKE LOWER($1) ESCAPE '!' "
        "OR LOWER(u.email) LIKE LOWER($1) ESCAPE '!' "
        "OR LOWER(u.employee_number) LIKE LOWER($1) ESCAPE '!' OR EXISTS (SELECT 1 FROM sso_user o WHERE "
        "o.linked_to = u.id AND (o.id = $2 OR LOWER(o.subject) LIKE LOWER($1) ESCAPE '!'))) "
        "ORDER BY u.last_login_at DESC, u.id LIMIT $5) p LEFT JOIN sso_user i ON i.linked_to = p.id "
        "ORDER BY p.last_login_at DESC, p.id, i.created_at, i.id");
    db_bind_text(query, 1, call->pattern);
    db_bind_text(query, 2, call->filter->search);
    db_bind_int(query, 3, call->filter->is_blocked_only);
    db_bind_int(query, 4, call->now);
    db_bind_int(query, 5, call->filter->limit);
    db_bind_text(query, 6, customer_scope_key(call->filter->scope));
    struct sso_person_list *list = call->out_list;
    while (db_step(query) == DB_ROW) {
        struct sso_person person = read_person(query, call->arena);
        if (list->count == 0 || !str_equal(list->items[list->count - 1].user.id, person.user.id))
            vec_push(call->arena, list, person);
        struct sso_person *last = &list->items[list->count - 1];
        if (db_is_null(query, 11))
            continue;
        last->other_issuers = add_line(call->arena, last->other_issuers, db_text(query, 11, call->arena));
        last->other_subjects = add_line(call->arena, last->other_subjects, db_text(query, 12, call->arena));
    }
    return db_finish(query);
}

enum outcome sso_person_list(struct store *store, const struct sso_person_filter *filter, int64_t now,
                             struct arena *arena, struct sso_person_list *out_list)
{
    *out_list = (struct sso_person_list){0};
    if (filter->limit < 1 || filter->limit > LIST_MAX)
        return store_fault(store, "sso_person_list", "the limit must be 1 to 1000");
    struct list_call call = {filter, search_pattern(arena, filter->search), now, arena, out_list};
    return store_read(store, "sso_person_list", list_work, &call);
}
