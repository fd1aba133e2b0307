-- The professional's door. Times are seconds since 1970 (UTC) unless the name ends in _ms; the rest as in 001.

-- Business data, written by `sluis import`; shares catalog_version.
CREATE TABLE sso_host (
  name TEXT PRIMARY KEY,
  platform TEXT NOT NULL,
  environment TEXT NOT NULL,
  base_url TEXT NOT NULL
);

CREATE TABLE sso_connection (
  id TEXT PRIMARY KEY,
  platform TEXT NOT NULL,
  environment TEXT NOT NULL,
  slug TEXT NOT NULL,
  customer_key TEXT NOT NULL,
  provider_key TEXT NOT NULL,
  status TEXT NOT NULL,
  version BIGINT NOT NULL,
  preset TEXT NOT NULL DEFAULT '',
  issuer TEXT NOT NULL DEFAULT '',
  metadata_url TEXT NOT NULL DEFAULT '',
  authorization_endpoint TEXT NOT NULL DEFAULT '',
  token_endpoint TEXT NOT NULL DEFAULT '',
  jwks_uri TEXT NOT NULL DEFAULT '',
  userinfo_endpoint TEXT NOT NULL DEFAULT '',
  end_session_endpoint TEXT NOT NULL DEFAULT '',
  client_id TEXT NOT NULL DEFAULT '',
  client_auth TEXT NOT NULL DEFAULT '',
  scope TEXT NOT NULL DEFAULT '',
  acr_values TEXT NOT NULL DEFAULT '',
  is_acr_required INTEGER NOT NULL DEFAULT 0,
  prompt TEXT NOT NULL DEFAULT '',
  extra_parameters TEXT NOT NULL DEFAULT '',
  max_age_s BIGINT NOT NULL DEFAULT -1,
  signing_algs TEXT NOT NULL DEFAULT '',
  skew_s BIGINT NOT NULL DEFAULT 0,
  response_mode TEXT NOT NULL DEFAULT '',
  callback_mode TEXT NOT NULL DEFAULT '',
  userinfo TEXT NOT NULL DEFAULT '',
  location_claim TEXT NOT NULL DEFAULT '',
  location_id_key TEXT NOT NULL DEFAULT '',
  location_name_key TEXT NOT NULL DEFAULT '',
  location_delimiter TEXT NOT NULL DEFAULT '',
  is_location_json_in_string INTEGER NOT NULL DEFAULT 0,
  is_location_case_folded INTEGER NOT NULL DEFAULT 0,
  is_location_dn_stripped INTEGER NOT NULL DEFAULT 0,
  is_location_slash_stripped INTEGER NOT NULL DEFAULT 0,
  location_prefix TEXT NOT NULL DEFAULT '',
  subject_claim TEXT NOT NULL DEFAULT '',
  name_claim TEXT NOT NULL DEFAULT '',
  email_claim TEXT NOT NULL DEFAULT '',
  employee_claim TEXT NOT NULL DEFAULT '',
  ceiling TEXT NOT NULL DEFAULT '',
  is_session_without_permissions INTEGER NOT NULL DEFAULT 0,
  default_view TEXT NOT NULL DEFAULT '',
  patient_context TEXT NOT NULL DEFAULT '',
  idle_s BIGINT NOT NULL DEFAULT 0,
  absolute_s BIGINT NOT NULL DEFAULT 0,
  idp_logout TEXT NOT NULL DEFAULT '',
  notify_address TEXT NOT NULL DEFAULT '',
  application TEXT NOT NULL DEFAULT '',
  ca_file TEXT NOT NULL DEFAULT '',
  is_private_allowed INTEGER NOT NULL DEFAULT 0,
  -- The slug, not its two parts: "a_b" + "c" and "a" + "b_c" are one URL (ADR-1).
  UNIQUE (platform, environment, slug)
);

CREATE TABLE sso_secret (
  connection TEXT NOT NULL REFERENCES sso_connection (id) ON DELETE CASCADE,
  ordinal INTEGER NOT NULL,
  value_sealed $BLOB NOT NULL,
  set_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (connection, ordinal)
);

