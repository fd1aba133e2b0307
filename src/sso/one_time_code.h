/*
 * Codes that travel through a browser to an application's server: what they stand for is sealed in them, so
 * that issuing one needs no write and every node, also after a restart, can redeem it; redeeming takes it
 * through the replay table, so that only one does. The context keeps one kind from passing for another. Any
 * thread.
 */
#ifndef SSO_ONE_TIME_CODE_H
#define SSO_ONE_TIME_CODE_H

#include "base/arena.h"
#include "base/str.h"
#include "sso/professional.h"

struct str one_time_code_make(const struct professional *door, struct arena *arena, const char *context,
                              struct str content, int64_t expires_at);

struct one_time_code {
    struct str content;
    int64_t expires_at;
    struct str digest; /* of the code, for the replay table */
};
/* Without using it up, for who must look into it first. ABSENT for a code that is damaged or expired; with 0
 * as `now` for one that is damaged, whatever its age. */
enum outcome one_time_code_open(const struct professional *door, struct arena *arena, const char *context,
                                struct str code, int64_t now, struct one_time_code *out_code) MUST_CHECK;
/* OK once; ABSENT when it was used before; FAILED when the store does not tell. */
enum outcome one_time_code_use(const struct professional *door, const char *context,
                               const struct one_time_code *code, int64_t now) MUST_CHECK;
/* Of one that has expired: OK when it was used, as long as that is remembered (REPLAY_KEPT_S). */
enum outcome one_time_code_was_used(const struct professional *door, const char *context,
                                    const struct one_time_code *code) MUST_CHECK;

#endif
