-- The patient of a session by the digest of its internal reference, whether that patient was handed over
-- (VIEW-9), and what the application is to show about the login (codes, space separated).
ALTER TABLE sso_session ADD COLUMN patient_digest $BLOB;
ALTER TABLE sso_session ADD COLUMN is_patient_opened INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sso_session ADD COLUMN warnings TEXT NOT NULL DEFAULT '';
CREATE INDEX sso_session_patient ON sso_session (patient_digest) WHERE patient_digest IS NOT NULL;
