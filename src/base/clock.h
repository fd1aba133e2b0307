/*
 * The one clock of the program. Wall time in whole seconds or milliseconds since 1970 (UTC).
 *
 * In development mode a test may shift the clock: clock_follow_offset_file maps an 8-byte native-endian int64
 * file and its value (seconds) is added to every reading. Any thread.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/err.h"

#include <stdint.h>

int64_t clock_now(void);          /* seconds */
int64_t clock_now_ms(void);       /* milliseconds */
int64_t clock_monotonic_ms(void); /* for durations; never shifted */

/* Development mode only. FAILED when the file is not there or shorter than 8 bytes. */
enum outcome clock_follow_offset_file(const char *path, struct failure *failure) MUST_CHECK;

/* "2026-11-21T18:09:24.123Z" */
#define CLOCK_TEXT_SIZE 32
void clock_format_ms(int64_t milliseconds, char out_text[CLOCK_TEXT_SIZE]);

#endif
