#include "sso/logout_trail.h"

#include "base/clock.h"
#include "base/log.h"
#include "sso/notify.h"
#include "sso/sso_error.h"

void logout_trail_user(struct attempt *attempt, const struct session_ended *ended)
{
    attempt->trail.entry.user_id = ended->user_id;
    attempt->trail.entry.user_name = ended->display_name;
}

/* Whether the administrator knows or will know. */
static bool tell(struct attempt *attempt, const struct sso_error *error)
{
    const struct notice notice = {
        .connection = attempt->connection,
        .trail = &attempt->trail,
        .error = error,
        .now = attempt->now,
    };
    return notify_send(attempt->door->store, attempt->door->mailer, attempt->arena, &notice);
}

void logout_trail_end(struct attempt *attempt, int code, const char *detail, int status)
{
    const struct sso_error *error = code != 0 ? sso_error_find(code) : NULL;
    const char *result = error == NULL       ? "geslaagd"
                         : error->is_warning ? "geslaagd met waarschuwing"
                                             : "geweigerd";
    trail_end(&attempt->trail, clock_now_ms(), result, code, 0, NULL, status);
    if (error != NULL && !error->is_warning)
        trail_tell(&attempt->trail, "mail", json_string(tell(attempt, error) ? "verstuurd" : "geen"));
    log_writer_put(attempt->door->log, trail_entry(&attempt->trail));
    log_info("sso_logout", LOG_STR("reference", attempt->trail.entry.reference), LOG_INT("code", code),
             LOG_C("cause", detail), LOG_STR("slug", attempt->trail.entry.slug),
             LOG_C("request", attempt->request->id));
}
