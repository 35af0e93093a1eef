SET LOCAL lock_timeout = '5s';

-- Its source said how it ended, which no retry of its message takes back.
ALTER TABLE delegations ADD COLUMN ended_by_source boolean NOT NULL DEFAULT false;

-- When a heartbeat last changed the capabilities or the idle timeout: what was changed by a transaction has its time.
ALTER TABLE workspace_vitals ADD COLUMN overrides_changed_at timestamptz;
