/*
 * sluis-sim: everything around Sluis that a demo and the tests need, in one process behind one plain HTTP
 * listener, and a mailbox behind an SMTP port. The Host header chooses the part (pgo.localhost,
 * digid.localhost, fhir.localhost, epd.localhost, app.localhost, mail.localhost, and localhost for the start
 * page and the registry); each part has a route table. Never linked into sluis, and never to be trusted with
 * real data.
 *
 * struct sim is made in main.c, immutable after start but for the shelves inside the parts, and outlives the
 * server. Handlers run on many threads.
 */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "base/err.h"
#include "html/template.h"
#include "http/router.h"

#include <stdint.h>

struct sim_settings {
    const char *address;        /* to listen on, without port */
    unsigned port;              /* 8090 + offset */
    const char *home;           /* directory with templates/ and static/ */
    unsigned smtp_port;         /* 2525 + offset */
    const char *certificates;   /* directory with ca.crt, pgo.crt, pgo.key, back.crt, back.key */
    const char *state_file;     /* what the PGO keeps between runs; NULL = nothing */
    const char *front_url;      /* of sluis, without trailing slash */
    const char *acceptance_url; /* the same front listener, as the acceptance environment knows it */
    const char *back_url;
    const char *internal_url;
};

struct digid;
struct pgo;
struct epd;
struct app;
struct mailbox;

struct sim {
    struct sim_settings settings;
    struct template_set *templates;
    struct str stylesheet;
    struct str icon;
    int64_t started_at;
    struct digid *digid;
    struct pgo *pgo;
    struct epd *epd;
    struct app *app;
    struct mailbox *mailbox;
};

struct sim_part {
    const char *host; /* without the port */
    const struct route *routes;
    size_t route_count;
    const struct sim_part *more; /* further routes of the same host; NULL = none */
};

extern const struct sim_part portal_part;
extern const struct sim_part registry_part;
extern const struct sim_part pgo_part;
extern const struct sim_part digid_part;
extern const struct sim_part fhir_part;
extern const struct sim_part epd_part;
extern const struct sim_part app_part;
extern const struct sim_part mail_part;

/* http://<host>:<port><path>, for a part of the simulator. */
const char *sim_url(const struct sim *sim, struct arena *arena, const char *host, const char *path);

enum outcome digid_new(struct digid **out_digid, struct failure *failure) MUST_CHECK;
void digid_free(struct digid **digid);
/* `state_file`: where sessions are kept between runs; NULL = nowhere. */
enum outcome pgo_new(const char *state_file, struct pgo **out_pgo, struct failure *failure) MUST_CHECK;
void pgo_free(struct pgo **pgo);
enum outcome epd_new(struct epd **out_epd, struct failure *failure) MUST_CHECK;
void epd_free(struct epd **epd);
enum outcome app_new(struct app **out_app, struct failure *failure) MUST_CHECK;
void app_free(struct app **app);
/* Starts the SMTP server as well. */
enum outcome mailbox_new(const struct sim_settings *settings, struct mailbox **out_mailbox,
                         struct failure *failure) MUST_CHECK;
void mailbox_free(struct mailbox **mailbox);

#endif
