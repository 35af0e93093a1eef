SET LOCAL lock_timeout = '5s';

LOCK TABLE structure_events IN ACCESS EXCLUSIVE MODE;

-- The durable events that the broker has not confirmed yet. In a table of its own: a row of the log is never changed, and
-- a mark in it would be a new version of the row with an entry in each of its indexes.
CREATE TABLE event_outbox (
    sequence   bigint PRIMARY KEY,
    created_at timestamptz NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);

INSERT INTO event_outbox (sequence, created_at)
SELECT sequence, created_at FROM structure_events WHERE published_at IS NULL;

CREATE FUNCTION note_unpublished_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- What stands there already (numbers that began anew, a restored backup) stops no writer.
    INSERT INTO event_outbox (sequence, created_at) SELECT sequence, created_at FROM added ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;

-- Whoever writes an event has to publish it: no statement can forget to say so.
CREATE TRIGGER structure_events_unpublished AFTER INSERT ON structure_events
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION note_unpublished_events();

DROP INDEX structure_events_unpublished;
ALTER TABLE structure_events DROP COLUMN published_at;
