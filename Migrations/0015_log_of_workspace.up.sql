-- The log of one workspace is read in the order of the log, by viewers who resume; the newest of it, too.
CREATE INDEX structure_events_workspace_log ON structure_events (workspace_id, transaction_id, sequence);
DROP INDEX structure_events_workspace;
