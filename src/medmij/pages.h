/*
 * The pages of the patient's door: each function shows one page as the visit's response and writes its event.
 * What a page needs is documented at the top of its template in web/templates. Texts come from the provider's
 * text set (web/texts).
 */
#ifndef MEDMIJ_PAGES_H
#define MEDMIJ_PAGES_H

#include "medmij/visit.h"

/* Landing page, core.usrint.100. `sealed_request` goes into the forms. */
void page_landing(struct visit *visit, struct str sealed_request);
/* Cancelled login, core.usrint.101. Needs visit->flow. */
void page_cancelled(struct visit *visit);
/* Consent, confirmation, subscription or its end, core.usrint.102 and following. Needs visit->flow; the token
 * is consent_page_token's. */
void page_consent(struct visit *visit, struct str form_token, const struct authorization_service *services,
                  size_t service_count);

enum no_data_reason {
    NO_DATA_NONE,
    NO_DATA_NO_RELATION,
    NO_DATA_TOO_YOUNG,
    NO_DATA_NOT_ADMISSIBLE,
    NO_DATA_REPRESENTED
};
/* autoriseren 1: the reason to the person, and a way back whose bytes equal those after a refusal (spec 5.2).
 */
void page_no_data(struct visit *visit, enum no_data_reason reason);

/* Technische storing (spec 4.9). The link back carries `error_code` and is there only when client and
 * redirect URI were checked. */
void page_technical(struct visit *visit, int status, const char *error_code);
/* Exception 1a: no link back, status 400. */
void page_client_error(struct visit *visit, enum authorization_fault fault);
/* autoriseren 3 and kin: the page cannot be used any more. One text for the person, the reason for the log.
 * With a link back that carries server_error when the request is known. */
#define STALE_EXPIRED "expired"
#define STALE_USED "used before"
#define STALE_CHANGED "what it shows has changed since the login"
#define STALE_OTHER_BROWSER "another browser, or cookies are off"
void page_stale(struct visit *visit, const char *reason);

/* For the route tables: no such page (404), wrong method (405), too large (413, 414); status is preset. */
void page_not_found(void *door, const struct http_request *request, struct http_response *response);
void page_too_large(void *door, const struct http_request *request, struct http_response *response);

/* How consent texts are found: "je-2.2/consent_collect". Also what the consent register keeps. */
const char *page_consent_text(const struct visit *visit);

#endif
