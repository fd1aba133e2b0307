/*
 * tokenbox: bytes sealed under a token that only its holder has. Used for the answer that a lost refresh may
 * ask for again: the store keeps the box, and only who presents the old token can open it. Pure; any thread.
 */
#ifndef BASE_TOKENBOX_H
#define BASE_TOKENBOX_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct str tokenbox_seal(struct arena *arena, struct str token, struct str plaintext);
/* FAILED when the token differs or anything was altered. */
enum outcome tokenbox_open(struct arena *arena, struct str token, struct str box,
                           struct str *out_plaintext) MUST_CHECK;

#endif
