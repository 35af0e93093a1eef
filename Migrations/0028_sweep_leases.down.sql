SET LOCAL lock_timeout = '5s';

ALTER TABLE orphan_sightings ADD COLUMN stopped_at timestamptz;
DROP TABLE image_observations;
DROP TABLE sweep_leases;
