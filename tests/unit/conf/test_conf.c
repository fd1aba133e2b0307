/* The configuration: what it accepts, what it says of what it does not, and the texts made from its table. */
#include "conf/conf.h"
#include "conf/conf_table.h"
#include "conf/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    struct arena *arena;
    char directory[64];
    const char *path;
};

static const char least[] = "base_url: https://sluis.example.nl\n"
                            "token_base_url: https://token.example.nl:8443\n"
                            "back: {certificate: b.crt, key: b.key, client_ca: /etc/ca.crt}\n"
                            "store: {url: \"sqlite:data/s.db\"}\n"
                            "keys: {file: keys/k}\n"
                            "dva: {name: Duin, phone: \"088 1\"}\n"
                            "lists:\n"
                            "  providers: {location: a.xml}\n"
                            "  clients: {location: \"https://lists.example.nl/b.xml\"}\n"
                            "  service_names: {location: c.xml}\n"
                            "  whitelist: {location: d.xml}\n";

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->arena = arena_new();
    strcpy(fixture->directory, "/tmp/sluis-conf-XXXXXX");
    if (mkdtemp(fixture->directory) == NULL)
        return -1;
    fixture->path = arena_printf(fixture->arena, "%s/sluis.yaml", fixture->directory);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    unlink(fixture->path);
    rmdir(fixture->directory);
    arena_free(&fixture->arena);
    free(fixture);
    return 0;
}

static void write_file(const struct fixture *fixture, struct str text)
{
    FILE *file = fopen(fixture->path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text.data, 1, text.length, file), text.length);
    assert_int_equal(fclose(file), 0);
}

/* `least` with `extra` behind it must have the fault `expected` ("line:column: key: text" up to the end
 * given). */
static void expect_fault(const struct fixture *fixture, const char *text, const char *expected)
{
    write_file(fixture, str_from_c(text));
    struct conf *conf;
    struct yaml_faults faults;
    assert_int_equal(conf_load_all(fixture->path, fixture->arena, &conf, &faults), FAILED);
    assert_null(conf);
    const char *all = "";
    for (size_t i = 0; i < faults.count; i++) {
        const char *line = yaml_fault_format(fixture->arena, "F", &faults.items[i]);
        if (strstr(line, expected) != NULL)
            return;
        all = arena_printf(fixture->arena, "%s\n%s", all, line);
    }
    fail_msg("expected %s, got%s", expected, all);
}

static const char *with(const struct fixture *fixture, const char *extra)
{
    return arena_printf(fixture->arena, "%s%s", least, extra);
}

static const char *without(const struct fixture *fixture, const char *line, const char *instead)
{
    const char *at = strstr(least, line);
    assert_non_null(at);
    return arena_printf(fixture->arena, "%.*s%s%s", (int)(at - least), least, instead, at + strlen(line));
}

static void least_file_gets_defaults_and_resolved_paths(void **state)
{
    struct fixture *fixture = *state;
    write_file(fixture, str_from_c(with(fixture, "front:\nlimits: {workers: 8}\n"
                                                 "proxies: {trusted: [127.0.0.1, \"fd00::/8\"]}\n")));
    struct conf *conf;
    struct failure failure = {""};
    if (conf_load(fixture->path, &conf, &failure) != OK)
        fail_msg("%s", failure.text);
    assert_string_equal(conf->base_url, "https://sluis.example.nl");
    assert_string_equal(conf->token_base_url, "https://token.example.nl:8443");
    assert_false(conf->is_development);
    assert_true(conf->front.is_enabled);
    assert_string_equal(conf->front.address, "127.0.0.1:8080");
    assert_null(conf->front.certificate);
    assert_string_equal(conf->back.certificate, arena_printf(fixture->arena, "%s/b.crt", fixture->directory));
    assert_string_equal(conf->back.client_ca, "/etc/ca.crt");
    assert_string_equal(conf->store_url,
                        arena_printf(fixture->arena, "sqlite:%s/data/s.db", fixture->directory));
    assert_string_equal(conf->list_clients.location, "https://lists.example.nl/b.xml");
    assert_string_equal(conf->list_providers.location,
                        arena_printf(fixture->arena, "%s/a.xml", fixture->directory));
    assert_string_equal(conf->event_log_file, "-");
    assert_int_equal(conf->workers, 8);
    assert_int_equal(conf->code_lifetime_s, 900);
    assert_int_equal(conf->refresh_lifetime_s, 15811200);
    assert_true(conf->are_ids_required);
    assert_int_equal(conf->trusted_proxies_count, 2);
    assert_string_equal(conf->trusted_proxies[1], "fd00::/8");
    assert_non_null(conf->node);
    assert_int_equal(conf_find(conf, "limits.workers")->line, 13);
    assert_null(conf_find(conf, "front.address"));
    conf_free(&conf);
    assert_null(conf);
}

