SET LOCAL lock_timeout = '5s';

CREATE INDEX a2a_queue_history_without_target ON a2a_queue (status, enqueued_at, id)
    WHERE status IN ('completed', 'dropped', 'failed');
DROP INDEX a2a_queue_history;
ALTER INDEX a2a_queue_history_without_target RENAME TO a2a_queue_history;
