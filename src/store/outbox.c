#include "store/outbox.h"

#include "base/rand.h"
#include "base/vec.h"
#include "store/outbox_row.h"

/* MAIL-6 */
#define WINDOW_FIRST_S 900
#define WINDOW_MAX_S 86400

#define ONCE_KEPT_S ((int64_t)90 * 86400)
#define SUMMARIES_PER_TAKE 20
#define LEASE_TRIES 8

struct window {
    bool is_there;
    int64_t length_s, max_s, closes_at, last_at;
    int64_t repeats, first_repeat_at; /* held back since the last mail */
    struct str recent;                /* counted so far, as outbox_row_count has it */
};

/* ---- windows ---- */

/* With the newest text in *out_mail, when that is not NULL. */
static enum outcome read_window(struct db *db, struct str connection, struct str fingerprint,
                                struct arena *arena, struct window *out_window, struct outbox_mail *out_mail)
{
    *out_window = (struct window){0};
    struct db_query *query = db_query(
        db, "SELECT length_s, closes_at, last_at, repeats, first_repeat_at, recipients, subject, body, code, "
            "cause, reference, max_s, recent FROM outbox_window WHERE connection = $1 AND fingerprint = $2");
    db_bind_text(query, 1, connection);
    db_bind_text(query, 2, fingerprint);
    if (db_step(query) == DB_ROW) {
        *out_window = (struct window){
            .is_there = true,
            .length_s = db_int(query, 0),
            .closes_at = db_int(query, 1),
            .last_at = db_int(query, 2),
            .repeats = db_int(query, 3),
            .first_repeat_at = db_int(query, 4),
            .max_s = db_int(query, 11),
            .recent = db_text(query, 12, arena),
        };
        if (out_mail != NULL)
            *out_mail = (struct outbox_mail){
                .connection = connection,
                .fingerprint = fingerprint,
                .recipients = db_text(query, 5, arena),
                .subject = db_text(query, 6, arena),
                .body = db_text(query, 7, arena),
                .code = (int)db_int(query, 8),
                .cause = db_text(query, 9, arena),
                .reference = db_text(query, 10, arena),
            };
    }
    return db_finish(query);
}

static void put_window(struct db *db, const struct outbox_mail *mail, const struct window *window)
{
    struct db_query *query = db_query(
        db, "INSERT INTO outbox_window (connection, fingerprint, length_s, closes_at, last_at, repeats, "
            "first_repeat_at, recipients, subject, body, code, cause, reference, max_s, recent) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) "
            "ON CONFLICT (connection, fingerprint) DO UPDATE SET length_s = excluded.length_s, "
            "closes_at = excluded.closes_at, last_at = excluded.last_at, repeats = excluded.repeats, "
            "first_repeat_at = excluded.first_repeat_at, recipients = excluded.recipients, "
            "subject = excluded.subject, body = excluded.body, code = excluded.code, "
            "cause = excluded.cause, reference = excluded.reference, max_s = excluded.max_s, "
            "recent = excluded.recent");
    db_bind_text(query, 1, mail->connection);
    db_bind_text(query, 2, mail->fingerprint);
    db_bind_int(query, 3, window->length_s);
    db_bind_int(query, 4, window->closes_at);
    db_bind_int(query, 5, window->last_at);
    db_bind_int(query, 6, window->repeats);
    db_bind_int(query, 7, window->first_repeat_at);
    db_bind_text(query, 8, mail->recipients);
    db_bind_text(query, 9, mail->subject);
    db_bind_text(query, 10, mail->body);
    db_bind_int(query, 11, mail->code);
    db_bind_text(query, 12, mail->cause);
    db_bind_text(query, 13, mail->reference);
    db_bind_int(query, 14, window->max_s);
    db_bind_text(query, 15, window->recent);
    db_run_later(query);
}

static int64_t doubled(const struct window *window)
{
    return window->length_s * 2 < window->max_s ? window->length_s * 2 : window->max_s;
}

/* ---- a failure happened ---- */

struct offer_call {
    const struct outbox_mail *mail;
    const struct outbox_rule *rule;
    struct str id;
    int64_t now;
    struct arena *arena;
    enum outbox_verdict verdict;
};

static void hold_back(struct window *window, int64_t now)
{
    if (window->repeats == 0)
        window->first_repeat_at = now;
    window->repeats++;
    window->last_at = now;
}

