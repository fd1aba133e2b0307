/*
 * An entry of the numbered log as text, with the numbers at the left (spec sso.md 5.5), for `sluis sso log
 * show`. Pure; `arena` is for its own use.
 */
#ifndef SSO_TRAIL_TEXT_H
#define SSO_TRAIL_TEXT_H

#include "base/arena.h"
#include "base/buf.h"
#include "store/exchange_log.h"

/* `entry` may come from a store or file that others wrote: control characters do not get through. */
void trail_text_write(struct arena *arena, struct buf *buf, const struct exchange_entry *entry);

#endif
