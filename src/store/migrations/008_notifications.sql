-- What an administrator was told of failed logins, and what not and why (spec sso.md 4.10). State 4 of the outbox
-- is a failure that was not mailed by itself; it has a reason and no body.
ALTER TABLE outbox ADD COLUMN code BIGINT NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN cause TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN reference TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN reason TEXT NOT NULL DEFAULT '';
CREATE INDEX outbox_mailed ON outbox (connection, queued_at) WHERE state <> 4;
CREATE INDEX outbox_listed ON outbox (queued_at, id);

-- Of the newest failure; the longest a window grows; the moments of failures that count up to the first mail.
ALTER TABLE outbox_window ADD COLUMN code BIGINT NOT NULL DEFAULT 0;
ALTER TABLE outbox_window ADD COLUMN cause TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox_window ADD COLUMN reference TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox_window ADD COLUMN max_s BIGINT NOT NULL DEFAULT 86400;
ALTER TABLE outbox_window ADD COLUMN recent TEXT NOT NULL DEFAULT '';

-- Mails that go out once: the digest of a day, the reminder of a step.
CREATE TABLE outbox_once (
  connection TEXT NOT NULL,
  topic TEXT NOT NULL,
  step BIGINT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (connection, topic, step)
);
CREATE INDEX outbox_once_at ON outbox_once (at);

-- An identity provider that fails (MAIL-8): not open yet while it is only suspected.
CREATE TABLE outbox_outage (
  connection TEXT PRIMARY KEY,
  fingerprint TEXT NOT NULL,
  recipients TEXT NOT NULL,
  subject TEXT NOT NULL,
  body TEXT NOT NULL,
  recovery_subject TEXT NOT NULL,
  recovery_body TEXT NOT NULL,
  code BIGINT NOT NULL,
  reference TEXT NOT NULL,
  recent TEXT NOT NULL,
  failures BIGINT NOT NULL,
  first_at BIGINT NOT NULL,
  last_at BIGINT NOT NULL,
  is_open INTEGER NOT NULL,
  is_mailed INTEGER NOT NULL
);
