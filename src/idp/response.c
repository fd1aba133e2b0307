#include "idp/response.h"

#include "idp/issuer.h"

#define RESPONSE_BYTES_MAX ((size_t)16384) /* RSP-2 */
#define CODE_BYTES_MAX ((size_t)8192)

static enum idp_result refuse(struct failure *failure, enum idp_result result, const char *text)
{
    failure_set(failure, "%s", text);
    return result;
}

/* RSP-2 */
enum idp_result response_read(const struct form *form, struct response *out, struct failure *failure)
{
    struct str state, token;
    bool has_state, has_id_token, has_access_token;
    const struct {
        const char *name;
        struct str *value;
        bool *is_present;
    } parameters[] = {
        {"code", &out->code, &out->has_code},    {"iss", &out->iss, &out->has_iss},
        {"error", &out->error, &out->has_error}, {"state", &state, &has_state},
        {"id_token", &token, &has_id_token},     {"access_token", &token, &has_access_token},
    };
    for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++) {
        switch (form_get(form, parameters[i].name, parameters[i].value)) {
        case FORM_ONE:
            *parameters[i].is_present = true;
            break;
        case FORM_MISSING:
            *parameters[i].is_present = false;
            break;
        case FORM_REPEATED:
        case FORM_MALFORMED:
            failure_set(failure, "callback: %s is repeated or malformed", parameters[i].name);
            return IDP_RESPONSE_INVALID;
        }
    }
    out->has_tokens = has_id_token || has_access_token;
    size_t size = 0;
    for (size_t i = 0; i < form->count; i++)
        size += form->fields[i].name.length + form->fields[i].value.length + 2;
    if (size > RESPONSE_BYTES_MAX || out->code.length > CODE_BYTES_MAX)
        return refuse(failure, IDP_RESPONSE_INVALID, "callback: too long");
    if (out->has_code && out->has_error)
        return refuse(failure, IDP_RESPONSE_INVALID, "callback: both code and error");
    return IDP_OK;
}

/* RSP-9, RSP-12: the answer is of the issuer that was asked, and that is still the connection's. */
static enum idp_result check_issuer(const struct response *response, const struct provider *provider,
                                    const struct idp_connection *connection,
                                    const struct idp_attempt *attempt, struct failure *failure)
{
    struct str tenant;
    if (!str_equal_c(attempt->issuer, connection->issuer))
        return refuse(failure, IDP_RESPONSE_ISSUER, "callback: the connection has another issuer by now");
    if (response->has_iss &&
        !issuer_covers(attempt->issuer, str_from_c(connection->tenants), response->iss, &tenant))
        return refuse(failure, IDP_RESPONSE_ISSUER, "callback: iss is another issuer");
    if (!response->has_iss && provider->is_iss_promised)
        return refuse(failure, IDP_RESPONSE_ISSUER_MISSING,
                      "callback: no iss, though the provider promises it");
    return IDP_OK;
}

/* RSP-10. A person who stops gives access_denied (RFC 6749 4.1.2.1); some providers have words of their own.
 * login_required and its kin are not a person's choice: the provider could not ask. */
static enum idp_result error_result(struct str error, struct failure *failure)
{
    static const struct {
        const char *code;
        enum idp_result result;
    } known[] = {
        {"access_denied", IDP_CANCELLED},
        {"cancelled", IDP_CANCELLED},
        {"canceled", IDP_CANCELLED},
        {"user_cancelled", IDP_CANCELLED},
        {"user_canceled", IDP_CANCELLED},
        {"server_error", IDP_TEMPORARILY_UNAVAILABLE},
        {"temporarily_unavailable", IDP_TEMPORARILY_UNAVAILABLE},
    };
    failure_set(failure, "callback: error %.*s", STR_ARG(report_error_code(error)));
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (str_equal_c(error, known[i].code))
            return known[i].result;
    return IDP_ERROR_RESPONSE;
}

enum idp_result response_check(const struct response *response, const struct provider *provider,
                               const struct idp_connection *connection, const struct idp_attempt *attempt,
                               struct failure *failure)
{
    enum idp_result result = check_issuer(response, provider, connection, attempt, failure);
    if (result != IDP_OK)
        return result;
    if (response->has_error)
        return error_result(response->error, failure);
    if (response->has_tokens) /* RSP-11 */
        return refuse(failure, IDP_RESPONSE_INVALID, "callback: tokens in the front channel");
    if (!response->has_code || response->code.length == 0)
        return refuse(failure, IDP_RESPONSE_INVALID, "callback: neither code nor error");
    return IDP_OK;
}
