/*
 * What the parts of `sluis check` share: one pass over everything that a server needs, each finding printed
 * as it is made, none of them ending the pass. What cannot be checked is told as such.
 */
#ifndef CLI_CHECK_H
#define CLI_CHECK_H

#include "cli/cli.h"
#include "medmij/lists.h"
#include "store/catalog.h"

struct check {
    struct arena *arena;
    const struct conf *conf;
    unsigned ok_count, warning_count, fault_count;
    bool is_quiet;          /* prints warnings and faults only */
    int64_t clock_offset;   /* of the first server that told its time */
    const char *clock_host; /* which one; NULL = none */
};

/* `key` is the configuration key it is about, or another short name; where it stands in the file is added. */
void check_ok(struct check *check, const char *key, const char *format, ...) PRINTF_LIKE(3, 4);
void check_warning(struct check *check, const char *key, const char *remedy, const char *format, ...)
    PRINTF_LIKE(4, 5);
void check_fault(struct check *check, const char *key, const char *remedy, const char *format, ...)
    PRINTF_LIKE(4, 5);

/* check_tls.c: certificates, keys and authorities that the configuration names. */
void check_certificates(struct check *check);
/* check_network.c: lists, identity providers, and the clock by what these servers say. */
void check_lists(struct check *check);
void check_identity_providers(struct check *check, const struct catalog_data *catalog);
/* check_sso.c: the active connections of the professional's door. */
void check_sso_connections(struct check *check, struct store *store);
void check_clock(struct check *check);

#endif