static void development_opens_http_for_localhost_only(void **state)
{
    struct fixture *fixture = *state;
    const char *local =
        without(fixture, "base_url: https://sluis.example.nl\n",
                "development: true\nclock_offset_file: clock\nbase_url: http://localhost:8080\n");
    write_file(fixture, str_from_c(local));
    struct conf *conf;
    struct failure failure = {""};
    if (conf_load(fixture->path, &conf, &failure) != OK)
        fail_msg("%s", failure.text);
    assert_true(conf->is_development);
    conf_free(&conf);

    expect_fault(fixture,
                 without(fixture, "base_url: https://sluis.example.nl\n",
                         "development: true\nbase_url: http://sluis.example.nl\n"),
                 "F:2:11: base_url: is http for a host that is not localhost");
    expect_fault(
        fixture,
        without(fixture, "base_url: https://sluis.example.nl\n", "base_url: http://localhost:8080\n"),
        "base_url: is http, which is for development mode only");
    expect_fault(fixture, with(fixture, "clock_offset_file: clock\n"),
                 "F:12:20: clock_offset_file: is for development mode only; remove it");
}

static void every_fault_has_its_place_and_remedy(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *extra;
        const char *expected;
    } cases[] = {
        {"front:\n  adress: x\n", "F:13:3: front.adress: there is no such key; did you mean front.address?"},
        {"workers: 3\n", "F:12:1: workers: there is no such key; did you mean limits.workers?"},
        {"zzz:\n  a: 1\n", "F:12:1: zzz: there is no such key; see sluis.yaml(5)"},
        {"limits:\n  workers: many\n",
         "F:13:12: limits.workers: 'many' does not fit; write a whole number from 1 to"},
        {"limits:\n  workers: 0\n",
         "F:13:12: limits.workers: 0 is not right; write a whole number from 1 to 1024"},
        {"limits:\n  workers: 010\n", "limits.workers: 010 is not right"},
        {"limits:\n  workers: 99999999999999999999999\n", "F:13:12: limits.workers"},
        {"development: yes\n", "F:12:14: development: 'yes' does not fit; write true or false"},
        {"front: 8080\n", "F:12:8: front: '8080' does not fit; write the keys of this section"},
        {"front: {address: [a]}\n", "F:12:18: front.address: this value does not fit; write an address"},
        {"front: {address: \"8080\"}\n", "F:12:18: front.address: is not right; write an address and a port"},
        {"front: {address: \"localhost:80\"}\n", "front.address: is not right"},
        {"front: {address: \"[::1]:99999\"}\n", "front.address: is not right"},
        {"front: {key: k}\n", "F:12:8: front.certificate: is missing while front.key is given"},
        {"front: {address: \"127.0.0.1:9090\"}\n", "internal.address: is the address of front too"},
        {"log_level: loud\n", "F:12:12: log_level: is not right; write debug, info, warning or error"},
        {"proxies: {trusted: [127.0.0.1, ten]}\n",
         "F:12:32: proxies.trusted[1]: is not an address or CIDR block"},
        {"proxies: {trusted: [10.0.0.1/8]}\n", "proxies.trusted[0]: is not an address"},
        {"front: {address: \"[127.0.0.1]:80\"}\n", "front.address: is not right"},
        {"front: {address: \"::1:80\"}\n", "front.address: is not right"},
        {"proxies: {trusted: [10.0.0.0/33]}\n", "proxies.trusted[0]: is not an address"},
        {"proxies: {trusted: [[a]]}\n", "F:12:21: proxies.trusted[0]: this value does not fit"},
        {"proxies: {client_certificate_header: \"Client Cert\"}\n",
         "proxies.client_certificate_header: is not right"},
        {"proxies: {client_certificate_header: Client-Cert}\n", "is given but no proxy is trusted"},
        {"dva: {name: x}\n", "F:12:1: dva: this key is given twice; keep one of them"},
        {"front: &a {}\n", "F:12:8: anchors (&) and tags (!) are not accepted"},
        {"front: *a\n", "aliases (*) are not accepted"},
        {"front: !!str x\n", "anchors (&) and tags (!)"},
        {"---\nfront:\n", "F:12:1: a second document starts here"},
        {"? [a]\n: b\n", "F:12:3: a key must be a plain word"},
        {"front.address: x\n", "F:12:1: a key here has characters that no key has"},
        {"a: {b: {c: {d: {e: {f: {g: {h: {i: 1}}}}}}}}\n", "nested too deep"},
        {"front: [\n", "not YAML: "},
        {"lifetimes: {refresh_window: 31}\n", "lifetimes.refresh_window: 31 is not right"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_fault(fixture, with(fixture, cases[i].extra), cases[i].expected);
}

static void urls_are_checked(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *url;
        const char *expected;
    } cases[] = {
        {"https://sluis.example.nl/", "ends with a slash"},
        {"https://sluis.example.nl/pad", "not a URL of a host name in lower case and nothing behind it"},
        {"https://sluis.example.nl:8443", "has a port, which the MedMij provider list does not allow"},
        {"https://sluis.example.nl?x", "not a URL of a host name"},
        {"https://Sluis.example.nl", "not a URL of a host name"},
        {"https://u@sluis.example.nl", "not a URL of a host name"},
        {"https://", "not a URL of a host name"},
        {"https://a..nl", "not a URL of a host name"},
        {"ftp://sluis.example.nl", "does not start with https://"},
        {"", "is missing; write an https URL"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_fault(fixture,
                     without(fixture, "https://sluis.example.nl\n",
                             arena_printf(fixture->arena, "\"%s\"\n", cases[i].url)),
                     arena_printf(fixture->arena, "base_url: %s",
                                  cases[i].expected[0] == 'n'
                                      ? arena_printf(fixture->arena, "is %s", cases[i].expected)
                                      : cases[i].expected));
    expect_fault(fixture, without(fixture, "location: a.xml", "location: \"ftp://x/a.xml\""),
                 "lists.providers.location: is a URL of another kind than https");
    expect_fault(fixture, without(fixture, "location: a.xml", "location: \"http://x.nl/a.xml\""),
                 "lists.providers.location: is http");
    expect_fault(fixture, without(fixture, "sqlite:data/s.db", "mysql:x"), "store.url: is not right");
    expect_fault(fixture, without(fixture, ", client_ca: /etc/ca.crt", ""),
                 "F:3:7: back.client_ca: is missing: PGO servers are known by their client certificate");
    expect_fault(fixture, without(fixture, "certificate: b.crt, key: b.key, ", ""),
                 "F:3:7: back.certificate: is missing: tokens are given over mutual TLS only");
}

static void all_faults_are_told_together(void **state)
{
    struct fixture *fixture = *state;
    write_file(fixture,
               STR("development: maybe\nbase_url: http://x.nl\nlimits: {workers: x, body: 1, what: 2}\n"));
    struct conf *conf;
    struct yaml_faults faults;
    assert_int_equal(conf_load_all(fixture->path, fixture->arena, &conf, &faults), FAILED);
    /* 1 unknown key, 2 wrong types, base_url, body, and the 9 required keys that are left. */
    assert_int_equal(faults.count, 14);
    struct failure failure;
    assert_int_equal(conf_load(fixture->path, &conf, &failure), FAILED);
    assert_non_null(strstr(failure.text, "(and 13 more: see `sluis check`)"));
}

static void files_that_are_no_configuration(void **state)
{
    struct fixture *fixture = *state;
    expect_fault(fixture, "[1, 2]\n", "F:1:1: this is not a mapping of keys to values");
    expect_fault(fixture, "", "base_url: is missing");
    expect_fault(fixture, "\xff\xfe\xff", "not YAML");
    expect_fault(fixture, arena_printf(fixture->arena, "%*s", 300000, ""), "larger than 262144 bytes");
    struct conf *conf;
    struct failure failure;
    assert_int_equal(conf_load("/nowhere/sluis.yaml", &conf, &failure), FAILED);
    assert_non_null(
        strstr(failure.text, "/nowhere/sluis.yaml: No such file or directory; name the configuration"));
    assert_int_equal(conf_load("/tmp", &conf, &failure), FAILED);
}

static void sample_loads_and_shows_every_key(void **state)
{
    struct fixture *fixture = *state;
    struct buf buf = buf_new(fixture->arena, 1 << 20);
    conf_write_sample(&buf);
    assert_false(buf.overflowed);
    write_file(fixture, buf_str(&buf));
    struct conf *conf;
    struct failure failure = {""};
    if (conf_load(fixture->path, &conf, &failure) != OK)
        fail_msg("%s", failure.text);
    conf_free(&conf);

    /* With every comment mark in front of a key taken away it still loads: all examples are right. */
    char *text = arena_strdup(fixture->arena, buf_c(&buf));
    struct buf full = buf_new(fixture->arena, 1 << 20);
    size_t keys = 0;
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        char *mark = line + strspn(line, " ");
        bool is_prose = mark[0] == '#' && mark[1] == ' ';
        if (mark[0] == '#' && !is_prose)
            memmove(mark, mark + 1, strlen(mark));
        keys += !is_prose && line[strlen(line) - 1] != ':' && line[0] != '\0';
        if (strncmp(line, "development:", 12) == 0)
            line = arena_strdup(fixture->arena, "development: true");
        buf_printf(&full, "%s\n", line);
    }
    assert_int_equal(keys, conf_row_count);
    write_file(fixture, buf_str(&full));
    if (conf_load(fixture->path, &conf, &failure) != OK)
        fail_msg("%s", failure.text);
    conf_free(&conf);
}

static void manual_page_is_the_generated_one(void **state)
{
    struct fixture *fixture = *state;
    struct buf buf = buf_new(fixture->arena, 1 << 20);
    conf_write_manual(&buf);
    assert_false(buf.overflowed);
    const char *tests = getenv("TEST_DIR");
    assert_non_null(tests);
    struct str committed;
    struct failure failure;
    const char *path = arena_printf(fixture->arena, "%s/../docs/man/sluis.yaml.5.md", tests);
    assert_int_equal(file_read(fixture->arena, path, 1 << 20, &committed, &failure), OK);
    if (!str_equal(committed, buf_str(&buf)))
        fail_msg("run: sluis check --manual > docs/man/sluis.yaml.5.md");
}

static void rows_are_sound(void **state)
{
    (void)state;
    for (size_t i = 0; i < conf_row_count; i++) {
        const struct conf_row *row = &conf_rows[i];
        if (row->text == NULL || (row->standard == NULL && row->example == NULL))
            fail_msg("%s: no text, or neither default nor example", row->key);
        if (row->is_required && row->standard != NULL)
            fail_msg("%s: required and yet a default", row->key);
        if ((row->type == CONF_BOOL || row->type == CONF_INT) && row->standard == NULL)
            fail_msg("%s: no default", row->key);
        for (size_t j = 0; j < i; j++)
            if (strcmp(conf_rows[j].key, row->key) == 0 || conf_rows[j].offset == row->offset)
                fail_msg("%s: key or member is used twice", row->key);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(least_file_gets_defaults_and_resolved_paths, set_up, tear_down),
        cmocka_unit_test_setup_teardown(development_opens_http_for_localhost_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_fault_has_its_place_and_remedy, set_up, tear_down),
        cmocka_unit_test_setup_teardown(urls_are_checked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(all_faults_are_told_together, set_up, tear_down),
        cmocka_unit_test_setup_teardown(files_that_are_no_configuration, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sample_loads_and_shows_every_key, set_up, tear_down),
        cmocka_unit_test_setup_teardown(manual_page_is_the_generated_one, set_up, tear_down),
        cmocka_unit_test(rows_are_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
