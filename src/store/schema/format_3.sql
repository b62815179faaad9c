-- Format 3: what the console shows of a request, what the history can tell of a moment that is past, and what was
-- verified.

-- The position of a request's first change within its run, so that what it said can be looked up in the outbox.
ALTER TABLE journal ADD COLUMN first_position INTEGER;

-- outbox.wave has one number more: 3 = a member of the baseline, told again because everyone is. What enters is
-- told from what is repeated by that. A full refresh of an older format has both in wave 1, and passes for entries.

-- Plans of runs that were forgotten before them; nothing can be told from them any more.
DELETE FROM outbox WHERE run_id NOT IN (SELECT id FROM runs);
DELETE FROM rejections WHERE run_id NOT IN (SELECT id FROM runs);

-- What looking at mParticle found: the newest verification of each attribute, and one that is under way. One that has
-- not ended counts for nothing.
-- sample: how many people it looks at, at most; NULL = everybody.
-- accounts: a JSON array of the groups (adds, removes, steady), each
-- [people, checked, found, wrong, without a profile, without the attribute].
CREATE TABLE verifications (
  id                INTEGER PRIMARY KEY AUTOINCREMENT,
  cohort_id         INTEGER NOT NULL,
  attribute         TEXT NOT NULL,
  sample            INTEGER,
  began_at          INTEGER NOT NULL,
  ended_at          INTEGER,
  accounts          TEXT NOT NULL DEFAULT '[]',
  drift_upper_bound REAL NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX verifications_of_cohort ON verifications (cohort_id, attribute, id);

-- The users about whom a verification found mParticle wrong, some hundreds to a row.
CREATE TABLE wrong_users (
  id              INTEGER PRIMARY KEY,
  verification_id INTEGER NOT NULL,
  users           INTEGER NOT NULL,
  packed          BLOB NOT NULL
) STRICT;
CREATE INDEX wrong_users_of_verification ON wrong_users (verification_id, id);
-- How it was asked, in text: method, address and, towards Mixpanel, the parameters; credentials are masked.
ALTER TABLE journal ADD COLUMN request TEXT NOT NULL DEFAULT '';

-- Users whom the answer took; NULL where nobody was told anything, or nobody can tell.
ALTER TABLE journal ADD COLUMN accepted INTEGER;
-- The requests of a run, and the one that told about a change.
CREATE INDEX journal_of_run ON journal (run_id, first_position);
