-- What happened to one object, over all chains: who opened a patient (AUD-4).
CREATE INDEX audit_subject ON audit (subject, action, at);
