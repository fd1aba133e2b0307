/*
 * What pages refer to: style sheet, logos and pictures (spec 4.0). Files of web/static are read once at
 * start; the provider's colours and logo and the identity providers' pictures come from the catalogue.
 *
 * Immutable after loading; any thread.
 */
#ifndef MEDMIJ_ASSETS_H
#define MEDMIJ_ASSETS_H

#include "base/err.h"
#include "http/router.h"

struct assets;

/* `medmij_logo` is the label holder's own file (SVG or PNG), or NULL: pages then show the neutral stand-in.
 */
enum outcome assets_load(const char *directory, const char *medmij_logo, struct assets **out_assets,
                         struct failure *failure) MUST_CHECK;
void assets_free(struct assets **assets);

http_handler assets_handle_static; /* GET /static/{file} */
http_handler assets_handle_logo;   /* GET /logo/provider/{name}, /logo/idp/{id}, /logo/medmij */
http_handler assets_handle_theme;  /* GET /theme/{provider}.css */

#endif
