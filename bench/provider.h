/*
 * The identity provider of the bench: discovery, keys and token endpoint in this process, ES256. Its
 * authorization endpoint is never visited; the journey invents the code, which carries the nonce and the
 * challenge that a real one would have kept (provider_code). The code verifier and the client secret are
 * checked. Every person works at five locations.
 */
#ifndef BENCH_PROVIDER_H
#define BENCH_PROVIDER_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct provider_server;

#define PROVIDER_HOST "idp.localhost"
#define PROVIDER_CLIENT "sluis"
#define PROVIDER_SECRET "alleen-voor-de-bench-4Hq8Zk2p"

enum outcome provider_start(unsigned port, struct provider_server **out_provider,
                            struct failure *failure) MUST_CHECK;
void provider_stop(struct provider_server **provider);

/* The code for a person's login; the parts are of the authentication request. */
const char *provider_code(struct arena *arena, struct str nonce, struct str challenge, const char *person);

/* What it has done itself, to be taken off what is measured of its clients. */
struct provider_counters {
    int64_t token_calls;
    double busy_ms; /* CPU time of answering them, signature included, HTTP around it not */
};
struct provider_counters provider_read(struct provider_server *provider);

#endif
