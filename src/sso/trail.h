/*
 * The trail: one entry of the numbered exchange log while it is being made (spec sso.md 5). A login is two
 * requests, so a trail is packed into the flow's payload at the start and unpacked at the callback; each time
 * it also goes to the log, so that a crash leaves a readable partial entry (LOG-1). What is added must be
 * redacted already (4.11).
 *
 * Belongs to one request; the JSON inside is released by trail_free.
 */
#ifndef SSO_TRAIL_H
#define SSO_TRAIL_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "store/exchange_log.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Never renumbered, never reused (5.2). */
enum trail_step_number {
    TRAIL_START = 1,
    TRAIL_CONNECTION = 2,
    TRAIL_REQUEST = 3,
    TRAIL_RESPONSE = 4,
    TRAIL_TOKENS = 5,
    TRAIL_LOCATIONS = 6,
    TRAIL_MAPPING = 7,
    TRAIL_PERMISSIONS = 8,
    TRAIL_USER = 9,
    TRAIL_LANDING = 10,
    TRAIL_SESSION = 11,
    TRAIL_RESULT = 12,
    TRAIL_LOGOUT_STARTED = 21,
    TRAIL_LOGOUT_PROVIDER = 22,
    TRAIL_LOGOUT_MESSAGE = 23,
};
const char *trail_step_label(int number); /* Dutch; "Stap" for a number that is not in the table */

#define TRAIL_REMARKS_MAX 16

struct trail {
    struct arena *arena;
    struct exchange_entry
        entry;                /* what is known so far; its steps stand there from trail_entry to the next */
    struct str earlier;       /* the steps of the request before, as the text of an array; empty = none */
    json_t *steps;            /* of this request */
    uint32_t reached, failed; /* of both: a bit for each number */
    json_t *lines;            /* of the step to come */
    int64_t step_started_at_ms;
    struct {
        int code;
        bool is_note;
    } remarks[TRAIL_REMARKS_MAX];
    size_t remark_count;
};

void trail_begin(struct trail *trail, struct arena *arena, int64_t now_ms, struct str reference);
void trail_free(struct trail *trail);

/* Adds a step; `data` (object; may be NULL) is stolen. The time since the last step is its duration. */
void trail_step(struct trail *trail, enum trail_step_number number, bool is_ok, json_t *data);
/* The same with a member "ids": the lines of steps 6 and 7; both are stolen. */
void trail_step_ids(struct trail *trail, enum trail_step_number number, bool is_ok, json_t *data,
                    json_t *ids);
/* A check within the step that is added next ("RSP-6", kept or not): its "lines" in 5.4. */
void trail_line(struct trail *trail, const char *key, bool is_ok);

/* What the login goes on with (4.0: any number of them), for step 12; each code once. A note (707) does not
 * make the result "met waarschuwing". */
void trail_warn(struct trail *trail, int code);
void trail_note(struct trail *trail, int code);
/* The warning that an entry of a login that succeeded has as its code: the first; 0 = none. */
int trail_warning(const struct trail *trail);

/* Ends the entry with step 12. `cause` is 0 or 'a'..'e'. A failure marks the step that it happened in, and
 * those after it as not reached, number 6 with the reason (LOG-2, LOG-4). */
void trail_end(struct trail *trail, int64_t now_ms, const char *result, int code, char cause,
               const char *user_text_key, int status);
/* What step 12 of an ended trail tells besides; `value` is stolen. */
void trail_tell(struct trail *trail, const char *name, json_t *value);

/* The entry with its steps as text; lives as long as the arena. */
const struct exchange_entry *trail_entry(struct trail *trail);

/* Between the two requests of a login; the steps travel as text, which nothing has to read. FAILED when it is
 * not one of ours. */
struct str trail_pack(struct trail *trail);
enum outcome trail_unpack(struct trail *trail, struct arena *arena, struct str packed) MUST_CHECK;

#endif
