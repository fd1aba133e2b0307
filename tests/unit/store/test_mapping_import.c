/* Mappings by catalog_import.h, and sso_person.h, on the engine of STORE_URL: what administrators bring in
 * and look up. */
#include "store_fixture.h"

#include "store/session.h"
#include "store/sso_person.h"

static struct mapping_import_row row_for(const char *code, enum mapping_status status, const char *group)
{
    return (struct mapping_import_row){
        .code = str_from_c(code), .status = status, .group = str_from_c(group)};
}

static struct mapping_row stored(const char *code)
{
    struct mapping_filter filter = {
        .scope = SCOPE_ALL, .connection = STR("c-1"), .search = str_from_c(code), .limit = 10};
    struct mapping_list list;
    assert_ok(mapping_find(fx.other, &filter, fx.arena, &list));
    for (size_t i = 0; i < list.count; i++)
        if (str_equal_c(list.items[i].code, code))
            return list.items[i];
    return (struct mapping_row){0};
}

static int64_t audited(void)
{
    return fixture_count("SELECT COUNT(*) FROM audit WHERE action = 'mapping_change'");
}

static struct mapping_import_set set_of(struct mapping_import_row *rows, size_t count)
{
    return (struct mapping_import_set){STR("medicatie"), STR("production"), STR("a_b"), rows, count};
}

static struct catalog_import import_of(struct mapping_import_set *set, bool is_dry_run)
{
    return (struct catalog_import){
        .mappings = set, .mapping_count = 1, .is_dry_run = is_dry_run, .actor = "cli:fab", .now = TEST_NOW};
}

static void import_as(struct mapping_import_row *rows, size_t count, bool is_dry_run)
{
    struct mapping_import_set set = set_of(rows, count);
    struct catalog_import import = import_of(&set, is_dry_run);
    assert_int_equal(fixture_import(&import), 0); /* no object of a door */
}

static void import_rows(struct mapping_import_row *rows, size_t count)
{
    import_as(rows, count, false);
}

static void assert_refused(struct mapping_import_row *rows, size_t count, const char *text)
{
    struct mapping_import_set set = set_of(rows, count);
    struct catalog_import import = import_of(&set, false);
    fixture_import_refused(&import, text);
}

static int setup(void **state)
{
    fixture_setup(state);
    fixture_sql("INSERT INTO sso_connection (id, platform, environment, slug, customer_key, provider_key, "
                "status, version) VALUES ('c-1', 'medicatie', 'production', 'a_b', 'a', 'b', 'active', 1)");
    return 0;
}

