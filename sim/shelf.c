#include "shelf.h"

#include "base/clock.h"
#include "base/rand.h"
#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
    char key[TOKEN_TEXT_LENGTH + 1];
    int64_t put_at;    /* seconds; its lifetime counts from here */
    uint64_t sequence; /* rises with every put: the lowest is the oldest */
    json_t *value;     /* NULL = a free place */
};

struct shelf {
    pthread_mutex_t lock;
    size_t capacity;
    int64_t lifetime_s;
    uint64_t sequence;
    struct place places[];
};

struct shelf *shelf_new(size_t capacity, int64_t lifetime_s)
{
    struct shelf *shelf = calloc(1, sizeof *shelf + capacity * sizeof shelf->places[0]);
    if (!shelf)
        abort();
    pthread_mutex_init(&shelf->lock, NULL);
    shelf->capacity = capacity;
    shelf->lifetime_s = lifetime_s;
    return shelf;
}

void shelf_free(struct shelf **shelf)
{
    if (!*shelf)
        return;
    for (size_t i = 0; i < (*shelf)->capacity; i++)
        json_decref((*shelf)->places[i].value);
    pthread_mutex_destroy(&(*shelf)->lock);
    free(*shelf);
    *shelf = NULL;
}

static void place_clear(struct place *place)
{
    json_decref(place->value);
    *place = (struct place){0};
}

/* With the lock held. */
static struct place *shelf_find(struct shelf *shelf, struct str key)
{
    if (key.length != TOKEN_TEXT_LENGTH)
        return NULL;
    for (size_t i = 0; i < shelf->capacity; i++) {
        struct place *place = &shelf->places[i];
        if (place->value == NULL || !secret_equal(str_from_c(place->key), key))
            continue;
        if (clock_now() - place->put_at > shelf->lifetime_s) {
            place_clear(place);
            return NULL;
        }
        return place;
    }
    return NULL;
}

/* With the lock held: a free place, or the one that was filled longest ago. */
static struct place *shelf_room(struct shelf *shelf)
{
    struct place *oldest = &shelf->places[0];
    for (size_t i = 0; i < shelf->capacity; i++) {
        struct place *place = &shelf->places[i];
        if (place->value == NULL)
            return place;
        if (place->sequence < oldest->sequence)
            oldest = place;
    }
    place_clear(oldest);
    return oldest;
}

/* With the lock held. */
static void shelf_fill(struct shelf *shelf, struct place *place, struct str key, const json_t *value)
{
    json_t *copy = json_deep_copy(value);
    if (!copy)
        abort();
    json_decref(place->value);
    memcpy(place->key, key.data, TOKEN_TEXT_LENGTH);
    place->key[TOKEN_TEXT_LENGTH] = '\0';
    place->put_at = clock_now();
    place->sequence = ++shelf->sequence;
    place->value = copy;
}

struct str shelf_put(struct shelf *shelf, struct arena *arena, const json_t *value)
{
    struct str key = rand_token(arena);
    pthread_mutex_lock(&shelf->lock);
    shelf_fill(shelf, shelf_room(shelf), key, value);
    pthread_mutex_unlock(&shelf->lock);
    return key;
}

void shelf_replace(struct shelf *shelf, struct str key, const json_t *value)
{
    if (key.length != TOKEN_TEXT_LENGTH)
        return;
    pthread_mutex_lock(&shelf->lock);
    struct place *place = shelf_find(shelf, key);
    shelf_fill(shelf, place ? place : shelf_room(shelf), key, value);
    pthread_mutex_unlock(&shelf->lock);
}

json_t *shelf_look(struct shelf *shelf, struct str key)
{
    pthread_mutex_lock(&shelf->lock);
    struct place *place = shelf_find(shelf, key);
    json_t *copy = place ? json_deep_copy(place->value) : NULL;
    pthread_mutex_unlock(&shelf->lock);
    return copy;
}

json_t *shelf_take(struct shelf *shelf, struct str key)
{
    pthread_mutex_lock(&shelf->lock);
    struct place *place = shelf_find(shelf, key);
    json_t *value = place ? json_incref(place->value) : NULL;
    if (place)
        place_clear(place);
    pthread_mutex_unlock(&shelf->lock);
    return value;
}

enum outcome shelf_save(struct shelf *shelf, const char *path, struct failure *failure)
{
    enum outcome outcome = FAILED;
    json_t *all = json_object();
    pthread_mutex_lock(&shelf->lock);
    for (size_t i = 0; i < shelf->capacity; i++) {
        struct place *place = &shelf->places[i];
        if (place->value && clock_now() - place->put_at <= shelf->lifetime_s)
            json_object_set(all, place->key, place->value);
    }
    pthread_mutex_unlock(&shelf->lock);

    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        failure_set(failure, "%s: %s", path, strerror(errno));
        goto out;
    }
    outcome = json_dumpfd(all, fd, JSON_COMPACT) == 0 ? OK : failure_set(failure, "%s: cannot write", path);
    if (close(fd) != 0)
        outcome = failure_set(failure, "%s: %s", path, strerror(errno));
out:
    json_decref(all);
    return outcome;
}

enum outcome shelf_load(struct shelf *shelf, const char *path, struct failure *failure)
{
    if (access(path, F_OK) != 0 && errno == ENOENT)
        return OK;
    json_error_t error;
    json_t *all = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(all)) {
        json_decref(all);
        return failure_set(failure, "%s: not a state file; remove it", path);
    }
    const char *key;
    json_t *value;
    json_object_foreach(all, key, value)
    {
        shelf_replace(shelf, str_from_c(key), value);
    }
    json_decref(all);
    return OK;
}