/* The window that opens now. */
static void open_window(const struct offer_call *call, struct window *window, bool is_quiet)
{
    int64_t fixed_s = call->rule->window_s;
    window->max_s = fixed_s > 0 ? fixed_s : WINDOW_MAX_S;
    if (is_quiet)
        window->length_s = fixed_s > 0 ? fixed_s : WINDOW_FIRST_S;
    else
        window->length_s = doubled(window);
    window->closes_at = call->now + window->length_s;
    window->recent = STR_NONE;
}

/* Outside a window. What a closed window held back goes along, so that no summary need follow for it. */
static enum outcome offer_mail(struct db *db, struct offer_call *call, struct window *window)
{
    bool is_quiet = !window->is_there || call->now - window->last_at >= 2 * window->length_s;
    struct outbox_moments moments = {.count = 1, .first_at = call->now};
    int64_t room = 0;
    if (is_quiet && call->rule->after > 1) {
        moments = outbox_row_count(call->arena, window->recent, call->now - call->rule->within_s, call->now);
        if (moments.count < call->rule->after) {
            window->recent = moments.text;
            window->last_at = call->now;
            call->verdict = OUTBOX_COUNTED;
            return OK;
        }
    }
    if (outbox_row_room(db, call->mail->connection, call->now, &room) != OK)
        return FAILED;
    open_window(call, window, is_quiet);
    if (room <= 0) {
        call->verdict = OUTBOX_CAPPED;
        hold_back(window, call->now);
        return OK;
    }
    struct outbox_mail mail = *call->mail;
    mail.repeats = window->repeats + moments.count - 1;
    mail.first_at = window->repeats > 0 ? window->first_repeat_at : moments.first_at;
    mail.last_at = call->now;
    mail.is_last = room == 1;
    outbox_row_queue(db, &mail, call->id, call->now);
    call->verdict = OUTBOX_QUEUED;
    window->repeats = window->first_repeat_at = 0;
    window->last_at = call->now;
    return OK;
}

/* What is inside a window was told of only when that window has a mail: past the cap it opened without. */
static enum outcome judge_repeat(struct db *db, struct offer_call *call, const struct window *window)
{
    struct db_query *query =
        db_query(db, "SELECT 1 FROM outbox WHERE connection = $1 AND queued_at >= $2 AND state <> 4 "
                     "AND state <> 3 AND fingerprint = $3 LIMIT 1");
    db_bind_text(query, 1, call->mail->connection);
    db_bind_int(query, 2, window->closes_at - window->length_s);
    db_bind_text(query, 3, call->mail->fingerprint);
    enum db_step step = db_step(query);
    call->verdict = step == DB_ROW ? OUTBOX_SUPPRESSED : OUTBOX_CAPPED;
    return db_finish(query);
}

static void note(struct db *db, const struct offer_call *call)
{
    switch (call->verdict) {
    case OUTBOX_QUEUED:
        return;
    case OUTBOX_SUPPRESSED:
        outbox_row_note(db, call->mail, call->id, "window", call->now);
        return;
    case OUTBOX_COUNTED:
        outbox_row_note(db, call->mail, call->id, "count", call->now);
        return;
    case OUTBOX_CAPPED:
        outbox_row_note(db, call->mail, call->id, "cap", call->now);
        return;
    }
}

static enum outcome offer_work(struct db *db, void *context)
{
    struct offer_call *call = context;
    const struct outbox_mail *mail = call->mail;
    struct window window;
    outbox_row_lock(db, mail->connection, call->now);
    if (read_window(db, mail->connection, mail->fingerprint, call->arena, &window, NULL) != OK)
        return FAILED;
    if (window.is_there && call->now < window.closes_at) {
        if (judge_repeat(db, call, &window) != OK)
            return FAILED;
        hold_back(&window, call->now);
    } else if (offer_mail(db, call, &window) != OK) {
        return FAILED;
    }
    put_window(db, mail, &window);
    note(db, call);
    return OK;
}

static struct str id_of(struct arena *arena, const struct outbox_mail *mail)
{
    return mail->id.length > 0 ? mail->id : str_from_c(rand_uuid7_in(arena));
}

