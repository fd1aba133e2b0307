#include "sso/views.h"

#include "base/buf.h"

#define PATH_BYTES_MAX 2048
#define PATIENT "{patient}"
#define DEPARTMENT "{department}"
#define OF_PATIENT(name) "/" name "/" PATIENT
#define OF_DEPARTMENT(name) "/" name "/" DEPARTMENT
#define OF_ALL(name) "/" name

#define ROW(name, patient, department, path, permission, limited)                                            \
    {                                                                                                        \
        {name, sizeof name - 1}, patient, department, {path, sizeof path - 1},                               \
            {permission, sizeof permission - 1}, limited                                                     \
    }

/* VIEW-1. The main menu is last: it needs nothing, so it is what remains. */
static const struct sso_view seed[] = {
    ROW("status", true, false, OF_PATIENT("status"), "status.read", false),
    ROW("medicatiestatus", true, false, OF_PATIENT("status"), "status.read", false),
    ROW("bestellen", true, false, OF_PATIENT("bestellen"), "order.write", false),
    ROW("toedienen", true, false, OF_PATIENT("toedienen"), "administration.write", false),
    ROW("bestelronde", false, true, OF_DEPARTMENT("bestelronde"), "order.write", false),
    ROW("deelronde", false, true, OF_DEPARTMENT("deelronde"), "administration.write", false),
    ROW("werklijst", false, false, OF_ALL("werklijst"), "worklist.read", false),
    ROW("werklijstafdeling", false, true, OF_DEPARTMENT("werklijstafdeling"), "worklist.read", false),
    ROW("aanvraagmenu", false, false, OF_ALL("aanvraagmenu"), "order.write", false),
    ROW("tdlmenu", false, false, OF_ALL("tdlmenu"), "administration.read", false),
    ROW("tdrmenu", false, false, OF_ALL("tdrmenu"), "administration.read", false),
    ROW("dispense", false, false, OF_ALL("dispense"), "dispense.read", false),
    ROW("medimo-app", false, false, OF_ALL("medimo-app"), "", false),
    ROW("amo", true, false, OF_PATIENT("amo"), "status.read", true),
    ROW("amo2", true, false, OF_PATIENT("amo2"), "status.read", true),
    ROW(VIEW_MAIN_MENU, false, false, "/", "", false),
};
#define SEED_COUNT (sizeof seed / sizeof *seed)

const struct sso_view *views_seed(size_t *out_count)
{
    *out_count = SEED_COUNT;
    return seed;
}

bool views_is_name(struct str text)
{
    if (text.length == 0 || text.length > VIEW_NAME_MAX)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
            return false;
    }
    return true;
}

static const struct sso_view *rows(const struct sso_data *data, size_t *out_count)
{
    if (data->view_count == 0)
        return views_seed(out_count);
    *out_count = data->view_count;
    return data->views;
}

const struct sso_view *views_find(const struct sso_data *data, struct str name)
{
    size_t count;
    const struct sso_view *views = rows(data, &count);
    for (size_t i = 0; i < count; i++)
        if (str_equal(views[i].name, name))
            return &views[i];
    return NULL;
}

const struct sso_view *views_find_path(const struct sso_data *data, struct str path)
{
    size_t count;
    const struct sso_view *views = rows(data, &count);
    for (size_t i = 0; i < count; i++)
        if (!views[i].needs_patient && !views[i].needs_department && str_equal(views[i].path, path))
            return &views[i];
    return NULL;
}

static const struct sso_view *main_menu(const struct sso_data *data)
{
    const struct sso_view *view = views_find(data, STR(VIEW_MAIN_MENU));
    return view != NULL ? view : &seed[SEED_COUNT - 1];
}

/* ---- the frozen permissions ---- */

struct reach {
    bool has_any, has_all;
    size_t departments; /* 0, 1 or more; not a count of distinct ones beyond that */
    struct str department;
};

/* Where `permission` holds; an empty permission holds where any does. */
static struct reach reach_of(struct str permissions, struct str permission)
{
    struct reach reach = {.has_any = permission.length == 0};
    struct str rest = permissions, pair;
    while (str_split_next(&rest, ' ', &pair)) {
        size_t at = str_find(pair, '@');
        if (pair.length == 0 || (permission.length > 0 && !str_equal(str_slice(pair, 0, at), permission)))
            continue;
        struct str department = str_slice(pair, at + 1, pair.length);
        reach.has_any = true;
        reach.has_all = reach.has_all || department.length == 0;
        if (department.length > 0 && !str_equal(department, reach.department)) {
            reach.departments++;
            reach.department = department;
        }
    }
    return reach;
}

static bool is_permitted_in(struct str permissions, struct str permission, struct str department)
{
    struct str rest = permissions, pair;
    while (str_split_next(&rest, ' ', &pair)) {
        size_t at = str_find(pair, '@');
        struct str scope = str_slice(pair, at + 1, pair.length);
        if (str_equal(str_slice(pair, 0, at), permission) &&
            (scope.length == 0 || str_equal(scope, department)))
            return true;
    }
    return false;
}

