/* Addresses, trusted proxies and what they forward. */
#include "base/codec.h"
#include "http/proxy.h"

#include "../support/arena.h"

static struct address address_of(const char *text)
{
    struct address address;
    assert_int_equal(address_parse(str_from_c(text), &address), OK);
    return address;
}

static void address_texts(void **state)
{
    (void)state;
    static const char *const good[] = {"192.0.2.1", "0.0.0.0", "255.255.255.255", "::", "::1", "2001:db8::1"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct address address = address_of(good[i]);
        assert_string_equal(address_text(arena, &address), good[i]);
    }
    struct address mapped = address_of("::ffff:192.0.2.1");
    assert_string_equal(address_text(arena, &mapped), "192.0.2.1");
    static const struct str bad[] = {{"", 0},         {"1.2.3", 5},     {"1.2.3.4.5", 9}, {"1.2.3.256", 9},
                                     {" 1.2.3.4", 8}, {"1.2.3.4\0", 8}, {"01.2.3.4", 8},  {"[::1]", 5},
                                     {"::1%lo", 6},   {"localhost", 9}, {"12345::", 7}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct address address;
        assert_int_equal(address_parse(bad[i], &address), FAILED);
    }
}

static bool is_in(const char *address_written, const char *block_written)
{
    struct address address = address_of(address_written);
    struct address_block block;
    assert_int_equal(address_block_parse(str_from_c(block_written), &block), OK);
    return address_is_in(&address, &block);
}

static void blocks(void **state)
{
    (void)state;
    assert_true(is_in("10.1.2.3", "10.0.0.0/8"));
    assert_false(is_in("11.1.2.3", "10.0.0.0/8"));
    assert_true(is_in("10.0.0.5", "10.0.0.5"));
    assert_false(is_in("10.0.0.4", "10.0.0.5"));
    assert_true(is_in("192.168.31.255", "192.168.16.0/20"));
    assert_false(is_in("192.168.32.0", "192.168.16.0/20"));
    assert_true(is_in("8.8.8.8", "0.0.0.0/0"));
    assert_false(is_in("2001:db8::1", "0.0.0.0/0"));
    assert_true(is_in("::ffff:10.0.0.1", "10.0.0.0/8"));
    assert_true(is_in("2001:db8:0:ffff::1", "2001:db8::/33"));
    assert_false(is_in("2001:db8:8000::1", "2001:db8::/33"));
    static const char *const bad[] = {"10.0.0.0/33", "10.0.0.1/8",  "10.0.0.0/", "10.0.0.0/-1",
                                      "::/129",      "::1/64",      "proxy",     "/8",
                                      "10.0.0.0/08", "10.0.0.0/8/8"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct address_block block;
        assert_int_equal(address_block_parse(str_from_c(bad[i]), &block), FAILED);
    }
}

static void private_addresses(void **state)
{
    (void)state;
    static const char *const closed[] = {"0.0.0.0",
                                         "10.0.0.1",
                                         "100.64.0.1",
                                         "127.0.0.1",
                                         "127.255.255.255",
                                         "169.254.169.254",
                                         "172.16.0.1",
                                         "172.31.255.255",
                                         "192.168.1.1",
                                         "198.18.0.1",
                                         "224.0.0.1",
                                         "255.255.255.255",
                                         "::",
                                         "::1",
                                         "::ffff:127.0.0.1",
                                         "::ffff:10.0.0.1",
                                         "::127.0.0.1",
                                         "64:ff9b::10.0.0.1",
                                         "2002:7f00:1::1",
                                         "2002:c0a8:101::1",
                                         "fc00::1",
                                         "fd12:3456::1",
                                         "fe80::1",
                                         "fec0::1",
                                         "ff02::1",
                                         "2001:db8::1",
                                         "64:ff9b:1::1"};
    static const char *const open[] = {
        "1.1.1.1",        "8.8.8.8",          "100.63.255.255",  "100.128.0.1",  "172.15.255.255",
        "172.32.0.1",     "192.167.1.1",      "223.255.255.255", "2a00:1450::1", "2606:4700::1111",
        "::ffff:1.1.1.1", "64:ff9b::1.1.1.1", "2002:101:101::1"};
    for (size_t i = 0; i < sizeof closed / sizeof closed[0]; i++) {
        struct address address = address_of(closed[i]);
        assert_true(address_is_private(&address));
    }
    for (size_t i = 0; i < sizeof open / sizeof open[0]; i++) {
        struct address address = address_of(open[i]);
        assert_false(address_is_private(&address));
    }
}

