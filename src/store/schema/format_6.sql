-- Format 6: what a request says stands apart from how it stands. Every request is claimed and answered, and each of these
-- writes its row anew, which held all its users until now.

-- id: that of the request in outbox.
CREATE TABLE outbox_changes (
  id      INTEGER PRIMARY KEY,
  changes BLOB NOT NULL
) STRICT;
INSERT INTO outbox_changes (id, changes) SELECT id, changes FROM outbox;
ALTER TABLE outbox DROP COLUMN changes;

CREATE TRIGGER outbox_forgets AFTER DELETE ON outbox BEGIN
  DELETE FROM outbox_changes WHERE id = OLD.id;
END;

-- A request whose changes are gone is damage, and has to be noticed: it is there, without changes.
CREATE VIEW whole_requests AS
  SELECT outbox.id, run_id, cohort_id, first_position, users, state, answered_at, http_status, tries, wave, parcel, changes
  FROM outbox LEFT JOIN outbox_changes ON outbox_changes.id = outbox.id;
