/*
 * The authorization response (RSP-2, RSP-9 to RSP-12): its parameters, and whether they are an answer to this
 * attempt. The state is not looked at: the door found the attempt by it. Pure functions.
 */
#ifndef IDP_RESPONSE_H
#define IDP_RESPONSE_H

#include "idp/discovery.h"
#include "idp/login.h"

/* Slices into the form. */
struct response {
    struct str code, iss, error;
    bool has_code, has_iss, has_error, has_tokens;
};

enum idp_result response_read(const struct form *form, struct response *out_response,
                              struct failure *failure) MUST_CHECK;
/* IDP_OK: there is a code to redeem. */
enum idp_result response_check(const struct response *response, const struct provider *provider,
                               const struct idp_connection *connection, const struct idp_attempt *attempt,
                               struct failure *failure) MUST_CHECK;

#endif
