/*
 * A small SMTP server (RFC 5321) for the mailbox: EHLO, STARTTLS (RFC 3207), MAIL, RCPT, DATA, RSET, NOOP,
 * QUIT. It takes mail for anyone and delivers nothing. A handful of threads take turns at one socket, so what
 * it can hold is bounded: lines of 2000 bytes, 100 recipients, messages of 1 MiB, a minute of silence.
 */
#ifndef SIM_SMTP_H
#define SIM_SMTP_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

enum smtp_mode {
    SMTP_ACCEPT,
    SMTP_DEFER,  /* 451 to every sender: try again later */
    SMTP_REFUSE, /* 550 to every recipient */
    SMTP_CLOSED, /* 421 and the connection is closed */
};

struct smtp_mail { /* lives during the call of the sink */
    struct str from;
    struct str *recipients;
    size_t recipient_count;
    struct str data; /* dots taken out; lines end with CRLF */
    bool is_tls;
};

struct smtp_settings {
    const char *address; /* "127.0.0.1" */
    unsigned port;
    const char *certificate; /* PEM; when the file is not there STARTTLS is not offered */
    const char *key;
    void (*sink)(void *context, const struct smtp_mail *mail); /* any of the server's threads */
    enum smtp_mode (*mode)(void *context);
    void *context;
};

struct smtp_server;

enum outcome smtp_start(const struct smtp_settings *settings, struct smtp_server **out_server,
                        struct failure *failure) MUST_CHECK;
/* Waits for its threads; they leave their connections within a second, or five in a TLS handshake. */
void smtp_stop(struct smtp_server **server);

#endif
