SET LOCAL lock_timeout = '5s';

LOCK TABLE structure_events IN ACCESS EXCLUSIVE MODE;

-- A default that no row has to be rewritten for.
ALTER TABLE structure_events ADD COLUMN published_at timestamptz DEFAULT now();
ALTER TABLE structure_events ALTER COLUMN published_at DROP DEFAULT;
UPDATE structure_events SET published_at = NULL WHERE sequence IN (SELECT sequence FROM event_outbox);
CREATE INDEX structure_events_unpublished ON structure_events (sequence) WHERE published_at IS NULL;

DROP TRIGGER structure_events_unpublished ON structure_events;
DROP FUNCTION note_unpublished_events();
DROP TABLE event_outbox;
