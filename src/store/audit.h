/*
 * The audit trail: append-only, one hash chain per node. Each entry's hash is SHA-256 over the previous hash
 * and the entry's fields in a fixed, length-prefixed form; `sluis audit verify` walks the chains. Entries
 * name no secret and no BSN.
 *
 * Details that are JSON may hold a value that the vault sealed. It stays as it is, for the chain covers it:
 * the key that opens it is needed as long as the trail (store/reseal.h counts).
 */
#ifndef STORE_AUDIT_H
#define STORE_AUDIT_H

#include "base/arena.h"
#include "base/str.h"
#include "store/store.h"

#define AUDIT_SEALED_MEMBER "patient_sealed" /* of such details, in base64url */

struct audit_entry {
    struct str node;
    int64_t number; /* 1, 2, 3 ... within the node */
    int64_t at;
    struct str actor;   /* "cli:root", "client:host", "person", "system" */
    struct str action;  /* "import", "consent_withdraw", "grant_revoke", "key_rotate", ... */
    struct str subject; /* id of the object */
    struct str details; /* short English text */
    struct str hash;    /* 32 bytes */
};

/* As a verb of its own; audit_append_in is for use inside another verb's transaction. */
enum outcome audit_append(struct store *store, const struct audit_entry *entry) MUST_CHECK;
enum outcome audit_append_in(struct db *db, const char *node, const struct audit_entry *entry) MUST_CHECK;
/* Many in a row, at less cost. */
enum outcome audit_append_all_in(struct db *db, const char *node, const struct audit_entry *entries,
                                 size_t count) MUST_CHECK;

struct audit_list {
    struct audit_entry *items;
    size_t count;
    size_t capacity;
};
enum outcome audit_read(struct store *store, struct str node, int64_t after_number, int limit,
                        struct arena *arena, struct audit_list *out_list) MUST_CHECK;

/* Of all nodes, newest first: what happened to one object. */
enum outcome audit_find(struct store *store, struct str action, struct str subject, int limit,
                        struct arena *arena, struct audit_list *out_list) MUST_CHECK;

struct audit_verdict {
    int64_t entries;
    int64_t nodes;
    bool is_intact;
    struct str broken_node; /* the first break found */
    int64_t broken_number;
};
enum outcome audit_verify(struct store *store, struct arena *arena,
                          struct audit_verdict *out_verdict) MUST_CHECK;

#endif
