#include "epd.h"

#include "http/cookie.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define SESSIONS_MAX 1024
#define SESSION_LIFETIME_S 43200
#define PENDING_MAX 4096
#define PENDING_LIFETIME_S 900
#define CODE_LIFETIME_S 60
#define TOKEN_LIFETIME_S 300
#define MEMBERS_MAX 16

struct epd {
    struct epd_shelves shelves;
    pthread_mutex_t lock;
    struct forge_key *key; /* both under the lock */
    struct forge_key *previous_key;
    atomic_bool has_button[MEMBERS_MAX]; /* by place in staff_members */
    atomic_int channel;                  /* enum epd_channel */
};

enum outcome epd_new(struct epd **out_epd, struct failure *failure)
{
    struct epd *epd = calloc(1, sizeof *epd);
    if (!epd)
        return failure_set(failure, "no memory");
    if (forge_key_new(&epd->key, failure) != OK) {
        free(epd);
        return FAILED;
    }
    pthread_mutex_init(&epd->lock, NULL);
    epd->shelves.sessions = shelf_new(SESSIONS_MAX, SESSION_LIFETIME_S);
    epd->shelves.pending = shelf_new(PENDING_MAX, PENDING_LIFETIME_S);
    epd->shelves.codes = shelf_new(PENDING_MAX, CODE_LIFETIME_S);
    epd->shelves.tokens = shelf_new(PENDING_MAX, TOKEN_LIFETIME_S);
    for (size_t i = 0; i < staff_member_count && i < MEMBERS_MAX; i++)
        atomic_init(&epd->has_button[i], staff_members[i].has_button);
    atomic_init(&epd->channel, EPD_CHANNEL_BACK);
    *out_epd = epd;
    return OK;
}

void epd_free(struct epd **epd)
{
    if (!*epd)
        return;
    shelf_free(&(*epd)->shelves.sessions);
    shelf_free(&(*epd)->shelves.pending);
    shelf_free(&(*epd)->shelves.codes);
    shelf_free(&(*epd)->shelves.tokens);
    forge_key_free(&(*epd)->key);
    forge_key_free(&(*epd)->previous_key);
    pthread_mutex_destroy(&(*epd)->lock);
    free(*epd);
    *epd = NULL;
}

struct epd_shelves *epd_shelves(struct epd *epd)
{
    return &epd->shelves;
}

enum epd_channel epd_channel(const struct epd *epd)
{
    return (enum epd_channel)atomic_load(&epd->channel);
}

void epd_set_channel(struct epd *epd, enum epd_channel channel)
{
    atomic_store(&epd->channel, (int)channel);
}

static atomic_bool *button_of(struct epd *epd, const struct staff_member *member)
{
    return &epd->has_button[member - staff_members];
}

bool epd_has_button(struct epd *epd, const struct staff_member *member)
{
    return atomic_load(button_of(epd, member));
}

void epd_set_button(struct epd *epd, const struct staff_member *member, bool has_button)
{
    atomic_store(button_of(epd, member), has_button);
}

/* ---- keys ---- */

enum outcome epd_sign(struct epd *epd, json_t *header, const json_t *payload, struct arena *arena,
                      struct str *out_token)
{
    pthread_mutex_lock(&epd->lock);
    if (!json_object_get(header, "alg"))
        json_object_set_new(header, "alg", json_string("RS256"));
    if (!json_object_get(header, "kid"))
        json_object_set_new(header, "kid", json_string(forge_key_id(epd->key)));
    enum outcome outcome = forge_sign(epd->key, header, payload, arena, out_token);
    pthread_mutex_unlock(&epd->lock);
    return outcome;
}

enum outcome epd_rotate(struct epd *epd, struct failure *failure)
{
    struct forge_key *fresh;
    if (forge_key_new(&fresh, failure) != OK)
        return FAILED;
    pthread_mutex_lock(&epd->lock);
    struct forge_key *oldest = epd->previous_key;
    epd->previous_key = epd->key;
    epd->key = fresh;
    pthread_mutex_unlock(&epd->lock);
    forge_key_free(&oldest);
    return OK;
}

json_t *epd_key_set(struct epd *epd)
{
    json_t *keys = json_array();
    pthread_mutex_lock(&epd->lock);
    json_array_append_new(keys, forge_key_public(epd->key));
    if (epd->previous_key)
        json_array_append_new(keys, forge_key_public(epd->previous_key));
    pthread_mutex_unlock(&epd->lock);
    return json_pack("{s:o}", "keys", keys);
}

const char *epd_key_id(struct epd *epd, struct arena *arena)
{
    pthread_mutex_lock(&epd->lock);
    const char *id = arena_strdup(arena, forge_key_id(epd->key));
    pthread_mutex_unlock(&epd->lock);
    return id;
}

/* ---- addresses ---- */

const char *epd_issuer(const struct sim *sim, struct arena *arena)
{
    return sim_url(sim, arena, epd_part.host, "/cas/oidc");
}

const char *epd_front_url(const struct sim *sim, const struct staff_client *client)
{
    return client == staff_find_environment(STR("acceptance")) ? sim->settings.acceptance_url
                                                               : sim->settings.front_url;
}

const char *epd_start_url(const struct sim *sim, struct arena *arena, const struct staff_client *client)
{
    return arena_printf(arena, "%s/sso/openidconnect/%s", epd_front_url(sim, client), STAFF_SLUG);
}

const char *epd_form_targets(const struct sim *sim, struct arena *arena)
{
    return arena_printf(arena, "%s %s %s", sim->settings.front_url, sim->settings.acceptance_url,
                        sim_url(sim, arena, app_part.host, ""));
}

/* ---- visits ---- */

json_t *epd_session(const struct sim *sim, const struct http_request *request, struct str *out_key)
{
    *out_key = STR_NONE;
    if (cookie_find(request->arena, page_header(request, "Cookie"), EPD_COOKIE, false, out_key) != OK)
        return NULL;
    return shelf_look(epd_shelves(sim->epd)->sessions, *out_key);
}

bool epd_visit_begin(const struct sim *sim, const struct http_request *request,
                     struct http_response *response, struct epd_visit *out_visit)
{
    struct str key;
    json_t *session = epd_session(sim, request, &key);
    const struct staff_member *member =
        session ? staff_find_member(str_from_c(page_text(session, "member"))) : NULL;
    *out_visit = (struct epd_visit){sim, request, response, session, key, member};
    if (member)
        return true;
    json_decref(session);
    http_response_redirect(response, "/inloggen");
    return false;
}

void epd_visit_keep(const struct epd_visit *visit)
{
    shelf_replace(epd_shelves(visit->sim->epd)->sessions, visit->key, visit->session);
}

void epd_visit_end(struct epd_visit *visit)
{
    json_decref(visit->session);
    visit->session = NULL;
}
