-- One job of a workspace at a time: a start that is under way and the removal that follows it must not overlap.
CREATE UNIQUE INDEX lifecycle_jobs_one_running ON lifecycle_jobs (workspace_id)
    WHERE completed_at IS NULL AND lease_owner IS NOT NULL;

-- What a start that is under way has read may have changed meanwhile: do it once more when it is done.
ALTER TABLE lifecycle_jobs ADD COLUMN repeats boolean NOT NULL DEFAULT false;
