/*
 * Business data of the professional's door (spec sso.md Appendix A): customers' connections, security groups
 * with their permissions, ceilings, departments, views, hosts and applications. Written whole objects at a
 * time (catalog_import.h), read whole when the version changed. Rows of the mapping table are not here:
 * logins write them, see store/mapping.h. Secrets and patient-context keys are sealed at rest by these verbs.
 */
#ifndef STORE_SSO_CATALOG_H
#define STORE_SSO_CATALOG_H

#include "base/arena.h"
#include "base/str.h"
#include "store/customer_scope.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

struct sso_host {    /* ADR-2: the host selects platform and environment */
    struct str name; /* "secure.voorbeeld.nl" or "localhost:8080"; compared whole, lower case */
    struct str platform;
    struct str environment; /* "acceptance", "production" */
    struct str base_url;    /* external; redirect URIs are built from it, never from the request */
};

struct sso_secret {
    struct str value;
    int64_t set_at;
    int64_t expires_at; /* 0 = unknown */
};

struct sso_context_key { /* encrypted patient context (spec 2.14) */
    struct str kid;
    struct str key; /* 32 bytes */
};

struct sso_connection {
    struct str id; /* UUIDv7, made at first import */
    struct str platform, environment;
    struct str customer_key,
        provider_key;  /* slug = customer_key "_" provider_key, unique per platform and environment */
    struct str status; /* "active", "disabled", "concept" */
    int64_t version;   /* rises with each change */
    struct str
        preset; /* "ysis", "entra", "adfs", "helloid", "keycloak", "other": filled defaults at import */
    struct str issuer, metadata_url;
    struct str tenants; /* of an issuer that is a template, space separated (idp/issuer.h) */
    struct str authorization_endpoint, token_endpoint, jwks_uri, userinfo_endpoint,
        end_session_endpoint; /* overrides */
    struct str client_id;
    struct sso_secret secrets[2]; /* the first is tried first; two may be active at once */
    size_t secret_count;
    struct str client_auth; /* auto, basic, basic_raw, post, private_key_jwt */
    struct str scope, acr_values, prompt, extra_parameters; /* extra: query form */
    bool is_acr_required;
    int64_t max_age_s; /* -1 = not sent */
    struct str signing_algs;
    int64_t skew_s;
    struct str response_mode;                      /* query, form_post */
    struct str callback_mode;                      /* same_url, separate */
    struct str userinfo;                           /* off, if_needed, always */
    bool is_userinfo_post;                         /* UIN-1 */
    struct str claims_first;                       /* id_token, userinfo: who wins where both may (UIN-6) */
    struct str pkce;                               /* S256, off (REQ-4) */
    struct str trusted_audiences;                  /* besides our client id, space separated (IDT-7) */
    struct str required_amr;                       /* one of these, space separated; empty = any (IDT-18) */
    bool is_launch_passed;                         /* SMART `launch` goes along (spec 2.2) */
    struct str location_claim;                     /* path, CLM-1 */
    struct str location_id_key, location_name_key; /* array of objects */
    struct str location_delimiter;
    bool is_location_json_in_string, is_location_case_folded, is_location_dn_stripped,
        is_location_slash_stripped;
    struct str location_prefix; /* keep only values with it, and remove it */
    struct str subject_claim;   /* "sub" */
    struct str name_claim, email_claim, employee_claim;
    struct str link_claim;               /* links to a user who is there (USR-2); empty = nobody is linked */
    struct str ceiling;                  /* name of a ceiling profile; empty = none */
    bool is_session_without_permissions; /* PRM-7 */
    struct str default_view;
    bool is_target_strict;        /* target_link_uri that is not ours: stop (105), or the default view */
    struct str patient_context;   /* off, external_id, bsn_encrypted */
    struct str patient_parameter; /* of a start that holds the encrypted BSN; "bsn" */
    struct sso_context_key context_keys[2];
    size_t context_key_count;
    int64_t idle_s, absolute_s; /* 1800, 43200 */
    struct str idp_logout;      /* off, ask, always */
    struct str frame_ancestors; /* origins that may frame its pages, space separated (INI-9) */
    struct str notify_address;  /* comma separated; empty = no mail */
    bool is_digest_mailed;      /* MAP-9: new locations, once a day */
    bool is_user_mailed;        /* MAIL-4: who it was stands in the mail */
    struct str application;     /* URL of the hand-over; empty = forward authentication (sso/handover.h) */
    struct str handover;        /* to that URL: code (one-time code), openid (it logs in at our provider) */
    struct str ca_file;
    bool is_private_allowed;
};

struct sso_permission_pair {
    struct str permission;
    struct str department; /* code; empty = all */
};

struct sso_group {
    struct str customer_key;
    struct str name; /* unique per customer */
    struct str description;
    bool is_active;
    struct sso_permission_pair *pairs;
    size_t pair_count;
};

struct sso_ceiling {
    struct str customer_key;
    struct str name;
    struct sso_permission_pair *pairs;
    size_t pair_count;
};

struct sso_view { /* VIEW-1 */
    struct str name;
    bool needs_patient, needs_department;
    struct str path;       /* on the application's origin; "{patient}" and "{department}" are filled in */
    struct str permission; /* empty = none */
    bool is_limited;       /* VIEW-7 */
};

struct sso_application { /* that logs people in at our own OpenID provider */
    struct str platform, environment;
    struct str client_id; /* unique per platform and environment */
    struct str name;
    struct str status; /* "active", "disabled" */
    struct str customer_key;
    struct str connections; /* slugs that it serves, space separated; empty = all of the customer */
    struct str client_auth; /* "secret", or "none" for a public client */
    struct str secret;
    struct str redirect_uris, post_logout_redirect_uris; /* space separated; compared whole */
};

struct sso_data {
    struct sso_host *hosts;
    size_t host_count;
    struct sso_connection *connections;
    size_t connection_count;
    struct sso_group *groups;
    size_t group_count;
    struct sso_ceiling *ceilings;
    size_t ceiling_count;
    struct sso_view *views;
    size_t view_count;
    struct sso_application *applications;
    size_t application_count;
};

/* With the version counter of store/catalog.h. */
enum outcome sso_data_read(struct store *store, struct arena *arena, struct sso_data *out_data) MUST_CHECK;

/* What of it a customer may see: connections, groups, ceilings and applications of that customer; hosts and
 * views are everybody's. Points into `data`. */
struct sso_data sso_data_in_scope(struct arena *arena, const struct sso_data *data,
                                  struct customer_scope scope);

/* The slug of a connection's URL: customer key, underscore, provider key. */
struct str sso_slug(struct arena *arena, const struct sso_connection *connection);

#endif
