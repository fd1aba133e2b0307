/* C9, ADM-8: what a customer sees and changes through the store's verbs, on the engine of STORE_URL. */
#include "store_fixture.h"

#include "store/exchange_log.h"
#include "store/mapping.h"
#include "store/notification.h"
#include "store/outbox.h"
#include "store/session_admin.h"
#include "store/sso_catalog.h"
#include "store/sso_person.h"

#define OWN SCOPE_CUSTOMER(STR("duinzicht"))
#define OTHER SCOPE_CUSTOMER(STR("zonnestraaltjes"))
#define NOBODY ((struct customer_scope){0})

static struct str own_id, other_id; /* connections */
static struct sso_user own_user, other_user;

static struct str connect(const char *customer)
{
    struct sso_connection connection = {.platform = STR("demo"),
                                        .environment = STR("production"),
                                        .customer_key = str_from_c(customer),
                                        .provider_key = STR("ysis"),
                                        .status = STR("active"),
                                        .issuer = STR("https://ehr.example")};
    struct sso_group group = {
        .customer_key = str_from_c(customer), .name = STR("Zorg"), .description = STR(""), .is_active = true};
    struct sso_ceiling ceiling = {.customer_key = str_from_c(customer), .name = STR("Alles")};
    struct sso_application application = {.platform = STR("demo"),
                                          .environment = STR("production"),
                                          .client_id = str_from_c(customer),
                                          .status = STR("active"),
                                          .customer_key = str_from_c(customer),
                                          .client_auth = STR("none")};
    struct sso_data data = {.applications = &application,
                            .application_count = 1,
                            .connections = &connection,
                            .connection_count = 1,
                            .groups = &group,
                            .group_count = 1,
                            .ceilings = &ceiling,
                            .ceiling_count = 1};
    struct catalog_import import = {.sso = &data, .actor = "test", .now = TEST_NOW};
    fixture_import(&import);
    assert_ok(sso_data_read(fx.store, fx.arena, &data));
    for (size_t i = 0; i < data.connection_count; i++)
        if (str_equal_c(data.connections[i].customer_key, customer))
            return data.connections[i].id;
    fail();
    return STR_NONE;
}

/* Both customers have the same identity provider: that makes nobody theirs. */
static struct sso_user log_in(const char *subject, struct str connection, const char *customer,
                              const char *reference)
{
    struct sso_user seen = {.issuer = STR("https://ehr.example"),
                            .subject = str_from_c(subject),
                            .sub_raw = str_from_c(subject),
                            .display_name = str_from_c(subject)};
    struct sso_user user;
    struct sso_user_change change;
    assert_ok(sso_user_upsert(fx.store, &seen, NULL, TEST_NOW, fx.arena, &user, &change));
    const struct session session = {.digest = digest_of(reference),
                                    .user_id = user.id,
                                    .connection = connection,
                                    .issuer = seen.issuer,
                                    .subject = seen.subject,
                                    .login_at = TEST_NOW,
                                    .seen_at = TEST_NOW,
                                    .idle_s = 1800,
                                    .expires_at = TEST_NOW + 43200};
    struct str replaced;
    assert_ok(session_create(fx.store, &session, STR_NONE, fx.arena, &replaced));
    struct exchange_entry entry = {.reference = str_from_c(reference),
                                   .connection = connection,
                                   .customer_key = str_from_c(customer),
                                   .started_at_ms = TEST_NOW * 1000,
                                   .ended_at_ms = TEST_NOW * 1000 + 9,
                                   .result = STR("geslaagd"),
                                   .user_id = user.id,
                                   .steps = STR("[]")};
    assert_ok(exchange_log_write(fx.store, &entry));
    return user;
}

static int two_customers(void **state)
{
    fixture_setup(state);
    own_id = connect("duinzicht");
    other_id = connect("zonnestraaltjes");
    own_user = log_in("own", own_id, "duinzicht", "SSO-own");
    other_user = log_in("other", other_id, "zonnestraaltjes", "SSO-other");
    struct exchange_entry nobodys = {
        .reference = STR("SSO-none"), .started_at_ms = TEST_NOW * 1000, .steps = STR("[]")};
    assert_ok(exchange_log_write(fx.store, &nobodys)); /* of no connection: for the helpdesk */
    return 0;
}