static void rows_are_added_changed_and_left_alone(void **state)
{
    (void)state;
    struct mapping_import_row rows[] = {row_for("1201", MAPPING_LINKED, "Verpleging"),
                                        row_for("1377", MAPPING_NEW, ""), row_for("9", MAPPING_IGNORED, "")};
    rows[0].name = STR("Oost");
    rows[2].remark = STR("sluit");
    import_as(rows, 3, true);
    assert_int_equal(rows[0].result, MAPPING_IMPORT_ADDED);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM sso_mapping"), 0);
    import_rows(rows, 3);
    assert_int_equal(rows[2].result, MAPPING_IMPORT_ADDED);
    assert_int_equal(audited(), 3);
    struct mapping_row row = stored("1201");
    assert_int_equal(row.status, MAPPING_LINKED);
    assert_str(row.group, "Verpleging");
    assert_str(row.name, "Oost");
    assert_str(row.origin, "import");
    assert_str(row.changed_by, "cli:fab");
    assert_int_equal(row.changed_at, TEST_NOW);
    assert_int_equal(row.seen_count, 0);

    import_rows(rows, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(rows[i].result, MAPPING_IMPORT_UNCHANGED);
    assert_int_equal(audited(), 3);
    assert_int_equal(stored("1201").version, row.version);

    struct mapping_import_row change[] = {row_for("1201", MAPPING_NEW, ""),
                                          row_for("9", MAPPING_IGNORED, "")};
    import_rows(change, 2);
    assert_int_equal(change[0].result, MAPPING_IMPORT_CHANGED);
    assert_int_equal(change[1].result, MAPPING_IMPORT_UNCHANGED);
    row = stored("1201");
    assert_int_equal(row.status, MAPPING_NEW);
    assert_int_equal(row.group.length, 0);
    assert_str(row.name, "Oost"); /* left out: stays */
    assert_int_equal(row.version, 2);
    assert_str(stored("9").remark, "sluit");
    assert_int_equal(audited(), 4);
}

static void what_logins_wrote_stays(void **state)
{
    (void)state;
    struct mapping_received received = {STR("1201"), STR("Huis Oost")};
    struct mapping_found found;
    assert_ok(mapping_resolve(fx.store, STR("c-1"), &received, 1, STR("SSO-20270115-AAAAAAAA"), 500,
                              TEST_NOW - 60, fx.arena, &found));
    struct mapping_import_row row = row_for("1201", MAPPING_LINKED, "Verpleging");
    import_rows(&row, 1);
    assert_int_equal(row.result, MAPPING_IMPORT_CHANGED);
    struct mapping_row fresh = stored("1201");
    assert_str(fresh.origin, "auto");
    assert_str(fresh.name, "Huis Oost");
    assert_str(fresh.first_log, "SSO-20270115-AAAAAAAA");
    assert_int_equal(fresh.seen_count, 1);
    /* Of another connection it is another row. */
    fixture_sql("UPDATE sso_mapping SET connection = 'c-2'");
    import_rows(&row, 1);
    assert_int_equal(row.result, MAPPING_IMPORT_ADDED);
}

static void an_impossible_row_is_found_before_the_first(void **state)
{
    (void)state;
    struct mapping_import_row rows[] = {row_for("1", MAPPING_LINKED, "Verpleging"),
                                        row_for("2", MAPPING_LINKED, "")};
    assert_refused(rows, 2, "code 2 of a_b: a group goes with a linked code, and only then");
    rows[1] = row_for("2", MAPPING_NEW, "Verpleging");
    assert_refused(rows, 2, "code 2 of a_b: a group goes with a linked code, and only then");
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM sso_mapping"), 0);
    assert_int_equal(audited(), 0);
    import_rows(NULL, 0);
}

/* Everything that an import writes, as one number. */
static int64_t written(void)
{
    return fixture_count("SELECT (SELECT COUNT(*) FROM identity_provider) + (SELECT COUNT(*) FROM sso_host)"
                         " + (SELECT COUNT(*) FROM sso_connection WHERE id <> 'c-1')"
                         " + (SELECT COUNT(*) FROM sso_mapping) + (SELECT COUNT(*) FROM audit)"
                         " + (SELECT version FROM catalog_version)"
                         " + (SELECT COALESCE(MAX(number), 0) FROM audit_head)");
}

/* Both doors, a connection that comes along, and more codes than go in one round trip to PostgreSQL. */
static void MAP10_a_failure_at_the_last_code_leaves_nothing_of_either_door(void **state)
{
    (void)state;
    struct catalog_identity_provider digid = {.id = STR("digid")};
    struct catalog_data catalog = {&digid, 1, NULL, 0};
    struct sso_host host = {STR("app.example"), STR("medicatie"), STR("production"), STR("https://app")};
    struct sso_connection connection = {.platform = STR("medicatie"),
                                        .environment = STR("production"),
                                        .customer_key = STR("c"),
                                        .provider_key = STR("d"),
                                        .status = STR("active")};
    struct sso_data sso = {
        .hosts = &host, .host_count = 1, .connections = &connection, .connection_count = 1};
    struct mapping_import_row rows[180];
    size_t count = sizeof rows / sizeof *rows;
    for (size_t i = 0; i < count; i++)
        rows[i] = row_for(arena_printf(fx.arena, "code-%zu", i), MAPPING_LINKED, "Verpleging");
    rows[3].name = rows[count - 1].name = STR("one only");
    struct mapping_import_set sets[] = {set_of(rows, count - 1), set_of(rows + count - 1, 1)};
    sets[0].slug = STR("c_d");
    struct catalog_import import = import_of(sets, true);
    import.mapping_count = 2;
    import.catalog = &catalog;
    import.sso = &sso;
    int64_t before = written();
    assert_int_equal(fixture_import(&import), 3);
    assert_int_equal(rows[count - 1].result, MAPPING_IMPORT_ADDED);
    assert_int_equal(written(), before);

    import.is_dry_run = false;
    fixture_sql("CREATE UNIQUE INDEX one_only ON sso_mapping (name) WHERE name = 'one only'");
    fixture_import_refused(&import, "the store failed; see the log");
    assert_int_equal(written(), before);
    fixture_sql("DROP INDEX one_only");
    sets[1].slug = STR("gone");
    fixture_import_refused(&import, "connection gone is not there (any more)");
    assert_int_equal(written(), before);
    sets[1].slug = STR("a_b");
    connection.ceiling = STR("none"); /* the second door is refused, and the first with it */
    fixture_import_refused(&import,
                           "connection c_d (medicatie, production) names a ceiling that is not there");
    assert_int_equal(written(), before);

    connection.ceiling = STR("");
    assert_int_equal(fixture_import(&import), 3);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM sso_mapping m JOIN sso_connection c "
                                   "ON c.id = m.connection WHERE c.slug = 'c_d'"),
                     count - 1);
    assert_str(stored(arena_printf(fx.arena, "code-%zu", count - 1)).group, "Verpleging");
    assert_int_equal(audited(), count);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM audit WHERE action = 'import' "
                                   "AND details = '3 objects changed'"),
                     1);
    assert_int_equal(fixture_count("SELECT version FROM catalog_version"), 1);
    import_rows(rows + count - 1, 1);
    assert_int_equal(rows[count - 1].result, MAPPING_IMPORT_UNCHANGED);
    struct audit_verdict verdict;
    assert_ok(audit_verify(fx.store, fx.arena, &verdict));
    assert_true(verdict.is_intact);
    assert_int_equal(verdict.entries, count + 1);
}

