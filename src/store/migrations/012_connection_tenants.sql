-- Whose people may log in at an identity provider of several tenants, with spaces between (MET-2).
ALTER TABLE sso_connection ADD COLUMN tenants TEXT NOT NULL DEFAULT '';
