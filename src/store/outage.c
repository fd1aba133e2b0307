#include "store/outage.h"

#include "base/rand.h"
#include "base/vec.h"
#include "store/outbox_row.h"

/* MAIL-8 */
#define FAILURES_TO_OPEN 3
#define FAILURES_WITHIN_S 120
#define SUSPECTED_MAX_S 600

#define CALM_S 120 /* without failure, before it counts as over: no pair of mails at each hiccup */
#define SUSPICIONS_PER_TURN 50 /* none keeps its place: each is judged */

struct outage {
    struct outage_report report; /* texts of the newest failure */
    struct str recent;
    int64_t failures, first_at, last_at;
    bool is_open, is_mailed;
};

/* ---- its row ---- */

/* ABSENT when nothing is suspected. */
static enum outcome read_outage(struct db *db, struct str connection, struct arena *arena,
                                struct outage *out_outage)
{
    *out_outage = (struct outage){0};
    struct db_query *query =
        db_query(db, "SELECT fingerprint, recipients, subject, body, recovery_subject, recovery_body, code, "
                     "reference, recent, failures, first_at, last_at, is_open, is_mailed FROM outbox_outage "
                     "WHERE connection = $1");
    db_bind_text(query, 1, connection);
    enum db_step step = db_step(query);
    if (step == DB_ROW)
        *out_outage = (struct outage){
            .report = {.mail = {.connection = connection,
                                .fingerprint = db_text(query, 0, arena),
                                .recipients = db_text(query, 1, arena),
                                .subject = db_text(query, 2, arena),
                                .body = db_text(query, 3, arena),
                                .code = (int)db_int(query, 6),
                                .reference = db_text(query, 7, arena)},
                       .recovery_subject = db_text(query, 4, arena),
                       .recovery_body = db_text(query, 5, arena)},
            .recent = db_text(query, 8, arena),
            .failures = db_int(query, 9),
            .first_at = db_int(query, 10),
            .last_at = db_int(query, 11),
            .is_open = db_int(query, 12) == 1,
            .is_mailed = db_int(query, 13) == 1,
        };
    return db_finish_lookup(query, step);
}

static void put_outage(struct db *db, const struct outage *outage)
{
    const struct outbox_mail *mail = &outage->report.mail;
    struct db_query *query = db_query(
        db, "INSERT INTO outbox_outage (connection, fingerprint, recipients, subject, body, "
            "recovery_subject, recovery_body, code, reference, recent, failures, first_at, last_at, is_open, "
            "is_mailed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) "
            "ON CONFLICT (connection) DO UPDATE SET fingerprint = excluded.fingerprint, "
            "recipients = excluded.recipients, subject = excluded.subject, body = excluded.body, "
            "recovery_subject = excluded.recovery_subject, recovery_body = excluded.recovery_body, "
            "code = excluded.code, reference = excluded.reference, recent = excluded.recent, "
            "failures = excluded.failures, first_at = excluded.first_at, last_at = excluded.last_at, "
            "is_open = excluded.is_open, is_mailed = excluded.is_mailed");
    db_bind_text(query, 1, mail->connection);
    db_bind_text(query, 2, mail->fingerprint);
    db_bind_text(query, 3, mail->recipients);
    db_bind_text(query, 4, mail->subject);
    db_bind_text(query, 5, mail->body);
    db_bind_text(query, 6, outage->report.recovery_subject);
    db_bind_text(query, 7, outage->report.recovery_body);
    db_bind_int(query, 8, mail->code);
    db_bind_text(query, 9, mail->reference);
    db_bind_text(query, 10, outage->recent);
    db_bind_int(query, 11, outage->failures);
    db_bind_int(query, 12, outage->first_at);
    db_bind_int(query, 13, outage->last_at);
    db_bind_int(query, 14, outage->is_open);
    db_bind_int(query, 15, outage->is_mailed);
    db_run_later(query);
}

static void forget_outage(struct db *db, struct str connection)
{
    struct db_query *query = db_query(db, "DELETE FROM outbox_outage WHERE connection = $1");
    db_bind_text(query, 1, connection);
    db_run_later(query);
}

/* ---- a failure happened ---- */

/* Past the cap of MAIL-7 it is open without a mail: each later failure tries again, and when none got one off
 * it ends without one too. */
static enum outcome tell_start(struct db *db, struct outage *outage, struct str id, int64_t now,
                               enum outbox_verdict *out_verdict)
{
    int64_t room = 0;
    if (outbox_row_room(db, outage->report.mail.connection, now, &room) != OK)
        return FAILED;
    outage->is_open = true;
    outage->is_mailed = room > 0;
    *out_verdict = room > 0 ? OUTBOX_QUEUED : OUTBOX_CAPPED;
    if (room <= 0)
        return OK;
    struct outbox_mail mail = outage->report.mail;
    mail.repeats = outage->failures - 1;
    mail.first_at = outage->first_at;
    mail.last_at = outage->last_at;
    mail.is_last = room == 1;
    outbox_row_queue(db, &mail, id, now);
    return OK;
}

