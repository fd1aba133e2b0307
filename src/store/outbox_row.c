#include "store/outbox_row.h"

#include "base/buf.h"

#include <inttypes.h>

/* MAIL-7, per connection */
#define CAP_PER_HOUR 20
#define CAP_PER_DAY 100
#define HOUR_S 3600
#define DAY_S 86400

#define MOMENTS_MAX ((size_t)1024)

void outbox_row_lock(struct db *db, struct str connection, int64_t now)
{
    struct db_query *query =
        db_query(db, "INSERT INTO outbox_connection (connection, touched_at) VALUES ($1, $2) "
                     "ON CONFLICT (connection) DO UPDATE SET touched_at = excluded.touched_at");
    db_bind_text(query, 1, connection);
    db_bind_int(query, 2, now);
    db_run_later(query);
}

enum outcome outbox_row_room(struct db *db, struct str connection, int64_t now, int64_t *out_room)
{
    struct db_query *query =
        db_query(db, "SELECT COUNT(*), COUNT(CASE WHEN queued_at > $3 THEN 1 END) FROM outbox "
                     "WHERE connection = $1 AND queued_at > $2 AND state <> 4");
    *out_room = 0;
    db_bind_text(query, 1, connection);
    db_bind_int(query, 2, now - DAY_S);
    db_bind_int(query, 3, now - HOUR_S);
    if (db_step(query) == DB_ROW) {
        int64_t day = CAP_PER_DAY - db_int(query, 0), hour = CAP_PER_HOUR - db_int(query, 1);
        *out_room = day < hour ? day : hour;
    }
    return db_finish(query);
}

void outbox_row_queue(struct db *db, const struct outbox_mail *mail, struct str id, int64_t now)
{
    struct db_query *query = db_query(
        db, "INSERT INTO outbox (id, connection, fingerprint, recipients, subject, body, repeats, "
            "first_at, last_at, is_last, queued_at, due_at, code, cause, reference) VALUES ($1, $2, $3, $4, "
            "$5, $6, $7, $8, $9, $10, $11, $11, $12, $13, $14)");
    db_bind_text(query, 1, id);
    db_bind_text(query, 2, mail->connection);
    db_bind_text(query, 3, mail->fingerprint);
    db_bind_text(query, 4, mail->recipients);
    db_bind_text(query, 5, mail->subject);
    db_bind_text(query, 6, mail->body);
    db_bind_int(query, 7, mail->repeats);
    db_bind_int(query, 8, mail->first_at);
    db_bind_int(query, 9, mail->last_at);
    db_bind_int(query, 10, mail->is_last);
    db_bind_int(query, 11, now);
    db_bind_int(query, 12, mail->code);
    db_bind_text(query, 13, mail->cause);
    db_bind_text(query, 14, mail->reference);
    db_run_later(query);
}

void outbox_row_note(struct db *db, const struct outbox_mail *mail, struct str id, const char *reason,
                     int64_t now)
{
    struct db_query *query = db_query(
        db, "INSERT INTO outbox (id, connection, fingerprint, recipients, subject, body, repeats, "
            "first_at, last_at, is_last, state, queued_at, due_at, done_at, code, cause, reference, reason) "
            "VALUES ($1, $2, $3, $4, $5, '', 0, $6, $6, 0, 4, $6, $6, $6, $7, $8, $9, $10)");
    db_bind_text(query, 1, id);
    db_bind_text(query, 2, mail->connection);
    db_bind_text(query, 3, mail->fingerprint);
    db_bind_text(query, 4, mail->recipients);
    db_bind_text(query, 5, mail->subject);
    db_bind_int(query, 6, now);
    db_bind_int(query, 7, mail->code);
    db_bind_text(query, 8, mail->cause);
    db_bind_text(query, 9, mail->reference);
    db_bind_c(query, 10, reason);
    db_run_later(query);
}

struct outbox_moments outbox_row_count(struct arena *arena, struct str recent, int64_t since, int64_t now)
{
    int64_t kept[OUTBOX_AFTER_MAX];
    int count = 0;
    struct str rest = recent, word;
    while (str_split_next(&rest, ' ', &word)) {
        int64_t moment;
        if (str_to_int64(word, &moment) != OK || moment <= since)
            continue;
        if (count == OUTBOX_AFTER_MAX - 1) { /* the oldest makes room */
            memmove(kept, kept + 1, sizeof *kept * (OUTBOX_AFTER_MAX - 2));
            count--;
        }
        kept[count++] = moment;
    }
    kept[count++] = now;
    struct buf text = buf_new(arena, MOMENTS_MAX);
    for (int i = 0; i < count; i++)
        buf_printf(&text, "%s%" PRId64, i > 0 ? " " : "", kept[i]);
    return (struct outbox_moments){.text = buf_str(&text), .count = count, .first_at = kept[0]};
}