CREATE TABLE sso_context_key (
  connection TEXT NOT NULL REFERENCES sso_connection (id) ON DELETE CASCADE,
  ordinal INTEGER NOT NULL,
  kid TEXT NOT NULL,
  key_sealed $BLOB NOT NULL,
  PRIMARY KEY (connection, ordinal)
);

CREATE TABLE sso_group (
  customer_key TEXT NOT NULL,
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  is_active INTEGER NOT NULL,
  PRIMARY KEY (customer_key, name)
);

CREATE TABLE sso_group_permission (
  customer_key TEXT NOT NULL,
  name TEXT NOT NULL,
  ordinal INTEGER NOT NULL,
  permission TEXT NOT NULL,
  department TEXT NOT NULL,
  PRIMARY KEY (customer_key, name, ordinal),
  FOREIGN KEY (customer_key, name) REFERENCES sso_group (customer_key, name) ON DELETE CASCADE
);

CREATE TABLE sso_ceiling (
  customer_key TEXT NOT NULL,
  name TEXT NOT NULL,
  PRIMARY KEY (customer_key, name)
);

CREATE TABLE sso_ceiling_permission (
  customer_key TEXT NOT NULL,
  name TEXT NOT NULL,
  ordinal INTEGER NOT NULL,
  permission TEXT NOT NULL,
  department TEXT NOT NULL,
  PRIMARY KEY (customer_key, name, ordinal),
  FOREIGN KEY (customer_key, name) REFERENCES sso_ceiling (customer_key, name) ON DELETE CASCADE
);

CREATE TABLE sso_view (
  name TEXT PRIMARY KEY,
  needs_patient INTEGER NOT NULL,
  needs_department INTEGER NOT NULL,
  path TEXT NOT NULL,
  permission TEXT NOT NULL,
  is_limited INTEGER NOT NULL
);

-- The mapping table (MAP-1 to -11): written by logins, so not part of the business data.
CREATE TABLE sso_mapping (
  id TEXT PRIMARY KEY,
  connection TEXT NOT NULL,
  code TEXT NOT NULL,
  name TEXT NOT NULL,
  status INTEGER NOT NULL,
  group_name TEXT NOT NULL DEFAULT '',
  origin TEXT NOT NULL,
  remark TEXT NOT NULL DEFAULT '',
  first_seen BIGINT NOT NULL DEFAULT 0,
  last_seen BIGINT NOT NULL DEFAULT 0,
  seen_count BIGINT NOT NULL DEFAULT 0,
  first_log TEXT NOT NULL DEFAULT '',
  version BIGINT NOT NULL DEFAULT 1,
  changed_by TEXT NOT NULL DEFAULT '',
  changed_at BIGINT NOT NULL DEFAULT 0,
  UNIQUE (connection, code)
);

-- How many rows logins added per connection and day (MAP-8). The row's lock is also what makes two nodes add
-- one after the other.
CREATE TABLE sso_mapping_day (
  connection TEXT NOT NULL,
  day BIGINT NOT NULL,
  added BIGINT NOT NULL,
  PRIMARY KEY (connection, day)
);

CREATE TABLE sso_user (
  id TEXT PRIMARY KEY,
  issuer TEXT NOT NULL,
  subject TEXT NOT NULL,
  sub_raw TEXT NOT NULL,
  display_name TEXT NOT NULL,
  email TEXT NOT NULL,
  employee_number TEXT NOT NULL,
  is_blocked INTEGER NOT NULL DEFAULT 0,
  created_at BIGINT NOT NULL,
  last_login_at BIGINT NOT NULL,
  UNIQUE (issuer, subject)
);

-- ends_at is the earlier of expires_at and seen_at + idle_s.
CREATE TABLE sso_session (
  digest $BLOB PRIMARY KEY,
  user_id TEXT NOT NULL,
  connection TEXT NOT NULL,
  issuer TEXT NOT NULL,
  subject TEXT NOT NULL,
  sid TEXT NOT NULL,
  display_name TEXT NOT NULL,
  group_names TEXT NOT NULL,
  permissions TEXT NOT NULL,
  locations TEXT NOT NULL,
  landing TEXT NOT NULL,
  patient_sealed $BLOB,
  is_limited INTEGER NOT NULL,
  id_token_sealed $BLOB,
  acr TEXT NOT NULL,
  log_reference TEXT NOT NULL,
  login_at BIGINT NOT NULL,
  seen_at BIGINT NOT NULL,
  idle_s BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  ends_at BIGINT NOT NULL
);
CREATE INDEX sso_session_sid ON sso_session (issuer, sid) WHERE sid <> '';
CREATE INDEX sso_session_subject ON sso_session (issuer, subject);
CREATE INDEX sso_session_user ON sso_session (user_id);
CREATE INDEX sso_session_log ON sso_session (log_reference);
CREATE INDEX sso_session_end ON sso_session (ends_at);

