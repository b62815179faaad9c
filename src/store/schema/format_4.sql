-- Format 4: what explains users who are missing, and requests that tell something of several cohorts.

-- Remarks are kept in columns from now on, so that long lists are searched and grouped without unpacking every user:
-- form 1 = one after the other, form 2 = in columns.
ALTER TABLE remarks ADD COLUMN form INTEGER NOT NULL DEFAULT 1;

-- What a whole read told besides its counts; kept as long as its remarks.
-- tallies: how many profiles hold an MPID in which property, and which values the matched ones have.
-- neighbours: the exact ids that rounded ones may have been.
CREATE TABLE reads (
  run_id     INTEGER PRIMARY KEY,
  cohort_id  INTEGER NOT NULL,
  tallies    BLOB NOT NULL,
  neighbours BLOB
) STRICT;

-- Rows of several runs that are one request: a user who is in more than one of them is told in one batch. It is the id
-- of the first of these rows; NULL is a request on its own. They are claimed, split and answered together.
ALTER TABLE outbox ADD COLUMN parcel INTEGER;
CREATE INDEX outbox_parcels ON outbox (parcel) WHERE parcel IS NOT NULL;
