-- The house as it first stood. $BLOB is BYTEA on PostgreSQL and BLOB on SQLite; everything else is common SQL.
-- Times are seconds since 1970 (UTC), booleans 0/1, ids UUIDv7 as text. Digests are SHA-256, 32 bytes.

-- One visit of one person; short-lived. identity is the only place a BSN stays outside the register, sealed.
CREATE TABLE flow (
  id TEXT PRIMARY KEY,
  door TEXT NOT NULL,
  stage INTEGER NOT NULL,
  state_digest $BLOB NOT NULL UNIQUE,
  browser_digest $BLOB NOT NULL,
  connection TEXT NOT NULL,
  issuer TEXT NOT NULL,
  nonce TEXT NOT NULL,
  code_verifier_sealed $BLOB,
  payload_sealed $BLOB NOT NULL,
  identity_sealed $BLOB,
  acr TEXT NOT NULL DEFAULT '',
  form_digest $BLOB,
  outcome TEXT NOT NULL DEFAULT '',
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX flow_expiry ON flow (expires_at);

-- The consent register: one row per statement (spec 8.3).
CREATE TABLE consent (
  id TEXT PRIMARY KEY,
  person_hash $BLOB NOT NULL,
  person_sealed $BLOB NOT NULL,
  provider TEXT NOT NULL,
  provider_name TEXT NOT NULL,
  client_host TEXT NOT NULL,
  client_name TEXT NOT NULL,
  function TEXT NOT NULL,
  services_shown TEXT NOT NULL,
  service_names TEXT NOT NULL,
  services_granted TEXT NOT NULL,
  days BIGINT NOT NULL,
  text_version TEXT NOT NULL,
  text_hash TEXT NOT NULL,
  is_given INTEGER NOT NULL,
  is_indefinite INTEGER NOT NULL,
  login_level TEXT NOT NULL,
  identity_provider TEXT NOT NULL,
  stated_at BIGINT NOT NULL,
  trace_id TEXT NOT NULL,
  session_id TEXT NOT NULL,
  last_used_at BIGINT NOT NULL DEFAULT 0,
  withdrawn_at BIGINT NOT NULL DEFAULT 0,
  withdrawn_by TEXT NOT NULL DEFAULT ''
);
CREATE INDEX consent_person ON consent (person_hash, id);

-- What one authorization code leads to. The code retires at its first offer (core.tknint.204).
CREATE TABLE token_grant (
  id TEXT PRIMARY KEY,
  consent_id TEXT NOT NULL REFERENCES consent (id),
  client_host TEXT NOT NULL,
  redirect_uri TEXT NOT NULL,
  correlation_id TEXT NOT NULL,
  code_digest $BLOB NOT NULL UNIQUE,
  code_challenge TEXT NOT NULL,
  code_expires_at BIGINT NOT NULL,
  code_offered_at BIGINT NOT NULL DEFAULT 0,
  revoked_at BIGINT NOT NULL DEFAULT 0,
  revoked_why TEXT NOT NULL DEFAULT ''
);
CREATE INDEX token_grant_consent ON token_grant (consent_id);
CREATE INDEX token_grant_unoffered ON token_grant (code_expires_at) WHERE code_offered_at = 0;

CREATE TABLE access_token (
  digest $BLOB PRIMARY KEY,
  grant_id TEXT NOT NULL REFERENCES token_grant (id),
  services TEXT NOT NULL,
  issued_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  revoked_at BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX access_token_grant ON access_token (grant_id);
CREATE INDEX access_token_expiry ON access_token (expires_at);

CREATE TABLE refresh_token (
  digest $BLOB PRIMARY KEY,
  grant_id TEXT NOT NULL REFERENCES token_grant (id),
  issued_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  rotated_at BIGINT NOT NULL DEFAULT 0,
  sealed_answer $BLOB
);
CREATE INDEX refresh_token_grant ON refresh_token (grant_id);
CREATE INDEX refresh_token_expiry ON refresh_token (expires_at);
CREATE INDEX refresh_token_answer ON refresh_token (rotated_at) WHERE sealed_answer IS NOT NULL;

-- Business data, written by `sluis import`.
CREATE TABLE catalog_version (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  version BIGINT NOT NULL
);
INSERT INTO catalog_version (one, version) VALUES (1, 0);

CREATE TABLE identity_provider (
  id TEXT PRIMARY KEY,
  label TEXT NOT NULL,
  picture $BLOB,
  picture_type TEXT NOT NULL,
  level BIGINT NOT NULL,
  level_name TEXT NOT NULL,
  issuer TEXT NOT NULL,
  metadata_url TEXT NOT NULL,
  client_id TEXT NOT NULL,
  client_secret_sealed $BLOB NOT NULL,
  client_auth TEXT NOT NULL,
  scope TEXT NOT NULL,
  acr_values TEXT NOT NULL,
  is_acr_required INTEGER NOT NULL,
  signing_algs TEXT NOT NULL,
  userinfo TEXT NOT NULL,
  bsn_claim TEXT NOT NULL,
  ca_file TEXT NOT NULL,
  is_private_allowed INTEGER NOT NULL
);

CREATE TABLE provider (
  name TEXT PRIMARY KEY,
  display_name TEXT NOT NULL,
  interface_version TEXT NOT NULL,
  text_set TEXT NOT NULL,
  is_legacy_scope INTEGER NOT NULL,
  privacy_url TEXT NOT NULL,
  color TEXT NOT NULL,
  logo $BLOB,
  logo_type TEXT NOT NULL,
  announcement TEXT NOT NULL,
  availability TEXT NOT NULL,
  availability_url TEXT NOT NULL,
  availability_secret_sealed $BLOB NOT NULL,
  availability_timeout_ms BIGINT NOT NULL,
  is_checked_before_consent INTEGER NOT NULL,
  is_checked_at_token INTEGER NOT NULL
);

CREATE TABLE provider_service (
  provider TEXT NOT NULL REFERENCES provider (name) ON DELETE CASCADE,
  service TEXT NOT NULL,
  function TEXT NOT NULL,
  max_days BIGINT NOT NULL,
  ordinal INTEGER NOT NULL,
  PRIMARY KEY (provider, service, function)
);

CREATE TABLE provider_identity_provider (
  provider TEXT NOT NULL REFERENCES provider (name) ON DELETE CASCADE,
  identity_provider TEXT NOT NULL REFERENCES identity_provider (id),
  ordinal INTEGER NOT NULL,
  PRIMARY KEY (provider, identity_provider)
);

-- Last good copies of the MedMij lists.
CREATE TABLE list_copy (
  kind TEXT PRIMARY KEY,
  volgnummer BIGINT NOT NULL,
  xml $BLOB NOT NULL,
  fetched_at BIGINT NOT NULL
);

-- Append-only, hash-chained per node.
CREATE TABLE audit (
  node TEXT NOT NULL,
  number BIGINT NOT NULL,
  at BIGINT NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  subject TEXT NOT NULL,
  details TEXT NOT NULL,
  hash $BLOB NOT NULL,
  PRIMARY KEY (node, number)
);

-- The newest entry of each chain: its lock gives out the numbers, and it tells when the end of a chain is gone.
CREATE TABLE audit_head (
  node TEXT PRIMARY KEY,
  number BIGINT NOT NULL,
  hash $BLOB NOT NULL
);
