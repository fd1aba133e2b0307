#include "sso/notify_turn.h"

#include "base/buf.h"
#include "base/codec.h"
#include "base/log.h"
#include "mail/amsterdam.h"
#include "mail/mailer.h"
#include "sso/directory.h"
#include "sso/notify_backlog.h"
#include "sso/notify_text.h"
#include "store/mapping.h"

#include <inttypes.h>

#define HOUR_S 3600
#define DAY_S 86400
#define PAUSE_S 60 /* before what the cap or the store held up is asked again */
#define DIGEST_AT_S (6 * HOUR_S)
#define DIGEST_BACK_S (7 * DAY_S) /* after a stop, locations of this far back are still told */
#define LOCATIONS_SHOWN 50
#define TOPIC_MAX ((size_t)64)

static const char *const DIGEST_TOPIC = "digest";

int64_t notify_reminder_step(int64_t expires_at, int64_t now)
{
    static const int64_t steps[] = {1, 7, 14, 30, 60};
    if (expires_at <= now)
        return 0;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (expires_at - now <= steps[i] * DAY_S)
            return steps[i];
    return 0;
}

int64_t notify_digest_end(int64_t now)
{
    int64_t local = now + amsterdam_offset(now) - DIGEST_AT_S;
    int64_t midnight = local - ((local % DAY_S) + DAY_S) % DAY_S;
    int64_t end = midnight + DIGEST_AT_S;
    /* The offset of that moment, which on two days of the year is not that of now. */
    return end - amsterdam_offset(end - amsterdam_offset(now));
}

/* One fingerprint for each topic of a connection: these mails have no windows. */
static struct str fingerprint(struct arena *arena, const struct sso_connection *connection, const char *topic)
{
    struct buf text = buf_new(arena, 1024);
    buf_printf(&text, "%.*s %s", STR_ARG(connection->id), topic);
    return codec_hex(arena, codec_sha256(arena, buf_str(&text)));
}

/* ABSENT when there is no room for it now (MAIL-7). */
static enum outcome offer(const struct notify_turn *turn, struct arena *arena,
                          const struct sso_connection *connection, int code, struct str body,
                          const char *topic, int64_t step, int64_t now)
{
    enum outbox_verdict verdict;
    const struct outbox_mail mail = {
        .connection = connection->id,
        .fingerprint = fingerprint(arena, connection, topic),
        .recipients = connection->notify_address,
        .subject = notify_subject(arena, connection, sso_error_find(code), NULL),
        .body = body,
        .code = code,
    };
    if (outbox_offer_once(turn->desk.store, &mail, str_from_c(topic), step, now, &verdict) != OK)
        return FAILED;
    if (verdict == OUTBOX_QUEUED)
        mailer_wake(turn->desk.mailer);
    return verdict == OUTBOX_CAPPED ? ABSENT : OK;
}

static enum outcome tell_new_locations(const struct notify_turn *turn, struct arena *arena,
                                       const struct sso_connection *connection, int64_t now)
{
    struct mapping_list rows;
    struct notify_digest digest = {.rows = &rows, .until = notify_digest_end(now)};
    int64_t last;
    switch (outbox_last_step(turn->desk.store, connection->id, str_from_c(DIGEST_TOPIC), &last)) {
    case OK:
        break;
    case ABSENT:
        last = 0;
        break;
    case FAILED:
        return FAILED;
    }
    digest.from = last > digest.until - DIGEST_BACK_S ? last : digest.until - DIGEST_BACK_S;
    if (digest.from >= digest.until)
        return OK; /* told today */
    if (mapping_added(turn->desk.store, connection->id, digest.from, digest.until, LOCATIONS_SHOWN, arena,
                      &rows, &digest.total) != OK)
        return FAILED;
    if (digest.total == 0)
        return OK;
    return offer(turn, arena, connection, 707, notify_digest_body(arena, connection, &digest), DIGEST_TOPIC,
                 digest.until, now);
}

/* Of two secrets the one that lasts longest counts: the other has been replaced. */
static enum outcome remind(const struct notify_turn *turn, struct arena *arena,
                           const struct sso_connection *connection, int64_t now)
{
    int64_t expires_at = 0;
    for (size_t i = 0; i < connection->secret_count; i++)
        if (connection->secrets[i].expires_at > expires_at)
            expires_at = connection->secrets[i].expires_at;
    int64_t step = notify_reminder_step(expires_at, now);
    if (step == 0)
        return OK;
    int64_t days = (expires_at - now + DAY_S - 1) / DAY_S;
    const char *topic = arena_printf(arena, "secret %" PRId64, expires_at);
    return offer(turn, arena, connection, 913, notify_reminder_body(arena, connection, expires_at, days),
                 topic, step, now);
}

static enum outcome look_at_connection(const struct notify_turn *turn, struct arena *arena,
                                       const struct sso_connection *connection, int64_t now)
{
    if (str_trim(connection->notify_address).length == 0 || !str_equal(connection->status, STR("active")))
        return OK;
    enum outcome told = connection->is_digest_mailed ? tell_new_locations(turn, arena, connection, now) : OK;
    if (told == FAILED)
        return FAILED;
    enum outcome reminded = remind(turn, arena, connection, now);
    return reminded == OK ? told : reminded;
}

/* ABSENT when a connection has no room for its mail; FAILED at once, for the next would wait for the store as
 * long. */
static enum outcome look_at_connections(const struct notify_turn *turn, const struct sso_data *data,
                                        int64_t now)
{
    struct arena *arena = arena_new();
    enum outcome outcome = OK;
    for (size_t i = 0; i < data->connection_count && outcome != FAILED; i++) {
        arena_reset(arena);
        enum outcome looked = look_at_connection(turn, arena, &data->connections[i], now);
        outcome = looked == OK ? outcome : looked;
    }
    arena_free(&arena);
    return outcome;
}

static void look(struct notify_turn *turn, int64_t now)
{
    struct cached_snapshot *snapshot = cached_acquire(turn->data);
    bool is_new = turn->data_done != cached_data(snapshot);
    bool is_paused = turn->looked_at <= now && now - turn->looked_at < PAUSE_S;
    if (is_new || (turn->hour_done != now / HOUR_S && !is_paused)) {
        turn->looked_at = now;
        turn->data_done = cached_data(snapshot);
        turn->hour_done = 0;
        bool is_done = look_at_connections(turn, directory_data(snapshot), now) == OK;
        if (is_done)
            turn->hour_done = now / HOUR_S;
        log_debug("notices_looked_at", LOG_INT("at", now), LOG_BOOL("done", is_done));
    }
    cached_release(&snapshot);
}

void notify_turn_take(struct notify_turn *turn, int64_t now)
{
    int64_t mails = 0;
    if (turn->desk.mailer == NULL || notify_backlog_flush(&turn->desk) != OK)
        return;
    enum outcome watched = outage_watch(turn->desk.store, now, &mails);
    if (mails > 0)
        mailer_wake(turn->desk.mailer);
    if (watched == OK)
        look(turn, now);
    else
        log_warning("outages_not_watched");
}
