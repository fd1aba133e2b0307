/*
 * The mapping table (spec sso.md 2.10): per connection one row per location id ("authz code") that was ever
 * received, linked to at most one security group.
 */
#ifndef STORE_MAPPING_H
#define STORE_MAPPING_H

#include "base/arena.h"
#include "base/str.h"
#include "store/customer_scope.h"
#include "store/store.h"

enum mapping_status { MAPPING_NEW = 1, MAPPING_LINKED = 2, MAPPING_IGNORED = 3, MAPPING_INACTIVE = 4 };

struct mapping_row {
    struct str id;
    struct str connection; /* id */
    struct str code;
    struct str name; /* display name; empty = unknown */
    enum mapping_status status;
    struct str group;  /* name; set for MAPPING_LINKED */
    struct str origin; /* auto, manual, import */
    struct str remark;
    int64_t first_seen, last_seen, seen_count;
    struct str first_log; /* reference of the exchange log entry */
    int64_t version;      /* for edits: compare and raise */
    struct str changed_by;
    int64_t changed_at;
};

struct mapping_list {
    struct mapping_row *items;
    size_t count, capacity;
};

struct mapping_received {
    struct str code;
    struct str name; /* empty = none came along */
};

struct mapping_found {
    enum mapping_status status;
    struct str group;
    bool is_added;    /* by this very login */
    bool is_withheld; /* unknown and not added: flood guard (MAP-8) */
};

/* MAP-1, -2, -5, -8 in one transaction: every code is looked up, unknown ones are added unlinked (race-free
 * on several nodes; sorted to avoid deadlocks), seen ones counted. out_found is in the order of `received`.
 * OK or FAILED. */
enum outcome mapping_resolve(struct store *store, struct str connection,
                             const struct mapping_received *received, size_t count, struct str log_reference,
                             int64_t added_per_day_max, int64_t now, struct arena *arena,
                             struct mapping_found *out_found) MUST_CHECK;

struct mapping_filter {
    struct customer_scope scope; /* a connection of another customer has no rows */
    struct str connection;
    enum mapping_status status; /* 0 = any */
    struct str search;          /* in code or name */
    struct str after_code;      /* paging */
    int limit;
};
enum outcome mapping_find(struct store *store, const struct mapping_filter *filter, struct arena *arena,
                          struct mapping_list *out_list) MUST_CHECK;

/* The rows that logins added from `from` up to, not including, `until` (seconds), in the order they came, at
 * most `limit`; how many there are in all. */
enum outcome mapping_added(struct store *store, struct str connection, int64_t from, int64_t until, int limit,
                           struct arena *arena, struct mapping_list *out_list, int64_t *out_total) MUST_CHECK;

/* Links, unlinks (group empty), ignores or deactivates a row, adding it when it is not there; audited. ABSENT
 * when `expected_version` (0 = any) is not the row's: somebody else changed it (C34);
 * and when the connection is out of scope. */
enum outcome mapping_change(struct store *store, struct customer_scope scope, struct str connection,
                            struct str code, enum mapping_status status, struct str group,
                            int64_t expected_version, const char *actor, int64_t now) MUST_CHECK;

#endif
