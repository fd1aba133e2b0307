-- Options of a connection that came later; each default is what a connection did before.
ALTER TABLE sso_connection ADD COLUMN is_userinfo_post INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sso_connection ADD COLUMN claims_first TEXT NOT NULL DEFAULT 'id_token';
ALTER TABLE sso_connection ADD COLUMN pkce TEXT NOT NULL DEFAULT 'S256';
ALTER TABLE sso_connection ADD COLUMN trusted_audiences TEXT NOT NULL DEFAULT '';
ALTER TABLE sso_connection ADD COLUMN required_amr TEXT NOT NULL DEFAULT '';
ALTER TABLE sso_connection ADD COLUMN is_launch_passed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sso_connection ADD COLUMN is_target_strict INTEGER NOT NULL DEFAULT 1;
ALTER TABLE sso_connection ADD COLUMN patient_parameter TEXT NOT NULL DEFAULT 'bsn';
ALTER TABLE sso_connection ADD COLUMN frame_ancestors TEXT NOT NULL DEFAULT '';
ALTER TABLE sso_connection ADD COLUMN is_digest_mailed INTEGER NOT NULL DEFAULT 1;
ALTER TABLE sso_connection ADD COLUMN is_user_mailed INTEGER NOT NULL DEFAULT 1;
ALTER TABLE sso_connection ADD COLUMN handover TEXT NOT NULL DEFAULT 'code';
