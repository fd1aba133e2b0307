/* consent.h on the engine of STORE_URL: every verb, every outcome. */
#include "store_fixture.h"

static void assert_same_text(struct str actual, struct str expected)
{
    assert_true(str_equal(actual, expected));
}

static void a_statement_is_kept_as_it_was_made(void **state)
{
    (void)state;
    struct flow flow = fixture_flow_at_choice("s1"), found_flow;
    struct consent consent = fixture_consent(true, true), found;
    consent.function = STR("subscribe");
    consent.days = 30;
    struct consent_code code = fixture_code("c1");
    assert_ok(consent_state(fx.store, flow.id, flow.form_digest, TEST_NOW, &consent, &code));
    assert_ok(consent_find(fx.store, consent.id, fx.arena, &found));
    assert_same_text(found.id, consent.id);
    assert_same_text(found.person, consent.person);
    assert_same_text(found.provider, consent.provider);
    assert_same_text(found.provider_name, consent.provider_name);
    assert_same_text(found.client_host, consent.client_host);
    assert_same_text(found.client_name, consent.client_name);
    assert_same_text(found.function, consent.function);
    assert_same_text(found.services_shown, consent.services_shown);
    assert_same_text(found.service_names, consent.service_names);
    assert_same_text(found.services_granted, consent.services_granted);
    assert_int_equal(found.days, 30);
    assert_same_text(found.text_version, consent.text_version);
    assert_same_text(found.text_hash, consent.text_hash);
    assert_true(found.is_given);
    assert_true(found.is_indefinite);
    assert_same_text(found.login_level, consent.login_level);
    assert_same_text(found.identity_provider, consent.identity_provider);
    assert_int_equal(found.stated_at, TEST_NOW);
    assert_same_text(found.trace_id, consent.trace_id);
    assert_same_text(found.session_id, consent.session_id);
    assert_int_equal(found.last_used_at, 0);
    assert_int_equal(found.withdrawn_at, 0);
    assert_int_equal(found.withdrawn_by.length, 0);
    /* The visit ends with the choice. */
    assert_ok(flow_find(fx.store, flow.id, TEST_NOW, fx.arena, &found_flow));
    assert_int_equal(found_flow.stage, FLOW_ENDED);
    assert_int_equal(found_flow.identity.length, 0);
    assert_absent(consent_find(fx.store, STR("unknown"), fx.arena, &found));
}

static void a_refusal_leads_to_no_grant(void **state)
{
    (void)state;
    struct flow flow = fixture_flow_at_choice("s1");
    struct consent consent = fixture_consent(false, false), found;
    struct consent_code code = fixture_code("c1");
    assert_failed(consent_state(fx.store, flow.id, flow.form_digest, TEST_NOW, &consent, &code));
    assert_ok(consent_state(fx.store, flow.id, flow.form_digest, TEST_NOW, &consent, NULL));
    assert_ok(consent_find(fx.store, consent.id, fx.arena, &found));
    assert_false(found.is_given);
    assert_int_equal(found.services_granted.length, 0);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM token_grant"), 0);
    struct consent given = fixture_consent(true, false);
    flow = fixture_flow_at_choice("s2");
    assert_failed(consent_state(fx.store, flow.id, flow.form_digest, TEST_NOW, &given, NULL));
    /* Withdrawing a refusal: nothing stands under it, nothing changes. */
    assert_ok(consent_withdraw(fx.store, consent.id, STR("person"), TEST_NOW));
    assert_ok(consent_find(fx.store, consent.id, fx.arena, &found));
    assert_int_equal(found.withdrawn_at, 0);
}

