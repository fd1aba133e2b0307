-- Linking (USR-2): one user may come in by several identity providers.

-- The user that this issuer and subject belong to besides that user's own; '' = the row is a user.
ALTER TABLE sso_user ADD COLUMN linked_to TEXT NOT NULL DEFAULT '';
CREATE INDEX sso_user_linked ON sso_user (linked_to) WHERE linked_to <> '';

-- Empty = nobody is linked.
ALTER TABLE sso_connection ADD COLUMN link_claim TEXT NOT NULL DEFAULT '';

-- What that claim said of a user at that connection's last login, as a keyed hash.
CREATE TABLE sso_link (
  connection TEXT NOT NULL,
  user_id TEXT NOT NULL,
  value_hash $BLOB NOT NULL,
  PRIMARY KEY (connection, user_id)
);
CREATE INDEX sso_link_value ON sso_link (value_hash);
CREATE INDEX sso_link_user ON sso_link (user_id);

-- The row's lock makes first logins of one customer go one after the other, on all nodes.
CREATE TABLE sso_link_turn (
  platform TEXT NOT NULL,
  environment TEXT NOT NULL,
  customer_key TEXT NOT NULL,
  turn BIGINT NOT NULL,
  PRIMARY KEY (platform, environment, customer_key)
);
