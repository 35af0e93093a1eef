SET LOCAL lock_timeout = '5s';

-- Made at random by the insert, and looked up by nobody: consumers remember ids, we have the sequence. Keeping them unique
-- was an entry at a random place of a large index, twice for each event.
ALTER TABLE structure_events DROP CONSTRAINT structure_events_id_key;