static void a_choice_is_made_once(void **state)
{
    (void)state;
    struct flow flow = fixture_flow_at_choice("s1");
    struct consent consent = fixture_consent(true, false);
    struct consent_code code = fixture_code("c1");
    assert_absent(consent_state(fx.store, flow.id, digest_of("other form"), TEST_NOW, &consent, &code));
    assert_absent(consent_state(fx.store, flow.id, STR_NONE, TEST_NOW, &consent, &code));
    assert_absent(consent_state(fx.store, STR("unknown"), flow.form_digest, TEST_NOW, &consent, &code));
    assert_absent(consent_state(fx.store, flow.id, flow.form_digest, TEST_NOW + 900, &consent, &code));
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM consent"), 0);
    assert_ok(consent_state(fx.store, flow.id, flow.form_digest, TEST_NOW + 899, &consent, &code));
    struct consent again = fixture_consent(true, false);
    struct consent_code next = fixture_code("c2");
    assert_absent(consent_state(fx.store, flow.id, flow.form_digest, TEST_NOW, &again, &next));
    assert_absent(consent_state(fx.other, flow.id, flow.form_digest, TEST_NOW, &again, &next));
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM consent"), 1);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM token_grant"), 1);
}

/* The uniqueness of a code is checked at issue (spec 3.10); a twin fails the whole choice, which may be tried
 * again. */
static void a_code_that_exists_fails_the_whole_choice(void **state)
{
    (void)state;
    fixture_given("c1", false, NULL);
    struct flow flow = fixture_flow_at_choice("s2"), found;
    struct consent consent = fixture_consent(true, false);
    struct consent_code twin = fixture_code("c1"), code = fixture_code("c2");
    assert_failed(consent_state(fx.store, flow.id, flow.form_digest, TEST_NOW, &consent, &twin));
    assert_ok(flow_find(fx.store, flow.id, TEST_NOW, fx.arena, &found));
    assert_int_equal(found.stage, FLOW_CHOICE);
    assert_str(found.identity, TEST_BSN);
    assert_absent(consent_find(fx.store, consent.id, fx.arena, &consent));
    consent = fixture_consent(true, false);
    assert_ok(consent_state(fx.store, flow.id, flow.form_digest, TEST_NOW, &consent, &code));
}

static void withdrawal_ends_everything_under_the_consent(void **state)
{
    (void)state;
    struct refresh_lookup lookup;
    struct str grant_id;
    struct consent consent = fixture_issued("c1", "a1", "r1", &grant_id), found;
    assert_absent(consent_withdraw(fx.store, STR("unknown"), STR("person"), TEST_NOW));
    assert_ok(consent_withdraw(fx.other, consent.id, STR("helpdesk:anna"), TEST_NOW + 5));
    assert_absent(fixture_introspect("a1", TEST_NOW + 5));
    assert_ok(grant_find_refresh(fx.store, digest_of("r1"), TEST_NOW + 5, fx.arena, &lookup));
    assert_int_equal(lookup.state, REFRESH_REVOKED);
    struct token_issue issue = fixture_tokens("a2", "r2");
    assert_absent(grant_rotate(fx.store, digest_of("r1"), &issue, STR_NONE, TEST_NOW + 5));
    assert_absent(grant_issue(fx.store, grant_id, &issue, TEST_NOW + 5));
    /* Again changes nothing. */
    assert_ok(consent_withdraw(fx.store, consent.id, STR("person"), TEST_NOW + 9));
    assert_ok(consent_find(fx.store, consent.id, fx.arena, &found));
    assert_int_equal(found.withdrawn_at, TEST_NOW + 5);
    assert_str(found.withdrawn_by, "helpdesk:anna");
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM audit WHERE action = 'consent_withdraw' "
                                   "AND actor = 'helpdesk:anna' AND node = 'two'"),
                     1);
    assert_int_equal(fixture_count("SELECT COUNT(*) FROM audit"), 1);
}

static void withdrawal_before_the_code_is_offered(void **state)
{
    (void)state;
    struct grant grant;
    enum code_state code_state;
    struct str grant_id;
    struct consent consent = fixture_given("c1", true, &grant_id);
    assert_ok(consent_withdraw(fx.store, consent.id, STR("person"), TEST_NOW));
    assert_ok(grant_offer_code(fx.store, digest_of("c1"), TEST_NOW, fx.arena, &grant, &code_state));
    assert_int_equal(code_state, CODE_FRESH);
    assert_true(grant.is_revoked);
    struct token_issue issue = fixture_tokens("a1", NULL);
    assert_absent(grant_issue(fx.store, grant_id, &issue, TEST_NOW));
}

