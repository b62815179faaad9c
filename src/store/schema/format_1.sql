-- The state file. Rows are for what is few; what is many is packed, see packing.rs.
-- Times are milliseconds since 1970, UTC.

CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;

-- The last cohort list, so that the console opens with something to read.
CREATE TABLE cohorts (
  id            INTEGER PRIMARY KEY,
  place         INTEGER NOT NULL,
  listed        INTEGER NOT NULL,
  name          TEXT NOT NULL,
  description   TEXT NOT NULL,
  users         INTEGER,
  created       TEXT NOT NULL,
  visible       INTEGER NOT NULL,
  data_group_id TEXT
) STRICT;

CREATE TABLE syncs (
  cohort_id    INTEGER PRIMARY KEY,
  pinned_name  TEXT NOT NULL,
  attribute    TEXT NOT NULL,
  kind         TEXT NOT NULL,
  status       TEXT NOT NULL,
  pause_cause  TEXT,
  pause_reason TEXT,
  paused_at    INTEGER,
  held_run     INTEGER,
  interval_ms  INTEGER NOT NULL,
  next_due     INTEGER,
  since        INTEGER NOT NULL,
  baseline     INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Who mParticle last acknowledged as a member: identities in key order, some thousands to a chunk.
CREATE TABLE baseline (
  id        INTEGER PRIMARY KEY,
  cohort_id INTEGER NOT NULL,
  form      INTEGER NOT NULL,
  first_key BLOB NOT NULL,
  members   INTEGER NOT NULL,
  chunk     BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX baseline_in_order ON baseline (cohort_id, form, first_key);

CREATE TABLE runs (
  id               INTEGER PRIMARY KEY AUTOINCREMENT,
  cohort_id        INTEGER NOT NULL,
  cohort           TEXT NOT NULL,
  attribute        TEXT NOT NULL,
  kind             TEXT NOT NULL,
  started_by       TEXT NOT NULL,
  phase            TEXT NOT NULL,
  outcome          TEXT,
  error            TEXT,
  started_at       INTEGER NOT NULL,
  ended_at         INTEGER,
  phases           TEXT NOT NULL DEFAULT '[]',
  matched          INTEGER NOT NULL DEFAULT 0,
  unmatched        INTEGER NOT NULL DEFAULT 0,
  unsendable       INTEGER NOT NULL DEFAULT 0,
  duplicates       INTEGER NOT NULL DEFAULT 0,
  suspect          INTEGER NOT NULL DEFAULT 0,
  anonymous        INTEGER NOT NULL DEFAULT 0,
  adds             INTEGER NOT NULL DEFAULT 0,
  adds_accepted    INTEGER NOT NULL DEFAULT 0,
  adds_rejected    INTEGER NOT NULL DEFAULT 0,
  removes          INTEGER NOT NULL DEFAULT 0,
  removes_accepted INTEGER NOT NULL DEFAULT 0,
  removes_rejected INTEGER NOT NULL DEFAULT 0,
  unchanged        INTEGER NOT NULL DEFAULT 0,
  requests         INTEGER NOT NULL DEFAULT 0,
  retries          INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX runs_of_cohort ON runs (cohort_id, id);

-- The plan of a run, one row a request, written before the first one leaves.
-- state: planned → claimed (may be on its way) → answered (accepted but for its rejections);
-- superseded = claimed once, its users have been told anew since; dry = never to be sent.
CREATE TABLE outbox (
  id             INTEGER PRIMARY KEY,
  run_id         INTEGER NOT NULL,
  cohort_id      INTEGER NOT NULL,
  first_position INTEGER NOT NULL,
  users          INTEGER NOT NULL,
  state          TEXT NOT NULL,
  answered_at    INTEGER,
  http_status    INTEGER,
  tries          INTEGER NOT NULL DEFAULT 0,
  changes        BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX outbox_in_order ON outbox (run_id, first_position);
CREATE INDEX outbox_uncertain ON outbox (cohort_id) WHERE state = 'claimed';
CREATE INDEX outbox_waiting ON outbox (run_id, first_position) WHERE state = 'planned';

CREATE TABLE rejections (
  run_id   INTEGER NOT NULL,
  position INTEGER NOT NULL,
  reason   TEXT NOT NULL,
  PRIMARY KEY (run_id, position)
) STRICT;

-- What was remarkable about the profiles of a run's read: who lacks an id and why, duplicates, suspects.
CREATE TABLE remarks (
  id        INTEGER PRIMARY KEY,
  run_id    INTEGER NOT NULL,
  cohort_id INTEGER NOT NULL,
  lacking   INTEGER NOT NULL,
  profiles  INTEGER NOT NULL,
  remarks   BLOB NOT NULL
) STRICT;
CREATE INDEX remarks_of_run ON remarks (run_id, lacking, id);
CREATE INDEX remarks_of_cohort ON remarks (cohort_id, run_id);

-- Requests and answers, bounded; credentials are masked before they come here.
CREATE TABLE journal (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  at         INTEGER NOT NULL,
  run_id     INTEGER,
  cohort_id  INTEGER,
  side       TEXT NOT NULL,
  what       TEXT NOT NULL,
  users      INTEGER NOT NULL,
  bytes      INTEGER NOT NULL,
  status     INTEGER,
  elapsed_ms INTEGER NOT NULL,
  try        INTEGER NOT NULL,
  answer     TEXT NOT NULL
) STRICT;

-- Queries charged by Mixpanel in the rolling hour.
CREATE TABLE queries (
  at INTEGER NOT NULL
) STRICT;

-- What the console remembers; losing it is harmless.
CREATE TABLE ui (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;
