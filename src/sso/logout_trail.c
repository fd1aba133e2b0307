#include "sso/logout_trail.h"

#include "base/clock.h"
#include "base/log.h"
#include "jose/claims.h"
#include "sso/reference.h"
#include "sso/sso_error.h"

void logout_trail_user(struct attempt *attempt, const struct session_ended *ended)
{
    attempt->trail.entry.user_id = ended->user_id;
    attempt->trail.entry.user_name = ended->display_name;
}

void logout_trail_end(struct attempt *attempt, int code, const char *detail, int status)
{
    /* What ended nothing has an entry only as long as there are not too many from one address: nobody pushes
     * logins out of the log with rubbish. */
    if (code != 0 && !attempt_is_worth_an_entry(attempt))
        return;
    const struct sso_error *error = code != 0 ? sso_error_find(code) : NULL;
    const char *result = error == NULL       ? "geslaagd"
                         : error->is_warning ? "geslaagd met waarschuwing"
                                             : "geweigerd";
    enum notify_verdict told = code != 0 ? attempt_notify(attempt, code, 0) : NOTIFY_NONE;
    trail_end(&attempt->trail, clock_now_ms(), result, code, 0, NULL, status);
    trail_tell(&attempt->trail, "mail", json_string(notify_verdict_word(told)));
    log_writer_put(attempt->door->log, trail_entry(&attempt->trail));
    log_info("sso_logout", LOG_STR("reference", attempt->trail.entry.reference), LOG_INT("code", code),
             LOG_C("cause", detail), LOG_STR("slug", attempt->trail.entry.slug),
             LOG_C("request", attempt->request->id));
}

/* ---- sessions that ended without a request of their own ---- */

static void begin_ended(struct trail *trail, struct arena *arena, const struct sso_data *data,
                        const struct session_ended *ended, const char *reason, const char *cause)
{
    int64_t at_ms = ended->ended_at * 1000;
    trail_begin(trail, arena, at_ms, reference_new(arena, ended->ended_at));
    trail->entry.user_id = ended->user_id;
    trail->entry.user_name = ended->display_name;
    trail->entry.connection = ended->connection;
    for (size_t i = 0; i < data->connection_count; i++) {
        const struct sso_connection *connection = &data->connections[i];
        if (!str_equal(connection->id, ended->connection))
            continue;
        trail->entry.slug = sso_slug(arena, connection);
        trail->entry.customer_key = connection->customer_key;
        trail->entry.environment = connection->environment;
    }
    trail_step(trail, TRAIL_LOGOUT_STARTED, true,
               json_pack("{s:s, s:s, s:o}", "reason", reason, "cause", cause, "login",
                         json_text(ended->log_reference)));
    trail_end(trail, at_ms, "geslaagd", 0, 0, NULL, 0);
}

enum outcome logout_trail_write_ended(struct store *store, const struct sso_data *data,
                                      const struct session_ended_list *ended, const char *cause,
                                      struct arena *arena)
{
    enum outcome outcome = OK;
    for (size_t i = 0; i < ended->count; i++) {
        struct trail trail;
        begin_ended(&trail, arena, data, &ended->items[i], "admin", cause);
        if (exchange_log_write(store, trail_entry(&trail)) != OK)
            outcome = FAILED;
        trail_free(&trail);
    }
    return outcome;
}

enum outcome logout_trail_purge(struct professional *door, int64_t now, int limit, int64_t *out_deleted)
{
    struct arena *arena = arena_new();
    struct session_ended_list ended;
    enum outcome outcome = session_purge(door->store, now, limit, arena, &ended, out_deleted);
    struct cached_snapshot *snapshot = cached_acquire(door->data);
    for (size_t i = 0; i < ended.count; i++) {
        struct trail trail;
        begin_ended(&trail, arena, directory_data(snapshot), &ended.items[i],
                    ended.items[i].is_absolute ? "absolute" : "idle", "");
        log_writer_put(door->log, trail_entry(&trail));
        trail_free(&trail);
    }
    cached_release(&snapshot);
    arena_free(&arena);
    return outcome;
}
