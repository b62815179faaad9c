-- Format 3: what the console shows of a request.

-- The position of a request's first change within its run, so that what it said can be looked up in the outbox.
ALTER TABLE journal ADD COLUMN first_position INTEGER;

-- The requests of a run, and the one that told about a change.
CREATE INDEX journal_of_run ON journal (run_id, first_position);
