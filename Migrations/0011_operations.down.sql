DROP TABLE dead_messages;
DROP TABLE orphan_sightings;
DROP TABLE subsystem_ticks;
DROP TABLE platform_state;
