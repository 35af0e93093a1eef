ALTER TABLE lifecycle_jobs DROP COLUMN repeats;
DROP INDEX lifecycle_jobs_one_running;
