/*
 * Where a login lands (spec sso.md 2.14): the views that exist when the catalogue names none, and the
 * decision between them. Pure functions; any thread.
 */
#ifndef SSO_VIEWS_H
#define SSO_VIEWS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "store/sso_catalog.h"

#include <stdbool.h>

#define VIEW_NAME_MAX 32
#define VIEW_MAIN_MENU "default"
#define VIEW_PATIENT "status" /* of a patient context without a view */

bool views_is_name(struct str text); /* 1 to 32 of [a-z0-9-] */

/* The table of 2.14 as seed data, constant. Its permissions are those of the demo's application: a catalogue
 * with permission codes of its own names its own views. */
const struct sso_view *views_seed(size_t *out_count);
/* A row of the catalogue, or of the seed when the catalogue has none at all. NULL when unknown. */
const struct sso_view *views_find(const struct sso_data *data, struct str name);
/* The view that a path on the application's origin leads to; only views without placeholders. NULL when none.
 */
const struct sso_view *views_find_path(const struct sso_data *data, struct str path);

enum landing_patient {
    LANDING_PATIENT_NONE, /* no reference came along, or it was refused (108) */
    LANDING_PATIENT_FOUND,
    LANDING_PATIENT_UNKNOWN, /* VIEW-4 */
    LANDING_PATIENT_REFUSED, /* the application says that this person has no rights on the patient */
};

#define LIMITED_SESSION_S 600 /* VIEW-7, idle and absolute */

struct landing_question {
    const struct sso_data *data;
    struct str requested;    /* `view` of the start request; empty = none */
    struct str default_view; /* of the connection; empty = the main menu */
    enum landing_patient patient;
    struct str patient_reference;  /* one-time and internal (VIEW-8), for "{patient}" */
    struct str patient_department; /* empty = the patient belongs to no department */
    struct str permissions;        /* frozen (VIEW-6): permissions_text of sso/permissions.h */
};

struct landing {
    const struct sso_view *asked; /* NULL = unknown (808) */
    const struct sso_view *view;  /* chosen */
    struct str path;              /* begins with one "/"; nothing in it comes from the browser */
    struct str department;
    int warning;     /* 806, 807, 808, 809; 0 = none */
    bool is_patient; /* the path opens the patient: write the access event (VIEW-9) */
};

/* Never fails: what cannot be opened becomes the main menu with a warning. A view for one department gets it
 * filled in when the person has exactly one; otherwise it is left out, with the "/" before it, and the
 * application shows its list. */
struct landing landing_choose(struct arena *arena, const struct landing_question *question);

/* Where somebody goes for whom the view cannot be opened after all. */
struct str views_main_path(struct arena *arena, const struct sso_data *data);
/* VIEW-7: of the frozen permissions those that a limited session keeps: what its view needs. */
struct str views_limit(struct arena *arena, const struct sso_view *view, struct str permissions);
#define VIEWS_BANNER_PATIENT "Cliënt kon niet worden geopend" /* 108, and VIEW-9 failing closed */
/* The Dutch sentence that the application shows above its page, by the warnings of the login (codes, space
 * separated; 4.1, 4.8); NULL when there is none. */
const char *views_banner(struct str warnings);

#endif
