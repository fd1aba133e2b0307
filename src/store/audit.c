#include "store/audit.h"

#include "base/buf.h"
#include "base/codec.h"
#include "base/vec.h"
#include "store/driver.h"

#define ENTRY_MAX ((size_t)1 << 20)

static const char no_hash[DIGEST_BYTES]; /* stands before the first entry */

/* ---- the chain ---- */

static void append_number(struct buf *form, int64_t number)
{
    for (int shift = 56; shift >= 0; shift -= 8)
        buf_append_char(form, (char)((uint64_t)number >> shift & 0xff));
}

static void append_field(struct buf *form, struct str field)
{
    append_number(form, (int64_t)field.length);
    buf_append(form, field);
}

/* Every field carries its length, so that no two different entries have the same form. */
static enum outcome hash_entry(struct arena *arena, struct str previous, const struct audit_entry *entry,
                               struct str *out_hash)
{
    struct buf form = buf_new(arena, ENTRY_MAX);
    append_field(&form, previous);
    append_field(&form, entry->node);
    append_number(&form, entry->number);
    append_number(&form, entry->at);
    append_field(&form, entry->actor);
    append_field(&form, entry->action);
    append_field(&form, entry->subject);
    append_field(&form, entry->details);
    if (form.overflowed)
        return FAILED;
    *out_hash = codec_sha256(arena, buf_str(&form));
    return OK;
}

/* The number of the next entry and the hash before it. The head's row lock makes writers of one chain go one
 * after the other until they commit, on any engine. */
static enum outcome take_number(struct db *db, struct arena *arena, struct str node, int64_t *out_number,
                                struct str *out_previous)
{
    for (int attempt = 0; attempt < 2; attempt++) {
        struct db_query *query =
            db_query(db, "UPDATE audit_head SET number = number + 1 WHERE node = $1 RETURNING number, hash");
        db_bind_text(query, 1, node);
        enum db_step step = db_step(query);
        if (step == DB_ROW) {
            *out_number = db_int(query, 0);
            *out_previous = db_blob(query, 1, arena);
        }
        if (db_finish(query) != OK || step == DB_ROW)
            return db_settle(db, step == DB_ROW ? OK : FAILED);
        query = db_query(db, "INSERT INTO audit_head (node, number, hash) VALUES ($1, 0, $2) "
                             "ON CONFLICT (node) DO NOTHING");
        db_bind_text(query, 1, node);
        db_bind_blob(query, 2, str_of(no_hash, sizeof no_hash));
        if (db_run(query) != OK)
            return FAILED;
    }
    return FAILED;
}

static void write_entry(struct db *db, const struct audit_entry *entry)
{
    struct db_query *query =
        db_query(db, "INSERT INTO audit (node, number, at, actor, action, subject, details, hash) "
                     "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");
    db_bind_text(query, 1, entry->node);
    db_bind_int(query, 2, entry->number);
    db_bind_int(query, 3, entry->at);
    db_bind_text(query, 4, entry->actor);
    db_bind_text(query, 5, entry->action);
    db_bind_text(query, 6, entry->subject);
    db_bind_text(query, 7, entry->details);
    db_bind_blob(query, 8, entry->hash);
    db_run_later(query);
}

/* From the number that was taken to that of the newest entry. */
static enum outcome move_head(struct db *db, int64_t taken, const struct audit_entry *newest)
{
    struct db_query *query =
        db_query(db, "UPDATE audit_head SET hash = $2, number = $4 WHERE node = $1 AND number = $3");
    db_bind_text(query, 1, newest->node);
    db_bind_blob(query, 2, newest->hash);
    db_bind_int(query, 3, taken);
    db_bind_int(query, 4, newest->number);
    if (db_run(query) != OK)
        return FAILED;
    return db_changes(db) == 1 ? OK : FAILED;
}

