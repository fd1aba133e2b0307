-- Who came through a connection of a customer (ADM-8), and the search for a user in the log (LOG-5).
CREATE INDEX sso_log_user ON sso_log (user_id, customer_key);
