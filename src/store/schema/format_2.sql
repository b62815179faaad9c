-- Format 2: what mParticle holds is kept by attribute, so that a sync can move to another attribute or leave one
-- behind tidily; a plan is sent in waves; runs have a purpose; a sync has limits and a refresh of its own.
-- Blobs end with a seal (see packing.rs); sealing what is there already is beyond SQL and stands in migration.rs.

-- Who holds an attribute in mParticle because of a cohort: the head of a baseline. A sync works on the one that
-- bears its attribute; others are former attributes with people left.
-- clean_up: NULL = they keep it; 'false' or 'delete' = everyone is to be told that.
CREATE TABLE holdings (
  id        INTEGER PRIMARY KEY,
  cohort_id INTEGER NOT NULL,
  attribute TEXT NOT NULL,
  members   INTEGER NOT NULL DEFAULT 0,
  clean_up  TEXT,
  UNIQUE (cohort_id, attribute)
) STRICT;
INSERT INTO holdings (cohort_id, attribute, members) SELECT cohort_id, attribute, baseline FROM syncs;

DROP INDEX baseline_in_order;
ALTER TABLE baseline RENAME COLUMN cohort_id TO holding_id;
DELETE FROM baseline WHERE holding_id NOT IN (SELECT cohort_id FROM holdings);
UPDATE baseline SET holding_id = (SELECT id FROM holdings WHERE cohort_id = baseline.holding_id);
CREATE UNIQUE INDEX baseline_in_order ON baseline (holding_id, form, first_key);

ALTER TABLE syncs DROP COLUMN baseline;
-- NULL = the configured limit.
ALTER TABLE syncs ADD COLUMN max_removal_share REAL;
-- When mParticle was last told every member.
ALTER TABLE syncs ADD COLUMN last_full INTEGER;
-- Whether that was asked for and has still to be done.
ALTER TABLE syncs ADD COLUMN full_wanted INTEGER NOT NULL DEFAULT 0;
-- Some users of a held plan, as a JSON array of texts.
ALTER TABLE syncs ADD COLUMN held_sample TEXT NOT NULL DEFAULT '[]';

-- A plan of format 1 has one wave, in order of identity.
ALTER TABLE outbox ADD COLUMN wave INTEGER NOT NULL DEFAULT 0;
DROP INDEX outbox_waiting;
CREATE INDEX outbox_waiting ON outbox (run_id, wave, first_position) WHERE state = 'planned';

-- A request of which nobody knows whether mParticle took it is 'claimed' while a copy may still be on its way, and
-- 'doubted' once every try was answered, though with an error of the server's.
DROP INDEX outbox_uncertain;
CREATE INDEX outbox_uncertain ON outbox (cohort_id) WHERE state IN ('claimed', 'doubted');

-- Somebody who was rejected although an earlier try, whose answer was lost, may have been taken.
ALTER TABLE rejections ADD COLUMN in_doubt INTEGER NOT NULL DEFAULT 0;
CREATE INDEX rejections_in_doubt ON rejections (run_id, position) WHERE in_doubt = 1;

ALTER TABLE runs ADD COLUMN purpose TEXT NOT NULL DEFAULT 'update';
