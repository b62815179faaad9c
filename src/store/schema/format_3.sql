-- Format 3: what the console shows of a request.

-- The position of a request's first change within its run, so that what it said can be looked up in the outbox.
ALTER TABLE journal ADD COLUMN first_position INTEGER;

-- How it was asked, in text: method, address and, towards Mixpanel, the parameters; credentials are masked.
ALTER TABLE journal ADD COLUMN request TEXT NOT NULL DEFAULT '';

-- Users whom the answer took; NULL where nobody was told anything, or nobody can tell.
ALTER TABLE journal ADD COLUMN accepted INTEGER;
