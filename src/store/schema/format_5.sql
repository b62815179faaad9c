-- Format 5: what a run settles is laid over the chunks of a baseline before it is folded into them, so that a few
-- changes of a large baseline do not rewrite all of it.

-- layer: 0 = the chunks; 1 = who is in the baseline though not in its chunks; 2 = who is in its chunks only.
ALTER TABLE baseline ADD COLUMN layer INTEGER NOT NULL DEFAULT 0;
DROP INDEX baseline_in_order;
CREATE UNIQUE INDEX baseline_in_order ON baseline (holding_id, layer, form, first_key);
