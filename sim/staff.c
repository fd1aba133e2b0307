#include "staff.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const struct staff_member staff_members[] = {
    {"sandra",
     "u-1001",
     "Sandra",
     "Bloem",
     "s.bloem@zonnestraaltjes.example",
     "1001",
     "verpleegkundige",
     {"1201", "1202", NULL},
     false,
     true,
     "werkt op 1201 en 1202, allebei gekoppeld"},
    {"karim",
     "u-1002",
     "Karim",
     "El Amrani",
     "k.elamrani@zonnestraaltjes.example",
     "1002",
     "verpleegkundige",
     {"1201", "1377", NULL},
     false,
     true,
     "werkt op 1201 (gekoppeld) en 1377 (onbekend)"},
    {"els",
     "u-1003",
     "Els",
     "Verhoeven",
     "e.verhoeven@zonnestraaltjes.example",
     "1003",
     "verzorgende",
     {"1377", NULL},
     false,
     true,
     "werkt alleen op 1377 (onbekend)"},
    {"tom",
     "u-1004",
     "Tom",
     "de Boer",
     "t.deboer@zonnestraaltjes.example",
     "1004",
     "stagiair",
     {NULL},
     false,
     true,
     "heeft geen locaties"},
    {"yara",
     "u-1005",
     "Yara",
     "Smit",
     "y.smit@zonnestraaltjes.example",
     "1005",
     "arts",
     {NULL},
     true,
     true,
     "van haar stuurt het dossier de claim met locaties niet mee"},
    {"joke",
     "u-1006",
     "Joke",
     "Peters",
     "j.peters@zonnestraaltjes.example",
     "1006",
     "secretaresse",
     {"1202", NULL},
     false,
     false,
     "werkt op 1202 en heeft de knop niet"},
};
const size_t staff_member_count = COUNT(staff_members);

const struct staff_patient staff_patients[] = {
    {"12345", "999990019", "oost", true},
    {"23456", "123456782", "west", true},
    {"34567", "111222333", "linde", true},
    {"45678", "426308505", "oost", false},
};
const size_t staff_patient_count = COUNT(staff_patients);

/* The second secret has every character that clients are known to break on (TOK-3). */
const struct staff_client staff_clients[] = {
    {"production", "productie", "sluis-productie", "alleen-voor-de-demo-Hn4t7Pq2"},
    {"acceptance", "acceptatie", "sluis-acceptatie", "alleen voor de demo +/=&:%25 w9Lc"},
};
const size_t staff_client_count = COUNT(staff_clients);

const struct staff_view staff_views[] = {
    {"default", "Hoofdmenu", "Kies wat u wilt doen.", NULL, false, false},
    {"status", "Medicatiestatus", "Dit gebruikt de cliënt nu.", "status.read", true, false},
    {"medicatiestatus", "Medicatiestatus", "Dit gebruikt de cliënt nu.", "status.read", true, false},
    {"bestellen", "Medicatie bestellen", "Bestel medicatie voor deze cliënt.", "order.write", true, false},
    {"toedienen", "Toedienregistratie", "Leg vast wat u toedient aan deze cliënt.", "administration.write",
     true, false},
    {"bestelronde", "Bestelronde", "Herhaalbestelling voor een hele afdeling.", "order.write", false, true},
    {"deelronde", "Deelronde", "Toedienregistratie voor een hele afdeling.", "administration.write", false,
     true},
    {"werklijst", "Werklijst", "Alles wat op u wacht.", "worklist.read", false, false},
    {"werklijstafdeling", "Werklijst van de afdeling", "Alles wat op de afdeling wacht.", "worklist.read",
     false, true},
    {"aanvraagmenu", "Aanvraagmenu", "Kies een soort aanvraag.", "order.write", false, false},
    {"tdlmenu", "Menu toedienlijsten", "Kies een toedienlijst.", "administration.read", false, false},
    {"tdrmenu", "Menu toedienregistratie", "Kies een toedienregistratie.", "administration.read", false,
     false},
    {"dispense", "Uitgiftelijst", "Wat de apotheek klaarzet.", "dispense.read", false, false},
    {"medimo-app", "App koppelen", "Hier staat een QR-code om de app te koppelen.", NULL, false, false},
    {"amo", "Actueel medicatieoverzicht", "Het overzicht, alleen om te lezen.", "status.read", true, false},
    {"amo2", "Actueel medicatieoverzicht met voorraad", "Het overzicht, met tot wanneer er genoeg is.",
     "status.read", true, false},
};
const size_t staff_view_count = COUNT(staff_views);

const struct staff_member *staff_find_member(struct str id)
{
    for (size_t i = 0; i < staff_member_count; i++) {
        if (str_equal_c(id, staff_members[i].id))
            return &staff_members[i];
    }
    return NULL;
}

const struct staff_patient *staff_find_patient(struct str external_id)
{
    for (size_t i = 0; i < staff_patient_count; i++) {
        if (str_equal_c(external_id, staff_patients[i].external_id))
            return &staff_patients[i];
    }
    return NULL;
}

const struct staff_patient *staff_find_patient_by_bsn(struct str bsn)
{
    for (size_t i = 0; i < staff_patient_count; i++) {
        if (str_equal_c(bsn, staff_patients[i].bsn))
            return &staff_patients[i];
    }
    return NULL;
}

const struct staff_client *staff_find_client(struct str client_id)
{
    for (size_t i = 0; i < staff_client_count; i++) {
        if (str_equal_c(client_id, staff_clients[i].id))
            return &staff_clients[i];
    }
    return NULL;
}

const struct staff_client *staff_find_environment(struct str environment)
{
    for (size_t i = 0; i < staff_client_count; i++) {
        if (str_equal_c(environment, staff_clients[i].environment))
            return &staff_clients[i];
    }
    return NULL;
}

const struct staff_view *staff_find_view(struct str name)
{
    for (size_t i = 0; i < staff_view_count; i++) {
        if (str_equal_c(name, staff_views[i].name))
            return &staff_views[i];
    }
    return NULL;
}

const char *staff_member_name(struct arena *arena, const struct staff_member *member)
{
    return arena_printf(arena, "%s %s", member->given_name, member->family_name);
}

const char *staff_location_name(struct str location)
{
    if (str_equal_c(location, "1201"))
        return "Zonnestraaltjes Oost";
    if (str_equal_c(location, "1202"))
        return "Zonnestraaltjes West";
    if (str_equal_c(location, "1377"))
        return "Hospice De Linde";
    return "";
}

const char *staff_department_name(struct str department)
{
    if (str_equal_c(department, "oost"))
        return "Oost";
    if (str_equal_c(department, "west"))
        return "West";
    if (str_equal_c(department, "linde"))
        return "De Linde";
    return "";
}
