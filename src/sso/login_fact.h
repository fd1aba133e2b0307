/*
 * Facts of a login at the identity provider, put into the JSON of the numbered log in the form that is fit
 * for it (spec sso.md 4.11): bounded, printable, by name or by digest. Pure functions; the JSON is the
 * caller's.
 */
#ifndef SSO_LOGIN_FACT_H
#define SSO_LOGIN_FACT_H

#include "idp/report.h"

#include <jansson.h>

/* Nothing when `value` is empty. */
void fact_put(json_t *object, const char *name, struct str value);
void fact_put_c(json_t *object, const char *name, const char *value);
void fact_put_int(json_t *object, const char *name, int64_t value);
void fact_put_bool(json_t *object, const char *name, bool value);
/* Redacted; nothing for NULL. */
void fact_put_url(struct arena *arena, json_t *object, const char *name, const char *url);
/* Bounded and printable, or a word that says that it is not. New references, all of these. */
json_t *fact_text(struct str text);
/* A value out of a token whose name is on the allow-list of 4.11; of the wrong kind only the kind is told. */
json_t *fact_value(const json_t *value);
/* The member of that name in `source`, as fact_value shows it; nothing when there is none. */
void fact_put_member(json_t *object, const char *name, const json_t *source);
json_t *fact_names(struct arena *arena, const struct idp_names *names);
json_t *fact_key_ids(const struct idp_report *report);
/* The digest of a text in `source` under `name`. */
void fact_put_digest(struct arena *arena, json_t *object, const char *name, const json_t *source,
                     const char *member);
/* MET-12, with the warning when the clocks are too far apart. */
void fact_put_drift(json_t *object, const struct idp_report *report);
/* Host and time, and the status or how far the call came, with the certificate that was refused. */
void fact_put_call(json_t *object, const struct idp_call *call);
/* The same with kind and size of the answer. */
void fact_put_answer(json_t *object, const struct idp_call *call);

#endif
