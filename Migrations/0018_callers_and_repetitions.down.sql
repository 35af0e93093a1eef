SET LOCAL lock_timeout = '5s';

ALTER TABLE idempotent_sends DROP COLUMN message_id, DROP COLUMN runs;

-- Of several callers' messages with one id all but the oldest go on without their key: they are delivered all the same.
UPDATE a2a_queue q SET idempotency_key = NULL
WHERE q.status IN ('queued', 'dispatched') AND EXISTS (
    SELECT FROM a2a_queue o
    WHERE o.workspace_id = q.workspace_id AND o.idempotency_key = q.idempotency_key
        AND o.status IN ('queued', 'dispatched') AND (o.enqueued_at, o.id) < (q.enqueued_at, q.id));
CREATE UNIQUE INDEX a2a_queue_idempotency ON a2a_queue (workspace_id, idempotency_key)
    WHERE status IN ('queued', 'dispatched') AND idempotency_key IS NOT NULL;
DROP INDEX a2a_queue_message;
ALTER TABLE a2a_queue DROP COLUMN operator_key;
