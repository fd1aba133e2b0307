#include "idp/secrets.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* One for each connection whose second secret was ever taken. */
struct preference {
    struct preference *next;
    char *id;
    int64_t version;
    bool is_second;
};

struct secrets {
    pthread_mutex_t lock;
    struct preference *first;
};

enum outcome secrets_new(struct secrets **out_secrets)
{
    struct secrets *secrets = calloc(1, sizeof *secrets);
    if (secrets == NULL)
        return FAILED;
    pthread_mutex_init(&secrets->lock, NULL);
    *out_secrets = secrets;
    return OK;
}

void secrets_free(struct secrets **secrets)
{
    if (*secrets == NULL)
        return;
    while ((*secrets)->first != NULL) {
        struct preference *preference = (*secrets)->first;
        (*secrets)->first = preference->next;
        free(preference->id);
        free(preference);
    }
    pthread_mutex_destroy(&(*secrets)->lock);
    free(*secrets);
    *secrets = NULL;
}

static struct preference *find(const struct secrets *secrets, const char *id)
{
    struct preference *preference = secrets->first;
    while (preference != NULL && strcmp(preference->id, id) != 0)
        preference = preference->next;
    return preference;
}

bool secrets_is_second(struct secrets *secrets, const struct idp_connection *connection)
{
    pthread_mutex_lock(&secrets->lock);
    const struct preference *preference = find(secrets, connection->id);
    bool is_second =
        preference != NULL && preference->version == connection->version && preference->is_second;
    pthread_mutex_unlock(&secrets->lock);
    return is_second;
}

void secrets_remember(struct secrets *secrets, const struct idp_connection *connection, bool is_second)
{
    pthread_mutex_lock(&secrets->lock);
    struct preference *preference = find(secrets, connection->id);
    if (preference == NULL) {
        preference = calloc(1, sizeof *preference);
        if (preference == NULL || (preference->id = strdup(connection->id)) == NULL)
            abort(); /* as base/arena does */
        preference->next = secrets->first;
        secrets->first = preference;
    }
    preference->version = connection->version;
    preference->is_second = is_second;
    pthread_mutex_unlock(&secrets->lock);
}
