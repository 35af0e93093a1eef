SET LOCAL lock_timeout = '5s';

DROP INDEX dead_messages_type;
DROP INDEX dead_messages_queue;
ALTER TABLE dead_messages DROP COLUMN fingerprint;

UPDATE subsystem_ticks SET last_tick_at = clock_timestamp() WHERE last_tick_at IS NULL;
ALTER TABLE subsystem_ticks ALTER COLUMN last_tick_at SET NOT NULL;

DROP TABLE event_log_floor;

ALTER TABLE idempotent_sends RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold);
ALTER TABLE activity_logs RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold);

CREATE INDEX structure_events_age ON structure_events USING brin (created_at) WITH (pages_per_range = 32);
CREATE INDEX activity_logs_age ON activity_logs USING brin (created_at) WITH (pages_per_range = 32);
CREATE INDEX a2a_queue_age ON a2a_queue USING brin (enqueued_at) WITH (pages_per_range = 32);
CREATE INDEX delegations_age ON delegations USING brin (created_at) WITH (pages_per_range = 32);

DROP INDEX org_api_tokens_revoked;
DROP INDEX workspace_auth_tokens_revoked;
DROP INDEX lifecycle_jobs_ended;
DROP INDEX delegations_ended;
DROP INDEX a2a_queue_ended;
