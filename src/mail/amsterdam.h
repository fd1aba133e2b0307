/*
 * Moments as mails tell them: the time in Europe/Amsterdam (MAIL-4), by the rule of Directive 2000/84/EC, so
 * that it does not hang on the time zone of the machine. Pure; any thread.
 */
#ifndef MAIL_AMSTERDAM_H
#define MAIL_AMSTERDAM_H

#include "base/arena.h"

#include <stdint.h>

/* Seconds ahead of UTC at that moment: 3600, in summer 7200. */
int64_t amsterdam_offset(int64_t seconds);
/* "21-11-2026 20:38:05" */
const char *amsterdam_format(struct arena *arena, int64_t seconds);

#endif
