SET LOCAL lock_timeout = '5s';

DROP INDEX a2a_queue_held;
DROP INDEX a2a_queue_first;
DROP INDEX a2a_queue_requeued;
DROP INDEX a2a_queue_claim;
CREATE INDEX a2a_queue_claim ON a2a_queue (workspace_id, priority DESC, enqueued_at, id) WHERE status = 'queued';

ALTER TABLE a2a_queue
    DROP COLUMN first_dispatch,
    DROP COLUMN deliveries,
    DROP COLUMN refused_seconds,
    DROP COLUMN refusals,
    DROP COLUMN held_until,
    DROP COLUMN requeued_at;