struct report_call {
    const struct outage_report *report;
    struct str id;
    int64_t now;
    struct arena *arena;
    enum outbox_verdict verdict;
};

static enum outcome report_work(struct db *db, void *context)
{
    struct report_call *call = context;
    const struct outbox_mail *mail = &call->report->mail;
    struct outage outage;
    outbox_row_lock(db, mail->connection, call->now);
    enum outcome known = read_outage(db, mail->connection, call->arena, &outage);
    if (known == FAILED)
        return FAILED;
    if (known == ABSENT)
        outage.first_at = call->now;
    outage.report = *call->report;
    outage.failures++;
    outage.last_at = call->now;
    call->verdict = OUTBOX_SUPPRESSED;
    bool is_due = outage.is_open && !outage.is_mailed;
    if (!outage.is_open) {
        struct outbox_moments moments =
            outbox_row_count(call->arena, outage.recent, call->now - FAILURES_WITHIN_S, call->now);
        outage.recent = moments.text;
        call->verdict = OUTBOX_COUNTED;
        is_due = moments.count >= FAILURES_TO_OPEN;
    }
    if (is_due && tell_start(db, &outage, call->id, call->now, &call->verdict) != OK)
        return FAILED;
    put_outage(db, &outage);
    if (call->verdict != OUTBOX_QUEUED)
        outbox_row_note(db, mail, call->id,
                        call->verdict == OUTBOX_COUNTED      ? "count"
                        : call->verdict == OUTBOX_SUPPRESSED ? "outage"
                                                             : "cap",
                        call->now);
    return OK;
}

enum outcome outage_report(struct store *store, const struct outage_report *report, int64_t now,
                           enum outbox_verdict *out_verdict)
{
    struct arena *arena = arena_new();
    struct report_call call = {
        report, str_from_c(rand_uuid7_in(arena)), now, arena, OUTBOX_COUNTED,
    };
    enum outcome outcome = store_write(store, "outage_report", report_work, &call);
    *out_verdict = call.verdict;
    arena_free(&arena);
    return outcome;
}

/* ---- the watch ---- */

struct suspect {
    struct str connection;
    int64_t since; /* when a success has to have begun to count */
};

typedef VEC(struct suspect) suspect_vec;

struct watch_call {
    struct str connection, id;
    int64_t now;
    struct arena *arena;
    suspect_vec *suspects;
    int64_t mails;
};

/* The newest login that began after that second and for which the identity provider did its part: it
 * succeeded, or failed at what came after. Entries of logging out (steps 21 to 23) say nothing of it. ABSENT
 * when there is none. */
static enum outcome find_success(struct db *db, struct str connection, int64_t since, int64_t *out_at)
{
    struct db_query *query =
        db_query(db, "SELECT started_at_ms FROM sso_log WHERE connection = $1 AND started_at_ms >= $2 "
                     "AND ended_at_ms > 0 AND (result IN ('geslaagd', 'geslaagd met waarschuwing') "
                     "OR code BETWEEN 701 AND 899) AND steps NOT LIKE '%\"n\":2_,\"label\":%' ORDER BY "
                     "started_at_ms DESC, reference DESC LIMIT 1");
    db_bind_text(query, 1, connection);
    db_bind_int(query, 2, (since + 1) * 1000);
    enum db_step step = db_step(query);
    *out_at = step == DB_ROW ? db_int(query, 0) / 1000 : 0;
    return db_finish_lookup(query, step);
}

/* Adds the rows of the query: connection, and since when. */
static enum outcome collect(struct db_query *query, const struct watch_call *call, suspect_vec *out_suspects)
{
    while (db_step(query) == DB_ROW) {
        struct suspect suspect = {db_text(query, 0, call->arena), db_int(query, 1)};
        vec_push(call->arena, out_suspects, suspect);
    }
    return db_finish(query);
}

static enum outcome find_suspicions(struct db *db, const struct watch_call *call, suspect_vec *out_suspects)
{
    struct db_query *query =
        db_query(db, "SELECT connection, first_at FROM outbox_outage WHERE is_open = 0 AND first_at <= $1 "
                     "ORDER BY first_at, connection LIMIT $2");
    db_bind_int(query, 1, call->now - SUSPECTED_MAX_S);
    db_bind_int(query, 2, SUSPICIONS_PER_TURN);
    return collect(query, call, out_suspects);
}

/* All of them, at most one for each connection: those that do not end stay, and would be in the way. */
static enum outcome find_calm(struct db *db, const struct watch_call *call, suspect_vec *out_suspects)
{
    struct db_query *query =
        db_query(db, "SELECT connection, last_at FROM outbox_outage WHERE is_open = 1 AND last_at <= $1 "
                     "ORDER BY connection");
    db_bind_int(query, 1, call->now - CALM_S);
    return collect(query, call, out_suspects);
}

