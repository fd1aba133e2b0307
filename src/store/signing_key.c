#include "store/signing_key.h"

#include "base/vec.h"
#include "store/audit.h"
#include "store/catalog_diff.h"
#include "store/db.h"
#include "store/purge.h"
#include "store/sealed.h"

#include <inttypes.h>

static const char private_context[] = "signing_key.private_sealed";

/* ---- reading ---- */

struct list_call {
    int64_t now;
    struct arena *arena;
    struct signing_key_list *out_list;
};

static enum outcome list_in(struct db *db, int64_t now, struct arena *arena,
                            struct signing_key_list *out_list)
{
    *out_list = (struct signing_key_list){0};
    struct db_query *query =
        db_query(db, "SELECT kid, alg, private_sealed, announced_at, active_at, ends_at FROM signing_key "
                     "WHERE ends_at = 0 OR ends_at > $1 ORDER BY active_at, kid");
    db_bind_int(query, 1, now);
    while (db_step(query) == DB_ROW) {
        const struct signing_key key = {
            .kid = db_text(query, 0, arena),
            .alg = db_text(query, 1, arena),
            .private_jwk = db_blob(query, 2, arena), /* sealed until after the read */
            .announced_at = db_int(query, 3),
            .active_at = db_int(query, 4),
            .ends_at = db_int(query, 5),
        };
        vec_push(arena, out_list, key);
    }
    return db_finish(query);
}

static enum outcome list_work(struct db *db, void *context)
{
    const struct list_call *call = context;
    return list_in(db, call->now, call->arena, call->out_list);
}

enum outcome signing_key_list(struct store *store, int64_t now, bool with_private, struct arena *arena,
                              struct signing_key_list *out_list)
{
    struct list_call call = {now, arena, out_list};
    if (store_read(store, "signing_key_list", list_work, &call) != OK)
        return FAILED;
    for (size_t i = 0; i < out_list->count; i++) {
        struct signing_key *key = &out_list->items[i];
        if (!with_private)
            key->private_jwk = STR_NONE;
        else if (sealed_open(store, arena, private_context, &key->private_jwk) != OK)
            return store_fault(store, "signing_key_list", "a sealed signing key does not open");
    }
    return OK;
}

enum signing_key_state signing_key_state(const struct signing_key_list *list, size_t index, int64_t now)
{
    const struct signing_key *key = &list->items[index];
    if (key->ends_at != 0 && key->ends_at <= now)
        return SIGNING_KEY_ENDED;
    if (key->active_at > now)
        return SIGNING_KEY_ANNOUNCED;
    bool has_successor = index + 1 < list->count && list->items[index + 1].active_at <= now;
    return has_successor ? SIGNING_KEY_RETIRED : SIGNING_KEY_ACTIVE;
}

/* NULL when there is none. */
static const struct signing_key *find(const struct signing_key_list *list, int64_t now,
                                      enum signing_key_state state)
{
    for (size_t i = 0; i < list->count; i++)
        if (signing_key_state(list, i, now) == state)
            return &list->items[i];
    return NULL;
}

/* ---- writing ---- */

struct write_call {
    const char *node;
    const struct signing_key *key;
    struct str sealed;
    const char *actor;
    int64_t now;
    struct arena *arena;
    struct signing_key_turn *out_turn;
};

static enum outcome insert(struct db *db, const struct write_call *call, int64_t active_at)
{
    struct db_query *query = db_query(db, "INSERT INTO signing_key (kid, alg, private_sealed, announced_at, "
                                          "active_at) VALUES ($1, $2, $3, $4, $5)");
    db_bind_text(query, 1, call->key->kid);
    db_bind_text(query, 2, call->key->alg);
    db_bind_blob(query, 3, call->sealed);
    db_bind_int(query, 4, call->now);
    db_bind_int(query, 5, active_at);
    return db_run(query);
}

static enum outcome audit(struct db *db, const struct write_call *call, struct str kid, int64_t active_at)
{
    const struct audit_entry entry = {
        .at = call->now,
        .actor = str_from_c(call->actor),
        .action = STR("signing_key_rotate"),
        .subject = kid,
        .details = str_from_c(arena_printf(call->arena, "signs from %" PRId64, active_at)),
    };
    return audit_append_in(db, call->node, &entry);
}

