-- Keys that Sluis signs with; times as in 001. ends_at 0: its successor is not known yet.
CREATE TABLE signing_key (
  kid TEXT PRIMARY KEY,
  alg TEXT NOT NULL,
  private_sealed $BLOB NOT NULL,
  announced_at BIGINT NOT NULL,
  active_at BIGINT NOT NULL,
  ends_at BIGINT NOT NULL DEFAULT 0
);
