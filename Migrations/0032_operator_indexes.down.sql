SET LOCAL lock_timeout = '5s';

DROP INDEX workspace_schedules_paused;
DROP INDEX workspace_schedules_troubled;
DROP INDEX workspaces_name;
DROP INDEX a2a_queue_history;
DROP INDEX a2a_queue_retrying;
DROP INDEX a2a_queue_waiting;
