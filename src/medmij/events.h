/*
 * The MedMij event log (logging interface, spec 8.1 and 8.2): one JSON object per line about each event that
 * the framework names, and a counter for each, so that log and metrics cannot disagree. No codes, tokens,
 * BSNs, names or query strings.
 *
 * Any thread; a line is one write(2) to a file opened for appending.
 */
#ifndef MEDMIJ_EVENTS_H
#define MEDMIJ_EVENTS_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "http/request.h"

enum medmij_event {
    EVENT_RECEIVE_AUTHORIZATION_REQUEST,
    EVENT_SHOW_LANDING_PAGE,
    EVENT_AUTHORIZATION_REQUEST_ERROR,
    EVENT_SHOW_AUTHORIZATION_REQUEST_ERROR_PAGE,
    EVENT_SEND_AUTHORIZATION_REQUEST_ERROR,
    EVENT_SEND_AUTHENTICATION_REQUEST,
    EVENT_SEND_AUTHORIZATION_CANCELLATION,
    EVENT_RECEIVE_AUTHENTICATION_RESPONSE,
    EVENT_RECEIVE_AUTHORIZATION_CANCELLATION,
    EVENT_RECEIVE_AUTHENTICATION_ERROR,
    EVENT_CHECK_AVAILABILITY,
    EVENT_SHOW_NO_DATA_PAGE,
    EVENT_SHOW_CONSENT_PAGE,
    EVENT_RECEIVE_CONSENT,
    EVENT_RECEIVE_REFUSAL,
    EVENT_SEND_AUTHORIZATION_RESPONSE,
    EVENT_SHOW_TECHNICAL_FAILURE_PAGE,
    EVENT_RECEIVE_TOKEN_REQUEST,
    EVENT_SEND_TOKEN_RESPONSE,
    EVENT_SEND_TOKEN_ERROR,
    EVENT_RECEIVE_REVOCATION_REQUEST,
    EVENT_SEND_REVOCATION_RESPONSE,
    EVENT_SEND_REVOCATION_ERROR,
};
#define EVENT_COUNT (EVENT_SEND_REVOCATION_ERROR + 1)

struct events;

/* `path` "-" is standard output, NULL or "" counts only. `location` is our own host name. */
enum outcome events_open(const char *path, const char *location, struct events **out_events,
                         struct failure *failure) MUST_CHECK;
void events_close(struct events **events);
/* Opens the file anew, after rotation (SIGHUP). */
enum outcome events_reopen(struct events *events, struct failure *failure) MUST_CHECK;

/* Empty members are left out of the line. */
struct event_facts {
    struct str session_id; /* X-Correlation-ID */
    struct str trace_id;   /* MedMij-Request-ID */
    struct str client_id;
    struct str grant_type;
    struct str provider_id;
    struct str service_id;
    struct str error_code;
    const char *error_description; /* fixed English text */
    int status;
};

void events_write(struct events *events, enum medmij_event event, const struct http_request *request,
                  const struct event_facts *facts);

/* The counters as OpenMetrics text. */
void events_metrics(const struct events *events, struct buf *buf);

#endif
