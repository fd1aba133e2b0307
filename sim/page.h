/*
 * Pages and answers of the simulator: the shared frame (banner, style) around a part's own template, small
 * helpers to read requests. Belongs to the request's thread.
 */
#ifndef SIM_PAGE_H
#define SIM_PAGE_H

#include "html/value.h"
#include "sim.h"

#include <jansson.h>

/* A context with what every page needs: title, the part's name, links to the other parts. */
struct value *page_context(const struct sim *sim, const struct http_request *request, const char *part,
                           const char *title);
void page_answer(const struct sim *sim, struct http_response *response, int status, const char *template,
                 const struct value *context);
/* `persons` and `members`: the test persons and the staff with what a tester can expect of each. */
void page_put_persons(struct arena *arena, struct value *context);
void page_put_members(struct arena *arena, struct value *context);
/* One heading and one sentence. */
void page_message(const struct sim *sim, const struct http_request *request, struct http_response *response,
                  int status, const char *part, const char *title, const char *text);

/* The body of an application/x-www-form-urlencoded POST; FAILED for anything else. */
enum outcome page_form(const struct http_request *request, struct form *out_form) MUST_CHECK;
/* The value of a field that is there once; empty otherwise. */
struct str page_field(const struct form *form, const char *name);
/* The value of a request header that is there once; empty otherwise. */
struct str page_header(const struct http_request *request, const char *name);

/* A JSON answer; takes over the reference. */
void page_json(struct http_response *response, int status, json_t *value);
/* A text member of an object, "" when it is not there; lives as long as the object. */
const char *page_text(const json_t *object, const char *name);

#endif
