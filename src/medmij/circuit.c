#include "medmij/circuit.h"

#include "base/arena.h"

#include <pthread.h>
#include <stdlib.h>

#define BUCKETS 256

/* Made at the first call to an endpoint and kept: endpoints come from the configuration, so there are few. */
struct circuit {
    struct circuit *next;
    struct str endpoint;
    unsigned failures; /* in a row; open when it has reached the limit */
    int64_t opened_at_ms;
    bool is_probed; /* open, and one call is trying */
};

struct circuits {
    pthread_mutex_t lock;
    unsigned failures_to_open;
    int64_t cool_down_ms;
    struct arena *arena;
    struct circuit *buckets[BUCKETS];
};

struct circuits *circuits_new(unsigned failures_to_open, int64_t cool_down_ms)
{
    struct circuits *circuits = calloc(1, sizeof *circuits);
    if (circuits == NULL || pthread_mutex_init(&circuits->lock, NULL) != 0)
        abort();
    circuits->failures_to_open = failures_to_open;
    circuits->cool_down_ms = cool_down_ms;
    circuits->arena = arena_new();
    return circuits;
}

void circuits_free(struct circuits **circuits)
{
    if (circuits == NULL || *circuits == NULL)
        return;
    pthread_mutex_destroy(&(*circuits)->lock);
    arena_free(&(*circuits)->arena);
    free(*circuits);
    *circuits = NULL;
}

/* Under the lock. */
static struct circuit *circuit_of(struct circuits *circuits, struct str endpoint)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < endpoint.length; i++)
        hash = (hash ^ (unsigned char)endpoint.data[i]) * 16777619u;
    struct circuit **bucket = &circuits->buckets[hash % BUCKETS];
    for (struct circuit *circuit = *bucket; circuit != NULL; circuit = circuit->next)
        if (str_equal(circuit->endpoint, endpoint))
            return circuit;
    struct circuit *circuit = arena_new_of(circuits->arena, struct circuit);
    circuit->endpoint = str_copy(circuits->arena, endpoint);
    circuit->next = *bucket;
    *bucket = circuit;
    return circuit;
}

bool circuits_enter(struct circuits *circuits, struct str endpoint, int64_t now_ms)
{
    pthread_mutex_lock(&circuits->lock);
    struct circuit *circuit = circuit_of(circuits, endpoint);
    bool is_open = circuit->failures >= circuits->failures_to_open;
    bool may_probe = !circuit->is_probed && now_ms - circuit->opened_at_ms >= circuits->cool_down_ms;
    if (is_open && may_probe)
        circuit->is_probed = true;
    pthread_mutex_unlock(&circuits->lock);
    return !is_open || may_probe;
}

enum circuit_change circuits_leave(struct circuits *circuits, struct str endpoint, bool is_success,
                                   int64_t now_ms)
{
    enum circuit_change change = CIRCUIT_UNCHANGED;
    pthread_mutex_lock(&circuits->lock);
    struct circuit *circuit = circuit_of(circuits, endpoint);
    bool was_open = circuit->failures >= circuits->failures_to_open;
    circuit->is_probed = false;
    if (is_success) {
        circuit->failures = 0;
        if (was_open)
            change = CIRCUIT_CLOSED;
    } else if (was_open) {
        circuit->opened_at_ms = now_ms; /* the probe failed, or a call that began before it opened */
    } else if (++circuit->failures >= circuits->failures_to_open) {
        circuit->opened_at_ms = now_ms;
        change = CIRCUIT_OPENED;
    }
    pthread_mutex_unlock(&circuits->lock);
    return change;
}
