-- A browser's open logins are counted at each start (REQ-8).
CREATE INDEX flow_browser ON flow (browser_digest, id);