enum outcome audit_append_all_in(struct db *db, const char *node, const struct audit_entry *entries,
                                 size_t count)
{
    if (count == 0)
        return OK;
    struct arena *arena = arena_new();
    struct audit_entry next = {0};
    int64_t taken;
    struct str previous;
    enum outcome outcome = take_number(db, arena, str_from_c(node), &taken, &previous);
    for (size_t i = 0; outcome == OK && i < count; i++) {
        next = entries[i];
        next.node = str_from_c(node);
        next.number = taken + (int64_t)i;
        outcome = hash_entry(arena, previous, &next, &next.hash);
        if (outcome == OK)
            write_entry(db, &next);
        previous = next.hash;
    }
    if (outcome == OK)
        outcome = move_head(db, taken, &next);
    arena_free(&arena);
    return outcome;
}

enum outcome audit_append_in(struct db *db, const char *node, const struct audit_entry *entry)
{
    return audit_append_all_in(db, node, entry, 1);
}

struct append_call {
    const char *node;
    const struct audit_entry *entry;
};

static enum outcome append_work(struct db *db, void *context)
{
    const struct append_call *call = context;
    return audit_append_in(db, call->node, call->entry);
}

enum outcome audit_append(struct store *store, const struct audit_entry *entry)
{
    struct append_call call = {store_node(store), entry};
    return store_write(store, "audit_append", append_work, &call);
}

/* ---- reading ---- */

static void read_row(struct db_query *query, struct arena *arena, struct audit_entry *out_entry)
{
    *out_entry = (struct audit_entry){
        .node = db_text(query, 0, arena),
        .number = db_int(query, 1),
        .at = db_int(query, 2),
        .actor = db_text(query, 3, arena),
        .action = db_text(query, 4, arena),
        .subject = db_text(query, 5, arena),
        .details = db_text(query, 6, arena),
        .hash = db_blob(query, 7, arena),
    };
}

#define COLUMNS "node, number, at, actor, action, subject, details, hash"

/* Runs and finishes a query for COLUMNS. */
static enum outcome read_list(struct db_query *query, struct arena *arena, struct audit_list *out_list)
{
    *out_list = (struct audit_list){0};
    while (db_step(query) == DB_ROW) {
        struct audit_entry entry;
        read_row(query, arena, &entry);
        vec_push(arena, out_list, entry);
    }
    return db_finish(query);
}

struct read_call {
    struct str node;
    int64_t after_number;
    int limit;
    struct arena *arena;
    struct audit_list *out_list;
};

static enum outcome read_work(struct db *db, void *context)
{
    const struct read_call *call = context;
    struct db_query *query = db_query(db, "SELECT " COLUMNS " FROM audit "
                                          "WHERE node = $1 AND number > $2 ORDER BY number LIMIT $3");
    db_bind_text(query, 1, call->node);
    db_bind_int(query, 2, call->after_number);
    db_bind_int(query, 3, call->limit);
    return read_list(query, call->arena, call->out_list);
}

enum outcome audit_read(struct store *store, struct str node, int64_t after_number, int limit,
                        struct arena *arena, struct audit_list *out_list)
{
    struct read_call call = {node, after_number, limit, arena, out_list};
    return store_read(store, "audit_read", read_work, &call);
}

struct subject_call {
    struct str action, subject;
    int limit;
    struct arena *arena;
    struct audit_list *out_list;
};

static enum outcome find_work(struct db *db, void *context)
{
    const struct subject_call *call = context;
    struct db_query *query =
        db_query(db, "SELECT " COLUMNS " FROM audit "
                     "WHERE subject = $1 AND action = $2 ORDER BY at DESC, node, number DESC LIMIT $3");
    db_bind_text(query, 1, call->subject);
    db_bind_text(query, 2, call->action);
    db_bind_int(query, 3, call->limit);
    return read_list(query, call->arena, call->out_list);
}

enum outcome audit_find(struct store *store, struct str action, struct str subject, int limit,
                        struct arena *arena, struct audit_list *out_list)
{
    struct subject_call call = {action, subject, limit, arena, out_list};
    return store_read(store, "audit_find", find_work, &call);
}

/* ---- verification ---- */

struct verify_call {
    struct arena *arena; /* the caller's: what the verdict points to */
    struct arena *page;  /* emptied between pages */
    struct audit_verdict *out_verdict;
};

