#include "cli/cli.h"

#include "cli/catalog_file.h"
#include "store/catalog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Beside the file first and then in its place, so that no half file is left. */
static int write_file(struct cli *cli, const char *path, struct str text, bool is_secret)
{
    const char *fresh = arena_printf(cli->arena, "%s.new", path);
    unlink(fresh);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, is_secret ? 0600 : 0644);
    if (fd < 0)
        return cli_fail("%s: %s", fresh, strerror(errno));
    size_t done = 0;
    bool is_written = true;
    while (is_written && done < text.length) {
        ssize_t count = write(fd, text.data + done, text.length - done);
        if (count >= 0)
            done += (size_t)count;
        else
            is_written = errno == EINTR;
    }
    is_written = is_written && fsync(fd) == 0;
    int cause = errno;
    if (close(fd) != 0 && is_written) {
        cause = errno;
        is_written = false;
    }
    if (is_written && rename(fresh, path) == 0)
        return CLI_OK;
    if (is_written)
        cause = errno;
    unlink(fresh);
    return cli_fail("%s: %s", path, strerror(cause));
}

static int export_to(struct cli *cli, const char *path, bool with_secrets)
{
    struct catalog_data data;
    if (catalog_read(cli->store, cli->arena, &data) != OK)
        return cli_fail("the store cannot be read");
    struct buf text = buf_new(cli->arena, CATALOG_FILE_BYTES_MAX);
    buf_printf(&text, "# Exported by sluis %s%s; see sluis-import(5).\n", SLUIS_VERSION,
               with_secrets ? ", with secrets: keep it as you keep the key file" : "");
    catalog_file_write(&text, &data, with_secrets);
    if (text.overflowed)
        return cli_fail("there is more than %u MiB to export", CATALOG_FILE_BYTES_MAX >> 20);
    if (path != NULL)
        return write_file(cli, path, buf_str(&text), with_secrets);
    fwrite(text.data, 1, text.length, stdout);
    return cli_flush();
}

int cli_export(int argc, char **argv)
{
    const char *config = CLI_DEFAULT_CONFIG;
    bool with_secrets = false;
    const struct cli_option options[] = {
        CLI_CONFIG_OPTION(config),
        {"with-secrets", 0, NULL, NULL, &with_secrets,
         "write client secrets and tokens too, readable; without it an import leaves those in the store as "
         "they are"},
    };
    const struct cli_usage usage = {
        .command = "sluis export",
        .arguments = "[FILE]",
        .summary =
            "Writes identity providers and providers as a YAML file that `sluis import` takes back, to "
            "standard output or to FILE, which is replaced as a whole.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .argument_max = 1,
    };
    char **arguments;
    int count;
    int status = cli_parse(&usage, argc, argv, &arguments, &count);
    if (status != CLI_GO_ON)
        return status;
    struct cli cli;
    status = cli_open_store(&cli, config);
    if (status == CLI_OK)
        status = export_to(&cli, count > 0 ? arguments[0] : NULL, with_secrets);
    cli_close(&cli);
    return status;
}
