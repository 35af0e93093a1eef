SET LOCAL lock_timeout = '5s';

-- The log of one workspace is read in the order of the log, by viewers who resume; the newest of it, too.
CREATE INDEX structure_events_workspace_log ON structure_events (workspace_id, transaction_id, sequence);
DROP INDEX structure_events_workspace;
-- The results of what a workspace delegated, newest first: every agent asks for them every half minute.
CREATE INDEX delegations_result ON delegations (source_id, (coalesce(completed_at, result_at)) DESC)
    WHERE result_at IS NOT NULL;