static size_t count_of(struct consent_filter filter, int64_t now)
{
    struct consent_list list;
    if (filter.limit == 0)
        filter.limit = 100;
    assert_ok(consent_list(fx.store, &filter, now, fx.arena, &list));
    return list.count;
}

static struct consent other_consent(const char *code, struct str person, struct str provider,
                                    struct str client_host)
{
    struct flow flow = fixture_flow_at_choice(code);
    struct consent consent = fixture_consent(true, false);
    consent.person = person;
    consent.provider = provider;
    consent.client_host = client_host;
    struct consent_code grant = fixture_code(code);
    assert_ok(consent_state(fx.store, flow.id, flow.form_digest, TEST_NOW, &consent, &grant));
    return consent;
}

static void lists_are_filtered_and_newest_first(void **state)
{
    (void)state;
    struct str sanne = STR(TEST_BSN), joost = STR("123456782");
    struct str duinen = STR("huisartsdeduinen"), paal = STR("ziekenhuisdemeerpaal");
    struct consent first = other_consent("c1", sanne, duinen, STR("pgo.localhost"));
    usleep(2000); /* ids are ordered by the millisecond */
    struct consent second = other_consent("c2", sanne, paal, STR("other.example"));
    usleep(2000);
    struct consent third = other_consent("c3", joost, duinen, STR("pgo.localhost"));
    assert_int_equal(count_of((struct consent_filter){0}, TEST_NOW), 3);
    assert_int_equal(count_of((struct consent_filter){.person = sanne}, TEST_NOW), 2);
    assert_int_equal(count_of((struct consent_filter){.person = STR("111222333")}, TEST_NOW), 0);
    assert_int_equal(count_of((struct consent_filter){.provider = duinen}, TEST_NOW), 2);
    assert_int_equal(count_of((struct consent_filter){.client_host = STR("other.example")}, TEST_NOW), 1);
    assert_int_equal(count_of((struct consent_filter){.person = sanne, .provider = duinen}, TEST_NOW), 1);

    struct consent_list list;
    struct consent_filter page = {.limit = 2};
    assert_ok(consent_list(fx.store, &page, TEST_NOW, fx.arena, &list));
    assert_int_equal(list.count, 2);
    assert_same_text(list.items[0].id, third.id);
    assert_same_text(list.items[0].person, joost);
    assert_same_text(list.items[1].id, second.id);
    page.before_id = list.items[1].id;
    assert_ok(consent_list(fx.store, &page, TEST_NOW, fx.arena, &list));
    assert_int_equal(list.count, 1);
    assert_same_text(list.items[0].id, first.id);
    struct consent_filter wrong = {.limit = 0};
    assert_failed(consent_list(fx.store, &wrong, TEST_NOW, fx.arena, &list));
    wrong.limit = 1001;
    assert_failed(consent_list(fx.store, &wrong, TEST_NOW, fx.arena, &list));
}

static size_t active(int64_t now)
{
    return count_of((struct consent_filter){.person = STR(TEST_BSN), .only_active = true}, now);
}

static void a_one_off_consent_is_active_while_its_token_lives(void **state)
{
    (void)state;
    struct str grant_id;
    struct consent refusal = fixture_consent(false, false);
    struct flow flow = fixture_flow_at_choice("refused");
    assert_ok(consent_state(fx.store, flow.id, flow.form_digest, TEST_NOW, &refusal, NULL));
    assert_int_equal(active(TEST_NOW), 0);
    fixture_given("never offered", false, NULL);
    assert_int_equal(active(TEST_NOW + 899), 1);
    assert_int_equal(active(TEST_NOW + 900), 0);
    struct grant grant;
    enum code_state code_state;
    assert_ok(
        grant_offer_code(fx.store, digest_of("never offered"), TEST_NOW, fx.arena, &grant, &code_state));
    assert_int_equal(active(TEST_NOW), 0); /* its code is used up and led to nothing */
    fixture_given("waiting", false, NULL);
    fixture_issued("c1", "a1", NULL, &grant_id);
    assert_int_equal(active(TEST_NOW + 899), 2);
    assert_int_equal(active(TEST_NOW + 900), 0);
    assert_ok(grant_revoke(fx.store, grant_id, "test", TEST_NOW));
    assert_int_equal(active(TEST_NOW), 1);
}

