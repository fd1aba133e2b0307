/*
 * What administrators were told of failed logins, and what not and why: every mail of the outbox and every
 * failure that was not mailed by itself, newest first, as long as the outbox keeps them (a week).
 */
#ifndef STORE_NOTIFICATION_H
#define STORE_NOTIFICATION_H

#include "base/arena.h"
#include "base/str.h"
#include "store/customer_scope.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

enum notification_state {
    NOTIFICATION_WAITING = 1,
    NOTIFICATION_SENT = 2,
    NOTIFICATION_GIVEN_UP = 3,
    NOTIFICATION_SUPPRESSED = 4
};

struct notification {
    struct str id;
    struct str connection; /* id; "operator" for the operator's own */
    enum notification_state state;
    /* Why it was suppressed: "window" (MAIL-6), "count" (too few so far), "outage" (MAIL-8), "cap" (MAIL-7);
     * otherwise empty. */
    struct str reason;
    int code;
    struct str cause, reference, recipients, subject;
    struct str body; /* of notification_get only; empty when suppressed */
    int64_t repeats, first_at, last_at;
    bool is_last; /* said that the cap is reached */
    int attempts;
    int64_t queued_at, due_at, done_at; /* 0 = not yet */
};

struct notification_list {
    struct notification *items;
    size_t count, capacity;
};

struct notification_filter {
    struct customer_scope scope;   /* the operator's own are of no customer */
    struct str connection;         /* empty = any */
    enum notification_state state; /* 0 = any */
    int code;                      /* 0 = any */
    struct str before_id;          /* paging: older than this one; empty = from the newest */
    int limit;                     /* 1 to 1000 */
};

enum outcome notification_find(struct store *store, const struct notification_filter *filter,
                               struct arena *arena, struct notification_list *out_list) MUST_CHECK;
enum outcome notification_get(struct store *store, struct customer_scope scope, struct str id,
                              struct arena *arena, struct notification *out_notification) MUST_CHECK;

#endif
