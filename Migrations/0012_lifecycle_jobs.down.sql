ALTER TABLE workspaces DROP COLUMN managed;
ALTER TABLE lifecycle_jobs DROP COLUMN repeats;
ALTER TABLE lifecycle_jobs ALTER COLUMN created_at SET DEFAULT now();
DROP INDEX lifecycle_jobs_workspace;
DROP INDEX lifecycle_jobs_one_running;
