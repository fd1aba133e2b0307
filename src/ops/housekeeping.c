#include "ops/housekeeping.h"

#include "base/clock.h"
#include "base/log.h"
#include "sso/logout_trail.h"
#include "store/exchange_log.h"
#include "store/flow.h"
#include "store/grant.h"
#include "store/signing_key.h"

#define BATCH 1000 /* rows of each table; no other writer waits for longer than one batch */
#define TURN_MS 2000
#define LOG_DETAILS_KEPT_S ((int64_t)90 * 86400) /* spec sso.md 5.6 */
#define LOG_SUMMARY_KEPT_S ((int64_t)5 * 365 * 86400)
#define QUEUED_MAX (LOG_WRITER_QUEUE_MAX / 4) /* with a batch on top most of the queue is left for logins */

/* Deletes a batch. ABSENT: not now. */
typedef enum outcome purge_batch(const struct housekeeping *house, int64_t now, int64_t *out_deleted);

static enum outcome purge_flows(const struct housekeeping *house, int64_t now, int64_t *out_deleted)
{
    return flow_purge(house->store, now, BATCH, out_deleted);
}

static enum outcome purge_grants(const struct housekeeping *house, int64_t now, int64_t *out_deleted)
{
    return grant_purge(house->store, now, house->answer_window_s, BATCH, out_deleted);
}

/* Each session is an entry for the log writer, which drops what it has no room for. */
static enum outcome purge_sessions(const struct housekeeping *house, int64_t now, int64_t *out_deleted)
{
    struct log_writer_counters counters;
    log_writer_read_counters(house->door->log, &counters);
    if (counters.queued_now > QUEUED_MAX)
        return ABSENT;
    return logout_trail_purge(house->door, now, BATCH, out_deleted);
}

static enum outcome purge_keys(const struct housekeeping *house, int64_t now, int64_t *out_deleted)
{
    return signing_key_purge(house->store, now, BATCH, out_deleted);
}

static enum outcome purge_log(const struct housekeeping *house, int64_t now, int64_t *out_deleted)
{
    return exchange_log_purge(house->store, (now - LOG_DETAILS_KEPT_S) * 1000,
                              (now - LOG_SUMMARY_KEPT_S) * 1000, BATCH, out_deleted);
}

enum stand { GOES_ON, IS_DONE, MUST_WAIT };

struct kind {
    const char *name;
    purge_batch *purge;
    enum stand stand;
    int64_t deleted;
};

/* Done is when nothing was deleted, not when the batch was not full: of rows that two nodes are after at the
 * same moment each may get a part. */
static void take_batch(const struct housekeeping *house, int64_t now, struct kind *kind)
{
    int64_t deleted = 0;
    switch (kind->purge(house, now, &deleted)) {
    case OK:
        kind->stand = deleted > 0 ? GOES_ON : IS_DONE;
        break;
    case ABSENT:
        kind->stand = MUST_WAIT;
        break;
    case FAILED:
        log_warning("purge_failed", LOG_C("kind", kind->name));
        kind->stand = IS_DONE;
        break;
    }
    kind->deleted += deleted;
}

bool housekeeping_purge(const struct housekeeping *house, int64_t now)
{
    struct kind kinds[] = {
        {.name = "flows", .purge = purge_flows},         {.name = "tokens", .purge = purge_grants},
        {.name = "sessions", .purge = purge_sessions},   {.name = "signing_keys", .purge = purge_keys},
        {.name = "sso_log_entries", .purge = purge_log},
    };
    size_t count = sizeof kinds / sizeof *kinds;
    int64_t until_ms = clock_monotonic_ms() + TURN_MS;
    for (bool is_going = true; is_going && clock_monotonic_ms() < until_ms;) {
        is_going = false;
        for (size_t i = 0; i < count; i++) {
            if (kinds[i].stand == GOES_ON)
                take_batch(house, now, &kinds[i]);
            is_going = is_going || kinds[i].stand == GOES_ON;
        }
    }
    bool is_done = true;
    for (size_t i = 0; i < count; i++) {
        is_done = is_done && kinds[i].stand == IS_DONE;
        if (kinds[i].deleted > 0)
            log_debug("purged", LOG_C("kind", kinds[i].name), LOG_INT("rows", kinds[i].deleted));
    }
    return is_done;
}
