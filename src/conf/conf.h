/*
 * The configuration of the process: one YAML file, read once at start and again at SIGHUP, immutable in
 * between.
 *
 * One declarative table (conf_table.c) names every key with its type, default and text; the loader, the
 * commented sample file (`sluis check --sample`) and the manual page sluis.yaml(5) all come from it. Faults
 * name file, line, column, key and remedy.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "conf/yaml_index.h"

#include <stdbool.h>
#include <stdint.h>

struct conf_listener {
    bool is_enabled;
    const char *address;
    const char *certificate;
    const char *key;
    const char *client_ca; /* back: asks and verifies client certificates */
};

struct conf_list {
    const char *location;
    const char *schema;
};

/* Texts that were not given and have no default are NULL. File names are resolved: relative ones start at the
 * directory of the configuration file. */
struct conf {
    bool is_development; /* http and ports for *.localhost, cookies without Secure while the base URL is http
                          */
    const char *clock_offset_file; /* development only */
    const char *node;              /* name of this process in audit chains; default the host name */
    const char *base_url;          /* public URL of the front listener, no trailing slash; the issuer */
    const char *token_base_url;    /* public URL of the back listener */
    const char *web_directory;
    const char *log_level;
    const char *event_log_file; /* MedMij event log (spec 8.2), JSON lines; "-" = standard output */

    struct conf_listener front, back, internal;

    const char **trusted_proxies;
    unsigned trusted_proxies_count;
    const char *client_certificate_header;

    const char *store_url;
    int64_t store_connections;
    const char *key_file;

    const char *dva_name; /* <Naam DVA> on Technische storing */
    const char *dva_phone;
    const char *medmij_logo; /* file; NULL = the neutral stand-in */

    struct conf_list list_providers, list_clients, list_service_names, list_whitelist;
    const char *lists_ca;
    const char *lists_certificate;
    const char *lists_key;
    int64_t lists_interval_s;
    int64_t lists_max_age_s;

    const char *mail_server; /* NULL = no mail */
    const char *mail_sender;
    const char *mail_operator; /* comma separated; NULL = nobody */
    const char *mail_user;
    const char *mail_password_file;
    const char *mail_ca;

    int64_t landing_lifetime_s;  /* 900: sealed landing page */
    int64_t login_lifetime_s;    /* 900: round trip to the identity provider */
    int64_t choice_lifetime_s;   /* 900: whole flow, absolute */
    int64_t code_lifetime_s;     /* 900 */
    int64_t access_lifetime_s;   /* 900 */
    int64_t refresh_lifetime_s;  /* 15811200: 183 days */
    int64_t refresh_window_s;    /* 0 = off; at most 30: idempotent window for lost answers */
    bool are_ids_required;       /* MedMij-Request-ID and X-Correlation-ID on authorization requests */
    bool is_post_query_accepted; /* token request parameters in the query of a POST */
    bool is_pkce_used;
    int64_t minimum_age; /* 16; shown on the "too young" page */

    int64_t starts_per_address;    /* 300 a minute: logins started at the professional's door (INI-5) */
    int64_t starts_burst;          /* 100 at once */
    int64_t starts_per_connection; /* 1200 a minute */
    int64_t failures_per_address;  /* 120 a minute: calls in vain at our OpenID provider */
    int64_t failures_per_client;   /* 300 a minute: failed authentications of one application */
    int64_t loop_starts;           /* 5 in 30 seconds by one browser, without success */

    int64_t workers;    /* 32 */
    int64_t io_threads; /* 0 = one per core */
    int64_t body_max;   /* 8192 */
    int64_t target_max; /* 8192 */
    int64_t connection_max;
    int64_t idle_timeout_s;
};

/* OK, or FAILED with `failure` naming file, line, key and remedy of the first fault. Strings live in the
 * conf. */
enum outcome conf_load(const char *path, struct conf **out_conf, struct failure *failure) MUST_CHECK;
/* The same, but with every fault there is, for `sluis check`; they live in the arena. */
enum outcome conf_load_all(const char *path, struct arena *arena, struct conf **out_conf,
                           struct yaml_faults *out_faults) MUST_CHECK;
void conf_free(struct conf **conf);

/* The file it came from, and where in it a key ("front.certificate") stands; NULL when it has its default. */
const char *conf_file(const struct conf *conf);
const struct yaml_entry *conf_find(const struct conf *conf, const char *key);

#endif
