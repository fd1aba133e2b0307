-- When the person logged in, as the identity provider says (auth_time); 0 = it does not.
ALTER TABLE sso_session ADD COLUMN auth_at BIGINT NOT NULL DEFAULT 0;