static void C9_an_entry_of_another_customer_is_absent(void **state)
{
    (void)state;
    struct exchange_entry found;
    assert_ok(exchange_log_find(fx.other, OWN, STR("SSO-own"), fx.arena, &found));
    assert_absent(exchange_log_find(fx.other, OWN, STR("SSO-other"), fx.arena, &found));
    assert_absent(exchange_log_find(fx.other, OWN, STR("SSO-none"), fx.arena, &found));
    assert_absent(exchange_log_find(fx.other, NOBODY, STR("SSO-none"), fx.arena, &found));
    assert_ok(exchange_log_find(fx.other, SCOPE_ALL, STR("SSO-none"), fx.arena, &found));
}

static size_t count_entries(struct exchange_filter filter)
{
    struct exchange_list list;
    filter.limit = 100;
    assert_ok(exchange_log_list(fx.other, &filter, fx.arena, &list));
    return list.count;
}

static void C9_lists_of_the_log_hold_the_own_customer_only(void **state)
{
    (void)state;
    assert_int_equal(count_entries((struct exchange_filter){.scope = SCOPE_ALL}), 3);
    assert_int_equal(count_entries((struct exchange_filter){.scope = OWN}), 1);
    assert_int_equal(count_entries((struct exchange_filter){.scope = OWN, .connection = other_id}), 0);
    assert_int_equal(count_entries((struct exchange_filter){.scope = OWN, .connection = own_id}), 1);
    assert_int_equal(count_entries((struct exchange_filter){.scope = NOBODY}), 0);
    assert_int_equal(count_entries((struct exchange_filter){0}), 0); /* forgotten: nothing */
}

static enum outcome link_row(struct customer_scope scope, struct str connection)
{
    return mapping_change(fx.store, scope, connection, STR("1201"), MAPPING_LINKED, STR("Zorg"), 0, "fab",
                          TEST_NOW);
}

static size_t count_mappings(struct customer_scope scope, struct str connection)
{
    const struct mapping_filter filter = {.scope = scope, .connection = connection, .limit = 10};
    struct mapping_list list;
    assert_ok(mapping_find(fx.other, &filter, fx.arena, &list));
    return list.count;
}

static void C9_a_mapping_of_another_customer_is_not_shown_or_changed(void **state)
{
    (void)state;
    assert_ok(link_row(OWN, own_id));
    assert_ok(link_row(OTHER, other_id));
    assert_absent(link_row(OWN, other_id));
    assert_absent(link_row(NOBODY, own_id));
    assert_int_equal(count_mappings(OWN, own_id), 1);
    assert_int_equal(count_mappings(OWN, other_id), 0);
    assert_int_equal(count_mappings(NOBODY, own_id), 0);
    assert_int_equal(count_mappings(SCOPE_ALL, other_id), 1);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM audit WHERE action = 'mapping_change'"), 2);
}

static size_t count_people(struct customer_scope scope)
{
    const struct sso_person_filter filter = {.scope = scope, .limit = 10};
    struct sso_person_list list;
    assert_ok(sso_person_list(fx.other, &filter, TEST_NOW, fx.arena, &list));
    return list.count;
}

static void C9_people_of_another_customer_are_absent(void **state)
{
    (void)state;
    assert_int_equal(count_people(SCOPE_ALL), 2);
    assert_int_equal(count_people(OWN), 1);
    assert_int_equal(count_people(NOBODY), 0);
    struct session_ended_list ended;
    int64_t identities;
    assert_absent(sso_user_block(fx.store, OWN, other_user.id, true, "fab", TEST_NOW, fx.arena, &ended));
    assert_absent(
        sso_user_unlink(fx.store, OWN, other_user.id, "fab", TEST_NOW, fx.arena, &identities, &ended));
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM sso_session"), 2);
    assert_ok(sso_user_block(fx.store, OWN, own_user.id, true, "fab", TEST_NOW, fx.arena, &ended));
    assert_int_equal(ended.count, 1);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM sso_session"), 1);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM audit WHERE action = 'user_block'"), 1);
}

static enum outcome end_sessions_of(struct str user_id, struct session_ended_list *out_ended)
{
    const struct session_choice choice = {.user_id = user_id};
    return session_admin_end(fx.store, OWN, &choice, 100, "fab", TEST_NOW, fx.arena, out_ended);
}

