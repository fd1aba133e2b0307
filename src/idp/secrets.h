/*
 * Which of a client's two secrets its provider took last, so that the next login begins with that one (C19).
 * Only in memory: to have forgotten costs one refused call. Threads: any.
 */
#ifndef IDP_SECRETS_H
#define IDP_SECRETS_H

#include "idp/connection.h"

struct secrets;

enum outcome secrets_new(struct secrets **out_secrets) MUST_CHECK;
void secrets_free(struct secrets **secrets);

/* True when the second secret of this version of the connection was the one that worked. */
bool secrets_is_second(struct secrets *secrets, const struct idp_connection *connection);
void secrets_remember(struct secrets *secrets, const struct idp_connection *connection, bool is_second);

#endif
