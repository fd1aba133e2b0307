#include "cli/mail_client.h"

#include "conf/file.h"

#define PASSWORD_FILE_MAX 1024

static enum outcome read_password(const char *path, struct secret **out_password, struct failure *failure)
{
    struct arena *arena = arena_new();
    struct str password;
    enum outcome outcome =
        file_read_secret(arena, path, PASSWORD_FILE_MAX, &password, failure) == OK ? OK : FAILED;
    if (outcome == OK)
        *out_password = secret_new(str_slice(password, 0, str_find(password, '\n')));
    arena_free(&arena);
    return outcome;
}

enum outcome mail_client_open(const struct conf *conf, struct secret **out_password,
                              struct smtp_client *out_client, struct failure *failure)
{
    *out_password = NULL;
    if (conf->mail_server == NULL || conf->mail_server[0] == '\0')
        return ABSENT;
    if (conf->mail_password_file != NULL &&
        read_password(conf->mail_password_file, out_password, failure) != OK)
        return failure_prefix(failure, "mail.password_file");
    *out_client = (struct smtp_client){
        .server = conf->mail_server,
        .sender = conf->mail_sender,
        .user = conf->mail_user,
        .password = *out_password,
        .ca_file = conf->mail_ca,
        .is_development = conf->is_development,
    };
    return OK;
}
