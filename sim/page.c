#include "page.h"

#include "base/buf.h"
#include "facts.h"
#include "staff.h"

#define PAGE_BYTES_MAX ((size_t)512 * 1024)

const char *sim_url(const struct sim *sim, struct arena *arena, const char *host, const char *path)
{
    return arena_printf(arena, "http://%s:%u%s", host, sim->settings.port, path);
}

struct value *page_context(const struct sim *sim, const struct http_request *request, const char *part,
                           const char *title)
{
    struct arena *arena = request->arena;
    struct value *context = value_object(arena);
    struct str host = page_header(request, "Host");
    host = str_slice(host, 0, str_find(host, ':'));
    value_put_text(arena, context, "theme", str_slice(host, 0, str_find(host, '.')));
    value_put_c(arena, context, "part", part);
    value_put_c(arena, context, "title", title);
    value_put_c(arena, context, "portal_url", sim_url(sim, arena, portal_part.host, "/"));
    value_put_c(arena, context, "pgo_url", sim_url(sim, arena, pgo_part.host, "/"));
    value_put_c(arena, context, "digid_url", sim_url(sim, arena, digid_part.host, "/"));
    value_put_c(arena, context, "fhir_url", sim_url(sim, arena, fhir_part.host, "/"));
    value_put_c(arena, context, "epd_url", sim_url(sim, arena, epd_part.host, "/"));
    value_put_c(arena, context, "app_url", sim_url(sim, arena, app_part.host, "/"));
    value_put_c(arena, context, "mail_url", sim_url(sim, arena, mail_part.host, "/"));
    value_put_c(arena, context, "front_url", sim->settings.front_url);
    return context;
}

void page_put_persons(struct arena *arena, struct value *context)
{
    struct value *persons = value_list(arena);
    for (size_t i = 0; i < fact_person_count; i++) {
        struct value *person = value_object(arena);
        value_put_c(arena, person, "bsn", fact_persons[i].bsn);
        value_put_c(arena, person, "name", fact_persons[i].name);
        value_put_c(arena, person, "age", arena_printf(arena, "%d", fact_persons[i].age));
        value_put_c(arena, person, "story", fact_persons[i].story);
        value_append(arena, persons, person);
    }
    value_put(arena, context, "persons", persons);
}

void page_put_members(struct arena *arena, struct value *context)
{
    struct value *members = value_list(arena);
    for (size_t i = 0; i < staff_member_count; i++) {
        const struct staff_member *member = &staff_members[i];
        struct value *item = value_object(arena);
        value_put_c(arena, item, "id", member->id);
        value_put_c(arena, item, "name", staff_member_name(arena, member));
        value_put_c(arena, item, "role", member->role);
        value_put_c(arena, item, "story", member->story);
        value_append(arena, members, item);
    }
    value_put(arena, context, "members", members);
}

void page_answer(const struct sim *sim, struct http_response *response, int status, const char *template,
                 const struct value *context)
{
    struct str html;
    if (template_render(sim->templates, template, context, response->arena, PAGE_BYTES_MAX, &html) != OK) {
        http_response_text(response, 500, "sluis-sim: a page could not be made\n");
        return;
    }
    http_response_page(response, status, html);
}

void page_message(const struct sim *sim, const struct http_request *request, struct http_response *response,
                  int status, const char *part, const char *title, const char *text)
{
    struct value *context = page_context(sim, request, part, title);
    value_put_c(request->arena, context, "text", text);
    page_answer(sim, response, status, "message", context);
}

enum outcome page_form(const struct http_request *request, struct form *out_form)
{
    if (!http_request_has_content_type(request, "application/x-www-form-urlencoded"))
        return FAILED;
    return form_parse(request->arena, request->body, out_form);
}

struct str page_field(const struct form *form, const char *name)
{
    struct str value;
    return form_get(form, name, &value) == FORM_ONE ? value : STR_NONE;
}

struct str page_header(const struct http_request *request, const char *name)
{
    struct str value;
    return http_request_header(request, name, &value) == FORM_ONE ? value : STR_NONE;
}

void page_json(struct http_response *response, int status, json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT);
    json_decref(value);
    if (!text) {
        http_response_text(response, 500, "sluis-sim: an answer could not be made\n");
        return;
    }
    http_response_json(response, status, str_copy(response->arena, str_from_c(text)));
    free(text);
}

const char *page_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}
