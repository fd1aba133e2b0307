/*
 * Business data as it stands in the store: providers with their services, and identity providers. Written
 * whole objects at a time (catalog_import.h), read whole by the server when the version changed, by `sluis
 * export` and later by console screens. Client secrets are sealed at rest by these verbs.
 */
#ifndef STORE_CATALOG_H
#define STORE_CATALOG_H

#include "base/arena.h"
#include "base/str.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

struct catalog_image {
    struct str bytes;        /* empty = none; at most 256 KiB */
    struct str content_type; /* image/svg+xml, image/png */
};

struct catalog_identity_provider {
    struct str id;    /* [a-z0-9-]{1,40} */
    struct str label; /* on the login button */
    struct catalog_image picture;
    int64_t level;         /* assurance: higher is stronger; 0 = unknown */
    struct str level_name; /* "Substantieel" */
    struct str issuer;
    struct str metadata_url; /* empty = from the issuer */
    struct str client_id;
    struct str client_secret;
    struct str client_auth; /* auto, basic, basic_raw, post, none */
    struct str scope;
    struct str acr_values; /* space separated; empty = none */
    bool is_acr_required;
    struct str signing_algs; /* space separated; empty = RS256 */
    struct str userinfo;     /* off, if_needed, always */
    struct str bsn_claim;    /* member name, or a path with dots */
    struct str ca_file;
    bool is_private_allowed;
};

struct catalog_service {
    struct str id;       /* GegevensdienstId */
    struct str function; /* collect, share, subscribe */
    int64_t max_days;    /* subscribe */
};

struct catalog_provider {
    struct str name; /* without @medmij */
    struct str display_name;
    struct str interface_version;
    struct str text_set;  /* u-1.3, je-2.2 */
    bool is_legacy_scope; /* accepts the 1.x collect scope of pairs */
    struct str privacy_url;
    struct str color; /* #rrggbb; empty = house style */
    struct catalog_image logo;
    struct str announcement; /* authenticating third party (RFC0032); empty = none */
    struct str availability; /* always, webhook, fhir */
    struct str availability_url;
    struct str availability_secret; /* bearer token for the webhook or FHIR server; empty = none */
    int64_t availability_timeout_ms;
    bool is_checked_before_consent;
    bool is_checked_at_token; /* false = the provider's resource server does it */
    struct catalog_service *services;
    size_t service_count;
    struct str *identity_providers; /* ids, in order of display */
    size_t identity_provider_count;
};

struct catalog_data {
    struct catalog_identity_provider *identity_providers;
    size_t identity_provider_count;
    struct catalog_provider *providers;
    size_t provider_count;
};

enum outcome catalog_read(struct store *store, struct arena *arena, struct catalog_data *out_data) MUST_CHECK;
/* Rises with every change; cheap enough to poll each second. */
enum outcome catalog_version(struct store *store, int64_t *out_version) MUST_CHECK;

#endif
