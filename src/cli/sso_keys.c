#include "cli/sso.h"

#include "base/clock.h"
#include "sso/signing.h"

#include <stdio.h>

#define ANNOUNCED_S 86400 /* by then every application has read the new key set */

static const char *state_word(enum signing_key_state state)
{
    switch (state) {
    case SIGNING_KEY_ANNOUNCED:
        return "announced";
    case SIGNING_KEY_ACTIVE:
        return "active";
    case SIGNING_KEY_RETIRED:
        return "retired";
    case SIGNING_KEY_ENDED:
        break;
    }
    return "ended";
}

static int list_keys(struct cli *cli, void *call)
{
    (void)call;
    static const char *const headings[] = {"KEY", "STATE", "SIGNS FROM", "PUBLISHED UNTIL"};
    struct signing_key_list list;
    int64_t now = clock_now();
    if (signing_key_list(cli->store, now, false, cli->arena, &list) != OK)
        return cli_fail("the signing keys cannot be read");
    if (list.count == 0) {
        printf("no signing key yet: the first is made when it is first needed\n");
        return CLI_OK;
    }
    struct cli_table table = cli_table_new(cli->arena, 4, headings);
    for (size_t i = 0; i < list.count; i++) {
        const struct signing_key *key = &list.items[i];
        cli_table_add(&table, cli_printable(cli->arena, key->kid));
        cli_table_add(&table, state_word(signing_key_state(&list, i, now)));
        cli_table_add(&table, cli_time(cli->arena, key->active_at));
        cli_table_add(&table, cli_time(cli->arena, key->ends_at));
    }
    cli_table_print(&table);
    return CLI_OK;
}

static int list_command(int argc, char **argv)
{
    const struct cli_usage usage = {
        .command = "sluis sso keys list",
        .arguments = "",
        .summary = "Prints the keys that Sluis signs with and since when; never a key itself.",
        .opens = CLI_OPENS_STORE,
    };
    return cli_run(&usage, argc, argv, NULL, list_keys, NULL);
}

struct rotate_call {
    const char *at; /* NULL = not given */
    bool is_now;
    int64_t at_ms;
};

static int check_time(const struct cli_usage *usage, void *context, char **arguments, int count)
{
    (void)arguments, (void)count;
    struct rotate_call *call = context;
    if (call->at != NULL && call->is_now)
        return cli_misuse(usage, "--at and --now do not go together");
    if (call->at != NULL && !sso_read_time(str_from_c(call->at), &call->at_ms))
        return cli_misuse(usage, "--at takes a time in UTC, such as 2026-11-22 or 2026-11-22T03:00:00Z");
    return CLI_GO_ON;
}

static int rotate(struct cli *cli, void *context)
{
    const struct rotate_call *call = context;
    struct failure failure;
    struct signing_key key;
    struct signing_key_turn turn;
    int64_t now = clock_now();
    if (call->at != NULL && call->at_ms / 1000 < now)
        return cli_fail("--at %s has passed; --now is for at once", call->at);
    if (signing_make_key(cli->arena, &key, &failure) != OK)
        return cli_fail("no key could be made: %s", failure.text);
    key.active_at = call->is_now ? now : call->at != NULL ? call->at_ms / 1000 : now + ANNOUNCED_S;
    switch (signing_key_rotate(cli->store, &key, cli->actor, now, cli->arena, &turn)) {
    case OK:
        printf("%s key %.*s; it signs from %s, and the one before stays published until %s\n",
               turn.is_new ? "made" : "activated", STR_ARG(turn.kid), cli_time(cli->arena, turn.active_at),
               cli_time(cli->arena, turn.active_at + SIGNING_KEY_KEPT_S));
        return CLI_OK;
    case ABSENT:
        return cli_fail("a next key is announced already; `sluis sso keys list` tells from when it signs, "
                        "and --now makes it sign at once");
    case FAILED:
        break;
    }
    return cli_fail("the store failed; `sluis sso keys list` tells whether there is a new key");
}

static int rotate_command(int argc, char **argv)
{
    struct rotate_call call = {0};
    const struct cli_option options[] = {
        {"at", 0, "TIME", &call.at, NULL, "when it begins to sign (2026-11-22T03:00:00Z)"},
        {"now", 0, NULL, NULL, &call.is_now,
         "it signs at once, also one that was announced before; an application that keeps the key set for "
         "long may refuse sign-ons for a while"},
    };
    const struct cli_usage usage = {
        .command = "sluis sso keys rotate",
        .arguments = "",
        .summary = "Makes the next key that Sluis signs with. It is published at once and signs from a day "
                   "later, so that every application knows it by then; the one before it stays published for "
                   "two days more. Written to the audit trail. Servers see it within seconds.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .opens = CLI_OPENS_STORE,
    };
    return cli_run(&usage, argc, argv, check_time, rotate, &call);
}

int cli_sso_keys(int argc, char **argv)
{
    static const struct cli_command commands[] = {
        {"list", "tell which keys there are", list_command},
        {"rotate", "announce a next one", rotate_command},
    };
    return cli_dispatch("sluis sso keys", "The keys that Sluis signs with for applications and providers.",
                        commands, sizeof commands / sizeof commands[0], argc, argv);
}
