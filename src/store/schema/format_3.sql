-- Format 3: what the console shows of a request, and what the history can tell of a moment that is past.

-- The position of a request's first change within its run, so that what it said can be looked up in the outbox.
ALTER TABLE journal ADD COLUMN first_position INTEGER;

-- outbox.wave has one number more: 3 = a member of the baseline, told again because everyone is. What enters is
-- told from what is repeated by that. A full refresh of an older format has both in wave 1, and passes for entries.

-- Plans of runs that were forgotten before them; nothing can be told from them any more.
DELETE FROM outbox WHERE run_id NOT IN (SELECT id FROM runs);
DELETE FROM rejections WHERE run_id NOT IN (SELECT id FROM runs);
