/*
 * The token call (TOK-1 to TOK-7): a code becomes an ID token and an access token. Blocks on the network.
 */
#ifndef IDP_TOKEN_H
#define IDP_TOKEN_H

#include "base/buf.h"
#include "idp/discovery.h"

struct tokens {
    struct str id_token;
    struct str access_token; /* may be empty; printable without spaces, so that it fits a header */
    struct str oauth_error;  /* with IDP_TOKEN_REFUSED, see struct idp_identity */
};

/* Results: IDP_OK, IDP_TOKEN_*, IDP_CONNECTION_INVALID. One call, with the connection's first secret. */
enum idp_result token_redeem(const struct idp_connection *connection, const struct provider *provider,
                             bool is_http_allowed, const struct idp_attempt *attempt, struct str code,
                             struct arena *arena, struct tokens *out_tokens, struct idp_report *report,
                             struct failure *failure) MUST_CHECK;

/* True when the refusal behind `oauth_error` was about who we are (RFC 6749 5.2: invalid_client, or a bare
 * 401), so that the code has not been looked at. */
bool token_is_client_refused(struct str oauth_error);

/* The form encoding of one half of HTTP Basic (RFC 6749 2.3.1 and appendix B; TOK-3). */
void token_append_form_encoded(struct buf *buf, struct str text);

#endif
