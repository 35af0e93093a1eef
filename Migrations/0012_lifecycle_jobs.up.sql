-- One job of a workspace at a time: a start that is under way and the removal that follows it must not overlap.
CREATE UNIQUE INDEX lifecycle_jobs_one_running ON lifecycle_jobs (workspace_id)
    WHERE completed_at IS NULL AND lease_owner IS NOT NULL;
-- A job waits for the older ones of its workspace.
CREATE INDEX lifecycle_jobs_workspace ON lifecycle_jobs (workspace_id, created_at, id) WHERE completed_at IS NULL;

-- The time of the insert, not of the transaction's beginning, which may have waited long for a lock.
ALTER TABLE lifecycle_jobs ALTER COLUMN created_at SET DEFAULT clock_timestamp();
-- What a start that is under way has read may have changed meanwhile: do it once more when it is done.
ALTER TABLE lifecycle_jobs ADD COLUMN repeats boolean NOT NULL DEFAULT false;

-- We start and stop it: not an agent that was started by its owner and registered itself.
ALTER TABLE workspaces ADD COLUMN managed boolean NOT NULL DEFAULT false;