struct chain {
    struct str node;
    int64_t number;
    char hash[DIGEST_BYTES];
};

#define PAGE_ENTRIES 500

static void break_at(struct audit_verdict *verdict, struct str node, int64_t number)
{
    if (!verdict->is_intact)
        return;
    verdict->is_intact = false;
    verdict->broken_node = node;
    verdict->broken_number = number;
}

/* Checks the next page of the chain; *out_count entries of it. */
static enum outcome verify_page(struct db *db, struct verify_call *call, struct chain *chain,
                                size_t *out_count)
{
    struct audit_list list;
    struct read_call page = {chain->node, chain->number, PAGE_ENTRIES, call->page, &list};
    if (read_work(db, &page) != OK)
        return FAILED;
    *out_count = list.count;
    for (size_t i = 0; i < list.count && call->out_verdict->is_intact; i++) {
        const struct audit_entry *entry = &list.items[i];
        struct str expected;
        if (entry->number != chain->number + 1)
            break_at(call->out_verdict, chain->node, chain->number + 1);
        else if (hash_entry(call->page, str_of(chain->hash, DIGEST_BYTES), entry, &expected) != OK ||
                 !str_equal(expected, entry->hash))
            break_at(call->out_verdict, chain->node, entry->number);
        if (!call->out_verdict->is_intact)
            break;
        chain->number = entry->number;
        memcpy(chain->hash, entry->hash.data, DIGEST_BYTES);
        call->out_verdict->entries++;
    }
    arena_reset(call->page);
    return OK;
}

static enum outcome verify_chain(struct db *db, struct verify_call *call, const struct audit_entry *head)
{
    struct chain chain = {.node = head->node};
    size_t count;
    do {
        if (verify_page(db, call, &chain, &count) != OK)
            return FAILED;
    } while (count == PAGE_ENTRIES && call->out_verdict->is_intact);
    /* A chain that stops before its head has lost its end; one that has no head was put there by hand. */
    if (chain.number < head->number)
        break_at(call->out_verdict, chain.node, chain.number + 1);
    else if (chain.number > head->number)
        break_at(call->out_verdict, chain.node, head->number + 1);
    else if (!str_equal(str_of(chain.hash, DIGEST_BYTES), head->hash))
        break_at(call->out_verdict, chain.node, chain.number);
    call->out_verdict->nodes++;
    return OK;
}

/* The chains that there should be, and those that are there without a head. */
static enum outcome read_heads(struct db *db, struct verify_call *call, struct audit_list *out_heads)
{
    struct db_query *query = db_query(db, "SELECT node, number, hash FROM audit_head ORDER BY node");
    while (db_step(query) == DB_ROW) {
        struct audit_entry head = {
            .node = db_text(query, 0, call->arena),
            .number = db_int(query, 1),
            .hash = db_blob(query, 2, call->arena),
        };
        vec_push(call->arena, out_heads, head);
    }
    if (db_finish(query) != OK)
        return FAILED;
    query = db_query(db, "SELECT DISTINCT node FROM audit WHERE node NOT IN (SELECT node FROM audit_head) "
                         "ORDER BY node");
    while (db_step(query) == DB_ROW) {
        struct audit_entry head = {.node = db_text(query, 0, call->arena),
                                   .hash = str_of(no_hash, sizeof no_hash)};
        vec_push(call->arena, out_heads, head);
    }
    return db_finish(query);
}

static enum outcome verify_work(struct db *db, void *context)
{
    struct verify_call *call = context;
    *call->out_verdict = (struct audit_verdict){.is_intact = true};
    struct audit_list heads = {0};
    if (read_heads(db, call, &heads) != OK)
        return FAILED;
    for (size_t i = 0; i < heads.count; i++) {
        if (verify_chain(db, call, &heads.items[i]) != OK)
            return FAILED;
    }
    return OK;
}

enum outcome audit_verify(struct store *store, struct arena *arena, struct audit_verdict *out_verdict)
{
    struct verify_call call = {arena, arena_new(), out_verdict};
    enum outcome outcome = store_snapshot(store, "audit_verify", verify_work, &call);
    arena_free(&call.page);
    return outcome;
}
