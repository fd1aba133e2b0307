#include "cli/cli.h"

#include <curl/curl.h>
#include <gnutls/gnutls.h>
#include <libpq-fe.h>
#include <microhttpd.h>
#include <openssl/crypto.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>

static int print_versions(struct cli *cli, void *call)
{
    (void)cli;
    bool is_verbose = *(const bool *)call;
    printf("sluis %s\n", SLUIS_VERSION);
    if (!is_verbose)
        return CLI_OK;
    int postgresql = PQlibVersion();
    printf("libmicrohttpd %s\nGnuTLS %s\nlibcurl %s\n%s\nlibsodium %s\nSQLite %s\nlibpq %d.%d\n",
           MHD_get_version(), gnutls_check_version(NULL), curl_version_info(CURLVERSION_NOW)->version,
           OpenSSL_version(OPENSSL_VERSION), sodium_version_string(), sqlite3_libversion(),
           postgresql / 10000, postgresql % 10000);
    return CLI_OK;
}

int cli_version(int argc, char **argv)
{
    bool is_verbose = false;
    const struct cli_option options[] = {
        {"verbose", 'v', NULL, NULL, &is_verbose, "print the versions of the libraries too"},
    };
    const struct cli_usage usage = {
        .command = "sluis version",
        .arguments = "",
        .summary = "Prints the version of this program.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
    };
    return cli_run(&usage, argc, argv, NULL, print_versions, &is_verbose);
}