static void a_long_lived_consent_is_active_while_its_refresh_token_is_current(void **state)
{
    (void)state;
    struct consent consent = fixture_issued("c1", "a1", "r1", NULL);
    assert_int_equal(active(TEST_NOW + 15551999), 1);
    assert_int_equal(active(TEST_NOW + 15552000), 0); /* lapsed */
    struct token_issue issue = fixture_tokens("a2", "r2");
    issue.refresh_expires_at = TEST_NOW + 20000000;
    assert_ok(grant_rotate(fx.store, digest_of("r1"), &issue, STR_NONE, TEST_NOW));
    assert_int_equal(active(TEST_NOW + 15552000), 1);
    assert_ok(consent_withdraw(fx.store, consent.id, STR("person"), TEST_NOW));
    assert_int_equal(active(TEST_NOW), 0);
}

static void a_broken_store_fails_and_is_not_taken_for_absent(void **state)
{
    (void)state;
    struct consent consent = fixture_issued("c1", "a1", NULL, NULL), found;
    struct flow flow = fixture_flow_at_choice("s2"), found_flow;
    struct consent_code code = fixture_code("c2");
    struct consent_list list;
    struct consent_filter filter = {.limit = 10};
    fixture_sql("ALTER TABLE consent RENAME TO gone");
    assert_failed(consent_find(fx.store, consent.id, fx.arena, &found));
    assert_failed(consent_list(fx.store, &filter, TEST_NOW, fx.arena, &list));
    assert_failed(consent_withdraw(fx.store, consent.id, STR("person"), TEST_NOW));
    found = fixture_consent(true, false);
    assert_failed(consent_state(fx.store, flow.id, flow.form_digest, TEST_NOW, &found, &code));
    /* The flow was changed first, and is back as it was. */
    assert_ok(flow_find(fx.store, flow.id, TEST_NOW, fx.arena, &found_flow));
    assert_int_equal(found_flow.stage, FLOW_CHOICE);
}

/* Without the trail there is no withdrawal: they are one transaction. */
static void a_withdrawal_that_cannot_be_audited_does_not_happen(void **state)
{
    (void)state;
    struct consent consent = fixture_issued("c1", "a1", NULL, NULL), found;
    fixture_sql("ALTER TABLE audit RENAME TO gone");
    assert_failed(consent_withdraw(fx.store, consent.id, STR("person"), TEST_NOW));
    assert_ok(consent_find(fx.store, consent.id, fx.arena, &found));
    assert_int_equal(found.withdrawn_at, 0);
    assert_ok(fixture_introspect("a1", TEST_NOW));
}

static const struct CMUnitTest tests[] = {
    STORE_TEST(a_statement_is_kept_as_it_was_made),
    STORE_TEST(a_refusal_leads_to_no_grant),
    STORE_TEST(a_choice_is_made_once),
    STORE_TEST(a_code_that_exists_fails_the_whole_choice),
    STORE_TEST(withdrawal_ends_everything_under_the_consent),
    STORE_TEST(withdrawal_before_the_code_is_offered),
    STORE_TEST(lists_are_filtered_and_newest_first),
    STORE_TEST(a_one_off_consent_is_active_while_its_token_lives),
    STORE_TEST(a_long_lived_consent_is_active_while_its_refresh_token_is_current),
    STORE_TEST(a_broken_store_fails_and_is_not_taken_for_absent),
    STORE_TEST(a_withdrawal_that_cannot_be_audited_does_not_happen),
};

STORE_TEST_MAIN("consent", tests)
