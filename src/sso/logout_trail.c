#include "sso/logout_trail.h"

#include "base/clock.h"
#include "base/log.h"
#include "sso/sso_error.h"

void logout_trail_user(struct attempt *attempt, const struct session_ended *ended)
{
    attempt->trail.entry.user_id = ended->user_id;
    attempt->trail.entry.user_name = ended->display_name;
}

void logout_trail_end(struct attempt *attempt, int code, const char *detail, int status)
{
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
