DROP TABLE structure_events;
