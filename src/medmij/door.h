/*
 * The patient's door as one object: everything its handlers work with. Made by `sluis serve`, handed to every
 * route table as its door, and the same for all threads. Members are shared, immutable or thread-safe
 * objects; the configuration is swapped by pointer at SIGHUP, so a request reads it once (visit_begin) and
 * keeps what it read.
 */
#ifndef MEDMIJ_DOOR_H
#define MEDMIJ_DOOR_H

#include "conf/conf.h"
#include "html/template.h"
#include "http/router.h"
#include "idp/login.h"
#include "medmij/availability.h"
#include "medmij/catalog.h"
#include "medmij/events.h"
#include "medmij/lists.h"
#include "store/store.h"

#include <stdatomic.h>

struct door {
    _Atomic(const struct conf *) conf;
    struct store *store;
    const struct vault *vault;
    struct lists *lists;
    struct cached *catalog;
    struct idp *idp;
    const struct template_set *templates;
    struct availability_checker *availability;
    struct events *events;
    const struct assets *assets;
};

/* The route tables of the three listeners of this door (architecture.md 1). */
struct route_table door_front_routes(struct door *door);
struct route_table door_back_routes(struct door *door);
struct route_table door_internal_routes(struct door *door);

#endif
