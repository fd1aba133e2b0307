/* Listening sockets from their configured text: "127.0.0.1:8080", "[::1]:8080", "*:8080" (both families). */
#ifndef HTTP_LISTEN_H
#define HTTP_LISTEN_H

#include "base/err.h"

/* The socket is the caller's. */
enum outcome listen_open(const char *address, int *out_socket, struct failure *failure) MUST_CHECK;

#endif
