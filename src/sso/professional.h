/*
 * The professional's door as one object: everything its handlers work with. Made by `sluis serve`; the same
 * for all threads. The configuration is read through a pointer that SIGHUP swaps.
 */
#ifndef SSO_PROFESSIONAL_H
#define SSO_PROFESSIONAL_H

#include "conf/conf.h"
#include "html/template.h"
#include "http/router.h"
#include "idp/login.h"
#include "mail/mailer.h"
#include "sso/log_writer.h"
#include "sso/rate.h"
#include "sso/signing.h"
#include "sso/tally.h"
#include "store/cached.h"
#include "store/store.h"

#include <stdatomic.h>

struct notify_backlog;
struct notify_queue;

struct professional {
    const _Atomic(const struct conf *) *conf;
    struct store *store;
    const struct vault *vault;
    struct cached *data; /* of directory_load */
    struct idp *idp;
    const struct template_set *templates;
    struct log_writer *log;
    struct tally tally;
    struct signing *signing;
    struct rate *rate;
    struct mailer *mailer; /* NULL = no mail server is configured: nobody is told */
    struct notify_backlog *backlog;
    struct notify_queue *notices; /* NULL without a mailer */
};

struct route_table professional_front_routes(struct professional *door);
struct route_table professional_internal_routes(struct professional *door);

#endif
