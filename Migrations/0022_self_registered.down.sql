SET LOCAL lock_timeout = '5s';

ALTER TABLE workspaces DROP COLUMN self_registered;