/* ---- people ---- */

static struct sso_user add_user(const char *subject, const char *name, const char *email, int64_t at)
{
    struct sso_user seen = {.issuer = STR("https://z.example"),
                            .subject = str_from_c(subject),
                            .sub_raw = str_from_c(subject),
                            .display_name = str_from_c(name),
                            .email = str_from_c(email),
                            .employee_number = STR("4711")};
    struct sso_user user;
    struct sso_user_change change;
    assert_ok(sso_user_upsert(fx.store, &seen, NULL, at, fx.arena, &user, &change));
    return user;
}

static void add_session(const char *cookie, struct str user_id, int64_t at)
{
    const struct session session = {.digest = digest_of(cookie),
                                    .user_id = user_id,
                                    .connection = STR("c-1"),
                                    .issuer = STR("https://z.example"),
                                    .subject = STR("u-1"),
                                    .landing = STR("/"),
                                    .login_at = at,
                                    .seen_at = at,
                                    .idle_s = 1800,
                                    .expires_at = at + 43200};
    struct str replaced;
    assert_ok(session_create(fx.store, &session, STR_NONE, fx.arena, &replaced));
}

static struct sso_person_list find_people(const char *search, bool is_blocked)
{
    struct sso_person_filter filter = {
        .scope = SCOPE_ALL, .search = str_from_c(search), .is_blocked_only = is_blocked, .limit = 10};
    struct sso_person_list list;
    assert_ok(sso_person_list(fx.other, &filter, TEST_NOW, fx.arena, &list));
    return list;
}

static void people_are_found_by_what_is_known_of_them(void **state)
{
    (void)state;
    struct sso_user vries = add_user("u-1", "A. de Vries", "a@z.example", TEST_NOW - 20);
    struct sso_user bakker = add_user("u-2", "B_Bakker", "b@z.example", TEST_NOW - 10);
    add_session("one", vries.id, TEST_NOW - 20);
    add_session("two", vries.id, TEST_NOW - 30);
    add_session("idle", vries.id, TEST_NOW - 1800);
    struct sso_person_list all = find_people("", false);
    assert_int_equal(all.count, 2);
    assert_true(str_equal(all.items[0].user.id, bakker.id)); /* last login first */
    assert_int_equal(all.items[0].session_count, 0);
    assert_int_equal(all.items[1].session_count, 2);
    assert_str(all.items[1].user.display_name, "A. de Vries");
    assert_int_equal(find_people("VRIES", false).count, 1);
    assert_int_equal(find_people("b@Z", false).count, 1);
    assert_int_equal(find_people("u-", false).count, 2);
    assert_int_equal(find_people("4711", false).count, 2);
    assert_int_equal(find_people("_", false).count, 1); /* no pattern */
    assert_int_equal(find_people("%", false).count, 0);
    assert_int_equal(find_people(arena_printf(fx.arena, "%.*s", STR_ARG(vries.id)), false).count, 1);
    assert_int_equal(find_people("", true).count, 0);
    struct session_ended_list ended;
    assert_ok(sso_user_block(fx.store, SCOPE_ALL, vries.id, true, "cli:fab", TEST_NOW, fx.arena, &ended));
    struct sso_person_list blocked = find_people("", true);
    assert_int_equal(blocked.count, 1);
    assert_true(blocked.items[0].user.is_blocked);
    assert_int_equal(blocked.items[0].session_count, 0);
    struct sso_person_filter none = {.limit = 0};
    struct sso_person_list list;
    assert_failed(sso_person_list(fx.store, &none, TEST_NOW, fx.arena, &list));
}

int main(void)
{
    if (rand_init() != OK)
        return 1;
#define ROW(test) cmocka_unit_test_setup_teardown(test, setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        ROW(rows_are_added_changed_and_left_alone),
        ROW(what_logins_wrote_stays),
        ROW(an_impossible_row_is_found_before_the_first),
        ROW(MAP10_a_failure_at_the_last_code_leaves_nothing_of_either_door),
        ROW(people_are_found_by_what_is_known_of_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
