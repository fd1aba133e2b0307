/*
 * Authorization server metadata (RFC 8414): GET /.well-known/oauth-authorization-server.
 */
#ifndef MEDMIJ_METADATA_H
#define MEDMIJ_METADATA_H

#include "http/router.h"

http_handler metadata_handle;

#endif
