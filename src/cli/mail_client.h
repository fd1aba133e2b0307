/*
 * The mail server as the configuration has it, for those who send: `sluis serve` and the test mail of
 * `sluis sso notifications`.
 */
#ifndef CLI_MAIL_CLIENT_H
#define CLI_MAIL_CLIENT_H

#include "conf/conf.h"
#include "mail/smtp.h"

/* ABSENT when there is none. The strings are the configuration's; the password is the caller's to free, also
 * after a failure. */
enum outcome mail_client_open(const struct conf *conf, struct secret **out_password,
                              struct smtp_client *out_client, struct failure *failure) MUST_CHECK;

#endif
