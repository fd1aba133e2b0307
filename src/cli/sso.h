/*
 * What the subcommands of `sluis sso` share: connections found by their slug, mapping tables read whole, and
 * the words for both. As cli.h: single-threaded, memory in the arena, faults printed here.
 */
#ifndef CLI_SSO_H
#define CLI_SSO_H

#include "cli/cli.h"
#include "store/mapping.h"
#include "store/session.h"
#include "store/sso_catalog.h"

/* ---- verbs, one file per noun ---- */

int cli_sso_applications(int argc, char **argv);
int cli_sso_connections(int argc, char **argv);
int cli_sso_groups(int argc, char **argv);
int cli_sso_keys(int argc, char **argv);
int cli_sso_mappings(int argc, char **argv);
int cli_sso_log(int argc, char **argv);
int cli_sso_notifications(int argc, char **argv);
int cli_sso_users(int argc, char **argv);
int cli_sso_sessions(int argc, char **argv);

/* ---- connections ---- */

/* NULL when there is none. */
const struct sso_connection *sso_connection_like(const struct sso_data *data, struct str platform,
                                                 struct str environment, struct str slug);
const struct sso_connection *sso_connection_by_id(const struct sso_data *data, struct str id);
/* What INI-3 needs and it does not have, as the keys of sluis-import(5); "" when it is complete. */
const char *sso_connection_lacks(struct arena *arena, const struct sso_connection *connection);

/* How a command line names a connection; the last two may be NULL when the slug is there only once. */
struct sso_choice {
    const char *slug, *environment, *platform;
};
#define SSO_ENVIRONMENT_OPTION(variable)                                                                     \
    {                                                                                                        \
        "environment", 'e', "NAME", &(variable), NULL, "acceptance or production, when it is in both"        \
    }
#define SSO_PLATFORM_OPTION(variable)                                                                        \
    {                                                                                                        \
        "platform", 0, "NAME", &(variable), NULL, "its platform, when several have it"                       \
    }
/* CLI_OK, or the exit status with the fault, and what there is to choose from, printed. */
int sso_connection_pick(struct cli *cli, const struct sso_data *data, const struct sso_choice *choice,
                        const struct sso_connection **out_connection);
int sso_read(struct cli *cli, struct sso_data *out_data);

/* ---- mappings ---- */

struct str sso_mapping_word(enum mapping_status status); /* "new", "linked", "ignored", "inactive" */
bool sso_mapping_status(struct str word, enum mapping_status *out_status);
/* All rows that pass the filter's status and search; the rest of it is filled in. */
int sso_mappings_read(struct cli *cli, struct str connection, struct mapping_filter filter,
                      struct mapping_list *out_list);

/* ---- sessions ---- */

/* OUT-9: what an administrator ended goes to the log, a session an entry; `cause` as sso/logout_trail.h. */
int sso_log_ended(struct cli *cli, const struct sso_data *data, const struct session_ended_list *ended,
                  const char *cause);

/* ---- output ---- */

/* Reading a person's data or exporting them is in the audit trail (AUD-3); without it nothing is shown. */
int sso_audit(struct cli *cli, const char *action, const char *subject, const char *details);
/* One CSV cell with its separator; what a spreadsheet would take for a formula is defused (ADM-6, C33). */
void sso_csv_cell(struct buf *buf, struct str text, bool is_last);
/* "2026-11-21" or RFC 3339 in UTC, "2026-11-21T18:09:24Z", as milliseconds. */
bool sso_read_time(struct str text, int64_t *out_ms);
const char *sso_time_ms(struct arena *arena, int64_t milliseconds); /* "2026-11-21 18:09:24Z"; "-" for 0 */

#endif
