SET LOCAL lock_timeout = '5s';

-- What has ended, in the order in which it did: the sweeper finds the oldest of it at the beginning of an index, whether
-- there is much of it or nothing.
CREATE INDEX a2a_queue_ended ON a2a_queue (completed_at) WHERE status IN ('completed', 'dropped', 'failed');
CREATE INDEX delegations_ended ON delegations (updated_at) WHERE status IN ('completed', 'failed') OR recorded;
CREATE INDEX lifecycle_jobs_ended ON lifecycle_jobs (completed_at) WHERE completed_at IS NOT NULL;
CREATE INDEX workspace_auth_tokens_revoked ON workspace_auth_tokens (revoked_at) WHERE revoked_at IS NOT NULL;
CREATE INDEX org_api_tokens_revoked ON org_api_tokens (revoked_at) WHERE revoked_at IS NOT NULL;

-- They know of each stretch of a table the oldest and the newest row that it ever had. Where rows go and new ones take
-- their place, each stretch soon has had everything, and a search by age reads the whole table.
DROP INDEX structure_events_age;
DROP INDEX activity_logs_age;
DROP INDEX a2a_queue_age;
DROP INDEX delegations_age;

-- Rows are deleted from them now, from one end.
ALTER TABLE activity_logs SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
ALTER TABLE idempotent_sends SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);

-- The last event, in the order of the log, that was pruned: who stands before it has a gap behind. One row.
CREATE TABLE event_log_floor (
    is_only        boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    transaction_id xid8 NOT NULL,
    sequence       bigint NOT NULL
) WITH (fillfactor = 50);
INSERT INTO event_log_floor (transaction_id, sequence) VALUES ('0', 0);

-- A pass that has only ever failed has no tick, and says why.
ALTER TABLE subsystem_ticks ALTER COLUMN last_tick_at DROP NOT NULL;

-- By what a dead letter is recognised that is handed out again.
ALTER TABLE dead_messages ADD COLUMN fingerprint bytea CHECK (octet_length(fingerprint) = 32);
CREATE UNIQUE INDEX dead_messages_fingerprint ON dead_messages (fingerprint);
-- Newest first, of one queue or one type.
CREATE INDEX dead_messages_queue ON dead_messages (queue, id);
CREATE INDEX dead_messages_type ON dead_messages (type, id);