static const char *forwarded(const char *text)
{
    static const char *const trusted[] = {"10.0.0.0/8", "2001:db8::5"};
    struct proxy_list list;
    struct address address;
    assert_int_equal(proxy_list_parse(trusted, 2, &list, NULL), OK);
    enum outcome outcome = proxy_forwarded_for(&list, str_from_c(text), &address);
    proxy_list_free(&list);
    assert_int_not_equal(outcome, FAILED);
    return outcome == OK ? address_text(arena, &address) : "absent";
}

static void forwarded_for(void **state)
{
    (void)state;
    assert_string_equal(forwarded("192.0.2.1"), "192.0.2.1");
    assert_string_equal(forwarded("198.51.100.7, 192.0.2.1"), "192.0.2.1");
    assert_string_equal(forwarded("198.51.100.7,192.0.2.1,10.0.0.1 , 10.9.9.9"), "192.0.2.1");
    assert_string_equal(forwarded("10.0.0.1, 10.0.0.2"), "10.0.0.1");
    assert_string_equal(forwarded("192.0.2.1, 2001:db8::5"), "192.0.2.1");
    assert_string_equal(forwarded("192.0.2.1:4711"), "192.0.2.1");
    assert_string_equal(forwarded("[2001:db8::1]:4711"), "2001:db8::1");
    assert_string_equal(forwarded("[2001:db8::1]"), "2001:db8::1");
    assert_string_equal(forwarded("2001:db8::1"), "2001:db8::1");
    /* What an attacker wrote to the left of a sound entry does not count. */
    assert_string_equal(forwarded("<script>, 192.0.2.1"), "192.0.2.1");
    /* And when the entry that counts is no address, nothing further left is believed. */
    assert_string_equal(forwarded("198.51.100.7, unknown"), "absent");
    assert_string_equal(forwarded("198.51.100.7, unknown, 10.0.0.1"), "absent");
    assert_string_equal(forwarded(""), "absent");
    assert_string_equal(forwarded(","), "absent");
    assert_string_equal(forwarded("198.51.100.7,"), "absent");
    assert_string_equal(forwarded("[2001:db8::1"), "absent");
    assert_string_equal(forwarded("[2001:db8::1]x"), "absent");
}

static void proxies_must_be_addresses(void **state)
{
    (void)state;
    static const char *const wrong[] = {"10.0.0.1", "proxy.example"};
    struct proxy_list list;
    struct failure failure;
    assert_int_equal(proxy_list_parse(wrong, 2, &list, &failure), FAILED);
    assert_non_null(strstr(failure.text, "proxy.example"));
    assert_int_equal(proxy_list_parse(NULL, 0, &list, &failure), OK);
    struct address loopback = address_of("127.0.0.1");
    assert_false(proxy_list_has(&list, &loopback));
}

static void certificate_texts(void **state)
{
    (void)state;
    struct str der;
    assert_int_equal(proxy_certificate_der(arena, STR(":MAMCAQE=:"), &der), OK);
    assert_true(str_equal(der, STR("\x30\x03\x02\x01\x01")));
    assert_int_equal(proxy_certificate_der(arena,
                                           STR("-----BEGIN%20CERTIFICATE-----%0AMAMCAQE%3D%0A-----END%20"
                                               "CERTIFICATE-----%0A"),
                                           &der),
                     OK);
    assert_true(str_equal(der, STR("\x30\x03\x02\x01\x01")));
    static const struct str bad[] = {{"", 0},         {":", 1},         {"::", 2},           {":MAMCAQE=", 9},
                                     {"MAMCAQE=", 8}, {":MAMCAQE:", 9}, {":MAM CAQE=:", 11}, {"(null)", 6},
                                     {":_-__:", 6},   {"%00", 3}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(proxy_certificate_der(arena, bad[i], &der), FAILED);
    /* Two certificates: which one was verified? */
    assert_int_equal(proxy_certificate_der(arena,
                                           STR("-----BEGIN CERTIFICATE-----%0AMAMCAQE=%0A-----END CERTIFICATE"
                                               "-----%0A-----BEGIN CERTIFICATE-----%0AMAMCAQE=%0A-----END "
                                               "CERTIFICATE-----%0A"),
                                           &der),
                     FAILED);
    char *large = arena_alloc(arena, 3 * CERTIFICATE_DER_MAX + 2);
    memset(large, 'A', 3 * CERTIFICATE_DER_MAX + 1);
    large[0] = large[3 * CERTIFICATE_DER_MAX] = ':';
    assert_int_equal(proxy_certificate_der(arena, str_of(large, 3 * CERTIFICATE_DER_MAX + 1), &der), FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(address_texts),
        ARENA_TEST(blocks),
        ARENA_TEST(private_addresses),
        ARENA_TEST(forwarded_for),
        ARENA_TEST(proxies_must_be_addresses),
        ARENA_TEST(certificate_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