static enum outcome first_work(struct db *db, void *context)
{
    const struct write_call *call = context;
    struct signing_key_list list;
    if (catalog_lock(db) != OK || list_in(db, call->now, call->arena, &list) != OK)
        return FAILED;
    if (find(&list, call->now, SIGNING_KEY_ACTIVE) != NULL)
        return ABSENT;
    if (insert(db, call, call->now) != OK)
        return FAILED;
    return audit(db, call, call->key->kid, call->now);
}

enum outcome signing_key_first(struct store *store, const struct signing_key *key, int64_t now)
{
    struct arena *arena = arena_new();
    struct write_call call = {
        .node = store_node(store),
        .key = key,
        .sealed = sealed_close(store, arena, private_context, key->private_jwk),
        .actor = "system",
        .now = now,
        .arena = arena,
    };
    enum outcome outcome = store_write(store, "signing_key_first", first_work, &call);
    arena_free(&arena);
    return outcome;
}

/* The others are published until what they signed is gone. */
static enum outcome set_ends(struct db *db, const struct signing_key_turn *turn)
{
    struct db_query *query =
        db_query(db, "UPDATE signing_key SET ends_at = $2 WHERE kid <> $1 AND (ends_at = 0 OR ends_at > $2)");
    db_bind_text(query, 1, turn->kid);
    db_bind_int(query, 2, turn->active_at + SIGNING_KEY_KEPT_S);
    return db_run(query);
}

static enum outcome activate(struct db *db, const struct signing_key_turn *turn)
{
    struct db_query *query = db_query(db, "UPDATE signing_key SET active_at = $2 WHERE kid = $1");
    db_bind_text(query, 1, turn->kid);
    db_bind_int(query, 2, turn->active_at);
    return db_run(query);
}

static enum outcome rotate_work(struct db *db, void *context)
{
    const struct write_call *call = context;
    struct signing_key_turn *turn = call->out_turn;
    struct signing_key_list list;
    *turn = (struct signing_key_turn){call->key->kid, call->key->active_at, true};
    if (catalog_lock(db) != OK || list_in(db, call->now, call->arena, &list) != OK)
        return FAILED;
    const struct signing_key *announced = find(&list, call->now, SIGNING_KEY_ANNOUNCED);
    const struct signing_key *active = find(&list, call->now, SIGNING_KEY_ACTIVE);
    if (announced != NULL) {
        if (call->key->active_at > call->now)
            return ABSENT;
        *turn = (struct signing_key_turn){announced->kid, call->now, false};
    } else if (turn->active_at < call->now || active == NULL) {
        turn->active_at = call->now;
    }
    if (active != NULL && turn->active_at <= active->active_at)
        turn->active_at = active->active_at + 1; /* of two in one second neither would be the later */
    enum outcome outcome = turn->is_new ? insert(db, call, turn->active_at) : activate(db, turn);
    if (outcome != OK || set_ends(db, turn) != OK)
        return FAILED;
    return audit(db, call, turn->kid, turn->active_at);
}

enum outcome signing_key_rotate(struct store *store, const struct signing_key *key, const char *actor,
                                int64_t now, struct arena *arena, struct signing_key_turn *out_turn)
{
    struct write_call call = {
        .node = store_node(store),
        .key = key,
        .sealed = sealed_close(store, arena, private_context, key->private_jwk),
        .actor = actor,
        .now = now,
        .arena = arena,
        .out_turn = out_turn,
    };
    return store_write(store, "signing_key_rotate", rotate_work, &call);
}

enum outcome signing_key_purge(struct store *store, int64_t now, int limit, int64_t *out_deleted)
{
    *out_deleted = 0;
    return purge_rows(store, "signing_key_purge",
                      "DELETE FROM signing_key WHERE kid IN (SELECT kid FROM signing_key "
                      "WHERE ends_at > 0 AND ends_at <= $1 ORDER BY ends_at LIMIT $2)",
                      now, limit, out_deleted);
}
