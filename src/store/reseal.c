#include "store/reseal.h"

#include "base/codec.h"
#include "base/vec.h"
#include "store/audit.h"
#include "store/db.h"

#include <jansson.h>
#include <stdlib.h>

#define BATCH 50 /* a login waits for one at most */

struct column {
    const char *name;      /* also the context of its values */
    const char *count_sql; /* of the values of each key */
    const char *list_sql;  /* after $1, of a key before $2; NULL: its values end by themselves */
    const char *update_sql;
};

#define COUNT_SQL(table, column)                                                                             \
    "SELECT substr(" column ", 1, 4), COUNT(*) FROM " table " WHERE " column " IS NOT NULL GROUP BY 1"

/* `id` tells one row from another. A sealed value begins with the number of its key, most significant byte
 * first, so that those of older keys are smaller. */
#define LASTING(table, column, id)                                                                           \
    {                                                                                                        \
        table "." column, COUNT_SQL(table, column),                                                          \
            "SELECT " id ", " column " FROM " table " WHERE " id " > $1 AND " column " < $2 ORDER BY " id    \
            " LIMIT $3",                                                                                     \
            "UPDATE " table " SET " column " = $3 WHERE " id " = $1 AND " column " = $2"                     \
    }
#define PASSING(table, column)                                                                               \
    {                                                                                                        \
        table "." column, COUNT_SQL(table, column), NULL, NULL                                               \
    }

/* Those that last come first. What the audit trail holds is counted below. refresh_token.sealed_answer is not
 * sealed with keys of the vault. */
static const struct column columns[] = {
    LASTING("consent", "person_sealed", "id"),
    LASTING("identity_provider", "client_secret_sealed", "id"),
    LASTING("provider", "availability_secret_sealed", "name"),
    LASTING("sso_secret", "value_sealed", "connection || '/' || ordinal"),
    LASTING("sso_context_key", "key_sealed", "connection || '/' || ordinal"),
    LASTING("sso_application", "secret_sealed", "platform || '/' || environment || '/' || client_id"),
    LASTING("signing_key", "private_sealed", "kid"),
    PASSING("flow", "code_verifier_sealed"),
    PASSING("flow", "payload_sealed"),
    PASSING("flow", "identity_sealed"),
    PASSING("sso_session", "patient_sealed"),
    PASSING("sso_session", "id_token_sealed"),
};
#define COLUMN_COUNT (sizeof columns / sizeof *columns)

size_t reseal_column_count(void)
{
    size_t count = 0;
    while (count < COLUMN_COUNT && columns[count].list_sql != NULL)
        count++;
    return count;
}

/* ---- a batch: read, sealed anew outside any transaction, written ---- */

struct row {
    struct str id, old, fresh; /* fresh is empty when the old one does not open */
};

struct batch {
    const struct column *column;
    struct arena *arena;
    struct str after; /* id */
    struct str mark;  /* every value of an older key is smaller */
    struct row rows[BATCH];
    size_t count;
    int64_t written;
};

static enum outcome list_work(struct db *db, void *context)
{
    struct batch *batch = context;
    batch->count = 0;
    struct db_query *query = db_query(db, batch->column->list_sql);
    db_bind_text(query, 1, batch->after);
    db_bind_blob(query, 2, batch->mark);
    db_bind_int(query, 3, BATCH);
    while (batch->count < BATCH && db_step(query) == DB_ROW)
        batch->rows[batch->count++] =
            (struct row){db_text(query, 0, batch->arena), db_blob(query, 1, batch->arena), STR_NONE};
    return db_finish(query);
}

static void seal_batch(struct store *store, struct batch *batch, struct reseal_tally *tally)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct row *row = &batch->rows[i];
        struct str value;
        if (vault_open(store_vault(store), batch->arena, batch->column->name, row->old, &value) == OK)
            row->fresh = vault_seal(store_vault(store), batch->arena, batch->column->name, value);
        else
            tally->unreadable++;
    }
}

static enum outcome write_work(struct db *db, void *context)
{
    struct batch *batch = context;
    batch->written = 0;
    for (size_t i = 0; i < batch->count; i++) {
        const struct row *row = &batch->rows[i];
        if (row->fresh.length == 0)
            continue;
        struct db_query *query = db_query(db, batch->column->update_sql);
        db_bind_text(query, 1, row->id);
        db_bind_blob(query, 2, row->old);
        db_bind_blob(query, 3, row->fresh);
        if (db_run(query) != OK)
            return FAILED;
        batch->written += db_changes(db);
    }
    return OK;
}

enum outcome reseal_column(struct store *store, size_t index, struct reseal_tally *out_tally)
{
    *out_tally = (struct reseal_tally){.column = columns[index].name};
    struct arena *arena = arena_new(); /* emptied for each batch: it holds values in the clear */
    struct arena *kept = arena_new();
    struct batch batch = {.column = &columns[index], .arena = arena};
    enum outcome outcome;
    do {
        batch.mark = vault_key_mark(arena, vault_active_key(store_vault(store)));
        outcome = store_read(store, "reseal_list", list_work, &batch);
        if (outcome != OK || batch.count == 0)
            break;
        seal_batch(store, &batch, out_tally);
        outcome = store_write(store, "reseal_write", write_work, &batch);
        if (outcome == OK)
            out_tally->sealed += batch.written;
        batch.after = str_copy(kept, batch.rows[batch.count - 1].id);
        arena_reset(arena);
    } while (outcome == OK);
    arena_free(&arena);
    arena_free(&kept);
    return outcome;
}

