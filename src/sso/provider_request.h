/*
 * An authorization request of one of our applications (OpenID Connect Core 3.1.2.1, RFC 7636, RFC 9207): from
 * parameters to a typed struct. Who asks and where the answer goes are established first; only then does a
 * fault go to the application, and never to an address that is not registered (RFC 6749 4.1.2.1). Pure; any
 * thread; everything points into the form. Fuzz target: tests/fuzz/fuzz_provider_request.c.
 */
#ifndef SSO_PROVIDER_REQUEST_H
#define SSO_PROVIDER_REQUEST_H

#include "base/str.h"
#include "http/form.h"
#include "store/sso_catalog.h"

#define PROVIDER_REQUEST_BYTES_MAX 8192

struct provider_request {
    const struct sso_application *application;
    struct str redirect_uri;
    struct str state; /* empty = none */
    struct str nonce; /* empty = none */
    struct str code_challenge;
    struct str id_token_hint;                /* empty = none */
    const struct sso_connection *connection; /* of the parameter `connection`; NULL = not said */
    bool has_profile, has_email;             /* of the scope */
    bool is_prompt_none, is_prompt_login;
    int64_t max_age_s; /* -1 = none */

    const char *error, *description; /* of PROVIDER_REQUEST_REFUSED; of _UNTRUSTED the description */
};

enum provider_request_result {
    PROVIDER_REQUEST_OK,
    PROVIDER_REQUEST_UNTRUSTED, /* no known client or address: only the person can be told */
    PROVIDER_REQUEST_REFUSED,   /* the application is told */
};

enum provider_request_result provider_request_parse(const struct form *form, const struct sso_data *data,
                                                    const struct sso_host *host,
                                                    struct provider_request *out_request) MUST_CHECK;

#endif