enum outcome outbox_offer(struct store *store, const struct outbox_mail *mail, const struct outbox_rule *rule,
                          int64_t now, enum outbox_verdict *out_verdict)
{
    if (rule->after < 0 || rule->after > OUTBOX_AFTER_MAX)
        return store_fault(store, "outbox_offer", "a rule counts to 20 at most");
    struct arena *arena = arena_new();
    struct offer_call call = {
        .mail = mail,
        .rule = rule,
        .id = id_of(arena, mail),
        .now = now,
        .arena = arena,
        .verdict = OUTBOX_SUPPRESSED,
    };
    enum outcome outcome = store_write(store, "outbox_offer", offer_work, &call);
    *out_verdict = call.verdict;
    arena_free(&arena);
    return outcome;
}

/* ---- once ---- */

struct once_call {
    const struct outbox_mail *mail;
    struct str connection, topic, id;
    int64_t step, now;
    enum outbox_verdict verdict;
};

/* ABSENT when it has not gone out. */
static enum outcome once_work(struct db *db, void *context)
{
    const struct once_call *call = context;
    struct db_query *query =
        db_query(db, "SELECT 1 FROM outbox_once WHERE connection = $1 AND topic = $2 AND step = $3");
    db_bind_text(query, 1, call->connection);
    db_bind_text(query, 2, call->topic);
    db_bind_int(query, 3, call->step);
    return db_run_lookup(query);
}

static enum outcome offer_once_work(struct db *db, void *context)
{
    struct once_call *call = context;
    int64_t room = 0;
    outbox_row_lock(db, call->connection, call->now);
    enum outcome done = once_work(db, context);
    call->verdict = OUTBOX_SUPPRESSED;
    if (done != ABSENT)
        return done;
    if (outbox_row_room(db, call->connection, call->now, &room) != OK)
        return FAILED;
    call->verdict = OUTBOX_CAPPED;
    if (room <= 0)
        return OK;
    struct outbox_mail mail = *call->mail;
    mail.first_at = mail.last_at = call->now;
    mail.is_last = room == 1;
    outbox_row_queue(db, &mail, call->id, call->now);
    call->verdict = OUTBOX_QUEUED;
    struct db_query *query =
        db_query(db, "INSERT INTO outbox_once (connection, topic, step, at) VALUES ($1, $2, $3, $4)");
    db_bind_text(query, 1, call->connection);
    db_bind_text(query, 2, call->topic);
    db_bind_int(query, 3, call->step);
    db_bind_int(query, 4, call->now);
    db_run_later(query);
    return OK;
}

enum outcome outbox_offer_once(struct store *store, const struct outbox_mail *mail, struct str topic,
                               int64_t step, int64_t now, enum outbox_verdict *out_verdict)
{
    struct arena *arena = arena_new();
    struct once_call call = {mail, mail->connection, topic, id_of(arena, mail), step, now, OUTBOX_SUPPRESSED};
    enum outcome outcome = store_read(store, "outbox_offer_once", once_work, &call);
    if (outcome == ABSENT)
        outcome = store_write(store, "outbox_offer_once", offer_once_work, &call);
    *out_verdict = call.verdict;
    arena_free(&arena);
    return outcome;
}

static enum outcome last_step_work(struct db *db, void *context)
{
    struct once_call *call = context;
    struct db_query *query = db_query(
        db, "SELECT step FROM outbox_once WHERE connection = $1 AND topic = $2 ORDER BY step DESC LIMIT 1");
    db_bind_text(query, 1, call->connection);
    db_bind_text(query, 2, call->topic);
    enum db_step step = db_step(query);
    if (step == DB_ROW)
        call->step = db_int(query, 0);
    return db_finish_lookup(query, step);
}

enum outcome outbox_last_step(struct store *store, struct str connection, struct str topic, int64_t *out_step)
{
    struct once_call call = {.connection = connection, .topic = topic};
    enum outcome outcome = store_read(store, "outbox_last_step", last_step_work, &call);
    *out_step = call.step;
    return outcome;
}

/* ---- what is due ---- */

struct closed {
    struct str connection, fingerprint;
};

typedef VEC(struct closed) closed_vec;

struct take_call {
    int64_t now, lease_s;
    struct arena *arena;
    struct outbox_mail *out_mail;
};