static void C9_sessions_at_another_customer_are_not_counted_or_ended(void **state)
{
    (void)state;
    struct session_ended_list ended;
    assert_absent(end_sessions_of(other_user.id, &ended));
    /* Somebody who works for both: each customer ends what is its own. */
    struct sso_user both = log_in("own", other_id, "zonnestraaltjes", "SSO-both");
    assert_true(str_equal(both.id, own_user.id));
    const struct sso_person_filter filter = {.scope = OWN, .search = both.id, .limit = 10};
    struct sso_person_list list;
    assert_ok(sso_person_list(fx.other, &filter, TEST_NOW, fx.arena, &list));
    assert_int_equal(list.count, 1);
    assert_int_equal(list.items[0].session_count, 1);
    assert_ok(end_sessions_of(both.id, &ended));
    assert_int_equal(ended.count, 1);
    struct session session;
    assert_ok(session_find(fx.other, digest_of("SSO-both"), TEST_NOW, fx.arena, &session));
    assert_absent(session_find(fx.other, digest_of("SSO-own"), TEST_NOW, fx.arena, &session));
}

static void C9_connections_groups_and_ceilings_are_those_of_the_customer(void **state)
{
    (void)state;
    struct sso_data all;
    assert_ok(sso_data_read(fx.other, fx.arena, &all));
    struct sso_data seen = sso_data_in_scope(fx.arena, &all, OWN);
    assert_int_equal(seen.connection_count, 1);
    assert_true(str_equal(seen.connections[0].id, own_id));
    assert_int_equal(seen.group_count, 1);
    assert_str(seen.groups[0].customer_key, "duinzicht");
    assert_int_equal(seen.ceiling_count, 1);
    assert_str(seen.ceilings[0].customer_key, "duinzicht");
    assert_int_equal(seen.application_count, 1);
    assert_str(seen.applications[0].customer_key, "duinzicht");
    seen = sso_data_in_scope(fx.arena, &all, NOBODY);
    assert_int_equal(seen.connection_count + seen.group_count + seen.ceiling_count + seen.application_count,
                     0);
    seen = sso_data_in_scope(fx.arena, &all, SCOPE_ALL);
    assert_int_equal(seen.connection_count, 2);
}

static void queue_mail(struct str connection, const char *fingerprint)
{
    const struct outbox_mail mail = {.connection = connection,
                                     .fingerprint = str_from_c(fingerprint),
                                     .recipients = STR("fab@example.nl"),
                                     .subject = STR("701"),
                                     .body = STR("text")};
    const struct outbox_rule at_once = {0};
    enum outbox_verdict verdict;
    assert_ok(outbox_offer(fx.store, &mail, &at_once, TEST_NOW, &verdict));
}

static size_t count_notifications(struct customer_scope scope, struct str *out_id)
{
    const struct notification_filter filter = {.scope = scope, .limit = 10};
    struct notification_list list;
    assert_ok(notification_find(fx.other, &filter, fx.arena, &list));
    *out_id = list.count > 0 ? list.items[0].id : STR_NONE;
    return list.count;
}

static void C9_mails_about_another_customer_are_absent(void **state)
{
    (void)state;
    struct str own, other, any;
    struct notification found;
    queue_mail(own_id, "a");
    queue_mail(other_id, "b");
    assert_int_equal(count_notifications(SCOPE_ALL, &any), 2);
    assert_int_equal(count_notifications(NOBODY, &any), 0);
    assert_int_equal(count_notifications(OWN, &own), 1);
    assert_int_equal(count_notifications(OTHER, &other), 1);
    assert_false(str_equal(own, other));
    assert_ok(notification_get(fx.other, OWN, own, fx.arena, &found));
    assert_absent(notification_get(fx.other, OWN, other, fx.arena, &found));
    assert_ok(notification_get(fx.other, SCOPE_ALL, other, fx.arena, &found));
}

#define SCOPE_TEST(function) cmocka_unit_test_setup_teardown(function, two_customers, fixture_teardown)

static const struct CMUnitTest tests[] = {
    SCOPE_TEST(C9_an_entry_of_another_customer_is_absent),
    SCOPE_TEST(C9_lists_of_the_log_hold_the_own_customer_only),
    SCOPE_TEST(C9_a_mapping_of_another_customer_is_not_shown_or_changed),
    SCOPE_TEST(C9_people_of_another_customer_are_absent),
    SCOPE_TEST(C9_sessions_at_another_customer_are_not_counted_or_ended),
    SCOPE_TEST(C9_mails_about_another_customer_are_absent),
    SCOPE_TEST(C9_connections_groups_and_ceilings_are_those_of_the_customer),
};

STORE_TEST_MAIN("scope", tests)