-- One-time values: digest is SHA-256 of the value.
CREATE TABLE replay (
  kind TEXT NOT NULL,
  digest $BLOB NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (kind, digest)
);
CREATE INDEX replay_expiry ON replay (expires_at);

-- The numbered exchange log: the summary, and until details are purged its steps (spec 5.4) as JSON.
CREATE TABLE sso_log (
  reference TEXT PRIMARY KEY,
  connection TEXT NOT NULL,
  slug TEXT NOT NULL,
  customer_key TEXT NOT NULL,
  environment TEXT NOT NULL,
  started_at_ms BIGINT NOT NULL,
  ended_at_ms BIGINT NOT NULL,
  result TEXT NOT NULL,
  code BIGINT NOT NULL,
  cause TEXT NOT NULL,
  user_id TEXT NOT NULL,
  user_name TEXT NOT NULL,
  steps TEXT NOT NULL,
  -- Which location ids are indexed for this entry, and under which start.
  location_digest $BLOB,
  indexed_start_ms BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX sso_log_start ON sso_log (started_at_ms, reference);
CREATE INDEX sso_log_connection ON sso_log (connection, started_at_ms, reference);
CREATE INDEX sso_log_customer ON sso_log (customer_key, started_at_ms, reference);
CREATE INDEX sso_log_code ON sso_log (code, started_at_ms, reference);
CREATE INDEX sso_log_details ON sso_log (started_at_ms) WHERE steps <> '';

-- The location ids of step 6, in the order received. Sorted by time, so that inserts stay at the end.
CREATE TABLE sso_log_location (
  started_at_ms BIGINT NOT NULL,
  reference TEXT NOT NULL,
  ordinal INTEGER NOT NULL,
  location TEXT NOT NULL,
  PRIMARY KEY (started_at_ms, reference, ordinal)
);
CREATE INDEX sso_log_location_id ON sso_log_location (location, started_at_ms, reference);

-- One row per connection that ever mailed: its lock orders offers and summaries of that connection.
CREATE TABLE outbox_connection (
  connection TEXT PRIMARY KEY,
  touched_at BIGINT NOT NULL
);

-- What keeps one fault from becoming a flood (MAIL-6): the open window of a fingerprint, and the repeats that it
-- held back, with the newest text.
CREATE TABLE outbox_window (
  connection TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  length_s BIGINT NOT NULL,
  closes_at BIGINT NOT NULL,
  last_at BIGINT NOT NULL,
  repeats BIGINT NOT NULL,
  first_repeat_at BIGINT NOT NULL,
  recipients TEXT NOT NULL,
  subject TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (connection, fingerprint)
);
CREATE INDEX outbox_window_close ON outbox_window (closes_at) WHERE repeats > 0;
CREATE INDEX outbox_window_last ON outbox_window (last_at);

-- state: 1 waits or is leased (due_at), 2 sent, 3 given up.
CREATE TABLE outbox (
  id TEXT PRIMARY KEY,
  connection TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  recipients TEXT NOT NULL,
  subject TEXT NOT NULL,
  body TEXT NOT NULL,
  repeats BIGINT NOT NULL,
  first_at BIGINT NOT NULL,
  last_at BIGINT NOT NULL,
  is_last INTEGER NOT NULL,
  state INTEGER NOT NULL DEFAULT 1,
  attempts INTEGER NOT NULL DEFAULT 0,
  queued_at BIGINT NOT NULL,
  due_at BIGINT NOT NULL,
  done_at BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX outbox_due ON outbox (due_at) WHERE state = 1;
CREATE INDEX outbox_done ON outbox (done_at) WHERE state <> 1;
CREATE INDEX outbox_queued ON outbox (connection, queued_at);
