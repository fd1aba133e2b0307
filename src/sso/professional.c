#include "sso/professional.h"

#include "sso/handover.h"
#include "sso/landing_report.h"
#include "sso/logout.h"
#include "sso/patient_access.h"
#include "sso/provider_authorize.h"
#include "sso/provider_logout.h"
#include "sso/provider_metadata.h"
#include "sso/provider_token.h"
#include "sso/provider_userinfo.h"
#include "sso/restart.h"
#include "sso/start.h"
#include "sso/verify.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct route front_routes[] = {
    {HTTP_GET, "/sso/openidconnect/*", start_handle, ROUTE_BLOCKING},
    {HTTP_POST, "/sso/openidconnect/*", start_handle, ROUTE_BLOCKING},
    {HTTP_GET, "/sso/logout", logout_handle_page, ROUTE_BLOCKING},
    {HTTP_GET, RESTART_PATH "*", restart_handle, ROUTE_BLOCKING},
    {HTTP_GET, "/sso/oidc/.well-known/openid-configuration", provider_metadata_handle, ROUTE_PLAIN},
    {HTTP_GET, "/sso/oidc/jwks", provider_metadata_handle_keys, ROUTE_BLOCKING},
    {HTTP_GET, "/sso/oidc/authorize", provider_authorize_handle, ROUTE_BLOCKING},
    {HTTP_POST, "/sso/oidc/authorize", provider_authorize_handle, ROUTE_BLOCKING},
    {HTTP_POST, "/sso/oidc/token", provider_token_handle, ROUTE_BLOCKING},
    {HTTP_GET, "/sso/oidc/userinfo", provider_userinfo_handle, ROUTE_BLOCKING},
    {HTTP_POST, "/sso/oidc/userinfo", provider_userinfo_handle, ROUTE_BLOCKING},
    {HTTP_GET, "/sso/oidc/logout", provider_logout_handle, ROUTE_BLOCKING},
    {HTTP_POST, "/sso/oidc/logout", provider_logout_handle, ROUTE_BLOCKING},
    {HTTP_POST, "/sso/logout", logout_handle, ROUTE_BLOCKING},
};

static const struct route internal_routes[] = {
    {HTTP_GET, "/sso/verify", verify_handle, ROUTE_BLOCKING},
    {HTTP_POST, "/sso/handover", handover_handle_exchange, ROUTE_BLOCKING},
    {HTTP_POST, "/sso/landing", landing_report_handle, ROUTE_BLOCKING},
    {HTTP_POST, "/sso/patient", patient_access_handle, ROUTE_BLOCKING},
};

/* Both tables come behind the patient's door's, whose error pages serve the listener. */
struct route_table professional_front_routes(struct professional *door)
{
    return (struct route_table){.routes = front_routes, .count = COUNT(front_routes), .door = door};
}

struct route_table professional_internal_routes(struct professional *door)
{
    return (struct route_table){.routes = internal_routes, .count = COUNT(internal_routes), .door = door};
}