/* ---- which keys are in use ---- */

static void add_use(struct arena *arena, struct key_use_list *list, const struct key_use *use)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].key == use->key) {
            list->items[i].lasting += use->lasting;
            list->items[i].passing += use->passing;
            list->items[i].audited += use->audited;
            return;
        }
    }
    vec_push(arena, list, *use);
}

struct use_call {
    const struct column *column;
    struct arena *arena;
    struct key_use_list found;
};

static enum outcome use_work(struct db *db, void *context)
{
    struct use_call *call = context;
    call->found = (struct key_use_list){0};
    struct db_query *query = db_query(db, call->column->count_sql);
    while (db_step(query) == DB_ROW) {
        int64_t count = db_int(query, 1);
        bool is_lasting = call->column->list_sql != NULL;
        struct key_use use = {.key = vault_key_of(db_blob(query, 0, call->arena)),
                              .lasting = is_lasting ? count : 0,
                              .passing = is_lasting ? 0 : count};
        vec_push(call->arena, &call->found, use);
    }
    return db_finish(query);
}

/* ---- ... by the audit trail ---- */

#define PAGE_ENTRIES 500

struct trail_page {
    struct arena *arena;
    struct str after_node; /* with the number: the entry before the page */
    int64_t after_number;
    struct key_use_list found;
    size_t count;
    struct str node; /* with the number: the last entry of the page */
    int64_t number;
};

/* ABSENT: these details hold nothing sealed. The key is 0 when what they hold is damaged. */
static enum outcome read_key_of_details(struct arena *arena, struct str details, int64_t *out_key)
{
    json_t *members = json_loadb(details.data, details.length, 0, NULL);
    const char *text = json_string_value(json_object_get(members, AUDIT_SEALED_MEMBER));
    struct str sealed = STR_NONE;
    enum outcome outcome = text != NULL ? OK : ABSENT;
    if (text != NULL && codec_base64url_decode(arena, str_from_c(text), &sealed) != OK)
        sealed = STR_NONE;
    *out_key = vault_key_of(sealed);
    json_decref(members);
    return outcome;
}

/* What LIKE finds may hold the word only in passing. */
static enum outcome trail_work(struct db *db, void *context)
{
    struct trail_page *page = context;
    page->found = (struct key_use_list){0};
    page->count = 0;
    struct db_query *query = db_query(
        db, "SELECT node, number, details FROM audit WHERE (node > $1 OR (node = $1 AND number > $2)) "
            "AND details LIKE '%\"" AUDIT_SEALED_MEMBER "\"%' ORDER BY node, number LIMIT $3");
    db_bind_text(query, 1, page->after_node);
    db_bind_int(query, 2, page->after_number);
    db_bind_int(query, 3, PAGE_ENTRIES);
    while (db_step(query) == DB_ROW) {
        struct key_use use = {.audited = 1};
        page->node = db_text(query, 0, page->arena);
        page->number = db_int(query, 1);
        page->count++;
        if (read_key_of_details(page->arena, db_text(query, 2, page->arena), &use.key) == OK)
            add_use(page->arena, &page->found, &use);
    }
    return db_finish(query);
}

static enum outcome read_use_of_trail(struct store *store, struct arena *arena, struct key_use_list *list)
{
    struct trail_page page = {.arena = arena_new()}; /* emptied for each page */
    enum outcome outcome;
    do {
        outcome = store_read(store, "reseal_read_trail", trail_work, &page);
        for (size_t i = 0; outcome == OK && i < page.found.count; i++)
            add_use(arena, list, &page.found.items[i]);
        page.after_node = str_copy(arena, page.node);
        page.after_number = page.number;
        arena_reset(page.arena);
    } while (outcome == OK && page.count == PAGE_ENTRIES);
    arena_free(&page.arena);
    return outcome;
}

/* ---- ... by anything ---- */

static int compare_use(const void *a, const void *b)
{
    const struct key_use *one = a, *other = b;
    return (one->key > other->key) - (one->key < other->key);
}

enum outcome reseal_read_use(struct store *store, struct arena *arena, struct key_use_list *out_list)
{
    *out_list = (struct key_use_list){0};
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        struct use_call call = {.column = &columns[i], .arena = arena};
        if (store_read(store, "reseal_read_use", use_work, &call) != OK)
            return FAILED;
        for (size_t k = 0; k < call.found.count; k++)
            add_use(arena, out_list, &call.found.items[k]);
    }
    if (read_use_of_trail(store, arena, out_list) != OK)
        return FAILED;
    if (out_list->count > 1)
        qsort(out_list->items, out_list->count, sizeof *out_list->items, compare_use);
    return OK;
}