/* ---- the decision ---- */

/* The default rule of 2.14: a patient context without a view is that patient's medication status. */
static const struct sso_view *wanted_view(const struct landing_question *question)
{
    const struct sso_data *data = question->data;
    if (question->requested.length > 0)
        return views_find(data, question->requested);
    bool has_patient = question->patient != LANDING_PATIENT_NONE;
    const struct sso_view *view = views_find(data, question->default_view);
    if (view == NULL || view->needs_patient != has_patient)
        view = has_patient ? views_find(data, STR(VIEW_PATIENT)) : NULL;
    return view != NULL ? view : main_menu(data);
}

/* 0 when the view may be opened. The permission is asked before the patient, so that nobody learns which
 * patients are known without it. */
static int obstacle(const struct landing_question *question, const struct sso_view *view)
{
    if (!reach_of(question->permissions, view->permission).has_any)
        return 809;
    if (!view->needs_patient)
        return 0;
    switch (question->patient) {
    case LANDING_PATIENT_NONE:
        return 0;
    case LANDING_PATIENT_UNKNOWN:
        return 806;
    case LANDING_PATIENT_REFUSED:
        return 807;
    case LANDING_PATIENT_FOUND:
        break;
    }
    if (view->permission.length == 0 || question->patient_department.length == 0 ||
        is_permitted_in(question->permissions, view->permission, question->patient_department))
        return 0;
    return 807;
}

/* An empty value takes the "/" in front of it along: "/deelronde/{department}" is the list at "/deelronde".
 */
static void append_value(struct buf *out, struct str value)
{
    if (value.length == 0 && out->length > 1 && out->data[out->length - 1] == '/')
        out->length--;
    buf_append_url_component(out, value);
}

/* VIEW-8: the row's path with its placeholders filled in. A row that would leave our origin leads to "/". */
static struct str fill_path(struct arena *arena, struct str path, struct str patient, struct str department)
{
    struct buf out = buf_new(arena, PATH_BYTES_MAX);
    bool is_path = path.length > 0 && path.data[0] == '/' &&
                   !(path.length > 1 && (path.data[1] == '/' || path.data[1] == '\\')) &&
                   str_is_printable_ascii(path);
    while (is_path && path.length > 0) {
        if (str_starts_with(path, STR(PATIENT))) {
            append_value(&out, patient);
            path = str_slice(path, sizeof PATIENT - 1, path.length);
        } else if (str_starts_with(path, STR(DEPARTMENT))) {
            append_value(&out, department);
            path = str_slice(path, sizeof DEPARTMENT - 1, path.length);
        } else {
            buf_append_char(&out, path.data[0]);
            path = str_slice(path, 1, path.length);
        }
    }
    /* "/{patient}/x" without a patient must not become "//x" either. */
    bool is_ours =
        is_path && !out.overflowed && !(out.length > 1 && (out.data[1] == '/' || out.data[1] == '\\'));
    return is_ours ? buf_str(&out) : STR("/");
}

struct landing landing_choose(struct arena *arena, const struct landing_question *question)
{
    struct landing landing = {.asked = wanted_view(question)};
    landing.view = landing.asked;
    if (landing.view == NULL)
        landing.warning = 808;
    else
        landing.warning = obstacle(question, landing.view);
    bool is_without_patient =
        landing.view != NULL && landing.view->needs_patient &&
        (question->patient != LANDING_PATIENT_FOUND || question->patient_reference.length == 0);
    if (landing.warning != 0 || is_without_patient)
        landing.view = main_menu(question->data);
    landing.is_patient = landing.view->needs_patient;
    if (landing.view->needs_department) {
        struct reach reach = reach_of(question->permissions, landing.view->permission);
        if (!reach.has_all && reach.departments == 1)
            landing.department = reach.department;
    }
    landing.path = fill_path(arena, landing.view->path,
                             landing.is_patient ? question->patient_reference : STR_NONE, landing.department);
    return landing;
}

struct str views_main_path(struct arena *arena, const struct sso_data *data)
{
    return fill_path(arena, main_menu(data)->path, STR_NONE, STR_NONE);
}

struct str views_limit(struct arena *arena, const struct sso_view *view, struct str permissions)
{
    struct buf kept = buf_new(arena, permissions.length + 1);
    struct str rest = permissions, pair;
    while (str_split_next(&rest, ' ', &pair)) {
        if (!str_equal(str_slice(pair, 0, str_find(pair, '@')), view->permission))
            continue;
        if (kept.length > 0)
            buf_append_char(&kept, ' ');
        buf_append(&kept, pair);
    }
    return buf_str(&kept);
}

const char *views_banner(struct str warnings)
{
    struct str code;
    while (str_split_next(&warnings, ' ', &code)) {
        if (str_equal(code, STR("108")))
            return VIEWS_BANNER_PATIENT;
        if (str_equal(code, STR("809")))
            return "U hebt geen rechten voor de gevraagde pagina";
    }
    return NULL;
}