static enum outcome find_closed(struct db *db, const struct take_call *call, closed_vec *out_closed)
{
    struct db_query *query = db_query(
        db, "SELECT connection, fingerprint FROM outbox_window WHERE repeats > 0 AND closes_at <= $1 "
            "ORDER BY connection, fingerprint LIMIT $2");
    db_bind_int(query, 1, call->now);
    db_bind_int(query, 2, SUMMARIES_PER_TAKE);
    while (db_step(query) == DB_ROW) {
        struct closed closed = {db_text(query, 0, call->arena), db_text(query, 1, call->arena)};
        vec_push(call->arena, out_closed, closed);
    }
    return db_finish(query);
}

/* One mail for what the window held back. Past the cap it goes on holding back, so that nothing is lost. */
static enum outcome summarise(struct db *db, const struct take_call *call, const struct closed *closed)
{
    struct window window;
    struct outbox_mail mail = {0};
    int64_t room = 0;
    outbox_row_lock(db, closed->connection, call->now);
    if (read_window(db, closed->connection, closed->fingerprint, call->arena, &window, &mail) != OK ||
        outbox_row_room(db, closed->connection, call->now, &room) != OK)
        return FAILED;
    if (window.repeats == 0 || window.closes_at > call->now)
        return OK; /* another node was here */
    if (room <= 0) {
        window.closes_at = call->now + WINDOW_FIRST_S;
        put_window(db, &mail, &window);
        return OK;
    }
    mail.repeats = window.repeats;
    mail.first_at = window.first_repeat_at;
    mail.last_at = window.last_at;
    mail.is_last = room == 1;
    outbox_row_queue(db, &mail, str_from_c(rand_uuid7_in(call->arena)), call->now);
    window.length_s = doubled(&window);
    window.closes_at = call->now + window.length_s;
    window.repeats = window.first_repeat_at = 0;
    put_window(db, &mail, &window);
    return OK;
}

/* In the order of the connections, which is the order in which every node takes their locks. */
static enum outcome close_windows(struct db *db, const struct take_call *call)
{
    closed_vec closed = {0};
    if (find_closed(db, call, &closed) != OK)
        return FAILED;
    for (size_t i = 0; i < closed.count; i++) {
        if (summarise(db, call, &closed.items[i]) != OK)
            return FAILED;
    }
    return OK;
}

static enum outcome is_due(struct db *db, int64_t now)
{
    struct db_query *query = db_query(db, "SELECT 1 FROM outbox WHERE state = 1 AND due_at <= $1 LIMIT 1");
    db_bind_int(query, 1, now);
    return db_run_lookup(query);
}

/* A lease is nothing but a later due time. ABSENT also when another node was quicker. */
static enum outcome lease(struct db *db, const struct take_call *call)
{
    struct arena *arena = call->arena;
    struct db_query *query = db_query(
        db, "UPDATE outbox SET due_at = $2 WHERE id = (SELECT id FROM outbox WHERE state = 1 "
            "AND due_at <= $1 ORDER BY due_at, id LIMIT 1) AND state = 1 AND due_at <= $1 "
            "RETURNING id, connection, fingerprint, recipients, subject, body, repeats, first_at, last_at, "
            "attempts, is_last, code, cause, reference");
    db_bind_int(query, 1, call->now);
    db_bind_int(query, 2, call->now + call->lease_s);
    enum db_step step = db_step(query);
    if (step == DB_ROW) {
        *call->out_mail = (struct outbox_mail){
            .id = db_text(query, 0, arena),
            .connection = db_text(query, 1, arena),
            .fingerprint = db_text(query, 2, arena),
            .recipients = db_text(query, 3, arena),
            .subject = db_text(query, 4, arena),
            .body = db_text(query, 5, arena),
            .repeats = db_int(query, 6),
            .first_at = db_int(query, 7),
            .last_at = db_int(query, 8),
            .attempts = (int)db_int(query, 9),
            .is_last = db_int(query, 10) == 1,
            .code = (int)db_int(query, 11),
            .cause = db_text(query, 12, arena),
            .reference = db_text(query, 13, arena),
        };
    }
    return db_finish_lookup(query, step);
}

static enum outcome take_work(struct db *db, void *context)
{
    const struct take_call *call = context;
    if (close_windows(db, call) != OK)
        return FAILED;
    enum outcome outcome = ABSENT;
    for (int i = 0; i < LEASE_TRIES && outcome == ABSENT; i++) {
        enum outcome due = is_due(db, call->now);
        if (due != OK)
            return due;
        outcome = lease(db, call);
    }
    return outcome;
}

