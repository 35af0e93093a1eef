SET LOCAL lock_timeout = '5s';

-- In a migration of their own: while they are built, writers wait, but nobody who reads, as it would be behind the column.

-- The queue of the whole fleet by the age of its items, one index for each state that people look for: an item is in one
-- of them at a time. What runs is found by a2a_queue_running, since it is never more than the calls in flight. New items
-- come at the end of an index, so that storing one touches the same page as the one before.
CREATE INDEX a2a_queue_waiting ON a2a_queue (enqueued_at, id) WHERE status = 'queued' AND attempts = 0 AND refusals = 0;
CREATE INDEX a2a_queue_retrying ON a2a_queue (enqueued_at, id)
    WHERE status = 'queued' AND (attempts > 0 OR refusals > 0);
CREATE INDEX a2a_queue_history ON a2a_queue (status, enqueued_at, id) WHERE status IN ('completed', 'dropped', 'failed');

-- The fleet by name, in which order it is listed unless another is asked for, and counted.
CREATE INDEX workspaces_name ON workspaces (lower(name), id) WHERE status <> 'removed';

-- The schedules of the fleet: those that fail before the others, each by when it is due next. Late ones and those that are
-- well are found by workspace_schedules_due, what was never planned by workspace_schedules_unplanned.
CREATE INDEX workspace_schedules_troubled ON workspace_schedules (last_status, next_run_at, id)
    WHERE enabled AND last_status IN ('error', 'stale', 'skipped');
CREATE INDEX workspace_schedules_paused ON workspace_schedules (id) WHERE NOT enabled;
