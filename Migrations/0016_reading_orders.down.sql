SET LOCAL lock_timeout = '5s';

DROP INDEX delegations_result;
CREATE INDEX structure_events_workspace ON structure_events (workspace_id, sequence);
DROP INDEX structure_events_workspace_log;