/* Asked each second by every node, and mostly in vain: a read first. */
static enum outcome look_work(struct db *db, void *context)
{
    const struct take_call *call = context;
    struct db_query *query =
        db_query(db, "SELECT 1 WHERE EXISTS (SELECT 1 FROM outbox WHERE state = 1 AND due_at <= $1) "
                     "OR EXISTS (SELECT 1 FROM outbox_window WHERE repeats > 0 AND closes_at <= $1)");
    db_bind_int(query, 1, call->now);
    return db_run_lookup(query);
}

enum outcome outbox_take(struct store *store, int64_t now, int64_t lease_s, struct arena *arena,
                         struct outbox_mail *out_mail)
{
    struct take_call call = {now, lease_s, arena, out_mail};
    enum outcome outcome = store_read(store, "outbox_take", look_work, &call);
    return outcome == OK ? store_write(store, "outbox_take", take_work, &call) : outcome;
}

/* ---- what became of it ---- */

struct end_call {
    struct str id;
    int64_t now;
};

static enum outcome end(struct db_query *query, const struct end_call *call)
{
    db_bind_text(query, 1, call->id);
    db_bind_int(query, 2, call->now);
    return db_run_change(query);
}

static enum outcome sent_work(struct db *db, void *context)
{
    return end(db_query(db, "UPDATE outbox SET state = 2, done_at = $2 WHERE id = $1 AND state = 1"),
               context);
}

enum outcome outbox_sent(struct store *store, struct str id, int64_t now)
{
    struct end_call call = {id, now};
    return store_write_one(store, "outbox_sent", sent_work, &call);
}

/* MAIL-9: after the four short pauses 24 retries an hour apart, so the 29th failure is the last. */
static enum outcome failed_work(struct db *db, void *context)
{
    return end(db_query(db, "UPDATE outbox SET attempts = attempts + 1, "
                            "due_at = CAST($2 AS BIGINT) + CASE attempts WHEN 0 THEN 60 WHEN 1 THEN 300 "
                            "WHEN 2 THEN 900 ELSE 3600 END, "
                            "state = CASE WHEN attempts >= 28 THEN 3 ELSE 1 END, "
                            "done_at = CASE WHEN attempts >= 28 THEN CAST($2 AS BIGINT) ELSE 0 END "
                            "WHERE id = $1 AND state = 1"),
               context);
}

enum outcome outbox_failed(struct store *store, struct str id, int64_t now)
{
    struct end_call call = {id, now};
    return store_write_one(store, "outbox_failed", failed_work, &call);
}

/* ---- purging ---- */

struct purge_call {
    int64_t before;
    int limit;
    int64_t deleted;
};

static enum outcome purge(struct db *db, struct db_query *query, struct purge_call *call)
{
    db_bind_int(query, 1, call->before);
    db_bind_int(query, 2, call->limit);
    enum outcome outcome = db_run(query);
    call->deleted += db_changes(db);
    return outcome;
}

static enum outcome purge_work(struct db *db, void *context)
{
    struct purge_call *call = context;
    call->deleted = 0;
    if (purge(db,
              db_query(db, "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE state <> 1 "
                           "AND done_at < $1 ORDER BY done_at LIMIT $2)"),
              call) != OK)
        return FAILED;
    struct purge_call once = {call->before - ONCE_KEPT_S, call->limit, 0};
    if (purge(db,
              db_query(db, "DELETE FROM outbox_once WHERE (connection, topic, step) IN (SELECT connection, "
                           "topic, step FROM outbox_once WHERE at < $1 ORDER BY at LIMIT $2)"),
              &once) != OK)
        return FAILED;
    return purge(db,
                 db_query(db, "DELETE FROM outbox_window WHERE repeats = 0 AND last_at < $1 "
                              "AND (connection, fingerprint) IN (SELECT connection, fingerprint "
                              "FROM outbox_window WHERE repeats = 0 AND last_at < $1 "
                              "ORDER BY last_at LIMIT $2)"),
                 call);
}

enum outcome outbox_purge(struct store *store, int64_t before, int limit, int64_t *out_deleted)
{
    struct purge_call call = {before, limit, 0};
    enum outcome outcome = store_write(store, "outbox_purge", purge_work, &call);
    *out_deleted = outcome == OK ? call.deleted : 0;
    return outcome;
}