static enum outcome find_orphans(struct db *db, const struct watch_call *call, suspect_vec *out_suspects)
{
    struct db_query *query =
        db_query(db, "SELECT o.connection, o.last_at FROM outbox_outage o WHERE NOT EXISTS "
                     "(SELECT 1 FROM sso_connection c WHERE c.id = o.connection) ORDER BY o.connection");
    return collect(query, call, out_suspects);
}

/* Which rows are to be changed: those of connections that were removed, every suspicion of 10 minutes, and
 * open outages that a success ended. */
static enum outcome look_work(struct db *db, void *context)
{
    const struct watch_call *call = context;
    suspect_vec open = {0};
    *call->suspects = (suspect_vec){0};
    if (find_orphans(db, call, call->suspects) != OK || find_suspicions(db, call, call->suspects) != OK ||
        find_calm(db, call, &open) != OK)
        return FAILED;
    for (size_t i = 0; i < open.count; i++) {
        int64_t at;
        enum outcome found = find_success(db, open.items[i].connection, open.items[i].since, &at);
        if (found == FAILED)
            return FAILED;
        if (found == OK)
            vec_push(call->arena, call->suspects, open.items[i]);
    }
    return call->suspects->count > 0 ? OK : ABSENT;
}

/* ABSENT when the connection was removed. */
static enum outcome find_connection(struct db *db, struct str connection)
{
    struct db_query *query = db_query(db, "SELECT 1 FROM sso_connection WHERE id = $1");
    db_bind_text(query, 1, connection);
    return db_run_lookup(query);
}

static enum outcome end_outage(struct db *db, const struct outage *outage, struct watch_call *call)
{
    int64_t room = 0;
    if (outbox_row_room(db, call->connection, call->now, &room) != OK)
        return FAILED;
    if (outage->is_mailed && room <= 0)
        return OK; /* who was told of the start is told of the end, once there is room */
    if (outage->is_mailed) {
        struct outbox_mail mail = outage->report.mail;
        mail.subject = outage->report.recovery_subject;
        mail.body = outage->report.recovery_body;
        mail.repeats = outage->failures;
        mail.first_at = outage->first_at;
        mail.last_at = outage->last_at;
        mail.is_last = room == 1;
        outbox_row_queue(db, &mail, call->id, call->now);
        call->mails = 1;
    }
    forget_outage(db, call->connection);
    return OK;
}

/* Ten minutes after the first failure. */
static enum outcome judge_suspicion(struct db *db, struct outage *outage, struct watch_call *call)
{
    int64_t success_at;
    enum outbox_verdict verdict;
    switch (find_success(db, call->connection, outage->first_at, &success_at)) {
    case FAILED:
        return FAILED;
    case ABSENT:
        if (tell_start(db, outage, call->id, call->now, &verdict) != OK)
            return FAILED;
        call->mails = verdict == OUTBOX_QUEUED;
        put_outage(db, outage);
        return OK;
    case OK:
        break;
    }
    if (success_at >= outage->last_at) {
        forget_outage(db, call->connection);
        return OK;
    }
    outage->first_at = outage->last_at; /* it failed again after the success: ten minutes from there */
    outage->failures = 1;
    put_outage(db, outage);
    return OK;
}

static enum outcome watch_work(struct db *db, void *context)
{
    struct watch_call *call = context;
    struct outage outage;
    int64_t success_at;
    call->mails = 0;
    outbox_row_lock(db, call->connection, call->now);
    enum outcome known = read_outage(db, call->connection, call->arena, &outage);
    if (known != OK)
        return known == ABSENT ? OK : FAILED; /* another node was here */
    switch (find_connection(db, call->connection)) {
    case FAILED:
        return FAILED;
    case ABSENT:
        forget_outage(db, call->connection);
        return OK;
    case OK:
        break;
    }
    if (!outage.is_open)
        return outage.first_at <= call->now - SUSPECTED_MAX_S ? judge_suspicion(db, &outage, call) : OK;
    enum outcome found = find_success(db, call->connection, outage.last_at, &success_at);
    if (found == FAILED)
        return FAILED;
    return found == OK && outage.last_at <= call->now - CALM_S ? end_outage(db, &outage, call) : OK;
}

enum outcome outage_watch(struct store *store, int64_t now, int64_t *out_mails)
{
    struct arena *arena = arena_new();
    suspect_vec suspects = {0};
    struct watch_call call = {.now = now, .arena = arena, .suspects = &suspects};
    *out_mails = 0;
    enum outcome outcome = store_snapshot(store, "outage_watch", look_work, &call);
    for (size_t i = 0; outcome == OK && i < suspects.count; i++) {
        call.connection = suspects.items[i].connection;
        call.id = str_from_c(rand_uuid7_in(arena));
        outcome = store_write(store, "outage_watch", watch_work, &call);
        *out_mails += outcome == OK ? call.mails : 0;
    }
    arena_free(&arena);
    return outcome == FAILED ? FAILED : OK;
}
