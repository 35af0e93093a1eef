SET LOCAL lock_timeout = '5s';

ALTER TABLE structure_events ADD CONSTRAINT structure_events_id_key UNIQUE (id);
