/*
 * An identity provider of the catalogue as the Authentication Client wants it: the one place where catalogue
 * words become its settings. Pure; the result lives in the arena and borrows the secret.
 */
#ifndef MEDMIJ_CONNECTION_H
#define MEDMIJ_CONNECTION_H

#include "base/arena.h"
#include "idp/connection.h"
#include "store/catalog.h"

struct idp_connection connection_of_provider(struct arena *arena,
                                             const struct catalog_identity_provider *provider);

#endif
