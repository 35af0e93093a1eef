SET LOCAL lock_timeout = '5s';

-- No operator created it: its agent registered an id of its own, which development allows. It gets no secrets of all.
ALTER TABLE workspaces ADD COLUMN self_registered boolean NOT NULL DEFAULT false;

-- A registration that finds no row names it by its id; nobody who creates one knows the id.
UPDATE workspaces SET self_registered = true WHERE name = id::text AND NOT external;
