/*
 * What logs, mails and metrics may hold instead of the thing itself (spec sso.md 4.11). There is no switch
 * that turns it off (RED-2). Pure functions; any thread. All results are printable UTF-8 in `arena`.
 */
#ifndef SSO_REDACTION_H
#define SSO_REDACTION_H

#include "base/arena.h"
#include "base/str.h"

#define ERROR_DESCRIPTION_MAX 1024

/* Codes and tokens: "43 tekens, sha256 a1b2c3". Nothing of the value itself, not even a prefix. */
struct str redact_token(struct arena *arena, struct str token);
/* State, nonce, session ids and cookies: the first six hexadecimal digits of their SHA-256. */
struct str redact_digest(struct arena *arena, struct str value);
/* A subject or UPN, for mail and process log: "u-1001" becomes "u-1...", "a.jong@zorg.example.nl" becomes
 * "a...@...nl" (with U+2026); at most a third of the characters are left. */
struct str redact_subject(struct arena *arena, struct str subject);
/* What an identity provider wrote, fit for the log: control characters become spaces, runs of 20 or more
 * base64url characters and citizen service numbers become "[...]", the rest at most 1 KiB. */
struct str redact_error_description(struct arena *arena, struct str text);
/* Without user information and fragment; the query cut down to parameter names, except the value of `view`.
 * Works on a path as well. */
struct str redact_url(struct arena *arena, struct str url);
/* The family of a User-Agent header ("Firefox"), "onbekend" for what is not known, "geen" without one. */
struct http_request;
const char *redact_user_agent(const struct http_request *request);
/* A parameter name that came from outside, "?" when it may be a value in disguise. */
struct str redact_parameter_name(struct arena *arena, struct str name);

#endif
