/*
 * Outcomes and failures: how every function of this program says what became of its work.
 *
 * A lookup has three outcomes and they are never merged: found (OK), not there (ABSENT), could not tell
 * (FAILED). Treating FAILED as ABSENT is the commonest silent hole in this field, so each is its own value
 * and every function that returns an outcome carries MUST_CHECK.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stddef.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(format_index, first_index) __attribute__((format(printf, format_index, first_index)))

enum outcome {
    OK,     /* done, or found */
    ABSENT, /* looked everywhere, it is not there */
    FAILED, /* could not do or could not tell; the caller must not act as if it were OK or ABSENT */
};

#define FAILURE_TEXT_MAX 512

/*
 * What went wrong, for the operator's log. Owned by the caller (usually on its stack); never shown to a
 * person and never filled with a secret, token, BSN or claim value. The layer that decides what to do writes
 * the log line, once.
 */
struct failure {
    char text[FAILURE_TEXT_MAX];
};

/* Sets the text (truncating it) and returns FAILED, so that a fault reads `return failure_set(failure, ...)`.
 * `failure` may be NULL. */
enum outcome failure_set(struct failure *failure, const char *format, ...) PRINTF_LIKE(2, 3);

/* Puts "context: " in front of the text that is there, as a fault travels up. Returns FAILED. */
enum outcome failure_prefix(struct failure *failure, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
