SET LOCAL lock_timeout = '5s';

-- Which instance does a pass that asks a container engine or a registry: such calls take up to minutes, too long for a
-- transaction and its connection. A lease of an instance that died runs out.
CREATE TABLE sweep_leases (
    name        text PRIMARY KEY,
    owner       text NOT NULL,
    lease_until timestamptz NOT NULL
) WITH (fillfactor = 50);

-- The digest of each runtime's image that the fleet was last brought up to.
CREATE TABLE image_observations (
    runtime     text PRIMARY KEY,
    image       text NOT NULL,
    digest      text NOT NULL,
    observed_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);

-- A container that was stopped is gone, and its sighting with it.
ALTER TABLE orphan_sightings DROP COLUMN stopped_at;
