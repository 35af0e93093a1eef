SET LOCAL lock_timeout = '5s';

DROP INDEX workspace_schedules_unplanned;
DROP INDEX workspace_schedules_name;
CREATE UNIQUE INDEX workspace_schedules_name ON workspace_schedules (workspace_id, name) WHERE name <> '';
CREATE INDEX workspace_schedules_workspace ON workspace_schedules (workspace_id, created_at);
DROP INDEX a2a_queue_ended_runs;
DROP INDEX a2a_queue_runs;
ALTER TABLE a2a_queue DROP COLUMN run_is_manual, DROP COLUMN run_recorded;
ALTER TABLE workspaces DROP COLUMN schedules_from;
ALTER TABLE workspace_schedules DROP COLUMN put_off_from, DROP COLUMN missed, DROP COLUMN overlap;
