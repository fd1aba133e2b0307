/* Sixteen threads on two store objects (= two nodes) of one database, let go at once. */
#ifndef TEST_STORE_RACE_H
#define TEST_STORE_RACE_H

#include "store_fixture.h"

#define THREADS 16

struct racer {
    struct store *store;
    struct arena *arena;
    int number;
    int round;
    const void *subject; /* what they race for */
    enum outcome outcome;
    bool is_first; /* what only one may see */
    int count, refused;
};

static pthread_barrier_t start; /* waited for by each `run`, when it has all it needs */

static inline void race(struct racer *racers, void *(*run)(void *), int round, const void *subject)
{
    pthread_t threads[THREADS];
    pthread_barrier_init(&start, NULL, THREADS);
    for (int i = 0; i < THREADS; i++) {
        racers[i] = (struct racer){.store = i % 2 ? fx.store : fx.other,
                                   .arena = arena_new(),
                                   .number = i,
                                   .round = round,
                                   .subject = subject,
                                   .outcome = FAILED};
        assert_int_equal(pthread_create(&threads[i], NULL, run, &racers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        arena_free(&racers[i].arena);
    }
    pthread_barrier_destroy(&start);
}

static inline int count_first(const struct racer *racers)
{
    int count = 0;
    for (int i = 0; i < THREADS; i++)
        count += racers[i].is_first;
    return count;
}

#endif
