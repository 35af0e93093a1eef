SET LOCAL lock_timeout = '5s';

ALTER TABLE workspace_vitals DROP COLUMN overrides_changed_at;
ALTER TABLE delegations DROP COLUMN ended_by_source;
