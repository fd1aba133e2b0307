-- Applications that log people in at Sluis's own OpenID provider: business data, as in 002.
CREATE TABLE sso_application (
  platform TEXT NOT NULL,
  environment TEXT NOT NULL,
  client_id TEXT NOT NULL,
  name TEXT NOT NULL,
  status TEXT NOT NULL,
  customer_key TEXT NOT NULL,
  connections TEXT NOT NULL,
  client_auth TEXT NOT NULL,
  secret_sealed $BLOB,
  redirect_uris TEXT NOT NULL,
  post_logout_redirect_uris TEXT NOT NULL,
  PRIMARY KEY (platform, environment, client_id)
);
